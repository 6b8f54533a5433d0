"""Waiting for the end of a rollout without waiting out the window in which it has to stay well."""

import asyncio

from bot.domain.rollout import DRIVEN, RolloutState
from bot.sandbox.launcher import Sandbox

STEP = (
    2.0  # virtual seconds: fifteen looks in a window of thirty, so that the bot sees what happens
)


async def a_moment(sandbox: Sandbox) -> None:
    """Between two looks. Where nothing is under way but releases that are watched, more time passes
    than the clock's pace brings; every timer of the world still runs, at its own time."""
    driven = [each for each in await sandbox.dynamo.edges.store.recent() if each.state in DRIVEN]
    if driven and all(each.state is RolloutState.SOAKING for each in driven):
        await sandbox.clock.pass_time(STEP)
    await asyncio.sleep(0.05)
