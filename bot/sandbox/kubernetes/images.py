"""Pulling images as containerd does: a name, a registry that answers, a cache on the node.

The registry is asked through `ImageSource`, in this process. Messages are containerd's (seen in the
recording of an image that does not exist).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_TAG = re.compile(r"[\w][\w.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)


@dataclass(frozen=True, slots=True)
class ImageName:
    """`registry.yourapp.com/dynamo/tasks-service:1.3.2` or `…@sha256:…`, taken apart."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        return self.digest or self.tag


@dataclass(frozen=True, slots=True)
class Image:
    """What a registry has: digest of the manifest, bytes, labels and environment of its config."""

    digest: str
    size: int
    labels: Mapping[str, str]
    env: Mapping[str, str]


class ImageSource(Protocol):
    """The registry's side: the image, or the HTTP status of the refusal (401, 403, 404).

    `keys`: user names and passwords that the pod's pull secrets have for this host.
    """

    def find_image(
        self, path: str, reference: str, keys: Mapping[str, str] | None = None
    ) -> Image | int: ...


class InvalidName(ValueError):  # noqa: N818 - it is the kubelet's own word
    """A text that is no image reference; the message is the kubelet's."""


def parse_image(text: str) -> ImageName:
    """distribution/reference.ParseNormalizedNamed, with the kubelet's message when it fails."""
    rest, _, digest = text.partition("@")
    first, slash, others = rest.partition("/")
    is_host = bool(slash) and (any(each in first for each in ".:") or first == "localhost")
    host, path = (first, others) if is_host else ("docker.io", rest)
    name, colon, tag = path.rpartition(":")
    if not colon:
        name, tag = path, ""
    if name != name.lower():
        raise InvalidName(_invalid(text, f"repository name ({name}) must be lowercase"))
    if not _PATH.fullmatch(name) or (colon and not _TAG.fullmatch(tag)):
        raise InvalidName(_invalid(text, ""))
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidName(_invalid(text, ""))
    if host == "docker.io" and "/" not in name:
        name = f"library/{name}"
    return ImageName(host, name, tag or ("" if digest else "latest"), digest)


def _invalid(text: str, detail: str) -> str:
    form = "invalid reference format" + (f": {detail}" if detail else "")
    return (
        f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": {form}'
    )


def pull_refusal(text: str, name: ImageName, status: int) -> str:
    """The kubelet's message for a pull that the registry refused."""
    head = f'failed to pull and unpack image "{text}": failed to resolve reference "{text}": '
    if status == 404:
        return f"rpc error: code = NotFound desc = {head}{text}: not found"
    if status == 401:
        return (
            f"rpc error: code = Unknown desc = {head}pull access denied, repository does not exist "
            "or may require authorization: authorization failed: no basic auth credentials"
        )
    words = {403: "403 Forbidden", 429: "429 Too Many Requests", 503: "503 Service Unavailable"}
    url = f"https://{name.host}/v2/{name.path}/manifests/{name.reference}"
    return (
        f"rpc error: code = Unknown desc = {head}unexpected status from HEAD request to {url}: "
        f"{words.get(status, str(status))}"
    )
