"""The store on both databases: what is saved is there, races are settled, one holds it."""

import asyncio
from datetime import timedelta

import pytest

from bot.adapters.databases import connection_to
from bot.adapters.tables.rollouts import RolloutTable
from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.judgement import Change, Memory
from bot.domain.rollout import (
    CardRef,
    Diagnosis,
    Obstacle,
    Progress,
    Rollout,
    RolloutState,
    Running,
)
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.errors import PortError, StaleError, Trouble
from tests.databases import on_sqlite


def another_digest(letter: str) -> Image:
    return Image("registry.yourapp.com/dynamo/tasks-service", "1.5.0", "sha256:" + letter * 64)


async def test_a_rollout_comes_back_as_it_was_with_everything_in_it(store, make_rollout, clock):
    now = clock.now()
    full = make_rollout(
        state=RolloutState.FAILED,
        before=Running("1.3.2", "sha256:" + "c" * 64, ready=3, desired=3),
        before_generation=4,
        change=Change(now, 5, template="abc"),
        memory=Memory({"CRASHED:app": now}, {"CRASHED:app": "exit 1"}, {"p1": 2}),
        verdict=Verdict(
            Outcome.FAIL,
            Reason.CRASHED,
            {"pods": 2, "seconds": 1.5, "container": "app"},
            (Finding(Reason.CRASHED, Outcome.FAIL, ("p1", "p2"), 3, "app", 1, 2),),
        ),
        progress=Progress(3, 2, 1, 1),
        obstacle=Obstacle("cluster", "AWAY", now, {"message": "refused"}),
        refused=(GateResult(Gate.ORDER, False, "NOT_RUN_BEFORE", {"environment": "dev"}),),
        diagnosis=Diagnosis("p1", "app", True, ("Error: ñandú",), ("BackOff: …",)),
        details=CardRef("C1", "", now),
    )
    await store.add(full)
    assert await store.get("r1") == full


async def test_saving_replaces_a_revision_by_the_next(store, make_rollout):
    added = await store.add(make_rollout())
    saved = await store.save(added.with_(reason="fixes #231"))
    assert (saved.revision, saved.reason) == (added.revision + 1, "fixes #231")
    assert await store.get("r1") == saved


async def test_a_second_save_of_the_same_revision_is_stale_and_changes_nothing(store, make_rollout):
    added = await store.add(make_rollout())
    first = await store.save(added.with_(reason="mine"))
    with pytest.raises(StaleError):
        await store.save(added.with_(reason="theirs"))
    assert await store.get("r1") == first


async def test_of_many_that_ask_at_once_only_one_is_let_go(store, make_rollout, clock):
    for number, letter in enumerate("abcde"):
        at = clock.now() + timedelta(seconds=number)
        image = another_digest(letter)
        await store.add(make_rollout(id=f"r{number}", image=image, requested_at=at))
    started = await asyncio.gather(*(store.start_next("tasks-service", "qa") for _ in range(5)))
    went = [rollout for rollout in started if rollout is not None]
    assert [rollout.id for rollout in went] == ["r0"]
    assert went[0].state is RolloutState.APPLYING


async def test_the_oldest_in_the_queue_goes_next_when_the_way_is_free(store, make_rollout, clock):
    later = clock.now() + timedelta(seconds=9)
    await store.add(make_rollout(id="new", image=another_digest("b"), requested_at=later))
    await store.add(make_rollout(id="old"))
    old = await store.start_next("tasks-service", "qa")
    assert old is not None
    assert old.id == "old"
    await store.save(old.with_(state=RolloutState.SUCCEEDED))
    new = await store.start_next("tasks-service", "qa")
    assert new is not None
    assert new.id == "new"


async def test_other_services_and_environments_do_not_wait(store, make_rollout):
    await store.add(make_rollout(id="a"))
    await store.add(make_rollout(id="b", environment="dev"))
    await store.add(make_rollout(id="c", service="auth-service"))
    assert await store.start_next("tasks-service", "qa")
    assert await store.start_next("tasks-service", "dev")
    assert await store.start_next("auth-service", "qa")


async def test_a_release_asked_for_twice_goes_once(store, make_rollout):
    first = await store.add(make_rollout(id="first"))
    again = await store.add(make_rollout(id="second"))
    assert again == first
    assert await store.get("second") is None


async def test_a_release_may_go_again_once_it_has_ended(store, make_rollout):
    first = await store.add(make_rollout(id="first"))
    await store.save(first.with_(state=RolloutState.FAILED))
    assert (await store.add(make_rollout(id="second"))).id == "second"


async def test_an_end_that_nobody_was_told_of_is_not_forgotten(store, make_rollout):
    await store.add(make_rollout(id="told", settled=True, state=RolloutState.SUCCEEDED))
    await store.add(make_rollout(id="untold", state=RolloutState.FAILED))
    assert [rollout.id for rollout in await store.unsettled()] == ["untold"]
    assert await store.active() == []


async def test_a_digest_counts_as_run_only_where_it_succeeded_or_was_found(store, make_rollout):
    found = Running("1.3.2", "sha256:" + "c" * 64, 3, 3)
    rollout: Rollout = await store.add(make_rollout(before=found))
    place = ("tasks-service", "qa", rollout.image.digest)
    assert not await store.ran_well(*place)
    assert await store.ran_well("tasks-service", "qa", found.digest)
    await store.save(rollout.with_(state=RolloutState.SUCCEEDED))
    assert await store.ran_well(*place)
    assert not await store.ran_well("tasks-service", "prod", rollout.image.digest)
    assert not await store.ran_well("tasks-service", "prod", found.digest)


async def test_a_failed_release_that_the_next_one_found_there_has_not_run_well(store, make_rollout):
    """Its pods never came, and the fix that replaced it counted as a word for it."""
    bad = await store.add(make_rollout(id="bad"))
    await store.save(bad.with_(state=RolloutState.FAILED))
    fix = Image(bad.image.repository, "9", "sha256:" + "9" * 64)
    found = Running("1.4.0", bad.image.digest, 3, 3)
    await store.add(make_rollout(id="fix", image=fix, before=found))
    assert not await store.ran_well("tasks-service", "qa", bad.image.digest)


async def test_a_release_found_without_a_pod_that_serves_has_not_run_well(store, make_rollout):
    down = Running("1.3.2", "sha256:" + "c" * 64, 0, 3)
    await store.add(make_rollout(before=down))
    assert not await store.ran_well("tasks-service", "qa", down.digest)


async def test_a_delivery_is_new_once_and_its_memory_fades_after_a_day(store, clock):
    assert await store.first_time("event:Ev1", clock.now())
    assert not await store.first_time("event:Ev1", clock.now())
    clock.advance(25 * 3600)
    assert await store.first_time("event:Ev2", clock.now())
    assert await store.first_time("event:Ev1", clock.now())


async def test_what_was_saved_is_there_after_the_process_is_gone(address, make_rollout):
    before = connection_to(address)
    await before.open()
    await RolloutTable(before).add(make_rollout())
    await before.close()
    after = connection_to(address)
    await after.open()
    assert await RolloutTable(after).get("r1") == make_rollout()
    await after.close()


async def test_a_second_process_on_the_same_database_is_refused(store, address):
    second = connection_to(address)
    with pytest.raises(PortError) as refusal:
        await second.open(stand_by=False)
    await second.close()
    assert refusal.value.trouble is Trouble.CONFLICT
    assert not refusal.value.temporary


async def test_a_byte_of_zero_in_foreign_text_is_kept(store, make_rollout):
    """A pod's log may hold anything, and a diagnosis shows its last lines."""
    lines = ("a\x00\x00b \u2028 'é' %s ? :x", "\\\x00", "\\u0000 \\\\u0000", '"\x00"')
    odd = make_rollout(card=CardRef("C1", "1.0"), diagnosis=Diagnosis(log=lines))
    assert await store.add(odd) == odd == await store.with_card(CardRef("C1", "1.0"))


@on_sqlite
async def test_a_file_that_cannot_be_written_is_told_as_an_edge_that_failed(store, make_rollout):
    await store.connection.run(lambda db: db.execute("pragma query_only = on"))
    with pytest.raises(PortError) as failure:
        await store.add(make_rollout())
    assert failure.value.port == "store"
    assert failure.value.temporary


async def test_a_rollout_is_found_by_the_message_that_is_its_card(store, make_rollout):
    await store.add(make_rollout(card=CardRef("C1", "1.000100")))
    found = await store.with_card(CardRef("C1", "1.000100"))
    assert found is not None
    assert found.id == "r1"
    assert await store.with_card(CardRef("C2", "1.000100")) is None
    assert await store.with_card(CardRef("C1", "1.000200")) is None


@on_sqlite
async def test_whose_card_it_is_is_asked_of_an_index(store):
    from bot.adapters.tables.rollouts import _CARD_TS

    def plan(db):
        asked = f"explain query plan select body from rollouts where {_CARD_TS} = '1'"
        return str(db.execute(asked).fetchall())

    assert "rollouts_by_card" in await store.connection.run(plan)
