"""What `dynamo.yml` has lost between two starts: requests for a place that it no longer has.

The file is read once, at the start, so this is asked once, before the engine begins. What has not
begun ends, and says why; what is being watched needs no catalog and goes on to its end; only what
is still to be written (`place_of_stored`) cannot be, and fails with a sentence.
"""

import logging
from datetime import datetime

from bot.domain.gate import Gate, GateResult
from bot.domain.rollout import Rollout, RolloutState
from bot.errors import PortError, StaleError, Trouble
from bot.workflows.edges import Edges, Place
from config.catalog import Catalog, UnknownNameError

log = logging.getLogger(__name__)


async def end_displaced(edges: Edges) -> None:
    """End every request that waits for a place which is gone; its card and thread tell so."""
    for rollout in await edges.store.unsettled():
        gone = gone_from(rollout.service, rollout.environment, edges.catalog)
        if gone is None or not _untouched(rollout):
            continue
        try:
            await edges.store.save(displaced(rollout, gone, edges.clock.now()))
        except StaleError:  # nothing else runs yet
            log.warning("rollout %s was changed by somebody else at the start", rollout.id)


def gone_from(service: str, environment: str, catalog: Catalog) -> GateResult | None:
    """What of this place the catalog lacks; None where it is all there."""
    for kind, find, name in (
        ("SERVICE", catalog.service, service),
        ("ENVIRONMENT", catalog.environment, environment),
    ):
        try:
            find(name)
        except UnknownNameError:
            return GateResult(Gate.MANIFEST, False, f"{kind}_GONE", {"name": name})
    return None


def displaced(rollout: Rollout, gone: GateResult, now: datetime) -> Rollout:
    return rollout.with_(state=RolloutState.REJECTED, refused=(gone,), finished_at=now)


def place_of_stored(rollout: Rollout, catalog: Catalog) -> Place:
    """As `place_named`: the engine ends with a sentence what it cannot write any more, and settles
    what has ended."""
    return place_named(rollout.service, rollout.environment, catalog)


def place_named(service: str, environment: str, catalog: Catalog) -> Place:
    """Of names that were stored. Raises PortError NOT_FOUND of the catalog."""
    gone = gone_from(service, environment, catalog)
    if gone is not None:
        values = {name: str(value) for name, value in gone.values.items()}
        raise PortError("catalog", Trouble.NOT_FOUND, temporary=False, values=values)
    return Place(catalog.service(service), catalog.environment(environment))


def _untouched(rollout: Rollout) -> bool:
    return not rollout.state.final and rollout.before_generation is None
