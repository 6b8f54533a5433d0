"""Debian's dockerd, docker-registry and PostgreSQL, started for tests and benches and ended with
them.

`MissingError` says what this machine lacks; tests skip with it, benches leave their part out.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def docker_engine(data: Path | None = None) -> Iterator[str]:
    """DOCKER_HOST of an engine of its own; its images are in `data`. Its sockets are in a directory
    with a short name: the path of a socket has 108 characters at most, and the deepest of its
    sockets is not its own."""
    argv = [
        program("dockerd", "docker.io"),
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
    ]
    if os.geteuid() != 0:
        raise MissingError("dockerd wants root")
    program("busybox", "busybox-static")
    home = Path(tempfile.mkdtemp(prefix="dynamo-engine-", dir="/tmp"))
    path = home / "docker.sock"
    argv += [
        f"--data-root={data or home / 'data'}",
        f"--exec-root={home / 'exec'}",
        f"--pidfile={home / 'pid'}",
        f"--host=unix://{path}",
    ]
    with (home / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        if not _answers(path, process):
            said = (home / "dockerd.log").read_text()[-300:]
            raise MissingError(f"dockerd does not start here: {said}")
        yield f"unix://{path}"
    finally:
        _end(process, 30)
        shutil.rmtree(home, ignore_errors=True)


def _answers(path: Path, process: "subprocess.Popen[bytes]") -> bool:
    """It listens before it can do anything."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as door, suppress(OSError):
            door.settimeout(5)
            door.connect(str(path))
            door.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if b" 200 " in door.recv(64):
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


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of an empty database on a server of its own, which takes everybody from this
    machine. It never runs as root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name)
    if not found:
        raise MissingError("there is no PostgreSQL (on Debian: apt-get install postgresql)")
    home = Path(tempfile.mkdtemp(prefix="dynamo-postgres-", dir="/tmp"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
    data, port = str(home / "data"), str(free_port())
    run = partial(
        subprocess.Popen,
        user=user,
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    by_trust = ("-D", data, "-U", "dynamo", "-A", "trust", "-E", "UTF8", "--no-locale")
    if run([str(found[-1] / "initdb"), *by_trust, "--no-sync"]).wait(120):
        raise MissingError("PostgreSQL makes no database here")
    settings = ("fsync=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}")
    options = [word for setting in settings for word in ("-c", setting)]
    process = run([str(found[-1] / "postgres"), "-D", data, "-p", port, *options])
    try:
        deadline = time.monotonic() + 60
        ready = [str(found[-1] / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", port]
        while run(ready).wait(30):
            if process.poll() is not None or time.monotonic() > deadline:
                raise MissingError("PostgreSQL does not start here")
            time.sleep(0.05)
        yield f"postgresql://dynamo@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)
