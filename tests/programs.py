"""Debian's dockerd and docker-registry, started for tests and benches and ended with them.

`MissingError` says what this machine lacks; tests skip with it, benches leave their part out.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_SBIN = "/usr/sbin:/sbin"


class MissingError(Exception):
    """In words, with what to install."""


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if found is None:
        raise MissingError(f"there is no {name} (on Debian: apt-get install {package})")
    return found


@contextmanager
def docker_engine(home: Path, data: Path | None = None) -> Iterator[str]:
    """DOCKER_HOST of an engine of its own; its images are in `data`."""
    path = home / "docker.sock"
    argv = [
        program("dockerd", "docker.io"),
        f"--data-root={data or home / 'data'}",
        f"--exec-root={home / 'exec'}",
        f"--pidfile={home / 'pid'}",
        f"--host=unix://{path}",
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
    ]
    if os.geteuid() != 0:
        raise MissingError("dockerd wants root")
    program("busybox", "busybox-static")
    with (home / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        if not _answers(path, process):
            said = (home / "dockerd.log").read_text()[-300:]
            raise MissingError(f"dockerd does not start here: {said}")
        yield f"unix://{path}"
    finally:
        _end(process, 30)


def _answers(path: Path, process: "subprocess.Popen[bytes]") -> bool:
    for _ in range(300):
        if process.poll() is not None:
            return False
        with socket.socket(socket.AF_UNIX) as door:
            if door.connect_ex(str(path)) == 0:
                return True
        time.sleep(0.1)
    return False


@contextmanager
def docker_registry(home: Path, *, port: int = 0, more: str = "") -> Iterator[str]:
    """Host and port of a registry, with the images that `home` has. `more` is configuration in
    YAML."""
    config = home / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {home / 'images'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: tests}}\n{more}"
    )
    argv = [program("docker-registry", "docker-registry"), "serve", str(config)]
    output = home / "registry.log"
    with output.open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while (found := _LISTENING.search(output.read_text())) is None:
            assert process.poll() is None, f"docker-registry ended: {output.read_text()[-400:]}"
            assert time.monotonic() < deadline, "docker-registry does not answer"
            time.sleep(0.02)
        yield f"127.0.0.1:{found[1]}"
    finally:
        _end(process, 10)


def _end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
