"""What was done can be read again: in Slack page by page, and at a terminal, whole or not."""

import asyncio
import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.adapters.audit_reading import read_log, verify_log
from bot.cards.blocks import actions, button
from bot.cards.card import Card
from bot.domain.audit import AuditEntry
from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack.driver import Message, SlackDriver

QA = "#qa-deploys"
PATIENT = 20.0


async def private(slack: SlackDriver, user: str, words: str) -> Message:
    return await slack.message(
        user, where=lambda m: m.ephemeral and words in m.words, timeout=PATIENT
    )


def database(sandbox: Sandbox) -> Path:
    return sandbox.settings.database_path


async def checklist_opened(slack: SlackDriver) -> None:
    """What has succeeded in QA gets its list, with its CI on it, by itself."""
    await slack.message(
        "ben", channel="#production", where=lambda m: "1 of 5" in m.words, timeout=PATIENT
    )


async def test_a_rollout_is_in_the_log_with_every_state_once_and_who_asked(sandbox, slack, dynamo):
    await slack.say("ben", QA, '/dynamo deploy tasks-service qa --reason "fixes #231"')
    rollout = await dynamo.settled()
    log = [record.entry for record in read_log(database(sandbox))]
    entries = [entry for entry in log if entry.subject == "tasks-service/qa"]
    states = [entry.after["state"] for entry in entries]
    assert states == ["QUEUED", "APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED"]
    assert [entry.before.get("state") for entry in entries[1:]] == states[:-1]
    first = entries[0]
    assert (first.actor, first.surface) == ("U0BEN00000", "slash")
    assert first.after["reason"] == "fixes #231"
    assert first.before["version"] == "1.3.2"
    assert {(e.actor, e.surface) for e in entries[1:]} == {("dynamo", "engine")}
    assert {e.after["digest"] for e in entries} == {rollout.image.digest}
    times = [entry.at for entry in entries]
    assert times == sorted(times)
    assert abs(times[0] - rollout.requested_at) < timedelta(seconds=10)


async def test_verify_and_export_read_the_log_of_a_running_bot(sandbox, slack, dynamo, capsys):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await dynamo.settled()
    await checklist_opened(slack)
    path = str(database(sandbox))
    assert main(["audit", "verify", "--database", path]) == 0
    assert "is whole" in capsys.readouterr().out
    assert main(["audit", "export", "--database", path]) == 0
    exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["action"] for each in exported].count("step") == 4
    assert len(exported) == verify_log(database(sandbox)).head.count == 7


async def test_a_record_of_a_rollout_that_was_changed_in_the_file_is_found(
    sandbox, slack, dynamo, capsys
):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await dynamo.settled()
    for name, change, number in (
        ("edited", "update audit set body = replace(body, 'BEN', 'ANA') where number = 1", 1),
        ("removed", "delete from audit where number = 2", 2),
        ("reordered", "update audit set number = -number where number in (3, 4)", 3),
    ):
        copy = database(sandbox).with_name(f"{name}.db")
        with (
            closing(sqlite3.connect(database(sandbox))) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            for trigger in ("takes_no_update", "takes_no_delete"):
                target.execute(f"drop trigger audit_{trigger}")
            target.execute(change)
            if name == "reordered":
                target.execute("update audit set number = 7 + number where number < 0")
            target.commit()
        assert main(["audit", "verify", "--database", str(copy)]) == 1
        told = capsys.readouterr().out
        assert told.startswith(f"record {number} "), (name, told)
    assert verify_log(database(sandbox)).flaws == ()


async def test_a_cancel_and_a_mention_are_recorded_with_who_and_by_which_surface(
    sandbox, slack, dynamo
):
    await slack.say("ben", QA, "@dynamo deploy tasks-service qa")
    card = await slack.message(
        "ben", where=lambda m: m.from_app and "Cancel rollout" in m.buttons, timeout=PATIENT
    )
    await slack.click("carla", card, "Cancel rollout")
    await dynamo.settled()
    entries = [record.entry for record in read_log(database(sandbox))]
    assert (entries[0].actor, entries[0].surface) == ("U0BEN00000", "mention")
    cancelled = [e for e in entries if e.actor == "U0CARLA000"]
    assert [e.surface for e in cancelled] == ["button"]
    assert cancelled[0].after["state"] in ("CANCELLED", "ROLLING_BACK")
    assert Counter(e.key for e in entries).most_common(1)[0][1] == 1


async def test_who_is_turned_away_is_recorded_with_what_stood_in_the_way(sandbox, slack):
    await slack.say("ben", "#production", "/dynamo deploy tasks-service prod 1.4.0")
    await private(slack, "ben", "was not started")
    await slack.say("ben", "#production", "/dynamo history prod")
    history = await private(slack, "ben", "History of Production")
    assert "<@U0BEN00000> was refused (deploy) in *tasks-service → Production*" in history.words
    assert "You may not deploy here" in history.words
    await slack.say("ben", "#production", "/dynamo deploy tasks-service prod 1.4.0 --dry-run")
    await private(slack, "ben", "would be refused")
    assert verify_log(database(sandbox)).head.count == 1  # a dry run asks for nothing


async def test_history_tells_what_was_done_newest_first_in_the_readers_language(
    sandbox, slack, dynamo
):
    await slack.say("ben", QA, '/dynamo deploy tasks-service qa --reason "fixes #231"')
    await dynamo.settled()
    await checklist_opened(slack)
    await slack.say("ben", QA, "/dynamo lock auth-service qa")
    await slack.message("ben", where=lambda m: "locked *auth-service" in m.words, timeout=PATIENT)
    await slack.say("ben", QA, "/dynamo history")
    history = await private(slack, "ben", "locked *auth-service → QA*")
    lines = history.words.splitlines()
    assert "History" in lines[0]
    assert "locked *auth-service → QA*" in lines[1]
    assert "Dynamo ticked tests for *tasks-service*" in lines[2]
    assert "Dynamo opened the checklist of *tasks-service* 1.4.0" in lines[3]
    assert "1.4.0 succeeded, asked for by <@U0BEN00000>" in lines[4]
    assert "<@U0BEN00000> asked for 1.4.0 in *tasks-service → QA*: “fixes #231”" in lines[5]
    assert len(lines) == 6
    assert history.buttons == []

    await slack.say("ana", QA, "/dynamo historial tasks-service qa")
    history = await private(slack, "ana", "Historial de tasks-service → QA")
    assert "terminó bien, a petición de <@U0BEN00000>" in history.words
    assert "auth-service" not in history.words


async def test_history_is_read_page_by_page_and_back(sandbox, slack):
    edges = sandbox.dynamo.edges
    for number in range(25):
        await edges.audit.record(
            AuditEntry(
                edges.clock.now(),
                "U0BEN00000",
                "slash",
                "lock",
                "tasks-service/qa",
                after={"reason": f"number {number:02}"},
            )
        )

    def page(newest: int, oldest: int):
        def shows(message: Message) -> bool:
            found = [f"number {number:02}" in message.words for number in range(25)]
            return found == [oldest <= number <= newest for number in range(25)]

        return shows

    await slack.say("ben", QA, "/dynamo history tasks-service")
    first = await slack.message("ben", where=page(24, 15), timeout=PATIENT)
    assert first.buttons == ["Older"]
    await slack.click("ben", first, "Older")
    second = await slack.message("ben", where=page(14, 5), timeout=PATIENT)
    assert second.buttons == ["Newer", "Older"]
    assert second.ts == first.ts  # the same private message, turned over
    await slack.click("ben", second, "Older")
    third = await slack.message("ben", where=page(4, 0), timeout=PATIENT)
    assert third.buttons == ["Newer"]
    await slack.click("ben", third, "Newer")
    again = await slack.message("ben", where=page(14, 5), timeout=PATIENT)
    await slack.click("ben", again, "Newer")
    await slack.message("ben", where=page(24, 15), timeout=PATIENT)


async def test_a_forged_page_is_answered_and_shows_nothing_else(sandbox, slack):
    for number, value in enumerate(
        ("|qa|older|x", "|qa|sideways|3", "|qa|older|-1", "|qa|older", f"|qa|older|{'9' * 40}")
    ):
        row = actions(button(f"Forged {number}", "dyn:history", value))
        await sandbox.dynamo.edges.messenger.post("C0QADEPLOYS", Card(f"forged {number}", (row,)))
        message = await slack.message("ben", where=lambda m: f"forged {number}" in m.text)  # noqa: B023
        await slack.click("ben", message, f"Forged {number}")
    async with asyncio.timeout(PATIENT):
        while True:
            seen = await slack.messages("ben", QA)
            if len([m for m in seen if m.ephemeral and "older card" in m.words]) == 5:
                return
            await asyncio.sleep(0.05)


async def test_nothing_done_yet_is_said(sandbox, slack):
    await slack.say("ben", QA, "/dynamo history forms-service prod")
    await private(slack, "ben", "Nothing has been done here yet")


@pytest.mark.parametrize("user", ["ben"])
async def test_a_secret_in_a_reason_is_not_in_the_log(sandbox, slack, user):
    await slack.say(user, QA, '/dynamo lock qa --reason "token xoxb-1234567890-abcdefgh"')
    await slack.message(user, where=lambda m: "locked *QA*" in m.words, timeout=PATIENT)
    assert "xoxb-1234567890" not in "".join(r.body for r in read_log(database(sandbox)))
