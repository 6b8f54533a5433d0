"""Logs in Slack: an answer in place or with a file in its thread, and the message that is live.

Lines stand in preformatted text, in which Slack reads nothing: no mention, no link, no fence. They
come redacted; nothing here makes them longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from bot.cards import buttons, signs
from bot.cards.blocks import (
    PREFORMATTED_LINE,
    PREFORMATTED_LINES,
    Part,
    actions,
    button,
    context,
    fit,
    header,
    preformatted,
    section,
)
from bot.cards.card import Block, Card
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    moment,
    say,
    say_plain,
    size,
    user,
)
from bot.cards.pointer import SUMMARY
from bot.domain.log_answer import (
    JOINED,
    LEFT,
    End,
    FollowView,
    LogAnswer,
    as_file,
    first_error,
    shown,
)
from bot.domain.log_lines import Level
from bot.domain.log_query import QueryError
from bot.domain.log_sources import NoSources, Silent
from bot.domain.log_stream import LogLine
from bot.text import Texts

SHORT: Final = PREFORMATTED_LINES
"""Lines that are answered in place."""
_LIVE: Final = 12
"""Lines of a live message: with its head and its buttons it is one screen, long lines folded."""
_SOME: Final = 12
"""Lines that a message shows whose file has them all."""
_ROOM: Final = 2_800
"""Characters of a preformatted block; Slack takes 3,000 of a text."""
_SILENT: Final = 6
_NAMES: Final = 12
_FILE: Final = 990_000
"""Characters of a file, below what the messenger sends of one."""

_SIGNS: Final = {
    Level.FATAL: signs.BAD,
    Level.ERROR: signs.BAD,
    Level.WARN: signs.WARNING,
}
_ORDER: Final = (Level.FATAL, Level.ERROR, Level.WARN, Level.INFO, Level.DEBUG, Level.UNKNOWN)


def is_long(answer: LogAnswer) -> bool:
    """Whether it is more than a message shows whole."""
    if len(answer.lines) > SHORT:
        return True
    texts = [shown(line, answer.names) for line in answer.lines]
    wide = any(size(text) > PREFORMATTED_LINE for text in texts)
    return wide or sum(size(text) + 1 for text in texts) > _ROOM


def log_card(
    answer: LogAnswer, *, service: str, environment_title: str, line: str, texts: Texts
) -> Card:
    """A long answer shows its newest lines and says that the thread has the rest, which
    `log_file_card` is."""
    long = is_long(answer)
    parts = [Part(header(_title(service, environment_title, texts)))]
    parts.append(Part(section(_found(answer, texts))))
    parts += _silent_parts(answer.silent, texts)
    if answer.lines:
        last = _SOME if long else SHORT
        parts.append(Part(preformatted(_fitting(answer.lines[-last:], answer.names, texts))))
    if long:
        parts.append(Part(context(say(texts, "logs.in_thread", count=len(answer.lines)))))
    parts.append(Part(context(*_foot(answer.names, answer.others, line, texts)), spare=1))
    row = _next_lines(answer, line, texts)
    if row:
        parts.append(Part(actions(*row)))
    summary = join(
        [
            say(texts, "logs.text", service=service, environment=environment_title),
            _counts(answer.levels, texts) or say(texts, "logs.nothing"),
        ],
        ": ",
    )
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def found_card(answer: LogAnswer, texts: Texts) -> Card:
    """What an answer came to, for a reader who has its lines already."""
    others = say(texts, "logs.others", containers=", ".join(answer.others))
    parts = [Part(section(_found(answer, texts))), *_silent_parts(answer.silent, texts)]
    parts += [Part(context(others))] if answer.others else []
    return fit(say(texts, "logs.utc"), parts, shortened=say(texts, "common.shortened_here"))


def log_row(line: LogLine, names: Sequence[str], texts: Texts) -> str:
    """One line as all answers show it; or which pod came or went."""
    if line.source in (JOINED, LEFT):
        key = "logs.joined" if line.source == JOINED else "logs.left"
        return f"{line.stamp[11:19]} · {texts(key, pod=line.text)}"
    return shown(line, names)


def log_file_name(service: str, environment: str, at: datetime) -> str:
    """What a file of logs is called among others that were downloaded. `at` is shown in UTC."""
    return f"{service}-{environment}-{at.astimezone(UTC):%Y%m%d-%H%M%S}.log"


def log_file_card(answer: LogAnswer, *, file: str, texts: Texts) -> Card:
    """The reply in the thread: the first error, and the lines as a file (`full`)."""
    return _file_card(answer.lines, answer.names, file, texts)


def follow_file_card(view: FollowView, *, file: str, texts: Texts) -> Card:
    """As `log_file_card`, of what a live view has seen so far."""
    return _file_card(view.lines, view.names, file, texts)


def _file_card(lines: Sequence[LogLine], names: Sequence[str], file: str, texts: Texts) -> Card:
    error = first_error(lines)
    count = sum(line.source >= 0 for line in lines)
    told = say(texts, "logs.file", count=count)
    parts = [Part(section(told))]
    if error:
        parts.append(Part(section(Mrkdwn(f"{signs.BAD} {say(texts, 'logs.first_error')}"))))
        parts.append(Part(preformatted(_fitting(error, names, texts, first=True))))
    elif count:
        parts.append(Part(context(say(texts, "logs.no_error"))))
    card = fit(told, parts, shortened=say(texts, "common.shortened_here"))
    return Card(card.text, card.blocks, full=as_file(lines, names, _FILE), file=file)


def follow_card(
    view: FollowView,
    *,
    id_: str,
    service: str,
    environment_title: str,
    started_by: str,
    line: str,
    texts: Texts,
) -> Card:
    """The one message that is live, and what is left of it when it has ended."""
    title = _title(service, environment_title, texts)
    state = texts("logs.live" if view.ended is None else "logs.over")
    parts = [Part(header(f"{title} · {state}"))]
    if view.ended is None:
        told = _live(view, texts)
    else:
        told = Mrkdwn(f"{signs.STOPPED} {_ended(view, texts)}")
    counts = _counts(view.levels, texts)
    parts.append(Part(section(Mrkdwn("\n".join(piece for piece in (told, counts) if piece)))))
    parts += _silent_parts(view.silent, texts)
    if view.lines:
        parts.append(Part(preformatted(_fitting(view.lines[-_LIVE:], view.names, texts))))
    by = say(texts, "logs.started_by", who=user(started_by))
    parts.append(Part(context(by, *_foot(view.pods, (), line, texts)), spare=1))
    row = _follow_row(view, id_, line, texts)
    if row:
        parts.append(Part(actions(*row)))
    key = "logs.text_live" if view.ended is None else "logs.text_over"
    summary = say(texts, key, service=service, environment=environment_title)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def over_card(view: FollowView, texts: Texts) -> Card:
    """Why a live log has ended and what it came to, for a reader who has its lines already."""
    told = Mrkdwn(f"{signs.STOPPED} {_ended(view, texts)}")
    said = Mrkdwn("\n".join(piece for piece in (told, _counts(view.levels, texts)) if piece))
    return fit(told, [Part(section(said))], shortened=say(texts, "common.shortened_here"))


def silent_card(silent: Sequence[Silent], texts: Texts) -> Card:
    """Which containers say nothing, and why."""
    parts = _silent_parts(silent, texts)
    return fit(say(texts, "logs.utc"), parts, shortened=say(texts, "common.shortened_here"))


def no_logs_card(none: NoSources, *, service: str, environment_title: str, texts: Texts) -> Card:
    """Nothing could be read, and why."""
    names = {"service": service, "environment": environment_title}
    said = say(texts, f"logs.none.{none.code}", **{**none.values, **names})
    return _notice(said, signs.POINTER, texts)


def query_error_card(error: QueryError, texts: Texts) -> Card:
    """An option that cannot be meant."""
    values: dict[str, object] = dict(error.values)
    if "pattern" in values:
        values["pattern"] = code(f"/{values['pattern']}/")
    return _notice(say(texts, f"logs.error.{error.code}", **values), signs.QUESTION, texts)


def logs_notice_card(
    texts: Texts, key: str, sign: str = signs.POINTER, *, denied: bool = False, **values: object
) -> Card:
    """One sentence of `[logs.notice]`."""
    card = _notice(say(texts, f"logs.notice.{key}", **values), sign, texts)
    return replace(card, denied=denied)


def _notice(said: Mrkdwn, sign: str, texts: Texts) -> Card:
    line = Mrkdwn(f"{sign} {said}")
    shortened = say(texts, "common.shortened_here")
    summary = cut_mrkdwn(said, SUMMARY)
    return fit(summary, [Part(section(line, limit=1_500))], shortened=shortened)


# --- pieces --------------------------------------------------------------------------------------


def _title(service: str, environment_title: str, texts: Texts) -> str:
    return say_plain(texts, "logs.title", 140, service=service, environment=environment_title)


def _found(answer: LogAnswer, texts: Texts) -> Mrkdwn:
    """Counts by level, and how much of what was found is shown."""
    if not answer.total:
        key = "logs.cut_empty" if answer.cut else "logs.nothing"
        return say(texts, key)
    pieces = [_counts(answer.levels, texts)]
    if answer.total > len(answer.lines):
        pieces.append(
            say(texts, "logs.newest_of", shown=len(answer.lines), total=f"{answer.total:,}")
        )
    if answer.since is not None:
        pieces.append(say(texts, "logs.since", when=moment(answer.since, "date")))
    found = join(pieces)
    if answer.cut:
        found = Mrkdwn(f"{found}\n{signs.WARNING} {say(texts, 'logs.cut')}")
    return found


def _counts(levels: object, texts: Texts) -> Mrkdwn:
    """ "❌ 3 errors · ⚠️ 2 warnings · 812 of other levels"."""
    counted = dict(levels) if isinstance(levels, dict) else {}
    pieces = []
    for level in _ORDER:
        count = counted.get(level, 0)
        if count:
            said = say(texts, f"logs.count.{level}", count=count)
            pieces.append(Mrkdwn(f"{_SIGNS.get(level, '')} {said}".lstrip()))
    return join(pieces)


def _silent_parts(silent: Sequence[Silent], texts: Texts) -> list[Part]:
    """Which containers said nothing, and why; those that say the same are one line."""
    if not silent:
        return []
    lines = [
        Mrkdwn(f"{signs.WARNING} {say(texts, f'logs.silent.{each.code}', **each.values)}")
        for each in silent
    ]
    told = list(dict.fromkeys(lines))
    more = len(told) - _SILENT
    if more > 0:
        told = [*told[:_SILENT], say(texts, "logs.silent_more", count=more)]
    return [Part(section(join(told, "\n"), limit=2_000))]


def _fitting(
    lines: Sequence[LogLine], names: Sequence[str], texts: Texts, *, first: bool = False
) -> list[str]:
    """As many whole lines as a block has room for: the last of them, or the `first`."""
    kept: list[str] = []
    room = _ROOM
    for line in lines if first else reversed(lines):
        text = log_row(line, names, texts)
        room -= min(size(text), PREFORMATTED_LINE) + 1
        if room < 0 and kept:
            break
        kept.append(text)
    return kept if first else kept[::-1]


def _foot(names: Sequence[str], others: Sequence[str], line: str, texts: Texts) -> list[Mrkdwn]:
    some = [escape(name, 60) for name in names[:_NAMES]]
    listed = join([*some, Mrkdwn("…")] if len(names) > _NAMES else some, ", ")
    return [
        say(texts, "logs.pods", count=len(names), pods=listed) if names else Mrkdwn(""),
        say(texts, "logs.others", containers=", ".join(others)) if others else Mrkdwn(""),
        say(texts, "logs.utc"),
        code(buttons.typed(line), 300),
    ]


def _next_lines(answer: LogAnswer, line: str, texts: Texts) -> list[Block]:
    """What is mostly typed next: the same live, and only its errors."""
    row: list[Block | None] = []
    if "--previous" not in line and "--follow" not in line:
        row.append(buttons.run(f"{_without_since(line)} --follow", texts("button.logs.follow")))
    errors = answer.levels.get(Level.ERROR, 0) + answer.levels.get(Level.FATAL, 0)
    if errors and "--level" not in line:
        errors_only = " ".join((line, "--level", Level.ERROR))
        row.append(buttons.run(errors_only, texts("button.logs.errors"), place=2))
    return [each for each in row if each is not None]


def _without_since(line: str) -> str:
    """A live view begins now."""
    words = line.split(" ")
    for option in ("--since", "--tail"):
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    return " ".join(words)


def _live(view: FollowView, texts: Texts) -> Mrkdwn:
    if view.obstacle:
        return Mrkdwn(f"{signs.WARNING} {say(texts, 'logs.obstacle')}")
    key = "logs.live_line" if view.total else "logs.live_waiting"
    until = moment(view.until) if view.until is not None else ""
    return Mrkdwn(f"{signs.BUSY} {say(texts, key, until=until)}")


def _ended(view: FollowView, texts: Texts) -> Mrkdwn:
    by = user(view.by) if view.by else Mrkdwn("")
    return say(texts, f"logs.ended.{view.ended}", by=by, message=view.message)


def _follow_row(view: FollowView, id_: str, line: str, texts: Texts) -> list[Block]:
    row: list[Block | None] = []
    if view.ended is None:
        row.append(button(texts("button.logs.stop"), f"{buttons.PREFIX}:stop-logs", id_))
    else:
        row.append(buttons.run(line, texts("button.logs.again")))
    if view.total and view.ended is not End.RESTARTED:
        row.append(button(texts("button.logs.download"), f"{buttons.PREFIX}:download-logs", id_))
    return [each for each in row if each is not None]
