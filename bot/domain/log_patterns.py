"""Error lines of the pods before against those of the pods after, by rate and by kind.

`Gathered` is what was counted while the logs were read; `judge_logs` compares two of them. Lines of
the same kind are found by a template miner (drain3), which is given the messages of both sides, the
old ones first: what then stands only in the new pods' lines is new. Lines of one fault come in
bursts, so that counts alone overstate what they show: an unchanged service failed in one of nine
cases while they were taken for independent. Hence lines count as many as they are `worth`, by how
they are spread over the minutes, and a FAIL needs a third of all minutes.

Gathering is cheap and pure. Judging loads drain3 and scipy: to be called on the workbench.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.analysis import DataState, Part, Reading, Result, Window
from bot.domain.log_lines import Level, continues, level_of, read, split_stamp, time_of
from bot.domain.redaction import redact

MOST_KINDS = 300  # messages that differ after masking, per side
LONGEST = 240
SHOWN = 5  # new patterns, each a reading of its own
LEAST_LINES, NEW_CHANCE = 3, 0.02  # of a new pattern: else it may be one that is rare

WARN_RATIO, WARN_MORE = 1.5, 3
FAIL_RATIO, FAIL_LINES, FAIL_PER_MINUTE = 2.0, 10, 0.5
FAIL_MINUTES, FAIL_SPREAD = 3, 1 / 3
MULTIPLIED, MULTIPLIED_LINES = 3.0, 10
BURST = 3.0  # times the lines that came together before (the root of their squares)
WARN_CHANCE, FAIL_CHANCE = 0.01, 0.001
LEAST_MINUTES = 1.0

_WILD = "<*>"
_ERROR_KEYS = ("error", "err", "exception", "error.message", "err.message", "exception.message")
_VARIES = re.compile(
    r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"  # UUID
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"  # address
    r"|\b(?=[a-f]*\d)[0-9a-f]{8,64}\b|\b0x[0-9a-fA-F]{1,16}\b"  # hash, pointer
    r"|(?<![A-Za-z])\d+(?:[.,:]\d+)*(?=[a-zA-Z]{0,2}\b)"  # number, with its unit
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Messages that are the same after masking: how many, and the first of them, redacted.
    `squares` is the sum of the squares of how many there were in each minute."""

    count: int
    example: str
    squares: int = 0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the logs of some pods hold. `minutes` are those of the service: what the pods that were
    read cover together, as if all of them had been read. `unread` says why none was."""

    pods: int = 0  # that were read
    of: int = 0  # that there are
    minutes: float = 0.0
    lines: int = 0
    levelled: int = 0  # lines that say a level
    errors: int = 0
    busy_minutes: int = 0  # that hold an error
    squares: int = 0  # of the error lines of each minute, summed
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    unread: str = ""

    @property
    def rate(self) -> float | None:
        """Error lines a minute."""
        return self.errors / self.minutes if self.minutes > 0 else None

    def as_json(self) -> dict[str, Any]:
        return {
            "pods": self.pods,
            "of": self.of,
            "minutes": round(self.minutes, 3),
            "lines": self.lines,
            "levelled": self.levelled,
            "errors": self.errors,
            "busy_minutes": self.busy_minutes,
            "squares": self.squares,
            "kinds": {
                masked: [kind.count, kind.example, kind.squares]
                for masked, kind in self.kinds.items()
            },
            "unread": self.unread,
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Gathered":
        """Raises KeyError, TypeError or ValueError for anything that `as_json` did not write."""
        kinds = {
            str(masked): Kind(int(count), str(example), int(squares))
            for masked, (count, example, squares) in found["kinds"].items()
        }
        return cls(
            pods=int(found["pods"]),
            of=int(found["of"]),
            minutes=float(found["minutes"]),
            lines=int(found["lines"]),
            levelled=int(found["levelled"]),
            errors=int(found["errors"]),
            busy_minutes=int(found["busy_minutes"]),
            squares=int(found["squares"]),
            kinds=kinds,
            unread=str(found["unread"]),
        )


# Gathering


class Gatherer:
    """Takes the lines of one container after the other. Mutable; one for each pod."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.lines = 0
        self.levelled = 0
        self.errors = 0
        self.first: datetime | None = None  # of all lines, within the window or not
        self.minutes: Counter[int] = Counter()  # error lines of each
        self._noted: dict[str, Counter[int]] = {}  # by masked words, not redacted: they stay here
        self._first: dict[str, str] = {}  # words of each, redacted

    @property
    def noted(self) -> Iterator[tuple[str, Counter[int]]]:
        """An example of each kind, redacted, and how many there were in each minute."""
        for raw, minutes in self._noted.items():
            yield self._first[raw], minutes

    def take(self, line: str) -> None:
        """A line with the API server's time before it; one without belongs to the line before."""
        stamp, text = split_stamp(line)
        at = time_of(stamp) if stamp else None
        if at is None:
            return
        if self.first is None:
            self.first = at
        if not self.window.start <= at <= self.window.end or continues(text):
            return
        self.lines += 1
        level = level_of(text)
        self.levelled += level is not Level.UNKNOWN
        if level.rank >= Level.ERROR.rank:
            self.errors += 1
            minute = int(at.timestamp() // 60)
            self.minutes[minute] += 1
            self._note(signature_of(text), minute)

    def _note(self, words: str, minute: int) -> None:
        """Redacting is slow, and lines of one kind are many: only the first of them is."""
        raw = _VARIES.sub(_WILD, words)
        if raw in self._noted:
            self._noted[raw][minute] += 1
        elif len(self._noted) < MOST_KINDS:
            self._noted[raw] = Counter({minute: 1})
            self._first[raw] = redact(words)[:LONGEST]

    def covered(self, *, cut: bool, since: datetime | None) -> float:
        """Minutes of the window that what was read speaks for: from the first line where older ones
        were `cut` off, and from when the container began."""
        start = self.window.start
        if cut and self.first is not None:
            start = max(start, self.first)
        if since is not None:
            start = max(start, since)
        return max(0.0, (self.window.end - start) / timedelta(minutes=1))


def gathered(pods: Iterable[tuple[Gatherer, float]], of: int) -> Gathered:
    """Of the pods that were read, each with its minutes; `of` is how many there are."""
    read_ones = list(pods)
    minutes_of: dict[str, Counter[int]] = {}
    examples: dict[str, str] = {}
    for gatherer, _ in read_ones:
        for example, minutes in gatherer.noted:
            masked = mask(example)
            if masked in minutes_of:
                minutes_of[masked] += minutes
            elif len(minutes_of) < MOST_KINDS:
                minutes_of[masked] = Counter(minutes)
                examples[masked] = example
    busy = sum((each.minutes for each, _ in read_ones), Counter[int]())
    return Gathered(
        pods=len(read_ones),
        of=max(of, len(read_ones)),
        minutes=sum(minutes for _, minutes in read_ones) / max(of, len(read_ones), 1),
        lines=sum(each.lines for each, _ in read_ones),
        levelled=sum(each.levelled for each, _ in read_ones),
        errors=sum(each.errors for each, _ in read_ones),
        busy_minutes=len(busy),
        squares=_squares(busy),
        kinds={
            masked: Kind(minutes.total(), examples[masked], _squares(minutes))
            for masked, minutes in minutes_of.items()
        },
    )


def _squares(minutes: Counter[int]) -> int:
    return sum(count * count for count in minutes.values())


def signature_of(text: str) -> str:
    """What an error line is about: its message, and the error that it names in a field."""
    line = read(text[:4_000])
    said = next((line.fields[key] for key in _ERROR_KEYS if line.fields.get(key)), "")
    words = line.message if not said or said in line.message else f"{line.message}: {said}"
    first = (words or text).strip().split("\n", 1)[0]
    return " ".join(first[: 2 * LONGEST].split())


def mask(words: str) -> str:
    """Redacted words without what differs from one line to the next: numbers, addresses, ids."""
    return _VARIES.sub(_WILD, words[:LONGEST])


# Judging


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: str
    example: str
    before: "_Lines"
    after: "_Lines"


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
