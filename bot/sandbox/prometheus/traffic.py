"""What each pod does in each quarter of a minute: requests, failures, latency, CPU, memory.

All of it is a function of the pod and the time, with noise from hashes: asking twice gives the same
answer, and nothing has to run. A service's requests follow the hours of the day and are shared by
its ready pods; the troubles of a release (`Kind.after` of the cluster's troubles) bend them.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.prometheus.pods import PodHistory, Record

SLOT = 15.0  # seconds: how often a Prometheus would have scraped
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
SPREAD = 0.55  # of the logarithms of latencies

_MOST_KEPT = 60_000  # slots
_DAY = 86_400.0
_WARMING = 60.0  # seconds after it is ready, with cold caches
_USUAL_FAILURES = 0.0008
_NOT_FOUND = 0.012
_SLOWER, _WARMER = 2.4, 1.3
_ARRIVES = 0.3  # of the traffic, where it drops
_FAILS = 0.03
_LEAK = 0.035 / 60  # of the limit in a second
_FULLEST = 0.97
_USUAL_LIMIT = 256 * 2.0**20


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter of a minute of one pod. `silent`: it tells nothing of its requests."""

    requests: float
    failed: float
    not_found: float
    median: float  # seconds
    cpu: float  # core seconds
    periods: float
    throttled: float
    silent: bool

    def within(self, bound: float) -> float:
        """How many requests took no longer than that."""
        if not self.requests:
            return 0.0
        z = math.log(bound / self.median) / SPREAD
        return self.requests * 0.5 * (1 + math.erf(z / math.sqrt(2)))


class Traffic:
    """`behaviour(replica_set, at)` names the trouble of what serves; `levels` are requests a second
    by namespace."""

    def __init__(
        self,
        history: PodHistory,
        behaviour: Callable[[str, datetime], str],
        levels: Mapping[str, float],
    ) -> None:
        self._history = history
        self._behaviour = behaviour
        self._levels = levels
        self._kept: OrderedDict[tuple[str, int], Slot] = OrderedDict()

    def slot(self, pod: Record, number: int) -> Slot:
        """What happened from `number` × 15 s on. Only the past is asked, which never changes."""
        key = (pod.uid, number)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._made(pod, number)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def memory(self, pod: Record, at: float) -> float:
        """Bytes of its working set."""
        limit = pod.memory_limit or _USUAL_LIMIT
        age = at - (pod.serving_since or pod.created)
        settled = 1 - 0.3 * math.exp(-max(age, 0.0) / 150)
        share = (0.42 + 0.08 * _dice(pod.service, 0, "size")) * settled
        share += 0.012 * _smooth(pod.uid, at / 240) + 0.004 * _swing(
            pod.uid, int(at // SLOT), "mem"
        )
        return limit * min(_FULLEST, share + self._leaked(pod, at))

    def restarts(self, pod: Record, at: float) -> int:
        return sum(when <= at for when in pod.restarts)

    def _made(self, pod: Record, number: int) -> Slot:
        at = (number + 0.5) * SLOT
        kind = self._behaviour(pod.replica_set, datetime.fromtimestamp(at, UTC))
        requests = self._requests(pod, at, number)
        if kind == "drops-traffic":
            requests = _whole(requests * _ARRIVES, pod.uid, number, "drop")
        share = _FAILS if kind == "fails-3-percent" else _USUAL_FAILURES
        failed = min(requests, _whole(requests * share, pod.uid, number, "fail"))
        missing = min(requests - failed, _whole(requests * _NOT_FOUND, pod.uid, number, "404"))
        median = self._median(pod, at, number, kind)
        busy = 0.006 * requests * (1.5 if kind == "slower" else 1.0)
        cpu = SLOT * 0.012 * (1 + 0.2 * _swing(pod.uid, number, "idle")) + busy
        full = cpu / SLOT / pod.cpu_limit if pod.cpu_limit else 0.0
        return Slot(
            requests=requests,
            failed=failed,
            not_found=missing,
            median=median,
            cpu=cpu,
            periods=SLOT * 10,
            throttled=_whole(SLOT * 10 * max(0.002, full - 0.8), pod.uid, number, "throttle"),
            silent=kind == "no-metrics",
        )

    def _requests(self, pod: Record, at: float, number: int) -> float:
        if not pod.is_ready(at):
            return 0.0
        others = self._history.of_service(pod.namespace, pod.service)
        sharing = sum(each.is_ready(at) for each in others) or 1
        rate = self._levels.get(pod.namespace, 1.0) * (0.6 + 0.9 * _dice(pod.service, 0, "rate"))
        rate *= 1 + 0.3 * math.sin(2 * math.pi * ((at % _DAY) / _DAY - 0.35))
        rate *= 1 + 0.08 * _smooth(f"{pod.namespace}/{pod.service}", at / 120)
        mean = rate * SLOT / sharing
        mean += 0.6 * math.sqrt(mean) * _swing(pod.uid, number, "requests")
        return _whole(max(0.0, mean), pod.uid, number, "whole")

    def _median(self, pod: Record, at: float, number: int, kind: str) -> float:
        seconds = 0.048 + 0.036 * _dice(pod.service, 0, "latency")
        seconds *= 1 + 0.05 * _smooth(f"{pod.namespace}/{pod.service}/latency", at / 150)
        seconds *= 1 + 0.05 * _swing(pod.uid, number, "latency")
        since = pod.serving_since
        if since is not None and at - since < _WARMING:
            seconds *= _WARMER
        return seconds * (_SLOWER if kind == "slower" else 1.0)

    def _leaked(self, pod: Record, at: float) -> float:
        """Of the limit; it leaks from the beginning of the trouble, or of the pod."""
        if self._behaviour(pod.replica_set, datetime.fromtimestamp(at, UTC)) != "leaks-memory":
            return 0.0
        since = max(pod.serving_since or pod.created, self._began(pod, at))
        return max(0.0, at - since) * _LEAK

    def _began(self, pod: Record, at: float) -> float:
        """When the trouble that holds at a time began, to the minute, an hour back at the most."""
        start = at
        for _ in range(60):
            earlier = datetime.fromtimestamp(start - 60, UTC)
            if self._behaviour(pod.replica_set, earlier) != "leaks-memory":
                return start
            start -= 60
        return start


def _whole(mean: float, seed: str, number: int, side: str) -> float:
    """A whole number with that mean."""
    return float(math.floor(mean + _dice(seed, number, side)))


def _swing(seed: str, number: int, side: str) -> float:
    """Noise around 0, seldom beyond 1."""
    total = sum(_dice(seed, number, f"{side}{turn}") for turn in range(3))
    return (total - 1.5) / 0.75


def _smooth(seed: str, at: float) -> float:
    """Slow noise between -1 and 1: it goes from one whole number of `at` to the next."""
    number = math.floor(at)
    share = (1 - math.cos(math.pi * (at - number))) / 2
    low, high = (2 * _dice(seed, number + turn, "slow") - 1 for turn in (0, 1))
    return low + (high - low) * share


def _dice(seed: str, number: int, side: str) -> float:
    digest = hashlib.blake2b(f"{seed}/{number}/{side}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
