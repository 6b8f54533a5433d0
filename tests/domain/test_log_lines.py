"""What a line says is found in the forms that services write, and no text is too strange."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.log_lines import (
    Level,
    continues,
    fields_of,
    level_of,
    levels_of,
    message_of,
    read,
    split_stamp,
    time_of,
)

LEVELS = [
    ('{"level":"info","msg":"listening"}', Level.INFO),
    ('{"msg":"x","level":"WARN"}', Level.WARN),
    ('{"level": "error", "msg": "no database"}', Level.ERROR),
    ('{"severity":"CRITICAL","message":"disk"}', Level.FATAL),
    ('{"level":50,"msg":"as pino writes"}', Level.ERROR),
    ('{"level":20,"msg":"as pino writes"}', Level.DEBUG),
    ('{"log":{"level":"warn"},"message":"as ECS writes"}', Level.WARN),
    ('{"ctx":{"level":"error"},"level":"info","msg":"the outer one counts"}', Level.INFO),
    ('{"msg":"she wrote \\"level\\":\\"error\\" into it","level":"info"}', Level.INFO),
    ('{"level":"loud","msg":"no level that is known"}', Level.UNKNOWN),
    ('{"msg":"failed","err":"refused"}', Level.ERROR),
    ('{"msg":"fine","error":null}', Level.UNKNOWN),
    ('{"level":"info","msg":"cut in the mid', Level.UNKNOWN),
    ('2026-11-24T05:00:00Z level=info msg="tick" version=1.4.0', Level.INFO),
    ("[error] no route", Level.ERROR),
    ("2026-11-24 05:00:00,123 - app - WARNING - slow query", Level.WARN),
    ("[ERROR] no route", Level.ERROR),
    ("ERROR: relation does not exist", Level.ERROR),
    ("I1124 05:00:00.000000       1 main.go:7] started", Level.INFO),
    ("E1124 05:00:00.000000       1 main.go:7] failed", Level.ERROR),
    ("TypeError: cannot read properties of undefined (reading 'id')", Level.ERROR),
    ("Error: DATABASE_URL is not set", Level.ERROR),
    ("java.lang.IllegalStateException: closed", Level.ERROR),
    ("Traceback (most recent call last):", Level.ERROR),
    ("panic: runtime error: index out of range", Level.FATAL),
    ("Listening on http://localhost:3000", Level.UNKNOWN),
    ("there was no error at all", Level.UNKNOWN),
    ("GET /errors/404 200 13ms", Level.UNKNOWN),
    ("", Level.UNKNOWN),
    ("{", Level.UNKNOWN),
    ("[]", Level.UNKNOWN),
]


@pytest.mark.parametrize(("line", "level"), LEVELS)
def test_the_level_is_what_the_line_says_of_itself(line, level):
    assert level_of(line) is level


MESSAGES = [
    ('{"level":"info","msg":"listening","port":8080}', "listening"),
    ('{"message":"a","event":"b"}', "a"),
    ('2026-11-24T05:00:00Z level=info msg="a \\"quoted\\" word" port=1', 'a "quoted" word'),
    ("2026-11-24T05:00:00.123Z ERROR no route", "no route"),
    ("[2026-11-24 05:00:00] [WARN] slow", "slow"),
    ("Error: DATABASE_URL is not set", "Error: DATABASE_URL is not set"),
    ("  at foo (bar.js:1)", "at foo (bar.js:1)"),
    ("x=1 is an equation", "x=1 is an equation"),
]


@pytest.mark.parametrize(("line", "message"), MESSAGES)
def test_the_message_is_without_time_level_and_fields(line, message):
    assert message_of(line) == message


def test_fields_are_text_and_nested_ones_have_a_path():
    line = '{"level":"info","msg":"x","http":{"status":500,"ok":false},"tags":["a"],"n":null}'
    assert fields_of(line) == {
        "level": "info",
        "msg": "x",
        "http.status": "500",
        "http.ok": "false",
        "tags": '["a"]',
        "n": "null",
    }
    assert read(line).fields.keys() == {"http.status", "http.ok", "tags", "n"}
    assert fields_of("level=warn msg=slow ms=912 path=/tasks?x=1") == {
        "level": "warn",
        "msg": "slow",
        "ms": "912",
        "path": "/tasks?x=1",
    }
    assert fields_of("only words") == {}


def test_a_stack_belongs_to_the_line_before_it():
    assert continues("    at Object.<anonymous> (/app/index.js:1:7)")
    assert continues("Caused by: java.io.IOException")
    assert not continues("listening")


@pytest.mark.parametrize(
    ("line", "stamp", "text"),
    [
        ("2026-11-24T05:00:00.123456789Z hello", "2026-11-24T05:00:00.123456789Z", "hello"),
        ("2026-11-24T05:00:00.1Z hello", "2026-11-24T05:00:00.100000000Z", "hello"),
        ("2026-11-24T05:00:00Z hello", "2026-11-24T05:00:00.000000000Z", "hello"),
        ("2026-11-24T07:00:00.5+02:00 a", "2026-11-24T05:00:00.500000000Z", "a"),
        ("2026-11-24T05:00:00.123456789Z ", "2026-11-24T05:00:00.123456789Z", ""),
        ("no time here", "", "no time here"),
    ],
)
def test_the_servers_time_is_taken_off_and_sorts_as_text(line, stamp, text):
    assert split_stamp(line) == (stamp, text)
    if stamp:
        moment = time_of(stamp)
        assert moment is not None
        assert moment.isoformat().startswith(stamp[:19])


@given(st.text(max_size=300))
def test_no_line_is_too_strange(text):
    read(text)
    level_of(text)
    fields_of(text)
    split_stamp(text)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20) | st.integers(), max_size=6))
def test_the_short_way_to_a_level_says_what_reading_the_whole_says(whole):
    for level in ("info", "error", "loud"):
        line = json.dumps({**whole, "level": level}, separators=(",", ":"))
        expected = {"info": Level.INFO, "error": Level.ERROR}.get(level)
        if expected is not None and "severity" not in whole:
            assert level_of(line) is expected


_SHAPES = st.sampled_from(
    [
        '{{"level":"{}","msg":"x"}}',
        '{{"time":"1","level":"{}","msg":"level=info "}}',
        '{{"a":{{"level":"{}"}},"level":"warn"}}',
        '{{"level":"{}","level":"fatal"}}',
        '{{"level":"{}"',
        "level={} msg=x",
        "t=1 level={}",
        "t=1 xlevel={} level=warn",
        "{} plain words",
        "[{}] x",
        "  level={} x",
    ]
)
_SAID = st.sampled_from(
    ["info", "error", "warn", "debug", "errors", "WARN", "fatal", "nothing", ""]
)


@given(st.lists(st.tuples(_SHAPES, _SAID), max_size=30))
def test_the_levels_of_many_lines_are_those_of_each(written):
    lines = [shape.format(said) for shape, said in written]
    expected, before = [], Level.UNKNOWN
    for line in lines:
        level = level_of(line)
        if level is Level.UNKNOWN and continues(line):
            level = before
        before = level
        expected.append(level)
    assert levels_of(lines) == expected


@pytest.mark.parametrize(
    "line", ["{" * 500_000, '{"a":' * 200_000, 'a="' * 300_000, "level=" * 150_000, "[" * 10**6]
)
def test_a_line_of_a_megabyte_takes_no_longer_than_its_length(line):
    started = time.perf_counter()
    read(line)
    assert time.perf_counter() - started < 2
