"""A release: one image digest of one service, and the commit that it says it was built from.

The image's labels name the commit; which repository is asked about that commit is the catalog's
word, never the image's: an image cannot choose whose CI speaks for it.
`bot/workflows/release.py` reads it from the registry.
"""

import re
from dataclasses import dataclass

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HOSTED = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^/@\s]+@)?[^/\s]+/|[^/@\s]+@[^/:\s]+:)"
    r"(?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True)
class Release:
    service: str
    digest: str
    version: str
    commit: str = ""  # "" where the image does not say
    repository: str = ""  # "owner/name" on the git host; "" where the address is none of one


def commit_in(label: str) -> str:
    """The full commit id of an image's revision label; "" for anything that is none."""
    return label if _COMMIT.fullmatch(label) else ""


def hosted_name(address: str) -> str:
    """ "owner/name" of `https://host/owner/name(.git)` or `git@host:owner/name.git`; "" for a path
    or a file URL, which no git host answers for."""
    found = _HOSTED.fullmatch(address)
    if found is None or {found["owner"], found["name"]} & {".", ".."}:
        return ""
    return f"{found['owner']}/{found['name']}"
