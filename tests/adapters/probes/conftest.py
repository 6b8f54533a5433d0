"""Real HTTPS on this machine: an authority made for the test, certificates of any age, servers of
any manners. Names end in `.test`, which no DNS knows: `Names` says where they are."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import SecretStr

from bot.adapters.http_probes import HttpProbes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@dataclass(frozen=True)
class Authority:
    home: Path

    @property
    def certificate(self) -> Path:
        return self.home / "authority.pem"

    def found(self) -> None:
        key = self.home / "key.pem"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl(
            *("req", "-x509", "-new", "-key", key, "-subj", "/CN=authority", "-days", "90"),
            *("-addext", "keyUsage=critical,keyCertSign,digitalSignature"),
            *("-out", self.certificate),
        )

    def serves(self, name: str, days: int, *, self_signed: bool = False) -> ssl.SSLContext:
        """The server's side, with a certificate for a name that lasts so many days from now."""
        key, request = self.home / "key.pem", self.home / f"{name}.csr"
        signed, extensions = self.home / f"{name}-{days}.pem", self.home / f"{name}.ext"
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        extensions.write_text(f"subjectAltName=DNS:{name}")
        by = ("-signkey", key) if self_signed else ("-CA", self.certificate, "-CAkey", key)
        openssl(
            *("x509", "-req", "-in", request, *by, "-days", str(days)),
            *("-extfile", extensions, "-out", signed),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(signed, key)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.found()
    return made


@dataclass
class Names(AbstractResolver):
    """A DNS that a test writes: each look-up of a name takes the next of its answers."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        rounds = self.answers[host]
        given = rounds.pop(0) if len(rounds) > 1 else rounds[0]
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for each in given
        ]

    async def close(self) -> None:
        pass


@dataclass
class Site:
    """A server for a name; `probes` find it there."""

    name: str
    port: int
    scheme: str

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.name}"

    @property
    def local(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


class Town:
    """All servers of one test, and probes that find them by their names."""

    def __init__(self, stack: AsyncExitStack, authority: Authority) -> None:
        self._stack = stack
        self.authority = authority
        self.sites: list[Site] = []

    async def site(
        self, handler: Handler, name: str = "qa.acme.test", *, days: int | None = 60
    ) -> Site:
        """`days` None: plain http."""
        context = self.authority.serves(name, days) if days is not None else None
        return await self.with_context(handler, name, context)

    async def with_context(
        self, handler: Handler, name: str, context: ssl.SSLContext | None
    ) -> Site:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return self._known(Site(name, runner.addresses[0][1], "https" if context else "http"))

    async def raw(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        name: str = "qa.acme.test",
    ) -> Site:
        """A server that need not speak HTTP. At the end each connection is closed, and waited for:
        one that the loop leaves behind is a warning in some later test."""
        serving: set[asyncio.Task[None]] = set()

        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            serving.add(task)
            try:
                await serve(reader, writer)
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

        server = await asyncio.start_server(quietly, "127.0.0.1", 0)

        async def close() -> None:
            server.close()
            for each in serving:
                each.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

        self._stack.push_async_callback(close)
        return self._known(Site(name, server.sockets[0].getsockname()[1], "http"))

    def _known(self, site: Site) -> Site:
        self.sites.append(site)
        return site

    def probes(
        self, names: AbstractResolver | None = None, keys: dict[str, SecretStr] | None = None
    ) -> HttpProbes:
        instead = {site.base: site.local for site in self.sites}
        made = HttpProbes(
            instead, keys=keys, authority=str(self.authority.certificate), resolver=names
        )
        self._stack.push_async_callback(made.close)
        return made


@pytest.fixture
async def town(authority: Authority) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(stack, authority)
