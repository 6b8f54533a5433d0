"""What the logs of some pods hold: how many error lines, of which kinds, in how many minutes.

A `Gatherer` takes the lines of one pod, `gathered` puts those of several together. A kind is all
messages that are the same after masking what differs from one line to the next. Cheap, and pure;
what two of them say about a release is `log_patterns.py`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.analysis import Window
from bot.domain.log_lines import Level, continues, level_of, read, split_stamp, time_of
from bot.domain.redaction import redact

MOST_KINDS = 300  # messages that differ after masking, per side
LONGEST = 240

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
