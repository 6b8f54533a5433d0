"""A Deployment whose status is written between every reading and every writing.

So it is in a real cluster while a rollout goes on: its controller writes a dozen times in the first
second, and each write is a new resourceVersion. What somebody decided on has not changed by that.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.snapshot import kept
from bot.errors import PortError, Trouble
from bot.sandbox.kubernetes.world import World
from tests.adapters.cluster.targets import (
    Object,
    Target,
    autoscaler,
    manifest,
    namespace_of,
    sandbox,
)

NAME = "tasks-service"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Controller:
    """Writes a status before a PATCH gets through, the next `times` times; or does more then."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.times = 0
        self.met = 0
        self.also: Callable[[Object], None] = lambda deployment: None

    @property
    def middlewares(self) -> Sequence[Any]:
        @web.middleware
        async def between(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method == "PATCH" and "/deployments/" in request.path and self.times:
                self.times -= 1
                self.met += 1
                self._write(request.path.split("/namespaces/")[1].split("/")[0])
            return await handler(request)

        return [between]

    def _write(self, namespace: str) -> None:
        found = self.world.storage.get("deployments.apps", namespace, NAME)
        assert found is not None
        found["status"]["collisionCount"] = self.met
        self.also(found)
        self.world.storage.update("deployments.apps", found, manager="kube-controller-manager")


@pytest.fixture
async def controllers() -> list[Controller]:
    return []


@pytest.fixture
async def there(tmp_path: Path, controllers: list[Controller]) -> AsyncIterator[Target]:
    def around(world: World) -> Sequence[Any]:
        controllers.append(Controller(world))
        return controllers[0].middlewares

    async with sandbox(tmp_path, around) as kubeconfig, namespace_of(str(kubeconfig)) as found:
        await found.cluster.apply("", found.namespace, manifest("1.0.0", replicas=3))
        yield found


@pytest.fixture
def controller(there: Target, controllers: list[Controller]) -> Controller:
    return controllers[0]


async def seen(there: Target) -> Any:
    found = await there.cluster.template("", there.namespace, NAME)
    assert found is not None
    return found


async def test_a_template_goes_back_though_the_status_was_written_meanwhile(
    there: Target, controller: Controller
) -> None:
    good = await seen(there)
    await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    now = await seen(there)
    controller.times = 1
    done = await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=now
    )
    assert (done.template, controller.met) == (good.fingerprint, 1)


async def test_a_template_that_the_server_refuses_is_refused_for_what_it_is(
    there: Target, controller: Controller
) -> None:
    now = await seen(there)
    wrong = kept(now.body)
    wrong["spec"]["containers"] = []
    controller.times = 1
    with pytest.raises(PortError) as raised:
        await there.cluster.replace_template("", there.namespace, NAME, wrong, seen=now)
    assert raised.value.trouble is Trouble.INVALID


async def test_one_that_was_made_anew_is_another_whatever_its_generation(there: Target) -> None:
    before = await seen(there)
    await there.apps.delete_namespaced_deployment(NAME, there.namespace)
    await there.cluster.apply("", there.namespace, manifest("1.0.0", replicas=3))
    assert (await seen(there)).generation == before.generation
    with pytest.raises(PortError) as raised:
        await there.cluster.replace_template(
            "", there.namespace, NAME, kept(before.body), seen=before
        )
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, True)


async def test_a_number_of_pods_is_set_though_the_status_was_written_meanwhile(
    there: Target, controller: Controller
) -> None:
    controller.times = 3
    await there.cluster.scale("", there.namespace, NAME, replicas=2, before=3)
    assert (await there.deployment()).spec.replicas == 2
    assert controller.met == 3


async def test_a_number_that_somebody_sets_in_between_is_not_overwritten(
    there: Target, controller: Controller
) -> None:
    controller.times = 1
    controller.also = lambda deployment: deployment["spec"].update(replicas=5)
    with pytest.raises(PortError) as raised:
        await there.cluster.scale("", there.namespace, NAME, replicas=2, before=3)
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, False)
    assert (await there.deployment()).spec.replicas == 5


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_deploy_right_after_a_way_back_meets_no_conflict(
    there: Target, controller: Controller, *, dry_run: bool
) -> None:
    """What a way back wrote is adopted first, and taken with force; both name the version that was
    read, and a rollout is going on."""
    good = await seen(there)
    await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=await seen(there)
    )
    controller.times = 2
    applied = await there.cluster.apply("", there.namespace, manifest("1.2.0"), dry_run=dry_run)
    assert (applied.changed, controller.met) == (True, 2)


async def test_replicas_are_handed_to_an_autoscaler_though_the_status_was_written_meanwhile(
    there: Target, controller: Controller
) -> None:
    await there.autoscaling.create_namespaced_horizontal_pod_autoscaler(
        there.namespace, autoscaler(2, 6)
    )
    controller.times = 3
    applied = await there.cluster.apply("", there.namespace, manifest("1.1.0", replicas=1))
    assert (applied.desired, controller.met) == (3, 3)
