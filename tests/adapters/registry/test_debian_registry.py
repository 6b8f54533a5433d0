"""The adapter against a registry that is not ours: push an image over HTTP, then ask for it."""

import json
from datetime import UTC, datetime

import aiohttp
import pytest

from bot.adapters.oci_registry import OciRegistry
from bot.errors import PortError, Trouble
from tests.adapters.registry.odd_registry import OCI_MANIFEST, digest_of


async def push(host: str, repository: str, tag: str, config: bytes, layer: bytes) -> str:
    """Push an image as the specification says: blobs first, then the manifest. Its digest."""
    async with aiohttp.ClientSession(f"http://{host}") as session:
        for blob in (config, layer):
            async with session.post(f"/v2/{repository}/blobs/uploads/") as started:
                assert started.status == 202
                location = started.headers["Location"]
            place = f"{location}&digest={digest_of(blob)}"
            async with session.put(place, data=blob) as stored:
                assert stored.status == 201, await stored.text()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": digest_of(layer),
                    "size": len(layer),
                }
            ],
        }
        async with session.put(
            f"/v2/{repository}/manifests/{tag}",
            data=json.dumps(manifest).encode(),
            headers={"Content-Type": OCI_MANIFEST},
        ) as tagged:
            assert tagged.status == 201, await tagged.text()
            return tagged.headers["Docker-Content-Digest"]


async def test_a_pushed_image_is_found_by_tag_and_by_digest(
    registry: str, images: OciRegistry
) -> None:
    config = {
        "created": "2026-11-20T10:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"org.opencontainers.image.revision": "4f2a9c1"}},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    digest = await push(
        registry, "dynamo/tasks-service", "1.4.2", json.dumps(config).encode(), b"layer"
    )
    repository = f"{registry}/dynamo/tasks-service"
    assert await images.tags(repository) == ["1.4.2"]
    by_tag = await images.resolve(repository, "1.4.2")
    assert by_tag.image.pinned == f"{repository}@{digest}"
    assert by_tag.revision == "4f2a9c1"
    assert by_tag.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (await images.resolve(repository, digest)).image.digest == digest


async def test_what_was_never_pushed_is_not_found(registry: str, images: OciRegistry) -> None:
    repository = f"{registry}/dynamo/tasks-service"
    for asking in (images.tags(repository), images.resolve(repository, "9.9.9")):
        with pytest.raises(PortError) as raised:
            await asking
        assert raised.value.trouble is Trouble.NOT_FOUND
