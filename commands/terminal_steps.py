"""What a terminal is told, piece by piece, and the few words that all of it shares.

`terminal.py` runs a line; `terminal_following.py` tells of what it began, `terminal_logs.py` of
logs. `bot/adapters/terminal_endpoint.py` carries the steps.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.cards.blocks import section
from bot.cards.card import Card
from bot.cards.mrkdwn import say
from bot.cards.terminal import as_text
from bot.domain.build import Build
from bot.domain.outcome import Outcome
from bot.domain.rollout import Rollout
from bot.text import Texts

LOOK: Final = 0.5  # seconds between two looks at the store: one row by its key
ALIVE: Final = 10.0  # seconds after which silence is broken, so that a lost connection is noticed


@dataclass(frozen=True, slots=True)
class Step:
    """A card in words (`text`), or the one sentence that is new (`whole` is False). The last step
    has an `outcome`; one without any words only says that the line stands. `lines` are of a log,
    for whoever reads JSON."""

    text: str = ""
    whole: bool = True
    outcome: Outcome | None = None
    rollout: Rollout | None = None
    build: Build | None = None
    lines: Sequence[Mapping[str, str]] = ()


class Waiting:
    """How long somebody waits, and when they heard something last, in seconds of the loop."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + seconds
        self._spoken = self._loop.time()

    @property
    def over(self) -> bool:
        return self._loop.time() >= self._until

    def spoke(self) -> None:
        self._spoken = self._loop.time()

    @property
    def silent(self) -> bool:
        return self._loop.time() - self._spoken >= ALIVE

    async def a_moment(self, *, bounded: bool = True) -> None:
        """Until the next look; `bounded`: not beyond the end of the waiting."""
        left = max(0.0, self._until - self._loop.time()) if bounded else LOOK
        await asyncio.sleep(min(LOOK, left))


def sentence(texts: Texts, key: str, **values: object) -> str:
    text = say(texts, key, **values)
    return as_text(Card(text, (section(text),)))


def message_of(step: Step) -> Mapping[str, object]:
    """A step as JSON says it."""
    rollout, build = step.rollout, step.build
    message: dict[str, object] = {"type": "end" if step.outcome else "step", "text": step.text}
    if step.text and not step.outcome:
        message["whole"] = step.whole
    if step.lines:
        message["lines"] = list(step.lines)
    if build is not None:
        message |= {
            "build": build.id,
            "service": build.service,
            "version": build.version,
            "state": build.state.value,
        }
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
