"""`npm run build` for real: this machine's Node.js runs the service's build command, and the image
stands on a base image with the same Node.js, imported into the engine (`docker import`), since no
image can be pulled here. From the commit to the container that prints what was built."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest

from bot.adapters.docker_images import DockerImages
from bot.adapters.git_source import GitSource
from bot.adapters.oci_registry import OciRegistry
from bot.adapters.wall_clock import WallClock
from bot.domain.build import Build, BuildStep
from bot.domain.rollout import Actor, CardRef
from bot.workflows.building import Patience, build_commit
from tests.needs import need

pytestmark = [pytest.mark.engine, pytest.mark.slow]

BASE = "dynamo-tests/node:here"
# What Debian's Node.js loads from files that are packages of their own.
BUILT_IN = ("cjs-module-lexer", "undici", "acorn", "acorn-walk")
PACKAGE = """{
  "name": "tasks-service",
  "version": "1.0.0",
  "private": true,
  "scripts": { "prebuild": "rm -rf dist", "build": "node build.js" }
}
"""
BUILD = """const fs = require('fs');
const { version, commit } = { version: process.env.VERSION, commit: process.env.COMMIT };
const source = fs.readFileSync('src/server.js', 'utf8');
fs.mkdirSync('dist');
fs.writeFileSync('dist/server.js', source.replace('@WHAT@', `${version} of ${commit}`));
fs.writeFileSync('dist/npm', `${process.env.npm_lifecycle_event} by ${process.env.npm_command}`);
console.log(`built with node ${process.version}`);
"""
SERVER = """console.log('I am @WHAT@, on ' + process.version);
"""
DOCKERFILE = f"""FROM {BASE}
WORKDIR /app
COPY dist ./
RUN ["/usr/bin/node", "--check", "server.js"]
CMD ["/usr/bin/node", "server.js"]
"""


def node_and_its_libraries() -> bytes:
    """A root file system, as a tar file."""
    for name, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(name) is None:
            need(f"there is no {name} (on Debian: apt-get install {package})")
    node = str(shutil.which("node"))
    linked = subprocess.run(["ldd", node], capture_output=True, text=True, check=True).stdout
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        tar.add(os.path.realpath(node), "usr/bin/node")
        for library in re.findall(r"(/\S+) \(0x", linked):
            tar.add(library, library.lstrip("/"))
        for name in BUILT_IN:
            if Path("/usr/share/nodejs", name).exists():
                tar.add(f"/usr/share/nodejs/{name}", f"usr/share/nodejs/{name}")
    return packed.getvalue()


def version_of_node() -> str:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


@pytest.fixture
def base_image(engine: str, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "node.tar").write_bytes(node_and_its_libraries())
    client = docker.APIClient(base_url=engine, version="auto")
    try:
        name, _, tag = BASE.partition(":")
        client.import_image_from_file(str(tmp_path / "node.tar"), repository=name, tag=tag)
        yield BASE
    finally:
        client.close()


def what_it_prints(engine: str, image: str) -> str:
    client = docker.APIClient(base_url=engine, version="auto")
    try:
        limits = client.create_host_config(network_mode="none")
        made = client.create_container(image, host_config=limits)
        client.start(made)
        ended = client.wait(made, timeout=60)
        printed = client.logs(made).decode()
        client.remove_container(made)
        assert ended["StatusCode"] == 0, printed
        return printed
    finally:
        client.close()


async def test_npm_run_build_becomes_an_image_that_runs_what_was_built(
    engine, base_image, registry, repository, tmp_path, said
):
    (repository.files / "busybox").unlink()
    files = {"package.json": PACKAGE, "build.js": BUILD, "src/server.js": SERVER}
    commit = repository.commit("a service", Dockerfile=DOCKERFILE, **files)
    build = Build(
        id="b1",
        service="tasks-service",
        ref="main",
        commit=commit,
        version="20261124-npm",
        image=f"{registry}/dynamo/tasks-service",
        repository=str(repository.bare),
        requested_by=Actor("U0BEN00000"),
        requested_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        line="build tasks-service main",
        card=CardRef("C0DEVDEPLOY"),
        command="npm run build",
    )
    images = OciRegistry()
    try:
        digest = await build_commit(
            build,
            GitSource(tmp_path / "work"),
            DockerImages(engine),
            images,
            said.append,
            Patience(WallClock()),
        )
        assert isinstance(digest, str), (digest, said.text)
        found = await images.resolve(build.image, build.version)
    finally:
        await images.close()
    assert found.image.digest == digest
    version = version_of_node()
    command = [each.line for each in said if each.step is BuildStep.COMMAND]
    assert f"built with node {version}" in command
    printed = what_it_prints(engine, f"{build.image}@{digest}")
    assert printed == f"I am 20261124-npm of {commit}, on {version}\n"


async def test_an_npm_build_that_fails_is_told_with_its_status_and_its_words(
    engine, base_image, registry, repository, order, said, tmp_path
):
    files = tmp_path / "failing" / "files"
    (files / "src").mkdir(parents=True)
    (files / "package.json").write_text(PACKAGE)
    (files / "build.js").write_text("throw new Error('the types do not match');\n")
    ended = await DockerImages(engine).command(order(command="npm run build"), files, said.append)
    assert (ended.cause, ended.values) == ("COMMAND", {"exit": "1"})
    assert "Error: the types do not match" in said.text
    assert sorted(path.name for path in files.parent.iterdir()) == ["files"]
