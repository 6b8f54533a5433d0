"""Change windows as the people of a place mean them: also at night, and when the clocks change."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.gate import Gate
from bot.domain.window import freeze_at, judge_window, next_opening
from config.catalog import Channel, Environment, Freeze, Localized, Window

MADRID = ZoneInfo("Europe/Madrid")
WORKDAYS = (0, 1, 2, 3, 4)
OFFICE = Window((0, 1, 2, 3), time(9), time(17))
NIGHT = Window((4,), time(22), time(6))  # Friday night into Saturday


def an_environment(
    *windows: Window, zone: str = "Europe/Madrid", freezes: Iterable[Freeze] = ()
) -> Environment:
    return Environment(
        name="prod",
        title=Localized("Production", "Producción"),
        namespace="dynamo",
        base_url="https://app.yourapp.com",
        channel=Channel("production", "C0PRODUCTN"),
        language="en",
        time_zone=zone,
        windows=windows,
        freezes=tuple(freezes),
    )


def madrid(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MADRID, fold=fold).astimezone(UTC)


def opens(environment: Environment, now: datetime) -> datetime:
    gate = judge_window(environment, now)
    assert not gate.ok
    return datetime.fromisoformat(str(gate.values["opens_at"]))


def test_without_windows_changes_are_made_at_any_hour() -> None:
    gate = judge_window(an_environment(), madrid("2026-11-24T03:00"))
    assert (gate.gate, gate.ok, gate.code) == (Gate.WINDOW, True, "ALWAYS_OPEN")


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-24T08:59:59", False),  # a Tuesday
        ("2026-11-24T09:00", True),
        ("2026-11-24T16:59:59", True),
        ("2026-11-24T17:00", False),
        ("2026-11-27T12:00", False),  # Friday
    ],
)
def test_a_window_is_open_from_its_first_moment_to_before_its_last(now: str, is_open: bool) -> None:
    assert judge_window(an_environment(OFFICE), madrid(now)).ok is is_open


def test_outside_a_window_it_is_said_when_the_next_one_opens() -> None:
    environment = an_environment(OFFICE)
    assert opens(environment, madrid("2026-11-24T03:00")) == madrid("2026-11-24T09:00")
    assert opens(environment, madrid("2026-11-24T17:00")) == madrid("2026-11-25T09:00")
    assert opens(environment, madrid("2026-11-26T18:00")) == madrid("2026-11-30T09:00")


def test_the_zone_decides_and_not_the_machine() -> None:
    tokyo = an_environment(OFFICE, zone="Asia/Tokyo")
    now = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # ten in the morning there
    assert judge_window(tokyo, now).ok
    assert not judge_window(an_environment(OFFICE), now).ok


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    environment = an_environment(NIGHT)
    for now, is_open in (
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T05:59", True),
        ("2026-11-28T06:00", False),
        ("2026-11-28T23:00", False),
        ("2026-11-27T03:00", False),  # Thursday's night is not Friday's
    ):
        assert judge_window(environment, madrid(now)).ok is is_open, now


def test_a_whole_day_ends_at_its_midnight() -> None:
    environment = an_environment(Window((1,), time(0), time(0)))
    assert judge_window(environment, madrid("2026-11-24T00:00")).ok
    assert judge_window(environment, madrid("2026-11-24T23:59:59")).ok
    assert not judge_window(environment, madrid("2026-11-25T00:00")).ok


def test_an_open_window_says_when_it_closes_and_windows_that_follow_are_one() -> None:
    gate = judge_window(an_environment(OFFICE), madrid("2026-11-24T10:00"))
    assert gate.values["closes_at"] == madrid("2026-11-24T17:00").isoformat()
    two = an_environment(Window((1,), time(9), time(12)), Window((1,), time(12), time(15)))
    gate = judge_window(two, madrid("2026-11-24T10:00"))
    assert gate.values["closes_at"] == madrid("2026-11-24T15:00").isoformat()


def test_windows_without_a_gap_never_close() -> None:
    environment = an_environment(Window(tuple(range(7)), time(0), time(0)))
    gate = judge_window(environment, madrid("2026-11-24T10:00"))
    assert (gate.code, gate.values["closes_at"]) == ("WINDOW_OPEN", "")


# --- days on which the clocks change ------------------------------------------------------------

SPRING, AUTUMN = "2027-03-28", "2026-10-25"  # Sundays: 02:00 becomes 03:00; 03:00 becomes 02:00
SUNDAY = (6,)


def test_a_day_of_23_hours_opens_by_the_clock_on_the_wall() -> None:
    environment = an_environment(Window(SUNDAY, time(9), time(17)))
    assert opens(environment, madrid(f"{SPRING}T00:30")) == datetime(2027, 3, 28, 7, 0, tzinfo=UTC)
    assert judge_window(environment, datetime(2027, 3, 28, 14, 59, tzinfo=UTC)).ok
    assert not judge_window(environment, datetime(2027, 3, 28, 15, 0, tzinfo=UTC)).ok


def test_a_window_that_opens_in_the_skipped_hour_opens_when_the_clocks_change() -> None:
    environment = an_environment(Window(SUNDAY, time(2, 30), time(5)))
    change = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert opens(environment, change - timedelta(minutes=1)) == change
    assert judge_window(environment, change).ok


def test_a_window_that_closes_in_the_skipped_hour_closes_when_the_clocks_change() -> None:
    environment = an_environment(Window(SUNDAY, time(1), time(2, 30)))
    change = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert judge_window(environment, change - timedelta(seconds=1)).ok
    assert not judge_window(environment, change).ok


def test_a_window_within_the_skipped_hour_never_opens_that_day() -> None:
    environment = an_environment(Window(SUNDAY, time(2, 10), time(2, 50)))
    change = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert not judge_window(environment, change).ok
    assert opens(environment, change).date() == date(2027, 4, 4)


def test_an_hour_that_comes_twice_is_inside_both_times() -> None:
    environment = an_environment(Window(SUNDAY, time(2), time(3)))
    for fold in (0, 1):
        assert judge_window(environment, madrid(f"{AUTUMN}T02:30", fold)).ok
    assert not judge_window(environment, madrid(f"{AUTUMN}T03:00")).ok
    first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert opens(environment, first - timedelta(minutes=5)) == first


def test_a_window_that_closes_in_the_hour_that_comes_twice_closes_the_second_time() -> None:
    environment = an_environment(Window(SUNDAY, time(1), time(2, 30)))
    assert judge_window(environment, madrid(f"{AUTUMN}T02:45", 0)).ok
    assert judge_window(environment, madrid(f"{AUTUMN}T02:29", 1)).ok
    assert not judge_window(environment, madrid(f"{AUTUMN}T02:30", 1)).ok


def test_a_night_of_25_hours_stays_open_throughout() -> None:
    environment = an_environment(Window((5,), time(22), time(6)))
    now = madrid("2026-10-24T22:00")
    while now < madrid("2026-10-25T06:00"):
        assert judge_window(environment, now).ok, now
        now += timedelta(minutes=15)
    assert not judge_window(environment, now).ok


# --- freezes -----------------------------------------------------------------------------------

XMAS = Freeze(date(2026, 12, 21), date(2027, 1, 6), "end of the year")


def test_a_freeze_closes_whole_days_and_says_why_and_when_it_opens() -> None:
    environment = an_environment(OFFICE, freezes=[XMAS])
    gate = judge_window(environment, madrid("2026-12-22T10:00"))
    assert (gate.ok, gate.code, gate.values["reason"]) == (False, "FROZEN", "end of the year")
    assert gate.values["opens_at"] == madrid("2027-01-07T09:00").isoformat()
    assert freeze_at(environment, madrid("2026-12-20T23:59:59")) is None
    assert freeze_at(environment, madrid("2026-12-21T00:00")) == XMAS
    assert freeze_at(environment, madrid("2027-01-06T23:59:59")) == XMAS
    assert freeze_at(environment, madrid("2027-01-07T00:00")) is None


def test_a_freeze_without_windows_opens_when_it_ends() -> None:
    environment = an_environment(freezes=[XMAS])
    assert opens(environment, madrid("2026-12-24T10:00")) == madrid("2027-01-07T00:00")
    assert judge_window(environment, madrid("2027-01-07T00:00")).ok


def test_a_window_closes_where_a_freeze_begins() -> None:
    environment = an_environment(
        Window((6,), time(20), time(4)), freezes=[XMAS]
    )  # Sunday night, 20 December
    gate = judge_window(environment, madrid("2026-12-20T21:00"))
    assert gate.values["closes_at"] == madrid("2026-12-21T00:00").isoformat()


def test_windows_that_no_year_opens_say_so() -> None:
    endless = Freeze(date(2026, 1, 1), date(2030, 1, 1))
    gate = judge_window(an_environment(OFFICE, freezes=[endless]), madrid("2026-12-22T10:00"))
    assert gate.values["opens_at"] == ""


# --- any windows, any time ----------------------------------------------------------------------

ZONES = ("UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
WINDOWS = st.lists(
    st.builds(
        Window,
        st.lists(st.integers(0, 6), min_size=1, max_size=7).map(lambda days: tuple(set(days))),
        MINUTES,
        MINUTES,
    ),
    min_size=1,
    max_size=3,
)
MOMENTS = st.integers(0, 2 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def by_the_wall(environment: Environment, now: datetime) -> bool:
    """Told again, by looking at the clock on the wall and nothing else."""
    wall = now.astimezone(ZoneInfo(environment.time_zone))
    clock, day = wall.time(), wall.weekday()
    for window in environment.windows:
        yesterday = (day - 1) % 7
        if window.opens < window.closes:
            if day in window.days and window.opens <= clock < window.closes:
                return True
        elif (day in window.days and clock >= window.opens) or (
            yesterday in window.days and clock < window.closes
        ):
            return True
    return False


def near_a_change(environment: Environment, now: datetime) -> bool:
    zone = ZoneInfo(environment.time_zone)
    hours = timedelta(hours=2)
    offsets = {(now + d).astimezone(zone).utcoffset() for d in (-hours, timedelta(), hours)}
    return len(offsets) > 1


@settings(max_examples=300, deadline=None)
@given(WINDOWS, st.sampled_from(ZONES), MOMENTS)
def test_any_window_is_open_when_the_clock_on_the_wall_says_so(
    windows: list[Window], zone: str, now: datetime
) -> None:
    environment = an_environment(*windows, zone=zone)
    if not near_a_change(environment, now):
        assert judge_window(environment, now).ok is by_the_wall(environment, now)


@settings(max_examples=150, deadline=None)
@given(WINDOWS, st.sampled_from(ZONES), MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    windows: list[Window], zone: str, now: datetime
) -> None:
    environment = an_environment(*windows, zone=zone)
    when = next_opening(environment, now)
    assert when is not None
    assert when >= now
    assert judge_window(environment, when).ok
    if when > now:
        assert not judge_window(environment, when - timedelta(seconds=1)).ok
        assert not judge_window(environment, now + (when - now) / 2).ok


@settings(max_examples=150, deadline=None)
@given(WINDOWS, st.sampled_from(ZONES), MOMENTS)
def test_an_open_window_is_open_until_it_closes(
    windows: list[Window], zone: str, now: datetime
) -> None:
    environment = an_environment(*windows, zone=zone)
    gate = judge_window(environment, now)
    if gate.ok and gate.values["closes_at"]:
        closes = datetime.fromisoformat(str(gate.values["closes_at"]))
        assert closes > now
        assert judge_window(environment, closes - timedelta(seconds=1)).ok
        assert not judge_window(environment, closes).ok
