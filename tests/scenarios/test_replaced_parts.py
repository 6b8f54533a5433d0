"""Each server of the sandbox gives its place to a real one: by its URL, and the rest stays."""

import json
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.http_probes import HttpProbes
from bot.app import Dynamo
from bot.check import examine
from bot.sandbox.launcher import Options, Sandbox, WorldClock, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.adapters.metrics.real_prometheus import prometheus
from tests.adapters.registry.test_debian_registry import push
from tests.needs import needed
from tests.programs import docker_registry

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=10, keep=tmp_path / "keep", bot=False)) as sandbox:
        yield sandbox


async def test_a_real_registry_says_which_releases_there_are(
    world: Sandbox, tmp_path: Path
) -> None:
    line = "/dynamo deploy tasks-service qa 1.4.1"
    with needed(docker_registry(tmp_path)) as address:
        there = {"dynamo_registry_url": f"http://{address}"}
        settings = world.settings.model_copy(update=there)
        dynamo = await Dynamo.start(settings, clock=WorldClock(world.clock))
        async with SlackDriver(world.url) as slack:
            await push(address, "dynamo/tasks-service", "1.3.0", b"{}", b"older")
            await slack.say("ben", "#qa-deploys", line)
            refused = await slack.message(
                "ben", where=lambda m: "1.4.1" in m.words and m.from_app, timeout=60
            )
            assert refused.ephemeral
            assert "1.3.0" in refused.words  # what there is instead
            config = json.dumps({"created": "2026-11-20T10:00:00Z", "config": {}}).encode()
            await push(address, "dynamo/tasks-service", "1.4.1", config, b"newer")
            await slack.say("ben", "#qa-deploys", line)
            await slack.message(
                "ben",
                where=lambda m: "tasks-service → QA · 1.4.1" in m.words,
                after=refused.ts,
                timeout=60,
            )
        await dynamo.stop()


async def test_a_real_prometheus_is_asked_for_the_metrics(
    world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = shutil.copytree(world.settings.dynamo_config.parent, tmp_path / "config")
    path = config / "dynamo.yml"
    for name, value in world.surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DYNAMO_CONFIG", str(path))
    monkeypatch.setattr("bot.check.HttpProbes", partial(HttpProbes, world.addresses))
    monkeypatch.setenv("DYNAMO_DATABASE", f"sqlite:///{tmp_path / 'own.db'}")
    text = path.read_text()
    home = tmp_path / "prometheus"
    home.mkdir()
    with needed(prometheus(home)) as address:
        path.write_text(text.replace("https://prometheus.yourapp.com", address))
        said = [item async for item in examine()]
        metrics = [item for item in said if "metrics" in item.what]
        assert metrics
        assert [str(item) for item in metrics if item.ok is False] == []
        async with aiohttp.ClientSession() as session:  # it is that one: it has no series
            answer = await session.get(f"{address}/api/v1/query", params={"query": "up"})
            assert (await answer.json())["data"]["result"] == []
    said = [item async for item in examine()]
    assert any("metrics" in item.what and item.ok is False for item in said)


async def test_a_bot_elsewhere_finds_its_way_by_the_settings_that_are_printed(
    world: Sandbox,
) -> None:
    assert all(f"{name}={value}" in world.greeting for name, value in world.surroundings.items())
    assert f"{world.url}/prometheus" in world.greeting
