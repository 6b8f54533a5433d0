"""A real Prometheus that knows every story, and the look as the desk would call it."""

import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.adapters.process_workbench import ProcessWorkbench
from bot.adapters.prometheus_metrics import PrometheusMetrics
from bot.domain.analysis import Reading, Windows
from bot.domain.workload import (
    Condition,
    Container,
    Deployment,
    Pod,
    ReplicaSet,
    Termination,
    Workload,
)
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import Subject
from bot.workflows.looks.metrics import LOOK
from config.catalog import Catalog, load_catalog
from config.metrics import MetricsSource
from tests.adapters.metrics.real_prometheus import History, prometheus
from tests.adapters.metrics.stories import (
    NEW,
    OLD,
    SERVICE,
    STORIES,
    Story,
    some_time_ago,
    tell,
    windows_of,
)
from tests.conftest import MakeRollout, ManualClock
from tests.needs import needed

CONFIG = "config/dynamo.yml"


@pytest.fixture(scope="session")
def written() -> datetime:
    """When the change was written in every story."""
    return some_time_ago()


@pytest.fixture(scope="session")
def storied(tmp_path_factory: pytest.TempPathFactory, written: datetime) -> Iterator[str]:
    """The address of a Prometheus that knows all stories."""
    home = tmp_path_factory.mktemp("prometheus")
    history = History()
    for story in STORIES.values():
        tell(history, story, written)

    with needed(_told(home, history)) as address:
        yield address


@contextmanager
def _told(home: Path, history: History) -> Iterator[str]:
    history.write(home)
    with prometheus(home) as address:
        yield address


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(Path(__file__).parents[3] / CONFIG)


@pytest.fixture
async def workbench() -> AsyncIterator[ProcessWorkbench]:
    bench = ProcessWorkbench()
    yield bench
    await bench.close()


def workload(namespace: str, *, old: bool = True, restarts: int = 0, oom: bool = False,
             at: datetime | None = None) -> Workload:  # fmt: skip
    """What the cluster shows once the rollout is done."""
    last = Termination(137 if oom else 1, reason="OOMKilled" if oom else "Error", finished_at=at)
    pods = tuple(
        Pod(
            name=f"{NEW}-{suffix}",
            uid=suffix,
            owner_uid="new",
            phase="Running",
            conditions=(Condition("Ready", "True"),),
            containers=(
                Container(
                    SERVICE,
                    ready=True,
                    restarts=restarts,
                    last_terminated=last if restarts else None,
                    memory_limit="384Mi",
                ),
            ),
        )
        for suffix in ("ccccc", "ddddd")
    )
    sets = [ReplicaSet(NEW, "new", "d", revision=2, replicas=2)]
    if old:
        sets.append(ReplicaSet(OLD, "old", "d", revision=1))
    return Workload(
        deployment=Deployment(SERVICE, namespace, "d", revision=2),
        replica_sets=tuple(sets),
        pods=pods,
    )


class ClusterOf:
    def __init__(self, look: Workload) -> None:
        self.look = look

    async def workload(self, context: str, namespace: str, name: str) -> Workload:
        return self.look


class StoreOf:
    def __init__(self, *rollouts: Any) -> None:
        self.rollouts = rollouts

    async def recent(self, service: str = "", environment: str = "", limit: int = 20) -> Any:
        return self.rollouts


Look = Callable[..., Any]


@pytest.fixture
def look(
    catalog: Catalog, workbench: ProcessWorkbench, make_rollout: MakeRollout, clock: ManualClock
) -> Look:
    """look(address, story, written, …) → readings by name."""

    async def read(
        address: str,
        story: Story,
        written: datetime,
        *,
        windows: Windows | None = None,
        seen: Workload | None = None,
        service: Any = None,
        others: tuple[Any, ...] = (),
        scrape: timedelta = timedelta(seconds=15),
        sample: timedelta = timedelta(seconds=60),
        ask: Any = None,
        now: datetime | None = None,
    ) -> dict[str, Reading]:
        environment = replace(
            catalog.environment("qa"),
            namespace=story.namespace,
            metrics=MetricsSource(address, scrape, sample),
        )
        windows = windows or windows_of(written)
        metrics = PrometheusMetrics({"qa": address}, seconds=5)
        edges = types.SimpleNamespace(
            metrics=metrics,
            cluster=ClusterOf(seen or workload(story.namespace, old=not story.first)),
            store=StoreOf(*others),
            workbench=workbench,
            clock=clock if now is None else ManualClock(now),
        )
        rollout = make_rollout(id="this")
        if not story.first:
            rollout = rollout.with_(before=types.SimpleNamespace(version="1.3.2"))
        place = Place(service or catalog.service(SERVICE), environment)
        subject = Subject(place, rollout, windows)
        try:
            if ask is not None:
                burning = await ask(subject, cast("Edges", edges))
                return {burning.name: burning} if burning else {}
            found = await LOOK.read(subject, cast("Edges", edges))
        finally:
            await metrics.close()
        return {reading.name: reading for reading in found}

    return read
