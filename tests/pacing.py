"""A world whose time passes only as fast as it gets on with its work.

A clock that runs ten times as fast gives a busy machine ten times less to do the same in: what took
0.3 s of processor time then lasts 3 s there, and tests of what happens meanwhile have another
outcome. A world with a manual clock (`Options(manual=True)`) is moved on here a little at a time,
and both it and the bot have had their turn in between, however slow the machine is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from bot.sandbox.clock import Clock

Found = TypeVar("Found")

STEP = 0.5  # virtual seconds
PACE = 0.1
DRIP = 0.05  # so few that nothing else falls due meanwhile
REST = 0.004  # real ones: sockets and workers are heard between two steps
PATIENT = 60.0  # real ones, for what takes one


@asynccontextmanager
async def paced(clock: Clock) -> AsyncIterator[None]:
    """Time passes all the while, each moment of it as soon as the one before was lived through."""

    async def walk() -> None:
        while True:
            await clock.pass_time(PACE)
            await asyncio.sleep(REST)

    walking = asyncio.create_task(walk())
    try:
        yield
    finally:
        walking.cancel()
        await asyncio.gather(walking, return_exceptions=True)


async def passing(
    clock: Clock, seen: Callable[[], Awaitable[Found | None]], *, step: float = STEP
) -> Found:
    """Virtual time passes until there is something to see."""
    async with asyncio.timeout(PATIENT):
        while not (found := await seen()):
            await clock.pass_time(step)
            await asyncio.sleep(REST)
    return found


async def dripping(clock: Clock, seen: Callable[[], Awaitable[Found | None]]) -> Found:
    """What is due already comes into sight; what fails for a moment is tried again."""
    return await passing(clock, seen, step=DRIP)


async def standing(seen: Callable[[], Awaitable[Found | None]]) -> Found:
    """Time stands still until there is something to see."""
    async with asyncio.timeout(PATIENT):
        while not (found := await seen()):
            await asyncio.sleep(REST)
    return found


async def until(so: Callable[[], bool]) -> None:
    """What happens by itself, in real time."""
    async with asyncio.timeout(PATIENT):
        while not so():
            await asyncio.sleep(REST)
