"""What waits for one person now: their yes, their tick, their press. Pure.

It is only what their Home tab offers (`bot/cards/home.py`): whether they may is asked again at the
moment of the click, by the gates themselves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.checklist import Checklist
from bot.domain.gate import Gate
from bot.domain.rollout import Rollout, RolloutState
from config.catalog import ApprovalPolicy, ChecklistItem


@dataclass(frozen=True, slots=True)
class WaitingRollout:
    """A request that this person can bring forward. At least one of the two is True."""

    rollout: Rollout
    approve: bool = False  # their yes would count
    release: bool = False  # every gate is open, and they may press the button


@dataclass(frozen=True, slots=True)
class WaitingItems:
    """The items of a current checklist that are theirs to tick."""

    checklist: Checklist
    items: tuple[ChecklistItem, ...]


def waits_for_yes(
    rollout: Rollout, user: str, policy: ApprovalPolicy | None, everybody: frozenset[str]
) -> bool:
    """Whether a yes of this person would count, and is not given. `everybody`: who is in one of
    the policy's roles now."""
    if policy is None or rollout.state is not RolloutState.AWAITING_APPROVAL:
        return False
    if user not in everybody:
        return False
    alone = policy.small_team and everybody == {user}
    if user == rollout.requested_by.id and not (policy.requester_counts or alone):
        return False
    return any(
        gate.gate is Gate.APPROVALS
        and gate.code == "APPROVALS_MISSING"
        and user not in str(gate.values.get("given", "")).split()
        for gate in rollout.gates
    )


def waits_for_press(rollout: Rollout) -> bool:
    """Whether only somebody's press is missing."""
    waits = rollout.state is RolloutState.AWAITING_APPROVAL
    return waits and rollout.open_since is not None and not rollout.by_itself


def items_for(
    checklist: Checklist, items: Iterable[ChecklistItem], roles: frozenset[str]
) -> Sequence[ChecklistItem]:
    """What nobody has ticked yet, of those that one of these roles ticks; none of a list that is
    closed or has been replaced."""
    if checklist.closed_at is not None or checklist.replaced_by:
        return ()
    return [item for item in items if item.role in roles and item.id not in checklist.ticks]
