"""The registry adapter, over the wire: versions, digests, labels, log-in, and odd registries."""

import asyncio
import base64
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from bot.adapters.oci_http import RegistryHttp
from bot.adapters.oci_registry import OciRegistry
from bot.errors import PortError, Trouble
from tests.adapters.registry.odd_registry import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Handler,
    OddRegistry,
    answers,
    digest_of,
    error,
)

LABELS = {
    "org.opencontainers.image.created": "2026-11-20T10:00:00Z",
    "org.opencontainers.image.revision": "4f2a9c1",
    "org.opencontainers.image.source": "https://github.com/yourorg/tasks-service",
    "team": "tasks",
}


def sends_to(location: str) -> Handler:
    return answers(lambda: web.Response(status=307, headers={"Location": location}))


def tasks(odd: OddRegistry) -> str:
    return f"{odd.host}/dynamo/tasks-service"


# Versions


async def test_tags_come_in_the_registry_order_from_all_pages(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.tags = [f"1.0.{number}" for number in range(25)]
    odd.page = 10
    assert await images.tags(tasks(odd)) == odd.tags
    assert len(odd.requests) == 3


async def test_a_repository_without_tags_has_none(odd: OddRegistry, images: OciRegistry) -> None:
    odd.null_tags = True
    assert await images.tags(tasks(odd)) == []


async def test_pages_that_never_end_are_left(odd: OddRegistry, images: OciRegistry) -> None:
    odd.tags = [str(number) for number in range(10_000)]
    odd.page = 1
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.UNEXPECTED
    assert len(odd.requests) <= 200


async def test_a_page_on_another_host_is_not_followed(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.tags, odd.page = ["1", "2"], 1
    odd.link_host = "http://127.0.0.2:9"
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.UNEXPECTED


async def test_an_unknown_repository_is_named(odd: OddRegistry, images: OciRegistry) -> None:
    with pytest.raises(PortError) as raised:
        await images.tags(f"{odd.host}/dynamo/nothing")
    assert raised.value.trouble is Trouble.NOT_FOUND
    assert raised.value.values["repository"] == f"{odd.host}/dynamo/nothing"
    assert not raised.value.temporary


# Digests and labels


@pytest.mark.parametrize("media", [OCI_MANIFEST, DOCKER_MANIFEST])
async def test_a_tag_becomes_a_digest_with_its_labels(
    odd: OddRegistry, images: OciRegistry, media: str
) -> None:
    digest = odd.add_image("1.4.2", labels=LABELS, media=media)
    found = await images.resolve(tasks(odd), "1.4.2")
    assert found.image.pinned == f"{tasks(odd)}@{digest}"
    assert found.image.tag == "1.4.2"
    assert found.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert found.revision == "4f2a9c1"
    assert found.source == "https://github.com/yourorg/tasks-service"
    assert found.labels["team"] == "tasks"


async def test_a_digest_is_checked_to_exist(odd: OddRegistry, images: OciRegistry) -> None:
    digest = odd.add_image("1.4.2", labels=LABELS)
    found = await images.resolve(tasks(odd), digest)
    assert (found.image.digest, found.image.tag) == (digest, "")
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), "sha256:" + "0" * 64)
    assert raised.value.trouble is Trouble.NOT_FOUND


async def test_a_version_that_is_not_there_is_named(odd: OddRegistry, images: OciRegistry) -> None:
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), "9.9.9")
    assert raised.value.trouble is Trouble.NOT_FOUND
    assert raised.value.values["version"] == "9.9.9"
    assert raised.value.values["repository"] == tasks(odd)


@pytest.mark.parametrize(
    "version", ["", "-1", "../../x", "1 2", "a" * 129, "ü", "1.0\n", "sha256:12"]
)
async def test_a_version_that_cannot_exist_is_not_even_asked_for(
    odd: OddRegistry, images: OciRegistry, version: str
) -> None:
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), version)
    assert raised.value.trouble is Trouble.NOT_FOUND
    assert odd.requests == []


@pytest.mark.parametrize("path", ["UPPER/case", "a//b", "../etc", "a b", "x?y=z", "x#y", "-x"])
async def test_a_repository_that_cannot_exist_is_not_even_asked_for(
    odd: OddRegistry, images: OciRegistry, path: str
) -> None:
    with pytest.raises(PortError) as raised:
        await images.resolve(f"{odd.host}/{path}", "1.0.0")
    assert raised.value.trouble is Trouble.INVALID
    assert odd.requests == []


async def test_a_multi_platform_image_keeps_the_digest_of_its_index(
    odd: OddRegistry, images: OciRegistry
) -> None:
    other = odd.add_image(labels={"org.opencontainers.image.revision": "wrong"}, arm=True)
    attestation = odd.add_image(labels={"org.opencontainers.image.revision": "proof"}, proof=True)
    wanted = odd.add_image(labels=LABELS)
    index = odd.add_manifest(
        OCI_INDEX,
        {
            "manifests": [
                {"digest": attestation, "platform": {"os": "unknown", "architecture": "unknown"}},
                {"digest": other, "platform": {"os": "linux", "architecture": "arm64"}},
                {"digest": wanted, "platform": {"os": "linux", "architecture": "amd64"}},
            ]
        },
        "1.4.2",
    )
    found = await images.resolve(tasks(odd), "1.4.2")
    assert found.image.digest == index
    assert found.revision == "4f2a9c1"


async def test_annotations_tell_what_labels_do_not(odd: OddRegistry, images: OciRegistry) -> None:
    annotations = {"org.opencontainers.image.revision": "abc", "odd": 7}
    odd.add_manifest(OCI_MANIFEST, {"annotations": annotations}, "1.0.0")
    found = await images.resolve(tasks(odd), "1.0.0")
    assert found.revision == "abc"
    assert "odd" not in found.labels


async def test_the_zero_date_of_reproducible_builds_tells_nothing(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.add_image("1.0.0", created="1970-01-01T00:00:00Z")
    odd.add_image("1.0.1", created="2026-11-20T10:00:00.123456789Z")
    odd.add_image("1.0.2", created="yesterday")
    assert (await images.resolve(tasks(odd), "1.0.0")).created_at is None
    later = (await images.resolve(tasks(odd), "1.0.1")).created_at
    assert later is not None
    assert later.isoformat().startswith("2026-11-20T10:00:00.123456")
    assert (await images.resolve(tasks(odd), "1.0.2")).created_at is None


async def test_what_was_looked_at_once_costs_one_head(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.add_image("1.4.2", "latest", labels=LABELS)
    await images.resolve(tasks(odd), "1.4.2")
    before = len(odd.requests)
    found = await images.resolve(tasks(odd), "latest")
    assert found.image.tag == "latest"
    assert odd.requests[before:] == [("HEAD", "/v2/dynamo/tasks-service/manifests/latest")]


@pytest.mark.parametrize("oddity", ["names_digests", "knows_head"])
async def test_a_registry_that_does_not_name_digests_has_them_counted(
    odd: OddRegistry, images: OciRegistry, oddity: str
) -> None:
    setattr(odd, oddity, False)
    digest = odd.add_image("1.4.2", labels=LABELS)
    assert (await images.resolve(tasks(odd), "1.4.2")).image.digest == digest
    assert (await images.resolve(tasks(odd), digest)).revision == "4f2a9c1"


async def test_a_manifest_that_does_not_fit_its_digest_is_refused(
    odd: OddRegistry, images: OciRegistry
) -> None:
    digest = odd.add_image("1.4.2", labels=LABELS)
    odd.manifests[digest] = (OCI_MANIFEST, b'{"config": null}')
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), "1.4.2")
    assert raised.value.trouble is Trouble.UNEXPECTED


async def test_another_digest_than_the_one_asked_for_is_refused(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.add_image("1.4.2", labels=LABELS)
    asked = digest_of(b"something else")
    odd.manifests[asked] = odd.manifests["1.4.2"]
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), asked)
    assert raised.value.trouble is Trouble.UNEXPECTED


async def test_an_artifact_whose_configuration_is_odd_still_has_its_digest(
    odd: OddRegistry, images: OciRegistry
) -> None:
    blob = b"no json"
    odd.blobs[digest_of(blob)] = blob
    digest = odd.add_manifest(OCI_MANIFEST, {"config": {"digest": digest_of(blob)}}, "1.0.0")
    gone = odd.add_manifest(OCI_MANIFEST, {"config": {"digest": digest_of(b"gone")}}, "1.0.1")
    assert (await images.resolve(tasks(odd), "1.0.0")).image.digest == digest
    assert (await images.resolve(tasks(odd), "1.0.1")).image.digest == gone


# Refusals


@pytest.mark.parametrize(
    ("status", "trouble", "temporary"),
    [
        (401, Trouble.UNAUTHENTICATED, False),
        (403, Trouble.FORBIDDEN, False),
        (404, Trouble.NOT_FOUND, False),
        (418, Trouble.UNEXPECTED, False),
        (500, Trouble.AWAY, True),
        (503, Trouble.AWAY, True),
    ],
)
async def test_refusals_have_their_meaning(
    odd: OddRegistry, images: OciRegistry, status: int, trouble: Trouble, temporary: bool
) -> None:
    odd.faults.append(answers(lambda: error(status, "DENIED", "the registry's own words")))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is trouble
    assert raised.value.temporary is temporary
    assert raised.value.values["message"] == "DENIED: the registry's own words"
    assert raised.value.values["registry"] == odd.host


async def test_a_busy_registry_says_when_to_come_again(
    odd: OddRegistry, images: OciRegistry
) -> None:
    busy = web.Response(status=429, headers={"Retry-After": "17"})
    odd.faults.append(answers(lambda: busy))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.THROTTLED
    assert (raised.value.temporary, raised.value.retry_after) == (True, 17)


async def test_a_registry_that_is_away_is_temporary(odd: OddRegistry, images: OciRegistry) -> None:
    await odd.stop()
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), "1.0.0")
    assert raised.value.trouble is Trouble.AWAY
    assert raised.value.temporary


async def test_a_registry_that_does_not_answer_in_time_is_away(odd: OddRegistry) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("never")

    odd.faults.append(slow)
    images = OciRegistry(http=RegistryHttp(total=0.2))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.AWAY
    assert raised.value.temporary
    await images.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"tags": "all"}', b'{"tags": [1]}', b"\xff"])
async def test_an_odd_list_of_tags_is_unexpected(
    odd: OddRegistry, images: OciRegistry, body: bytes
) -> None:
    odd.faults.append(answers(lambda: web.Response(body=body)))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.UNEXPECTED


async def test_an_endless_answer_is_cut(odd: OddRegistry, images: OciRegistry) -> None:
    body = b'{"tags": []' + b" " * (9 * 2**20) + b"}"
    odd.faults.append(answers(lambda: web.Response(body=body)))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.UNEXPECTED


@pytest.mark.parametrize("url", ["http://registry.yourapp.com", "ftp://127.0.0.1", "file:///etc"])
async def test_plain_http_is_for_this_machine_only(url: str) -> None:
    images = OciRegistry(registry_url=url)
    with pytest.raises(PortError) as raised:
        await images.tags("registry.yourapp.com/dynamo/tasks-service")
    assert raised.value.trouble is Trouble.INVALID
    await images.close()


async def test_a_redirect_to_plain_http_elsewhere_is_refused(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.faults.append(sends_to("http://storage.yourapp.com/blob"))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.INVALID


async def test_a_redirect_to_a_storage_goes_without_our_credentials(
    odd: OddRegistry, images: OciRegistry
) -> None:
    storage = OddRegistry()
    await storage.start()
    odd.login = "bearer"
    odd.add_image("1.4.2", labels=LABELS)
    given = []

    async def store(request: web.Request) -> web.StreamResponse:
        given.append(request.headers.get("Authorization"))
        return web.json_response({"tags": ["from the storage"]})

    await images.tags(tasks(odd))
    storage.faults.append(store)
    odd.faults.append(sends_to(f"http://{storage.host}/v2/x/tags/list"))
    assert await images.tags(tasks(odd)) == ["from the storage"]
    assert given == [None]
    await storage.stop()


async def test_redirects_in_a_circle_are_left(odd: OddRegistry, images: OciRegistry) -> None:
    odd.faults.extend([sends_to("/v2/x/tags/list")] * 20)
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.UNEXPECTED


# Where, and who


async def test_the_api_may_be_elsewhere_than_the_name_says(odd: OddRegistry) -> None:
    digest = odd.add_image("1.4.2", labels=LABELS)
    images = OciRegistry(registry_url=f"http://{odd.host}/")
    found = await images.resolve("registry.yourapp.com/dynamo/tasks-service", "1.4.2")
    assert found.image.pinned == f"registry.yourapp.com/dynamo/tasks-service@{digest}"
    await images.close()


@pytest.mark.parametrize(
    ("repository", "api", "path"),
    [
        ("nginx", "https://registry-1.docker.io", "library/nginx"),
        ("grafana/grafana", "https://registry-1.docker.io", "grafana/grafana"),
        ("docker.io/grafana/grafana", "https://registry-1.docker.io", "grafana/grafana"),
        ("ghcr.io/org/app", "https://ghcr.io", "org/app"),
        ("localhost:5000/dynamo/app", "http://localhost:5000", "dynamo/app"),
        ("registry.yourapp.com:5000/app", "https://registry.yourapp.com:5000", "app"),
    ],
)
def test_a_name_says_where_its_registry_is(repository: str, api: str, path: str) -> None:
    place = RegistryHttp().place(repository)
    assert (str(place.api), place.path) == (api, path)


async def test_a_token_is_fetched_where_one_is_asked_for_and_kept(
    odd: OddRegistry, images: OciRegistry
) -> None:
    odd.login = "bearer"
    odd.add_image("1.4.2", labels=LABELS)
    assert (await images.resolve(tasks(odd), "1.4.2")).revision == "4f2a9c1"
    await images.tags(tasks(odd))
    scope = "repository:dynamo/tasks-service:pull"
    assert odd.token_requests == [{"service": "odd", "scope": scope}]


@pytest.mark.parametrize("login", ["bearer", "basic"])
async def test_credentials_of_the_docker_file_are_used(
    odd: OddRegistry, images: OciRegistry, tmp_path: Path, login: str
) -> None:
    odd.login, odd.account = login, ("dynamo", "s3cret")
    odd.add_image("1.4.2", labels=LABELS)
    with pytest.raises(PortError) as raised:
        await images.resolve(tasks(odd), "1.4.2")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    auth = base64.b64encode(b"dynamo:s3cret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {odd.host: {"auth": auth}}}))
    assert (await images.resolve(tasks(odd), "1.4.2")).revision == "4f2a9c1"


async def test_broken_credentials_are_told_without_their_content(
    odd: OddRegistry, images: OciRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    odd.login, odd.account = "basic", ("dynamo", "s3cret")
    (tmp_path / "config.json").write_text('{"auths": {"x": s3cret')
    with pytest.raises(PortError):
        await images.tags(tasks(odd))
    assert "could not be read" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("body", [{}, [], {"token": 7}, {"token": "x", "expires_in": -1}])
async def test_a_realm_that_gives_no_token_is_no_way_in(
    odd: OddRegistry, images: OciRegistry, body: object
) -> None:
    odd.login, odd.token_body = "bearer", body
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble in (Trouble.UNAUTHENTICATED, Trouble.UNEXPECTED)


async def test_credentials_are_not_sent_to_a_realm_over_plain_http(
    odd: OddRegistry, images: OciRegistry
) -> None:
    challenge = 'Bearer realm="http://realm.yourapp.com/token",service="odd"'
    headers = {"WWW-Authenticate": challenge}
    odd.faults.append(answers(lambda: web.Response(status=401, headers=headers)))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.trouble is Trouble.INVALID


@pytest.mark.parametrize("challenge", ["", "Negotiate", "Bearer", 'Bearer realm="::no url::"'])
async def test_a_challenge_that_nobody_understands_is_no_way_in(
    odd: OddRegistry, images: OciRegistry, challenge: str
) -> None:
    headers = {"WWW-Authenticate": challenge}
    odd.faults.append(answers(lambda: web.Response(status=401, headers=headers)))
    with pytest.raises(PortError) as raised:
        await images.tags(tasks(odd))
    assert raised.value.port == "registry"
