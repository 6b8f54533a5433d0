"""What an approval covers: the digest, and the manifests as they stand at this moment."""

import asyncio

from bot.domain.approval import fingerprint
from bot.workflows.edges import Place
from config.manifests import ManifestError, load_manifests


async def covered_by(place: Place, digest: str) -> str:
    """ "" where the manifests are missing or unsound: then nothing is covered, and a gate of its
    own says what is wrong with them."""
    try:
        found = await asyncio.to_thread(load_manifests, place.service, place.environment)
    except ManifestError:
        return ""
    return fingerprint(digest, [found.deployment, *found.configs])
