"""The registry answers by the OCI distribution specification: pulls, pages, pushes, refusals."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bot.sandbox.registry import release_table
from bot.sandbox.registry.store import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Registry

TASKS = "dynamo/tasks-service"
INDEX = {"Accept": f"{OCI_INDEX}, {OCI_MANIFEST}"}


async def errors(response: aiohttp.ClientResponse) -> list[str]:
    body = await response.json()
    assert all(each["message"] for each in body["errors"])
    return [each["code"] for each in body["errors"]]


async def test_the_ping_tells_the_version_of_the_protocol(client: aiohttp.ClientSession) -> None:
    async with client.get("/v2/") as response:
        assert response.status == 200
        assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


async def test_tags_come_in_pages_with_a_link_to_the_next(client: aiohttp.ClientSession) -> None:
    found: list[str] = []
    url: str | None = f"/v2/{TASKS}/tags/list?n=2"
    pages = 0
    while url is not None:
        async with client.get(url) as response:
            body = await response.json()
            assert body["name"] == TASKS
            found += body["tags"]
            pages += 1
            assert pages <= 3, "the pages do not end"
            link = response.links.get("next")
            url = None if link is None else URL(str(link["url"])).path_qs
    assert found == ["1.2.0", "1.3.1", "1.3.2", "1.4.0", "1.5.0"]
    assert pages == 3


async def test_a_page_of_nonsense_is_refused(client: aiohttp.ClientSession) -> None:
    for number in ("0", "-1", "many", "100000"):
        async with client.get(f"/v2/{TASKS}/tags/list", params={"n": number}) as response:
            assert response.status == 400
            assert await errors(response) == ["PAGINATION_NUMBER_INVALID"]


async def test_a_tag_leads_to_index_manifest_config_and_labels(
    client: aiohttp.ClientSession,
) -> None:
    async with client.head(f"/v2/{TASKS}/manifests/1.3.2", headers=INDEX) as response:
        assert response.status == 200
        assert response.content_type == OCI_INDEX
        digest = response.headers["Docker-Content-Digest"]
        size = int(response.headers["Content-Length"])
    async with client.get(f"/v2/{TASKS}/manifests/{digest}", headers=INDEX) as response:
        body = await response.read()
        assert len(body) == size
        assert f"sha256:{hashlib.sha256(body).hexdigest()}" == digest
    platforms = {each["platform"]["architecture"]: each for each in json.loads(body)["manifests"]}
    assert set(platforms) == {"amd64", "arm64"}
    inner = platforms["amd64"]["digest"]
    async with client.get(f"/v2/{TASKS}/manifests/{inner}", headers=INDEX) as response:
        assert response.content_type == OCI_MANIFEST
        manifest = json.loads(await response.read())
    async with client.get(f"/v2/{TASKS}/blobs/{manifest['config']['digest']}") as response:
        config = json.loads(await response.read())
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == "1.3.2"
    assert config["created"] == "2026-11-03T10:00:00Z"


async def test_an_index_is_not_given_to_who_cannot_read_one(client: aiohttp.ClientSession) -> None:
    headers = {"Accept": OCI_MANIFEST}
    async with client.get(f"/v2/{TASKS}/manifests/1.3.2", headers=headers) as response:
        assert response.status == 404
        assert await errors(response) == ["MANIFEST_UNKNOWN"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{TASKS}/manifests/9.9.9", "MANIFEST_UNKNOWN"),
        (f"{TASKS}/manifests/sha256:{'0' * 64}", "MANIFEST_UNKNOWN"),
        ("dynamo/nobody/manifests/1.0.0", "NAME_UNKNOWN"),
        ("dynamo/nobody/tags/list", "NAME_UNKNOWN"),
        (f"{TASKS}/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
        ("Dynamo/TASKS/tags/list", "NAME_INVALID"),
    ],
)
async def test_what_is_not_there_is_named(
    client: aiohttp.ClientSession, path: str, code: str
) -> None:
    async with client.get(f"/v2/{path}") as response:
        assert response.status == 404
        assert await errors(response) == [code]
    async with client.head(f"/v2/{path}") as response:
        assert response.status == 404


async def test_a_private_repository_asks_for_credentials(
    client: aiohttp.ClientSession, registry: Registry
) -> None:
    registry.repositories[TASKS].private = True
    url = f"/v2/{TASKS}/manifests/1.3.2"
    async with client.get(url, headers=INDEX) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Basic realm="Registry"'
        assert await errors(response) == ["UNAUTHORIZED"]
    for password, status in (("wrong", 401), ("secret", 200)):
        token = base64.b64encode(f"dynamo:{password}".encode()).decode()
        headers = {**INDEX, "Authorization": f"Basic {token}"}
        async with client.get(url, headers=headers) as response:
            assert response.status == status
    async with client.get(url, headers={**INDEX, "Authorization": "Basic %%%"}) as response:
        assert response.status == 401
    assert registry.find_image(TASKS, "1.3.2") == 401


# Push


async def upload(client: aiohttp.ClientSession, name: str, body: bytes, chunks: int) -> str:
    """As `docker push` does it: start, send in chunks, finish with the digest."""
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    async with client.head(f"/v2/{name}/blobs/{digest}") as response:
        assert response.status == 404
    async with client.post(f"/v2/{name}/blobs/uploads/") as response:
        assert response.status == 202
        assert response.headers["Docker-Upload-UUID"]
        location = response.headers["Location"]
    step = -(-len(body) // chunks)
    for start in range(0, len(body), step):
        chunk = body[start : start + step]
        headers = {
            "Content-Range": f"{start}-{start + len(chunk) - 1}",
            "Content-Type": "application/octet-stream",
        }
        async with client.patch(location, data=chunk, headers=headers) as response:
            assert response.status == 202
            assert response.headers["Range"] == f"0-{start + len(chunk) - 1}"
            location = response.headers["Location"]
    async with client.put(location, params={"digest": digest}) as response:
        assert response.status == 201
        assert response.headers["Docker-Content-Digest"] == digest
    return digest


async def test_an_image_that_is_pushed_can_be_pulled_and_run(
    client: aiohttp.ClientSession, registry: Registry
) -> None:
    name = "dynamo/new-service"
    layer = b"x" * (3 * 1024 * 1024)  # larger than the usual limit of a request's body
    config = json.dumps({"config": {"Labels": {"sandbox.dynamo/behaviour": "healthy"}}}).encode()
    layers = [
        {"mediaType": OCI_LAYER, "digest": await upload(client, name, layer, 3), "size": len(layer)}
    ]
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": OCI_CONFIG,
            "digest": await upload(client, name, config, 1),
            "size": len(config),
        },
        "layers": layers,
    }
    url = f"/v2/{name}/manifests/0.1.0"
    headers = {"Content-Type": OCI_MANIFEST}
    async with client.put(url, data=json.dumps(manifest), headers=headers) as response:
        assert response.status == 201
        digest = response.headers["Docker-Content-Digest"]
    async with client.get(f"/v2/{name}/manifests/{digest}", headers=INDEX) as response:
        assert json.loads(await response.read()) == manifest
    found = registry.find_image(name, digest)
    assert not isinstance(found, int)
    assert found.size == len(layer)
    assert found.labels == {"sandbox.dynamo/behaviour": "healthy"}
    async with client.get("/v2/_catalog") as response:
        assert (await response.json())["repositories"] == [name, TASKS]


async def test_a_manifest_of_parts_that_were_not_pushed_is_refused(
    client: aiohttp.ClientSession,
) -> None:
    missing = {"mediaType": OCI_CONFIG, "digest": f"sha256:{'1' * 64}", "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": missing, "layers": []}
    for body, code, status in (
        (json.dumps(manifest), "MANIFEST_BLOB_UNKNOWN", 404),
        ("{", "MANIFEST_INVALID", 400),
        ("[]", "MANIFEST_INVALID", 400),
        (json.dumps({"mediaType": "text/plain"}), "MANIFEST_INVALID", 400),
    ):
        async with client.put(f"/v2/{TASKS}/manifests/2.0.0", data=body) as response:
            assert response.status == status
            assert await errors(response) == [code]


async def test_a_blob_with_another_digest_than_it_claims_is_refused(
    client: aiohttp.ClientSession, registry: Registry
) -> None:
    wrong = f"sha256:{'2' * 64}"
    url = f"/v2/{TASKS}/blobs/uploads/"
    async with client.post(url, params={"digest": wrong}, data=b"hello") as response:
        assert response.status == 400
        assert await errors(response) == ["DIGEST_INVALID"]
    assert wrong not in registry.blobs


async def test_a_chunk_out_of_order_is_refused(client: aiohttp.ClientSession) -> None:
    async with client.post(f"/v2/{TASKS}/blobs/uploads/") as response:
        location = response.headers["Location"]
    headers = {"Content-Range": "100-104"}
    async with client.patch(location, data=b"hello", headers=headers) as response:
        assert response.status == 416


async def test_a_layer_that_is_there_already_is_mounted(
    client: aiohttp.ClientSession, registry: Registry
) -> None:
    digest = next(iter(registry.blobs))
    url = "/v2/dynamo/other/blobs/uploads/"
    async with client.post(url, params={"mount": digest, "from": TASKS}) as response:
        assert response.status == 201
    async with client.head(f"/v2/dynamo/other/blobs/{digest}") as response:
        assert response.status == 200


async def test_what_the_registry_does_not_do_is_said(client: aiohttp.ClientSession) -> None:
    async with client.delete(f"/v2/{TASKS}/manifests/1.3.2") as response:
        assert response.status == 405
        assert await errors(response) == ["UNSUPPORTED"]


# The table of versions


def test_dev_runs_something_newer_than_qa_of_every_service() -> None:
    services = {release.service for release in release_table.RELEASES}
    assert len(services) == 6
    for service in services:
        dev, qa = (release_table.running(service, place) for place in ("dev", "qa"))
        prod = release_table.running(service, "prod")
        assert dev is not None
        assert qa is not None
        assert prod is not None
        assert dev.days_old < qa.days_old <= prod.days_old
        assert {each.behaviour for each in (dev, qa, prod)} == {"healthy"}


def test_digests_follow_from_the_table_alone() -> None:
    first, second = Registry(), Registry()
    assert release_table.fill(first) == release_table.fill(second)
    crashing = first.find_image("dynamo/tasks-service", "1.5.0")
    assert not isinstance(crashing, int)
    assert crashing.labels["sandbox.dynamo/behaviour"] == "crash-at-start"
    assert crashing.labels["org.opencontainers.image.source"].endswith("/tasks-service")
    assert len(crashing.labels["org.opencontainers.image.revision"]) == 40
