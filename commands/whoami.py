"""`whoami`: which roles a person has and why, and what they may do where."""

from bot.cards.card import Card
from bot.cards.whoami import whoami_card
from bot.domain.audit import Surface
from bot.workflows.people import standing
from commands.asked import Asked
from commands.vocabulary import WHOAMI

COMMAND = WHOAMI


async def run(asked: Asked) -> Card | None:
    person = asked.actor.id
    found = await standing(person, asked.edges)
    if asked.surface == Surface.TERMINAL:  # in the language of its shell
        return whoami_card(found, person, asked.texts, chosen=None)
    speech = await asked.edges.people.speech(person)
    return whoami_card(found, person, asked.texts, chosen=speech.chosen)
