"""`dynamo do`: a line from a terminal, through HTTP to a running Dynamo and its offline world."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.terminal_endpoint import Rate
from bot.app import Dynamo
from bot.domain.outcome import EXIT, Outcome
from bot.domain.rollout import RolloutState
from bot.sandbox.launcher import Options, WorldClock, launch
from bot.sandbox.slack.driver import SlackDriver
from commands.terminal import _CHANGING
from commands.vocabulary import VERBS
from config.settings import SettingsError
from tests.scenarios.serving import OTHER, TOKEN, Served, serving, tokens

QA = "#qa-deploys"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


async def test_a_question_is_answered_as_text_without_slacks_marks(served):
    done = await served.do("status qa")
    assert (done.code, done.err) == (0, "")
    assert "tasks-service" in done.out
    assert "1.3.2" in done.out
    assert not re.search(r"<[@#!h]|\*\w", done.out), done.out


async def test_a_deploy_is_followed_to_its_good_end_and_the_channel_sees_its_card(served):
    done = await served.do("deploy tasks-service qa")
    assert done.code == 0, done.out + done.err
    assert "1.4.0" in done.out
    assert "Succeeded" in done.out or "✅" in done.out
    rollout = await served.newest()
    assert rollout.state is RolloutState.SUCCEEDED
    assert rollout.requested_by.id == "ci-tasks"
    async with SlackDriver(served.sandbox.url) as slack:
        cards = [m for m in await slack.messages("ben", QA) if m.from_app]
    assert len(cards) == 1
    assert "ci-tasks" in str(cards[0].body)
    records = [record.entry for record in await served.dynamo.edges.audit.page(limit=50)]
    assert {e.surface for e in records if e.actor == "ci-tasks"} == {"terminal"}


async def test_json_has_an_object_per_line_and_ends_with_the_outcome(served):
    done = await served.do("--json", "deploy tasks-service qa")
    messages = [json.loads(line) for line in done.out.splitlines()]
    assert [message["type"] for message in messages[:-1]] == ["step"] * (len(messages) - 1)
    assert messages[-1]["type"] == "end"
    assert messages[-1]["outcome"] == "succeeded"
    assert messages[-1]["state"] == "SUCCEEDED"
    assert len({message["rollout"] for message in messages}) == 1


async def test_a_release_that_fails_exits_with_five(served):
    done = await served.do("deploy tasks-service dev 1.5.0")
    assert done.code == 5, done.out
    assert "DATABASE_URL is not set" in done.out


async def test_without_the_right_it_is_four_and_nothing_was_touched(served):
    done = await served.do("deploy tasks-service prod 1.4.0", token=OTHER)
    assert done.code == 4, done.out
    assert not await served.dynamo.edges.store.recent()


async def test_refused_by_a_gate_is_three(served):
    async with SlackDriver(served.sandbox.url) as slack:
        await slack.say("ana", QA, "/dynamo lock tasks-service qa --reason migration")
        async with asyncio.timeout(60):
            while not await served.dynamo.edges.locks.all():
                await asyncio.sleep(0.05)
    done = await served.do("deploy tasks-service qa")
    assert done.code == 3, done.out
    assert "migration" in done.out


async def test_a_lock_from_a_terminal_is_one_and_is_lifted_again(served):
    assert (await served.do("lock tasks-service qa --reason migration")).code == 0
    assert (await served.do("unlock tasks-service qa")).code == 0


async def test_a_line_that_cannot_be_read_is_two(served):
    done = await served.do("deplyo tasks-service qa")
    assert done.code == 2
    assert "/dynamo deploy tasks-service qa" in done.out


async def test_a_wrong_token_is_four_and_not_said_back(served):
    done = await served.do("status qa", token="wrong-hush")
    assert (done.code, done.out) == (4, "")
    assert "hush" not in done.err


async def test_a_dynamo_that_is_not_there_is_eight(served):
    done = await served.do("status qa", url="http://127.0.0.1:1")
    assert done.code == 8


async def test_a_dynamo_that_stops_meanwhile_is_eight_and_says_that_it_goes_on(served):
    edges = served.dynamo.edges
    waiting = asyncio.create_task(served.do("logs tasks-service qa --follow"))
    async with asyncio.timeout(60):
        while not edges.logs._listening.total():
            await asyncio.sleep(0.05)
    await served.dynamo.stop()
    done = await waiting
    assert (done.code, "broke off" in done.err) == (8, True), done.err


async def test_the_token_is_not_sent_over_plain_http_to_another_machine(served):
    done = await served.do("status qa", url="http://dynamo.yourapp.com")
    assert done.code == 2
    assert "https" in done.err


async def test_who_stops_waiting_gets_seven_and_the_rollout_goes_on(served):
    done = await served.do("--timeout", "0.01", "deploy tasks-service qa")
    assert done.code == 7, done.out
    assert "status tasks-service qa" in done.out
    assert not (await served.newest()).state.final


async def test_asking_again_for_what_is_underway_follows_it(served):
    begun = await served.do("--no-follow", "deploy tasks-service qa")
    assert begun.code == EXIT[Outcome.BEGUN]
    again = await served.do("deploy tasks-service qa")
    assert again.code == 0, again.out
    assert len(await served.dynamo.edges.store.recent()) == 1


async def test_cancelled_by_a_person_is_six(served):
    waiting = asyncio.create_task(served.do("deploy tasks-service qa"))
    async with SlackDriver(served.sandbox.url) as slack:
        async with asyncio.timeout(30):
            while not await served.dynamo.edges.store.active():
                await asyncio.sleep(0.02)
        await slack.say("ana", QA, "/dynamo cancel tasks-service qa")
        done = await waiting
    assert done.code == 6, done.out


async def test_answers_are_spanish_where_asked_for(served):
    done = await served.do("--language", "es", "rollback tasks-service prod")
    assert "no hay a dónde volver" in done.out


@pytest.mark.parametrize(
    "body",
    [[], {}, {"line": 1}, {"line": "x" * 4_001}, {"line": "status", "seconds": -1},
     {"line": "status", "seconds": "1"}, {"line": "status", "follow": 1},
     {"line": "status", "yes": "yes"}, {"line": "status", "json": 1},
     {"line": "status", "seconds": 86_401}, {"line": "status", "seconds": 0}],
)  # fmt: skip
async def test_a_body_that_is_no_line_is_turned_away(served, body):
    status, text = await served.post(body)
    assert status == 400
    assert "error" in json.loads(text)


async def test_who_guesses_is_slowed_down(served):
    answers = [await served.post({"line": "status"}, token=f"guess-{n}") for n in range(31)]
    assert [status for status, _ in answers] == [401] * 30 + [429]
    assert (await served.post({"line": "status"}))[0] == 429


async def test_where_no_token_is_configured_nothing_is_served(sandbox):
    url = f"http://127.0.0.1:{sandbox.dynamo.port}/do"
    async with aiohttp.ClientSession() as session, session.post(url, json={}) as answer:
        assert answer.status == 404


async def test_a_role_that_is_not_in_the_file_is_told_at_the_start(tmp_path):
    async with launch(Options(keep=tmp_path, bot=False)) as sandbox:
        given = tokens(("ci", "devlopers", TOKEN))
        settings = sandbox.settings.model_copy(update={"dynamo_tokens": given})
        with pytest.raises(SettingsError, match="devlopers"):
            await Dynamo.start(settings, clock=WorldClock(sandbox.clock))


def test_every_verb_that_changes_something_is_known_as_one():
    changing = {verb.name for verb in VERBS if not verb.reads}
    assert changing - {"checklist"} == _CHANGING


def test_every_outcome_has_an_exit_code_of_its_own():
    assert set(EXIT) == set(Outcome)
    assert len(set(EXIT.values())) == len(EXIT)


def test_a_rate_forgets_what_is_a_minute_old():
    rate = Rate(2)
    rate.count(0.0)
    rate.count(30.0)
    assert rate.full(59.0)
    assert not rate.full(60.0)
