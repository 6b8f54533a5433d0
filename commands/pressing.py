"""Buttons and windows, as the file of a verb declares them beside what it does when typed.

A module of `commands` may hold `PRESSES` (what a button's verb does: `dyn:VERB`) and `WINDOWS`
(what becomes of a modal that is submitted: callback `dyn:VERB`). `router.py` gathers them; a verb
that two modules claim is a bug that shows at start.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.mrkdwn import code
from bot.cards.pointer import notice_card
from bot.text import Texts
from commands.asked import Asked

Declared = TypeVar("Declared")


@dataclass(frozen=True, slots=True)
class Click:
    """A pressed button (or a chosen option). `value` comes from outside, as do its `pieces`: each
    is checked before it is used; `gone` answers what no button of ours says."""

    verb: str
    value: str
    pieces: tuple[str, ...]


Press = Callable[[Asked, Click], Awaitable[Card | None]]
"""None where the message that was clicked is the answer."""


@dataclass(frozen=True, slots=True)
class Window:
    """What becomes of a modal that is submitted: `errors` by field keep it open. `checks` is asked
    as well, where what the window carries (its pieces) decides."""

    command: str
    errors: Callable[[Mapping[str, str], Texts], dict[str, str]]
    submit: Callable[[Asked, Sequence[str], Mapping[str, str]], Coroutine[Any, Any, Card | None]]
    checks: Callable[[Sequence[str], Mapping[str, str], Texts], dict[str, str]] | None = None


def gone(asked: Asked) -> Card:
    """The answer to a button that means nothing (any more)."""
    return notice_card(asked.texts, "gone", line=code(typed("status")))


def gathered(modules: Iterable[object], name: str) -> dict[str, Any]:
    """What the modules declare under `name`, in one mapping. Raises ValueError for a verb that is
    declared twice."""
    found: dict[str, Any] = {}
    for module in modules:
        for verb, declared in getattr(module, name, {}).items():
            if verb in found:
                raise ValueError(f"two modules declare {verb!r} in {name}")
            found[verb] = declared
    return found
