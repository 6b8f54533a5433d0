"""Fixtures of the cluster adapter's tests: the adapter on a scripted server (`scripted.py`), and on
a target (the sandbox's API server or a real cluster, `targets.py`)."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.kubernetes_connections import Timeouts
from tests.adapters.cluster.scripted import (
    ManualClock,
    ScriptedServer,
    Seen,
    put_workload,
    write_kubeconfig,
)
from tests.adapters.cluster.targets import LABEL, REAL, RUN, Target, target


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A scripted server with one workload: `tasks-service`, one ReplicaSet, two running pods."""
    scripted = ScriptedServer()
    put_workload(scripted, "tasks-service", pods=2)
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
def kubeconfig(server: ScriptedServer, tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "kubeconfig", f"http://127.0.0.1:{server.port}")


@pytest.fixture
async def cluster(kubeconfig: Path, clock: ManualClock) -> AsyncIterator[KubernetesCluster]:
    """The adapter, on the scripted server, by a clock that stands still."""
    adapter = KubernetesCluster(
        clock, kubeconfig=str(kubeconfig), timeouts=Timeouts(connect=2, total=5, idle=30)
    )
    yield adapter
    await adapter.close()


@pytest.fixture
def follow(cluster: KubernetesCluster) -> Iterator[Callable[..., Seen]]:
    """Follow a workload until the test ends."""
    stops = []

    def start(name: str = "tasks-service", namespace: str = "dynamo-qa") -> Seen:
        seen = Seen()
        stops.append(
            cluster.follow("", namespace, name, seen.snapshots.append, seen.obstacles.append)
        )
        return seen

    yield start
    for stop in stops:
        stop()


@pytest.fixture
async def there(tmp_path: Path, _nothing_left_behind: None) -> AsyncIterator[Target]:
    """A namespace of the sandbox, or of the real cluster that the environment names."""
    async with target(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def _nothing_left_behind() -> Iterator[None]:
    """On a real cluster, wait until the namespaces of this run are gone."""
    yield
    if not REAL:
        return
    import kubernetes

    load: Any = kubernetes.config.load_kube_config
    load(REAL)
    core = kubernetes.client.CoreV1Api()
    patience = time.monotonic() + 120
    while core.list_namespace(label_selector=f"{LABEL}={RUN}").items:
        assert time.monotonic() < patience, "namespaces of this run are still there"
        time.sleep(1)
