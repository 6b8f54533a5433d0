"""Which commit a digest comes from: the image's labels say it, the catalog says of which repository
(`bot/domain/release.py` has why)."""

from bot.domain.release import Release, commit_in, hosted_name
from bot.workflows.edges import Edges
from config.catalog import Service

REVISION = "org.opencontainers.image.revision"


async def release_of(service: Service, digest: str, version: str, edges: Edges) -> Release:
    """Raises PortError where the registry does not say."""
    info = await edges.images.resolve(service.image, digest)
    return Release(
        service=service.name,
        digest=digest,
        version=version or info.labels.get("org.opencontainers.image.version", ""),
        commit=commit_in(info.revision or info.labels.get(REVISION, "")),
        repository=hosted_name(service.repository),
    )
