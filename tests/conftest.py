"""What all tests build on: a clock moved by hand, a rollout that shows only what matters."""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from aiohttp import web_app
from hypothesis import HealthCheck, is_hypothesis_test, settings

from bot.domain import redaction
from bot.domain.image import Image
from bot.domain.rollout import Actor, CardRef, Rollout
from tests import certificates, scheduling

# How long an example takes is the machine's affair: on a busy one it is no failure of a test.
# Each run looks for new examples, with `make test ARGS=--hypothesis-profile=search` for many more;
# .ci/run judges one commit always by the same ones.
slow_is_fine: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("explore", **slow_is_fine)
settings.register_profile("search", max_examples=3000, **slow_is_fine)
settings.register_profile("ci", derandomize=True, **slow_is_fine)
settings.load_profile("ci" if os.environ.get("DYNAMO_TESTS_NEVER_SKIP") == "1" else "explore")

gc.disable()  # until all tests are collected, of which nothing is let go: `imported_once` goes on

SEARCHES = 3600
"""Seconds that one property may search: thirty times as many examples, on a busy machine."""

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab12" * 16


class ManualClock:
    """`bot.ports.Clock` whose time passes when a test says so."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._alarms: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._now

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        alarm = (when, wake)
        self._alarms.append(alarm)
        return lambda: self._alarms.remove(alarm) if alarm in self._alarms else None

    def advance(self, seconds: float) -> None:
        """Let time pass: alarms ring at their own time, the earliest first."""
        target = self._now + timedelta(seconds=seconds)
        while due := [alarm for alarm in self._alarms if alarm[0] <= target]:
            first = min(due, key=lambda alarm: alarm[0])
            self._alarms.remove(first)
            self._now = max(self._now, first[0])
            first[1]()
        self._now = target

    @property
    def next_alarm(self) -> datetime | None:
        return min((when for when, _ in self._alarms), default=None)


class MakeRollout(Protocol):
    def __call__(self, **changes: Any) -> Rollout: ...


@pytest.fixture(scope="session", autouse=True)
def redaction_ready() -> None:
    """As soon after a start as in the bot, so that no single test pays for it in time."""
    redaction.prepare()


@pytest.fixture(scope="session", autouse=True)
def imported_once() -> None:
    """What was imported stays until the end. Each full collection would walk through all of it: a
    tenth of a second and more, in the middle of whatever is being waited for."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def certificates_made_once() -> Iterator[None]:
    with certificates.made_once():
        yield


@pytest.fixture(autouse=True)
def no_world_outlives_its_test() -> Iterator[None]:
    """aiohttp keeps the last 1,024 handlers that had a middleware, each with its application, and
    so with the whole offline world behind it: six megabytes a test."""
    yield
    forget = getattr(web_app, "_cached_build_middleware", None)
    if forget is not None:
        forget.cache_clear()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_rollout() -> MakeRollout:
    def make(**changes: Any) -> Rollout:
        rollout = Rollout(
            id="r1",
            service="tasks-service",
            environment="qa",
            namespace="dynamo-qa",
            context="",
            image=Image("registry.yourapp.com/dynamo/tasks-service", "1.4.0", DIGEST),
            version="1.4.0",
            requested_by=Actor("U0ANA00000", "es"),
            requested_at=NOON,
            line="deploy tasks-service qa 1.4.0",
            card=CardRef("C0QADEPLOYS", "1764000000.000100"),
        )
        return rollout.with_(**changes)

    return make


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    scheduling.longest_first(items)
    if settings.get_current_profile_name() == "search":
        for item in items:
            if is_hypothesis_test(getattr(item, "obj", None)):
                item.add_marker(pytest.mark.timeout(SEARCHES), append=False)


@pytest.hookimpl(optionalhook=True)  # of xdist, which `-p no:xdist` leaves out
def pytest_xdist_auto_num_workers() -> int:
    return scheduling.workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return scheduling.Pieces(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where nothing may be skipped (.ci/run says so), a browser or an engine that is missing is a
    failure: a test that never runs holds nothing."""
    report = yield
    needed = any(item.get_closest_marker(name) for name in ("browser", "engine"))
    if needed and report.skipped and os.environ.get("DYNAMO_TESTS_NEVER_SKIP") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report
