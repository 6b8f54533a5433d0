"""Probes of one container: when the next one runs, and what its answer changes.

Follows pkg/kubelet/prober: the first readiness probe runs as soon as the container has started
(unless it is to wait), the others with the kubelet's beat. A probe whose answer will not change any
more is not run: a thousand healthy pods need no timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.kubernetes.containers import ProbeAnswer

_FIELDS = {"readiness": "readinessProbe", "liveness": "livenessProbe", "startup": "startupProbe"}


@dataclass(frozen=True, slots=True)
class ProbeRules:
    """The numbers of a probe, in seconds and in answers in a row."""

    delay: float
    period: float
    successes: int
    failures: int

    @staticmethod
    def of(probe: Mapping[str, Any]) -> ProbeRules:
        return ProbeRules(
            float(probe.get("initialDelaySeconds") or 0),
            float(probe.get("periodSeconds") or 10),
            int(probe.get("successThreshold") or 1),
            int(probe.get("failureThreshold") or 3),
        )


@dataclass(frozen=True, slots=True)
class ProbeHost:
    """What a probe needs of its pod: time and beat, the container's answer, who wants to know."""

    age: Callable[[], float]  # seconds since the container started
    # The answer to a probe of a kind, or why it could not be asked.
    ask: Callable[[str, Mapping[str, Any]], ProbeAnswer | str]
    later: Callable[[float, Callable[[], None]], object]
    to_beat: Callable[[float], float]  # seconds to the first beat not sooner than so many seconds
    unhealthy: Callable[[str], None]  # an Unhealthy event with this message
    turned: Callable[[str, bool], None]  # kind, and what it is now
    first: float  # seconds from the start to the first probe


class Probe:
    """One probe of one incarnation of a container; ends with it."""

    def __init__(self, kind: str, spec: Mapping[str, Any], host: ProbeHost) -> None:
        self.kind = kind
        self._spec = spec
        self._rules = ProbeRules.of(spec)
        self._host = host
        self._good = 0
        self._bad = 0
        self._state: bool | None = None
        self._over = False

    def start(self) -> None:
        delay = self._rules.delay
        wait = self._host.to_beat(delay) if delay else self._host.first
        self._host.later(wait, self._run)

    def stop(self) -> None:
        self._over = True

    def _run(self) -> None:
        if self._over:
            return
        answer = self._host.ask(self.kind, self._spec)
        word = self.kind.capitalize()
        if isinstance(answer, str):
            self._host.unhealthy(f"{word} probe errored and resulted in unknown state: {answer}")
            self._again(self._rules.period)
        elif answer.ok:
            self._succeeded(answer)
        else:
            self._host.unhealthy(f"{word} probe failed: {answer.output}")
            self._failed()

    def _succeeded(self, answer: ProbeAnswer) -> None:
        self._good, self._bad = self._good + 1, 0
        if self._good < self._rules.successes:
            self._again(self._rules.period)
            return
        self._turn(ok=True)
        if self._over or self.kind == "startup":
            return
        if answer.until != float("inf"):
            self._again(max(self._rules.period, answer.until - self._host.age()))

    def _failed(self) -> None:
        self._good, self._bad = 0, self._bad + 1
        if self._bad >= self._rules.failures:
            self._turn(ok=False)
        self._again(self._rules.period)

    def _turn(self, *, ok: bool) -> None:
        if self._state is not ok:
            self._state = ok
            self._host.turned(self.kind, ok)

    def _again(self, seconds: float) -> None:
        """The next one, on the first beat after about so long."""
        if not self._over:
            self._host.later(self._host.to_beat(seconds - 0.999), self._run)


def probe_spec(container: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = container.get(_FIELDS[kind])
    return found
