"""How a registry is spoken to: where it is, who we are, and what its refusals mean.

The token flow is Docker's (https://distribution.github.io/distribution/spec/auth/token/): an answer
401 names a realm, the realm gives a short-lived token for a scope. Plain HTTP is for loopback only.
`oci_registry` asks the questions.
"""

import asyncio
import base64
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
from multidict import CIMultiDictProxy
from pydantic import BaseModel, Field, ValidationError
from yarl import URL

from bot.adapters.hosts import is_loopback
from bot.errors import PortError, Trouble

_LARGEST_BODY = 8 * 2**20
_CONCURRENT = 8
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOKEN_LIFE = 60.0  # seconds, where the realm does not say (the specification's default)
_DOCKER_HUB = "docker.io"
_PARAMETER = re.compile(r'([A-Za-z_]+)="([^"]*)"')

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A repository: the URL of its registry's API, the host people know it by, its path there."""

    api: URL
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL


class _Token(BaseModel):
    token: str = ""
    access_token: str = ""
    expires_in: Annotated[float, Field(ge=0)] = _TOKEN_LIFE


class RegistryHttp:
    """A long-lived session; every method raises PortError and nothing else.

    `registry_url` replaces the host of image names where the API is reached elsewhere.
    `credentials` is a file like ~/.docker/config.json ("" looks where docker looks): its `auths`
    are used; helper programs are not.
    """

    def __init__(
        self,
        registry_url: str = "",
        credentials: str = "",
        *,
        connect: float = 5,
        total: float = 30,
    ) -> None:
        self._registry_url = registry_url
        home = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
        self._credentials = Path(credentials or Path(home, "config.json"))
        self._limits = aiohttp.ClientTimeout(total=total, sock_connect=connect)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._turn = asyncio.Semaphore(_CONCURRENT)
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def place(self, repository: str) -> Place:
        """Where the API of a repository is. Raises PortError INVALID."""
        first, slash, rest = repository.partition("/")
        if not slash or not (set(first) & {".", ":"} or first == "localhost"):
            first, rest = _DOCKER_HUB, repository if slash else f"library/{repository}"
        host = "registry-1.docker.io" if first == _DOCKER_HUB else first
        try:
            guess = URL(f"//{host}")
            scheme = "http" if is_loopback(guess.host or "") else "https"
            api = URL(self._registry_url or f"{scheme}://{host}")
        except ValueError as error:
            raise trouble(Trouble.INVALID, f"{repository} names no registry", host) from error
        _demand_safe(api, first)
        return Place(api, first, rest)

    async def get(
        self, place: Place, path: str | URL, *, accept: str = "*/*", method: str = "GET"
    ) -> Reply:
        """The answer to `/v2/PATH`, or to a URL that the same registry gave; with a token where one
        is asked for. Refusals are raised."""
        base = str(place.api).rstrip("/")
        url = path if isinstance(path, URL) else URL(f"{base}/v2/{path}")
        if url.origin() != place.api.origin():
            raise trouble(Trouble.UNEXPECTED, f"sent on to {url.host}", place.host)
        scope = f"repository:{place.path}:pull"
        headers = {"Accept": accept}
        async with self._turn:
            known = self._known_token(place, scope)
            reply = await self._send(method, url, {**headers, **known}, place)
            if reply.status == 401:
                granted = await self._login(place, reply, scope)
                if granted:
                    reply = await self._send(method, url, {**headers, **granted}, place)
        _refuse(reply, place)
        return reply

    async def _send(self, method: str, url: URL, headers: Mapping[str, str], place: Place) -> Reply:
        """Storages are reached by redirects: each must be as safe as the registry, and what proves
        who we are stays with the registry."""
        try:
            for _ in range(_MOST_REDIRECTS):
                async with self._session(url).request(
                    method, url, headers=headers, timeout=self._limits, allow_redirects=False
                ) as response:
                    location = response.headers.get("Location", "")
                    if response.status not in _REDIRECTS or not location:
                        body = b"" if method == "HEAD" else await _bounded(response, place)
                        return Reply(response.status, response.headers, body, url)
                    target = url.join(URL(location))
                _demand_safe(target, place.host)
                if target.origin() != url.origin():
                    headers = {k: v for k, v in headers.items() if k != "Authorization"}
                url = target
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            lasting = isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL)
            message = str(error) or "no answer in time"
            raise trouble(Trouble.AWAY, message, place.host, temporary=not lasting) from error
        raise trouble(Trouble.UNEXPECTED, "sent around in circles", place.host)

    def _session(self, url: URL) -> aiohttp.ClientSession:
        """Proxies of the environment are for the world outside, not for this machine."""
        proxied = not is_loopback(url.host or "")
        session = self._sessions.get(proxied)
        if session is None:
            session = self._sessions[proxied] = aiohttp.ClientSession(
                trust_env=proxied,
                headers={"User-Agent": "dynamo"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return session

    # Who we are

    def _known_token(self, place: Place, scope: str) -> dict[str, str]:
        header, until = self._tokens.get((place.host, scope), ("", 0.0))
        return {"Authorization": header} if header and until > time.monotonic() else {}

    async def _login(self, place: Place, reply: Reply, scope: str) -> dict[str, str]:
        """What the challenge asks for; nothing where we have nothing to offer."""
        challenge = reply.headers.get("WWW-Authenticate", "")
        kind, _, rest = challenge.partition(" ")
        basic = self._basic(place.host)
        if kind.lower() == "basic":
            header, life = basic, _TOKEN_LIFE
        elif kind.lower() == "bearer":
            header, life = await self._fetch_token(place, dict(_PARAMETER.findall(rest)), scope)
        else:
            return {}
        if not header:
            return {}
        self._tokens[place.host, scope] = (header, time.monotonic() + life * 0.9)
        return {"Authorization": header}

    async def _fetch_token(
        self, place: Place, asked: Mapping[str, str], scope: str
    ) -> tuple[str, float]:
        query = {"scope": asked.get("scope") or scope}
        if asked.get("service"):
            query["service"] = asked["service"]
        try:
            realm = URL(asked.get("realm", "")).update_query(query)
        except ValueError as error:
            raise trouble(Trouble.UNEXPECTED, "the realm is no URL", place.host) from error
        _demand_safe(realm, place.host)
        basic = self._basic(place.host)
        headers = {"Authorization": basic} if basic else {}
        reply = await self._send("GET", realm, headers, place)
        _refuse(reply, place)
        try:
            answer = _Token.model_validate_json(reply.body)
        except ValidationError as error:
            raise trouble(Trouble.UNEXPECTED, "the realm gave no token", place.host) from error
        token = answer.token or answer.access_token
        return (f"Bearer {token}" if token else ""), answer.expires_in or _TOKEN_LIFE

    def _basic(self, host: str) -> str:
        """`Basic …` from the credentials file, read each time: people log in meanwhile."""
        try:
            auths = json.loads(self._credentials.read_text(encoding="utf-8")).get("auths", {})
            names = (host, f"https://{host}", f"https://index.{host}/v1/")
            entry: dict[str, str] = next((auths[name] for name in names if name in auths), {})
            if entry.get("auth"):
                return f"Basic {entry['auth']}"
            if entry.get("username"):
                pair = f"{entry['username']}:{entry.get('password', '')}"
                return f"Basic {base64.b64encode(pair.encode()).decode()}"
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.warning("the registry credentials could not be read: %s", type(error).__name__)
        return ""


def trouble(
    kind: Trouble,
    message: str,
    host: str,
    *,
    temporary: bool = False,
    retry_after: float | None = None,
    **values: str,
) -> PortError:
    return PortError(
        "registry",
        kind,
        temporary=temporary,
        retry_after=retry_after,
        values={"message": message, "registry": host, **values},
    )


def _demand_safe(url: URL, host: str) -> None:
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host or "")):
        return
    raise trouble(Trouble.INVALID, "plain HTTP is for registries on this machine only", host)


def _refuse(reply: Reply, place: Place) -> None:
    """Raises what an answer that is no success means."""
    if reply.status < 300:
        return
    message = _said(reply)
    match reply.status:
        case 401:
            raise trouble(Trouble.UNAUTHENTICATED, message, place.host)
        case 403:
            raise trouble(
                Trouble.FORBIDDEN,
                message,
                place.host,
                verb="pull",
                resource=f"{place.host}/{place.path}",
                namespace="",
            )
        case 404:
            raise trouble(Trouble.NOT_FOUND, message, place.host)
        case 429:
            seconds = reply.headers.get("Retry-After", "")
            after = float(seconds) if seconds.isdigit() else None
            raise trouble(Trouble.THROTTLED, message, place.host, temporary=True, retry_after=after)
        case status if status >= 500:
            raise trouble(Trouble.AWAY, message, place.host, temporary=True)
    raise trouble(Trouble.UNEXPECTED, message, place.host)


def _said(reply: Reply) -> str:
    """The registry's own words: `{"errors": [{"code": …, "message": …}]}`."""
    try:
        first = json.loads(reply.body)["errors"][0]
        text = f"{first.get('code', '')}: {first.get('message', '')}".strip(": ")
    except (ValueError, LookupError, TypeError, AttributeError):
        text = ""
    return text[:500] or f"the registry answered {reply.status}"


async def _bounded(response: aiohttp.ClientResponse, place: Place) -> bytes:
    parts = bytearray()
    async for part in response.content.iter_any():
        parts += part
        if len(parts) > _LARGEST_BODY:
            raise trouble(Trouble.UNEXPECTED, "an answer that is far too large", place.host)
    return bytes(parts)
