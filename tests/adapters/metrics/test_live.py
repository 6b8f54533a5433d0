"""A real Prometheus scrapes real instrumented services under load, and each release is judged.

A namespace for each kind: in one the new pod behaves as the old one, in the others it is worse in
some way. Scrapes are 250 ms apart and samples a second long, so that a quarter of a minute is a
history. Old and new pods are under load in the same seconds, so that a machine that does much else
beside slows both of them; how long a piece of work takes is said by the service, not slept.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.domain.analysis import DataState, Reading, Result, Window, Windows, overall
from bot.workflows.looks.burning import fast_burn
from tests.adapters.metrics.real_prometheus import prometheus
from tests.adapters.metrics.stories import NEW, OLD, SERVICE, Story
from tests.needs import needed
from tests.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SECONDS = 15.0  # of load
AT_ONCE = 10  # pieces of work in one request
PAUSE = 0.2  # seconds between two requests
BUCKETS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.5, 1.0)
MIB = 2**20


@dataclass
class Service:
    """A pod: does what `/work?times=` asks for, counts, and tells it under `/metrics`. What is
    `silent` tells nothing of its requests, `leak` is in MiB a second."""

    namespace: str
    pod: str
    errors: float = 0.001
    seconds: float = 0.03
    leak: float = 0.0
    silent: bool = False
    traffic: float = 1.0
    port: int = 0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        mute = CollectorRegistry() if self.silent else self.registry
        self.requests = Counter("http_requests", "requests", ["status"], registry=mute)
        name = "http_request_duration_seconds"
        self.took = Histogram(name, "latency", buckets=BUCKETS, registry=mute)
        memory = Gauge(
            "container_memory_working_set_bytes", "memory", ["container"], registry=self.registry
        )
        memory.labels(SERVICE).set_function(self.memory)
        self.dice = random.Random(f"{self.namespace}/{self.pod}")
        self.loaded_at = 0.0

    def memory(self) -> float:
        """Bytes; never near the limit of 384 MiB, which would be another finding."""
        age = asyncio.get_running_loop().time() - self.loaded_at if self.loaded_at else 0.0
        return MIB * min(330.0, 200.0 + self.leak * age)

    async def work(self, request: web.Request) -> web.Response:
        for _ in range(int(request.query["times"])):
            self.took.observe(self.seconds * self.dice.uniform(0.8, 1.2))
            failed = self.dice.random() < self.errors
            self.requests.labels("500" if failed else "200").inc()
        return web.Response()

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), content_type="text/plain")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        app = web.Application()
        app.router.add_get("/work", self.work)
        app.router.add_get("/metrics", self.metrics)
        async with served(app) as url:
            self.port = int(url.rpartition(":")[2])
            yield self


WORSE: dict[str, dict[str, float]] = {
    "same": {},
    "worse": {"errors": 0.05, "seconds": 0.085},
    "leaking": {"leak": 10.0},
    "deserted": {"traffic": 0.2},
    "silent": {"silent": True},
    "burning": {"errors": 0.3},
}
"""In what the new pod of a namespace differs from the old one."""


async def load(services: list[Service], end: float) -> None:
    """The same for all of them, one turn after the other."""
    loop = asyncio.get_running_loop()
    for each in services:
        each.loaded_at = loop.time()
    async with aiohttp.ClientSession() as session:

        async def ask(service: Service) -> None:
            times = round(AT_ONCE * service.traffic)
            url = f"http://127.0.0.1:{service.port}/work?times={times}"
            async with session.get(url) as answer:
                assert answer.status == 200

        while loop.time() < end:
            await asyncio.gather(*(ask(each) for each in services))
            await asyncio.sleep(PAUSE)


def scraping(services: list[Service]) -> dict[str, object]:
    jobs = [
        {
            "targets": [f"127.0.0.1:{each.port}"],
            "labels": {"namespace": each.namespace, "pod": each.pod},
        }
        for each in services
    ]
    return {
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "pods", "static_configs": jobs}],
    }


async def all_scraped(address: str, count: int) -> None:
    """Prometheus takes some seconds before it knows its targets."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            async with session.get(
                f"{address}/api/v1/query", params={"query": "sum(up)"}
            ) as answer:
                result = (await answer.json())["data"]["result"]
            if result and float(result[0]["value"][1]) == count:
                return
            await asyncio.sleep(0.1)


async def test_each_kind_of_release_is_judged_by_what_was_scraped_of_it(look, tmp_path):
    old = [Service(f"ns-{name}", f"{OLD}-aaaaa") for name in WORSE]
    new = [Service(f"ns-{name}", f"{NEW}-ccccc", **more) for name, more in WORSE.items()]
    found: dict[str, dict[str, Reading]] = {}
    burns: dict[str, bool] = {}
    async with contextlib.AsyncExitStack() as stack:
        for service in (*old, *new):
            await stack.enter_async_context(service.running())
        address = stack.enter_context(needed(prometheus(tmp_path, scraping([*old, *new]))))
        await all_scraped(address, len(old) + len(new))
        start = datetime.now(UTC)
        await load([*old, *new], asyncio.get_running_loop().time() + SECONDS)
        end = datetime.now(UTC)
        second = timedelta(seconds=1)
        loaded = Window(start + second, end - second / 2)
        windows = Windows(before=loaded, after=loaded, written=start, completed=start)
        timing = {"windows": windows, "scrape": second / 4, "sample": second}
        for name in WORSE:
            found[name] = await look(address, Story(name), start, **timing)
            fire = await look(address, Story(name), start, **timing, ask=fast_burn, now=end)
            burns[name] = bool(fire)

    same = found["same"]
    assert same["ERROR_RATIO"].result is Result.PASS
    assert overall(same.values()) is Result.PASS, same
    worse = found["worse"]
    assert worse["ERROR_RATIO"].code == "METRIC_REGRESSED"
    assert worse["ERROR_RATIO"].after == pytest.approx(0.05, abs=0.035)
    assert worse["LATENCY_P50"].result is Result.FAIL
    assert worse["LATENCY_P95"].result is Result.FAIL
    assert worse["MEMORY"].result is Result.PASS
    leaking = found["leaking"]["MEMORY"]
    assert (leaking.result, leaking.code) == (Result.WARN, "METRIC_WORSE")
    deserted = found["deserted"]["REQUEST_RATE"]
    assert (deserted.result, deserted.code) == (Result.WARN, "METRIC_TRAFFIC_DROPPED")
    silent = found["silent"]
    for name in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P50", "LATENCY_P95"):
        assert (silent[name].code, silent[name].state) == (
            "METRIC_DISAPPEARED",
            DataState.NO_DATA,
        ), name
    assert silent["MEMORY"].result is Result.PASS
    assert found["burning"]["ERROR_RATIO"].code == "METRIC_REGRESSED"
    assert {name for name, burnt in burns.items() if burnt} == {"burning"}, (
        "5 % is bad, and below 14.4 times the 0.5 % that the SLO allows"
    )
