"""Which lines of a log are wanted: read from what a person typed, and applied to lines.

What cannot be meant is told with the word that is wrong (`QueryError`). A regular expression comes
from a person and runs in the bot, so it is RE2: no text takes longer than its length, a pattern
that would need much memory is refused. The newest lines are what is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from bot.domain.log_lines import Level, fields_of
from bot.domain.log_stream import LogBlock, LogLine

TAIL: Final = 200
MOST_TAIL: Final = 10_000
SINCE_TAIL: Final = 5_000
"""How many lines an answer has at most where `--since` alone says which."""
LONGEST_SINCE: Final = timedelta(days=30)
LONGEST_PATTERN: Final = 200
_LARGEST_PROGRAM: Final = 600
"""Of an RE2 in its own instructions: what is larger takes seconds for a megabyte."""
_MEMORY: Final = 1 << 20
_MOST_FIELDS: Final = 5

_LEVELS: Final[Mapping[str, Level]] = {
    **{level.value: level for level in Level if level is not Level.UNKNOWN},
    "trace": Level.DEBUG,
    "warning": Level.WARN,
    "err": Level.ERROR,
    "critical": Level.FATAL,
    "aviso": Level.WARN,
    "advertencia": Level.WARN,
    "fallo": Level.ERROR,
}
LEVELS: Final = ("debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True)
class QueryError:
    """`code` names the sentence (`logs.error.CODE`)."""

    code: str
    values: Mapping[str, str | int]


Grep = Callable[[Sequence[str]], Sequence[bool]]
"""Whether it is found, in each of many texts."""


@dataclass(frozen=True, slots=True)
class Query:
    """`since` is an age. `filters` tells whether any line may be left out:
    then the newest lines of a log need not be among its last ones."""

    tail: int = TAIL
    since: timedelta | None = None
    level: Level | None = None
    grep: Grep | None = None
    fields: tuple[tuple[str, str], ...] = ()
    pod: str = ""
    container: str = ""
    previous: bool = False

    @property
    def filters(self) -> bool:
        return self.level is not None or self.grep is not None or bool(self.fields)

    def select(self, block: LogBlock) -> LogBlock:
        """The lines that are wanted, in their order."""
        if self.level is not None:
            wanted = _AT_LEAST[self.level]
            if not wanted.issuperset(block.levels):
                block = block.only([level in wanted for level in block.levels])
        if self.grep is not None:
            block = _kept(block, self.grep(block.texts))
        for key, value in self.fields:
            block = _kept(block, [_says(text, key, value) for text in block.texts])
        return block


_AT_LEAST: Final = {
    least: frozenset(level for level in Level if level.rank >= least.rank) for least in Level
}


def _kept(block: LogBlock, wanted: Sequence[bool]) -> LogBlock:
    return block if all(wanted) else block.only(wanted)


def read_query(options: Mapping[str, str | bool], since: timedelta | None) -> Query | QueryError:
    """From the options of `logs` as they were typed; `since` is their duration, read already."""
    if since is not None and not timedelta(seconds=1) <= since <= LONGEST_SINCE:
        return QueryError("since", {"word": str(options["since"]), "most": LONGEST_SINCE.days})
    tail = _tail(options, since)
    level = _level(options)
    grep = _grep(str(options.get("grep", "")))
    fields = _fields(str(options.get("json", "")))
    for read in (tail, level, grep, fields):
        if isinstance(read, QueryError):
            return read
    assert isinstance(tail, int)
    assert level is None or isinstance(level, Level)
    assert grep is None or callable(grep)
    assert isinstance(fields, tuple)
    return Query(
        tail=tail,
        since=since,
        level=level,
        grep=grep,
        fields=fields,
        pod=str(options.get("pod", "")),
        container=str(options.get("container", "")),
        previous="previous" in options,
    )


def _tail(options: Mapping[str, str | bool], since: timedelta | None) -> int | QueryError:
    if "tail" not in options:
        return TAIL if since is None else SINCE_TAIL
    word = str(options["tail"])
    if word[:1] in "+-" or not 1 <= int(word) <= MOST_TAIL:
        return QueryError("tail", {"word": word, "most": MOST_TAIL})
    return int(word)


def _level(options: Mapping[str, str | bool]) -> Level | QueryError | None:
    if "level" not in options:
        return None
    word = str(options["level"])
    level = _LEVELS.get(word.lower())
    return level or QueryError("level", {"word": word[:40], "choices": ", ".join(LEVELS)})


def _grep(text: str) -> Grep | QueryError | None:
    """`/…/` is an RE2, `/…/i` one in any case; everything else is text, in any case."""
    if not text:
        return None
    ignoring = text.endswith("/i")
    body = text[:-1] if ignoring else text
    if len(body) > 2 and body[0] == body[-1] == "/":
        return _regular(body[1:-1], ignoring=ignoring)
    if len(text) > LONGEST_PATTERN:
        return QueryError("pattern_long", {"most": LONGEST_PATTERN})
    wanted = text.lower()
    return lambda texts: [wanted in text.lower() for text in texts]


def _regular(pattern: str, *, ignoring: bool) -> Grep | QueryError:
    import re2

    if len(pattern) > LONGEST_PATTERN:
        return QueryError("pattern_long", {"most": LONGEST_PATTERN})
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.never_capture = True
    options.case_sensitive = not ignoring
    try:
        compiled: Any = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        if "too large" in said or "repetition size" in said:
            return QueryError("pattern_large", {"pattern": pattern[:80]})
        return QueryError("pattern", {"pattern": pattern[:80], "message": said[:120]})
    if compiled.programsize > _LARGEST_PROGRAM:
        return QueryError("pattern_large", {"pattern": pattern[:80]})
    search = compiled.search
    return lambda texts: [
        search(text.encode("utf-8", "surrogatepass")) is not None for text in texts
    ]


def _fields(text: str) -> tuple[tuple[str, str], ...] | QueryError:
    pairs = []
    for word in text.split():
        key, equals, value = word.partition("=")
        if not key or not equals:
            return QueryError("json", {"word": word[:60]})
        pairs.append((key, value))
    if len(pairs) > _MOST_FIELDS:
        return QueryError("json_many", {"most": _MOST_FIELDS})
    return tuple(pairs)


def _says(text: str, key: str, value: str) -> bool:
    if value.isalnum() and value.isascii() and value not in text:
        return False
    return fields_of(text).get(key) == value


class Newest:
    """The newest lines of several logs by their times, and how many there were of each level. It
    holds at most twice as many as are wanted, and what came last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._blocks: list[LogBlock] = []
        self._held = 0
        self._floor = ""
        self.levels: Counter[Level] = Counter()

    def add(self, block: LogBlock) -> None:
        self.levels.update(block.levels)
        block = block.by_time()
        block = block.after(max(bisect_left(block.stamps, self._floor), len(block) - self._most))
        if block:
            self._blocks.append(block)
            self._held += len(block)
        if self._held > 2 * self._most:
            self._trim()

    @property
    def total(self) -> int:
        return self.levels.total()

    def lines(self) -> Sequence[LogLine]:
        """Oldest first; lines of one log with the same time stay in their order."""
        self._trim()
        lines = [line for block in self._blocks for line in block.lines()]
        return tuple(sorted(lines, key=itemgetter(0)))

    def _trim(self) -> None:
        """Let go of what is older than the newest that are wanted; of those with just that time,
        of the ones that came first."""
        if self._held <= self._most:
            return
        stamps = sorted(chain.from_iterable(block.stamps for block in self._blocks))
        floor = self._floor = stamps[-self._most]
        spare = len(stamps) - bisect_left(stamps, floor) - self._most
        kept = []
        for block in self._blocks:
            place = bisect_left(block.stamps, floor)
            same = min(spare, bisect_right(block.stamps, floor) - place)
            spare -= same
            kept.append(block.after(place + same))
        self._blocks = [block for block in kept if block]
        self._held = self._most
