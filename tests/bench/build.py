"""What a build costs beyond what it is made of: Dynamo's checkout-to-digest on a context against
`docker build` and `docker push` of the same context, on the same engine and registry, in this run.

Needs root, dockerd, docker, docker-registry and busybox; where one is missing the part is left out
with the reason. Every round builds something new, so that no cache answers.
"""

import asyncio
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.docker_images import DockerImages
from bot.ports import Order
from tests.bench.rows import Row

_ROUNDS = 7
_MEGABYTES = 40
_NEEDED = ("dockerd", "docker", "docker-registry", "busybox")
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY files /files
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cat /files/* > /all"]
CMD ["/bin/busybox", "true"]
"""


def run() -> list[Row]:
    missing = [name for name in _NEEDED if not _program(name)]
    if missing or os.geteuid() != 0:
        reason = f"no {', '.join(missing)}" if missing else "dockerd wants root"
        print(f"build: left out, {reason}", file=sys.stderr)
        return []
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="dynamo-bench-", dir="/tmp"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        host = stack.enter_context(_engine(home))
        registry = stack.enter_context(_registry(home))
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(_ROUNDS + 1):
            for measured, times in ((_dynamo, ours), (_docker, theirs)):
                context = _context(home)
                seconds = measured(host, registry, context, f"{measured.__name__[1:]}-{number}")
                shutil.rmtree(context.parent)
                if number:  # the first round warms both
                    times.append(seconds)
    what = f"build and push of a {_MEGABYTES} MB context, median of {_ROUNDS}"
    return [
        Row(what, statistics.median(ours), statistics.median(theirs), "s", "overhead ≤ 10 %"),
    ]


def _dynamo(host: str, registry: str, context: Path, tag: str) -> float:
    order = Order(
        build=tag,
        service="bench",
        name=f"{registry}/dynamo/bench",
        version=tag,
        commit=secrets.token_hex(20),
        source="https://github.com/yourorg/bench",
        created=datetime.now(UTC),
    )
    began = time.perf_counter()
    digest = asyncio.run(DockerImages(host).build(order, context, lambda _: None))
    seconds = time.perf_counter() - began
    assert isinstance(digest, str), digest
    return seconds


def _docker(host: str, registry: str, context: Path, tag: str) -> float:
    name = f"{registry}/dynamo/bench:{tag}"
    labels = [f"--label=bench.{number}={secrets.token_hex(8)}" for number in range(6)]
    env = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
    began = time.perf_counter()
    for argv in (["build", "--quiet", *labels, "--tag", name, str(context)], ["push", name]):
        subprocess.run(["docker", *argv], env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def _context(home: Path) -> Path:
    directory = Path(tempfile.mkdtemp(dir=home)) / "files"
    (directory / "files").mkdir(parents=True)
    shutil.copy("/bin/busybox", directory / "busybox")
    (directory / "Dockerfile").write_text(_DOCKERFILE)
    for number in range(_MEGABYTES):
        (directory / "files" / f"{number}.bin").write_bytes(secrets.token_bytes(1_000_000))
    return directory


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@contextmanager
def _engine(home: Path) -> Iterator[str]:
    path = home / "docker.sock"
    with (home / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(_program("dockerd")),
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
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(path)) == 0:
                    break
            assert process.poll() is None, (home / "dockerd.log").read_text()[-400:]
            assert time.monotonic() < deadline, "dockerd does not answer"
            time.sleep(0.1)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _registry(home: Path) -> Iterator[str]:
    config = home / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {home / 'images'}}}}}\n"
        "http: {addr: '127.0.0.1:0', secret: bench}\n"
    )
    output = home / "registry.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [str(_program("docker-registry")), "serve", str(config)], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 20
        while (found := _LISTENING.search(output.read_text())) is None:
            assert time.monotonic() < deadline, "docker-registry does not answer"
            time.sleep(0.05)
        yield f"127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        process.wait(10)
