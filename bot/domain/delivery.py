"""How well a team delivers, in four numbers: DORA's, counted from rollouts that are over. Pure.

Deployment frequency, lead time for changes, change-failure rate and failed-deployment recovery time
(research/rollouts.md §4, end), each with the size of its sample: a median of two says nothing, and
`Measure.enough` tells so. What was never handed to the cluster (refused, withdrawn while it waited)
is no deployment. `bot/workflows/stats.py` asks the store, `bot/cards/stats.py` says the words.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from bot.domain.kind import Kind
from bot.domain.rollout import RolloutState

TAKEN_BACK_WITHIN = timedelta(hours=24)
"""A good end that is rolled back later than this was no failed change (research/rollouts.md §4)."""

ENOUGH_CHANGES, ENOUGH_DEPLOYMENTS, ENOUGH_FAILURES = 5, 10, 3
"""Below these a single deployment moves the number by more than anybody should act on."""

_REACHED = frozenset({RolloutState.SUCCEEDED, RolloutState.FAILED, RolloutState.ROLLED_BACK})
_BAD = _REACHED - {RolloutState.SUCCEEDED}


@dataclass(frozen=True, slots=True)
class Delivered:
    """A rollout that brought a release somewhere and is over. `touched_at` is when the change was
    handed to the cluster, None where it never was; `worse`: its analysis turned out so, and nobody
    kept it; `committed`: when its changes were committed, as far as that is known."""

    service: str
    kind: Kind
    state: RolloutState
    finished_at: datetime
    touched_at: datetime | None = None
    worse: bool = False
    committed: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """`first` is the end of the first rollout there is any record of."""

    first: datetime | None = None
    delivered: Sequence[Delivered] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """`value` is None where the sample is empty."""

    value: float | None
    sample: int
    least: int = 1

    @property
    def enough(self) -> bool:
        return self.sample >= self.least


@dataclass(frozen=True, slots=True)
class Delivery:
    """The four numbers: `frequency` in deployments a day, `lead` and `recovery` as medians in
    seconds, `failures` as a share. `days` is what there is a record of, at most what was asked."""

    days: float
    frequency: Measure
    lead: Measure
    failures: Measure
    recovery: Measure
    changes_of: int = 0  # deployments whose changes are known
    failed: int = 0
    unrecovered: int = 0


def delivery_of(past: Past, since: datetime, now: datetime) -> Delivery:
    """Of what ended in this time."""
    ended = [each for each in past.delivered if since <= each.finished_at <= now]
    reached, failed, recoveries, leads = 0, 0, list[float](), list[float]()
    well = changes_of = 0
    for each, later in _with_later(ended):
        if each.kind is not Kind.DEPLOY:
            continue
        reached += 1
        if each.state is RolloutState.SUCCEEDED:
            well += 1
            taken = [
                (each.finished_at - at).total_seconds()
                for at in each.committed
                if at <= each.finished_at
            ]
            leads += taken
            changes_of += bool(taken)
        if _failed(each, later):
            failed += 1
            recovered = _recovered_at(each, later)
            if recovered is not None and each.touched_at is not None:
                recoveries.append((recovered - each.touched_at).total_seconds())
    days = _days(past.first, since, now)
    return Delivery(
        days,
        frequency=Measure(well / days if well else None, well),
        lead=_median(leads, ENOUGH_CHANGES),
        failures=Measure(failed / reached if reached else None, reached, ENOUGH_DEPLOYMENTS),
        recovery=_median(recoveries, ENOUGH_FAILURES),
        changes_of=changes_of,
        failed=failed,
        unrecovered=failed - len(recoveries),
    )


def _with_later(ended: Iterable[Delivered]) -> Iterable[tuple[Delivered, Sequence[Delivered]]]:
    """Each that reached the cluster, with what came to the same service after it."""
    touched = [each for each in ended if each.touched_at is not None and each.state in _REACHED]
    touched.sort(key=lambda each: (each.service, each.finished_at))
    for _, group in groupby(touched, key=lambda each: each.service):
        there = list(group)
        for place, each in enumerate(there):
            yield each, there[place + 1 :]


def _failed(each: Delivered, later: Sequence[Delivered]) -> bool:
    """It failed, it went back, it turned out worse, or the next thing there took it back."""
    if each.state in _BAD or each.worse:
        return True
    following = later[0] if later else None
    return (
        following is not None
        and following.kind is Kind.ROLLBACK
        and following.state is RolloutState.SUCCEEDED
        and following.finished_at - each.finished_at <= TAKEN_BACK_WITHIN
    )


def _recovered_at(each: Delivered, later: Sequence[Delivered]) -> datetime | None:
    """When a good release ran there again: at the end of its own way back, else with the next good
    end there."""
    if each.state is RolloutState.ROLLED_BACK:
        return each.finished_at
    good = (
        following.finished_at
        for following in later
        if following.state is RolloutState.SUCCEEDED and not following.worse
    )
    return next(good, None)


def _days(first: datetime | None, since: datetime, now: datetime) -> float:
    """A record that is younger than the time asked about is no time without deployments; at least
    a day, since nobody delivers by the hour."""
    start = since if first is None else max(since, first)
    return max((now - start) / timedelta(days=1), 1.0)


def _median(seconds: Sequence[float], least: int) -> Measure:
    return Measure(statistics.median(seconds) if seconds else None, len(seconds), least)
