"""How often the looks at logs and at response times cry wolf over a release that changed nothing,
and how often they find one that did.

Routes: three to a service, a dozen answers in a spell before and one after. Answers of one spell
vary, and spells vary against each other, since a spell is one moment of a day. Logs: errors come as
single lines or in bursts, of forty kinds of which few are frequent (Zipf), for half an hour before
and fourteen minutes after. Shares with half their 95 % interval.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from bot.domain.analysis import Reading, Result
from bot.domain.log_gathering import Gathered, Kind
from bot.domain.log_patterns import judge_logs
from bot.domain.probing import Tally
from bot.domain.response_times import Asked, Spell, judge
from tests.bench.rows import Row
from tests.bench.shares import Share

REPEATS = 2000  # releases of each kind
_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def run() -> Iterator[Row]:
    for host in HOSTS:
        made = _judged(partial(_routes, host=host))
        yield from _unchanged(f"response times of 3 routes, {host.name}", made, host.aims)
    for host in HOSTS:
        made = _judged(partial(_routes, host=host, factor=2.0))
        yield _row(f"twice as slow found, {host.name}", made, _FOUND, host.found)
    for speaker in SPEAKERS:
        made = _judged(partial(_logs, speaker=speaker))
        yield from _unchanged(f"logs, {speaker.name}", made, speaker.aims)
    for speaker in SPEAKERS:
        made = _judged(partial(_logs, speaker=speaker, fresh=1.0))
        what = f"a new kind of error, once a minute, found, {speaker.name}"
        yield _row(what, made, _FOUND, "≥ 99 %")
    for speaker in SPEAKERS[:3]:
        made = _judged(partial(_logs, speaker=speaker, times=4.0))
        yield _row(f"four times as many errors found, {speaker.name}", made, _FOUND, "none")


_Judged = list[set[Result]]
_FAILS = frozenset({Result.FAIL})
_WARNS = frozenset({Result.WARN})
_FOUND = frozenset({Result.FAIL, Result.WARN})


def _judged(make: Callable[[np.random.Generator], tuple[Reading, ...]]) -> _Judged:
    dice = np.random.default_rng(21)
    return [{reading.result for reading in make(dice)} for _ in range(REPEATS)]


def _unchanged(what: str, made: _Judged, aims: tuple[str, str]) -> Iterator[Row]:
    yield _row(f"false FAIL, {what}", made, _FAILS, aims[0])
    yield _row("the same, false WARN", made, _WARNS, aims[1])


def _row(what: str, made: _Judged, wanted: frozenset[Result], aim: str) -> Row:
    return Share.of([bool(each & wanted) for each in made]).row(what, aim)


# --- response times ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Host:
    """`within` is the noise of the answers of one spell, `between` that of spells (logarithms)."""

    name: str
    within: float
    between: float
    aims: tuple[str, str]
    found: str


HOSTS = (
    Host("calm (0.15 within a spell, 0.1 between)", 0.15, 0.1, ("≤ 0.5 %", "≤ 5 %"), "≥ 97 %"),
    Host("noisy (0.4 and 0.25)", 0.4, 0.25, ("≤ 3 %", "none"), "none"),
)
ROUTES = ("/health", "/items", "/search")
ANSWERS = 12


def _routes(dice: np.random.Generator, host: Host, factor: float = 1.0) -> tuple[Reading, ...]:
    usual = {route: 0.08 * math.exp(0.6 * dice.standard_normal()) for route in ROUTES}

    def spell(times: float) -> Spell:
        moment = times * math.exp(host.between * dice.standard_normal())  # of the whole host
        return Spell(
            {
                route: Tally(
                    tuple(
                        float(usual[route] * moment * math.exp(host.within * step))
                        for step in dice.standard_normal(ANSWERS)
                    )
                )
                for route in ROUTES
            }
        )

    return judge(Asked(spell(1.0), spell(factor), {}, "qa.example", _NOON))


# --- logs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Speaker:
    """`rate` is error lines a minute, `burst` how many lines come at once, on average."""

    name: str
    rate: float
    burst: float
    aims: tuple[str, str]


SPEAKERS = (
    Speaker("2 error lines a minute, one by one", 2.0, 1.0, ("≤ 0.5 %", "≤ 5 %")),
    Speaker("2 error lines a minute, in bursts of 4", 2.0, 4.0, ("≤ 0.5 %", "none")),
    Speaker("20 error lines a minute, in bursts of 4", 20.0, 4.0, ("≤ 0.5 %", "none")),
    Speaker("an error line every 10 minutes, in bursts of 4", 0.1, 4.0, ("≤ 0.5 %", "none")),
)
BEFORE, AFTER = 30.0, 14.0
_SUBJECTS = ("payment", "session", "upload", "webhook", "invoice", "search index", "mail", "cache")
_TROUBLES = (
    "timed out after <*> ms",
    "refused by upstream with status <*>",
    "not found: <*>",
    "cannot be parsed: unexpected token at <*>",
    "lost its connection to the database (attempt <*>)",
)
KINDS = tuple(
    f"{subject} {trouble}" for subject, trouble in itertools.product(_SUBJECTS, _TROUBLES)
)


def _logs(
    dice: np.random.Generator, speaker: Speaker, fresh: float = 0.0, times: float = 1.0
) -> tuple[Reading, ...]:
    """The release writes a `fresh` kind of error so often a minute, all others so many `times`."""
    order = dice.permutation(len(KINDS))
    often = 1 / np.arange(1, len(KINDS) + 1)
    kinds = [KINDS[at] for at in order]

    def side(minutes: float, new: float = 0.0, times: float = 1.0) -> Gathered:
        found: dict[str, Counter[int]] = defaultdict(Counter)
        events = int(dice.poisson(times * speaker.rate / speaker.burst * minutes))
        for at in dice.choice(len(kinds), events, p=often / often.sum()):
            minute = int(dice.uniform(0, minutes))
            found[kinds[at]][minute] += int(dice.geometric(1 / speaker.burst))
        for _ in range(int(dice.poisson(new * minutes))):
            found["feature flag <*> has no default in this release"][
                int(dice.uniform(0, minutes))
            ] += 1
        every = sum(found.values(), Counter[int]())
        errors = every.total()
        return Gathered(
            pods=3,
            of=3,
            minutes=minutes,
            lines=errors + 1000,
            levelled=errors + 1000,
            errors=errors,
            busy_minutes=len(every),
            squares=_squares(every),
            kinds={
                masked: Kind(each.total(), masked, _squares(each)) for masked, each in found.items()
            },
        )

    return judge_logs(side(BEFORE), side(AFTER, fresh, times))


def _squares(minutes: Counter[int]) -> int:
    return sum(count * count for count in minutes.values())
