"""Fixtures of the cluster adapter's tests: the adapter on a scripted server (`scripted.py`), and on
a target (the sandbox's API server or a real cluster, `targets.py`)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from tests.adapters.cluster.targets import REAL, Target, all_gone, sweep, target


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
    """On a real cluster: what a killed run has left is deleted first, and at the end the namespaces
    of this one are waited for."""
    if REAL:
        _apart(sweep(REAL))
    yield
    if REAL:
        _apart(all_gone(REAL))


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """In a thread: the loop of the tests is none of its business."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
