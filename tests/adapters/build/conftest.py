"""Real parts: Debian's dockerd and docker-registry started here, real bare repositories of git.

Where there is no root or no Docker the tests are skipped with the reason; with
DYNAMO_TESTS_NEVER_SKIP=1 that is a failure.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.git_source import GitSource
from bot.ports import Order, Progressing
from tests.needs import need, needed
from tests.programs import BUSYBOX, docker_engine

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY app.txt /app.txt
CMD ["/bin/busybox", "cat", "/app.txt"]
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """DOCKER_HOST of an engine of our own."""
    with needed(docker_engine()) as host:
        yield host


# --- repositories --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository, and a checkout from which it is pushed to."""

    bare: Path
    files: Path

    def git(self, *argv: str) -> str:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.files),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ana",
            "GIT_AUTHOR_EMAIL": "ana@example.com",
            "GIT_COMMITTER_NAME": "Ana",
            "GIT_COMMITTER_EMAIL": "ana@example.com",
        }
        done = subprocess.run(
            ["git", *argv], cwd=self.files, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str = "work", **files: str) -> str:
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "--all", "origin")
        self.git("push", "--quiet", "--tags", "origin")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """With one commit on `main`, whose image says "one"."""
    bare, files = tmp_path / "origin.git", tmp_path / "files"
    files.mkdir()
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True
    )
    made = Repository(bare, files)
    made.git("init", "--quiet", "--initial-branch=main", ".")
    made.git("remote", "add", "origin", str(bare))
    shutil.copy(BUSYBOX, files / "busybox")
    made.write("Dockerfile", DOCKERFILE)
    made.write("app.txt", "one\n")
    made.commit("the first")
    return made


@pytest.fixture
def git(tmp_path: Path) -> GitSource:
    return GitSource(tmp_path / "work")


# --- orders --------------------------------------------------------------------------------------


class Said(list[Progressing]):
    """What a build reported."""

    @property
    def text(self) -> str:
        return "\n".join(each.line for each in self)

    async def until(self, found: Callable[["Said"], bool]) -> None:
        async with asyncio.timeout(60):
            while not found(self):
                await asyncio.sleep(0.02)


@pytest.fixture
def said() -> Said:
    return Said()


class MakeOrder:
    def __init__(self, registry: str) -> None:
        self.name = f"{registry}/dynamo/tasks-service"

    def __call__(self, **changes: str) -> Order:
        given = {
            "build": "b1",
            "service": "tasks-service",
            "name": self.name,
            "version": "20261124-4f2a9c1",
            "commit": "4f2a9c1" + "0" * 33,
            "source": "https://github.com/yourorg/tasks-service",
            "command": "",
            **changes,
        }
        return Order(created=datetime(2026, 11, 24, 12, tzinfo=UTC), **given)


@pytest.fixture
def order(registry: str) -> MakeOrder:
    return MakeOrder(registry)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A checkout that can be built."""
    directory = tmp_path / "checkout" / "files"
    directory.mkdir(parents=True)
    shutil.copy(BUSYBOX, directory / "busybox")
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / "app.txt").write_text("one\n")
    return directory


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    if os.geteuid() != 0:
        need("mounting a small file system wants root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(small)], check=True)
    yield small
    subprocess.run(["umount", "--lazy", str(small)], check=True)
