"""What one line of a log says: its time, its level, its message and its fields.

Services write JSON, logfmt, or words; each is read as far as it goes and none is an error. The
level of a line is found without reading all of it wherever its form allows: a stream has a hundred
thousand lines a second, and most are only counted. Which lines are wanted stands in `log_query.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final


class Level(StrEnum):
    """From what is harmless to what is not; UNKNOWN is of a line that does not say."""

    UNKNOWN = "unknown"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    FATAL = "fatal"

    # Enum's own is a call of Python's for each of a hundred thousand lines that are counted.
    __hash__ = str.__hash__

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK: Final = {level: rank for rank, level in enumerate(Level)}

_WORDS: Final[Mapping[str, Level]] = {
    **dict.fromkeys(("trace", "trc", "verbose", "debug", "dbg", "finest", "finer"), Level.DEBUG),
    **dict.fromkeys(("fine", "silly"), Level.DEBUG),
    **dict.fromkeys(("info", "inf", "information", "notice", "log", "http"), Level.INFO),
    **dict.fromkeys(("informational", "default"), Level.INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARN),
    **dict.fromkeys(("error", "err", "severe", "failure"), Level.ERROR),
    **dict.fromkeys(("fatal", "critical", "crit", "alert", "emerg", "emergency"), Level.FATAL),
    **dict.fromkeys(("panic", "dpanic", "ftl"), Level.FATAL),
}
_WRITTEN: Final[Mapping[str, Level]] = {
    **_WORDS,
    **{word.upper(): level for word, level in _WORDS.items()},
    **{f'"{word}"': level for word, level in _WORDS.items()},
}
"""As they mostly stand in a line: found without a search."""

_JSON_SIZE: Final = len('"level":"info"')
_IN_JSON: Final[Mapping[str, Level]] = {
    f'"level":"{word}"'[:_JSON_SIZE]: level
    for word, level in _WRITTEN.items()
    if len(word) in (4, 5) and word.isalpha()
}
_LOGFMT_SIZE: Final = len("level=info ")
_IN_LOGFMT: Final[Mapping[str, Level]] = {
    f"level={word} "[:_LOGFMT_SIZE]: level
    for word, level in _WRITTEN.items()
    if len(word) in (4, 5) and word.isalpha()
}
"""The level as it stands in a line, cut to one size: after a word of five letters its end is still
to be looked at."""
_ENDS: Final = ("", " ")
_BEFORE: Final = ("", " ", ",")

_NUMBERS: Final = ((60, Level.FATAL), (50, Level.ERROR), (40, Level.WARN), (30, Level.INFO))
"""As pino and bunyan write levels; what is below is for debugging."""

_LEVEL_KEYS: Final = ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "@level")
_MESSAGE_KEYS: Final = ("msg", "message", "event", "@message", "log", "short_message")
_TIME_KEYS: Final = ("time", "ts", "timestamp", "@timestamp", "t", "datetime", "date")

_MOST_FIELDS = 100
_DEEPEST = 3
_LONGEST_READ = 64 * 1024
"""Characters of one line that are looked into; whatever is longer is no log line but data."""

_LOGFMT_LEVEL = re.compile(r"(?:^|[\s,])(?:level|lvl|severity)=\"?([A-Za-z]+)")
_LOGFMT_PAIR = re.compile(
    r"(?:^|(?<=\s))([A-Za-z_@][\w.@/-]{0,63})=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\"]*))"
)
_SPOKEN = re.compile(
    r"(?:^|[\s\[(|<])"
    r"(?:(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|PANIC)(?=[\]):|>\s]|$)"
    r"|(?:(?<=[\[(<])|^)(trace|debug|info|notice|warn|warning|error|fatal|critical|panic)(?=[\]):>]))"
)
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_KLOG_LEVELS: Final = {"I": Level.INFO, "W": Level.WARN, "E": Level.ERROR, "F": Level.FATAL}
_FAILING = re.compile(
    r"(?:Uncaught |Unhandled )?(?:[\w.$]{0,120}(?:Error|Exception)\b(?:\s\[\w+\])?(?::|$)"
    r"|Traceback \(most recent call last\)|Exception in thread)"
)
_PANIC = re.compile(r"(?:panic: |fatal error: |FATAL:)")
_HEAD = 200
"""Characters within which words say a level: what comes later is told, not meant."""

_CONTINUES = re.compile(r"\s|Caused by: |\.\.\. \d+ more|goroutine \d+ \[|}$")
_LEADING_TIME = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|\s?[+-]\d\d:?\d\d)?\]?\s+"
)
_LEADING_LEVEL = re.compile(
    r"(?:(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE):?"
    r"|[\[(<](?i:trace|debug|info|notice|warn|warning|error|fatal|critical|severe)[\])>]:?)"
    r"\s+(?:[-|:]\s+)?"
)
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)"  # RFC 3339
)


@dataclass(frozen=True, slots=True)
class Read:
    """A line that was read whole. `fields` are all of its keys but time, level and message, the
    values as text; nested ones as `outer.inner`. A line of words has only a message."""

    message: str
    fields: Mapping[str, str] = field(default_factory=dict)


def level_of(text: str) -> Level:
    """The level that a line says of itself. A line that says none but begins like an error of a
    common runtime (`TypeError: …`, `Traceback …`, `panic: …`) is one."""
    if text[:1] == "{":
        found = _level_in_json(text)
        if found is not None:
            return found
    place = text.find("level=", 0, _HEAD)
    if place == 0 or (place > 0 and text[place - 1] in " ,"):
        level = _WRITTEN.get(text[place + 6 : place + 18].partition(" ")[0])
        if level is not None:
            return level
    found_pair = _LOGFMT_LEVEL.search(text, 0, _HEAD)
    if found_pair is not None:
        return _WORDS.get(found_pair[1].lower(), Level.UNKNOWN)
    return _level_in_words(text)


def levels_of(texts: Sequence[str], before: Level = Level.UNKNOWN) -> list[Level]:
    """The levels of the lines of one log: as `level_of`, and a line that belongs to the one before
    it has that one's level (`before` of the first).

    A service writes its lines alike, so the level mostly stands where it stood in the line before:
    one look there is a fraction of a search.
    """
    found: list[Level] = []
    add, unknown = found.append, Level.UNKNOWN
    in_json, in_logfmt = _IN_JSON.get, _IN_LOGFMT.get
    there = elsewhere = -_JSON_SIZE  # where it stood last, in JSON and in logfmt
    for text in texts:
        is_json = text[:1] == "{"
        if is_json:
            end = there + _JSON_SIZE
            level = in_json(text[there:end])
            if level is not None and (
                (text[end - 1] == '"' or text[end : end + 1] == '"')
                and text[-1] == "}"
                and text.find("{", 1, there) < 0
                and text.find('"level"', end) < 0
            ):
                before = level
                add(level)
                continue
        else:
            end = elsewhere + _LOGFMT_SIZE
            level = in_logfmt(text[elsewhere:end])
            if level is not None and (
                (text[end - 1] == " " or text[end : end + 1] in _ENDS)
                and text[elsewhere - 1 : elsewhere] in _BEFORE
                and text.find("level=", 0, elsewhere) < 0
            ):
                before = level
                add(level)
                continue
        level = level_of(text)
        if level is unknown:
            if continues(text):
                level = before
        elif is_json:
            there = text.find('"level":"')
        else:
            elsewhere = text.find("level=")
        before = level
        add(level)
    return found


def message_of(text: str) -> str:
    """What a line is about, without its time, level and fields."""
    return read(text).message


def fields_of(text: str) -> Mapping[str, str]:
    """Every key of a structured line as text, time, level and message included; none of words."""
    whole = _json_of(text)
    if whole is not None:
        return _flat(whole)
    return _pairs(text)


def read(text: str) -> Read:
    """A line with its parts."""
    whole = _json_of(text)
    fields = _pairs(text) if whole is None else _flat(whole)
    if not fields:
        return Read(_bare(text))
    message, kept = "", dict(fields)
    for key in _MESSAGE_KEYS:
        if key in kept:
            message = kept.pop(key)
            break
    for key in (*_LEVEL_KEYS, *_TIME_KEYS):
        kept.pop(key, None)
    if whole is None and not message:
        return Read(_bare(text), kept)
    return Read(message, kept)


def continues(text: str) -> bool:
    """Whether a line belongs to the one before it: a stack frame, a cause."""
    return not text or _CONTINUES.match(text) is not None


def split_stamp(line: str) -> tuple[str, str]:
    """The time that the API server put before a line, in a form that sorts as text (UTC, nine
    digits, Z), and the line itself. "" where there is none: a partial line of an old kubelet."""
    stamp, blank, text = line.partition(" ")
    if len(stamp) == 30 and stamp[29] == "Z" and stamp[19] == ".":
        return stamp, text
    found = _STAMP.fullmatch(stamp)
    if found is None:
        return "", line
    return _sortable(found), text if blank else ""


def time_of(stamp: str) -> datetime | None:
    """The time of a sortable stamp, cut to microseconds."""
    try:
        return datetime.fromisoformat(stamp[:26]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _sortable(found: re.Match[str]) -> str:
    whole, fraction, zone = found[1], (found[2] or "").ljust(9, "0"), found[3]
    if zone in ("Z", "+00:00"):
        return f"{whole}.{fraction}Z"
    try:
        moment = datetime.fromisoformat(whole + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return f"{whole}.{fraction}Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def _level_in_json(text: str) -> Level | None:
    """None where the line is no JSON object. A flat object with one plain level is not parsed."""
    start = text.find('"level":"')
    if start > 0 and text.find("{", 1, start) < 0:
        end = text.find('"', start + 9)
        level = _WRITTEN.get(text[start + 9 : end])
        if level is not None and text.find('"level"', end) < 0 and text.endswith("}"):
            return level
    whole = _json_of(text)
    return None if whole is None else _said(whole)


def _said(whole: Mapping[str, Any]) -> Level:
    for key in _LEVEL_KEYS:
        value = whole.get(key)
        if value is None and key == "log.level" and isinstance(whole.get("log"), dict):
            value = whole["log"].get("level")
        if isinstance(value, str):
            level = _WORDS.get(value.lower())
            if level is not None:
                return level
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return next((level for least, level in _NUMBERS if value >= least), Level.DEBUG)
    if "error" in whole or "err" in whole:
        return Level.ERROR if whole.get("error") or whole.get("err") else Level.UNKNOWN
    return Level.UNKNOWN


def _level_in_words(text: str) -> Level:
    if _PANIC.match(text):
        return Level.FATAL
    klog = _KLOG.match(text)
    if klog is not None:
        return _KLOG_LEVELS[klog[1]]
    spoken = _SPOKEN.search(text, 0, _HEAD)
    if spoken is not None:
        return _WORDS[(spoken[1] or spoken[2]).lower()]
    bare = _LEADING_TIME.sub("", text[:_HEAD], count=1)
    return Level.ERROR if _FAILING.match(bare) else Level.UNKNOWN


def _json_of(text: str) -> Mapping[str, Any] | None:
    if text[:1] != "{" or len(text) > _LONGEST_READ:
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return whole if isinstance(whole, dict) else None


def _flat(whole: Mapping[str, Any], before: str = "", depth: int = 1) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in whole.items():
        if len(found) >= _MOST_FIELDS:
            break
        if isinstance(value, dict) and depth < _DEEPEST:
            found.update(_flat(value, f"{before}{key}.", depth + 1))
        else:
            found[f"{before}{key}"] = _as_text(value)
    return found


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _pairs(text: str) -> dict[str, str]:
    """The pairs of a logfmt line; one alone is a sentence with a = in it."""
    found: dict[str, str] = {}
    for pair in _LOGFMT_PAIR.finditer(text, 0, _LONGEST_READ):
        key, quoted, plain = pair.groups()
        found[key] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if len(found) >= _MOST_FIELDS:
            break
    return found if len(found) > 1 or found.keys() & {"level", "msg"} else {}


def _bare(text: str) -> str:
    """Words without the time and the level before them."""
    without_time = _LEADING_TIME.sub("", text, count=1)
    return _LEADING_LEVEL.sub("", without_time, count=1).strip() or text.strip()
