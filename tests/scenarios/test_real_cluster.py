"""`dynamo sandbox --kube-context`: the same cards with another cluster in its place.

Here that cluster is a second simulated world, reached only through its kubeconfig and registry; the
same runs against a real one with `make sandbox KUBE_CONTEXT=NAME`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from bot.domain.rollout import RolloutState
from bot.sandbox import NoClusterError
from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.world import World
from bot.sandbox.launcher import CONFIG, Options, launch
from bot.sandbox.real_cluster import MARK, RealCluster, services_running
from bot.sandbox.slack.driver import SlackDriver

SERVICES = (
    "api-gateway",
    "auth-service",
    "projects-service",
    "forms-service",
    "tasks-service",
    "notifications-service",
)


async def test_a_rollout_on_another_cluster_shows_the_same_card_and_leaves_nothing_behind(tmp_path):
    async with launch(Options(speed=1, keep=tmp_path / "far", bot=False)) as far:
        for service in SERVICES:
            for version in ("1.0.0", "1.1.0", "1.2.0"):
                far.world.registry.add_image(
                    f"dynamo/{service}",
                    [version],
                    created=far.clock.now(),
                    labels={"org.opencontainers.image.version": version},
                )
        options = Options(
            keep=tmp_path / "near",
            kube_context="sandbox",
            kubeconfig=str(far.settings.kubeconfig),
            registry=f"{far.url.removeprefix('http://')}/dynamo",
        )
        before = len(far.world.storage.list("namespaces"))
        async with launch(options) as near, SlackDriver(near.url) as slack:
            assert "1.5.0" not in str(near.slack.suggestions), "its registry has no such release"
            await slack.watch("ben")
            await slack.say("ben", "#qa-deploys", "/dynamo deploy tasks-service qa")
            card = await slack.message(
                "ben",
                channel="#qa-deploys",
                where=lambda m: "is being watched" in m.text,
                timeout=40,
            )
            assert "1.0.0 → *1.1.0*" in card.words
            rollout = (await near.dynamo.edges.store.recent())[0]
            assert (rollout.namespace, rollout.state) == (
                "dynamo-sandbox-qa",
                RolloutState.SOAKING,
            )
        async with asyncio.timeout(60):
            while len(far.world.storage.list("namespaces")) > before:
                await asyncio.sleep(0.05)


# Alone: what it does with namespaces and images, on a cluster that is one of several things


@dataclass
class Far:
    """A cluster and a registry, reached as real ones; `sample` is a catalog of two services."""

    world: World
    cluster: RealCluster
    sample: Path
    home: Path

    def running(self):
        return services_running(self.cluster, self.sample, self.home)

    def names(self) -> set[str]:
        return {each["metadata"]["name"] for each in self.world.storage.list("namespaces")}

    def services(self, namespace: str) -> set[str]:
        found = self.world.storage.list("deployments.apps", namespace)
        return {each["metadata"]["name"] for each in found}

    def add_namespace(self, name: str, **labels: str) -> None:
        meta = {"name": name, "labels": labels}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
        self.world.storage.create("namespaces", body)

    async def gone(self) -> None:
        """All of ours."""
        async with asyncio.timeout(60):
            while any(name.startswith("dynamo-sandbox") for name in self.names()):
                await asyncio.sleep(0.02)


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Far]:
    world = World([], clock=Clock(speed=20), nodes=[("localhost", "8", "16Gi")])
    for version in ("1.0.0", "1.1.0"):
        add_image(world, "tasks-service", version)
    app = web.Application()
    app.add_subapp("/kubernetes", world.kubernetes_app)
    app.add_subapp("/v2", world.registry_app())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "far", "cluster": {"server": f"http://{host}/kubernetes"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "far", "context": {"cluster": "far", "user": "me"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    sample = yaml.safe_load(CONFIG.read_text())
    wanted = ("tasks-service", "auth-service")
    sample["services"] = {name: {**sample["services"][name]} for name in wanted}
    (tmp_path / "sample.yml").write_text(yaml.safe_dump(sample, allow_unicode=True))
    cluster = RealCluster("far", str(tmp_path / "config"), f"{host}/dynamo")
    yield Far(world, cluster, tmp_path / "sample.yml", tmp_path / "home")
    world.stop()
    await runner.cleanup()


def add_image(world: World, service: str, version: str) -> None:
    labels = {"org.opencontainers.image.version": version}
    world.registry.add_image(
        f"dynamo/{service}", [version], created=world.clock.now(), labels=labels
    )


async def test_a_service_without_an_image_is_left_out_and_the_others_run(far):
    before = far.names()
    async with far.running():
        assert far.names() - before == {f"dynamo-sandbox-{each}" for each in ("dev", "qa", "prod")}
        assert far.services("dynamo-sandbox-qa") == {"tasks-service"}
    await far.gone()
    assert far.names() == before


async def test_what_a_killed_run_has_left_is_made_anew(far):
    far.add_namespace("dynamo-sandbox-qa", **MARK)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"LEFT": "over"}}
    meta = {"name": "tasks-service-config", "namespace": "dynamo-sandbox-qa"}
    far.world.storage.create("configmaps", {**config, "metadata": meta})
    async with far.running():
        assert far.services("dynamo-sandbox-qa") == {"tasks-service"}
        assert far.world.storage.get("configmaps", "dynamo-sandbox-qa", meta["name"]) is None
    await far.gone()


async def test_a_start_right_after_an_end_waits_for_the_namespaces_to_go(far):
    """A namespace that is being deleted takes nothing new: 403."""
    async with far.running():
        pass
    async with far.running():
        assert far.services("dynamo-sandbox-prod") == {"tasks-service"}
    await far.gone()


async def test_somebody_elses_namespace_is_not_touched_and_ours_go(far):
    far.add_namespace("dynamo-sandbox-prod")
    before = far.names()
    with pytest.raises(NoClusterError, match="did not make"):
        async with far.running():
            pytest.fail("it began")
    assert far.services("dynamo-sandbox-prod") == set()
    async with asyncio.timeout(60):
        while far.names() != before:
            await asyncio.sleep(0.02)


async def test_without_images_nothing_is_made(far):
    before = far.names()
    nowhere = f"{far.cluster.registry}/elsewhere"
    far.cluster = RealCluster("far", far.cluster.kubeconfig, nowhere)
    with pytest.raises(NoClusterError, match="no image of any service"):
        async with far.running():
            pytest.fail("it began")
    assert far.names() == before


async def test_who_stops_it_while_it_starts_leaves_nothing_behind(far):
    """Its pods never come up, so that it is still waiting for them."""
    far.world.set_trouble("never-ready", None, None)

    async def begin() -> None:
        async with far.running():
            pytest.fail("it began")

    task = asyncio.create_task(begin())
    async with asyncio.timeout(60):
        while not far.services("dynamo-sandbox-prod"):
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await far.gone()


@pytest.mark.parametrize(("context", "says"), [("far", "does not answer"), ("nope", "nope")])
async def test_a_cluster_that_is_not_there_is_said_to_be(far, context, says):
    config = yaml.safe_load(Path(far.cluster.kubeconfig).read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    Path(far.cluster.kubeconfig).write_text(yaml.safe_dump(config))
    far.cluster = RealCluster(context, far.cluster.kubeconfig, far.cluster.registry)
    with pytest.raises(NoClusterError, match=says):
        async with far.running():
            pytest.fail("it began")
