"""What is asked of Prometheus for one look, and how its answers become evidence.

All queries go out at once, with explicit times (the adapter bounds how many are on their way). What
cannot be known of a signal is a trouble of that signal alone; `metrics` puts it all together.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.analysis import Window, Windows
from bot.domain.metric_evidence import Evidence, Observed, Span
from bot.domain.metric_queries import Query, Questions
from bot.domain.metric_rules import Rules, Signal
from bot.domain.verdict import Value
from bot.errors import PortError, Trouble
from bot.ports.metrics import Metrics, Series
from bot.workflows.edges import Place
from config.catalog import Service

WEEK = timedelta(days=7)

_SAMPLED: Mapping[Signal, tuple[Query, float | None]] = {
    Signal.LATENCY_P50: (Query.LATENCY, 0.5),
    Signal.LATENCY_P95: (Query.LATENCY, 0.95),
    Signal.LATENCY_P99: (Query.LATENCY, 0.99),
    Signal.CPU: (Query.CPU, None),
    Signal.MEMORY: (Query.MEMORY, None),
    Signal.THROTTLING: (Query.THROTTLING, None),
}
_LIMITS: Mapping[str, Signal] = {
    "errors": Signal.ERROR_RATIO,
    "latency_p50": Signal.LATENCY_P50,
    "latency_p95": Signal.LATENCY_P95,
    "latency_p99": Signal.LATENCY_P99,
    "cpu": Signal.CPU,
    "memory": Signal.MEMORY,
    "throttling": Signal.THROTTLING,
}
_TROUBLES: Mapping[Trouble, str] = {
    Trouble.INVALID: "METRIC_QUERY_REFUSED",
    Trouble.UNAUTHENTICATED: "METRIC_NOT_ALLOWED",
    Trouble.FORBIDDEN: "METRIC_NOT_ALLOWED",
    Trouble.NOT_FOUND: "METRIC_NOT_PROMETHEUS",
    Trouble.UNEXPECTED: "METRIC_NOT_PROMETHEUS",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """All that is asked of Prometheus for one look. `old` and `any` select the pods before, and
    those of a week ago; `old` is "" for a first release."""

    metrics: Metrics
    place: Place
    questions: Questions
    windows: Windows
    busy: tuple[Window, ...]
    old: str
    new: str
    any: str

    async def everything(self) -> tuple[Evidence, Rules]:
        requests, errors, labelled, cpu_limit, *sampled = await asyncio.gather(
            self._observed(Query.REQUESTS),
            self._observed(Query.ERRORS),
            self._labelled(),
            self._one(Query.CPU_LIMIT, self.new),
            *(self._observed(query, quantile) for query, quantile in _SAMPLED.values()),
        )
        assert isinstance(requests, Observed)
        assert isinstance(errors, Observed)
        if labelled is False and not errors.trouble and sum(requests.after.usable):
            status = self.questions.values["status"]
            errors = replace(errors, trouble="METRIC_NO_STATUS", values={"label": status})
        evidence = Evidence(
            requests=requests,
            errors=errors,
            measured=dict(zip(_SAMPLED, sampled, strict=True)),  # type: ignore[arg-type]
            seconds=self.questions.sample.total_seconds(),
            compared=bool(self.old),
        )
        return evidence, rules_of(self.place.service, cpu_limit)  # type: ignore[arg-type]

    async def _observed(self, query: Query, quantile: float | None = None) -> Observed:
        """One signal in four windows: the pods before, the new ones, and all of a week ago."""
        shown = self.questions.of(query, self.new, quantile=quantile)
        before, after = self.windows.before, self.windows.after
        long_ago = Window(before.start - WEEK, after.end - WEEK)
        try:
            former, present, week = await asyncio.gather(
                self._span(query, quantile, self.old, before),
                self._span(query, quantile, self.new, after),
                self._span(query, quantile, self.any, long_ago, required=False),
            )
        except _SeveralSeriesError as several:
            values: dict[str, Value] = {"series": several.count, "labels": several.labels}
            return Observed(trouble="METRIC_SEVERAL_SERIES", values=values, query=several.query)
        except PortError as error:
            code = _TROUBLES.get(error.trouble, "METRIC_AWAY")
            values = {"message": error.values.get("message", "")}
            return Observed(trouble=code, values=values, query=shown)
        return Observed(
            before=former,
            after=present,
            week_before=_part(week, before, self.questions.sample),
            week_after=_part(week, after, self.questions.sample),
            query=shown,
        )

    async def _span(
        self,
        query: Query,
        quantile: float | None,
        selector: str,
        window: Window,
        *,
        required: bool = True,
    ) -> Span:
        """Samples of a window: each speaks of the step that ends at its time, so that the first one
        ends a step after the window's start. Steps in which another rollout ran are left out."""
        step = self.questions.sample
        count = int((window.end - window.start) / step)
        if not selector or count < 1:
            return Span()
        text = self.questions.of(query, selector, quantile=quantile)
        first = window.start + step
        asked = Window(first, first + (count - 1) * step)
        environment = self.place.environment.name
        try:
            found = await self.metrics.over(environment, text, asked, step)
        except PortError:
            if required:
                raise
            return Span()
        if len(found) > 1:
            if not required:
                return Span()
            raise _SeveralSeriesError(text, found)
        times = [first + n * step for n in range(count)]
        free = [at for at in times if not self._is_mixed(at - step, at)]
        samples = found[0].samples if found else ()
        kept = tuple(each for each in samples if not self._is_mixed(each.at - step, each.at))
        return Span(kept, len(free))

    def _is_mixed(self, start: datetime, end: datetime) -> bool:
        return any(each.start < end and start < each.end for each in self.busy)

    async def _labelled(self) -> bool | None:
        """Whether the requests since the rollout have a status at all: a label of another name
        would be read as "no errors". None where it cannot be told."""
        own = self.place.service.metrics.queries
        if Query.LABELLED not in own and {Query.REQUESTS, Query.ERRORS} & own.keys():
            return None
        window = self.windows.after.end - self.windows.after.start
        if window < self.questions.sample:
            return None
        found = await self._one(Query.LABELLED, self.new, window)
        return found is not None and found > 0 if not isinstance(found, PortError) else None

    async def _one(
        self, query: Query, selector: str, window: timedelta | None = None
    ) -> float | PortError | None:
        """The value at the end of the window after; None where there is none."""
        text = self.questions.of(query, selector, window=window)
        try:
            found = await self.metrics.at(self.place.environment.name, text, self.windows.after.end)
        except PortError as error:
            return error
        return only_value(found)


class _SeveralSeriesError(Exception):
    """A query that gives more than one series says more than one thing: which is meant?"""

    def __init__(self, query: str, found: Sequence[Series]) -> None:
        self.query = query
        self.count = len(found)
        differing = {name for each in found for name in each.labels}
        self.labels = ", ".join(sorted(differing)[:5]) or "-"
        super().__init__(query)


def only_value(found: Sequence[Series]) -> float | None:
    return found[0].samples[0].value if len(found) == 1 and found[0].samples else None


def _part(week: Span, window: Window, step: timedelta) -> Span:
    """The samples of a week ago that belong to this window, with a step to spare at its ends."""
    start, end = window.start - WEEK + step / 2, window.end - WEEK + step / 2
    samples = tuple(each for each in week.samples if start <= each.at < end)
    return Span(samples, len(samples))


def rules_of(service: Service, cpu_limit: float | PortError | None = None) -> Rules:
    """The thresholds of a service, with the defaults for what it does not say."""
    own = service.metrics
    known = isinstance(cpu_limit, float) and cpu_limit > 0
    return Rules(
        limits={_LIMITS[name]: value for name, value in own.limits.items()},
        capacities={Signal.CPU: cpu_limit} if known else {},  # type: ignore[dict-item]
        slo=own.slo,
    )
