"""Locks and change windows, as people live with them: typed and pressed in Slack."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from bot.cards.blocks import actions, button
from bot.cards.card import Card
from bot.domain.audit import AuditEntry
from bot.domain.lock import Lock
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.scenarios.remembered import Remembered

QA = "#qa-deploys"
PATIENT = 20.0
T = TypeVar("T")


async def until(seen: Callable[[], Awaitable[T | None]]) -> T:
    """What is seen, once it is there."""
    async with asyncio.timeout(30):
        while True:
            found = await seen()
            if found is not None:
                return found
            await asyncio.sleep(0.05)


async def actions_of(sandbox: Sandbox, many: int) -> list[str]:
    """What the log says was done, once so many things were."""

    async def seen() -> list[str] | None:
        found = [entry.action for entry in await recorded(sandbox)]
        return found if len(found) >= many else None

    return await until(seen)


async def private(slack: SlackDriver, user: str, words: str, after: str = "") -> Message:
    """An answer that this person alone sees."""
    return await slack.message(
        user, where=lambda m: m.ephemeral and words in m.words, after=after, timeout=PATIENT
    )


async def told(slack: SlackDriver, user: str, words: str) -> Message:
    """What the bot says to the whole channel."""
    return await slack.message(
        user,
        where=lambda m: m.from_app and not m.ephemeral and words in m.words,
        channel=QA,
        timeout=PATIENT,
    )


async def held(sandbox: Sandbox) -> list[Lock]:
    return list(await sandbox.dynamo.edges.locks.all())


async def recorded(sandbox: Sandbox) -> list[AuditEntry]:
    """Oldest first."""
    page = await sandbox.dynamo.edges.audit.page(limit=100)
    return [record.entry for record in page][::-1]


async def test_a_lock_refuses_another_persons_deploy_with_owner_reason_age_and_end(sandbox, slack):
    await slack.say("ana", QA, '/dynamo lock qa --reason "load test" --for 2h')
    line = await told(slack, "ben", "locked *QA*")
    assert "<@U0ANA00000>" in line.words
    assert "“load test”" in line.words
    assert "until <!date^" in line.words

    await slack.advance(12 * 60)
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    refusal = await private(slack, "ben", "qa has been locked for 12 min")
    for said in ("load test", "<@U0ANA00000>", "until <!date^", "was not started"):
        assert said in refusal.words
    assert await sandbox.dynamo.edges.store.recent() == []
    last = (await recorded(sandbox))[-1]
    assert (last.action, last.actor, last.surface) == ("refused", "U0BEN00000", "slash")
    closed = [gate for gate in last.after["gates"] if not gate["ok"]]
    assert [gate["code"] for gate in closed] == ["LOCKED"]
    assert closed[0]["values"]["who"] == "U0ANA00000"


async def test_ones_own_lock_does_not_stop_its_owner(sandbox, slack):
    await slack.say("ben", QA, "/dynamo lock tasks-service qa")
    await told(slack, "ana", "locked *tasks-service in QA*")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await Remembered(sandbox).settled()).state == "SUCCEEDED"


async def test_a_lock_of_one_service_leaves_the_others_free(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock auth-service qa")
    await told(slack, "ben", "locked *auth-service in QA*")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await Remembered(sandbox).settled()).state == "SUCCEEDED"


async def test_a_lock_is_over_when_its_time_is(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock qa --for 30m")
    await told(slack, "ben", "locked *QA*")
    await slack.advance(31 * 60)
    await slack.say("ben", QA, "/dynamo locks")
    await private(slack, "ben", "Nothing is locked")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await Remembered(sandbox).settled()).state == "SUCCEEDED"


async def test_another_persons_lock_is_left_alone_and_taken_only_explicitly(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock qa --reason mine")
    await told(slack, "ben", "locked *QA*")
    await slack.say("ben", QA, "/dynamo lock qa")
    answer = await private(slack, "ben", "Nothing was changed")
    assert "<@U0ANA00000> holds *QA*" in answer.words
    assert [lock.owner for lock in await held(sandbox)] == ["U0ANA00000"]

    await slack.click("ben", answer, "Take the lock")
    line = await told(slack, "ana", "took the lock of *QA*")
    assert "from <@U0ANA00000>" in line.words  # who loses it is mentioned
    assert [lock.owner for lock in await held(sandbox)] == ["U0BEN00000"]
    last = (await recorded(sandbox))[-1]
    assert (last.action, last.surface) == ("take-lock", "button")
    assert (last.before["owner"], last.after["owner"]) == ("U0ANA00000", "U0BEN00000")

    await slack.say("ana", QA, "/dynamo lock qa --take")
    await told(slack, "ben", "from <@U0BEN00000>")
    assert [lock.owner for lock in await held(sandbox)] == ["U0ANA00000"]


async def test_the_refusal_of_a_deploy_offers_the_lock_and_the_deploy_goes_on_with_it(
    sandbox, slack
):
    await slack.say("ana", QA, "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    refusal = await private(slack, "ben", "was not started")
    assert "Take the lock" in refusal.buttons
    await slack.click("ben", refusal, "Take the lock")
    await told(slack, "ana", "took the lock of *QA*")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await Remembered(sandbox).settled()).state == "SUCCEEDED"


async def test_an_old_button_takes_no_other_lock_than_the_one_it_showed(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    await slack.say("ben", QA, "/dynamo lock qa")
    answer = await private(slack, "ben", "Nothing was changed")
    await slack.say("ana", QA, "/dynamo unlock qa")
    await told(slack, "ben", "unlocked *QA*")
    await slack.say("carla", QA, "/dynamo lock qa")
    await told(slack, "ben", "<@U0CARLA000> locked *QA*")
    await slack.click("ben", answer, "Take the lock")
    await private(slack, "ben", "no longer the one that you saw")
    assert [lock.owner for lock in await held(sandbox)] == ["U0CARLA000"]


FORGED = (
    "|qa|U0ANA00000|yesterday",
    "|qa|U0ANA00000|2026-11-24T12:00:00",  # a time of no zone
    "|nowhere|U0ANA00000|2026-11-24T12:00:00+00:00",
    "no-service|qa|U0ANA00000|2026-11-24T12:00:00+00:00",
    "|qa",
    "|qa|U0ANA00000|2026-11-24T12:00:00+00:00|more",
)


async def test_a_forged_button_changes_nothing_and_is_answered(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    before = await held(sandbox)
    after = ""
    for number, (value, verb) in enumerate(product(FORGED, ("take", "lift"))):
        row = actions(button(f"Forged {number}", f"dyn:{verb}", value))
        card = Card(f"forged {number}", (row,))
        await sandbox.dynamo.edges.messenger.post("C0QADEPLOYS", card)
        message = await slack.message("ben", where=lambda m: f"forged {number}" in m.text)  # noqa: B023
        await slack.click("ben", message, f"Forged {number}")
        after = (await private(slack, "ben", "older card", after)).ts
    assert await held(sandbox) == before


async def test_a_lock_is_given_back_by_its_owner_and_forced_from_another(sandbox, slack):
    await slack.say("ana", QA, "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    await slack.say("ben", QA, "/dynamo unlock qa")
    answer = await private(slack, "ben", "or lift it")
    assert len(await held(sandbox)) == 1
    await slack.click("ben", answer, "Unlock")
    line = await told(slack, "ana", "unlocked *QA*, which <@U0ANA00000> held")
    assert "<@U0BEN00000>" in line.words
    assert await held(sandbox) == []
    assert (await recorded(sandbox))[-1].action == "force-unlock"

    await slack.say("ana", QA, "/dynamo lock qa")
    await slack.say("ana", QA, "/dynamo unlock qa")
    assert (await actions_of(sandbox, 5))[-2:] == ["lock", "unlock"]
    assert await held(sandbox) == []


async def test_what_is_not_locked_is_told_so(sandbox, slack):
    await slack.say("ben", QA, "/dynamo unlock tasks-service qa")
    await private(slack, "ben", "tasks-service in QA is not locked")


async def test_who_may_not_deploy_there_may_not_lock_it_and_is_told_who_may(sandbox, slack):
    await slack.say("ben", QA, "/dynamo lock prod")
    answer = await private(slack, "ben", "You may not do that here")
    assert "S0RELEASERS" in answer.words
    assert await held(sandbox) == []
    last = (await recorded(sandbox))[-1]
    assert (last.action, last.subject, last.after["wanted"]) == ("refused", "*/prod", "lock")


async def test_a_lock_after_a_rollback_blocks_everybody_until_somebody_lifts_it(sandbox, slack):
    """Made by the store here: the rollback that makes it is a capability to come."""
    edges = sandbox.dynamo.edges
    now = edges.clock.now()
    lock = Lock("qa", "dynamo", now, "tasks-service", "1.5.0 was rolled back")
    await edges.locks.replace(
        None, lock, AuditEntry(now, "dynamo", "engine", "lock", "tasks-service/qa")
    )
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    refusal = await private(slack, "ben", "after a rollback")
    assert "/dynamo unlock tasks-service qa" in refusal.words
    assert "Take the lock" not in refusal.buttons
    await slack.say("ben", QA, "/dynamo unlock tasks-service qa")
    await told(slack, "ana", "lifted the lock that Dynamo put on *tasks-service in QA*")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await Remembered(sandbox).settled()).state == "SUCCEEDED"


async def test_locks_lists_them_and_status_shows_owner_and_reason_in_the_cell(sandbox, slack):
    await slack.say("ana", QA, '/dynamo lock forms-service qa --reason "load test until 15:00"')
    await told(slack, "ben", "locked *forms-service in QA*")
    await slack.say("ana", QA, "/dynamo locks")
    mine = await private(slack, "ana", "*forms-service en QA*")
    assert mine.buttons == ["Desbloquear forms-service en QA"]
    await slack.say("ben", QA, "/dynamo locks qa")
    his = await private(slack, "ben", "*forms-service in QA*")
    assert his.buttons == []
    assert "until it is lifted" in his.words

    await slack.say("ben", QA, "/dynamo status")
    status = await slack.message(
        "ben", where=lambda m: m.ephemeral and "What runs where" in m.words, timeout=PATIENT
    )
    cells = [
        cell
        for block in status.blocks
        if block["type"] == "table"
        for row in block["rows"]
        for cell in row
    ]
    locked = [cell for cell in cells if "🔒" in str(cell)]
    assert len(locked) == 1
    assert "U0ANA00000" in str(locked[0])
    assert "“load test until 15:00”" in str(locked[0])
    assert "🔒 “load test until 15:00”" in status.text

    await slack.say("ben", QA, "/dynamo status forms-service qa")
    one = await private(slack, "ben", "*Locked* by <@U0ANA00000>")
    assert "load test until 15:00" in one.words

    await slack.click("ana", mine, "Desbloquear forms-service en QA")
    await told(slack, "ben", "unlocked *forms-service in QA*")
    assert await held(sandbox) == []


async def test_a_lock_typed_elsewhere_is_told_in_its_channel_and_answered_privately(sandbox, slack):
    await slack.say("ana", "#dev-deploys", "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    await private(slack, "ana", "QA es tuyo, hasta que se quite")


async def test_a_channel_that_cannot_be_told_does_not_undo_the_lock(sandbox, slack):
    await slack.change_channel("archive", QA)
    await slack.say("ana", "#dev-deploys", "/dynamo lock qa")
    await private(slack, "ana", "no he podido avisar al canal")
    assert len(await held(sandbox)) == 1


async def test_what_is_too_much_is_refused_with_a_word_about_it(sandbox, slack):
    for option, said in (
        ("--for 0s", "from one second to 90 days"),
        ("--for 91d", "from one second to 90 days"),
        ("--for 999999d999999d999999d999999d", "from one second to 90 days"),
        ("--for soon", "no duration"),
        (f'--reason "{"x" * 301}"', "301 characters; at most 300"),
        (f'--reason "{"x" * 10_000}"', "10000 characters; at most 300"),
    ):
        await slack.say("ben", QA, f"/dynamo lock qa {option}")
        await private(slack, "ben", said)
    assert await held(sandbox) == []
    assert await recorded(sandbox) == []


async def test_a_channel_call_in_a_reason_calls_nobody(sandbox, slack):
    await slack.say("ana", QA, '/dynamo lock qa --reason "<!channel> @here *bold* `code`"')
    line = await told(slack, "ben", "locked *QA*")
    assert "<!channel>" not in str(line.body)
    assert "@here" not in line.words
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    refusal = await private(slack, "ben", "was not started")
    assert "<!channel>" not in str(refusal.body)
    await slack.say("ben", QA, "/dynamo status")
    status = await slack.message("ben", where=lambda m: "What runs where" in m.words)
    assert "<!channel>" not in status.text
    await slack.say("ben", QA, "/dynamo history")
    history = await private(slack, "ben", "locked *QA*")
    assert "<!channel>" not in str(history.body)


async def test_two_who_lock_at_once_get_one_lock_and_one_refusal(sandbox, slack):
    await asyncio.gather(
        slack.say("ana", QA, "/dynamo lock qa"), slack.say("ben", QA, "/dynamo lock qa")
    )
    assert sorted(await actions_of(sandbox, 2)) == ["lock", "refused"]
    assert len(await held(sandbox)) == 1


async def test_what_waits_in_the_queue_is_refused_at_its_turn_by_a_lock_that_came_meanwhile(
    sandbox, slack
):
    sandbox.world.set_trouble("slow-start", "tasks-service", "dev")
    dev = "#dev-deploys"
    await slack.say("ben", dev, "/dynamo deploy tasks-service dev 1.3.1")
    await slack.message("ben", channel=dev, where=lambda m: "1.3.1" in m.words and m.from_app)
    await slack.say("ben", dev, "/dynamo deploy tasks-service dev 1.3.2")
    await slack.message("ben", channel=dev, where=lambda m: "waits until 1.3.1" in m.words)
    await slack.say("ana", dev, "/dynamo lock tasks-service dev")
    await slack.message("ben", channel=dev, where=lambda m: "locked *tasks-service" in m.words)
    card = await slack.message(
        "ben",
        channel=dev,
        where=lambda m: m.from_app and "tasks-service dev has been locked" in m.words,
        timeout=40,
    )
    assert "1.3.2" in card.words
    first = (await sandbox.dynamo.edges.store.recent())[-1]
    assert (first.version, first.state) == ("1.3.1", "SUCCEEDED")  # what was under way went on


# --- change windows ------------------------------------------------------------------------------


def with_windows(catalog_file: Path, **of_qa: Any) -> Path:
    catalog = yaml.safe_load(catalog_file.read_text())
    next(e for e in catalog["environments"] if e["name"] == "qa").update(of_qa)
    catalog_file.write_text(json.dumps(catalog))  # JSON is YAML, with every text in quotes
    return catalog_file


async def running_in_qa(sandbox: Sandbox) -> object:
    look = await sandbox.dynamo.edges.cluster.workload("", "dynamo-qa", "tasks-service")
    assert look.deployment is not None
    return look.deployment.images, look.deployment.generation


@pytest.fixture
async def evening(tmp_path: Path, catalog_file: Path) -> AsyncIterator[Sandbox]:
    """QA opens for changes in two hours, for one hour of every day."""
    opens = datetime.now(UTC) + timedelta(hours=2)
    hours = {"from": f"{opens:%H:%M}", "to": f"{opens + timedelta(hours=1):%H:%M}"}
    config = with_windows(catalog_file, windows=[{"days": "mon-sun", **hours}], time_zone="UTC")
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


async def test_outside_its_window_a_request_waits_and_says_when_it_opens(evening):
    async with SlackDriver(evening.url) as slack:
        await slack.watch("ben")
        before = await running_in_qa(evening)
        await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
        card = await told(slack, "ben", "No changes at this hour")
        assert "The next window opens <!date^" in card.words
        assert await running_in_qa(evening) == before
        await slack.advance(2 * 3_600 + 60)
        card = await told(slack, "ben", "Change window is open")
        assert "No changes at this hour" not in card.words
        await slack.click("ben", card, "dyn:go")
        assert (await Remembered(evening).settled()).state == "SUCCEEDED"


async def test_a_freeze_holds_a_request_back_with_its_reason(tmp_path, catalog_file):
    today = datetime.now(UTC).date()
    freeze = {"from": str(today), "to": str(today + timedelta(days=1)), "reason": "year end"}
    config = with_windows(catalog_file, freezes=[freeze])
    async with (
        launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        before = await running_in_qa(sandbox)
        await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
        card = await told(slack, "ben", "Changes are frozen: “year end”")
        assert "The next window opens <!date^" in card.words
        assert await running_in_qa(sandbox) == before
        await slack.say("ben", QA, "/dynamo deploy tasks-service qa --dry-run")
        await private(slack, "ben", "Changes are frozen: “year end”")
