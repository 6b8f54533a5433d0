"""Which image a request means: the version that was named, or the one that comes next.

No version named: what runs in the environment before; in the first environment, the newest of
the registry. Never a moving tag, and never production by default.
"""

import asyncio
import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.image import Image, is_digest
from bot.domain.workload import Deployment
from bot.errors import PortError, Trouble
from bot.ports import ImageInfo
from bot.workflows.edges import Edges, Place
from config.catalog import Service

_MOVING = frozenset({"latest", "main", "master", "dev", "edge", "nightly", "stable", "canary"})
_LOOKED_AT = 30  # tags whose creation is asked for, where no tag is a version number
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chosen:
    image: Image
    version: str


@dataclass(frozen=True, slots=True)
class NotChosen:
    """`code`: VERSION_UNKNOWN (version, nearest), NO_IMAGES, NOTHING_BEFORE (environment)."""

    code: str
    version: str = ""
    nearest: tuple[str, ...] = ()
    environment: str = ""


async def choose(place: Place, version: str | None, edges: Edges) -> Chosen | NotChosen:
    if version:
        return await _named(place, version, edges)
    before = edges.catalog.before(place.environment)
    if before is None:
        return await _newest(place, edges)
    source = Place(place.service, before)
    look = await edges.cluster.workload(source.context, source.namespace, place.service.name)
    running = look.deployment and running_image(look.deployment, place.service.container)
    if not look.deployment or not running:
        return NotChosen("NOTHING_BEFORE", environment=before.name)
    if running.digest:
        # The repository is the catalog's: the cluster may name a mirror.
        image = Image(place.service.image, running.tag, running.digest)
        return Chosen(image, look.deployment.version or running.tag or running.digest)
    return await _named(place, running.tag, edges)


def running_image(deployment: Deployment, container: str) -> Image | None:
    reference = deployment.images.get(container, "")
    return Image.parse(reference) if reference else None


async def versions(service: Service, edges: Edges) -> list[str]:
    """The tags that name one image for good, the newest first as far as numbers say it. Raises
    PortError where the registry does not answer."""
    tags = [tag for tag in await _tags(service.image, edges) if tag.lower() not in _MOVING]
    return sorted(tags, key=_version_key, reverse=True)


async def _named(place: Place, version: str, edges: Edges) -> Chosen | NotChosen:
    repository = place.service.image
    try:
        info = await edges.images.resolve(repository, version)
    except PortError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise
        tags = await _tags(repository, edges)
        near = difflib.get_close_matches(version, tags, n=3, cutoff=0.5)
        newest = sorted(tags, key=_version_key, reverse=True)[:3]
        nearest = tuple(dict.fromkeys([*near, *newest]))[:3]
        return NotChosen("VERSION_UNKNOWN", version=version, nearest=nearest)
    return Chosen(info.image, _called(info, version))


async def _newest(place: Place, edges: Edges) -> Chosen | NotChosen:
    repository = place.service.image
    tags = [tag for tag in await _tags(repository, edges) if tag.lower() not in _MOVING]
    if not tags:
        return NotChosen("NO_IMAGES")
    numbered = [tag for tag in tags if _version_key(tag)[0]]
    if numbered:
        return await _named(place, max(numbered, key=_version_key), edges)
    infos = await asyncio.gather(
        *(edges.images.resolve(repository, tag) for tag in sorted(tags)[-_LOOKED_AT:])
    )
    newest = max(infos, key=lambda info: info.created_at or _EPOCH)
    return Chosen(newest.image, _called(newest, newest.image.tag))


async def _tags(repository: str, edges: Edges) -> list[str]:
    try:
        return list(await edges.images.tags(repository))
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return []
        raise


def _called(info: ImageInfo, version: str) -> str:
    """What people call it: a digest has the name that its image carries as a label."""
    if not is_digest(version):
        return version
    return info.labels.get("org.opencontainers.image.version") or version


def _version_key(tag: str) -> tuple[bool, tuple[int, ...], bool, str]:
    """Sorts version numbers by number, a release after its candidates, all else before."""
    found = re.fullmatch(r"v?(\d{1,9}(?:\.\d{1,9}){1,3})(.*)", tag)
    if found is None:
        return (False, (), False, tag)
    return (True, tuple(int(n) for n in found[1].split(".")), not found[2], found[2])
