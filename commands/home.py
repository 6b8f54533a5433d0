"""The Home tab: published anew each time that a person opens it, in their language."""

from bot.cards.home import home_card
from bot.domain.rollout import Rollout
from bot.text import Texts
from bot.workflows.edges import Edges, Place
from bot.workflows.status import matrix
from commands.asked import title
from commands.vocabulary import VERBS


async def publish(user: str, edges: Edges, texts: Texts) -> None:
    """Raises PortError when Slack does not take it."""
    catalog = edges.catalog

    def title_of(rollout: Rollout) -> str:
        service, environment = rollout.service, rollout.environment
        return title(Place(catalog.service(service), catalog.environment(environment)), texts)

    found = await matrix(catalog.services, catalog.environments, edges, texts.language)
    active = await edges.store.active()
    card = home_card(active, found, VERBS, title_of=title_of, texts=texts, now=edges.clock.now())
    await edges.messenger.publish_home(user, card)
