"""`bot.ports.Builder` on a Docker Engine through the docker SDK: command, image, push.

The service's own build command runs in the checkout with an environment of ours that holds no
secret. The context goes to the engine as the SDK packs it (`.dockerignore` honoured) and within a
limit. The image gets its labels and a temporary name; the version's tag is set when all is built,
and the registry shows it only when every layer is there, so whatever stops a build leaves no
half-written one. The SDK blocks: each build has a thread, and is stopped by shutting its
connection, on which the engine stops building. The SDK is loaded by the first call: it takes a
third of a second, and most starts build nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.adapters.child_process import Lines, WatchedError, keep_to_ourselves, run, size_of
from bot.domain.build import BuildStep, Cause, Failure
from bot.domain.redaction import redact
from bot.errors import PortError, Trouble
from bot.ports import Order, Progressing, Report

if TYPE_CHECKING:
    import requests
    from docker import APIClient

log = logging.getLogger(__name__)

BUILDER = "https://github.com/dynamo-chatops/dynamo"
_COMMAND, _IMAGE, _PUSH = 1200.0, 1800.0, 600.0  # seconds
_CONTEXT = 500_000_000  # bytes
_CHECKOUT = 4_000_000_000  # bytes that a checkout may grow to while its command runs
_CALL = 60  # seconds of a call that does not stream
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_FULL = re.compile(r"[Nn]o space left on device|[Dd]isk quota exceeded")
_STEP = re.compile(r"Step \d+/\d+ :")
_IGNORE = 100_000  # characters of a .dockerignore that are read
_TEMPORARY = "dynamo-building"
_PASSED_ON = ("PATH", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and bytes."""

    command: float = _COMMAND
    image: float = _IMAGE
    push: float = _PUSH
    context: int = _CONTEXT
    checkout: int = _CHECKOUT


class DockerImages:
    """`host` is DOCKER_HOST, "" for the usual socket. `registry` is where images are pushed, when
    that is not the host that their names begin with (as DYNAMO_REGISTRY_URL says)."""

    def __init__(self, host: str = "", *, registry: str = "", limits: Limits | None = None) -> None:
        self._host = host or "unix:///var/run/docker.sock"
        self._registry = registry.partition("://")[2].rstrip("/") or registry
        self._limits = limits or Limits()

    async def simulated(self) -> bool:
        await self._in_thread(lambda engine: engine.ping())
        return False

    async def build(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        _check(order)
        step, done = BuildStep.COMMAND, False
        try:
            if order.command and (failure := await self._command(order, checkout, report)):
                return failure
            step = BuildStep.IMAGE
            image = await self._image(order, checkout, report)
            if isinstance(image, Failure):
                return image
            step = BuildStep.PUSH
            pushed = await self._push(order, image, report)
            done = isinstance(pushed, str)
            return pushed
        except TimeoutError:
            seconds = getattr(self._limits, step.value.lower())
            minutes = f"{seconds / 60:.0f}" if seconds >= 60 else f"{seconds / 60:.1g}"
            return Failure(Cause.TIMED_OUT, step, {"minutes": minutes})
        except OSError as error:  # of this machine: a disk that is full, files that are gone
            return _failure(step, _said_by(error))
        finally:
            await asyncio.shield(self._tidy(order, done=done))

    # --- the service's own command ----------------------------------------------------------------

    async def _command(self, order: Order, checkout: Path, report: Report) -> Failure | None:
        with tempfile.TemporaryDirectory(prefix="home-", dir=checkout.parent) as home:
            report(Progressing(BuildStep.COMMAND, words=order.command))
            keep_to_ourselves()

            def hear(line: str) -> None:
                report(Progressing(BuildStep.COMMAND, redact(line)))

            try:
                status = await run(
                    ["/bin/sh", "-c", order.command],
                    cwd=checkout,
                    env=_clean_environment(home, order),
                    seconds=self._limits.command,
                    on_line=hear,
                    watch=lambda: size_of(checkout.parent, self._limits.checkout),
                )
            except WatchedError:
                values = {"what": "checkout", "limit": str(self._limits.checkout // 1_000_000)}
                return Failure(Cause.TOO_LARGE, BuildStep.COMMAND, values)
        if status == 0:
            return None
        return Failure(Cause.COMMAND, BuildStep.COMMAND, {"exit": str(status)})

    # --- the image --------------------------------------------------------------------------------

    async def _image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        """The id of the image, or why there is none."""
        report(Progressing(BuildStep.IMAGE))
        context = await asyncio.to_thread(_pack, checkout, self._limits.context)
        if isinstance(context, Failure):
            return context
        labels = _labels(order)
        found: dict[str, str] = {}

        def work(engine: APIClient) -> Failure | None:
            answers = engine.build(
                fileobj=context,
                custom_context=True,
                dockerfile="Dockerfile",
                tag=_temporary(order),
                labels=labels,
                rm=True,
                forcerm=True,
                decode=True,
            )
            return _listen(answers, BuildStep.IMAGE, report, found)

        try:
            failure = await self._streaming(work, self._limits.image)
        finally:
            context.close()
        if failure is not None:
            return failure
        return found.get("ID") or _failure(BuildStep.IMAGE, "the engine named no image")

    # --- the registry -----------------------------------------------------------------------------

    async def _push(self, order: Order, image: str, report: Report) -> str | Failure:
        """Push under the version's tag; its digest, as the registry knows it."""
        report(Progressing(BuildStep.PUSH))
        name = self._pushed_name(order)
        found: dict[str, str] = {}

        def work(engine: APIClient) -> Failure | None:
            engine.tag(image, name, order.version)
            answers = engine.push(name, tag=order.version, stream=True, decode=True)
            return _listen(answers, BuildStep.PUSH, report, found)

        failure = await self._streaming(work, self._limits.push)
        if failure is not None:
            return failure
        digest = found.get("Digest", "")
        if not _DIGEST.fullmatch(digest):
            return _failure(BuildStep.PUSH, "the registry named no digest")
        return digest

    def _pushed_name(self, order: Order) -> str:
        if not self._registry:
            return order.name
        return f"{self._registry}/{order.name.partition('/')[2]}"

    async def _tidy(self, order: Order, *, done: bool) -> None:
        """The temporary name goes. The version's stays when all is done: with it the engine keeps
        the image, so that building the same commit anew comes to the same digest."""
        names = [_temporary(order)]
        names += [] if done else [f"{self._pushed_name(order)}:{order.version}"]

        def work(engine: APIClient) -> None:
            from docker.errors import APIError

            for name in names:
                with contextlib.suppress(APIError):
                    engine.remove_image(name, noprune=True)

        with contextlib.suppress(PortError):
            await self._in_thread(work)

    # --- the engine -------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[APIClient], object]) -> None:
        def call() -> None:
            with _client(self._host, _CALL) as engine:
                work(engine)

        try:
            await asyncio.to_thread(call)
        except Exception as error:
            if not _of_the_sdk(error):
                raise
            raise _away(error) from error

    async def _streaming(
        self, work: Callable[[APIClient], Failure | None], seconds: float
    ) -> Failure | None:
        """Run a call that answers for as long as it works. When it is stopped, by time or by
        whoever waits, its connection is shut, and it is waited for until its thread has ended."""
        line = _Line()

        def call() -> Failure | None:
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
            raise _away(error) from error
        finally:
            if not thread.done():
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
    from docker import APIClient

    _knock(host)
    engine = APIClient(base_url=host, version="auto", timeout=int(seconds) + _CALL)
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


def _listen(
    answers: Iterator[Any], step: BuildStep, report: Report, found: dict[str, str]
) -> Failure | None:
    """Report what the engine says; `found` gets what it says at the end."""
    lines = Lines(lambda line: report(Progressing(step, redact(line), _words(line))))
    shown: dict[str, str] = {}
    for answer in answers:
        if not isinstance(answer, dict):
            continue
        if "error" in answer:
            message = str(answer["error"])
            report(Progressing(step, redact(message)))
            return _failure(step, message)
        if "stream" in answer:
            lines.feed(str(answer["stream"]).encode())
        elif "status" in answer and shown.get(str(answer.get("id"))) != answer["status"]:
            shown[str(answer.get("id"))] = str(answer["status"])
            lines.feed(f"{answer.get('id', '')} {answer['status']}\n".lstrip().encode())
        aux = answer.get("aux")
        if isinstance(aux, dict):
            found.update({key: str(value) for key, value in aux.items()})
    lines.end()
    return None


def _words(line: str) -> str:
    return redact(line.strip()) if _STEP.match(line) else ""


def _failure(step: BuildStep, message: str) -> Failure:
    if _FULL.search(message):
        return Failure(Cause.DISK_FULL, step)
    cause = Cause.PUSH if step is BuildStep.PUSH else Cause.IMAGE
    return Failure(cause, step, {"message": redact(message)[:800]})


def _said_by(error: OSError) -> str:
    """The SDK puts a sentence of its own before what the system said."""
    first = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return first.strerror or str(error)


def _of_the_sdk(error: Exception) -> bool:
    """An error of the SDK or of its HTTP library, rather than one of ours."""
    import requests
    from docker.errors import DockerException

    return isinstance(error, DockerException | requests.RequestException)


def _away(error: Exception) -> PortError:
    from docker.errors import APIError

    if isinstance(error, APIError):
        values = {"message": redact(str(error.explanation or error))[:400]}
        return PortError("builder", Trouble.INVALID, temporary=False, values=values)
    values = {"message": redact(str(error))[:400]}
    return PortError("builder", Trouble.AWAY, temporary=True, values=values)


def _check(order: Order) -> None:
    """The catalog takes no other names; this is the last door."""
    named = _NAME.fullmatch(order.service) and _TAG.fullmatch(order.version)
    if not named or ".." in order.name:
        values = {"message": "no image can be called so"}
        raise PortError("builder", Trouble.INVALID, temporary=False, values=values)


def _temporary(order: Order) -> str:
    return f"{_TEMPORARY}/{order.service}:{order.build}"


def _labels(order: Order) -> dict[str, str]:
    """OCI image specification, annotations. `created` is when the build was asked for, so that
    building it anew after a crash is building the same."""
    prefix = "org.opencontainers.image"
    return {
        f"{prefix}.title": order.service,
        f"{prefix}.revision": order.commit,
        f"{prefix}.source": order.source,
        f"{prefix}.version": order.version,
        f"{prefix}.created": order.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "com.dynamo.builder": BUILDER,
    }


def _clean_environment(home: str, order: Order) -> dict[str, str]:
    """Nothing of ours but where programs are, and by which proxy the world is reached."""
    names = (
        "PATH",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
    )
    env = {name: os.environ[name] for name in names if name in os.environ}
    return env | {
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "CI": "true",
        "VERSION": order.version,
        "COMMIT": order.commit,
        "SOURCE_DATE_EPOCH": str(int(order.created.timestamp())),
    }


def _pack(checkout: Path, most: int) -> Any:
    """The context as a file, or the Failure that says why there is none."""
    from docker.utils.build import create_archive, exclude_paths

    dockerfile = checkout / "Dockerfile"
    if dockerfile.is_symlink() or not dockerfile.is_file():
        return Failure(Cause.NO_DOCKERFILE, BuildStep.IMAGE)
    patterns = [*_ignored(checkout), "!Dockerfile"]
    files = sorted(exclude_paths(str(checkout), patterns))
    total = 0
    for name in files:
        found = (checkout / name).lstat()
        if stat.S_ISREG(found.st_mode):
            total += found.st_size
        if total > most:
            values = {"what": "context", "limit": str(most // 1_000_000)}
            return Failure(Cause.TOO_LARGE, BuildStep.IMAGE, values)
    packed = tempfile.TemporaryFile(dir=checkout.parent)  # noqa: SIM115  # closed by the caller
    try:
        return create_archive(str(checkout), files=files, fileobj=packed)
    except BaseException:
        packed.close()
        raise


def _ignored(checkout: Path) -> list[str]:
    """The patterns of `.dockerignore`; a link is not followed: it may point anywhere."""
    path = checkout / ".dockerignore"
    if path.is_symlink() or not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_IGNORE).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
