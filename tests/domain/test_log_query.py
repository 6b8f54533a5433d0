"""What a person asks of a log is read as it is meant, or told what is wrong; the newest is kept."""

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.log_lines import Level, level_of
from bot.domain.log_query import MOST_TAIL, TAIL, Newest, Query, QueryError, read_query
from bot.domain.log_stream import LogBlock, LogLine


def line(text: str, number: int = 0, source: int = 0) -> LogLine:
    return LogLine(f"2026-11-24T05:00:00.{number:09}Z", source, level_of(text), text)


def block(lines: list[LogLine]) -> LogBlock:
    stamps, sources, levels, texts = zip(*lines, strict=True) if lines else ((),) * 4
    return LogBlock(sources[0] if sources else 0, list(stamps), list(levels), list(texts))


def query(**options: str | bool) -> Query:
    found = read_query(options, None)
    assert isinstance(found, Query), found
    return found


def kept(asked: Query, *texts: str) -> list[str]:
    return list(asked.select(block([line(text) for text in texts])).texts)


def test_without_options_the_last_lines_are_meant():
    asked = query()
    assert (asked.tail, asked.filters) == (TAIL, False)
    assert kept(asked, "a", "b") == ["a", "b"]


def test_since_alone_means_all_of_it_within_bounds():
    found = read_query({"since": "15m"}, timedelta(minutes=15))
    assert isinstance(found, Query)
    assert found.tail > TAIL
    assert not found.filters


def test_a_level_means_itself_and_what_is_worse():
    texts = ("level=info msg=a", "level=warn msg=b", "level=error msg=c", "level=fatal msg=d", "e")
    assert kept(query(level="warn"), *texts) == list(texts[1:4])
    assert kept(query(level="ERROR"), *texts) == list(texts[2:4])
    assert kept(query(level="aviso"), *texts) == list(texts[1:4])


def test_a_text_is_found_in_any_case_and_is_no_expression():
    assert kept(query(grep="a.c"), "xA.Cx", "abc") == ["xA.Cx"]


def test_between_slashes_it_is_an_expression():
    assert kept(query(grep="/status=5\\d\\d/"), "status=503", "status=200") == ["status=503"]
    assert kept(query(grep="/ERROR/"), "error") == []
    assert kept(query(grep="/ERROR/i"), "error") == ["error"]
    assert kept(query(grep="/ñ+$/"), "año ññ", "n") == ["año ññ"]


def test_fields_are_those_of_structured_lines():
    texts = (
        '{"level":"info","http":{"status":500},"user":"a"}',
        "level=info status=500 user=a",
        "status=500",
        '{"status":200}',
    )
    assert kept(query(json="status=500"), *texts) == [texts[1]]
    assert kept(query(json="http.status=500"), *texts) == [texts[0]]
    assert kept(query(json="user=a status=500"), *texts) == [texts[1]]
    assert kept(query(json="who=a=b"), "level=info who=a=b") == ["level=info who=a=b"]


def test_a_word_in_escapes_is_found_as_the_field_that_it_is():
    assert kept(query(json="city=Le\u00f3n"), '{"city":"Le\\u00f3n"}') == ['{"city":"Le\\u00f3n"}']


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"tail": "0"}, "tail"),
        ({"tail": "-5"}, "tail"),
        ({"tail": "+5"}, "tail"),
        ({"tail": str(MOST_TAIL + 1)}, "tail"),
        ({"level": "loud"}, "level"),
        ({"grep": "/(/"}, "pattern"),
        ({"grep": "/(?=a)b/"}, "pattern"),
        ({"grep": "/(a)\\1/"}, "pattern"),
        ({"grep": "/(a{1000}){1000}/"}, "pattern_large"),
        ({"grep": "/[a-z]{900}/"}, "pattern_large"),
        ({"grep": "/" + "a" * 300 + "/"}, "pattern_long"),
        ({"grep": "a" * 300}, "pattern_long"),
        ({"json": "status"}, "json"),
        ({"json": "=5"}, "json"),
        ({"json": "a=1 b=2 c=3 d=4 e=5 f=6"}, "json_many"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_word(options, code):
    found = read_query(options, None)
    assert isinstance(found, QueryError)
    assert found.code == code


@pytest.mark.parametrize("seconds", [0, 31 * 86_400])
def test_a_time_before_every_log_is_told(seconds):
    found = read_query({"since": "x"}, timedelta(seconds=seconds))
    assert isinstance(found, QueryError)
    assert found.code == "since"


@pytest.mark.parametrize(
    "pattern", ["(x+x+)+y", "(a|a)*b", "(.*)(.*)(.*)(.*)(.*)x", "([a-z]+)*$", "(a?){150}b"]
)
def test_an_expression_that_explodes_elsewhere_takes_no_time_here(pattern):
    asked = query(grep=f"/{pattern}/")
    started = time.perf_counter()
    kept(asked, "a" * 500_000 + "!", "x" * 500_000)
    assert time.perf_counter() - started < 5


def test_the_newest_of_several_logs_are_kept_by_time_and_all_are_counted():
    newest = Newest(3)
    newest.add(block([line("level=info msg=old", number) for number in range(50)]))
    newest.add(block([line("level=error msg=late", 100 + number, 1) for number in range(2)]))
    newest.add(block([line("level=info msg=older", 1, 2)]))
    assert [each.text for each in newest.lines()] == [
        "level=info msg=old",
        "level=error msg=late",
        "level=error msg=late",
    ]
    assert newest.levels == {Level.INFO: 51, Level.ERROR: 2}


@given(st.lists(st.lists(st.integers(0, 30), max_size=30), max_size=6), st.integers(1, 20))
def test_whatever_the_order_the_newest_are_those_of_sorting_all(logs, most):
    newest = Newest(most)
    everything = []
    for source, times in enumerate(logs):
        lines = [line(f"{source}", at, source) for at in sorted(times)]
        everything += lines
        newest.add(block(lines))
    expected = sorted(each.stamp for each in everything)[-most:]
    assert [each.stamp for each in newest.lines()] == expected
    assert newest.total == len(everything)


def test_what_is_held_is_bounded_by_what_is_asked_for():
    newest = Newest(100)
    for number in range(200):
        newest.add(block([line("x", number * 1_000 + each) for each in range(1_000)]))
        assert sum(map(len, newest._blocks)) <= 200
