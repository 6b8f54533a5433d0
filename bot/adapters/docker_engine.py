"""The one door to a Docker Engine: calls of the docker SDK, which blocks, made from asyncio.

Each call has a thread and a client of its own. One that answers for as long as it works is stopped
by shutting its connection, on which the engine stops, too. The SDK is loaded by the first call: it
takes a third of a second, and most starts build nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bot.domain.redaction import redact
from bot.errors import PortError, Trouble
from bot.loading import LOADING

if TYPE_CHECKING:
    import requests
    from docker import APIClient

_T = TypeVar("_T")
_CALL = 60  # seconds of a call that does not stream
_USUAL = "unix:///var/run/docker.sock"


class DockerEngine:
    """`host` is DOCKER_HOST, "" for the usual socket. All that goes wrong is a PortError."""

    def __init__(self, host: str = "") -> None:
        self._host = host or _USUAL

    async def call(self, work: Callable[[APIClient], object]) -> None:
        def call() -> None:
            with _client(self._host, _CALL) as engine:
                work(engine)

        try:
            await asyncio.to_thread(call)
        except Exception as error:
            if not _of_the_sdk(error):
                raise
            raise _trouble(error) from error

    async def stream(
        self,
        work: Callable[[APIClient], _T],
        seconds: float,
        on_stop: Callable[[], None] = lambda: None,
    ) -> _T:
        """A call that answers for as long as it works. When it is stopped, by time (TimeoutError)
        or by whoever waits, its connection is shut, and it is waited for until its thread has
        ended; `on_stop` stops what it sends."""
        line = _Line()

        def call() -> _T:
            with _client(self._host, seconds) as engine:
                engine.hooks["response"].append(line.answered)
                return work(engine)

        thread = asyncio.ensure_future(asyncio.to_thread(call))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(thread)
        except Exception as error:
            if not (_of_the_sdk(error) or isinstance(error, ValueError)):
                raise
            raise _trouble(error) from error
        finally:
            if not thread.done():
                on_stop()
                line.shut()
                await asyncio.wait({thread})
            if not thread.cancelled():
                thread.exception()  # looked at: it was we who ended it


@dataclass(slots=True)
class _Line:
    """The connection of one call, so that another thread can shut it."""

    shutting: bool = False
    held: socket.socket | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, response: requests.Response, **_: object) -> None:
        """The SDK's session says when an answer begins: from here on it may take for ever."""
        connection = getattr(getattr(response.raw, "_fp", None), "fp", None)
        held = getattr(getattr(connection, "raw", None), "_sock", None)
        with self.lock:
            self.held = held
            if self.shutting:
                self._shut()

    def shut(self) -> None:
        with self.lock:
            self.shutting = True
            self._shut()

    def _shut(self) -> None:
        if self.held is not None:
            with contextlib.suppress(OSError):
                self.held.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _client(host: str, seconds: float) -> Iterator[APIClient]:
    with LOADING:
        from docker import APIClient
    from docker.errors import InvalidConfigFile

    _knock(host)
    try:
        engine = APIClient(base_url=host, version="auto", timeout=int(seconds) + _CALL)
    except (InvalidConfigFile, ValueError) as error:  # what stands in ~/.docker/config.json
        message = redact(f"Docker's config.json of Dynamo's account: {error}")[:400]
        values = {"message": message}
        raise PortError("builder", Trouble.INVALID, temporary=False, values=values) from error
    try:
        yield engine
    finally:
        engine.close()


def _knock(host: str) -> None:
    """The SDK leaves a socket open when nobody answers at the other end of it."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.connect(host.removeprefix("unix://"))
            except OSError as error:
                message = f"no Docker Engine answers at {host}: {error.strerror}"
                values = {"message": message}
                raise PortError("builder", Trouble.AWAY, temporary=True, values=values) from error


def _of_the_sdk(error: Exception) -> bool:
    """An error of the SDK or of its HTTP library, rather than one of ours."""
    import requests
    from docker.errors import DockerException

    return isinstance(error, DockerException | requests.RequestException)


def _trouble(error: Exception) -> PortError:
    from docker.errors import APIError

    if isinstance(error, APIError):
        values = {"message": redact(str(error.explanation or error))[:400]}
        return PortError("builder", Trouble.INVALID, temporary=False, values=values)
    values = {"message": redact(str(error))[:400]}
    return PortError("builder", Trouble.AWAY, temporary=True, values=values)
