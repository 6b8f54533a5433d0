"""What lies between what runs and what comes: the commits, as the git host tells them.

The images' labels name the commits, the catalog names the repository. Whatever is not known is said
to be not known, and why; a request never waits for it.
"""

import asyncio
import logging
from dataclasses import replace

from bot.domain.image import Image
from bot.domain.promotion import Commits
from bot.domain.release import commit_in, hosted_name
from bot.domain.rollout import Running
from bot.errors import PortError
from bot.workflows.edges import Edges, Place

log = logging.getLogger(__name__)

_SECONDS = 3.0
_NONE_BEFORE = frozenset({"NOTHING_BEFORE", "NO_COMMIT", "NOT_FOUND"})


async def commits_between(
    place: Place, before: Running | None, image: Image, edges: Edges
) -> Commits:
    """Never raises PortError. `Commits.since` is the digest that was compared with."""
    since = before.digest if before else ""
    found = await _ask(place, since, image, edges)
    return replace(found, since=since)


async def commits_brought(
    place: Place, before: Running | None, image: Image, edges: Edges
) -> Commits:
    """As `commits_between`; where there is nothing to compare with, the release's own commit is the
    one that is known, and `unknown` says why there are no others."""
    found = await commits_between(place, before, image, edges)
    if found.unknown not in _NONE_BEFORE or edges.comparisons is None:
        return found
    try:
        async with asyncio.timeout(_SECONDS):
            repository = hosted_name(place.service.repository)
            own = await edges.comparisons.one(repository, await _commit(place, image.digest, edges))
    except (PortError, TimeoutError) as error:
        log.info("no commit of %s: %r", image.digest, error)
        return found
    return replace(found, shown=own.shown, of=own.of, url=own.url)


async def _ask(place: Place, since: str, image: Image, edges: Edges) -> Commits:
    repository = hosted_name(place.service.repository)
    if edges.comparisons is None or not repository:
        return Commits(unknown="NO_HOST")
    if not since:
        return Commits(unknown="NOTHING_BEFORE")
    try:
        async with asyncio.timeout(_SECONDS):
            older, newer = await asyncio.gather(
                _commit(place, since, edges), _commit(place, image.digest, edges)
            )
            if not older or not newer:
                return Commits(unknown="NO_COMMIT")
            return await edges.comparisons.between(repository, older, newer)
    except (PortError, TimeoutError) as error:
        log.info("no commits between %s and %s: %r", since, image.digest, error)
        return Commits(unknown="AWAY")


async def _commit(place: Place, digest: str, edges: Edges) -> str:
    info = await edges.images.resolve(place.service.image, digest)
    return commit_in(info.revision)
