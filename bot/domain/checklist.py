"""The checklist of a release: who says that it is ready for production, bound to one digest. Pure.

A list belongs to a service and a digest. Of the lists of a service one is current: the release
that people talk about now; opening another's makes that one current, and buttons of the rest say
so. `tick` and `untick` answer with the list as it is then, or with why not; the store
(`bot/adapters/tables/checklists.py`) calls them inside its transaction, so that of two people who
press at once exactly one is recorded.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.gate import Gate, GateResult
from bot.domain.promotion import Commits
from bot.domain.rollout import CardRef
from config.catalog import ChecklistItem

LONGEST_EVIDENCE = 1_000
"""Characters of a link or note that goes with a tick."""


_NOWHERE = CardRef("")


@dataclass(frozen=True, slots=True)
class Tick:
    """`by` is a Slack user id, or "" where the evidence ticked it by itself."""

    by: str
    at: datetime
    evidence: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """The list that was current before this one, as it stood: its ticks did not carry over.
    `commits` are what this release adds to that one; None until the git host was asked."""

    version: str
    digest: str
    done: int
    of: int
    commits: Commits | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    service: str
    digest: str
    version: str
    opened_at: datetime
    opened_by: str = ""
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    card: CardRef = _NOWHERE
    before: Before | None = None
    replaced_by: str = ""  # the version whose list is current; "" while this one is
    closed_at: datetime | None = None  # the release came into production
    revision: int = 0

    def with_(self, **changes: object) -> "Checklist":
        return replace(self, **changes)  # type: ignore[arg-type]


class No(StrEnum):
    """Why a click changed nothing; the words are in `bot/text` under `checklist.no`."""

    NO_SUCH_ITEM = "NO_SUCH_ITEM"
    NOT_YOUR_ROLE = "NOT_YOUR_ROLE"
    ALREADY_TICKED = "ALREADY_TICKED"
    NOT_TICKED = "NOT_TICKED"
    CHANGED = "CHANGED"  # another tick stands there than the one that the reader saw
    AUTOMATIC = "AUTOMATIC"
    CLOSED = "CLOSED"
    STALE_DIGEST = "STALE_DIGEST"
    NO_LIST = "NO_LIST"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`item` where there is one; `tick` is the one that stands there."""

    why: No
    item: ChecklistItem | None = None
    tick: Tick | None = None
    list: Checklist | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who presses: their id, and the names of the roles they have at this moment."""

    id: str
    roles: frozenset[str] = frozenset()


def tick(
    checklist: Checklist,
    items: Sequence[ChecklistItem],
    item_id: str,
    person: Person,
    now: datetime,
    evidence: str = "",
) -> Checklist | Refusal:
    item = _item_for(checklist, items, item_id, person)
    if isinstance(item, Refusal):
        return item
    held = checklist.ticks.get(item.id)
    if held is not None:
        return Refusal(No.ALREADY_TICKED, item, held, checklist)
    return _with(checklist, item.id, Tick(person.id, now, evidence[:LONGEST_EVIDENCE]))


def untick(
    checklist: Checklist,
    items: Sequence[ChecklistItem],
    item_id: str,
    person: Person,
    seen: datetime | None = None,
) -> Checklist | Refusal:
    """Whoever may tick may take a tick back. `seen`: when the tick was made that the reader saw."""
    item = _item_for(checklist, items, item_id, person)
    if isinstance(item, Refusal):
        return item
    held = checklist.ticks.get(item.id)
    if held is None:
        return Refusal(No.NOT_TICKED, item, None, checklist)
    if seen is not None and held.at != seen:
        return Refusal(No.CHANGED, item, held, checklist)
    return _without(checklist, item.id)


def settle_automatic(
    checklist: Checklist, item: ChecklistItem, *, holds: bool, now: datetime, evidence: str = ""
) -> Checklist:
    """The list after a look at an item's evidence: ticked by it alone, and no longer ticked when
    it no longer holds. A closed list stays as it was."""
    held = item.id in checklist.ticks
    if holds == held or checklist.closed_at is not None:
        return checklist
    if holds:
        return _with(checklist, item.id, Tick("", now, evidence[:LONGEST_EVIDENCE], automatic=True))
    return _without(checklist, item.id)


def done(checklist: Checklist, items: Iterable[ChecklistItem]) -> int:
    """How many of the catalog's items are ticked; ticks of items that it has no more count not."""
    return sum(item.id in checklist.ticks for item in items)


def left_behind(former: Checklist, items: Sequence[ChecklistItem]) -> Before:
    """What the next list says of the one before it."""
    return Before(former.version, former.digest, done(former, items), len(items))


def to_compare(checklist: Checklist) -> Before | None:
    """The list before, while it is not known what changed since: not asked yet, or no answer."""
    before = checklist.before
    if before is None or (before.commits is not None and before.commits.unknown != "AWAY"):
        return None
    return before


def compared(checklist: Checklist, commits: Commits) -> Checklist:
    """The list with what changed since the one before it; what is known already stays."""
    before = to_compare(checklist)
    if before is None:
        return checklist
    return checklist.with_(before=replace(before, commits=commits))


def judge_checklist(
    checklist: Checklist, items: Sequence[ChecklistItem], who: Mapping[str, str]
) -> GateResult:
    """Whether every item is ticked. `who` says for each role's name who has it, as Slack ids.

    Values of CHECKLIST_OPEN: done, of, digest, and `waiting`: a JSON list of what is missing, each
    with its id, its text in each language, and who may tick it ("" where its evidence does).
    """
    missing = [item for item in items if item.id not in checklist.ticks]
    values = {"done": len(items) - len(missing), "of": len(items)}
    if not missing:
        return GateResult(Gate.CHECKLIST, True, "CHECKLIST_COMPLETE", values)
    waiting = [
        {"id": i.id, "en": i.text.en, "es": i.text.es, "who": who.get(i.role or "", "")}
        for i in missing
    ]
    said = {"waiting": json.dumps(waiting, ensure_ascii=False), "digest": checklist.digest}
    return GateResult(Gate.CHECKLIST, False, "CHECKLIST_OPEN", {**values, **said})


def _item_for(
    checklist: Checklist, items: Sequence[ChecklistItem], item_id: str, person: Person
) -> ChecklistItem | Refusal:
    """The item, where this person may change it on this list now."""
    item = next((each for each in items if each.id == item_id), None)
    if item is None:
        return Refusal(No.NO_SUCH_ITEM, list=checklist)
    if checklist.closed_at is not None:
        return Refusal(No.CLOSED, item, checklist.ticks.get(item.id), checklist)
    if checklist.replaced_by:
        return Refusal(No.STALE_DIGEST, item, None, checklist)
    if item.role is None:
        return Refusal(No.AUTOMATIC, item, checklist.ticks.get(item.id), checklist)
    if item.role not in person.roles:
        return Refusal(No.NOT_YOUR_ROLE, item, None, checklist)
    return item


def _with(checklist: Checklist, item_id: str, made: Tick) -> Checklist:
    return checklist.with_(ticks={**checklist.ticks, item_id: made})


def _without(checklist: Checklist, item_id: str) -> Checklist:
    kept = {each: held for each, held in checklist.ticks.items() if each != item_id}
    return checklist.with_(ticks=kept)
