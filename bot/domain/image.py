"""An image: which repository, which tag people call it by, which digest it is.

A tag may move; a digest never does. What Dynamo applies is always pinned: `name@sha256:…`.
"""

import re
from dataclasses import dataclass

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Image:
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, reference: str) -> "Image":
        """Read `host/name`, `host/name:tag`, `host/name@sha256:…` or `host/name:tag@sha256:…`."""
        rest, _, digest = reference.partition("@")
        head, colon, tail = rest.rpartition(":")
        # A colon before the last slash belongs to the registry's port, not to a tag.
        if colon and "/" not in tail:
            return cls(repository=head, tag=tail, digest=digest)
        return cls(repository=rest, digest=digest)

    @property
    def pinned(self) -> str:
        """The reference that Kubernetes is given. Raises ValueError where no digest is known."""
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError(f"{self.repository}:{self.tag} has no digest")
        return f"{self.repository}@{self.digest}"

    @property
    def short_digest(self) -> str:
        """`sha256:ab12…9f04`, as cards show it."""
        if not self.digest:
            return ""
        return f"{self.digest[:11]}…{self.digest[-4:]}"


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None
