"""After a rollout the channel learns whether it is as good as before: what a team sees and presses.

The looks are told what to find (they have tests of their own); everything else is real: the bot on
its own store, Slack and Kubernetes on the wire. Time passes as fast as it is lived through, and is
moved on by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

import bot.app
from bot.domain.analysis import Analysis, Follow, Part, Reading, Result, Stage
from bot.domain.audit import By
from bot.domain.rollout import Actor, Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.workflows.analysing import NotDecided, press_keep
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject
from bot.workflows.rollback import NoWayBack, request_rollback
from bot.workflows.rollout import Request
from tests.pacing import paced
from tests.pretended_looks import errors
from tests.samples import in_qa, sample

QA = "#qa-deploys"
Found = TypeVar("Found")
LINE = "/dynamo deploy tasks-service qa"


class Findings:
    """What the looks are to find, and what they were asked."""

    def __init__(self) -> None:
        self.result: dict[str, Result] = {}  # by version; PASS where nothing is said
        self.empty = False
        self.burning = False
        self.asked: list[Subject] = []
        self.baselines = 0

    async def baseline(self, place: Place, edges: Edges) -> str:
        self.baselines += 1
        return f"as {place.service.name} was"

    async def guard(self, subject: Subject, edges: Edges) -> Reading | None:
        if not self.burning:
            return None
        return Reading(Part.METRICS, "FAST_BURN", Result.FAIL, "ANY")

    async def read(self, subject: Subject, edges: Edges) -> tuple[Reading, ...]:
        self.asked.append(subject)
        result = self.result.get(subject.rollout.version, Result.PASS)
        if self.empty:
            return ()
        return (errors(subject, result),)


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> Findings:
    findings = Findings()
    look = Look(Part.METRICS, findings.read, findings.baseline)
    monkeypatch.setattr(bot.app, "LOOKS", (look,))
    monkeypatch.setattr(bot.app, "fast_burn", findings.guard)
    return findings


def catalog_with(home: Path, **changes: object) -> Path:
    """The sample, where QA is the first environment that asks for nothing, and with `changes`."""
    return sample(home, in_qa(requires=[], **changes), window="5s")


@pytest.fixture
def changes() -> dict[str, object]:
    """What stands in QA's part of dynamo.yml; tests overwrite it with `parametrize`."""
    return {}


@pytest.fixture
async def sandbox(
    tmp_path: Path, findings: Findings, changes: dict[str, object]
) -> AsyncIterator[Sandbox]:
    config = catalog_with(tmp_path, **changes)
    options = Options(manual=True, keep=tmp_path / "keep", config=config)
    async with launch(options) as sandbox, paced(sandbox.clock):
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


async def deployed(sandbox: Sandbox, slack: SlackDriver, line: str = LINE) -> Rollout:
    """Typed and rolled out; the analysis has begun."""
    rollouts = sandbox.dynamo.edges.store
    before = {each.id for each in await rollouts.recent("tasks-service", "qa")}
    await slack.say("ben", QA, line)

    async def settled() -> Rollout | None:
        found = await rollouts.recent("tasks-service", "qa")
        return found[0] if found and found[0].id not in before and found[0].settled else None

    return await until(settled)


async def until(seen: Callable[[], Awaitable[Found | None]], seconds: float = 60) -> Found:
    async with asyncio.timeout(seconds):
        while not (found := await seen()):
            await asyncio.sleep(0.02)
    return found


async def analysis_of(sandbox: Sandbox, rollout: Rollout) -> Analysis:
    found = await sandbox.dynamo.edges.analyses.get(rollout.id)
    assert found is not None
    return found


async def summary(slack: SlackDriver, *words: str) -> Message:
    """The message about the release, as soon as it says this."""
    return await slack.message(
        "ben",
        channel=QA,
        where=lambda m: (
            m.from_app
            and m.thread_ts in (None, m.ts)
            and any(sign in m.words for sign in ("📈", "📉", "📊", "⏭️", "↩️"))
            and all(word in m.words for word in words)
        ),
        timeout=60,
    )


async def test_a_good_release_gets_one_quiet_line_and_one_message(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    rollout = await deployed(sandbox, slack)
    assert findings.baselines == 1
    await slack.advance(6 * 60)
    first = await summary(slack, "so far as good as 1.3.2", "4,310 requests", "errors 0.09 %")
    assert len(first.body["blocks"]) == 1, "one line"
    await slack.advance(10 * 60)
    last = await summary(slack, "1.4.0 in QA: as good as 1.3.2")
    assert last.ts == first.ts, "one message, edited"

    async def settled() -> bool:
        return (await analysis_of(sandbox, rollout)).settled

    await until(settled)
    replies = await slack.messages("ben", QA, thread_ts=last.ts)
    assert len(replies) == 2, "the line, and one reply with all readings"
    assert "http_requests_total" in replies[1].words
    windows = findings.asked[-1].windows
    assert findings.asked[-1].baseline == "as tasks-service was"
    assert windows.before.end < windows.written < windows.completed < windows.after.start


async def looked_at(sandbox: Sandbox, slack: SlackDriver, *words: str) -> tuple[Rollout, Message]:
    rollout = await deployed(sandbox, slack)
    await slack.advance(6 * 60)
    return rollout, await summary(slack, *words)


async def followed(sandbox: Sandbox, rollout: Rollout, follow: Follow) -> Analysis:
    async def there() -> Analysis | None:
        found = await analysis_of(sandbox, rollout)
        return found if found.follow is follow else None

    return await until(there)


async def test_a_worse_release_is_shown_with_its_evidence_and_people_are_asked(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    rollout, told = await looked_at(sandbox, slack, "worse than 1.3.2", "×32", "2.9 %")
    kinds = [block["type"] for block in told.body["blocks"]]
    assert "table" in kinds
    assert "data_visualization" in kinds
    assert "<@U0BEN00000>" in str(told.body), "who asked for it is called"
    call = await slack.message(
        "ben", where=lambda m: m.thread_ts == told.ts and "Keep it or roll back?" in m.words
    )
    assert "<!subteam^S0DEVELOPR>" in str(call.body), "the owners too, where an edit calls nobody"
    assert (await analysis_of(sandbox, rollout)).follow is Follow.ASKED
    await slack.click("ben", told, "Keep 1.4.0")
    kept = await summary(slack, "Kept", "although it is worse")
    assert kept.ts == told.ts
    late = await press_keep(rollout.id, By("U0ELENA000"), sandbox.dynamo.edges)
    assert isinstance(late, NotDecided)
    assert (late.code, late.analysis and late.analysis.decided_by) == ("NOTHING", "U0BEN00000")
    log = [e async for e in _entries(sandbox)]
    assert ("keep", "U0BEN00000") in log
    assert ("regression", "dynamo") in log


async def _entries(sandbox: Sandbox):
    for record in await sandbox.dynamo.edges.audit.page("tasks-service", "qa", steps=True):
        yield record.entry.action, record.entry.actor


async def test_who_may_not_deploy_there_decides_nothing(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    rollout, told = await looked_at(sandbox, slack, "worse than 1.3.2")
    await slack.watch("farid")
    after = ""
    for button in ("Keep 1.4.0", "Roll back to 1.3.2", "Mute", "Re-check"):
        await slack.click("farid", told, button)
        refused = await slack.message(
            "farid", where=lambda m: m.ephemeral and "Only those who may" in m.words, after=after
        )
        after = refused.ts
    assert (await analysis_of(sandbox, rollout)).follow is Follow.ASKED
    assert len(await sandbox.dynamo.edges.store.recent("tasks-service", "qa")) == 1


async def test_the_button_rolls_back_with_the_rights_of_who_presses(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    rollout, told = await looked_at(sandbox, slack, "worse than 1.3.2")
    await slack.click("ben", told, "Roll back to 1.3.2")
    gone = await summary(slack, "gone back from")
    assert gone.ts == told.ts
    assert "<@U0BEN00000> rolls it back" in str(gone.body)
    back = (await sandbox.dynamo.edges.store.recent("tasks-service", "qa"))[0]
    assert (back.kind, back.version, back.requested_by.id) == ("ROLLBACK", "1.3.2", "U0BEN00000")
    analysis = await analysis_of(sandbox, rollout)
    assert (analysis.stage, analysis.rollback) == (Stage.STOPPED, back.id)


@pytest.mark.parametrize("changes", [{"on_regression": "rollback"}])
async def test_a_countdown_that_nobody_ends_rolls_back_once(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    rollout, told = await looked_at(sandbox, slack, "Rolls back to 1.3.2 by itself")
    await slack.message(
        "ben", where=lambda m: m.thread_ts == told.ts and "rolls back to 1.3.2" in m.words
    )
    counting = await analysis_of(sandbox, rollout)
    assert counting.acts_at is not None
    recent = sandbox.dynamo.edges.store.recent
    assert len(await recent("tasks-service", "qa")) == 1, "not before the countdown is over"
    await slack.advance(60)
    await summary(slack, "Rolled back to 1.3.2 by itself")

    async def back() -> Rollout | None:
        newest = (await recent("tasks-service", "qa"))[0]
        return newest if newest.id != rollout.id and newest.settled else None

    gone_back = await until(back)
    assert (gone_back.kind, gone_back.state) == ("ROLLBACK", RolloutState.SUCCEEDED)
    assert (gone_back.version, gone_back.requested_by.id) == ("1.3.2", "dynamo")

    await slack.say("ben", QA, "/dynamo unlock tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: "lifted the lock" in m.words)
    again = await deployed(sandbox, slack, "/dynamo deploy tasks-service qa 1.4.0")
    assert again.kind == "DEPLOY"
    await slack.advance(6 * 60)
    asked = await followed(sandbox, again, Follow.ASKED)
    assert asked.why_asked == "TWICE", "never twice for one release"


@pytest.mark.parametrize("changes", [{"on_regression": "rollback"}])
async def test_a_countdown_is_ended_by_whoever_keeps_it(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    _, told = await looked_at(sandbox, slack, "Rolls back to 1.3.2 by itself")
    await slack.click("ben", told, "Keep 1.4.0")
    await summary(slack, "Kept")
    await slack.advance(120)
    await slack.advance(10 * 60)
    last = await summary(slack, "Kept", "last look")
    assert last.ts == told.ts
    assert len(await sandbox.dynamo.edges.store.recent("tasks-service", "qa")) == 1


@pytest.mark.parametrize("changes", [{"on_regression": "rollback"}])
async def test_a_warning_rolls_nothing_back(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.WARN
    rollout, _ = await looked_at(sandbox, slack, "not quite as 1.3.2")
    await slack.advance(11 * 60)
    await summary(slack, "not quite as 1.3.2", "last look")
    assert (await analysis_of(sandbox, rollout)).follow is Follow.NONE
    assert len(await sandbox.dynamo.edges.store.recent("tasks-service", "qa")) == 1


@pytest.mark.parametrize("changes", [{"on_regression": "hold"}])
async def test_hold_locks_the_service_there_until_somebody_lifts_it(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    await looked_at(sandbox, slack, "tasks-service is locked in QA")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa 1.3.2")
    await slack.message("ben", where=lambda m: m.ephemeral and "was not started" in m.words)
    await slack.say("ben", QA, "/dynamo unlock tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: "lifted the lock" in m.words)
    await slack.advance(11 * 60)
    await summary(slack, "worse than 1.3.2", "last look")
    assert not await sandbox.dynamo.edges.locks.all("qa"), "whoever lifted it meant to"


async def test_what_cannot_be_judged_is_said_plainly_and_can_be_looked_at_again(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.empty = True
    _, told = await looked_at(sandbox, slack, "cannot be judged", "Nothing could be looked at")
    await slack.click("ben", told, "Mute")
    muted = await summary(slack, "muted by")
    findings.empty = False
    await slack.click("ben", muted, "Re-check")
    better = await summary(slack, "so far as good as 1.3.2")
    assert better.ts == told.ts


async def test_another_rollout_of_the_place_ends_the_analysis_and_it_says_so(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.WARN
    rollout, told = await looked_at(sandbox, slack, "not quite as 1.3.2")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa 1.3.2")
    over = await summary(slack, "no longer watched")
    assert over.ts == told.ts
    analysis = await analysis_of(sandbox, rollout)
    assert analysis.stage is Stage.STOPPED


async def test_a_workspace_that_draws_no_charts_gets_a_picture(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    await deployed(sandbox, slack)
    await slack.fault(method="chat.postMessage", error="invalid_blocks", times=1)
    await slack.advance(6 * 60)
    told = await summary(slack, "worse than 1.3.2")
    picture = next(block for block in told.body["blocks"] if block["type"] == "image")
    assert "2.9 %" in picture["alt_text"]
    assert "The limit is 0.5 %" in picture["alt_text"]
    assert picture["slack_file"]["id"].startswith("F")
    await slack.advance(10 * 60)
    last = await summary(slack, "worse than 1.3.2", "last look")
    assert any(block["type"] == "image" for block in last.body["blocks"])


async def test_what_is_worse_in_one_environment_does_not_go_to_the_next_until_it_is_kept(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    rollout, told = await looked_at(sandbox, slack, "worse than 1.3.2")
    line = "/dynamo deploy tasks-service prod 1.4.0"
    await slack.say("elena", "#production", line)
    refused = await slack.message("elena", where=lambda m: "no se inició" in m.words)
    assert "Peor que 1.3.2 en qa" in refused.words
    await slack.click("ben", told, "Keep 1.4.0")
    await followed(sandbox, rollout, Follow.KEPT)
    await slack.say("elena", "#production", line)
    again = await slack.message(
        "elena", where=lambda m: "no se inició" in m.words, after=refused.ts
    )
    assert "la conserva" in again.words


async def test_what_turned_out_worse_is_nothing_to_go_back_to(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    await looked_at(sandbox, slack, "worse than 1.3.2")
    await deployed(sandbox, slack, "/dynamo deploy tasks-service qa 1.3.2")
    place = Place(
        sandbox.dynamo.edges.catalog.service("tasks-service"),
        sandbox.dynamo.edges.catalog.environment("qa"),
    )
    request = Request(place, None, Actor("U0BEN00000"), "", "rollback tasks-service qa")
    answer = await request_rollback(request, sandbox.dynamo.edges)
    assert isinstance(answer, NoWayBack)
    assert answer.code == "NONE", "1.4.0 ended well, and was found to be worse after that"


@pytest.mark.parametrize("changes", [{"on_regression": "rollback", "stability_window": "5m"}])
async def test_errors_that_burn_the_budget_end_the_soak_and_what_follows_follows_at_once(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    findings.result["1.4.0"] = Result.FAIL
    findings.burning = True
    rollout = await deployed(sandbox, slack)
    assert rollout.state is RolloutState.FAILED
    assert rollout.completed_at is not None
    assert rollout.finished_at is not None
    assert (rollout.finished_at - rollout.completed_at).total_seconds() < 60, "not after 5 min"
    card = await slack.message("ben", where=lambda m: "1.4.0 failed after" in m.words)
    assert "Too many requests fail" in card.words
    await summary(slack, "The soak ended early", "Rolls back to 1.3.2 by itself")
    await slack.advance(61)
    await summary(slack, "Rolled back to 1.3.2 by itself")
