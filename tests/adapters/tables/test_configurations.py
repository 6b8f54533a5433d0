"""Applied configurations on both databases: begun before, ended once, the newest kept."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.database import Connection
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.configurations import KEPT, ConfigurationTable
from bot.adapters.tables.outbox import OutboxTable
from bot.cards.card import Card
from bot.domain.audit import AuditEntry
from bot.domain.configuration import ConfigSnapshot, Stage
from bot.ports import Announcement

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONTENT = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"A": "ñ\n1"}}


def snapshot(number: int = 1, **changes: object) -> ConfigSnapshot:
    taken = NOON + timedelta(minutes=number)
    made = ConfigSnapshot(
        f"s{number}", "tasks", "qa", taken, "U0BEN00000", {"c": CONTENT, "d": None}, {"c": CONTENT}
    )
    return made.with_(**changes)


def entry(action: str, number: int = 1) -> AuditEntry:
    return AuditEntry(NOON, "U0BEN00000", "slash", action, "tasks/qa", key=f"{action}:{number}")


@pytest.fixture
def kept(connection: Connection) -> ConfigurationTable:
    return ConfigurationTable(connection)


async def test_what_was_begun_comes_back_as_it_was_and_is_unfinished(kept) -> None:
    await kept.begin(snapshot(), entry("config-begun"))
    assert list(await kept.of("tasks", "qa")) == [snapshot()]
    assert list(await kept.unfinished()) == [snapshot()]
    assert list(await kept.of("tasks", "prod")) == []


async def test_an_end_is_noted_once_with_its_record_and_its_announcement(store, kept) -> None:
    await kept.begin(snapshot(), entry("config-begun"))
    due = Announcement("config:s1", "C1", Card("done", ()), NOON)
    applied = snapshot(stage=Stage.APPLIED)
    assert await kept.end(applied, entry("config"), due)
    assert not await kept.end(snapshot(stage=Stage.FAILED), entry("config-failed"), due)
    assert list(await kept.of("tasks", "qa")) == [applied]
    assert list(await kept.unfinished()) == []
    assert (await AuditTable(store.connection).head()).count == 2
    assert len(await OutboxTable(store.connection).due()) == 1


async def test_the_newest_states_of_each_place_are_kept(kept) -> None:
    other = snapshot(0, environment="prod", id="other")
    await kept.begin(other, entry("config-begun", 0))
    for number in range(1, KEPT + 6):
        await kept.begin(snapshot(number), entry("config-begun", number))
    found = [each.id for each in await kept.of("tasks", "qa")]
    assert found == [f"s{number}" for number in range(KEPT + 5, 5, -1)]
    assert list(await kept.of("tasks", "prod")) == [other]
