"""All that stands around the cluster, put together: sites, Supabase instances, HTTPS, outages.

`Town` is what the launcher holds: it mounts `add_to(app)`, serves the app on a second port with
`tls()` where it can, and hands `addresses(…)` to the bot in the place of the real ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.kubernetes.world import World
from bot.sandbox.services.certificates import Certificates
from bot.sandbox.services.outages import CERTIFICATE_ENDS
from bot.sandbox.services.sites import Route, Sites
from bot.sandbox.services.supabase import Supabase, key_of


@dataclass(frozen=True, slots=True)
class Address:
    """Where an environment is in the world outside: base URL and Supabase ("" for none)."""

    environment: str
    base_url: str
    supabase: str = ""


class Town:
    def __init__(
        self, world: World, addresses: Sequence[Address], routes: Sequence[Route], home: Path
    ) -> None:
        self.outages = world.outages
        self._addresses = addresses
        self.sites = Sites(world, routes, self.outages)
        self._instances = {_host(each.supabase): each for each in addresses if each.supabase}
        owners = {host: each.environment for host, each in self._instances.items()}
        self.supabase = Supabase(owners, self.outages)
        self._sites = {_host(each.base_url): each.environment for each in addresses}
        secure = [_host(each.base_url) for each in addresses if _is_secure(each.base_url)]
        self.certificates = Certificates(home, secure, self._ends)

    def add_to(self, app: web.Application) -> None:
        app.add_subapp("/sites", self.sites.app())
        app.add_subapp("/supabase", self.supabase.app())

    def tls(self) -> ssl.SSLContext | None:
        """None where this machine cannot make certificates, or before it has."""
        return self.certificates.context() if self.certificates.possible else None

    @property
    def authority(self) -> str:
        """Path of the certificate that vouches for the sites; "" where they are plain http."""
        return str(self.certificates.authority) if self.certificates.possible else ""

    def addresses(self, url: str, secure_url: str | None) -> Mapping[str, str]:
        """Addresses of the world outside, and where they are in this one."""
        found = {}
        for each in self._addresses:
            base = secure_url if secure_url and _is_secure(each.base_url) else url
            found[each.base_url] = f"{base}/sites/{each.environment}"
            if each.supabase:
                found[each.supabase] = f"{url}/supabase/{_host(each.supabase)}"
        return found

    @property
    def keys(self) -> str:
        """As the bot's environment variable SUPABASE_KEYS has them."""
        named = [each.environment for each in self._addresses if each.supabase]
        return ",".join(f"{name}={key_of(name)}" for name in named)

    def _ends(self, host: str) -> bool:
        return self.outages.holds(CERTIFICATE_ENDS, self._sites.get(host, ""))


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").lower()


def _is_secure(address: str) -> bool:
    return urlsplit(address).scheme == "https"
