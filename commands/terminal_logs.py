"""`logs` from a terminal: every line of the answer, or each as it comes, and no message in Slack.

The same words, rights, filters and masks as there. A log that is followed ends as a live message
does: by its time, when nothing comes, when no pod is left; and with whoever listens.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Final

from bot.cards.card import Card
from bot.cards.logs import found_card, log_row, over_card, silent_card
from bot.cards.terminal import as_text, lines_of_logs
from bot.domain.log_answer import JOINED, LEFT, End
from bot.domain.log_query import Query
from bot.domain.log_sources import NoSources
from bot.domain.log_stream import LogLine
from bot.domain.outcome import Outcome, TerminalLine
from bot.workflows.log_reading import LogPlace
from commands.asked import Asked
from commands.logs import desk_of, no_room_card, none_card, wanted
from commands.terminal_steps import LOOK, Step, Waiting, sentence

_AT_ONCE: Final = 500  # lines of one step
_GATHERING: Final = 0.25  # seconds in which lines of several pods are put in order


async def tell_logs(asked: Asked, line: TerminalLine) -> AsyncGenerator[Step, None]:
    """Raises PortError before anything was told."""
    query = await wanted(asked)
    if isinstance(query, Card):
        outcome = Outcome.NO_RIGHTS if query.denied else Outcome.USAGE
        yield Step(as_text(query), outcome=outcome)
        return
    place = LogPlace.of(asked.place.service, asked.place.environment)
    follows = "follow" in asked.invocation.options and line.follows
    steps = _follow(asked, place, query, line) if follows else _read(asked, place, query, line)
    async for step in steps:
        yield step


async def _read(
    asked: Asked, place: LogPlace, query: Query, line: TerminalLine
) -> AsyncGenerator[Step, None]:
    answer = await desk_of(asked).read(place, query)
    if isinstance(answer, NoSources):
        yield _nothing(asked, answer)
        return
    for step in _steps(answer.lines, answer.names, asked, line):
        yield step
    yield Step(as_text(found_card(answer, asked.texts)), outcome=Outcome.SUCCEEDED)


async def _follow(
    asked: Asked, place: LogPlace, query: Query, line: TerminalLine
) -> AsyncGenerator[Step, None]:
    desk, texts = desk_of(asked), asked.texts
    refused = desk.room(asked.actor.id)
    if refused is not None:
        yield Step(as_text(no_room_card(asked, refused)), outcome=Outcome.REFUSED)
        return
    none = await desk.unreadable(place, query)
    if none is not None:
        yield _nothing(asked, none)
        return
    waiting = Waiting(line.seconds)
    with desk.listening(place, query, asked.actor.id) as heard:
        seen, silent = 0, ""
        while True:
            ended = heard.ended
            view = heard.follower.view
            seen, missed, lines = heard.follower.since(seen)
            if missed:
                yield Step(sentence(texts, "terminal.lines_missed", count=missed), whole=False)
            for step in _steps(sorted(lines, key=lambda each: each.stamp), view.names, asked, line):
                yield step
                waiting.spoke()
            told = as_text(silent_card(view.silent, texts)) if view.silent else ""
            if told and told != silent:
                yield Step(told, whole=False)
                silent = told
            if ended:
                outcome = Outcome.TROUBLE if view.ended is End.REFUSED else Outcome.SUCCEEDED
                yield Step(as_text(over_card(view, texts)), outcome=outcome)
                return
            if waiting.over:
                said = sentence(texts, "terminal.timeout_logs")
                yield Step(said, outcome=Outcome.TIMEOUT)
                return
            if waiting.silent:
                yield Step()
                waiting.spoke()
            if await heard.news(LOOK):
                await asyncio.sleep(_GATHERING)


def _steps(
    lines: Sequence[LogLine], names: Sequence[str], asked: Asked, line: TerminalLine
) -> Iterator[Step]:
    for start in range(0, len(lines), _AT_ONCE):
        some = lines[start : start + _AT_ONCE]
        if line.as_json:
            yield Step(whole=False, lines=[_record(each, names) for each in some])
            continue
        rows = [log_row(each, names, asked.texts) for each in some]
        yield Step(lines_of_logs(rows), whole=False)


_EVENTS: Final = {JOINED: "joined", LEFT: "left"}


def _record(line: LogLine, names: Sequence[str]) -> Mapping[str, str]:
    if line.source in _EVENTS:
        return {"time": line.stamp, "pod": line.text, "event": _EVENTS[line.source]}
    return {
        "time": line.stamp,
        "pod": names[line.source],
        "level": line.level.value,
        "text": line.text,
    }


def _nothing(asked: Asked, none: NoSources) -> Step:
    return Step(as_text(none_card(asked, none)), outcome=Outcome.REFUSED)
