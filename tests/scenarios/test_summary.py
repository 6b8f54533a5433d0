"""After a rollout the channel learns whether it is as good as before: what a team sees and presses.

The looks are told what to find (they have tests of their own); everything else is real: the bot on
its own store, Slack and Kubernetes on the wire. Time is the sandbox's, moved on by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import yaml

import bot.app
from bot.domain.analysis import Analysis, Follow, Part, Reading, Result, Sample, Stage, Unit
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject

QA = "#qa-deploys"
LINE = "/dynamo deploy tasks-service qa"


class Findings:
    """What the looks are to find, and what they were asked."""

    def __init__(self) -> None:
        self.result: dict[str, Result] = {}  # by version; PASS where nothing is said
        self.empty = False
        self.asked: list[Subject] = []
        self.baselines = 0

    async def baseline(self, place: Place, edges: Edges) -> str:
        self.baselines += 1
        return f"as {place.service.name} was"

    async def read(self, subject: Subject, edges: Edges) -> tuple[Reading, ...]:
        self.asked.append(subject)
        result = self.result.get(subject.rollout.version, Result.PASS)
        if self.empty:
            return ()
        after = 0.029 if result is Result.FAIL else 0.012 if result is Result.WARN else 0.0009
        windows = subject.windows
        span = windows.after.end - windows.before.start
        at = [windows.before.start + span * n / 40 for n in range(41)]
        series = tuple(Sample(t, 0.0009 if t < windows.written else after) for t in at)
        return (
            Reading(
                Part.METRICS,
                "ERROR_RATIO",
                result,
                "ANY",
                unit=Unit.RATIO,
                before=0.0009,
                after=after,
                values={"requests": 4310, "threshold": 0.005},
                query='sum(rate(http_requests_total{namespace="dynamo-qa"}[1m]))',
                series=series,
            ),
        )


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> Findings:
    findings = Findings()
    look = Look(Part.METRICS, findings.read, findings.baseline)
    monkeypatch.setattr(bot.app, "LOOKS", (look,))
    return findings


def catalog_with(home: Path, **changes: object) -> Path:
    """The sample, where QA is the first environment that asks for nothing, and with `changes`."""
    catalog = yaml.safe_load(CONFIG.read_text())
    for environment in catalog["environments"]:
        environment["stability_window"] = "5s"
        if environment["name"] == "qa":
            environment.update(requires=[], **changes)
    for name, service in catalog["services"].items():
        service["manifests"] = str(CONFIG.parent / "k8s" / name)
    path = home / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


@pytest.fixture
def changes() -> dict[str, object]:
    """What stands in QA's part of dynamo.yml; tests overwrite it with `parametrize`."""
    return {}


@pytest.fixture
async def sandbox(
    tmp_path: Path, findings: Findings, changes: dict[str, object]
) -> AsyncIterator[Sandbox]:
    config = catalog_with(tmp_path, **changes)
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


async def deployed(sandbox: Sandbox, slack: SlackDriver, line: str = LINE) -> Rollout:
    """Typed and rolled out; the analysis has begun."""
    await slack.say("ben", QA, line)
    rollouts = sandbox.dynamo.edges.store

    async def settled() -> Rollout | None:
        found = await rollouts.recent("tasks-service", "qa")
        return found[0] if found and found[0].settled else None

    return await until(settled)


async def until(seen: Callable[[], object], seconds: float = 20) -> object:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not (found := await seen()):  # type: ignore[misc]
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
        timeout=20,
    )


async def test_a_good_release_gets_one_quiet_line_and_one_message(
    sandbox: Sandbox, slack: SlackDriver, findings: Findings
) -> None:
    rollout = await deployed(sandbox, slack)
    assert findings.baselines == 1
    await slack.advance(5 * 60)
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
