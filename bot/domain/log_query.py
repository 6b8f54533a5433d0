"""Which lines of a log are wanted: read from what a person typed, and applied to lines.

What cannot be meant is told with the word that is wrong (`QueryError`). A regular expression comes
from a person and runs in the bot, so it is RE2: no text takes longer than its length, a pattern
that would need much memory is refused. The newest lines are what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any, Final

from bot.domain.log_lines import Level, fields_of
from bot.domain.log_stream import LogLine

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


@dataclass(frozen=True, slots=True)
class Query:
    """`grep` finds in a text; `since` is an age. `filters` tells whether any line may be left out:
    then the newest lines of a log need not be among its last ones."""

    tail: int = TAIL
    since: timedelta | None = None
    level: Level | None = None
    grep: Callable[[str], bool] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    pod: str = ""
    container: str = ""
    previous: bool = False

    @property
    def filters(self) -> bool:
        return self.level is not None or self.grep is not None or bool(self.fields)

    def select(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        """Those that are wanted, in their order."""
        if self.level is not None:
            rank = self.level.rank
            wanted = {level for level in Level if level.rank >= rank}
            lines = [line for line in lines if line.level in wanted]
        if self.grep is not None:
            grep = self.grep
            lines = [line for line in lines if grep(line.text)]
        for key, value in self.fields:
            lines = [line for line in lines if _says(line.text, key, value)]
        return lines


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


def _grep(text: str) -> Callable[[str], bool] | QueryError | None:
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
    return lambda line: wanted in line.lower()


def _regular(pattern: str, *, ignoring: bool) -> Callable[[str], bool] | QueryError:
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
    return lambda line: search(line.encode("utf-8", "surrogatepass")) is not None


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
        self._lines: list[LogLine] = []
        self._floor = ""
        self.levels: Counter[Level] = Counter()

    def add(self, lines: Iterable[LogLine]) -> None:
        lines = list(lines)
        self.levels.update(map(itemgetter(2), lines))
        if len(lines) > self._most:
            lines = sorted(lines, key=itemgetter(0))[-self._most :]
        floor = self._floor
        self._lines += [line for line in lines if line[0] >= floor] if floor else lines
        if len(self._lines) > 2 * self._most:
            self._trim()

    @property
    def total(self) -> int:
        return self.levels.total()

    def lines(self) -> Sequence[LogLine]:
        """Oldest first; lines of one log with the same time stay in their order."""
        self._trim()
        return tuple(self._lines)

    def _trim(self) -> None:
        self._lines.sort(key=itemgetter(0))
        if len(self._lines) > self._most:
            del self._lines[: -self._most]
            self._floor = self._lines[0].stamp
