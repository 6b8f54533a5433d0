"""The workbench: one process beside the bot's, for pure work that is heavy.

It is started by the first call, does one call at a time in the order they came, and is ended when
nothing was asked for a while and at the stop; `workbench_process` is what runs there. It inherits
none of the bot's environment but what a library needs to find its files: log lines and metrics of
strangers are worked on there, and no token is.
"""

import asyncio
import contextlib
import logging
import os
import pickle
import sys
from asyncio import IncompleteReadError
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any, TypeVar, cast

from bot.adapters.workbench_process import HEADER
from bot.errors import PortError, Trouble

Done = TypeVar("Done")

_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TZ")
_GOODBYE = 1.0  # seconds between closing its pipe and killing it

log = logging.getLogger(__name__)


class ProcessWorkbench:
    """`bot.ports.Workbench`. `seconds` is how long one call may take, `idle` how long the process
    stays without one (loading scipy and matplotlib anew takes about two seconds)."""

    def __init__(self, *, seconds: float = 60, idle: float = 300) -> None:
        self._seconds = seconds
        self._idle = idle
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def run(self, work: Callable[..., Done], *given: object) -> Done:
        """Raises what `work` raises, and PortError AWAY where the process ends or takes too long.
        A caller that is cancelled leaves its call to be finished, so that answers stay in step."""
        call = await asyncio.to_thread(pickle.dumps, (work, given), pickle.HIGHEST_PROTOCOL)
        exchange = asyncio.ensure_future(self._exchange(call))
        self._tasks.add(exchange)
        exchange.add_done_callback(self._forget)
        answer = await asyncio.shield(exchange)
        well, value = await asyncio.to_thread(pickle.loads, answer)  # our own process wrote it
        if not well:
            raise value
        return cast("Done", value)

    async def close(self) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that went away does not ask for it

    async def _exchange(self, call: bytes) -> bytes:
        async with self._turn:
            self._stay()
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(call)
            except TimeoutError as error:
                await self._kill()
                raise _away(f"no answer in {self._seconds:g} s") from error
            except (OSError, IncompleteReadError) as error:
                await self._kill()
                raise _away("the process of the workbench ended") from error
            except asyncio.CancelledError:
                await self._kill()
                raise
            finally:
                self._leave_later()

    async def _ask(self, call: bytes) -> bytes:
        process = await self._started()
        assert process.stdin
        assert process.stdout
        process.stdin.write(HEADER.pack(len(call)))
        process.stdin.write(call)
        await process.stdin.drain()
        (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
        return await process.stdout.readexactly(size)

    async def _started(self) -> Process:
        if self._closed:
            raise _away("the workbench is closed")
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.adapters.workbench_process",
                str(os.getpid()),
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(),
            )
            log.debug("the workbench is process %s", self._process.pid)
        return self._process

    def _stay(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _leave_later(self) -> None:
        self._stay()
        if not self._closed:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(self._idle, self._leave)

    def _leave(self) -> None:
        task = asyncio.ensure_future(self._end())
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def _end(self) -> None:
        async with self._turn:
            self._stay()
            process = self._process
            if process is None:
                return
            assert process.stdin
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await process.wait()
            await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        assert process.stdin
        process.stdin.close()
        with contextlib.suppress(OSError):
            await process.stdin.wait_closed()


def _environment() -> dict[str, str]:
    """One thread for linear algebra: samples are few, and the bot's process wants the other core.
    Modules are found where this process finds them."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
    }


def _away(message: str) -> PortError:
    return PortError("workbench", Trouble.AWAY, temporary=True, values={"message": message})
