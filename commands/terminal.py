"""A line that was typed in a terminal: the same parser, gates and verbs as in Slack.

What comes back are steps: cards, as they change, and at the end what it came to. What a verb asks
before it acts is answered by `--yes`, which presses the button of that question as the same name,
with everything that a press is asked. `bot/adapters/terminal_endpoint.py` carries the steps to
`bot/do.py`.
"""

import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.cards import signs
from bot.cards.blocks import shown_texts
from bot.cards.buttons import split_value, verb_of
from bot.cards.card import Card
from bot.cards.terminal import as_text
from bot.cards.trouble import trouble_card
from bot.cards.usage import usage_card
from bot.domain.audit import Surface
from bot.domain.build import Build
from bot.domain.outcome import Outcome, TerminalLine
from bot.domain.rollout import Actor, Rollout
from bot.errors import PortError
from bot.text import Texts
from bot.workflows.edges import Edges
from commands import config, rollback, scale
from commands.asked import Asked
from commands.command import Invocation, UsageError
from commands.parser import parse
from commands.pressing import Click, Press, gathered, gone
from commands.requesting import Pressed, pressed_value
from commands.router import AGAIN, RUN
from commands.terminal_following import follow_build, follow_rollout, rollout_of
from commands.terminal_logs import tell_logs
from commands.terminal_steps import Step, Waiting, sentence
from commands.vocabulary import LOGS, VERBS

log = logging.getLogger(__name__)

_CHANGING: Final = frozenset(
    {"deploy", "build", "promote", "approve", "reject", "rollback", "scale", "cancel"}
    | {"lock", "unlock", "config"}
)
_DONE: Final = (signs.OK, signs.LOCKED, signs.UNLOCKED)


async def _override(asked: Asked, click: Click) -> Card | None:
    made_for, carry = pressed_value(click.value), AGAIN.get(asked.invocation.command)
    if made_for is None or carry is None:
        return gone(asked)
    return await carry(asked, Pressed(made_for[0], confirmed=True))


_CONFIRMING: Final[Mapping[str, Press]] = {
    verb: press
    for verb, press in gathered((config, rollback, scale), "PRESSES").items()
    if verb in ("configure", "rollback-confirmed", "scale-confirmed")
} | {"override": _override}
"""Buttons that are the yes to a verb's own question. All others decide something else."""


@dataclass(slots=True)
class _Seen:
    """What the line began, or asked for again."""

    rollout: Rollout | None = None
    build: Build | None = None

    def take(self, rollout: Rollout) -> None:
        self.rollout = rollout

    def take_build(self, build: Build) -> None:
        self.build = build

    @property
    def nothing(self) -> bool:
        return self.rollout is None and self.build is None


@dataclass(frozen=True, slots=True)
class _Answer:
    """`trouble`: it is one because something did not answer, or of a bug."""

    card: Card | None
    trouble: bool = False


class Terminal:
    def __init__(self, edges: Edges, wake: Callable[[Rollout], None]) -> None:
        self._edges = edges
        self._wake = wake

    async def do(self, name: str, line: TerminalLine) -> AsyncGenerator[Step, None]:
        """Carry out a line for this token's name and tell of it to its end."""
        texts = Texts.of(line.language)
        read = parse(line.text, self._edges.catalog, VERBS)
        if isinstance(read, UsageError):
            verb = next((verb for verb in VERBS if verb.name == read.command), None)
            yield Step(as_text(usage_card(read, verb=verb, texts=texts)), outcome=Outcome.USAGE)
            return
        seen = _Seen()
        asked = self._asked(name, read, texts, seen)
        if read.command == LOGS.name:
            async for step in self._logs(asked, line):
                yield step
            return
        answer = await self._met(asked, line, RUN[read.command](asked))
        question = _question_in(answer.card)
        if question is not None and answer.card is not None:
            if not line.yes:
                press = sentence(texts, "terminal.confirm", button=question.label)
                said = f"{as_text(answer.card)}\n{press}"
                yield Step(said, outcome=Outcome.UNCONFIRMED)
                return
            yield Step(as_text(answer.card))
            answer = await self._met(asked, line, question.press(asked, question.click))
            if _question_in(answer.card) is not None and answer.card is not None:
                changed = sentence(texts, "terminal.changed")
                yield Step(f"{as_text(answer.card)}\n{changed}", outcome=Outcome.UNCONFIRMED)
                return
        if seen.nothing:
            yield _answered(answer, read, texts)
            return
        if answer.card is not None:
            yield Step(as_text(answer.card))
        async for step in self._followed(asked, line, seen):
            yield step

    async def _logs(self, asked: Asked, line: TerminalLine) -> AsyncGenerator[Step, None]:
        try:
            async for step in tell_logs(asked, line):
                yield step
        except PortError as error:
            yield Step(as_text(self._told(error, asked, line)), outcome=Outcome.TROUBLE)

    async def _followed(
        self, asked: Asked, line: TerminalLine, seen: _Seen
    ) -> AsyncGenerator[Step, None]:
        texts, edges = asked.texts, self._edges
        if not line.follows:
            begun = sentence(texts, "terminal.begun")
            yield Step(begun, outcome=Outcome.BEGUN, rollout=seen.rollout, build=seen.build)
            return
        waiting, rollout = Waiting(line.seconds), seen.rollout
        if rollout is None:
            assert seen.build is not None
            build = seen.build
            async for step in follow_build(build, waiting, texts, edges):
                yield step
                build = step.build or build
                if step.outcome is not None:
                    return
            rollout = await rollout_of(build, str(asked.invocation.environment), edges)
        if rollout is None:  # its request was refused: asking again says why
            again = await self._met(asked, line, RUN[asked.invocation.command](asked))
            rollout = seen.rollout
            if rollout is None:
                yield _answered(again, asked.invocation, texts)
                return
        async for step in follow_rollout(rollout, asked.invocation.command, waiting, texts, edges):
            yield step

    def _asked(self, name: str, read: Invocation, texts: Texts, seen: _Seen) -> Asked:
        def wake(rollout: Rollout) -> None:
            seen.take(rollout)
            self._wake(rollout)

        return Asked(
            read,
            Actor(name, texts.language),
            "",
            self._edges,
            texts,
            wake,
            Surface.TERMINAL,
            underway=seen.take,
            building=seen.take_build,
        )

    async def _met(self, asked: Asked, line: TerminalLine, work: Awaitable[Card | None]) -> _Answer:
        try:
            return _Answer(await work)
        except Exception as error:  # noqa: BLE001 - told with the id it is logged under
            return _Answer(self._told(error, asked, line), trouble=True)

    def _told(self, error: Exception, asked: Asked, line: TerminalLine) -> Card:
        error_id, verb = secrets.token_hex(4), asked.invocation.command
        met = error if isinstance(error, PortError) else None
        if met is not None:
            log.warning("error %s: %r from a terminal: %s", error_id, verb, met)
        else:
            log.error("error %s: %r from a terminal met a bug", error_id, verb, exc_info=error)
        return trouble_card(met, error_id=error_id, line=line.text, texts=asked.texts)


@dataclass(frozen=True, slots=True)
class _Question:
    """A button that is the yes to what a card asks."""

    label: str
    press: Press
    click: Click


def _question_in(card: Card | None) -> _Question | None:
    rows = [block for block in card.blocks if block.get("type") == "actions"] if card else []
    for element in (each for row in rows for each in row["elements"]):
        verb, value = verb_of(str(element.get("action_id", ""))), str(element.get("value", ""))
        press = _CONFIRMING.get(verb)
        if press is not None:
            click = Click(verb, value, split_value(value))
            return _Question(str(element["text"]["text"]), press, click)
    return None


def _answered(answer: _Answer, read: Invocation, texts: Texts) -> Step:
    """What a card says that nothing follows. A verb that changes something has done so only where
    its answer begins with a sign of that: a script must never take a question for a yes."""
    card = answer.card
    if card is None:
        return Step(sentence(texts, "terminal.begun"), outcome=Outcome.BEGUN)
    text = as_text(card)
    if answer.trouble:
        return Step(text, outcome=Outcome.TROUBLE)
    if card.denied:
        return Step(text, outcome=Outcome.NO_RIGHTS)
    if read.command not in _CHANGING:
        return Step(text, outcome=Outcome.SUCCEEDED)
    begins = next(iter(shown_texts(list(card.blocks))), "")
    if begins.startswith(_DONE):
        return Step(text, outcome=Outcome.SUCCEEDED)
    if read.command == config.COMMAND.name and begins.startswith(signs.WARNING):
        # It is applied, and the pods were not restarted with it.
        return Step(text, outcome=Outcome.FAILED)
    if begins.startswith(signs.QUESTION):
        text = f"{text}\n{sentence(texts, 'terminal.press')}"
    return Step(text, outcome=Outcome.REFUSED)
