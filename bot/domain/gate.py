"""Gates: the automatic conditions before a rollout, each answered as a value.

All of them are read before anything is touched, and all that fail are told at once, each with
what would meet it (the words are in `bot/text` under `gate`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.verdict import Value


class Gate(StrEnum):
    PERMISSION = "PERMISSION"  # may this person deploy there?
    MANIFEST = "MANIFEST"  # is there a Deployment manifest, and is it sound?
    ORDER = "ORDER"  # did this digest run in the environment before?
    PAUSED = "PAUSED"  # is the Deployment free to roll?
    CLUSTER = "CLUSTER"  # does the API server take it (dry run), have we the rights?
    LOCK = "LOCK"  # does somebody else hold the place?
    WINDOW = "WINDOW"  # is it a time at which changes are made there?


OVERRIDABLE = frozenset({Gate.LOCK, Gate.WINDOW})
"""What people agreed on and the break-glass role may pass by with a reason; the rest are facts."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer. `code` names the sentence (with `values`): what is, and what would help.

    Codes: ALLOWED, NOT_ALLOWED (values: roles, who) · MANIFEST_FOUND, MANIFEST_MISSING,
    MANIFEST_INVALID (path, line, message) · FIRST_ENVIRONMENT, RAN_BEFORE, RAN_HERE, NOT_RUN_BEFORE
    (environment, version) · NOT_PAUSED, PAUSED · ACCEPTED, REFUSED (message), CONFLICT (owners,
    fields), FORBIDDEN (verb, resource, namespace), NAMESPACE_MISSING (namespace) · NO_LOCK,
    OWN_LOCK, LOCKED, LOCKED_BY_DYNAMO (where, service, environment, owner, who, reason, since,
    age_seconds, until: ISO or "") ·
    ALWAYS_OPEN, WINDOW_OPEN (closes_at: ISO or ""), WINDOW_CLOSED (opens_at: ISO or ""), FROZEN
    (reason, opens_at).
    """

    gate: Gate
    ok: bool
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


def all_open(results: Iterable[GateResult]) -> bool:
    return all(result.ok for result in results)
