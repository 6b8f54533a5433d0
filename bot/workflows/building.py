"""One build from the checkout to the digest, patient with what is away in the middle of it.

Git, the engine and the registry are asked again for a while (`bot/domain/outage.py`) before the
build ends, each at the step that it is needed for: a registry that comes back gets the image that
stands there, and the command is not run again. Whoever refuses has answered: that ends it at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from bot.domain.build import Build, BuildStep, Cause, Failure
from bot.domain.outage import PATIENCE, Outage, held_up
from bot.errors import PortError, Trouble
from bot.ports import Builder, Clock, Git, Images, Order, Progressing, Report, Revision, sleep_until

_T = TypeVar("_T")
_REVISION = "org.opencontainers.image.revision"


class Patience:
    """With whoever does not answer. `held_up` hears who is being waited for, and None when that is
    over."""

    def __init__(
        self, clock: Clock, held_up: Callable[[Outage | None], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._held_up = held_up

    async def ask(self, step: BuildStep, work: Callable[[], Awaitable[_T]]) -> _T | Failure:
        outage: Outage | None = None
        while True:
            try:
                done = await work()
            except PortError as error:
                if not error.temporary:
                    return refused(error, step)
                message = error.values.get("message", "")
                now, after = self._clock.now(), error.retry_after
                outage = held_up(outage, error.port, message, now, after)
                if outage is None:
                    return _given_up(error, step)
                self._held_up(outage)
                await sleep_until(self._clock, outage.again_at)
            else:
                if outage is not None:
                    self._held_up(None)
                return done


async def build_commit(
    build: Build, git: Git, builder: Builder, images: Images, report: Report, patience: Patience
) -> str | Failure:
    """The digest. Raises nothing but bugs."""
    there = await patience.ask(BuildStep.CHECKOUT, lambda: _there_already(build, images))
    if there is not None:
        return there
    revision = Revision(build.commit, build.version if build.version == build.ref else "")
    report(Progressing(BuildStep.CHECKOUT))
    async with AsyncExitStack() as stack:

        def check_out() -> Awaitable[Path | Failure]:
            return stack.enter_async_context(git.checkout(build.repository, revision, report))

        files = await patience.ask(BuildStep.CHECKOUT, check_out)
        if isinstance(files, Failure):
            return files
        return await build_image(_order(build), files, builder, report, patience)


async def build_image(
    order: Order, files: Path, builder: Builder, report: Report, patience: Patience
) -> str | Failure:
    """The same from a checkout on."""
    digest: str | Failure | None = None
    try:
        digest = await _steps(order, files, builder, report, patience)
    finally:
        await asyncio.shield(builder.tidy(order, pushed=isinstance(digest, str)))
    return digest


async def _steps(
    order: Order, files: Path, builder: Builder, report: Report, patience: Patience
) -> str | Failure:
    if order.command:
        failure = await patience.ask(
            BuildStep.COMMAND, lambda: builder.command(order, files, report)
        )
        if failure is not None:
            return failure
    image = await patience.ask(BuildStep.IMAGE, lambda: builder.image(order, files, report))
    if isinstance(image, Failure):
        return image
    return await patience.ask(BuildStep.PUSH, lambda: builder.push(order, image, report))


async def _there_already(build: Build, images: Images) -> str | Failure | None:
    """What the registry has under this version: the image of this commit, pushed in the moment of
    a crash; or another's, which is never overwritten."""
    try:
        found = await images.resolve(build.image, build.version)
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return None
        raise
    if found.labels.get(_REVISION, found.revision) == build.commit:
        return found.image.digest
    values = {"version": build.version}
    return Failure(Cause.VERSION_TAKEN, BuildStep.CHECKOUT, values)


def _order(build: Build) -> Order:
    return Order(
        build=build.id,
        service=build.service,
        name=build.image,
        version=build.version,
        commit=build.commit,
        source=build.repository,
        created=build.requested_at,
        command=build.command,
    )


def refused(error: PortError, step: BuildStep) -> Failure:
    """An answer that will be the same when it is asked for again; or none, at once."""
    values = {"port": error.port, "message": error.values.get("message", "")}
    if error.temporary:
        return Failure(Cause.AWAY, step, values)
    return Failure(Cause.REFUSED, step, {**values, "trouble": str(error.trouble)})


def _given_up(error: PortError, step: BuildStep) -> Failure:
    values = {"port": error.port, "message": error.values.get("message", "")}
    minutes = f"{PATIENCE.total_seconds() / 60:.0f}"
    return Failure(Cause.AWAY, step, {**values, "minutes": minutes})
