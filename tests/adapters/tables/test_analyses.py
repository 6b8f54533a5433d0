"""Analyses on both databases: one per rollout, whole after a restart, changed one by one."""

from datetime import timedelta

import pytest

from bot.adapters.database import Connection, Database
from bot.adapters.databases import connection_to
from bot.adapters.tables.analyses import AnalysisTable
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.domain.analysis import (
    Analysis,
    DataState,
    Follow,
    Part,
    Reading,
    Result,
    Sample,
    Stage,
    Successor,
    Unit,
    Window,
    Windows,
)
from bot.domain.analysis_records import analysis_entry
from bot.domain.kind import Kind
from bot.domain.policy.finding import Evidence, PolicyFinding, Standing
from bot.domain.rollout import CardRef
from bot.errors import StaleError
from config.catalog import Policy, Severity
from tests.conftest import DIGEST, NOON
from tests.databases import on_sqlite

MINUTE = timedelta(minutes=1)
FRESH = Analysis(
    rollout="r1",
    service="tasks-service",
    environment="qa",
    version="1.4.0",
    digest=DIGEST,
    previous="1.3.2",
    asked_by="U0BEN00000",
    written=NOON,
    card=CardRef("C0QADEPLOYS"),
)
WORSE = Reading(
    Part.METRICS,
    "ERROR_RATIO",
    Result.FAIL,
    "METRIC_REGRESSED",
    state=DataState.OK,
    unit=Unit.RATIO,
    before=0.0009,
    after=0.029,
    values={"p": 0.0001, "requests_after": 4310, "message": "✓"},
    query="sum(x)",
    series=(Sample(NOON - MINUTE, 0.0009), Sample(NOON + 2 * MINUTE, 0.029)),
)
FULL = FRESH.with_(
    card=CardRef("C0QADEPLOYS", "1764000000.000100", since=NOON),
    completed=NOON + MINUTE,
    windows=Windows(
        Window(NOON - 30 * MINUTE, NOON - MINUTE),
        Window(NOON + 2 * MINUTE, NOON + 7 * MINUTE),
        NOON,
        NOON + MINUTE,
    ),
    stage=Stage.PROVISIONAL,
    readings=(WORSE,),
    policies=(
        PolicyFinding(
            Policy.NO_DEBUG_TOOLS,
            Standing.BROKEN,
            Severity.WARN,
            "DEBUG_TOOLS",
            {"count": 1},
            (Evidence("LOG_LEVEL", {"name": "LOG_LEVEL", "value": "debug"}),),
        ),
    ),
    looked_at=NOON + 7 * MINUTE,
    baselines={"LOGS": "{}"},
    follow=Follow.COUNTDOWN,
    acts_at=NOON + 8 * MINUTE,
    successor=Successor(Kind.ROLLBACK, "1.3.2"),
)


@pytest.fixture
def analyses(connection: Connection) -> AnalysisTable:
    return AnalysisTable(connection)


async def test_a_rollout_has_one_analysis_whoever_opens_it_first(analyses: AnalysisTable) -> None:
    assert await analyses.open(FRESH) == FRESH
    assert await analyses.open(FRESH.with_(version="other")) == FRESH
    assert await analyses.get("r1") == FRESH
    assert await analyses.get("r2") is None


async def test_all_of_it_is_there_after_a_restart(address: str) -> None:
    first = connection_to(address)
    await first.open()
    analyses = AnalysisTable(first)
    await analyses.open(FRESH)
    saved = await analyses.save(FULL)
    await first.close()
    again = connection_to(address)
    await again.open()
    try:
        found = await AnalysisTable(again).get("r1")
    finally:
        await again.close()
    assert found == saved == FULL.with_(revision=1)


@on_sqlite
async def test_one_that_an_older_version_wrote_is_read(
    store: RolloutTable, analyses: AnalysisTable
) -> None:
    await analyses.open(FULL)
    older = "update analyses set body = json_remove(body, '$.policies', '$.successor', '$.locked')"

    def forget(db: Database) -> None:
        with db.atomic():
            db.execute(older)

    await store.connection.run(forget)
    assert await analyses.get("r1") == FULL.with_(policies=(), successor=None)


async def test_who_decided_on_what_is_past_changes_and_records_nothing(
    store: RolloutTable, analyses: AnalysisTable
) -> None:
    opened = await analyses.open(FRESH)
    decided = opened.with_(follow=Follow.KEPT, decided_by="U0BEN00000")
    saved = await analyses.save(decided, analysis_entry("keep", decided, NOON))
    late = opened.with_(follow=Follow.ROLLED_BACK)
    with pytest.raises(StaleError):
        await analyses.save(late, analysis_entry("rollback", late, NOON))
    assert await analyses.get("r1") == saved
    assert saved.revision == 1
    recorded = [
        record.entry.action for record in await AuditTable(store.connection).page(steps=True)
    ]
    assert recorded == ["keep"]


async def test_an_analysis_that_nobody_opened_is_not_saved(analyses: AnalysisTable) -> None:
    with pytest.raises(StaleError):
        await analyses.save(FRESH)


async def test_what_is_unsettled_comes_oldest_first_and_by_its_place(
    analyses: AnalysisTable,
) -> None:
    for number, (service, environment) in enumerate(
        [("tasks-service", "qa"), ("tasks-service", "prod"), ("forms-service", "qa")]
    ):
        await analyses.open(
            FRESH.with_(
                rollout=f"r{number}",
                service=service,
                environment=environment,
                written=NOON - number * MINUTE,
            )
        )

    async def unsettled(*where: str) -> list[str]:
        return [each.rollout for each in await analyses.unsettled(*where)]

    assert await unsettled() == ["r2", "r1", "r0"]
    assert await unsettled("tasks-service") == ["r1", "r0"]
    assert await unsettled("", "qa") == ["r2", "r0"]
    settled = await analyses.get("r0")
    assert settled is not None
    await analyses.save(settled.with_(settled=True))
    assert await unsettled("tasks-service", "qa") == []


async def test_what_failed_there_is_known_until_a_look_finds_it_well(
    analyses: AnalysisTable,
) -> None:
    await analyses.open(FRESH)
    failed = await analyses.save(FULL)
    assert await analyses.failed("tasks-service", "qa") == frozenset({"r1"})
    assert await analyses.failed("tasks-service", "prod") == frozenset()
    await analyses.save(failed.with_(readings=()))
    assert await analyses.failed("tasks-service", "qa") == frozenset()


async def test_those_of_a_release_come_newest_first(analyses: AnalysisTable) -> None:
    for number in range(3):
        later = FRESH.with_(rollout=f"r{number}", written=NOON + number * MINUTE)
        await analyses.open(later)
    await analyses.open(FRESH.with_(rollout="other", digest="sha256:" + "cd" * 32))
    found = await analyses.of_release("tasks-service", "qa", DIGEST)
    assert [each.rollout for each in found] == ["r2", "r1", "r0"]
