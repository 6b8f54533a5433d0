"""From the end of an analysis's window to its summary standing in Slack, and how long the bot's
event loop was held meanwhile: the four looks, eight metrics and more, one chart, against the
sandbox's Prometheus, sites, logs and Slack. Each release fails 3 % of its requests, so that there
is a chart; once Slack draws it, once it is a picture (Slack refuses the block).

The world runs in a process of its own: what its servers compute holds no loop of the bot.
"""

import asyncio
import multiprocessing
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import yaml

from bot.__main__ import keep_for_good
from bot.app import Dynamo, Offline
from bot.domain.analysis import Analysis, Part, Stage
from bot.sandbox.clock import Clock
from bot.sandbox.launcher import CONFIG, Options, WorldClock, launch
from bot.sandbox.slack.driver import SlackDriver
from bot.workflows.analysis_telling import chart_for
from tests.bench.rows import Row

SPEED = 60.0
VERSIONS = {"tasks-service": "1.4.0", "projects-service": "1.12.0"}
"""What runs in dev, and not yet in QA."""
_BEAT = 0.005  # seconds between two looks at how late the loop is


def run() -> list[Row]:
    return asyncio.run(_measure())


@dataclass(slots=True)
class _Watch:
    """How late the loop was at the worst, and how much its thread computed meanwhile: on a busy
    machine the first is the machine's share, too."""

    worst: float = 0.0
    worst_computed: float = 0.0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self.tasks.append(asyncio.create_task(self._beat()))

    async def _beat(self) -> None:
        while True:
            before, computed = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_BEAT)
            self.worst = max(self.worst, time.perf_counter() - before - _BEAT)
            self.worst_computed = max(self.worst_computed, time.thread_time() - computed)


async def _measure() -> list[Row]:
    drawn: list[float] = []
    pictured: list[float] = []
    lag, computed, metrics = 0.0, 0.0, 0
    for service in VERSIONS:
        for picture in (False, True):
            seconds, watch, found = await _one(service, picture=picture)
            (pictured if picture else drawn).append(seconds)
            lag, computed = max(lag, watch.worst), max(computed, watch.worst_computed)
            metrics = max(metrics, found)
    what = f"window end → summary in Slack ({metrics} metrics, 4 looks, 1 chart), worst of {{}}"
    aim = "≤ 3"
    return [
        Row(what.format(f"{len(drawn)}, Slack draws"), max(drawn), None, "s", aim),
        Row(what.format(f"{len(pictured)}, a picture"), max(pictured), None, "s", aim),
        Row("the event loop held meanwhile, worst", 1000 * lag, None, "ms", "≤ 50"),
        Row("the same, computing", 1000 * computed, None, "ms", "≤ 50"),
    ]


async def _one(service: str, *, picture: bool) -> tuple[float, _Watch, int]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        here, there = context.Pipe()
        process = context.Process(target=_world, args=(there, str(home), service), daemon=True)
        process.start()
        try:
            told = await asyncio.to_thread(here.recv)
            return await _follow(told, service, picture=picture)
        finally:
            here.send("enough")
            await asyncio.to_thread(process.join, 10)


async def _follow(
    told: dict[str, Any], service: str, *, picture: bool
) -> tuple[float, _Watch, int]:
    passed = (time.monotonic() - told["monotonic"]) * SPEED
    clock = Clock(speed=SPEED, start=told["now"] + timedelta(seconds=passed))
    offline = Offline(None, {}, told["addresses"], told["authority"])
    dynamo = await Dynamo.start(told["settings"], clock=WorldClock(clock), offline=offline)
    keep_for_good()
    try:
        async with SlackDriver(told["url"]) as slack:
            line = f"/dynamo deploy {service} qa {VERSIONS[service]}"
            await slack.say("ben", "#qa-deploys", line)
            completed = await _rolled_out(dynamo)
            times = dynamo.edges.catalog.environment("qa").analysis
            assert times is not None
            if picture:  # the next message is the first summary; after its refusal come pictures
                await _until(clock, completed + times.provisional - timedelta(seconds=30))
                await slack.fault(method="chat.postMessage", error="invalid_blocks", times=1)
            await _stage(dynamo, Stage.PROVISIONAL)
            await _until(clock, completed + times.final)
            watch = _Watch()
            watch.start()
            began = time.perf_counter()
            last = await _stage(dynamo, Stage.FINAL, settled=True)
            seconds = time.perf_counter() - began
            watch.tasks[0].cancel()
            assert chart_for(last, dynamo.edges.catalog) is not None, last.readings
            assert bool(last.chart) is picture
            measured = [each for each in last.readings if each.part is Part.METRICS]
            return seconds, watch, len(measured)
    finally:
        await dynamo.stop()


async def _rolled_out(dynamo: Dynamo) -> datetime:
    async with asyncio.timeout(60):
        while True:
            found = await dynamo.edges.store.recent(limit=1)
            if found and found[0].settled and found[0].completed_at is not None:
                return found[0].completed_at
            await asyncio.sleep(0.02)


async def _until(clock: Clock, when: datetime) -> None:
    await clock.sleep((when - clock.now()).total_seconds())


async def _stage(dynamo: Dynamo, stage: Stage, *, settled: bool = False) -> Analysis:
    async with asyncio.timeout(180):
        while True:
            for rollout in await dynamo.edges.store.recent(limit=5):
                found = await dynamo.edges.analyses.get(rollout.id)
                if found is not None and found.stage is stage and (found.settled or not settled):
                    return found
            await asyncio.sleep(0.01)


def _world(pipe: Connection, home: str, service: str) -> None:
    asyncio.run(_be_the_world(pipe, Path(home), service))


async def _be_the_world(pipe: Connection, home: Path, service: str) -> None:
    catalog = yaml.safe_load(CONFIG.read_text())
    for environment in catalog["environments"]:
        environment["requires"] = []
    for name, described in catalog["services"].items():
        described["manifests"] = str(CONFIG.parent / "k8s" / name)
    config = home / "dynamo.yml"
    config.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    options = Options(keep=home / "keep", config=config, bot=False, speed=SPEED)
    async with launch(options) as sandbox:
        sandbox.world.set_trouble("fails-3-percent", service, "qa")
        pipe.send(
            {
                "url": sandbox.url,
                "now": sandbox.clock.now(),
                "monotonic": time.monotonic(),
                "settings": sandbox.settings,
                "addresses": dict(sandbox.addresses),
                "authority": sandbox.town.authority if sandbox.town else "",
            }
        )
        await asyncio.to_thread(pipe.recv)
