"""`dynamo sandbox --keep DIR`: world, workspace and Dynamo's memory, kept as one.

A picture of all three is taken in one turn of the event loop, about once a second, and replaces the
one before in one step (`sandbox.zip`; the bytes of images and files stand beside it, by hash).
Whatever moment the process is killed in, the next one goes on from a picture in which the three fit
together, as if it had been killed when that was taken; no part is ever newer than another. Dynamo
works on a copy of its own in `live/`, which is made anew from the picture at each start.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import io
import logging
import os
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

_log = logging.getLogger(__name__)

FORMAT = 1
_PICTURE, UNREADABLE = "sandbox.zip", "sandbox.zip.unreadable"
_SHORTEST_PAUSE = 1.0  # real seconds between two pictures
_SHARE = 0.02  # of a processor, at most, for taking them
_DATABASE = ("dynamo.db", "dynamo.db-wal", "dynamo.db-shm")


class InUseError(Exception):
    """Another sandbox keeps itself there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`parts` by name ("world", "workspace", …), each as its owner wrote it down; `memory` is
    Dynamo's database, None where the bot runs elsewhere."""

    at: datetime  # the world's time of day
    passed: float  # virtual seconds since the world first began
    parts: dict[str, Any]
    memory: bytes | None


@dataclass(slots=True)
class Keeper:
    """One directory. `found` is what an earlier run left; `trouble` why it could not be read."""

    directory: Path
    found: Picture | None = None
    trouble: str = ""
    _lock: IO[str] | None = None
    _names: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    _last: bytes = b""
    _taken: int = 0  # pictures so far, and the newest of them that stands on the disk
    _stands: int = 0
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, directory: Path) -> Keeper:
        """Blocks. Raises InUseError. What cannot be read is put aside, and all begins anew."""
        directory.mkdir(parents=True, exist_ok=True)
        keeper = cls(directory)
        keeper._lock = _locked(directory / "lock")
        keeper.blobs.mkdir(exist_ok=True)
        keeper.live.mkdir(exist_ok=True)
        keeper.live.chmod(0o700)  # as private as the picture
        for name in _DATABASE:
            (keeper.live / name).unlink(missing_ok=True)
        picture = directory / _PICTURE
        if picture.exists():
            try:
                keeper.found = _read(picture)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                keeper.put_aside(error)
        if keeper.found is not None and keeper.found.memory is not None:
            (keeper.live / _DATABASE[0]).write_bytes(keeper.found.memory)
        return keeper

    @property
    def live(self) -> Path:
        return self.directory / "live"

    @property
    def blobs(self) -> Path:
        return self.directory / "blobs"

    def put_aside(self, error: Exception) -> None:
        """The picture is of no use: everything begins anew, and the picture stays for a look."""
        self.found, self.trouble = None, f"{type(error).__name__}: {error}"
        (self.directory / _PICTURE).replace(self.directory / UNREADABLE)
        for name in _DATABASE:
            (self.live / name).unlink(missing_ok=True)

    def put(self, content: bytes) -> str:
        """The name of these bytes, which the next picture keeps."""
        known = self._names.get(id(content))
        if known is None or known[0] is not content:
            known = self._names[id(content)] = (content, hashlib.sha256(content).hexdigest())
        return known[1]

    def read(self, name: str) -> bytes:
        """Raises OSError, or ValueError where these are not the bytes that were put."""
        content = (self.blobs / name).read_bytes()
        if self.put(content) != name:
            raise ValueError(f"{name} was damaged")
        return content

    async def keep_on(self, take: Callable[[], Picture]) -> None:
        """Take pictures until cancelled; `take` is called on the event loop and does not wait."""
        while True:
            began = time.thread_time()
            took = 0.0
            try:
                changed = self._changed(take())
                took = time.thread_time() - began
                if changed is not None:
                    await asyncio.to_thread(self._replace, *changed)
            except (OSError, TypeError, ValueError, sqlite3.Error) as error:
                self._last = b""
                _log.warning("what is in %s grows old: %r", self.directory, error)
            await asyncio.sleep(max(_SHORTEST_PAUSE, took / _SHARE))

    def keep(self, picture: Picture) -> None:
        """This one, now. Blocks."""
        changed = self._changed(picture)
        if changed is not None:
            self._replace(*changed)

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _changed(self, picture: Picture) -> tuple[int, dict[str, bytes], dict[str, bytes]] | None:
        """Number and files of the picture, and blobs; None where it is as the last one was."""
        parts = _json(picture.parts)
        memory = picture.memory or b""
        mark = hashlib.blake2b(memory, digest_size=16).digest() + parts
        if mark == self._last:
            return None
        self._last = mark
        head = {"format": FORMAT, "at": picture.at, "passed": picture.passed}
        files = {"head.json": orjson.dumps(head), "parts.json": parts}
        if picture.memory is not None:
            files["memory.db"] = memory
        self._taken += 1
        return self._taken, files, {name: content for content, name in self._names.values()}

    def _replace(self, number: int, files: dict[str, bytes], blobs: dict[str, bytes]) -> None:
        """A thread that comes late does not put an older picture in the place of a newer one."""
        with self._writing:
            if number < self._stands:
                return
            for name, content in blobs.items():
                if not (self.blobs / name).exists():
                    _write(self.blobs / name, content, safe=False)
            _write(self.directory / _PICTURE, _packed(files), safe=True)
            self._stands = number


def memory_of(database: Path) -> bytes | None:
    """A consistent copy of a SQLite database that others write to; None where there is none."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        return copy.serialize()


def _read(path: Path) -> Picture:
    with zipfile.ZipFile(path) as packed:
        head = orjson.loads(packed.read("head.json"))
        if head["format"] != FORMAT:
            raise ValueError(f"format {head['format']} is not {FORMAT}, which this version reads")
        memory = packed.read("memory.db") if "memory.db" in packed.namelist() else None
        parts = orjson.loads(packed.read("parts.json"))
    return Picture(datetime.fromisoformat(head["at"]), float(head["passed"]), parts, memory)


def _opened(path: Path) -> IO[bytes]:
    """For its owner's eyes: response URLs and messages are in it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _write(path: Path, content: bytes, *, safe: bool) -> None:
    """In one step; `safe`: also when the power goes, which costs time."""
    part = path.with_name(f"{path.name}.part")
    with _opened(part) as file:
        file.write(content)
        if safe:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def _packed(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def _json(parts: object) -> bytes:
    try:
        return orjson.dumps(parts)
    except TypeError:  # half of a surrogate pair, which somebody pasted
        return orjson.dumps(_clean(parts))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _clean(getattr(value, each.name)) for each in fields(value)}
    return value


def _locked(path: Path) -> IO[str]:
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise InUseError(f"{path.parent} is in use: another sandbox keeps itself there.") from error
    return handle
