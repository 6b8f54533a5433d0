"""A line that was typed in a terminal: the same parser, gates and verbs as in Slack.

What comes back are steps: cards, as they change, and at the end what it came to. A rollout is
followed by looking at the store, which is what its card in the channel is made of, too; whoever
stops listening stops nothing. `bot/adapters/terminal_endpoint.py` carries the steps to `bot/do.py`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.cards import signs
from bot.cards.blocks import section, shown_texts
from bot.cards.card import Card
from bot.cards.details import ended_card
from bot.cards.mrkdwn import say
from bot.cards.rollout import rollout_card
from bot.cards.terminal import as_text
from bot.cards.trouble import trouble_card
from bot.cards.usage import usage_card
from bot.domain.audit import Surface
from bot.domain.gate import Gate
from bot.domain.outcome import Outcome, outcome_of
from bot.domain.rollout import Actor, Rollout, RolloutState
from bot.errors import PortError
from bot.text import Texts
from bot.workflows.edges import Edges
from commands.asked import Asked
from commands.command import Invocation, UsageError
from commands.parser import parse
from commands.router import RUN
from commands.vocabulary import VERBS
from config.catalog import UnknownNameError

log = logging.getLogger(__name__)

_LOOK: Final = 0.5  # seconds between two looks at the store: one row by its key
_GATHERED: Final = 20.0  # seconds that what is told of an end gets to be whole
_ALIVE: Final = 10.0  # seconds after which silence is broken, so that a lost connection is noticed
_NOT_HERE: Final = frozenset({"logs"})
"""Their answer is a message that stays live, or a file."""
_CHANGING: Final = frozenset(
    {"deploy", "build", "promote", "approve", "reject", "rollback", "scale", "cancel"}
    | {"lock", "unlock", "config"}
)
_DONE: Final = (signs.OK, signs.LOCKED, signs.UNLOCKED)
_WANTED: Final = {
    "cancel": {RolloutState.CANCELLED, RolloutState.ROLLED_BACK},
    "reject": {RolloutState.REJECTED, RolloutState.CANCELLED},
}
"""Verbs that are asked for an end which is none of the good ones elsewhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """A card in words (`text`), or the one sentence that is new (`whole` is False). The last step
    has an `outcome`; one without any words only says that the line stands."""

    text: str = ""
    whole: bool = True
    outcome: Outcome | None = None
    rollout: Rollout | None = None


@dataclass(slots=True)
class _Seen:
    """The rollout that the line began, or asked for again."""

    rollout: Rollout | None = None

    def take(self, rollout: Rollout) -> None:
        self.rollout = rollout


class Terminal:
    def __init__(self, edges: Edges, wake: Callable[[Rollout], None]) -> None:
        self._edges = edges
        self._wake = wake

    async def do(
        self, name: str, line: str, language: str, seconds: float, follows: bool = True
    ) -> AsyncIterator[Step]:
        """Carry out a line for this token's name and tell of it to its end, at most for so long."""
        texts = Texts.of(language)
        read = parse(line, self._edges.catalog, VERBS)
        if isinstance(read, UsageError):
            verb = next((verb for verb in VERBS if verb.name == read.command), None)
            yield Step(as_text(usage_card(read, verb=verb, texts=texts)), outcome=Outcome.USAGE)
            return
        if read.command in _NOT_HERE:
            said = _sentence(texts, "terminal.not_here", verb=read.command)
            yield Step(said, outcome=Outcome.REFUSED)
            return
        seen = _Seen()
        card, trouble = await self._run(name, line, read, texts, seen)
        if seen.rollout is None:
            yield _answered(card, trouble, read, texts)
            return
        if card is not None:
            yield Step(as_text(card))
        if not follows:
            begun = _sentence(texts, "terminal.begun")
            yield Step(begun, outcome=Outcome.BEGUN, rollout=seen.rollout)
            return
        async for step in self._follow(seen.rollout, read.command, seconds, texts):
            yield step

    async def _run(
        self, name: str, line: str, read: Invocation, texts: Texts, seen: _Seen
    ) -> tuple[Card | None, bool]:
        """The verb's answer, and whether it is one of trouble."""

        def wake(rollout: Rollout) -> None:
            seen.take(rollout)
            self._wake(rollout)

        asked = Asked(
            read,
            Actor(name, texts.language),
            "",
            self._edges,
            texts,
            wake,
            Surface.TERMINAL,
            underway=seen.take,
        )
        try:
            return await RUN[read.command](asked), False
        except Exception as error:
            error_id = secrets.token_hex(4)
            met = error if isinstance(error, PortError) else None
            if met is not None:
                log.warning("error %s: %r from a terminal: %s", error_id, read.command, met)
            else:
                log.exception("error %s: %r from a terminal met a bug", error_id, read.command)
            return trouble_card(met, error_id=error_id, line=line, texts=texts), True

    async def _follow(
        self, rollout: Rollout, verb: str, seconds: float, texts: Texts
    ) -> AsyncIterator[Step]:
        loop = asyncio.get_running_loop()
        until, spoken = loop.time() + seconds, loop.time()
        shown, ended = "", 0.0
        while True:
            rollout = await self._edges.store.get(rollout.id) or rollout
            card = self._card(rollout, texts)
            if rollout.state.final:
                # Its log and events are gathered after its end, and Slack may be away.
                ended = ended or loop.time()
                if rollout.settled or loop.time() - ended >= _GATHERED:
                    break
            if card.text != shown:
                yield Step(
                    as_text(card) if not shown else as_text(replace(card, blocks=())),
                    whole=not shown,
                    rollout=rollout,
                )
                shown, spoken = card.text, loop.time()
            elif loop.time() - spoken >= _ALIVE:
                yield Step(rollout=rollout)
                spoken = loop.time()
            if loop.time() >= until and not rollout.state.final:
                said = _sentence(
                    texts,
                    "terminal.timeout",
                    service=rollout.service,
                    environment=rollout.environment,
                )
                yield Step(said, outcome=Outcome.TIMEOUT, rollout=rollout)
                return
            left = _LOOK if rollout.state.final else until - loop.time()
            await asyncio.sleep(min(_LOOK, max(0.0, left)))
        outcome = outcome_of(rollout)
        if rollout.state in _WANTED.get(verb, ()):
            outcome = Outcome.SUCCEEDED
        if outcome is Outcome.REFUSED and _no_rights(rollout):
            outcome = Outcome.NO_RIGHTS
        yield Step(as_text(card), rollout=rollout)
        yield Step(self._ended(rollout, texts), outcome=outcome, rollout=rollout)

    def _card(self, rollout: Rollout, texts: Texts) -> Card:
        title, base_url = self._place(rollout, texts)
        return rollout_card(
            rollout,
            environment_title=title,
            base_url=base_url,
            texts=texts,
            now=self._edges.clock.now(),
        )

    def _ended(self, rollout: Rollout, texts: Texts) -> str:
        title, _ = self._place(rollout, texts)
        return as_text(ended_card(rollout, environment_title=title, texts=texts))

    def _place(self, rollout: Rollout, texts: Texts) -> tuple[str, str]:
        try:
            environment = self._edges.catalog.environment(rollout.environment)
        except UnknownNameError:
            return rollout.environment, ""
        title = environment.title.to(texts.language)
        return title, environment.base_url


def _answered(card: Card | None, trouble: bool, read: Invocation, texts: Texts) -> Step:
    """What a card says that no rollout follows. A verb that changes something has done so only
    where its answer begins with a sign of that: a question waits for a press, which a terminal
    has not."""
    if card is None:
        return Step(_sentence(texts, "terminal.begun"), outcome=Outcome.BEGUN)
    text = as_text(card)
    if trouble:
        return Step(text, outcome=Outcome.TROUBLE)
    if read.command not in _CHANGING:
        return Step(text, outcome=Outcome.SUCCEEDED)
    if card.denied:
        return Step(text, outcome=Outcome.NO_RIGHTS)
    begins = next(iter(shown_texts(list(card.blocks))), "")
    if begins.startswith(_DONE):
        follows_on = read.command == "build"
        return Step(text, outcome=Outcome.BEGUN if follows_on else Outcome.SUCCEEDED)
    if begins.startswith((signs.QUESTION, "⚙️")):
        text = f"{text}\n{_sentence(texts, 'terminal.press')}"
    return Step(text, outcome=Outcome.REFUSED)


def _no_rights(rollout: Rollout) -> bool:
    return any(gate.gate is Gate.PERMISSION and not gate.ok for gate in rollout.refused)


def _sentence(texts: Texts, key: str, **values: object) -> str:
    text = say(texts, key, **values)
    return as_text(Card(text, (section(text),)))


def message_of(step: Step) -> Mapping[str, object]:
    """A step as JSON says it."""
    rollout = step.rollout
    message: dict[str, object] = {"type": "end" if step.outcome else "step", "text": step.text}
    if step.text and not step.outcome:
        message["whole"] = step.whole
    if rollout is not None:
        message |= {
            "rollout": rollout.id,
            "service": rollout.service,
            "environment": rollout.environment,
            "version": rollout.version,
            "state": rollout.state.value,
        }
    if step.outcome is not None:
        message["outcome"] = step.outcome.value
    return message
