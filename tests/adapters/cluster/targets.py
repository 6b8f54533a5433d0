"""Where the contract is tried: the sandbox's API server and controllers, or a real Kubernetes.

Both are reached through a kubeconfig. Objects are put and looked at with the official client and
its models, so that what the adapter does is checked by something that shares no code with it.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from kubernetes.aio import client, config

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.wall_clock import WallClock
from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.server import kubernetes_app
from bot.sandbox.kubernetes.world import World
from tests.adapters.cluster.scripted import Seen, until, write_kubeconfig

REAL = os.pathsep.join(
    str(Path(each).expanduser().absolute())
    for each in os.environ.get("DYNAMO_TEST_KUBECONFIG", "").split(os.pathsep)
    if each
)
"""A kubeconfig, or several in one variable, as kubectl takes them."""
LABEL = "dynamo-test"
RUN = uuid.uuid4().hex[:8]
NOBODY = "dynamo-test-nobody"
REGISTRY = "localhost:5000"
PATIENCE = 60.0  # seconds: a real node pulls, starts and backs off in its own time
_SANDBOX_SPEED = 10

Object = dict[str, Any]
T = TypeVar("T")


@dataclass
class Target:
    """A namespace of a cluster: the adapter as an administrator and as nobody, and the official
    client beside it."""

    namespace: str
    cluster: KubernetesCluster
    nobody: KubernetesCluster
    api: Any

    @property
    def apps(self) -> Any:
        return client.AppsV1Api(self.api)

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    @property
    def autoscaling(self) -> Any:
        return client.AutoscalingV2Api(self.api)

    async def deployment(self, name: str = "tasks-service") -> Any:
        """As the official client sees it."""
        return await self.apps.read_namespaced_deployment(name, self.namespace)

    @asynccontextmanager
    async def followed(self, name: str = "tasks-service") -> AsyncIterator[Seen]:
        seen = Seen()
        stop = self.cluster.follow(
            "", self.namespace, name, seen.snapshots.append, seen.obstacles.append
        )
        yield seen
        stop()

    async def wait(self, condition: Callable[[], object]) -> None:
        await until(condition, within=PATIENCE)

    async def poll(self, ask: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
        """Ask until the answer is good: for what has no stream."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await ask()
                if good(answer):
                    return answer
                await asyncio.sleep(0.1)


def manifest(version: str = "1.0.0", *, replicas: int | None = 1, **spec: Any) -> Object:
    """A Deployment that runs on both: host network, exec probes, a short grace."""
    labels = {"app.kubernetes.io/name": "tasks-service"}
    container: Object = {
        "name": "tasks-service",
        "image": f"{REGISTRY}/dynamo/tasks-service:{version}",
        "readinessProbe": {"exec": {"command": ["/bin/true"]}, "periodSeconds": 1},
    }
    command = spec.pop("command", None)
    if command is not None:
        container["command"] = command
        del container["readinessProbe"]
    pod = {
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    body: Object = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
        **spec,
    }
    if replicas is not None:
        body["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "tasks-service", "labels": labels},
        "spec": body,
    }


def autoscaler(minimum: int, maximum: int) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "tasks-service"},
        "spec": {
            "minReplicas": minimum,
            "maxReplicas": maximum,
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "tasks-service",
            },
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 70},
                    },
                }
            ],
        },
    }


def config_map(**data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "tasks-service-config"},
        "data": data,
    }


@asynccontextmanager
async def target(home: Path) -> AsyncIterator[Target]:
    """A namespace of its own in the cluster that the environment names, else in a sandbox."""
    async with AsyncExitStack() as stack:
        kubeconfig = REAL or str(await stack.enter_async_context(sandbox(home)))
        yield await stack.enter_async_context(namespace_of(kubeconfig))


@asynccontextmanager
async def namespace_of(kubeconfig: str, run: str = RUN) -> AsyncIterator[Target]:
    """A new namespace, deleted at the end (it is not waited for)."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(official(kubeconfig))
        cluster = KubernetesCluster(WallClock(), kubeconfig=kubeconfig)
        stack.push_async_callback(cluster.close)
        nobody = KubernetesCluster(WallClock(), kubeconfig=kubeconfig, impersonate=NOBODY)
        stack.push_async_callback(nobody.close)
        name = f"dynamo-test-{uuid.uuid4().hex[:10]}"
        core: Any = client.CoreV1Api(api)
        meta = {"name": name, "labels": {LABEL: run}}
        await core.create_namespace({"metadata": meta})
        stack.push_async_callback(_delete, core, name)
        yield Target(name, cluster, nobody, api)


@asynccontextmanager
async def official(kubeconfig: str) -> AsyncIterator[Any]:
    """The official client, as this kubeconfig has it."""
    configuration = client.Configuration()
    load: Any = config.load_kube_config
    await load(kubeconfig, client_configuration=configuration, persist_config=False)
    keys: dict[str, str] = configuration.api_key
    keys.update({name: key.strip() for name, key in keys.items()})  # as kubectl reads a tokenFile
    async with client.ApiClient(configuration) as api:
        yield api


async def sweep(kubeconfig: str, older_than: timedelta = timedelta(hours=1)) -> None:
    """Delete what runs that were killed have left: namespaces of ours, so old that no run can still
    be in them."""
    since = datetime.now(UTC) - older_than
    async with official(kubeconfig) as api:
        core: Any = client.CoreV1Api(api)
        for each in (await core.list_namespace(label_selector=LABEL)).items:
            if each.metadata.creation_timestamp < since:
                await _delete(core, each.metadata.name)


async def all_gone(kubeconfig: str, run: str = RUN, *, within: float = 90) -> None:
    """Wait until the namespaces of this run are gone. Raises AssertionError naming those left."""
    patience = time.monotonic() + within
    async with official(kubeconfig) as api:
        core: Any = client.CoreV1Api(api)
        while found := (await core.list_namespace(label_selector=f"{LABEL}={run}")).items:
            left = [each.metadata.name for each in found]
            assert time.monotonic() < patience, f"still there after {within} s: {left}"
            for name in left:
                await _delete(core, name)
            await asyncio.sleep(0.2)


async def _delete(core: Any, namespace: str) -> None:
    try:
        await core.delete_namespace(namespace)
    except client.ApiException as error:
        if error.status not in (404, 409):  # it has gone meanwhile, or is going
            raise


@asynccontextmanager
async def sandbox(
    home: Path, around: Callable[[World], Sequence[Any]] = lambda _: ()
) -> AsyncIterator[Path]:
    """A kubeconfig of a simulated cluster; `around(world)` are aiohttp middlewares that disturb."""
    clock = Clock(speed=_SANDBOX_SPEED)
    world = World([], clock=clock, nodes=[("localhost", "8", "16Gi")])
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.registry.add_image(
            "dynamo/tasks-service",
            [version],
            created=clock.now(),
            labels={
                "org.opencontainers.image.version": version,
                "sandbox.dynamo/behaviour": "ticks",
            },
        )
    app = kubernetes_app(world.storage, clock, world.logs, users=world.rights)
    app.middlewares.extend(around(world))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield write_kubeconfig(home / "sandbox", f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        world.stop()
        await runner.cleanup()
