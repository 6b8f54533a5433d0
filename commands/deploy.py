"""`deploy SERVICE ENV [VERSION]`: refused with every reason, or a card where the team sees it."""

from bot.cards.card import Card
from bot.workflows.rollout import request_rollout
from commands.asked import Asked
from commands.requesting import TYPED, Pressed, answer_to, request_of, too_long
from commands.vocabulary import DEPLOY

COMMAND = DEPLOY


async def run(asked: Asked) -> Card | None:
    """None when the answer is the rollout's own card."""
    return await carry(asked, TYPED)


async def carry(asked: Asked, pressed: Pressed) -> Card | None:
    refused = too_long(asked)
    if refused is not None:
        return refused
    request = request_of(asked, asked.place, asked.invocation.version, pressed)
    answer = await request_rollout(request, asked.edges)
    return await answer_to(asked, request, answer, COMMAND)
