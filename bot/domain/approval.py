"""Approvals: the yes or no of a person to one release in one environment. Pure.

An approval holds for exactly what it covers: one digest with one manifest (`fingerprint`). When
either changes it is void, and counts for nothing. It also ends with its time, and with the role of
whoever gave it. Whose counts is the environment's policy (`config.values.ApprovalPolicy`); with a
team of one the requester's own may, and that is said (`APPROVED_ALONE`).

The checklist is a gate of its own and is not covered: ticking an item takes no approval back.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.gate import Gate, GateResult
from bot.domain.verdict import Value
from config.values import ApprovalPolicy

LONGEST_REASON = 300
"""Characters of a reason; a longer one is refused with a word about it."""


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Approval:
    """`covers` is the fingerprint of what was approved, `role` the one in which it was decided."""

    service: str
    environment: str
    digest: str
    covers: str
    by: str  # Slack user id
    role: str
    decision: Decision
    at: datetime
    reason: str = ""
    version: str = ""  # as people called it then

    @property
    def recorded(self) -> dict[str, Any]:
        """As the audit log keeps it."""
        return {
            "digest": self.digest,
            "version": self.version,
            "covers": self.covers,
            "role": self.role,
            "reason": self.reason,
        }


def fingerprint(digest: str, manifests: Sequence[Mapping[str, Any]]) -> str:
    """What an approval covers: the digest and everything that would be sent with it. How many pods
    run is not part of it: a deploy never changes that."""
    content = json.dumps([digest, *map(_without_replicas, manifests)], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _without_replicas(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping) or "replicas" not in spec:
        return manifest
    return {**manifest, "spec": {name: spec[name] for name in spec if name != "replicas"}}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What approvals are asked for. `runs` is the digest that the environment runs now."""

    digest: str
    covers: str
    requester: str
    runs: str = ""


def judge_approvals(
    approvals: Iterable[Approval],
    policy: ApprovalPolicy | None,
    candidate: Candidate,
    members: Mapping[str, frozenset[str]],
    now: datetime,
) -> GateResult:
    """Whether enough people said yes. `approvals`: all of the service in the environment;
    `members`: who is in each of the policy's roles at this moment."""
    if policy is None:
        return GateResult(Gate.APPROVALS, True, "NO_APPROVAL_NEEDED")
    everybody = frozenset[str]().union(*(members.get(role, ()) for role in policy.roles))
    theirs = [approval for approval in approvals if approval.by in everybody]
    covered = [each for each in theirs if _covers(each, candidate)]
    no = [each for each in covered if each.decision is Decision.REJECT]
    if no:
        return _rejected(max(no, key=lambda each: each.at))
    alone = policy.small_team and everybody == {candidate.requester}
    need = 1 if alone else policy.count
    yes = [each for each in covered if each.decision is Decision.APPROVE]
    fresh = [each for each in yes if now < each.at + policy.valid_for]
    counting = [
        each for each in fresh if alone or policy.requester_counts or each.by != candidate.requester
    ]
    tally: dict[str, Value] = {"have": len(counting), "need": need}
    if len(counting) >= need:
        return _approved(counting, policy, candidate, tally)
    possible = everybody if alone or policy.requester_counts else everybody - {candidate.requester}
    unneeded = {
        "void": _by(_void(theirs, candidate, policy, now)),
        "expired": _by(each for each in yes if each not in fresh),
        "own": _by(each for each in fresh if each not in counting),
        "given": _by(counting),
    }
    code = "APPROVALS_MISSING" if len(possible) >= need else "APPROVERS_TOO_FEW"
    roles: dict[str, Value] = {"roles": ", ".join(policy.roles), "possible": len(possible)}
    times = _expiry(counting, len(counting), policy)
    return GateResult(Gate.APPROVALS, False, code, {**tally, **roles, **unneeded, **times})


def _covers(approval: Approval, candidate: Candidate) -> bool:
    same = (approval.digest, approval.covers) == (candidate.digest, candidate.covers)
    return same and bool(candidate.covers)


def _void(
    approvals: Iterable[Approval], candidate: Candidate, policy: ApprovalPolicy, now: datetime
) -> list[Approval]:
    """Yes to something else: another digest, or this one with another manifest. What runs there was
    approved to run there, and is of no interest any more."""
    return [
        each
        for each in approvals
        if each.decision is Decision.APPROVE
        and not _covers(each, candidate)
        and each.digest != candidate.runs
        and now < each.at + policy.valid_for
    ]


def _approved(
    counting: list[Approval], policy: ApprovalPolicy, candidate: Candidate, tally: dict[str, Value]
) -> GateResult:
    own = not policy.requester_counts and any(each.by == candidate.requester for each in counting)
    code = "APPROVED_ALONE" if own else "APPROVED"
    need = int(tally["need"])
    values = {**tally, "given": _by(counting), **_expiry(counting, need, policy)}
    return GateResult(Gate.APPROVALS, True, code, values)


def _rejected(no: Approval) -> GateResult:
    values = {"given": no.by, "reason": no.reason, "at": no.at.isoformat()}
    return GateResult(Gate.APPROVALS, False, "REJECTED", values)


def _expiry(counting: list[Approval], need: int, policy: ApprovalPolicy) -> dict[str, Value]:
    """Until when there are `need` of them."""
    ends = sorted((each.at + policy.valid_for for each in counting), reverse=True)
    return {"expires_at": ends[need - 1].isoformat()} if 0 < need <= len(ends) else {}


def _by(approvals: Iterable[Approval]) -> str:
    """User ids parted by blanks, as values of gates name people."""
    return " ".join(dict.fromkeys(each.by for each in approvals))


def rejected_since(result: GateResult, asked: datetime) -> bool:
    """Whether this is a no to the request itself, and not to one before it."""
    at = str(result.values.get("at", ""))
    return result.code == "REJECTED" and bool(at) and datetime.fromisoformat(at) >= asked


# --- one decision per person ---------------------------------------------------------------------


class Settled(StrEnum):
    """What a person's decision came to."""

    NEW = "NEW"
    CHANGED = "CHANGED"  # they had decided otherwise, or on something that is no longer there
    AGAIN = "AGAIN"  # it stands already: a double click


def settle(
    held: Approval | None, wanted: Approval, policy: ApprovalPolicy, asked: datetime
) -> Settled:
    """`held` is what this person decided on the same digest before; `asked` is when the request
    was made that it is about now: a no to an earlier one has to be said again."""
    if held is None:
        return Settled.NEW
    same = (held.decision, held.covers) == (wanted.decision, wanted.covers)
    if held.decision is Decision.REJECT:
        stands = held.at >= asked
    else:
        stands = wanted.at < held.at + policy.valid_for
    return Settled.AGAIN if same and stands else Settled.CHANGED
