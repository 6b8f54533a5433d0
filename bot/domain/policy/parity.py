"""production-parity: what works here works in production, because it is configured alike.

Broken by differences of weight RISK (`bot/domain/comparison.py`); versions, sizes and what names
its environment may differ. Before a rollout only names are compared: the key that one side has and
the other lacks is the deploy that will crash.
"""

from bot.domain.comparison import Disparity, Weight
from bot.domain.policy.finding import Evidence, Judged, Scene, Standing
from bot.domain.redaction import MASK, redact
from bot.domain.verdict import Value

_TOLD = 8


def production_parity(scene: Scene) -> Judged:
    parity = scene.parity
    if parity is None:
        return Judged(Standing.UNKNOWN, "NO_OTHER")
    left, right = scene.environment.name, parity.other.name
    if not parity.here_is_left:
        left, right = right, left
    values: dict[str, Value] = {"other": parity.other.name, "left": left, "right": right}
    if parity.unknown:
        return Judged(Standing.UNKNOWN, "NOT_COMPARED", {**values, "why": parity.unknown})
    if parity.missing:
        return Judged(Standing.UNKNOWN, "NOT_THERE", values)
    risks = [each for each in parity.disparities if each.weight is Weight.RISK]
    if not risks:
        return Judged(Standing.KEPT, "PARITY", values)
    evidence = tuple(_evidence(each, left, right) for each in risks[:_TOLD])
    return Judged(Standing.BROKEN, "NO_PARITY", {**values, "count": len(risks)}, evidence)


def _evidence(each: Disparity, left: str, right: str) -> Evidence:
    """The codes are of the comparison; its own texts say them."""
    values: dict[str, Value] = {
        "path": each.path,
        "of": each.of,
        "area": each.area,
        "left": left,
        "right": right,
        "left_value": masked(each.path, each.left),
        "right_value": masked(each.path, each.right),
    }
    return Evidence(f"{each.code}", values)


def masked(path: str, value: str, longest: int = 60) -> str:
    """A value as a person may see it: known as a secret by its own looks, or by the name that its
    path ends with."""
    if not value:
        return ""
    name = path.removesuffix(".value").rpartition("[")[2].rstrip("]")
    if MASK in redact(f"{name}={value}") or MASK in redact(value):
        return MASK
    text = " ".join(value.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
