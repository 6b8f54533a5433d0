"""Times as Go reads and writes them, with its words for what is none (time.Parse).

Kubernetes' Time has seconds, MicroTime microseconds that must be there; both are written in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SECONDS = "2006-01-02T15:04:05Z07:00"
MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"
_ELEMENT = re.compile(r"2006|01|02|15|04|05|\.000000|Z07:00|[-T:]")
_NAMES = {"01": "month", "02": "day", "15": "hour", "04": "minute", "05": "second"}
_RANGES = {"01": (1, 12), "02": (1, 31), "15": (0, 23), "04": (0, 59), "05": (0, 59)}
_ZONE = re.compile(r"Z|([+-])(\d\d):(\d\d)")


class TimeError(ValueError):
    """A text that is no such time; the message is Go's."""


def parse(text: str, layout: str = SECONDS) -> datetime:
    """Raises TimeError."""
    whole = f'parsing time "{text}"'
    numbers: list[int] = []
    fraction, shift, rest = 0, timedelta(), text
    for element in _ELEMENT.findall(layout):
        found = _read(element, rest)
        if found is None:
            raise TimeError(f'{whole} as "{layout}": cannot parse "{rest}" as "{element}"')
        rest = rest[len(found) :]
        low, high = _RANGES.get(element, (0, 10_000))
        if found.isdigit():
            numbers.append(int(found))
            if not low <= numbers[-1] <= high:
                raise TimeError(f"{whole}: {_NAMES[element]} out of range")
        if element == "Z07:00":
            shift = _shift(found)
        elif found.startswith("."):
            fraction = int(found[1:7])
        if element == "05" and layout == SECONDS and (more := re.match(r"[.,](\d+)", rest)):
            fraction, rest = int(more.group(1)[:6].ljust(6, "0")), rest[more.end() :]
    if rest:
        raise TimeError(f'{whole}: extra text: "{rest}"')
    year, month, day, hour, minute, second = numbers
    try:
        at = datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)
        return at - shift
    except (ValueError, OverflowError) as error:
        raise TimeError(f"{whole}: day out of range") from error


def _read(element: str, rest: str) -> str | None:
    """The text at the beginning that an element of the layout takes; None if it takes none."""
    patterns = {"2006": r"\d{4}", ".000000": r"[.,]\d{6}", "Z07:00": _ZONE.pattern, "15": r"\d\d?"}
    pattern = patterns.get(element, r"\d\d" if element.isdigit() else re.escape(element))
    match = re.match(pattern, rest)
    return match.group() if match else None


def _shift(zone: str) -> timedelta:
    match = _ZONE.fullmatch(zone)
    if match is None or match.group(1) is None:
        return timedelta()
    away = timedelta(hours=int(match.group(2)), minutes=int(match.group(3)))
    return -away if match.group(1) == "-" else away


def canonical(text: str, layout: str = SECONDS) -> str:
    """As an answer shows it. Raises TimeError."""
    at = parse(text, layout).astimezone(UTC)
    if layout == SECONDS:
        return at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)
