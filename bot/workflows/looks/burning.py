"""The guard while soaking: do errors use up the budget so fast that nobody should wait?

Two windows, five minutes and an hour, neither reaching back behind the change; both must burn
(research/rollouts.md §3.5). The desk asks while a release soaks.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from bot.domain.analysis import Part, Reading, Result, Unit
from bot.domain.metric_errors import burns_fast
from bot.domain.metric_queries import Query, Questions, pods_of_replica_set, questions_for
from bot.domain.metric_rules import Rules, Signal
from bot.errors import PortError
from bot.ports.metrics import Metrics
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import Subject
from bot.workflows.looks.metric_asking import only_value, rules_of

log = logging.getLogger(__name__)

SHORT, LONG = timedelta(minutes=5), timedelta(hours=1)


async def fast_burn(subject: Subject, edges: Edges) -> Reading | None:
    """A FAIL where the new pods use the error budget up so fast that waiting for the end of a
    window would only cost more; else None, also where nothing can be known."""
    place, metrics, now = subject.place, edges.metrics, edges.clock.now()
    if metrics is None or not metrics.serves(place.environment.name):
        return None
    try:
        look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
        if look.new_replica_set is None:
            return None
        selector = pods_of_replica_set(place.namespace, look.new_replica_set.name)
        questions = questions_for(place.service, place.environment)
        short, long = (min(each, now - subject.windows.written) for each in (SHORT, LONG))
        if short < timedelta(seconds=1):
            return None
        counts = await asyncio.gather(
            _count(metrics, place, questions, selector, short, now),
            _count(metrics, place, questions, selector, long, now),
        )
    except PortError as error:
        log.info("the guard cannot see: %s", error)
        return None
    rules = rules_of(place.service)
    known = [each for each in counts if each is not None]
    if len(known) < len(counts) or not burns_fast(known, rules):
        return None
    return _burning(known[0], rules, questions.of(Query.ERRORS, selector, window=short))


async def _count(
    metrics: Metrics,
    place: Place,
    questions: Questions,
    selector: str,
    window: timedelta,
    now: datetime,
) -> tuple[float, float] | None:
    whole = timedelta(seconds=max(1, round(window.total_seconds())))
    name = place.environment.name
    errors, requests = await asyncio.gather(
        metrics.at(name, questions.of(Query.ERRORS, selector, window=whole), now),
        metrics.at(name, questions.of(Query.REQUESTS, selector, window=whole), now),
    )
    wrong, every = only_value(errors), only_value(requests)
    if wrong is None or every is None:
        return None
    return wrong, every


def _burning(counts: tuple[float, float], rules: Rules, query: str) -> Reading:
    errors, requests = counts
    return Reading(
        part=Part.METRICS,
        name=Signal.ERROR_RATIO,
        result=Result.FAIL,
        code="METRIC_BURNING",
        unit=Unit.RATIO,
        after=errors / requests,
        values={
            "threshold": rules.burn * (1 - rules.slo),
            "floor": 1 - rules.slo,
            "requests_after": round(requests),
            "errors_after": round(errors),
        },
        query=query,
    )
