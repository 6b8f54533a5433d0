"""`check SERVICE ENV`: whether the service keeps what its environment promises, with evidence."""

from bot.cards.card import Card
from bot.cards.pointer import notice_card
from bot.cards.policy import check_card
from bot.domain.policy import parity_pair
from bot.workflows.policies import verify_policies
from commands.asked import Asked
from commands.vocabulary import CHECK

COMMAND = CHECK


async def run(asked: Asked) -> Card | None:
    place, catalog = asked.place, asked.edges.catalog
    findings = await verify_policies(place, asked.edges)
    title = asked.title(place)
    if not findings:
        return notice_card(asked.texts, "no_policies", environment=title)
    return check_card(
        findings,
        service=place.service.name,
        environment=place.environment.name,
        environment_title=title,
        pair=parity_pair(place.environment, catalog),
        texts=asked.texts,
    )
