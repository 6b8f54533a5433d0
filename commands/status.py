"""`status [SERVICE] [ENV]`: versions side by side, or one workload with its pods."""

from bot.cards.card import Card
from bot.cards.status import status_card, workload_card
from bot.workflows.status import matrix, one
from commands.asked import Asked
from commands.vocabulary import STATUS

COMMAND = STATUS


async def run(asked: Asked) -> Card | None:
    invocation, catalog = asked.invocation, asked.edges.catalog
    now = asked.edges.clock.now()
    if invocation.service is not None and invocation.environment is not None:
        place = asked.place
        return workload_card(
            await one(place, asked.edges),
            environment_title=asked.title(place),
            base_url=place.environment.base_url,
            line=invocation.line,
            texts=asked.texts,
            now=now,
        )
    services = catalog.services
    if invocation.service is not None:
        services = (catalog.service(invocation.service),)
    environments = catalog.environments
    if invocation.environment is not None:
        environments = (catalog.environment(invocation.environment),)
    found = await matrix(services, environments, asked.edges, asked.texts.language)
    return status_card(found, line=invocation.line, texts=asked.texts, now=now)
