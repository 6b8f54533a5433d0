"""Fixtures of the cluster adapter's tests: the adapter on a scripted server (`scripted.py`), and on
a target (the sandbox's API server or a real cluster, `targets.py`)."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

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
