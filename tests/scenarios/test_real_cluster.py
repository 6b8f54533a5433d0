"""`dynamo sandbox --kube-context`: the same cards with another cluster in its place.

Here that cluster is a second simulated world, reached only through its kubeconfig and registry; the
same runs against a real one with `make sandbox KUBE_CONTEXT=NAME`.
"""

import asyncio

from bot.domain.rollout import RolloutState
from bot.sandbox.launcher import Options, launch
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
