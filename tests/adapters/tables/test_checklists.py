"""Checklists on both databases: clicks at once are one after the other, and none is lost."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.databases import connection_to
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.checklists import ChecklistTable
from bot.domain.audit import AuditEntry
from bot.domain.checklist import Before, Checklist, No, Person, Refusal, left_behind, tick, untick
from bot.domain.rollout import CardRef
from bot.ports import Record
from config.catalog import ChecklistItem, Localized

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ITEMS = tuple(
    ChecklistItem(f"item-{n}", Localized(f"Item {n}", f"Punto {n}"), role="qa") for n in range(4)
)
PEOPLE = [Person(f"U0PERSON{n:02}", frozenset({"qa"})) for n in range(20)]


class Opened:
    """A store that can be closed and opened again, as a restart does."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def open(self) -> None:
        self.connection = connection_to(self._address)
        await self.connection.open()
        self.lists = ChecklistTable(self.connection)
        self.audit = AuditTable(self.connection)

    async def again(self) -> None:
        await self.connection.close()
        await self.open()


@pytest.fixture
async def file(address: str) -> AsyncIterator[Opened]:
    opened = Opened(address)
    await opened.open()
    yield opened
    await opened.connection.close()


def a_list(digest: str = NEW, version: str = "1.4.0") -> Checklist:
    return Checklist("tasks-service", digest, version, NOON, "U0BEN00000")


def leave(former: Checklist) -> Before:
    return left_behind(former, ITEMS)


def record(action: str, by: str = "U1") -> Record:
    def entry(before: Checklist, after: Checklist) -> AuditEntry:
        changed = {**before.ticks, **after.ticks}.keys() - (
            before.ticks.keys() & after.ticks.keys()
        )
        return AuditEntry(NOON, by, "button", action, "tasks-service/*", {}, {"items": [*changed]})

    return entry


async def test_a_list_comes_back_as_it_was_after_a_restart(file: Opened) -> None:
    await file.lists.open(a_list(), leave, record("open"))
    ticked = await file.lists.change(
        "tasks-service",
        NEW,
        lambda held: tick(held, ITEMS, "item-1", PEOPLE[0], NOON, "ñandú https://x/y"),
        record("tick"),
    )
    assert isinstance(ticked, Checklist)
    assert ticked.revision == 1
    await file.again()
    assert await file.lists.get("tasks-service", NEW) == ticked
    assert await file.lists.current("tasks-service") == ticked


async def test_opening_twice_is_opening_once(file: Opened) -> None:
    opened = await asyncio.gather(
        *(file.lists.open(a_list(), leave, record("open")) for _ in range(8))
    )
    assert {each[0].revision for each in opened} == {0}
    assert all(former is None for _, former in opened)
    assert len(await file.audit.page()) == 1


async def test_a_new_digest_starts_anew_and_says_what_it_left_behind(file: Opened) -> None:
    await file.lists.open(a_list(OLD, "1.3.2"), leave, record("open"))
    await file.lists.change(
        "tasks-service",
        OLD,
        lambda held: tick(held, ITEMS, "item-0", PEOPLE[0], NOON),
        record("tick"),
    )
    opened, former = await file.lists.open(a_list(), leave, record("open"))
    assert opened.ticks == {}
    assert opened.before == Before("1.3.2", OLD, 1, 4)
    assert former is not None
    assert former.digest == OLD
    old = await file.lists.get("tasks-service", OLD)
    assert old is not None
    assert (old.replaced_by, len(old.ticks)) == ("1.4.0", 1)
    assert await file.lists.current("tasks-service") == opened


async def test_an_older_release_can_be_made_current_again_with_its_ticks(file: Opened) -> None:
    await file.lists.open(a_list(OLD, "1.3.2"), leave, record("open"))
    await file.lists.change(
        "tasks-service",
        OLD,
        lambda held: tick(held, ITEMS, "item-0", PEOPLE[0], NOON),
        record("tick"),
    )
    await file.lists.open(a_list(), leave, record("open"))
    again, former = await file.lists.open(a_list(OLD, "1.3.2"), leave, record("open"))
    assert (again.replaced_by, [*again.ticks]) == ("", ["item-0"])
    assert former is not None
    new = await file.lists.get("tasks-service", NEW)
    assert new is not None
    assert new.replaced_by == "1.3.2"


async def test_a_refused_click_changes_nothing_and_records_nothing(file: Opened) -> None:
    opened, _ = await file.lists.open(a_list(), leave, record("open"))
    refused = await file.lists.change(
        "tasks-service",
        NEW,
        lambda held: tick(held, ITEMS, "nothing", PEOPLE[0], NOON),
        record("tick"),
    )
    assert isinstance(refused, Refusal)
    assert await file.lists.get("tasks-service", NEW) == opened
    assert len(await file.audit.page()) == 1


async def test_a_click_on_a_list_that_there_is_not_is_told(file: Opened) -> None:
    for service, digest in (("tasks-service", OLD), ("' or 1=1 --", NEW), ("", "")):
        answer = await file.lists.change(service, digest, lambda held: held, record("tick"))
        assert answer == Refusal(No.NO_LIST)


async def test_a_record_that_cannot_be_written_takes_the_tick_with_it(file: Opened) -> None:
    opened, _ = await file.lists.open(a_list(), leave, record("open"))

    def broken(before: Checklist, after: Checklist) -> AuditEntry:
        raise RuntimeError("no record")

    with pytest.raises(RuntimeError):
        await file.lists.change(
            "tasks-service", NEW, lambda held: tick(held, ITEMS, "item-0", PEOPLE[0], NOON), broken
        )
    assert await file.lists.get("tasks-service", NEW) == opened


async def test_of_two_who_tick_at_once_one_is_recorded_and_the_other_hears_of_it(
    file: Opened,
) -> None:
    await file.lists.open(a_list(), leave, record("open"))

    async def press(person: Person) -> Checklist | Refusal:
        return await file.lists.change(
            "tasks-service",
            NEW,
            lambda held: tick(held, ITEMS, "item-0", person, NOON),
            record("tick", person.id),
        )

    answers = await asyncio.gather(press(PEOPLE[0]), press(PEOPLE[1]))
    taken = [each for each in answers if isinstance(each, Checklist)]
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert len(taken) == len(refused) == 1
    assert refused[0].why is No.ALREADY_TICKED
    assert refused[0].tick == taken[0].ticks["item-0"]


async def test_a_thousand_clicks_of_twenty_people_are_each_recorded_exactly_once(
    file: Opened,
) -> None:
    await file.lists.open(a_list(), leave, record("open"))
    chance = random.Random(7)

    async def click(number: int) -> tuple[str, str, bool]:
        person = PEOPLE[number % 20]
        item = chance.choice(ITEMS).id
        verb = chance.choice(["tick", "untick"])
        at = NOON + timedelta(seconds=number)
        decided = await file.lists.change(
            "tasks-service",
            NEW,
            lambda held: (
                tick(held, ITEMS, item, person, at)
                if verb == "tick"
                else untick(held, ITEMS, item, person)
            ),
            record(verb, person.id),
        )
        return verb, item, isinstance(decided, Checklist)

    clicks = await asyncio.gather(*(click(number) for number in range(1_000)))
    taken = Counter((verb, item) for verb, item, ok in clicks if ok)
    records = await file.audit.page(limit=2_000)
    seen = [(each.entry.action, json.loads(each.body)["after"]["items"]) for each in records]
    assert Counter((a, items[0]) for a, items in seen if a != "open") == taken
    held = await file.lists.get("tasks-service", NEW)
    assert held is not None
    assert held.revision == sum(taken.values())
    for item in ITEMS:
        standing = taken["tick", item.id] - taken["untick", item.id]
        assert standing == int(item.id in held.ticks)
        # And in between they took turns: a tick, an untick, a tick …
        order = [a for a, items in reversed(seen) if items == [item.id]]
        assert order == ["tick", "untick"] * (len(order) // 2) + ["tick"] * (len(order) % 2)


async def test_what_slack_has_not_confirmed_is_known_after_a_restart(file: Opened) -> None:
    key = ("tasks-service", NEW)
    await file.lists.open(a_list(), leave, record("open"))
    assert await file.lists.unshown() == [key]
    await file.lists.placed(*key, CardRef("C1", "17.1"), 0)
    assert await file.lists.unshown() == []
    await file.lists.change(
        *key, lambda held: tick(held, ITEMS, "item-0", PEOPLE[0], NOON), record("tick")
    )
    await file.again()
    assert await file.lists.unshown() == [key]
    await file.lists.shown(*key, 1)
    assert await file.lists.unshown() == []
    held = await file.lists.get(*key)
    assert held is not None
    assert held.card == CardRef("C1", "17.1")
