"""Deploying to QA in a world whose time passes by hand, and coming to the summaries of it."""

from collections.abc import Collection
from functools import partial

import pytest

import bot.app
from bot.adapters.prometheus_metrics import PrometheusMetrics
from bot.domain.analysis import Analysis, Result, Stage
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.workflows import analysis_looking, policies
from bot.workflows.looks import integration, logs, response_times
from tests.inline_workbench import InlineWorkbench
from tests.pacing import PATIENT, STEP, dripping, passing, standing

QA = "#qa-deploys"
WAITS = {Stage.PROVISIONAL: 6 * 60, Stage.FINAL: 9 * 60}
"""Seconds from the end of a rollout to its first look, and from that to the last one."""


def at_ease(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit of real seconds has a say in what is found, and scipy is loaded once: on a machine
    that does much else a look takes longer, and finds the same."""
    monkeypatch.setattr(bot.app, "ProcessWorkbench", InlineWorkbench)
    at_leisure = partial(PrometheusMetrics, seconds=PATIENT, patience=PATIENT)
    monkeypatch.setattr(bot.app, "PrometheusMetrics", at_leisure)
    for module in (analysis_looking, integration, logs, response_times):
        monkeypatch.setattr(module, "_BASELINE_SECONDS", PATIENT)
    for module in (integration, logs, response_times, policies):
        monkeypatch.setattr(module, "_SECONDS", PATIENT)
    for module in (integration, response_times):
        monkeypatch.setattr(module, "_PATIENCE", PATIENT)
    for name in ("_LOOK_SECONDS", "_GUARD_SECONDS"):
        monkeypatch.setattr(analysis_looking, name, PATIENT)
    monkeypatch.setattr(logs, "_CLUSTER_SECONDS", PATIENT)


async def deployed(
    sandbox: Sandbox, slack: SlackDriver, line: str = "", *, step: float = STEP
) -> Rollout:
    """Typed and rolled out, so many seconds at a time."""
    store = sandbox.dynamo.edges.store
    known = {each.id for each in await store.recent("tasks-service", "qa")}
    await slack.say("ben", QA, line or "/dynamo deploy tasks-service qa 1.4.0")
    return await rolled_out(sandbox, known, step=step)


async def rolled_out(
    sandbox: Sandbox, known: Collection[str] = (), *, step: float = STEP
) -> Rollout:
    """A rollout that is none of the `known` ones, at its end. Time begins to pass when every look
    has noted how things were."""
    store = sandbox.dynamo.edges.store

    async def newest() -> Rollout | None:
        found = await store.recent("tasks-service", "qa")
        return found[0] if found and found[0].id not in known else None

    async def noted() -> bool:
        rollout = await newest()
        analysis = await sandbox.dynamo.edges.analyses.get(rollout.id) if rollout else None
        return analysis is not None and analysis.baselines is not None

    async def settled() -> Rollout | None:
        rollout = await newest()
        return rollout if rollout and rollout.settled else None

    await standing(noted)
    return await passing(sandbox.clock, settled, step=step)


async def analysis_of(sandbox: Sandbox, rollout: Rollout) -> Analysis:
    found = await sandbox.dynamo.edges.analyses.get(rollout.id)
    assert found is not None
    return found


async def looked_at(sandbox: Sandbox, rollout: Rollout, stage: Stage) -> Analysis:
    """The analysis as soon as this summary of it and its thread stand."""
    await sandbox.clock.pass_time(WAITS[stage])

    async def there() -> Analysis | None:
        found = await analysis_of(sandbox, rollout)
        if found.stage is not stage or not found.card.ts:
            return None
        moved = found.result in (Result.FAIL, Result.WARN)
        quiet = stage is Stage.PROVISIONAL and not moved
        return found if quiet or found.detailed is stage else None

    return await dripping(sandbox.clock, there)


async def told(sandbox: Sandbox, slack: SlackDriver, rollout: Rollout, stage: Stage) -> Message:
    """The message with this summary."""
    analysis = await looked_at(sandbox, rollout, stage)
    said = await slack.messages("ben", QA)
    return next(each for each in said if each.ts == analysis.card.ts)
