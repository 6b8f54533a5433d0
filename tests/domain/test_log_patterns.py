"""Error lines: counted while they are read, compared by rate and by kind."""

import json
import random
from datetime import datetime, timedelta

import pytest

from bot.domain.analysis import DataState, Reading, Result, Window
from bot.domain.log_gathering import (
    MOST_KINDS,
    Gathered,
    Gatherer,
    Kind,
    gathered,
    mask,
    signature_of,
)
from bot.domain.log_patterns import judge_logs

from ..conftest import NOON

WINDOW = Window(NOON, NOON + timedelta(minutes=10))


def line(seconds: float, text: str) -> str:
    at: datetime = NOON + timedelta(seconds=seconds)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z {text}"


def read(*lines: str, window: Window = WINDOW) -> Gatherer:
    gatherer = Gatherer(window)
    for each in lines:
        gatherer.take(each)
    return gatherer


def test_lines_are_counted_by_level_within_the_window() -> None:
    found = read(
        line(-5, "level=error msg=earlier x=1"),
        line(1, 'level=info msg="request" path=/a'),
        line(2, '{"level":"error","msg":"cannot save task 17"}'),
        line(3, "TypeError: cannot read properties of undefined (reading 'id')"),
        line(3, "    at handler (/app/dist/tasks.js:31:18)"),
        line(70, '{"level":"fatal","msg":"cannot save task 18"}'),
        line(4, "something without a level"),
        line(601, "level=error msg=later x=1"),
        "no time at all",
    )
    assert (found.lines, found.levelled, found.errors) == (5, 4, 3)
    assert len(found.minutes) == 2
    kinds = gathered([(found, 10.0)], 1).kinds
    assert sorted(kind.count for kind in kinds.values()) == [1, 2]


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ('level=error msg="request failed" error="connect ECONNREFUSED 10.0.0.7:5432"', None),
        ('{"level":50,"msg":"request failed","err":{"message":"connect ECONNREFUSED"}}', None),
    ],
)
def test_the_error_of_a_field_belongs_to_the_signature(text: str, signature: str | None) -> None:
    assert signature_of(text).startswith("request failed: connect ECONNREFUSED")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("task 17 not found", "task 18321 not found"),
        ("took 12.5ms", "took 904ms"),
        ("peer 10.2.3.4:5432 gone", "peer 10.9.3.1:6432 gone"),
        (
            "job 7d444840-9dc0-11d1-b245-5ffdce74fad2 lost",
            "job 9d444840-1dc0-41d1-b245-5ffdce74fad9 lost",
        ),
        ("commit ab12cd34ef missing", "commit 99fecd3400 missing"),
        ("at 0x7f00aa12", "at 0x11"),
    ],
)
def test_what_differs_by_chance_is_masked(one: str, other: str) -> None:
    assert mask(one) == mask(other) != one


def test_words_are_no_numbers() -> None:
    assert mask("deadbeef facade utf8 s3 decade") == "deadbeef facade utf8 s3 decade"


def test_what_is_kept_is_redacted() -> None:
    token = "gh" + "p_" + "a1B2" * 9
    found = read(line(1, f'level=error msg="refused" error="bad token {token}"'))
    kept = json.dumps(gathered([(found, 1.0)], 1).as_json())
    assert token not in kept
    assert "refused" in kept


def test_a_flood_of_different_messages_is_bounded() -> None:
    dice = random.Random(3)
    words = ["".join(dice.choices("ghijklmnopqrstuvwxyz", k=12)) for _ in range(3 * MOST_KINDS)]
    found = read(*(line(1, f"level=error msg={word} x=y") for word in words))
    assert found.errors == 3 * MOST_KINDS
    assert len(gathered([(found, 10.0)], 1).kinds) == MOST_KINDS


def test_minutes_are_those_that_the_lines_speak_for() -> None:
    found = read(line(240, "level=info msg=a x=1"))
    assert found.covered(cut=False, since=None) == 10
    assert found.covered(cut=True, since=None) == 6
    assert found.covered(cut=False, since=NOON + timedelta(minutes=8)) == 2
    assert found.covered(cut=False, since=NOON + timedelta(hours=1)) == 0


def test_some_pods_of_many_speak_for_their_share_of_the_time() -> None:
    """Two of four pods for ten minutes each: as much as the service in five."""
    one, two = read(line(1, "level=error msg=x y=1")), read(line(2, "level=error msg=x y=1"))
    found = gathered([(one, 10.0), (two, 10.0)], 4)
    assert (found.minutes, found.errors, found.rate) == (5.0, 2, 0.4)


# Judging


def log(
    kinds: dict[str, int],
    *,
    minutes: float = 10,
    busy: int | None = None,
    lines: int = 1_000,
    at_once: int = 1,
) -> Gathered:
    """`at_once`: so many lines of a kind are written in one minute, and none in the next."""
    errors = sum(kinds.values())
    return Gathered(
        pods=2,
        of=2,
        minutes=minutes,
        lines=lines,
        levelled=lines,
        errors=errors,
        busy_minutes=min(int(minutes), errors) if busy is None else busy,
        squares=errors * at_once,
        kinds={mask(words): Kind(count, words, count * at_once) for words, count in kinds.items()},
    )


def by_name(readings: tuple[Reading, ...], name: str) -> list[Reading]:
    return [each for each in readings if each.name == name]


KNOWN = {"cannot reach mail server": 4, "task 7 not found": 6}


def test_the_same_errors_as_before_are_fine() -> None:
    readings = judge_logs(log(KNOWN, minutes=30), log({"task 9 not found": 2}))
    assert [(each.name, each.result, each.code) for each in readings] == [
        ("ERROR_LINES", Result.PASS, "LOGS_SAME"),
        ("NEW_ERRORS", Result.PASS, "NEW_ERRORS_NONE"),
    ]


def test_no_errors_at_all() -> None:
    readings = judge_logs(log(KNOWN, minutes=30), log({}))
    assert (readings[0].code, readings[0].after) == ("LOGS_CLEAN", 0.0)


def test_a_new_error_that_comes_often_is_told_with_its_count_and_an_example() -> None:
    words = "TypeError: cannot read properties of undefined (reading 'id')"
    readings = judge_logs(log(KNOWN, minutes=30), log({**KNOWN, words: 118}))
    rate = readings[0]
    assert (rate.result, rate.code) == (Result.FAIL, "LOGS_MORE")
    assert rate.before == pytest.approx(10 / 30, abs=0.01)
    assert rate.after == pytest.approx(12.8)
    (new,) = by_name(readings, "NEW_ERRORS")
    assert (new.result, new.values["count"], new.values["example"]) == (Result.WARN, 118, words)
    assert "TypeError" in new.subject


def test_new_lines_of_one_fault_are_one_pattern() -> None:
    kinds = {f"user {name} has no address": 2 for name in ("ana", "ben", "elena", "omar")}
    readings = judge_logs(log(KNOWN, minutes=30), log({**KNOWN, **kinds}))
    (new,) = by_name(readings, "NEW_ERRORS")
    assert new.values["count"] == 8
    assert new.subject == "user <*> has no address"


def test_a_burst_in_one_minute_is_no_fail() -> None:
    """A database that hiccups writes fifty lines at once: one event, not fifty."""
    readings = judge_logs(log(KNOWN, minutes=30), log({"connection lost": 50}, busy=1, at_once=50))
    assert (readings[0].result, readings[0].code) == (Result.WARN, "LOGS_BURST")
    (new,) = by_name(readings, "NEW_ERRORS")
    assert new.code == "NEW_ERRORS_RARE"


def test_a_burst_as_there_was_before_is_nothing_to_tell() -> None:
    old = log({"connection lost": 50}, minutes=30, busy=1, at_once=50)
    readings = judge_logs(old, log({"connection lost": 50}, busy=1, at_once=50))
    assert (readings[0].result, readings[0].code) == (Result.PASS, "LOGS_SAME")


def test_lines_that_come_together_are_counted_as_one_fault_and_not_as_many() -> None:
    """Sixteen lines one by one are new for sure, and in four minutes; in two, who knows."""

    def told(at_once: int) -> str:
        after = log({**KNOWN, "never seen": 16}, at_once=at_once, minutes=14)
        return by_name(judge_logs(log(KNOWN, minutes=30), after), "NEW_ERRORS")[0].code

    assert [told(1), told(4), told(8)] == ["NEW_ERROR", "NEW_ERROR", "NEW_ERRORS_RARE"]


def test_a_fail_needs_errors_in_a_third_of_the_minutes() -> None:
    before = log(KNOWN, minutes=30)
    few = judge_logs(before, log({"task 7 not found": 60}, minutes=14, busy=4))[0]
    many = judge_logs(before, log({"task 7 not found": 60}, minutes=14, busy=5))[0]
    assert (few.result, many.result) == (Result.WARN, Result.FAIL)


def test_lines_of_one_minute_are_counted_together_over_all_pods() -> None:
    one = read(*(line(n, "level=error msg=x y=1") for n in (1, 2, 130)))
    two = read(*(line(n, "level=error msg=x y=2") for n in (3, 4)))
    found = gathered([(one, 10.0), (two, 10.0)], 2)
    assert (found.errors, found.busy_minutes, found.squares) == (5, 2, 4 * 4 + 1)
    assert [kind.squares for kind in found.kinds.values()] == [17]
    assert Gathered.of_json(json.loads(json.dumps(found.as_json()))) == found


def test_what_was_seen_twice_may_be_chance() -> None:
    readings = judge_logs(log(KNOWN, minutes=30), log({**KNOWN, "never seen": 2}))
    (new,) = by_name(readings, "NEW_ERRORS")
    assert (new.result, new.code, new.state) == (
        Result.INCONCLUSIVE,
        "NEW_ERRORS_RARE",
        DataState.LOW,
    )


def test_more_than_five_new_patterns_are_counted() -> None:
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"]
    kinds = {" ".join([word] * (n + 2)): 10 - n for n, word in enumerate(words)}
    readings = judge_logs(log(KNOWN, minutes=30), log(kinds))
    new = by_name(readings, "NEW_ERRORS")
    assert len(new) == 6
    assert [each.values["count"] for each in new[:5]] == [10, 9, 8, 7, 6]
    assert (new[5].code, new[5].values["count"]) == ("NEW_ERRORS_MORE", 2)


def test_a_known_error_that_multiplies_is_told() -> None:
    readings = judge_logs(
        log({"a b c": 10, "task 7 not found": 60}, minutes=30),
        log({"a b c": 30, "task 8 not found": 20}),
    )
    (more,) = by_name(readings, "MORE_ERRORS")
    assert (more.result, more.values["count"], more.values["count_before"]) == (Result.WARN, 30, 10)
    assert by_name(readings, "NEW_ERRORS")[0].code == "NEW_ERRORS_NONE"


def test_unchanged_error_rates_hardly_ever_fail() -> None:
    dice = random.Random(11)

    def poisson(mean: float) -> int:
        return sum(1 for _ in range(1_000) if dice.random() < mean / 1_000)

    results = [
        judge_logs(log({"x y": poisson(60)}, minutes=30), log({"x y": poisson(20)}))[0].result
        for _ in range(300)
    ]
    assert results.count(Result.FAIL) == 0
    assert results.count(Result.WARN) <= 6


def test_bursts_of_an_unchanged_service_hardly_ever_fail() -> None:
    """Each fault writes some lines within a minute. Taken for independent, they failed in one of
    nine cases."""
    dice = random.Random(12)

    def bursts(minutes: int) -> Gathered:
        lines = [0] * minutes
        for minute in range(minutes):
            while dice.random() < 0.4:
                lines[minute] += 1 + int(dice.expovariate(1 / 3))
        return Gathered(
            pods=2,
            of=2,
            minutes=minutes,
            lines=1000,
            levelled=1000,
            errors=sum(lines),
            busy_minutes=sum(map(bool, lines)),
            squares=sum(each * each for each in lines),
            kinds={"x y": Kind(sum(lines), "x y", sum(each * each for each in lines))},
        )

    results = [judge_logs(bursts(30), bursts(14))[0].result for _ in range(300)]
    assert results.count(Result.FAIL) <= 1
    assert results.count(Result.WARN) <= 6


UNREAD = Gathered(of=2, unread="pods is forbidden")
SILENT = Gathered(pods=2, of=2, minutes=10)
NO_LEVELS = Gathered(pods=2, of=2, minutes=10, lines=50)


@pytest.mark.parametrize(
    ("before", "after", "result", "code", "state"),
    [
        (log(KNOWN), UNREAD, Result.INCONCLUSIVE, "LOGS_UNREAD", DataState.QUERY_ERROR),
        (log(KNOWN), Gathered(), Result.INCONCLUSIVE, "LOGS_NO_PODS", DataState.NO_DATA),
        (Gathered(), log(KNOWN), Result.INCONCLUSIVE, "LOGS_NO_BEFORE", DataState.LOW),
        (log(KNOWN), SILENT, Result.WARN, "LOGS_GONE", DataState.NO_DATA),
        (SILENT, SILENT, Result.INCONCLUSIVE, "LOGS_SILENT", DataState.NO_METRIC),
        (None, SILENT, Result.INCONCLUSIVE, "LOGS_SILENT", DataState.NO_METRIC),
        (log(KNOWN), NO_LEVELS, Result.INCONCLUSIVE, "LOGS_NO_LEVELS", DataState.LOW),
        (None, log(KNOWN), Result.INCONCLUSIVE, "LOGS_NO_BEFORE", DataState.LOW),
        (UNREAD, log(KNOWN), Result.INCONCLUSIVE, "LOGS_NO_BEFORE", DataState.LOW),
        (log({}, minutes=0.5), log(KNOWN), Result.INCONCLUSIVE, "LOGS_NO_BEFORE", DataState.LOW),
        (log(KNOWN), log({}, minutes=0.5), Result.INCONCLUSIVE, "LOGS_SHORT", DataState.LOW),
    ],
)
def test_what_cannot_be_compared_is_neither_fine_nor_worse(
    before: Gathered | None, after: Gathered, result: Result, code: str, state: DataState
) -> None:
    (reading,) = judge_logs(before, after)
    assert (reading.result, reading.code, reading.state) == (result, code, state)


def test_what_was_gathered_comes_back_from_text_as_it_went() -> None:
    for one in (log(KNOWN), UNREAD, SILENT):
        assert Gathered.of_json(json.loads(json.dumps(one.as_json()))) == one
