"""`bot.ports.Probes` on aiohttp: GETs to base URLs, with a distrust of where they lead.

A base URL stands in a file, its name in somebody's DNS, and its redirects in the hands of whoever
answers: each of them may point into this machine or to a cloud's metadata service. So redirects are
followed here, one by one, and the addresses that a name has are checked in the moment of
connecting: what was checked is what is connected to, and a name that changes its mind between two
look-ups gains nothing. Proxies are not asked: behind one, nobody could check.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import SecretStr
from yarl import URL

from bot.adapters.hosts import is_off_limits
from bot.domain.probing import Answer, Certificate, Reached

_MOST_REDIRECTS = 5
_LARGEST_BODY = 4 * 2**20
_CONCURRENT = 4
_HEADERS = {
    "User-Agent": "Dynamo (checks this address after a deploy)",
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # what is counted is what was sent
}
_TOTAL = re.compile(r"\btotal;dur=(\d+(?:\.\d+)?)")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


class _OffLimitsError(OSError):
    """A name has an address that is never asked."""


class _EndedError(Exception):
    """The way to an answer ended; `reached` says how."""

    def __init__(self, reached: Reached, message: str = "") -> None:
        super().__init__(message)
        self.reached = reached


class HttpProbes:
    """`instead`: what addresses begin with, and where they are in this world (the sandbox's);
    these alone may be on this machine, and may say by `Server-Timing` how long they took: what is
    simulated is no slower where the machine does much else. `keys` are sent as `apikey` to the
    hosts of these addresses, and nowhere else. `authority` is the file of the one that is trusted
    in the place of those of the system."""

    def __init__(
        self,
        instead: Mapping[str, str] | None = None,
        *,
        keys: Mapping[str, SecretStr] | None = None,
        authority: str = "",
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._instead = {key.rstrip("/"): to.rstrip("/") for key, to in (instead or {}).items()}
        self._keys = {URL(address).origin(): key for address, key in (keys or {}).items()}
        self._authority = authority
        self._names = resolver
        self._turn = asyncio.Semaphore(_CONCURRENT)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Made by the first probe: reading all authorities takes a while, and a start has none."""
        return ssl.create_default_context(cafile=self._authority or None)

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def get(self, url: str, *, seconds: float = 3.0) -> Answer:
        way = _Way(url)
        async with self._turn:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(seconds):
                    status = await self._follow(way)
            except _EndedError as ended:
                return way.answer(ended.reached, started, message=str(ended))
            except Exception as error:  # noqa: BLE001 - whatever is at the other end, it is an answer
                return way.answer(_reached(error), started, message=_said(error))
            return way.answer(Reached.ANSWERED, started, status=status)

    async def _follow(self, way: "_Way") -> int:
        at = _url(way.url)
        for _ in range(_MOST_REDIRECTS + 1):
            status, location = await self._one(at, way)
            if status not in _REDIRECTS or not location:
                return status
            at = _next(at, location)
            way.url = str(at)
        raise _EndedError(Reached.REDIRECTS, f"more than {_MOST_REDIRECTS} redirects")

    async def _one(self, at: URL, way: "_Way") -> tuple[int, str]:
        where, replaced = self._where(at)
        if not replaced and _is_literal(where.host or "") and is_off_limits(where.host or ""):
            raise _EndedError(Reached.FORBIDDEN, where.host or "")
        session = self._session(guarded=not replaced)
        async with session.get(
            where,
            headers=self._headers(at),
            allow_redirects=False,
            server_hostname=at.host if replaced and where.scheme == "https" else None,
        ) as answer:
            await _read(answer)
            way.told = _told(answer) if replaced else None
            return answer.status, answer.headers.get("Location", "")

    def _headers(self, at: URL) -> dict[str, str]:
        key = self._keys.get(at.origin())
        return _HEADERS if key is None else {**_HEADERS, "apikey": key.get_secret_value()}

    def _where(self, at: URL) -> tuple[URL, bool]:
        """Where an address is in this world, and whether that is somewhere else."""
        text = str(at)
        for key in sorted(self._instead, key=len, reverse=True):
            if text == key or text.startswith((f"{key}/", f"{key}?")):
                return URL(f"{self._instead[key]}{text[len(key) :]}", encoded=True), True
        return at, False

    def _session(self, *, guarded: bool) -> aiohttp.ClientSession:
        if guarded not in self._sessions:
            connector = aiohttp.TCPConnector(
                ssl=self._trust,
                limit=_CONCURRENT,
                use_dns_cache=False,
                resolver=_Guarded(self._names) if guarded else None,
                socket_factory=_guarded_socket if guarded else None,
            )
            self._sessions[guarded] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._sessions[guarded]

    async def certificate(self, url: str, *, seconds: float = 3.0) -> Certificate | None:
        try:
            async with asyncio.timeout(seconds):
                at = _url(url)
                where, replaced = self._where(at)
                if where.scheme != "https":
                    return None
                expires = await self._presented(at, where, guarded=not replaced)
                return Certificate(Reached.ANSWERED, expires)
        except _EndedError as ended:
            return Certificate(ended.reached, message=str(ended))
        except Exception as error:  # noqa: BLE001 - as in `get`
            return Certificate(_reached(error), message=_said(error))

    async def _presented(self, at: URL, where: URL, *, guarded: bool) -> datetime:
        host, port = where.host or "", where.port or _PORTS["https"]
        found = await _Guarded(self._names).resolve(host, port) if guarded else []
        addresses = [each["host"] for each in found] or [host]
        writer = await self._shaken(addresses, port, at.host or "")
        try:
            presented: dict[str, Any] = writer.get_extra_info("peercert") or {}
            return datetime.fromtimestamp(ssl.cert_time_to_seconds(presented["notAfter"]), UTC)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def _shaken(self, addresses: list[str], port: int, name: str) -> asyncio.StreamWriter:
        """A connection to the first of the addresses that takes one."""
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                _, writer = await asyncio.open_connection(
                    address, port, ssl=self._trust, server_hostname=name
                )
            except ssl.SSLError:
                raise
            except OSError:
                if last == 0:
                    raise
            else:
                return writer
        raise _EndedError(Reached.UNKNOWN_HOST, name)


class _Way:
    """Where a probe has come to so far, for its answer wherever it ends. `told`: how long the other
    side says that it took, where that counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: float | None = None

    def answer(
        self, reached: Reached, started: float, *, status: int = 0, message: str = ""
    ) -> Answer:
        took = time.perf_counter() - started if self.told is None else self.told
        return Answer(reached, status, took, self.url[:500], message[:300])


class _Guarded(AbstractResolver):
    """A resolver whose answers may all be connected to. One bad address among good ones is a trick:
    then there is no answer."""

    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._names = names or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        for each in found:
            if is_off_limits(each["host"]):
                raise _OffLimitsError(each["host"])
        return found

    async def close(self) -> None:
        await self._names.close()


def _guarded_socket(about: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
    """The last door: whatever way an address took, no socket is made for one that is off limits."""
    family, kind, protocol, _, address = about
    if is_off_limits(str(address[0])):
        raise _OffLimitsError(str(address[0]))
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _demand(addresses: list[str]) -> None:
    for address in addresses:
        if is_off_limits(address):
            raise _EndedError(Reached.FORBIDDEN, address)


def _url(text: str) -> URL:
    try:
        url = URL(text)
        _ = url.port
    except ValueError as error:
        raise _EndedError(Reached.GARBLED, str(error)) from error
    if url.scheme not in _PORTS or not url.host:
        raise _EndedError(Reached.GARBLED, "no address")
    return url


def _next(at: URL, location: str) -> URL:
    try:
        to = at.join(URL(location))
    except ValueError as error:
        raise _EndedError(Reached.GARBLED, "no address to be sent on to") from error
    to = _url(str(to))
    if at.scheme == "https" and to.scheme != "https":
        # Off limits is worse than unencrypted, and says more about who answers.
        if _is_literal(to.host or ""):
            _demand([to.host or ""])
        raise _EndedError(Reached.DOWNGRADED, to.host or "")
    return to


def _is_literal(host: str) -> bool:
    """A numeric address, which no resolver sees. Forms that only the system understands (0x7f.1)
    go through the resolver, and are checked there as what they mean."""
    return ":" in host or host.replace(".", "").isdigit()


async def _read(answer: aiohttp.ClientResponse) -> None:
    """Its whole body, which is dropped: the time until the last byte is what a user waits."""
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > _LARGEST_BODY:
            answer.close()
            raise _EndedError(Reached.TOO_LARGE, f"more than {_LARGEST_BODY // 2**20} MiB")


def _told(answer: aiohttp.ClientResponse) -> float | None:
    """Seconds, by the header of https://www.w3.org/TR/server-timing/; None where it has none."""
    found = _TOTAL.search(answer.headers.get("Server-Timing", ""))
    return float(found[1]) / 1000 if found else None


_KINDS: tuple[tuple[type[BaseException], Reached], ...] = (
    (TimeoutError, Reached.TIMED_OUT),
    (ssl.SSLCertVerificationError, Reached.BAD_CERTIFICATE),
    (aiohttp.ClientConnectorCertificateError, Reached.BAD_CERTIFICATE),
    (aiohttp.ClientConnectorDNSError, Reached.UNKNOWN_HOST),
    (socket.gaierror, Reached.UNKNOWN_HOST),
    (aiohttp.ClientConnectorSSLError, Reached.GARBLED),
    (ssl.SSLError, Reached.GARBLED),
    (aiohttp.ClientResponseError, Reached.GARBLED),
    (aiohttp.ClientPayloadError, Reached.AWAY),
    (aiohttp.ClientConnectionError, Reached.AWAY),
    (OSError, Reached.AWAY),
)


def _reached(error: Exception) -> Reached:
    if any(isinstance(cause, _OffLimitsError) for cause in _causes(error)):
        return Reached.FORBIDDEN
    return next((reached for kind, reached in _KINDS if isinstance(error, kind)), Reached.GARBLED)


def _said(error: Exception) -> str:
    """Its own words, without the library's file names, line numbers and addresses."""
    words = ""
    for cause in _causes(error):
        words = getattr(cause, "verify_message", "") or getattr(cause, "strerror", "") or words
    return str(words or getattr(error, "message", "") or "")[:300]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was made of, the first cause last."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = (
            getattr(cause, "os_error", None)
            or getattr(cause, "certificate_error", None)
            or cause.__cause__
        )
