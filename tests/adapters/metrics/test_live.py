"""A real Prometheus scrapes a real instrumented service under load, and the release is judged.

Two namespaces at once: in one the new pod behaves as the old one, in the other it fails three times
in a hundred and takes more than twice the time. Scrapes are 200 ms apart and samples a second long,
so that half a minute is a history.
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
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from bot.domain.analysis import Result, Window, Windows
from bot.workflows.looks.burning import fast_burn
from tests.adapters.metrics.real_prometheus import prometheus
from tests.adapters.metrics.stories import NEW, OLD, Story
from tests.needs import needed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

BEFORE, AFTER = 14.0, 10.0  # seconds of load on either side
USERS = 5
BUCKETS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.5, 1.0)


@dataclass
class Service:
    """A pod: answers `/work`, counts, and tells it under `/metrics`."""

    namespace: str
    pod: str
    errors: float = 0.001
    seconds: float = 0.03
    port: int = 0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.requests = Counter("http_requests", "requests", ["status"], registry=self.registry)
        self.took = Histogram(
            "http_request_duration_seconds", "latency", buckets=BUCKETS, registry=self.registry
        )
        self.dice = random.Random(self.pod)

    async def work(self, _: web.Request) -> web.Response:
        with self.took.time():
            await asyncio.sleep(self.seconds * self.dice.uniform(0.8, 1.2))
        status = 500 if self.dice.random() < self.errors else 200
        self.requests.labels(str(status)).inc()
        return web.Response(status=status)

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), content_type="text/plain")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        app = web.Application()
        app.router.add_get("/work", self.work)
        app.router.add_get("/metrics", self.metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = int(runner.addresses[0][1])
        try:
            yield self
        finally:
            await runner.cleanup()


async def load(service: Service, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def user(session: aiohttp.ClientSession) -> None:
        while loop.time() < end:
            async with session.get(f"http://127.0.0.1:{service.port}/work"):
                pass

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(user(session) for _ in range(USERS)))


def scraping(*services: Service) -> dict[str, object]:
    jobs = [
        {
            "targets": [f"127.0.0.1:{each.port}"],
            "labels": {"namespace": each.namespace, "pod": each.pod},
        }
        for each in services
    ]
    return {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
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


async def test_a_release_is_judged_by_what_was_scraped_of_it(look, tmp_path):
    old = [Service(f"ns-{name}", f"{OLD}-aaaaa") for name in ("same", "worse")]
    new = [
        Service("ns-same", f"{NEW}-ccccc"),
        Service("ns-worse", f"{NEW}-ccccc", errors=0.05, seconds=0.085),
    ]
    async with contextlib.AsyncExitStack() as stack:
        for service in (*old, *new):
            await stack.enter_async_context(service.running())
        address = stack.enter_context(needed(prometheus(tmp_path, scraping(*old, *new))))
        await all_scraped(address, 4)
        start = datetime.now(UTC)
        await asyncio.gather(*(load(each, BEFORE) for each in old))
        written = datetime.now(UTC)
        await asyncio.gather(*(load(each, AFTER) for each in new))
        end = datetime.now(UTC)
        second = timedelta(seconds=1)
        windows = Windows(
            before=Window(start + second, written - second / 2),
            after=Window(written + second, end - second / 2),
            written=written,
            completed=written,
        )
        timing = {"windows": windows, "scrape": second / 5, "sample": second}
        same = await look(address, Story("same"), written, **timing)
        worse = await look(address, Story("worse"), written, **timing)
        burning = await look(address, Story("worse"), written, **timing, ask=fast_burn, now=end)
        calm = await look(address, Story("same"), written, **timing, ask=fast_burn, now=end)
    assert same["ERROR_RATIO"].result in (Result.PASS, Result.INCONCLUSIVE)
    assert same["LATENCY_P95"].result is not Result.FAIL
    assert same["LATENCY_P50"].result is not Result.FAIL
    assert worse["ERROR_RATIO"].code == "METRIC_REGRESSED"
    assert worse["ERROR_RATIO"].after == pytest.approx(0.05, abs=0.035)
    assert worse["LATENCY_P50"].result is Result.FAIL
    assert worse["LATENCY_P95"].result is Result.FAIL
    counted = worse["ERROR_RATIO"].values["requests_after"]
    assert counted == pytest.approx(AFTER * USERS / 0.09, rel=0.5)
    assert not calm
    assert not burning  # 5 % is bad, and below 14.4 times the 0.5 % that the SLO allows
