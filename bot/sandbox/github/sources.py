"""What git itself is given in the offline world: a small bare repository for each service.

Made by `git fast-import` in one go, with a history that is the same every time: a branch `main` of
two commits, and a branch `feature/faster-start` beside it. The git host (`host.py`) is told of the
commits, with green checks, so that what is built can be promoted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

_AUTHOR = ("ana", "Ana López")
_DOCKERFILE = """FROM scratch
COPY package.json server.js /app/
WORKDIR /app
USER 10001
CMD ["/app/server.js"]
"""
_PACKAGE = """{{
  "name": "{service}",
  "scripts": {{ "build": "true" }}
}}
"""


@dataclass(frozen=True, slots=True)
class Pushed:
    sha: str
    message: str
    at: datetime
    author: tuple[str, str] = _AUTHOR


def make_sources(
    directory: Path, services: Iterable[str], now: datetime
) -> Mapping[str, tuple[Path, tuple[Pushed, ...]]]:
    """By service: its bare repository, and its commits, the oldest first. Empty where there is no
    git on this machine, or where they stand already from an earlier start."""
    made = {}
    for service in services:
        place = directory / f"{service}.git"
        try:
            made[service] = (place, _make(place, service, now))
        except (OSError, subprocess.CalledProcessError):
            return {}
    return made


def _make(place: Path, service: str, now: datetime) -> tuple[Pushed, ...]:
    if not place.exists():
        _git("init", "--quiet", "--bare", "--initial-branch=main", str(place))
        _git(f"--git-dir={place}", "fast-import", "--quiet", given=_history(service, now))
    listed = _git(f"--git-dir={place}", "log", "--all", "--reverse", "--format=%H%x09%ct%x09%s")
    lines = (line.split("\t", 2) for line in listed.splitlines())
    return tuple(
        Pushed(sha, message, datetime.fromtimestamp(int(seconds), now.tzinfo))
        for sha, seconds, message in lines
    )


def _history(service: str, now: datetime) -> bytes:
    package = _PACKAGE.format(service=service)
    commits = (
        ("main", "Answer /healthz before the first request", 3.0, "answers\n"),
        ("main", "Close idle connections at shutdown", 2.0, "answers, and closes\n"),
        ("feature/faster-start", "Start without waiting for the cache", 1.0, "starts at once\n"),
    )
    stream = []
    for number, (branch, message, hours, server) in enumerate(commits, start=1):
        seconds = int((now - timedelta(hours=hours)).timestamp())
        stream += [
            f"commit refs/heads/{branch}",
            f"mark :{number}",
            f"committer {_AUTHOR[1]} <{_AUTHOR[0]}@yourapp.com> {seconds} +0000",
            _data(message),
        ]
        if number > 1:
            stream.append(f"from :{number - 1}")
        for name, text in (
            ("Dockerfile", _DOCKERFILE),
            ("package.json", package),
            ("server.js", f"// {service}: {server}"),
        ):
            stream += [f"M 100644 inline {name}", _data(text)]
    return "\n".join([*stream, ""]).encode()


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def _git(*argv: str, given: bytes = b"") -> str:
    env = {
        "PATH": os.environ.get("PATH", ""),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(  # noqa: S603
        ["git", *argv],  # noqa: S607
        input=given,
        env=env,
        check=True,
        capture_output=True,
        timeout=30,
    )
    return done.stdout.decode()
