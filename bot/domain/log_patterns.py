"""Error lines of the pods before against those of the pods after, by rate and by kind.

`judge_logs` compares what was gathered of both sides (`log_gathering.py`). Lines of the same kind
are found by a template miner (drain3), which is given the messages of both sides, the old ones
first: what then stands only in the new pods' lines is new. Lines of one fault come in bursts, so
that counts alone overstate what they show: an unchanged service failed in one of nine cases while
they were taken for independent. Hence lines that come together count as one, by how they are spread
over the minutes, and a FAIL needs a third of all minutes.

Loads drain3 and scipy: to be called on the workbench.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.analysis import DataState, Part, Reading, Result
from bot.domain.log_gathering import LONGEST, MOST_KINDS, Gathered
from bot.domain.redaction import redact

SHOWN = 5  # new patterns, each a reading of its own
LEAST_LINES, NEW_CHANCE = 3, 0.02  # of a new pattern: else it may be one that is rare

WARN_RATIO, WARN_MORE = 1.5, 3
FAIL_RATIO, FAIL_LINES, FAIL_PER_MINUTE = 2.0, 10, 0.5
FAIL_MINUTES, FAIL_SPREAD = 3, 1 / 3
MULTIPLIED, MULTIPLIED_LINES = 3.0, 10
BURST = 3.0  # times the lines that came together before (the root of their squares)
WARN_CHANCE, FAIL_CHANCE = 0.01, 0.001
LEAST_MINUTES = 1.0


@dataclass(frozen=True, slots=True)
class _Lines:
    """So many lines in so many minutes."""

    count: int
    squares: int
    minutes: float

    @property
    def rate(self) -> float:
        return self.count / self.minutes

    @property
    def together(self) -> float:
        """How many lines a fault writes at once: the variance of a minute's count over its mean,
        which is 1 for lines that know nothing of each other."""
        if not self.count:
            return 1.0
        return max(1.0, self.squares / self.count - self.rate)


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: str
    example: str
    before: _Lines
    after: _Lines


def judge_logs(before: Gathered | None, after: Gathered) -> tuple[Reading, ...]:
    """`before` is None where there were no pods before, or nobody looked."""
    missing = _missing(before, after)
    if missing is not None:
        return (missing,)
    assert before is not None
    patterns = list(_mined(before, after))
    return (_rate(before, after), *_new(patterns), *_multiplied(patterns))


def _missing(before: Gathered | None, after: Gathered) -> Reading | None:
    """What there is to say where the two cannot be compared."""
    if after.unread:
        return _reading(
            "ERROR_LINES",
            Result.INCONCLUSIVE,
            "LOGS_UNREAD",
            DataState.QUERY_ERROR,
            values={"message": after.unread},
        )
    if not after.pods:
        return _reading("ERROR_LINES", Result.INCONCLUSIVE, "LOGS_NO_PODS", DataState.NO_DATA)
    if not after.lines:
        if before is not None and before.lines:
            return _rated(before, after, Result.WARN, "LOGS_GONE", DataState.NO_DATA)
        return _rated(before, after, Result.INCONCLUSIVE, "LOGS_SILENT", DataState.NO_METRIC)
    if not after.levelled:
        return _rated(before, after, Result.INCONCLUSIVE, "LOGS_NO_LEVELS", DataState.LOW)
    if before is None or before.unread or before.minutes < LEAST_MINUTES:
        return _rated(before, after, Result.INCONCLUSIVE, "LOGS_NO_BEFORE", DataState.LOW)
    if after.minutes < LEAST_MINUTES:
        return _rated(before, after, Result.INCONCLUSIVE, "LOGS_SHORT", DataState.LOW)
    return None


def _rate(before: Gathered, after: Gathered) -> Reading:
    p = _chance(
        _Lines(before.errors, before.squares, before.minutes),
        _Lines(after.errors, after.squares, after.minutes),
    )
    rate, former = after.rate or 0.0, before.rate or 0.0
    more = after.errors - former * after.minutes
    if p < WARN_CHANCE and rate >= WARN_RATIO * former and more >= WARN_MORE:
        fails = (
            p < FAIL_CHANCE
            and rate >= FAIL_RATIO * former
            and after.errors >= FAIL_LINES
            and rate - former >= FAIL_PER_MINUTE
            and after.busy_minutes >= max(FAIL_MINUTES, FAIL_SPREAD * after.minutes)
        )
        code = "LOGS_MORE" if fails or after.busy_minutes >= FAIL_MINUTES else "LOGS_BURST"
        return _rated(before, after, Result.FAIL if fails else Result.WARN, code, p=p)
    if _bursts(before, after):
        return _rated(before, after, Result.WARN, "LOGS_BURST", p=p)
    return _rated(before, after, Result.PASS, "LOGS_SAME" if after.errors else "LOGS_CLEAN")


def _bursts(before: Gathered, after: Gathered) -> bool:
    """More at once than in all of the time before: one event, which proves nothing and is told."""
    at_once = after.busy_minutes < FAIL_MINUTES and after.errors >= FAIL_LINES
    return at_once and after.squares >= BURST**2 * before.squares


def _new(patterns: Iterable[_Pattern]) -> Iterator[Reading]:
    new = sorted(
        (each for each in patterns if not each.before.count),
        key=lambda each: (-each.after.count, each.template),
    )
    often = [each for each in new if _often(each)]
    for each in often[:SHOWN]:
        yield _of_pattern("NEW_ERRORS", "NEW_ERROR", each)
    if len(often) > SHOWN:
        values = {
            "count": len(often) - SHOWN,
            "lines": sum(each.after.count for each in often[SHOWN:]),
        }
        yield _reading("NEW_ERRORS", Result.WARN, "NEW_ERRORS_MORE", values=values)
    rare = [each for each in new if not _often(each)]
    if rare:
        yield _reading(
            "NEW_ERRORS",
            Result.INCONCLUSIVE,
            "NEW_ERRORS_RARE",
            DataState.LOW,
            values={"count": len(rare), "example": rare[0].example},
        )
    if not new:
        yield _reading("NEW_ERRORS", Result.PASS, "NEW_ERRORS_NONE")


def _often(new: _Pattern) -> bool:
    """Too often for a rare one that just happened not to come before."""
    lines = new.after.count
    return lines >= LEAST_LINES and _chance(new.before, new.after) <= NEW_CHANCE


def _multiplied(patterns: Iterable[_Pattern]) -> Iterator[Reading]:
    """Known ones that come much more often than before."""
    found = [
        each
        for each in patterns
        if each.before.count
        and each.after.count >= MULTIPLIED_LINES
        and each.after.rate >= MULTIPLIED * each.before.rate
        and _chance(each.before, each.after) < WARN_CHANCE
    ]
    for each in sorted(found, key=lambda each: -each.after.count)[:SHOWN]:
        yield _of_pattern("MORE_ERRORS", "MORE_ERROR", each)


def _mined(before: Gathered, after: Gathered) -> Iterator[_Pattern]:
    """The patterns of both sides, in the order in which they were first met."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.drain_max_clusters = 2 * MOST_KINDS
    miner = TemplateMiner(config=config)
    sides = (_Lines(0, 0, before.minutes), _Lines(0, 0, after.minutes))
    counts: dict[int, list[_Lines]] = {}
    examples: dict[int, str] = {}
    for side, one in enumerate((before, after)):
        for masked, kind in one.kinds.items():
            found = int(miner.add_log_message(masked)["cluster_id"])
            known = counts.setdefault(found, list(sides))
            had = known[side]
            known[side] = _Lines(had.count + kind.count, had.squares + kind.squares, one.minutes)
            examples.setdefault(found, kind.example)
    templates = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    for found, (old, new) in counts.items():
        yield _Pattern(templates.get(found, examples[found]), examples[found], old, new)


def _chance(before: _Lines, after: _Lines) -> float:
    """That so many of all these faults fell after, if they came as often as before: the exact test
    of two Poisson rates, one-sided, in which lines that come together count as one."""
    if not after.count:
        return 1.0
    from scipy.stats import binom

    together = max(before.together, after.together)
    old, new = round(before.count / together), round(after.count / together)
    share = after.minutes / (after.minutes + before.minutes)
    return float(binom.sf(new - 1, old + new, share))


# Readings


def _rated(
    before: Gathered | None,
    after: Gathered,
    result: Result,
    code: str,
    state: DataState = DataState.OK,
    **more: float,
) -> Reading:
    values: dict[str, Any] = {
        "errors": after.errors,
        "lines": after.lines,
        "pods": after.pods,
        "of": after.of,
        "minutes": round(after.minutes, 1),
        "errors_before": before.errors if before else 0,
        "minutes_before": round(before.minutes, 1) if before else 0,
        **more,
    }
    return _reading(
        "ERROR_LINES",
        result,
        code,
        state,
        before=_rounded(before.rate) if before else None,
        after=_rounded(after.rate),
        values=values,
    )


def _of_pattern(name: str, code: str, pattern: _Pattern) -> Reading:
    return _reading(
        name,
        Result.WARN,
        code,
        subject=redact(pattern.template)[:LONGEST],
        values={
            "count": pattern.after.count,
            "count_before": pattern.before.count,
            "example": pattern.example,
        },
    )


def _reading(
    name: str,
    result: Result,
    code: str,
    state: DataState = DataState.OK,
    *,
    subject: str = "",
    before: float | None = None,
    after: float | None = None,
    values: Mapping[str, Any] | None = None,
) -> Reading:
    return Reading(
        part=Part.LOGS,
        name=name,
        result=result,
        code=code,
        subject=subject,
        state=state,
        before=before,
        after=after,
        values=values or {},
    )


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 2)
