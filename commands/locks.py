"""`locks [ENV]`: who holds what, why, since when and until when."""

from bot.cards.card import Card
from bot.cards.lock import locks_card
from bot.domain.lock import Lock
from commands.asked import Asked
from commands.vocabulary import LOCKS
from config.catalog import UnknownNameError

COMMAND = LOCKS


async def run(asked: Asked) -> Card | None:
    now = asked.edges.clock.now()
    held = await asked.edges.locks.all(asked.invocation.environment or "")
    shown = [(lock, _title(asked, lock)) for lock in held if lock.holds(now)]
    return locks_card(shown, asked.actor.id, asked.texts, now)


def _title(asked: Asked, lock: Lock) -> str:
    try:
        environment = asked.edges.catalog.environment(lock.environment)
    except UnknownNameError:  # `dynamo.yml` no longer has it: the lock can still be seen
        return lock.environment
    return environment.title.to(asked.texts.language)
