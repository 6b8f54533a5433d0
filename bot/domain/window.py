"""Change windows and freezes: at which hours changes are made in an environment.

`dynamo.yml` says them in the wall time of one zone; here they become spans of real time, so that
a day with 23 or 25 hours and a window over midnight are what people there mean by them. Pure: the
time is passed in. An hour that a clock change skips counts as the moment of the change; an hour
that comes twice is inside a window both times.

Neighbours: `config/values.py` (the values), `bot/workflows/gates/window.py` (asks).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.gate import Gate, GateResult
from bot.domain.verdict import Value
from config.catalog import Environment, Freeze, Window

Span = tuple[datetime, datetime]
"""From and until, aware UTC; until is not in it."""

_LOOK_AHEAD = 400  # days: longer than any freeze that a person would want to wait for
_JOINED = 8  # days: windows that follow each other without a gap for so long have no end


def judge_window(environment: Environment, now: datetime) -> GateResult:
    """Whether changes are made here now; if not, when they are next (`opens_at`, "" where that is
    further away than a year)."""
    frozen = freeze_at(environment, now)
    if frozen is not None:
        values: dict[str, Value] = {
            "reason": frozen.reason,
            "opens_at": _said(next_opening(environment, now)),
        }
        return GateResult(Gate.WINDOW, False, "FROZEN", values)
    if not environment.windows:
        return GateResult(Gate.WINDOW, True, "ALWAYS_OPEN")
    closes = _closes(environment, now)
    if closes is None:
        opens = _said(next_opening(environment, now))
        return GateResult(Gate.WINDOW, False, "WINDOW_CLOSED", {"opens_at": opens})
    endless = closes - now > timedelta(days=_JOINED - 1)
    return GateResult(
        Gate.WINDOW, True, "WINDOW_OPEN", {"closes_at": "" if endless else _said(closes)}
    )


def freeze_at(environment: Environment, now: datetime) -> Freeze | None:
    zone = ZoneInfo(environment.time_zone)
    for freeze in environment.freezes:
        begins, ends = _frozen_span(freeze, zone)
        if begins <= now < ends:
            return freeze
    return None


def next_opening(environment: Environment, now: datetime) -> datetime | None:
    """The first moment from now on at which a window is open and no freeze is on."""
    zone = ZoneInfo(environment.time_zone)
    frozen = sorted(_frozen_span(freeze, zone) for freeze in environment.freezes)
    for begins, ends in _spans(environment, zone, now):
        start = max(begins, now)
        for freezes, thaws in frozen:
            if freezes <= start < thaws:
                start = thaws
        if start < ends:
            return start
    return None


def _closes(environment: Environment, now: datetime) -> datetime | None:
    """When the window that is open now closes, windows that follow at once included."""
    closes: datetime | None = None
    horizon = now + timedelta(days=_JOINED)
    for begins, ends in _spans(environment, ZoneInfo(environment.time_zone), now):
        if begins > (closes or now) or begins > horizon:
            break
        if ends > now:
            closes = max(closes or ends, ends)
    return closes and _before_a_freeze(environment, now, closes)


def _before_a_freeze(environment: Environment, now: datetime, closes: datetime) -> datetime:
    zone = ZoneInfo(environment.time_zone)
    begins = (_frozen_span(freeze, zone)[0] for freeze in environment.freezes)
    return min([closes, *(begin for begin in begins if begin > now)])


def _spans(environment: Environment, zone: ZoneInfo, now: datetime) -> Iterator[Span]:
    """The windows as spans of real time, in order of their beginning, from those that may still be
    open. Without windows it is always open."""
    today = now.astimezone(zone).date()
    if not environment.windows:
        yield now, now + timedelta(days=_LOOK_AHEAD)
        return
    for day in range(-1, _LOOK_AHEAD):
        that_day = today + timedelta(days=day)
        yield from sorted(
            _span(window, that_day, zone)
            for window in environment.windows
            if that_day.weekday() in window.days
        )


def _span(window: Window, day: date, zone: ZoneInfo) -> Span:
    """A window that closes no later than it opens goes over midnight: it ends on the next day."""
    last = day if window.opens < window.closes else day + timedelta(days=1)
    begins = _moment(datetime.combine(day, window.opens, zone), late=False)
    return begins, _moment(datetime.combine(last, window.closes, zone), late=True)


def _moment(wall: datetime, *, late: bool) -> datetime:
    """A wall time as real time: the first or the `late` one of a time that comes twice, and the
    moment of the clock change for a time that it skips."""
    first = wall.replace(fold=0).astimezone(UTC)
    second = wall.replace(fold=1).astimezone(UTC)
    if first <= second:
        return second if late else first
    before, after = int(second.timestamp()), int(first.timestamp())  # the change is between them
    offset = datetime.fromtimestamp(before, wall.tzinfo).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        changed = datetime.fromtimestamp(middle, wall.tzinfo).utcoffset() != offset
        before, after = (before, middle) if changed else (middle, after)
    return datetime.fromtimestamp(after, UTC)


def _frozen_span(freeze: Freeze, zone: ZoneInfo) -> Span:
    """Whole days, the last one included."""
    begins = datetime.combine(freeze.first, datetime.min.time(), zone)
    ends = datetime.combine(freeze.last + timedelta(days=1), datetime.min.time(), zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)


def _said(when: datetime | None) -> str:
    return when.isoformat() if when else ""
