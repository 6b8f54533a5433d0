"""What delivery is counted from, on both databases: by place, by time, with the analyses."""

from datetime import timedelta

import pytest

from bot.adapters.tables.analyses import AnalysisTable
from bot.adapters.tables.delivered import END
from bot.domain.analysis import Analysis, Follow, Part, Reading, Result
from bot.domain.kind import Kind
from bot.domain.promotion import Commit, Commits
from bot.domain.rollout import CardRef, RolloutState
from tests.databases import on_sqlite


async def keep(store, rollout):
    """As it would be after its life: final from the start."""
    await store.add(rollout)
    return rollout


def done(make_rollout, name, **changes):
    return make_rollout(id=name, state=RolloutState.SUCCEEDED, **changes)


async def test_only_what_ended_there_since_then_is_read_with_its_commits(
    store, make_rollout, clock
):
    now = clock.now()
    hour = timedelta(hours=1)
    commits = Commits((Commit("a" * 40, "x", "y", at=now - 9 * hour), Commit("b" * 40, "x", "y")))
    await keep(store, done(make_rollout, "old", finished_at=now - 50 * hour))
    await keep(
        store,
        done(
            make_rollout,
            "in",
            finished_at=now - hour,
            applying_since=now - 2 * hour,
            commits=commits,
        ),
    )
    await keep(store, done(make_rollout, "there", finished_at=now, environment="dev"))
    await keep(store, done(make_rollout, "auth", finished_at=now, service="auth-service"))
    await keep(store, done(make_rollout, "scaled", finished_at=now, kind=Kind.SCALE))
    await keep(store, make_rollout(id="running", state=RolloutState.PROGRESSING))
    past = await store.past("tasks-service", "qa", now - 24 * hour)
    assert past.first == now - 50 * hour
    [found] = past.delivered
    assert (found.finished_at, found.touched_at) == (now - hour, now - 2 * hour)
    assert found.committed == (now - 9 * hour,)
    assert (found.kind, found.state, found.worse) == (Kind.DEPLOY, RolloutState.SUCCEEDED, False)
    everything = await store.past("", "qa", now - 24 * hour)
    assert [each.service for each in everything.delivered] == ["tasks-service", "auth-service"]


async def test_an_end_within_the_first_second_asked_about_is_found(store, make_rollout, clock):
    since = clock.now()
    for name, micro in (("a", 0), ("b", 1), ("c", 999_999)):
        await keep(
            store, done(make_rollout, name, finished_at=since + timedelta(microseconds=micro))
        )
    assert len((await store.past("", "qa", since)).delivered) == 3


@pytest.mark.parametrize(
    ("result", "follow", "worse"),
    [
        (Result.FAIL, Follow.ASKED, True),
        (Result.FAIL, Follow.KEPT, False),
        (Result.WARN, Follow.NONE, False),
    ],
)
async def test_what_turned_out_worse_is_told_unless_somebody_kept_it(
    store, make_rollout, clock, result, follow, worse
):
    await keep(store, done(make_rollout, "r1", finished_at=clock.now()))
    await AnalysisTable(store.connection).open(
        Analysis(
            "r1",
            "tasks-service",
            "qa",
            "1.4.0",
            "sha256:" + "a" * 64,
            "1.3.2",
            "U0ANA00000",
            clock.now(),
            CardRef("C0QADEPLOYS"),
            readings=(Reading(Part.METRICS, "ERROR_RATIO", result, "WORSE"),),
            follow=follow,
        )
    )
    [found] = (await store.past("", "qa", clock.now())).delivered
    assert found.worse is worse


@on_sqlite
async def test_the_question_is_answered_by_the_index_of_ends(store):
    query = f"select service, body from rollouts where environment = 'qa' and {END} >= '2026'"
    plan = await store.connection.run(
        lambda db: db.execute(f"explain query plan {query}").fetchall()
    )
    assert "ends_of_rollouts (environment=? AND" in plan[0][3]
