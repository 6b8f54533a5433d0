"""Disks that are full, each a small file system of its own: the engine's, and the one on which
Dynamo builds. (That of a checkout is in test_git_source.py.)"""

import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.adapters.docker_images import DockerImages
from bot.adapters.wall_clock import WallClock
from bot.domain.build import BuildStep, Cause, Failure
from bot.workflows.building import Patience, build_image
from tests.needs import need, needed
from tests.programs import docker_engine

pytestmark = pytest.mark.engine


@contextmanager
def disk(path: Path, megabytes: int, inodes: int = 0) -> Iterator[Path]:
    """Zero inodes are as many as there is room for."""
    if os.geteuid() != 0:
        need("mounting a small file system wants root")
    path.mkdir(parents=True)
    size = f"size={megabytes}m,nr_inodes={inodes}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def build(said) -> Callable[..., Awaitable[str | Failure]]:
    async def build(engine, order, files):
        builder, patience = DockerImages(engine), Patience(WallClock())
        return await build_image(order, files, builder, said.append, patience)

    return build


@pytest.fixture
def big_context(context: Path) -> Path:
    (context / "big.bin").write_bytes(os.urandom(60_000_000))
    dockerfile = context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("COPY app.txt", "COPY big.bin app.txt"))
    dockerfile.write_text(dockerfile.read_text().replace("/app.txt\n", "/\n", 1))
    return context


async def test_where_the_engine_has_no_room_for_the_context_it_is_told(
    build, order, big_context, tmp_path
):
    with (
        disk(tmp_path / "data", 30) as data,
        needed(docker_engine(data)) as engine,
    ):
        ended = await build(engine, order(), big_context)
    assert ended == Failure(Cause.DISK_FULL, BuildStep.IMAGE)


async def test_where_the_engine_has_no_room_for_what_a_step_writes_it_is_told(
    build, order, context, tmp_path
):
    (context / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /busybox\n"
        'RUN ["/busybox", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=100"]\n'
    )
    with (
        disk(tmp_path / "data", 30) as data,
        needed(docker_engine(data)) as engine,
    ):
        ended = await build(engine, order(), context)
    assert ended == Failure(Cause.DISK_FULL, BuildStep.IMAGE)


async def test_where_the_command_has_no_room_it_is_told(build, engine, order, tmp_path):
    with disk(tmp_path / "small", 3) as small:
        (small / "files").mkdir()
        wanted = order(command="head -c 10000000 /dev/zero > big")
        ended = await build(engine, wanted, small / "files")
        assert ended == Failure(Cause.DISK_FULL, BuildStep.COMMAND)
        assert [path.name for path in small.iterdir()] == ["files"]


async def test_where_there_is_no_room_for_a_home_it_is_told(build, engine, order, tmp_path):
    with disk(tmp_path / "small", 1, inodes=2) as small:
        (small / "files").mkdir()
        ended = await build(engine, order(command="true"), small / "files")
    assert ended == Failure(Cause.DISK_FULL, BuildStep.COMMAND)
