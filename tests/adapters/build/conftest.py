"""Real parts: Debian's dockerd and docker-registry started here, real bare repositories of git.

Where there is no root or no Docker the tests are skipped with the reason; with
DYNAMO_TESTS_NEVER_SKIP=1 that is a failure.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.git_source import GitSource
from bot.ports import Order, Progressing

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
BUSYBOX = Path("/bin/busybox")
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY app.txt /app.txt
CMD ["/bin/busybox", "cat", "/app.txt"]
"""


def need(thing: str) -> None:
    if os.environ.get("DYNAMO_TESTS_NEVER_SKIP") == "1":
        pytest.fail(f"{thing}, and DYNAMO_TESTS_NEVER_SKIP=1")
    pytest.skip(thing)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """DOCKER_HOST of an engine of our own."""
    program = shutil.which("dockerd") or "/usr/sbin/dockerd"
    if not Path(program).exists():
        need("there is no dockerd (on Debian: apt-get install docker.io)")
    if os.geteuid() != 0:
        need("dockerd wants root")
    if not BUSYBOX.exists():
        need("there is no /bin/busybox (on Debian: apt-get install busybox-static)")
    home = Path(tempfile.mkdtemp(prefix="dynamo-engine-", dir="/tmp"))
    path = home / "docker.sock"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--data-root={home / 'data'}",
                f"--exec-root={home / 'exec'}",
                f"--pidfile={home / 'pid'}",
                f"--host=unix://{path}",
                "--iptables=false",
                "--ip6tables=false",
                "--bridge=none",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        if not _answers(path, process):
            need(f"dockerd does not start here: {(home / 'log').read_text()[-300:]}")
        yield f"unix://{path}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _answers(path: Path, process: "subprocess.Popen[bytes]") -> bool:
    for _ in range(300):
        if process.poll() is not None:
            return False
        with socket.socket(socket.AF_UNIX) as door:
            if door.connect_ex(str(path)) == 0:
                return True
        time.sleep(0.1)
    return False


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[str]:
    """Host and port of a real registry, empty."""
    program = shutil.which("docker-registry")
    if program is None:
        need("there is no docker-registry (on Debian: apt-get install docker-registry)")
    assert program is not None
    config = tmp_path / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'images'}}}}}\n"
        "http: {addr: '127.0.0.1:0', secret: tests}\n"
    )
    process = await asyncio.create_subprocess_exec(
        program,
        "serve",
        str(config),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            while (found := _LISTENING.search((await process.stderr.readline()).decode())) is None:
                assert process.returncode is None, "docker-registry ended"
        drain = asyncio.create_task(process.stderr.read())
        yield f"127.0.0.1:{found[1]}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await drain


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
