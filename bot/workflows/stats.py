"""The four numbers of delivery: what ended in production in the last days, counted."""

from datetime import timedelta

from bot.domain.delivery import Delivery, delivery_of
from bot.workflows.edges import Edges


async def delivery(service: str, days: int, edges: Edges) -> Delivery:
    """Of one service, or of all with "". Production is where the pipeline ends."""
    now = edges.clock.now()
    since = now - timedelta(days=days)
    production = edges.catalog.environments[-1].name
    past = await edges.store.past(service, production, since)
    return delivery_of(past, since, now)
