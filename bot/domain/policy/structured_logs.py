"""structured-logs: what the service writes can be read by machines, line by line.

The share of the last lines that are JSON or logfmt. A stack trace is several lines of one event, so
a line that goes on from the one before counts with it. A few lines that a runtime writes by itself
as it starts are no breach: the share has to be low for that.
"""

from bot.domain.log_lines import continues, fields_of
from bot.domain.policy.finding import Evidence, Judged, Scene, Standing
from bot.domain.redaction import redact

ENOUGH = 20
"""Lines below which nothing is said: of ten lines one is ten per cent."""
SHARE = 0.9
_EXAMPLE = 120


def structured_logs(scene: Scene) -> Judged:
    if scene.logs is None:
        return Judged(Standing.UNKNOWN, "LOGS_LATER")
    lines = [line for line in scene.logs if line.strip() and not continues(line)]
    if len(lines) < ENOUGH:
        return Judged(Standing.UNKNOWN, "LOGS_FEW", {"count": len(lines), "least": ENOUGH})
    plain = [line for line in lines if not fields_of(line)]
    read = len(lines) - len(plain)
    values = {"read": read, "of": len(lines), "percent": int(100 * read / len(lines))}
    if read / len(lines) >= SHARE:
        return Judged(Standing.KEPT, "STRUCTURED", values)
    example = redact(plain[-1])[:_EXAMPLE]
    return Judged(
        Standing.BROKEN,
        "UNSTRUCTURED",
        {**values, "least": int(100 * SHARE)},
        (Evidence("LINE", {"line": example}),),
    )
