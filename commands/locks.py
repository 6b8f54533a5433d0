"""`locks [ENV]`: who holds what, why, since when and until when."""

from bot.cards.card import Card
from bot.cards.lock import locks_card
from commands.asked import Asked
from commands.vocabulary import LOCKS

COMMAND = LOCKS


async def run(asked: Asked) -> Card | None:
    now = asked.edges.clock.now()
    held = await asked.edges.locks.all(asked.invocation.environment or "")
    title_of, language = asked.edges.catalog.title_of, asked.texts.language
    shown = [(lock, title_of(lock.environment, language)) for lock in held if lock.holds(now)]
    return locks_card(shown, asked.actor.id, asked.texts, now)
