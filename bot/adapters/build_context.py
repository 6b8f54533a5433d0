"""What a Dockerfile is given, packed while it is sent: no file and no memory holds it whole.

`.dockerignore` is honoured as the SDK reads it, links are sent as links, and only regular files,
directories and links are sent at all. Owner and times are left out: the engine ignores the times,
and what the engine builds belongs to root as with `docker build`. The size limit holds twice: what
is too large is refused before a byte goes out, and what has grown since then ends on its way.
"""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bot.domain.build import BuildStep, Cause, Failure

_CHUNK = 262_144  # bytes that are packed before they are handed on
_IGNORE = 100_000  # characters of a .dockerignore that are read


def open_context(checkout: Path, most: int) -> "Context | Failure":
    """`most` bytes at most. The Failure says why there is nothing to send."""
    from docker.utils.build import exclude_paths  # the SDK is loaded by the first build

    dockerfile = checkout / "Dockerfile"
    if dockerfile.is_symlink() or not dockerfile.is_file():
        return Failure(Cause.NO_DOCKERFILE, BuildStep.IMAGE)
    patterns = [*_ignored(checkout), "!Dockerfile"]
    names = sorted(exclude_paths(str(checkout), patterns))
    total = 0
    for name in names:
        found = os.lstat(checkout / name)
        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
        if total > most:
            return _too_large(most)
    return Context(checkout, names, most)


class Context:
    """The tar file in pieces, for one reader. `failure` says why it has ended early, where it was
    its own limit that ended it."""

    def __init__(self, checkout: Path, names: list[str], most: int) -> None:
        self._checkout = checkout
        self._names = names
        self._most = most
        self._stopped = False
        self.failure: Failure | None = None
        self.error: OSError | None = None

    def stop(self) -> None:
        """Of any thread: the next piece is not packed."""
        self._stopped = True

    def __iter__(self) -> Iterator[bytes]:
        held = bytearray()
        try:
            for piece in self._pieces():
                held += piece
                if len(held) >= _CHUNK:
                    yield bytes(held)
                    held.clear()
                if self._stopped:
                    raise BrokenPipeError("nobody waits for the context any more")
        except OSError as error:  # the HTTP library takes it for one of its connection
            self.error = error
            raise
        yield bytes(held)

    def _pieces(self) -> Iterator[bytes]:
        sent = 0
        for name in self._names:
            path = self._checkout / name
            info = _described(path, name)
            if info is None:
                continue
            if not info.isreg():
                yield _header(info)
                continue
            with _opened(path) as file:
                info.size = os.fstat(file.fileno()).st_size
                sent += info.size
                if sent > self._most:
                    self.failure = _too_large(self._most)
                    raise OSError(f"{name} has grown over the limit")
                yield _header(info)
                yield from _exactly(file, info.size, name)
            yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
        yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _described(path: Path, name: str) -> tarfile.TarInfo | None:
    found = os.lstat(path)
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif not stat.S_ISREG(found.st_mode):
        return None
    return info


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _opened(path: Path) -> BinaryIO:
    """Never through a link, and never waiting for what stands there by now."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(file, "rb", buffering=0)


def _exactly(file: BinaryIO, size: int, name: str) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(left, _CHUNK))
        if not piece:
            raise OSError(f"{name} has become shorter while it was packed")
        left -= len(piece)
        yield piece


def _too_large(most: int) -> Failure:
    values = {"what": "context", "limit": str(most // 1_000_000)}
    return Failure(Cause.TOO_LARGE, BuildStep.IMAGE, values)


def _ignored(checkout: Path) -> list[str]:
    """The patterns of `.dockerignore`; a link is not followed: it may point anywhere."""
    path = checkout / ".dockerignore"
    if path.is_symlink() or not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_IGNORE).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
