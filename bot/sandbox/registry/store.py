"""What the sandbox's registry holds: repositories, manifests by digest, tags, blobs, uploads.

The HTTP server (`server.py`) and the kubelet ask this; `release_table.py` fills it. An image that
is added here is what `docker buildx` pushes: an index, a manifest for each platform, a config, a
layer.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes.images import Image

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLATFORMS = ("amd64", "arm64")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


class RegistryError(Exception):
    """A refusal by the distribution specification: HTTP status, code, message, detail."""

    def __init__(self, status: int, code: str, message: str, detail: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Manifest:
    """A stored manifest or index, as it was pushed."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.body)

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Repository:
    name: str
    private: bool = False
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class Registry:
    """Everything is in memory; blobs are shared by all repositories."""

    def __init__(self, credentials: Mapping[str, str] | None = None) -> None:
        self.credentials = dict(credentials or {})
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}

    # Kept between two runs of the sandbox

    def kept(self, put: Callable[[bytes], str]) -> dict[str, Any]:
        """As JSON, without uploads that are on their way; `put` keeps bytes and names them."""
        return {
            "blobs": {digest: put(body) for digest, body in self.blobs.items()},
            "repositories": [
                {
                    "name": each.name,
                    "private": each.private,
                    "tags": each.tags,
                    "manifests": [
                        [digest, manifest.media_type, put(manifest.body)]
                        for digest, manifest in each.manifests.items()
                    ],
                }
                for each in self.repositories.values()
            ],
        }

    def resume(self, kept: Mapping[str, Any], read: Callable[[str], bytes]) -> None:
        self.blobs.update({digest: read(name) for digest, name in kept["blobs"].items()})
        for each in kept["repositories"]:
            found = self.repositories.setdefault(each["name"], Repository(each["name"]))
            found.private, found.tags = each["private"], dict(each["tags"])
            for digest, media_type, name in each["manifests"]:
                found.manifests[digest] = Manifest(media_type, read(name))

    # Reading

    def repository(self, name: str) -> Repository:
        """Raises RegistryError NAME_UNKNOWN."""
        found = self.repositories.get(name)
        if found is None:
            raise RegistryError(
                404, "NAME_UNKNOWN", "repository name not known to registry", {"name": name}
            )
        return found

    def manifest(self, name: str, reference: str) -> Manifest:
        """By tag or digest. Raises RegistryError NAME_UNKNOWN or MANIFEST_UNKNOWN."""
        repository = self.repository(name)
        digest = reference if ":" in reference else repository.tags.get(reference, "")
        found = repository.manifests.get(digest)
        if found is None:
            word, key = ("digest", "Digest") if ":" in reference else ("tag", "Tag")
            detail = {key: reference} if word == "tag" else {"Name": name, "Revision": reference}
            raise RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown", detail)
        return found

    def blob(self, name: str, digest: str) -> bytes:
        """Raises RegistryError NAME_UNKNOWN or BLOB_UNKNOWN."""
        self.repository(name)
        found = self.blobs.get(digest)
        if found is None:
            raise RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        return found

    def tags(self, name: str, last: str = "", limit: int | None = None) -> tuple[list[str], bool]:
        """Tags in order after `last`; and whether there are more. Raises NAME_UNKNOWN."""
        after = [tag for tag in sorted(self.repository(name).tags) if tag > last]
        page = after if limit is None else after[:limit]
        return page, len(page) < len(after)

    def find_image(
        self, path: str, reference: str, keys: Mapping[str, str] | None = None
    ) -> Image | int:
        """For a kubelet: the image, or the HTTP status it would be refused with."""
        repository = self.repositories.get(path)
        if repository is not None and repository.private:
            known = (keys or {}).items() & self.credentials.items()
            if not known:
                return 403 if keys else 401
        try:
            manifest = self.manifest(path, reference)
            return self._image(path, manifest)
        except RegistryError as error:
            return error.status

    def _image(self, path: str, manifest: Manifest) -> Image:
        platform = manifest
        if manifest.media_type in INDEX_TYPES:
            platform = self.manifest(path, str(manifest.content["manifests"][0]["digest"]))
        content = platform.content
        config = json.loads(self.blob(path, content["config"]["digest"]))
        inner = config.get("config") or {}
        env = dict(each.split("=", 1) for each in inner.get("Env") or () if "=" in each)
        size = sum(int(layer["size"]) for layer in content["layers"])
        return Image(manifest.digest, size, dict(inner.get("Labels") or {}), env)

    # Writing

    def put_manifest(self, name: str, reference: str, media_type: str, body: bytes) -> Manifest:
        """Store what was pushed. Raises MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN."""
        try:
            content = json.loads(body)
        except ValueError as error:
            raise RegistryError(400, "MANIFEST_INVALID", "manifest invalid", str(error)) from error
        if not isinstance(content, dict):
            raise RegistryError(400, "MANIFEST_INVALID", "manifest invalid")
        media_type = str(content.get("mediaType") or media_type)
        if media_type not in INDEX_TYPES | MANIFEST_TYPES:
            detail = f"unsupported manifest media type: {media_type}"
            raise RegistryError(400, "MANIFEST_INVALID", "manifest invalid", detail)
        manifest = Manifest(media_type, body)
        if ":" in reference and reference != manifest.digest:
            raise RegistryError(
                400, "DIGEST_INVALID", "provided digest did not match uploaded content"
            )
        if ":" not in reference and not _TAG.fullmatch(reference):
            raise RegistryError(400, "TAG_INVALID", "manifest tag did not match URI", reference)
        repository = self.repositories.setdefault(name, Repository(name))
        self._check_parts(repository, media_type, content)
        repository.manifests[manifest.digest] = manifest
        if ":" not in reference:
            repository.tags[reference] = manifest.digest
        return manifest

    def _check_parts(
        self, repository: Repository, media_type: str, content: Mapping[str, Any]
    ) -> None:
        if media_type in INDEX_TYPES:
            parts = [str(each["digest"]) for each in content.get("manifests") or ()]
            missing = [each for each in parts if each not in repository.manifests]
        else:
            layers = [content.get("config") or {}, *(content.get("layers") or ())]
            parts = [str(each.get("digest")) for each in layers]
            missing = [each for each in parts if each not in self.blobs]
        if missing:
            raise RegistryError(
                404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", {"digest": missing[0]}
            )

    def put_blob(self, body: bytes, expected: str | None = None) -> str:
        """Store a blob; its digest. Raises DIGEST_INVALID when it is not the expected one."""
        digest = digest_of(body)
        if expected is not None and (expected != digest or not _DIGEST.fullmatch(expected)):
            raise RegistryError(
                400, "DIGEST_INVALID", "provided digest did not match uploaded content"
            )
        self.blobs[digest] = body
        return digest

    def start_upload(self, name: str) -> str:
        self.repositories.setdefault(name, Repository(name))
        identity = str(uuid.uuid4())
        self.uploads[identity] = bytearray()
        return identity

    def upload(self, identity: str) -> bytearray:
        """Raises BLOB_UPLOAD_UNKNOWN."""
        found = self.uploads.get(identity)
        if found is None:
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return found

    def add_image(
        self,
        name: str,
        tags: Sequence[str],
        *,
        created: datetime,
        labels: Mapping[str, str],
        env: Mapping[str, str] | None = None,
        size: int = 48_000_000,
    ) -> str:
        """Put an image in as `docker buildx --push` would; returns the digest of its index.

        `size` is what the layer claims to weigh, in bytes; its blob is only a line that says so.
        """
        repository = self.repositories.setdefault(name, Repository(name))
        entries = []
        for architecture in _PLATFORMS:
            manifest = self._platform(name, architecture, created, labels, env or {}, size)
            repository.manifests[manifest.digest] = manifest
            entries.append(
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": manifest.digest,
                    "size": len(manifest.body),
                    "platform": {"architecture": architecture, "os": "linux"},
                }
            )
        index = Manifest(
            OCI_INDEX,
            _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}),
        )
        repository.manifests[index.digest] = index
        for tag in tags:
            repository.tags[tag] = index.digest
        return index.digest

    def _platform(
        self,
        name: str,
        architecture: str,
        created: datetime,
        labels: Mapping[str, str],
        env: Mapping[str, str],
        size: int,
    ) -> Manifest:
        version = labels.get("org.opencontainers.image.version", "")
        layer = self.put_blob(f"{name} {version} {architecture}\n".encode())
        config = _json(
            {
                "created": created.strftime(_STAMP),
                "architecture": architecture,
                "os": "linux",
                "config": {
                    "User": "node",
                    "ExposedPorts": {"3000/tcp": {}},
                    "Env": [f"{key}={value}" for key, value in env.items()],
                    "Entrypoint": ["node", "dist/server.js"],
                    "WorkingDir": "/app",
                    "Labels": dict(labels),
                },
                "rootfs": {"type": "layers", "diff_ids": [layer]},
                "history": [{"created": created.strftime(_STAMP), "created_by": "COPY dist ."}],
            }
        )
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG,
                "digest": self.put_blob(config),
                "size": len(config),
            },
            "layers": [{"mediaType": OCI_LAYER, "digest": layer, "size": size}],
        }
        return Manifest(OCI_MANIFEST, _json(body))


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()
