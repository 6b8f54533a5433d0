"""Days, hours, dates and time zones as people write them in `dynamo.yml`.

Each reads one text and raises `wrong`, which says what would be right. Hours and dates stand in
quotes there: without them YAML readers disagree about `09:00`.
"""

from __future__ import annotations

import re
from datetime import date, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from config.checks import wrong
from config.lookup import nearest
from config.mistakes import meant

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAYS_FIX = "write it like mon-thu, or mon, wed, fri; the days are " + ", ".join(DAYS)


def parse_days(text: object) -> tuple[int, ...]:
    """`mon-thu`, `mon, wed`, `fri-mon` (over the weekend), or a list of them; Monday is 0."""
    pieces = text if isinstance(text, list) else str(text).split(",")
    found: set[int] = set()
    for piece in pieces:
        found.update(_days(str(piece).strip().lower()))
    if not found:
        raise wrong("names no day", _DAYS_FIX)
    return tuple(sorted(found))


def _days(piece: str) -> tuple[int, ...]:
    first, dash, last = (part.strip() for part in piece.partition("-"))
    if first not in DAYS or (dash and last not in DAYS):
        unknown = first if first not in DAYS else last
        raise wrong(f"{unknown[:40]!r} is no day of the week", _DAYS_FIX)
    begin = DAYS.index(first)
    length = (DAYS.index(last or first) - begin) % 7
    return tuple((begin + more) % 7 for more in range(length + 1))


def parse_clock(text: object) -> time:
    """`09:00`."""
    if not isinstance(text, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        shown = str(text)[:40]
        raise wrong(f"{shown!r} is no time of the day", 'write it like "09:00", in quotes')
    return time(int(text[:2]), int(text[3:]))


def parse_end(text: object) -> time:
    """As `parse_clock`, and `24:00` for the midnight at which a day ends."""
    return time(0, 0) if text == "24:00" else parse_clock(text)


def parse_date(text: object) -> date:
    fix = 'write it like "2026-12-21", in quotes'
    try:
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise wrong(f"{str(text)[:40]!r} is no date", fix) from None


def time_zone(text: str) -> str:
    """A name that this machine's time zone database has."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:
            fix = "this machine has no time zone database: install the package tzdata"
        else:
            fix = meant(nearest(text, known)) or "write it like Europe/Madrid or UTC"
        raise wrong(f"{text[:40]!r} is no time zone", fix) from None
    return text
