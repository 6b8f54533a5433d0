"""`bot.ports.Builder` on a Docker Engine: the service's command, the image, its push.

The image gets its labels and a temporary name; the version's tag is set when all is built, and the
registry shows it only when every layer is there, so whatever stops a build leaves no half-written
one. A registry that is away raises, since trying again may help; one that refuses raises as final.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.adapters.build_command import FULL, run_command
from bot.adapters.build_context import open_context
from bot.adapters.child_process import Lines
from bot.adapters.docker_engine import DockerEngine
from bot.domain.build import BuildStep, Cause, Failure
from bot.domain.redaction import redact
from bot.errors import PortError, Trouble
from bot.ports import Order, Progressing, Report

if TYPE_CHECKING:
    from docker import APIClient

_T = TypeVar("_T")

BUILDER = "https://github.com/dynamo-chatops/dynamo"
_COMMAND, _IMAGE, _PUSH = 1200.0, 1800.0, 600.0  # seconds
_CONTEXT = 500_000_000  # bytes
_CHECKOUT = 4_000_000_000  # bytes that a checkout may grow to while its command runs
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_STEP = re.compile(r"Step \d+/\d+ :")
_TEMPORARY = "dynamo-building"
_SAID = (
    (re.compile(r"unauthorized|no basic auth credentials|authentication required|HTTP 401", re.I),
     Trouble.UNAUTHENTICATED),
    (re.compile(r"denied|forbidden|insufficient_scope", re.I), Trouble.FORBIDDEN),
    (re.compile(r"name unknown|(?:repository|project) .*(?:not exist|not found)", re.I),
     Trouble.NOT_FOUND),
    (re.compile(r"toomanyrequests|too many requests|429", re.I), Trouble.THROTTLED),
    (re.compile(r"connection re(?:fused|set)|timeout|timed out|\bEOF\b|broken pipe|unreachable"
                r"|temporary failure|server misbehaving|deadline exceeded|request canceled"
                r"|no route to host|HTTP status: 5\d\d|\b50[0234]\b", re.I), Trouble.AWAY),
)  # fmt: skip
"""What engines and registries say of a push, in the order in which it is asked for; what is not
among it has no cure that is known here."""


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
        self._engine = DockerEngine(host)
        self._registry = registry.partition("://")[2].rstrip("/") or registry
        self._limits = limits or Limits()

    async def simulated(self) -> bool:
        await self._engine.call(lambda engine: engine.ping())
        return False

    async def command(self, order: Order, checkout: Path, report: Report) -> Failure | None:
        limits = self._limits
        work = run_command(order, checkout, report, seconds=limits.command, most=limits.checkout)
        return await _ended(BuildStep.COMMAND, limits.command, work)

    async def image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        _check(order)
        report(Progressing(BuildStep.IMAGE))
        work = self._image(order, checkout, report)
        return await _ended(BuildStep.IMAGE, self._limits.image, work)

    async def push(self, order: Order, image: str, report: Report) -> str | Failure:
        _check(order)
        report(Progressing(BuildStep.PUSH))
        work = self._push(order, image, report)
        return await _ended(BuildStep.PUSH, self._limits.push, work)

    async def tidy(self, order: Order, *, pushed: bool) -> None:
        """The temporary name goes. The version's stays when all is done: with it the engine keeps
        the image, so that building the same commit anew comes to the same digest."""
        names = [_temporary(order)]
        names += [] if pushed else [f"{self._pushed_name(order)}:{order.version}"]

        def work(engine: APIClient) -> None:
            from docker.errors import APIError

            for name in names:
                with contextlib.suppress(APIError):
                    engine.remove_image(name, noprune=True)

        with contextlib.suppress(PortError):
            await self._engine.call(work)

    # --- below ------------------------------------------------------------------------------------

    async def _image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        context = await asyncio.to_thread(open_context, checkout, self._limits.context)
        if isinstance(context, Failure):
            return context
        found: dict[str, str] = {}

        def work(engine: APIClient) -> str:
            answers = engine.build(
                fileobj=context,  # type: ignore[arg-type]  # requests sends what can be iterated
                custom_context=True,
                dockerfile="Dockerfile",
                tag=_temporary(order),
                labels=_labels(order),
                rm=True,
                forcerm=True,
                decode=True,
            )
            return _listen(answers, BuildStep.IMAGE, report, found)

        try:
            error = await self._engine.stream(work, self._limits.image, context.stop)
        except PortError:
            if context.failure is not None:
                return context.failure
            if context.error is not None:
                raise context.error from None
            raise
        if error:
            return _failure(BuildStep.IMAGE, found.get("full", error))
        return found.get("ID") or _failure(BuildStep.IMAGE, "the engine named no image")

    async def _push(self, order: Order, image: str, report: Report) -> str | Failure:
        name = self._pushed_name(order)
        found: dict[str, str] = {}

        def work(engine: APIClient) -> str:
            engine.tag(image, name, order.version)
            answers = engine.push(name, tag=order.version, stream=True, decode=True)
            return _listen(answers, BuildStep.PUSH, report, found)

        error = await self._engine.stream(work, self._limits.push)
        if error:
            return _not_pushed(error)
        digest = found.get("Digest", "")
        if not _DIGEST.fullmatch(digest):
            return _failure(BuildStep.PUSH, "the registry named no digest")
        return digest

    def _pushed_name(self, order: Order) -> str:
        if not self._registry:
            return order.name
        return f"{self._registry}/{order.name.partition('/')[2]}"


def _listen(answers: Iterator[Any], step: BuildStep, report: Report, found: dict[str, str]) -> str:
    """Report what the engine says; its error, "" for none. `found` gets what it says at the end,
    and the line in which a step said that its disk is full."""

    def hear(line: str) -> None:
        if FULL.search(line):
            found["full"] = line
        report(Progressing(step, redact(line), _words(line)))

    lines = Lines(hear)
    shown: dict[str, str] = {}
    for answer in answers:
        if not isinstance(answer, dict):
            continue
        if "error" in answer:
            message = str(answer["error"])
            lines.end()
            report(Progressing(step, redact(message)))
            return message
        if "stream" in answer:
            lines.feed(str(answer["stream"]).encode())
        elif "status" in answer and shown.get(str(answer.get("id"))) != answer["status"]:
            shown[str(answer.get("id"))] = str(answer["status"])
            lines.feed(f"{answer.get('id', '')} {answer['status']}\n".lstrip().encode())
        aux = answer.get("aux")
        if isinstance(aux, dict):
            found.update({key: str(value) for key, value in aux.items()})
    lines.end()
    return ""


def _words(line: str) -> str:
    return redact(line.strip()) if _STEP.match(line) else ""


async def _ended(step: BuildStep, seconds: float, work: Awaitable[_T]) -> _T | Failure:
    """What a step comes to, with the ends that each of them can meet."""
    try:
        return await work
    except TimeoutError:
        minutes = f"{seconds / 60:.0f}" if seconds >= 60 else f"{seconds / 60:.1g}"
        return Failure(Cause.TIMED_OUT, step, {"minutes": minutes})
    except OSError as error:  # of this machine: a disk that is full, files that are gone
        return _failure(step, error.strerror or str(error))
    except PortError as error:
        if FULL.search(error.values.get("message", "")):
            return Failure(Cause.DISK_FULL, step)
        raise


def _failure(step: BuildStep, message: str) -> Failure:
    if FULL.search(message):
        return Failure(Cause.DISK_FULL, step)
    cause = Cause.PUSH if step is BuildStep.PUSH else Cause.IMAGE
    return Failure(cause, step, {"message": redact(message)[:800]})


def _not_pushed(message: str) -> Failure:
    """Raises PortError where it was the registry that was away or did not let us."""
    kind = next((kind for pattern, kind in _SAID if pattern.search(message)), None)
    if kind is None or FULL.search(message):
        return _failure(BuildStep.PUSH, message)
    if kind is Trouble.NOT_FOUND:
        return Failure(Cause.NO_PLACE, BuildStep.PUSH, {"message": redact(message)[:800]})
    temporary = kind in (Trouble.AWAY, Trouble.THROTTLED)
    values = {"message": redact(message)[:800]}
    raise PortError("registry", kind, temporary=temporary, values=values)


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
