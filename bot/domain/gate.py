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
    CI = "CI"  # are the checks of its commit green?
    CHECKLIST = "CHECKLIST"  # has everything been ticked that it needs?
    IMAGE = "IMAGE"  # can what a rollback goes back to still be pulled?
    POLICY = "POLICY"  # is what the environment promises kept?
    ANALYSIS = "ANALYSIS"  # was it as good as the one before where it ran until now?
    APPROVALS = "APPROVALS"  # did enough people say yes to this digest?


OVERRIDABLE = frozenset(
    {
        Gate.ORDER,
        Gate.CHECKLIST,
        Gate.CI,
        Gate.APPROVALS,
        Gate.LOCK,
        Gate.WINDOW,
        Gate.POLICY,
        Gate.ANALYSIS,
    }
)
"""What people agreed on and the break-glass role may pass by with a reason; the rest are facts."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer. `code` names the sentence (with `values`): what is, and what would help.

    Codes: ALLOWED, NOT_ALLOWED (values: roles, who) · MANIFEST_FOUND, MANIFEST_MISSING,
    MANIFEST_INVALID (path, line, message) · FIRST_ENVIRONMENT, RAN_BEFORE, RAN_HERE, NOT_RUN_BEFORE
    (environment, version) · NOT_PAUSED, PAUSED · ACCEPTED, REFUSED (message), CONFLICT (owners,
    fields), FORBIDDEN (verb, resource, namespace), NAMESPACE_MISSING (namespace) · NO_LOCK,
    OWN_LOCK, LOCKED, LOCKED_BY_DYNAMO (where, service, environment, owner, who, reason, since,
    age_seconds, until: a time as text, or "") ·
    ALWAYS_OPEN, WINDOW_OPEN (closes_at), WINDOW_CLOSED (opens_at), FROZEN (reason, opens_at) ·
    CI_GREEN, CI_PENDING, CI_RED (done, of, commit, checks: a json list of names and links),
    CI_NONE, CI_UNKNOWN_COMMIT, CI_NO_ACCESS (commit, repository, message), CI_NO_COMMIT,
    CI_NO_HOST, CI_SWITCHED_OFF, CI_RAN_HERE · CHECKLIST_COMPLETE, CHECKLIST_OPEN (done, of,
    digest, waiting: a json list, see `bot/domain/checklist.py`), CHECKLIST_RAN_HERE ·
    NO_APPROVAL_NEEDED, APPROVED, APPROVED_ALONE
    (have, need, given, expires_at), APPROVALS_MISSING, APPROVERS_TOO_FEW (the same, and roles,
    who, possible, void, expired, own), REJECTED (given, reason, at) · BREAK_GLASS, NOT_BREAK_GLASS,
    NOBODY_BREAKS_GLASS (roles, who) · TAG_MOVED (version) · OVERTAKEN (version, newer, at) ·
    SERVICE_GONE, ENVIRONMENT_GONE (name: `dynamo.yml` no longer has it) ·
    ANALYSIS_PASSED, ANALYSIS_OPEN, ANALYSIS_WARNED, ANALYSIS_FAILED, ANALYSIS_KEPT (environment,
    version, previous, who) · POLICIES_KEPT, POLICIES_WARN, POLICIES_BROKEN (environment, count,
    findings: see `bot/domain/policy/finding.py`) · IMAGE_RUNS, IMAGE_THERE, IMAGE_NOT_ASKED,
    IMAGE_GONE (version, image) · ACTS_BY_ITSELF, ACTS_NOT_BY_ITSELF (the bot itself asks).
    """

    gate: Gate
    ok: bool
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def opens_by_itself(self) -> bool:
        """Not met now, and nobody has to do anything for it: a request may wait for it."""
        return self.code in _WAITED_FOR

    @property
    def warns(self) -> bool:
        """Open, and something is to be told all the same."""
        return self.code in _TOLD

    @property
    def about_policies(self) -> bool:
        """Whether it says that something promised is not kept."""
        return self.gate is Gate.POLICY and (self.warns or not self.ok)


_TOLD = frozenset({"POLICIES_WARN", "ANALYSIS_WARNED"})
_WAITED_FOR = frozenset({"CI_PENDING"})


def only_waits(results: Iterable[GateResult]) -> bool:
    """Whether all that is not met opens by itself, and there is such a gate."""
    closed = [result for result in results if not result.ok]
    return bool(closed) and all(result.opens_by_itself for result in closed)


def all_open(results: Iterable[GateResult]) -> bool:
    return all(result.ok for result in results)


def passed_by(results: Iterable[GateResult]) -> tuple[GateResult, ...]:
    """The closed gates that break-glass passes by."""
    return tuple(each for each in results if not each.ok and each.gate in OVERRIDABLE)


def lets_through(results: Iterable[GateResult], *, overriding: bool = False) -> bool:
    """Whether nothing is in the way, or with break-glass nothing that it cannot pass by."""
    return all(each.ok or (overriding and each.gate in OVERRIDABLE) for each in results)
