"""Releases that went some way or other, as the counters of their pods would tell it.

Each story is a namespace of its own in one Prometheus: two pods of the release before, two of the
new one, scraped every 15 s around a rollout; some with the same hours of the week before.
"""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.analysis import Window, Windows
from tests.adapters.metrics.real_prometheus import History

SCRAPE = 15
BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)
SERVICE = "tasks-service"
OLD, NEW, FORMER = (f"{SERVICE}-{each}" for each in ("5d4f8c7b9d", "7c9f6b8d5f", "6b7c8d9e0f"))
_WEEK = 7 * 86_400
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Story:
    """What is different after the rollout. `week` is by how much latency rose at this hour a week
    ago (0: nothing is known of then); `rate` are requests a second of all pods together."""

    name: str
    rate: float = 8.0
    errors: float = 0.001
    slower: float = 1.0
    traffic: float = 1.0
    leak: float = 0.0  # MiB a minute
    silent: bool = False
    restarts: bool = False
    first: bool = False
    week: float = 0.0
    status: str = "status"
    blank: bool = False  # the label is there, and empty: to Prometheus the same as none

    @property
    def namespace(self) -> str:
        return f"ns-{self.name}"


STORIES = {
    story.name: story
    for story in (
        Story("unchanged"),
        Story("errors", errors=0.03),
        Story("slower", slower=2.0),
        Story("traffic", traffic=0.2),
        Story("leak", leak=14.0),
        Story("silent", silent=True),
        Story("restarted", restarts=True),
        Story("season", slower=1.9, week=1.9),
        Story("no-season", slower=1.9, week=1.0),
        Story("quiet", rate=0.1),
        Story("asleep", traffic=0.0),
        Story("first", first=True),
        Story("first-bad", first=True, errors=0.05),
        Story("fire", errors=0.3),
        Story("label", errors=0.03, status="code"),
        Story("blank", errors=0.03, blank=True),
    )
}


def windows_of(written: datetime) -> Windows:
    completed = written + timedelta(seconds=60)
    return Windows(
        before=Window(written - timedelta(minutes=30), written - timedelta(minutes=1)),
        after=Window(completed + timedelta(seconds=60), completed + timedelta(minutes=15)),
        written=written,
        completed=completed,
    )


def tell(history: History, story: Story, written: datetime) -> None:
    at = int(written.timestamp())
    usual = Story(story.name, rate=story.rate, status=story.status, blank=story.blank)
    if not story.first:
        for pod in (f"{OLD}-aaaaa", f"{OLD}-bbbbb"):
            _pod(history, usual, pod, at - 2400, at + 60, 0)
    for pod in (f"{NEW}-ccccc", f"{NEW}-ddddd"):
        _pod(history, story, pod, at + 30, at + 1200, at + 30)
    if story.week:
        then = Story(story.name, rate=story.rate, slower=story.week)
        for pod in (f"{FORMER}-eeeee", f"{FORMER}-fffff"):
            _pod(history, then, pod, at - _WEEK - 2400, at - _WEEK + 1200, at - _WEEK + 60)


def _pod(history: History, story: Story, pod: str, start: int, end: int, since: int) -> None:
    """`since`: from when on it is as the story says."""
    dice = random.Random(f"{story.name}/{pod}")
    labels = {"namespace": story.namespace, "pod": pod}
    box = {**labels, "container": SERVICE}
    well = failed = cpu = 0.0
    within = [0.0] * (len(BUCKETS) + 1)
    mood = 0.0
    for at in range(start, end, SCRAPE):
        changed = bool(since) and at >= since
        if story.restarts and changed and at == since + SCRAPE * 25:
            well = failed = cpu = 0.0
            within = [0.0] * (len(BUCKETS) + 1)
        mood = 0.7 * mood + 0.7 * dice.gauss(0, 1)
        rate = story.rate / 2 * (story.traffic if changed else 1.0) * (1 + 0.05 * mood)
        requests = math.floor(rate * SCRAPE + dice.random()) if rate > 0 else 0
        wrong = sum(dice.random() < (story.errors if changed else 0.001) for _ in range(requests))
        median = 0.07 * (story.slower if changed else 1.0) * math.exp(0.06 * mood)
        well, failed, cpu = well + requests - wrong, failed + wrong, cpu + 0.2 + 0.004 * requests
        for place, bound in enumerate(BUCKETS):
            within[place] += requests * _share(bound, median)
        within[-1] += requests
        memory = 200 * _MIB * (1 + 0.01 * mood)
        memory += story.leak * _MIB * max(0, at - since) / 60 if changed else 0
        history.add("container_memory_working_set_bytes", box, at, memory)
        history.add("container_cpu_usage_seconds_total", box, at, cpu)
        if story.silent and changed:
            continue
        if story.blank:
            history.add("http_requests_total", {**labels, story.status: ""}, at, well + failed)
        else:
            history.add("http_requests_total", {**labels, story.status: "200"}, at, well)
        if failed and not story.blank:
            history.add("http_requests_total", {**labels, story.status: "500"}, at, failed)
        for place, name in enumerate((*map(str, BUCKETS), "+Inf")):
            history.add(
                "http_request_duration_seconds_bucket", {**labels, "le": name}, at, within[place]
            )


def _share(bound: float, median: float) -> float:
    return 0.5 * (1 + math.erf(math.log(bound / median) / 0.5 / math.sqrt(2)))


def some_time_ago() -> datetime:
    """The rollout: long enough ago that all of it is history, on a scrape."""
    at = datetime.now(UTC) - timedelta(hours=5)
    return at.replace(minute=0, second=0, microsecond=0)
