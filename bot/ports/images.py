"""The registry: which images there are, and what a tag means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.image import Image


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the registry tells of one image; times and texts are "" or None where it is silent."""

    image: Image
    created_at: datetime | None = None
    revision: str = ""  # commit
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Images(Protocol):
    async def tags(self, repository: str) -> Sequence[str]: ...

    async def resolve(self, repository: str, version: str) -> ImageInfo:
        """A tag or a digest to an image with its digest. Raises PortError NOT_FOUND."""
