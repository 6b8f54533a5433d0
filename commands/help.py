"""`help [COMMAND]`: everything that can be typed, from the commands' own declarations."""

from bot.cards.card import Card
from bot.cards.help import help_card, verb_help_card
from commands.asked import Asked
from commands.vocabulary import HELP, VERBS

COMMAND = HELP


async def run(asked: Asked) -> Card | None:
    wanted = asked.invocation.arguments.get("command")
    verb = next((verb for verb in VERBS if verb.name == wanted), None)
    if verb is None:
        return help_card(VERBS, texts=asked.texts)
    return verb_help_card(verb, texts=asked.texts)
