"""Probes: GETs to base URLs and what stands behind them, as a polite stranger would send them."""

from typing import Protocol

from bot.domain.probing import Answer, Certificate


class Probes(Protocol):
    async def get(self, url: str, *, seconds: float = 3.0) -> Answer:
        """One GET, its redirects followed, within so many seconds. Never raises PortError: how far
        it came is in the answer. Addresses of this machine, of the link and of metadata services
        are not asked, whichever way they are named."""

    async def certificate(self, url: str, *, seconds: float = 3.0) -> Certificate | None:
        """What the host of an https address presents, with the same limits; None where the address
        is plain http, which is for this machine only."""
