"""One program run to its end, or ended: never a shell of ours, never an inherited environment.

It gets a session of its own, and whatever it started goes with it: all of it is killed when the
time is over, when whoever waits is cancelled, when the program has ended but left others behind,
and when this process is gone (`lifeline.py`, which stands between the two). Output is read as lines
of a bounded length, so that a program that writes without end costs no memory here.
"""

import asyncio
import contextlib
import ctypes
import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LONGEST_LINE = 2_000
_EVERY = 0.5  # seconds between two looks of `watch`
_CHUNK = 65_536
_PR_SET_DUMPABLE = 4
_WORDS_LEFT = 2.0  # seconds for what was written last
_LETTING_GO = 6.0  # seconds that `lifeline.py` is given to end everything
_LIFELINE = Path(__file__).with_name("lifeline.py")


class WatchedError(Exception):
    """`watch` said no: the program was ended."""


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    on_line: Callable[[str], None],
    watch: Callable[[], bool] | None = None,
) -> int:
    """Its exit status. Raises TimeoutError, WatchedError when `watch` (asked in a thread) says
    that this has to end, and OSError when it cannot be started."""
    program = shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    ours, theirs = os.pipe()
    held_by_it, lifeline = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LIFELINE), str(held_by_it), *argv),
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(held_by_it,),
        )
    except BaseException:
        os.close(ours)
        os.close(lifeline)
        raise
    finally:
        os.close(theirs)
        os.close(held_by_it)
    reading = asyncio.ensure_future(_read(ours, on_line))
    waiting = asyncio.ensure_future(process.wait())
    watching = asyncio.ensure_future(_watch(watch))
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wait({waiting, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise WatchedError
        _kill(process.pid)
        await asyncio.wait({reading}, timeout=_WORDS_LEFT)
        return waiting.result()
    finally:
        os.close(lifeline)
        watching.cancel()
        try:
            await asyncio.wait({waiting}, timeout=_LETTING_GO)
        finally:  # cancelled a second time, too
            _kill(process.pid)
            reading.cancel()
        await asyncio.gather(waiting, watching, reading, return_exceptions=True)


async def _watch(watch: Callable[[], bool] | None) -> None:
    if watch is None:
        await asyncio.Event().wait()
        return
    while not await asyncio.to_thread(watch):  # noqa: ASYNC110  # a disk tells nobody
        await asyncio.sleep(_EVERY)


async def _read(pipe: int, on_line: Callable[[str], None]) -> None:
    reader = asyncio.StreamReader(limit=_CHUNK)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    lines = Lines(on_line)
    try:
        while chunk := await reader.read(_CHUNK):
            lines.feed(chunk)
    finally:
        lines.end()
        transport.close()


class Lines:
    """Bytes in, lines out; a carriage return ends one, too, as progress bars write them."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *whole, rest = (self._rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            self._say(line)
        while len(rest) > LONGEST_LINE:
            self._say(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._rest = rest

    def end(self) -> None:
        self._say(self._rest)
        self._rest = b""

    def _say(self, line: bytes) -> None:
        if line.strip():
            self._on_line(line[:LONGEST_LINE].decode("utf-8", "replace"))


def keep_to_ourselves() -> None:
    """Linux shows every process of a user what another one of the same user was started with
    (`/proc/PID/environ`, tokens among it) and what is in its memory; from here on not ours. See
    prctl(2), PR_SET_DUMPABLE."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def size_of(directory: Path, most: int) -> bool:
    """Whether the files below it take more than so many bytes. Links are not followed."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            if total > most:
                return True
    return False
