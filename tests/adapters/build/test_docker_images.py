"""Images built by a real Docker Engine and pushed to a real registry, and all that stops one."""

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import docker
import pytest

from bot.adapters.build_command import _PASSED_ON
from bot.adapters.docker_images import DockerImages, Limits, _not_pushed
from bot.adapters.oci_registry import OciRegistry
from bot.adapters.wall_clock import WallClock
from bot.domain.build import BuildStep, Cause, Failure
from bot.errors import PortError, Trouble
from bot.ports import Order, Report
from bot.workflows.building import Patience, build_image

pytestmark = pytest.mark.engine


class Images:
    """The builder's steps one after the other, as a build runs them."""

    def __init__(self, engine: str, **options: Any) -> None:
        self.builder = DockerImages(engine, **options)
        self.clock = WallClock()

    async def build(self, order: Order, files: Path, report: Report) -> str | Failure:
        return await build_image(order, files, self.builder, report, Patience(self.clock))


@pytest.fixture
def images(engine: str) -> Images:
    return Images(engine)


async def tags(registry: str) -> list[str]:
    url = f"http://{registry}/v2/dynamo/tasks-service/tags/list"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return (await answer.json()).get("tags") or []


def names(engine: str) -> list[str]:
    client = docker.APIClient(base_url=engine, version="auto")
    try:
        names = [name for image in client.images() for name in image["RepoTags"] or []]
        return [name for name in names if name != "<none>:<none>"]
    finally:
        client.close()


def containers(engine: str) -> list[str]:
    client = docker.APIClient(base_url=engine, version="auto")
    try:
        return [each["Id"] for each in client.containers()]
    finally:
        client.close()


def processes(argument: str) -> list[str]:
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if argument in line]


async def gone(argument: str) -> None:
    async with asyncio.timeout(60):
        while processes(argument):
            await asyncio.sleep(0.1)


async def test_an_image_is_built_labelled_pushed_and_known_by_its_digest(
    images, engine, registry, order, context, said
):
    digest = await images.build(order(), context, said.append)
    adapter = OciRegistry()
    try:
        found = await adapter.resolve(order.name, "20261124-4f2a9c1")
    finally:
        await adapter.close()
    assert found.image.digest == digest
    prefix = "org.opencontainers.image"
    assert found.labels[f"{prefix}.revision"] == "4f2a9c1" + "0" * 33
    assert found.labels[f"{prefix}.source"] == "https://github.com/yourorg/tasks-service"
    assert found.labels[f"{prefix}.version"] == "20261124-4f2a9c1"
    assert found.labels[f"{prefix}.created"] == "2026-11-24T12:00:00Z"
    assert found.labels["com.dynamo.builder"]
    words = [each.words for each in said if each.words]
    assert words[0] == "Step 1/10 : FROM scratch"
    assert [each.step for each in said if not each.line] == [BuildStep.IMAGE, BuildStep.PUSH]
    ours = [name for name in names(engine) if registry in name or "building" in name]
    assert ours == [f"{order.name}:20261124-4f2a9c1"]


async def test_the_same_commit_built_again_has_the_same_digest(images, order, context, said):
    first = await images.build(order(), context, said.append)
    for path in context.iterdir():
        os.utime(path, (1, 1))
    assert await images.build(order(build="b2"), context, said.append) == first


async def test_the_command_runs_in_the_checkout_without_our_secrets(
    images, order, context, said, monkeypatch
):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-never-seen")
    monkeypatch.setenv("GITHUB_TOKEN", "never-seen")
    command = "env; echo two > app.txt; pwd"
    assert str(await images.build(order(command=command), context, said.append)).startswith("sha2")
    assert "never-seen" not in said.text
    assert str(context) in said.text
    assert "CI=true" in said.text
    assert (context / "app.txt").read_text() == "two\n"


async def test_the_command_gets_what_is_on_the_list_and_a_home_of_its_own(
    images, order, context, said, monkeypatch, tmp_path
):
    """Registry credentials stand in the home of whoever runs Dynamo, tokens in its environment."""
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    config = '{"auths": {}, "HttpHeaders": {"X-Registry": "never-seen"}}'
    (home / ".docker" / "config.json").write_text(config)
    monkeypatch.setenv("HOME", str(home))
    for name in (
        "DOCKER_CONFIG",
        "KUBECONFIG",
        "AWS_SECRET_ACCESS_KEY",
        "NPM_TOKEN",
        "DOCKER_HOST",
    ):
        monkeypatch.setenv(name, "never-seen")
    command = 'env | cut -d= -f1 | sort; cat ~/.docker/config.json; ls -A "$HOME" | wc -l'
    await images.build(order(command=command), context, said.append)
    assert "never-seen" not in said.text
    lines = [each.line for each in said if each.step is BuildStep.COMMAND and each.line]
    allowed = {*_PASSED_ON, "HOME", "TMPDIR", "LANG", "CI", "VERSION", "COMMIT"}
    allowed |= {"SOURCE_DATE_EPOCH", "PWD", "OLDPWD", "SHLVL", "_"}  # the last four are the shell's
    named = {line for line in lines if line.replace("_", "").isalnum() and not line.isdigit()}
    assert {"HOME", "PATH", "COMMIT"} <= named <= allowed
    assert lines[-1] == "0"


async def test_credentials_that_cannot_be_read_are_told_and_not_waited_for(
    images, order, context, said, monkeypatch, tmp_path
):
    (tmp_path / "config.json").write_text('{"auths": {"r.io": {"auth": "no base64"}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    ended = await images.build(order(), context, said.append)
    assert (ended.cause, ended.values["trouble"]) == (Cause.REFUSED, Trouble.INVALID)
    assert "config.json" in ended.values["message"]


async def test_what_a_command_prints_is_redacted(images, order, context, said):
    await images.build(order(command="echo token=abcdef0123456789; exit 3"), context, said.append)
    assert "abcdef0123456789" not in said.text
    assert "[redacted]" in said.text


async def test_a_command_that_fails_ends_the_build_with_its_status(images, order, context, said):
    ended = await images.build(order(command="echo broken >&2; exit 3"), context, said.append)
    assert ended == Failure(Cause.COMMAND, BuildStep.COMMAND, {"exit": "3"})
    assert "broken" in said.text


async def test_a_command_that_never_ends_is_killed_with_all_that_it_started(
    engine, order, context, said
):
    images = Images(engine, limits=Limits(command=1))
    command = "sleep 98761 & sleep 98762; wait"
    ended = await images.build(order(command=command), context, said.append)
    assert (ended.cause, ended.step) == (Cause.TIMED_OUT, BuildStep.COMMAND)
    await gone("9876")


async def test_a_command_that_ends_leaves_nothing_running(images, order, context, said):
    command = "sleep 98763 & echo started"
    began = time.monotonic()
    assert isinstance(await images.build(order(command=command), context, said.append), str)
    assert time.monotonic() - began < 30
    await gone("98763")


async def test_a_dockerfile_that_never_ends_is_stopped_with_its_container(
    engine, registry, order, context, said
):
    images = Images(engine, limits=Limits(image=3))
    (context / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "sleep", "98764"]\n'
    )
    ended = await images.build(order(), context, said.append)
    assert (ended.cause, ended.step) == (Cause.TIMED_OUT, BuildStep.IMAGE)
    await gone("sleep 98764")
    async with asyncio.timeout(60):
        while containers(engine):
            await asyncio.sleep(0.1)
    assert not [name for name in names(engine) if registry in name or "building" in name]
    assert await tags(registry) == []


async def test_a_cancelled_build_leaves_no_tag_and_nothing_running(
    images, engine, registry, order, context, said
):
    (context / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "sleep", "98765"]\n'
    )
    building = asyncio.create_task(images.build(order(), context, said.append))
    await said.until(lambda s: bool(processes("/busybox sleep 98765")))
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await gone("sleep 98765")
    assert not [name for name in names(engine) if registry in name or "building" in name]
    assert await tags(registry) == []


async def test_a_step_that_fails_is_told_in_the_engines_words(images, order, context, said):
    (context / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "cat", "/no-such-file"]\n'
    )
    ended = await images.build(order(), context, said.append)
    assert (ended.cause, ended.step) == (Cause.IMAGE, BuildStep.IMAGE)
    assert "returned a non-zero code: 1" in ended.values["message"]
    assert "No such file or directory" in said.text
    assert [each.words for each in said if each.words][-1].startswith("Step 3/")


async def test_what_dockerignore_names_is_not_sent(images, order, context, said, registry):
    (context / ".dockerignore").write_text(
        "# not these\nsecret.env\nnode_modules\n*.md\n!keep.md\n"
    )
    (context / "secret.env").write_text("KEY=1")
    (context / "keep.md").write_text("kept")
    (context / "drop.md").write_text("dropped")
    (context / "Dockerfile").write_text(
        "FROM scratch\nCOPY . /all\n"
        'RUN ["/all/busybox", "sh", "-c", "/all/busybox ls -A /all; /all/busybox true"]\n'
    )
    assert isinstance(await images.build(order(), context, said.append), str)
    assert "keep.md" in said.text
    for absent in ("secret.env", "drop.md"):
        assert absent not in said.text


async def test_a_dockerignore_that_ignores_the_dockerfile_or_is_a_link_changes_nothing(
    images, order, context, said
):
    (context / ".dockerignore").write_text("*\n!busybox\n!app.txt\n")
    assert isinstance(await images.build(order(), context, said.append), str)
    (context / ".dockerignore").unlink()
    (context / ".dockerignore").symlink_to("/etc/passwd")
    assert isinstance(await images.build(order(), context, said.append), str)


async def test_a_context_over_the_limit_is_refused_before_it_is_sent(engine, order, context, said):
    images = Images(engine, limits=Limits(context=1_000_000))
    ended = await images.build(order(), context, said.append)
    assert ended == Failure(Cause.TOO_LARGE, BuildStep.IMAGE, {"what": "context", "limit": "1"})


async def test_a_command_that_fills_the_disk_is_stopped(engine, order, context, said):
    images = Images(engine, limits=Limits(checkout=20_000_000))
    command = "while :; do head -c 1000000 /dev/zero >> big; sleep 0.01; done"
    ended = await images.build(order(command=command), context, said.append)
    assert (ended.cause, ended.step) == (Cause.TOO_LARGE, BuildStep.COMMAND)
    assert (context / "big").stat().st_size < 1_000_000_000


async def test_no_dockerfile_or_a_link_in_its_place_is_refused(images, order, context, said):
    (context / "Dockerfile").unlink()
    assert await images.build(order(), context, said.append) == Failure(
        Cause.NO_DOCKERFILE, BuildStep.IMAGE
    )
    (context / "Dockerfile").symlink_to("/etc/hostname")
    assert (await images.build(order(), context, said.append)).cause is Cause.NO_DOCKERFILE


async def test_where_no_engine_answers_the_port_says_so(order, context, said, tmp_path):
    builder = DockerImages(f"unix://{tmp_path}/none.sock")
    for asking in (builder.simulated(), builder.image(order(), context, said.append)):
        with pytest.raises(PortError) as raised:
            await asking
        assert (raised.value.port, raised.value.trouble) == ("builder", Trouble.AWAY)
        assert raised.value.temporary


async def test_images_can_be_pushed_to_another_address_than_their_names(
    engine, registry, order, context, said
):
    images = Images(engine, registry=f"http://{registry}")
    named = order(name="registry.yourapp.com/dynamo/tasks-service")
    assert isinstance(await images.build(named, context, said.append), str)
    assert await tags(registry) == ["20261124-4f2a9c1"]


async def test_a_service_with_an_impossible_name_reaches_no_engine(
    images, engine, order, context, said
):
    """`dynamo.yml` takes no such name; the adapter does not depend on that."""
    ended = await images.build(order(service="../../etc"), context, said.append)
    assert ended.cause is Cause.REFUSED
    assert ended.values["trouble"] == Trouble.INVALID
    assert not any("etc" in name for name in names(engine))


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("received unexpected HTTP status: 500 Internal Server Error", Trouble.AWAY),
        ("received unexpected HTTP status: 503 Service Unavailable", Trouble.AWAY),
        ('Get "https://r.io/v2/": dial tcp 10.0.0.1:443: i/o timeout', Trouble.AWAY),
        ('Get "http://r.io/v2/": dial tcp 10.0.0.1:80: connect: connection refused', Trouble.AWAY),
        ('Put "https://r.io/v2/a/blobs/uploads/1": EOF', Trouble.AWAY),
        ("write tcp 10.0.0.1:1->10.0.0.2:443: write: connection reset by peer", Trouble.AWAY),
        ("toomanyrequests: not now", Trouble.THROTTLED),
        ("denied: requested access is denied", Trouble.FORBIDDEN),
        ("unauthorized: authentication required", Trouble.UNAUTHENTICATED),
        ("no basic auth credentials", Trouble.UNAUTHENTICATED),
    ],
)
def test_what_engines_say_of_a_push_is_told_apart(said: str, trouble: Trouble) -> None:
    """In the words of dockerd 20.10, each of which it has said to a test or to a bug report."""
    with pytest.raises(PortError) as raised:
        _not_pushed(said)
    assert (raised.value.port, raised.value.trouble) == ("registry", trouble)
    assert raised.value.temporary is (trouble in (Trouble.AWAY, Trouble.THROTTLED))


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("name unknown: repository name not known to registry", Cause.NO_PLACE),
        ("name invalid", Cause.PUSH),
        ("unsupported", Cause.PUSH),
        ('Get "https://r/v2/": dial tcp: lookup r on 10.0.0.53:53: no such host', Cause.PUSH),
        ("x509: certificate signed by unknown authority", Cause.PUSH),
        ("write /var/lib/docker/tmp/1: no space left on device", Cause.DISK_FULL),
        ("of a kind that nobody knows yet", Cause.PUSH),
    ],
)
def test_what_trying_again_does_not_help_is_final(said: str, cause: Cause) -> None:
    assert _not_pushed(said).cause is cause
