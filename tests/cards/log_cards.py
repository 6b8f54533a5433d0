"""Logs to make cards of: short and long, live and ended, with lines that would like to be more."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cards.card import Card
from bot.cards.logs import (
    follow_card,
    log_card,
    log_file_card,
    logs_notice_card,
    no_logs_card,
    query_error_card,
)
from bot.domain.log_answer import JOINED, LEFT, End, FollowView, LogAnswer
from bot.domain.log_lines import Level, level_of
from bot.domain.log_query import QueryError
from bot.domain.log_sources import NoSources, Silent
from bot.domain.log_stream import LogLine
from bot.text import Texts

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FILE = "tasks-service-qa-20261124-120000.log"
NAMES = ("x2k9p", "q7w4z")

SAID = (
    '{"level":"info","msg":"request","method":"GET","path":"/tasks","status":200,"ms":12}',
    'level=warn msg="slow query" ms=912 rows=31',
    "Listening on http://localhost:3000",
    "*bold* <!channel> <https://evil.example|click> ```fence``` @here",
    'level=error msg="request failed" error="relation \\"tasks\\" does not exist"',
    "TypeError: cannot read properties of undefined (reading 'id')",
    "    at list (/app/tasks.js:31:9)",
)


def lines(number: int) -> tuple[LogLine, ...]:
    found = []
    for index in range(number):
        text = SAID[index % len(SAID)]
        level = Level.ERROR if text.startswith(" ") else level_of(text)
        stamp = f"2026-11-24T12:{index // 60:02}:{index % 60:02}.000000000Z"
        found.append(LogLine(stamp, index % 7 // 4, level, text))
    return tuple(found)


def answer(number: int, **more: Any) -> LogAnswer:
    said = lines(number)
    levels = {level: sum(line.level is level for line in said) for level in Level}
    given: dict[str, Any] = {"lines": said, "levels": levels, "total": number, "names": NAMES}
    return LogAnswer(**{**given, **more})


NOTES = (
    Silent("never_started", {"pod": "b5c6d", "container": "app", "reason": "ImagePullBackOff",
                             "message": "not found: 1.9.9 <!here>"}),
    Silent("gone", {"pod": "k2l3m", "container": "app"}),
    Silent("no_previous", {"pod": "k2l3m", "container": "app"}),
    Silent("refused", {"pod": "k2l3m", "container": "app", "message": "is waiting to start"}),
    Silent("unread", {"pod": "z9x8c", "message": "connection refused"}),
)  # fmt: skip


def _answer(number: int, **more: Any) -> Callable[[Texts], Card]:
    return lambda texts: log_card(
        answer(number, **more),
        service="tasks-service",
        environment_title="QA",
        line="logs tasks-service qa",
        texts=texts,
    )


def _live(**view: Any) -> Callable[[Texts], Card]:
    said = lines(30)
    marks = (
        LogLine("2026-11-24T12:00:31.000000000Z", JOINED, Level.UNKNOWN, "n3w0n"),
        LogLine("2026-11-24T12:00:32.000000000Z", LEFT, Level.UNKNOWN, "q7w4z"),
    )
    given: dict[str, Any] = {
        "lines": (*said, *marks),
        "levels": {Level.ERROR: 4, Level.INFO: 20, Level.UNKNOWN: 6},
        "total": 30,
        "names": NAMES,
        "pods": NAMES,
        "until": AT,
    }
    return lambda texts: follow_card(
        FollowView(**{**given, **view}),
        id_="ab12cd34ef56",
        service="tasks-service",
        environment_title="QA",
        started_by="U0BEN00000",
        line="logs tasks-service qa --follow",
        texts=texts,
    )


def _none(code: str, **values: str) -> Callable[[Texts], Card]:
    return lambda texts: no_logs_card(
        NoSources(code, values), service="tasks-service", environment_title="QA", texts=texts
    )


def _wrong(code: str, **values: str | int) -> Callable[[Texts], Card]:
    return lambda texts: query_error_card(QueryError(code, values), texts)


LOG_CARDS: Mapping[str, Callable[[Texts], Card]] = {
    "logs-short": _answer(7),
    "logs-one": _answer(1),
    "logs-nothing": _answer(0),
    "logs-notes": _answer(2, silent=NOTES, others=("istio-proxy",)),
    "logs-cut": _answer(3, cut=True, since=AT, total=9_000),
    "logs-cut-empty": _answer(0, cut=True),
    "logs-long": _answer(120, total=5_312, since=AT),
    "logs-file": lambda texts: log_file_card(answer(120), file=FILE, texts=texts),
    "logs-file-calm": lambda texts: log_file_card(answer(1), file=FILE, texts=texts),
    "logs-live": _live(),
    "logs-live-waiting": _live(lines=(), levels={}, total=0),
    "logs-live-obstacle": _live(obstacle=True, silent=NOTES[:1]),
    **{f"logs-ended-{end.lower()}": _live(ended=end, by="U0ELENA000", message="pods/log <!here>")
       for end in End},
    "logs-none-not-deployed": _none("not_deployed"),
    "logs-none-zero": _none("scaled_to_zero"),
    "logs-none-pods": _none("no_pods"),
    "logs-none-such-pod": _none("no_such_pod", word="<!here>", pods="tasks-service-a-b"),
    "logs-none-such-container": _none("no_such_container", word="nginx", containers="app"),
    "logs-wrong-since": _wrong("since", word="99999d", most=30),
    "logs-wrong-tail": _wrong("tail", word="-5", most=10_000),
    "logs-wrong-level": _wrong("level", word="loud", choices="debug, info"),
    "logs-wrong-pattern": _wrong("pattern", pattern="(", message="missing )"),
    "logs-wrong-pattern-large": _wrong("pattern_large", pattern="(a*b+)*"),
    "logs-wrong-pattern-long": _wrong("pattern_long", most=200),
    "logs-wrong-json": _wrong("json", word="status"),
    "logs-wrong-json-many": _wrong("json_many", most=5),
    "logs-wrong-previous": _wrong("previous_follow"),
    "logs-no-role": lambda texts: logs_notice_card(texts, "no_role"),
    "logs-too-many": lambda texts: logs_notice_card(texts, "too_many", count=100),
}  # fmt: skip
