"""`bot.ports.Builder` where a Docker Engine may or may not answer: the real one where it does, else
a stand-in that says of itself that it is one. The sandbox has such a stand-in; a real installation
has none.
"""

from pathlib import Path

from bot.domain.build import Failure
from bot.errors import PortError, Trouble
from bot.ports import Builder, Order, Report


class StandInBuilder:
    def __init__(self, real: Builder, stand_in: Builder) -> None:
        self._real = real
        self._stand_in = stand_in

    async def simulated(self) -> bool:
        return await (await self._chosen()).simulated()

    async def build(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        return await (await self._chosen()).build(order, checkout, report)

    async def _chosen(self) -> Builder:
        try:
            await self._real.simulated()
        except PortError as error:
            if error.trouble is not Trouble.AWAY:
                raise
            return self._stand_in
        return self._real
