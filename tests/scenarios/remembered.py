"""What stories ask the bot itself: its rollouts, as it remembers them."""

import asyncio

from bot.domain.rollout import Rollout
from bot.sandbox.launcher import Sandbox
from tests.scenarios.passing import a_moment


class Remembered:
    """The fixture `dynamo`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def rollouts(self) -> list[Rollout]:
        """The newest first."""
        return list(await self._sandbox.dynamo.edges.store.recent())

    async def settled(self, seconds: float = 60.0) -> Rollout:
        """The newest rollout, once Slack has confirmed its end."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.rollouts()
                if found and found[0].settled:
                    return found[0]
                await a_moment(self._sandbox)
