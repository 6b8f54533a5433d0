"""`bot.ports.Builder` where a Docker Engine may or may not answer: the real one where it does, else
a stand-in that says of itself that it is one. The sandbox has such a stand-in; a real installation
has none.
"""

from pathlib import Path

from bot.domain.build import Failure
from bot.errors import PortError, Trouble
from bot.ports import Builder, Order, Report


class StandInBuilder:
    """A build ends with the builder that it began with: an engine that goes away in the middle of
    it is not replaced by one that only seems to build."""

    def __init__(self, real: Builder, stand_in: Builder) -> None:
        self._real = real
        self._stand_in = stand_in
        self._chosen: dict[str, Builder] = {}

    async def simulated(self) -> bool:
        return await (await self._choose()).simulated()

    async def command(self, order: Order, checkout: Path, report: Report) -> Failure | None:
        return await (await self._of(order)).command(order, checkout, report)

    async def image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        return await (await self._of(order)).image(order, checkout, report)

    async def push(self, order: Order, image: str, report: Report) -> str | Failure:
        return await (await self._of(order)).push(order, image, report)

    async def tidy(self, order: Order, *, pushed: bool) -> None:
        chosen = self._chosen.pop(order.build, None)
        if chosen is not None:
            await chosen.tidy(order, pushed=pushed)

    async def _of(self, order: Order) -> Builder:
        if order.build not in self._chosen:
            self._chosen[order.build] = await self._choose()
        return self._chosen[order.build]

    async def _choose(self) -> Builder:
        try:
            await self._real.simulated()
        except PortError as error:
            if error.trouble is not Trouble.AWAY:
                raise
            return self._stand_in
        return self._real
