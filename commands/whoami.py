"""`whoami`: which roles a person has and why, and what they may do where."""

from bot.cards.card import Card
from bot.cards.whoami import whoami_card
from bot.workflows.people import standing
from commands.asked import Asked
from commands.vocabulary import WHOAMI

COMMAND = WHOAMI


async def run(asked: Asked) -> Card | None:
    found = await standing(asked.actor.id, asked.edges)
    return whoami_card(found, asked.actor.id, asked.texts)
