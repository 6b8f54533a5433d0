"""`unlock ENV`, `unlock SERVICE ENV`: give a lock back, or lift another's with `--force`."""

from collections.abc import Mapping
from typing import Final

from bot.cards.card import Card
from bot.cards.lock import held_card
from bot.cards.pointer import notice_card
from bot.domain.lock import Lifted
from bot.workflows.locking import Changed, NotAllowed, Scope, Unlocked, lift
from commands.asked import Asked
from commands.lock import (
    changed,
    made_for_of,
    not_allowed,
    scope_of,
    settled,
    spot_of,
    title_of,
)
from commands.pressing import Click, Press, gone
from commands.vocabulary import UNLOCK

COMMAND = UNLOCK


async def run(asked: Asked) -> Card | None:
    scope = scope_of(asked)
    force = "force" in asked.invocation.options
    return _answer(asked, scope, await lift(scope, asked.by, asked.edges, force=force))


async def press(asked: Asked, click: Click) -> Card | None:
    """ "Unlock", after Slack's own question: the lock that the button was made for."""
    made_for = made_for_of(asked, click)
    if made_for is None:
        return gone(asked)
    scope, seen = made_for
    outcome = await lift(scope, asked.by, asked.edges, force=True, seen=seen)
    return _answer(asked, scope, outcome)


PRESSES: Final[Mapping[str, Press]] = {"lift": press}


def _answer(asked: Asked, scope: Scope, outcome: Unlocked | NotAllowed | Changed) -> Card | None:
    match outcome:
        case NotAllowed(gate):
            return not_allowed(asked, gate)
        case Changed():
            return changed(asked, scope)
        case Unlocked(lifted, held, told):
            if held is None:
                return notice_card(asked.texts, "nothing_locked", where=spot_of(asked, scope))
            if lifted is Lifted.HELD:
                now = asked.edges.clock.now()
                return held_card(held, title_of(asked, scope), "lift", asked.texts, now)
            lost = held if lifted is Lifted.FORCED else None
            return settled(asked, scope, lifted, held, lost, told=told)
