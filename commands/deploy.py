"""`deploy SERVICE ENV [VERSION]`: refused with every reason, or a card where the team sees it. A
word that is no version but a ref of the repository is built for the first environment.
"""

from dataclasses import replace

from bot.cards.card import Card
from bot.domain.build import Build
from bot.workflows.rollout import Request, request_rollout
from bot.workflows.version import NotChosen
from commands.asked import Asked
from commands.build import deploy_ref
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
    if isinstance(answer, NotChosen) and _may_be_a_ref(request, answer, asked):
        found = await deploy_ref(asked, request.place, answer.version)
        if found is None or isinstance(found, Card):
            return found
        if isinstance(found, Build):
            request = replace(request, version=found.version)
            answer = await request_rollout(request, asked.edges)
    return await answer_to(asked, request, answer, COMMAND)


def _may_be_a_ref(request: Request, answer: NotChosen, asked: Asked) -> bool:
    """Built is for the first environment alone, from there on a digest goes; and an override passes
    by what people agreed on, which is no reason to build."""
    first = request.place.environment == asked.edges.catalog.first
    plain = not request.dry_run and not request.override and not request.digest
    return answer.code == "VERSION_UNKNOWN" and first and plain
