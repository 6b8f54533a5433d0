"""What a build costs beyond what it is made of: Dynamo's checkout-to-digest on a context against
`docker build` and `docker push` of the same context, on the same engine and registry, in this run.

Needs root, dockerd, docker, docker-registry and busybox; where one is missing the part is left out
with the reason. Every round builds something new, so that no cache answers.
"""

import asyncio
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.docker_images import DockerImages
from bot.adapters.wall_clock import WallClock
from bot.ports import Order, Progressing
from bot.workflows.building import Patience, build_image
from tests.bench.rows import Row
from tests.programs import BUSYBOX, MissingError, docker_engine, docker_registry, program

_ROUNDS = 7
_MEGABYTES = 40
_DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY files /files
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cat /files/* > /all"]
CMD ["/bin/busybox", "true"]
"""


def run() -> list[Row]:
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="dynamo-bench-", dir="/tmp"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        try:
            program("docker", "docker.io")
            host = stack.enter_context(docker_engine())
            registry = stack.enter_context(docker_registry(home))
        except MissingError as missing:
            print(f"build: left out, {missing}", file=sys.stderr)
            return []
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
    building = build_image(order, context, DockerImages(host), _unheard, Patience(WallClock()))
    digest = asyncio.run(building)
    seconds = time.perf_counter() - began
    assert isinstance(digest, str), digest
    return seconds


def _unheard(_: Progressing) -> None:
    """Nobody looks at the card."""


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
    shutil.copy(BUSYBOX, directory / "busybox")
    (directory / "Dockerfile").write_text(_DOCKERFILE)
    for number in range(_MEGABYTES):
        (directory / "files" / f"{number}.bin").write_bytes(secrets.token_bytes(1_000_000))
    return directory
