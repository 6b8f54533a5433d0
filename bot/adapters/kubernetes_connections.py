"""Connections to clusters: one client per kubeconfig context, asked for raw JSON.

The official client finds the server, the credentials and the TLS settings (`KUBECONFIG`, the
default file, or the pod's own service account) and sends the requests; its models are left out,
because decoding into them costs twenty times the reading. Credentials that no longer hold (401)
are loaded anew, once per request. The client library is imported at the first use, in a thread: it
takes most of a second that a start does not have.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from bot.adapters.hosts import is_loopback
from bot.adapters.kubernetes_errors import (
    Asked,
    Expired,
    Resource,
    no_answer,
    refusal,
    unexpected,
)
from bot.errors import PortError, Trouble
from bot.loading import LOADING

Objects = list[Mapping[str, Any]]
"""Raw Kubernetes objects."""

_PAGE = 500
_METHODS = {"get": "GET", "list": "GET", "watch": "GET", "patch": "PATCH", "create": "POST"}
_CONCURRENT_CALLS = 16  # per cluster; streams do not count
_LARGEST_BODY = 128 * 2**20
_LARGEST_REFUSAL = 2**20
_READ_AHEAD = 2**16
"""Bytes of a stream that come before they are asked for, twice as many at most. The library's own
two MiB, for a watch that is read line by line, would be 70 MB of 16 logs."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, for a whole ordinary request, and without a byte on a stream (the server
    sends a bookmark about once a minute, so silence beyond that is a dead connection)."""

    connect: float = 5
    total: float = 30
    idle: float = 75


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an API server."""

    asked: Asked
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"

    @property
    def target(self) -> str:
        asked = self.asked
        path = asked.resource.path(asked.namespace, asked.name, asked.subresource)
        return f"{path}?{urlencode(self.query)}" if self.query else path


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its body as bytes, and the server's own warnings."""

    body: bytes
    warnings: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """Raises PortError UNEXPECTED where the body is no JSON object."""
        try:
            raw = orjson.loads(self.body)
        except ValueError as error:
            raise unexpected("the answer is no JSON") from error
        if not isinstance(raw, dict):
            raise unexpected("the answer is no JSON object")
        return raw


class _Client:
    """The library's ApiClient, closed when the last request on it has ended."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.users = 0
        self.retired = False

    async def __aenter__(self) -> Any:
        self.users += 1
        return self.api

    async def __aexit__(self, *_: object) -> None:
        self.users -= 1
        await self.close_if_unused()

    async def close_if_unused(self) -> None:
        if self.retired and not self.users:
            await self.api.close()


class Connection:
    """One cluster. Every method raises PortError and nothing else."""

    def __init__(
        self,
        load: Callable[[], Awaitable[Any]],
        *,
        timeouts: Timeouts,
        headers: Mapping[str, str],
    ) -> None:
        self._load = load
        self._timeouts = timeouts
        self._headers = headers
        self._client: _Client | None = None
        self._loading = asyncio.Lock()
        self._turn = asyncio.Semaphore(_CONCURRENT_CALLS)

    async def call(self, call: Call) -> Answer:
        """Ask and read the whole answer."""
        limits = aiohttp.ClientTimeout(
            total=self._timeouts.total, sock_connect=self._timeouts.connect
        )
        async with self._turn, self._opened(call, limits) as response:
            warnings = _warnings(response.headers.getall("Warning", []))
            return Answer(await _read(response, _LARGEST_BODY), warnings)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer's bytes as they come, for as long as both sides like."""
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=self._timeouts.connect, sock_read=self._timeouts.idle
        )
        async with self._opened(call, limits) as response:
            yield response.content.iter_any()

    async def list(
        self, resource: Resource, namespace: str, query: Mapping[str, str] | None = None
    ) -> tuple[str, Objects]:
        """The version of a consistent list and all its objects, read page by page."""
        try:
            return await self._list(resource, namespace, {"limit": str(_PAGE), **(query or {})})
        except Expired:  # between two pages: then all at once
            return await self._list(resource, namespace, query or {})

    async def _list(
        self, resource: Resource, namespace: str, query: Mapping[str, str]
    ) -> tuple[str, Objects]:
        asked = Asked("list", resource, namespace)
        objects: Objects = []
        follow_up: dict[str, str] = {}
        while True:
            page = (await self.call(Call(asked, {**query, **follow_up}))).json()
            meta, items = page.get("metadata"), page.get("items") or []
            if not isinstance(meta, dict) or not isinstance(items, list):
                raise unexpected(f"the list of {resource.full} is no list")
            objects += items
            if not meta.get("continue"):
                return str(meta.get("resourceVersion") or ""), objects
            follow_up = {"continue": str(meta["continue"])}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.api.close()
            self._client = None
            await asyncio.sleep(0)  # the sockets of what was hung up are closed in the next turn

    @asynccontextmanager
    async def _opened(
        self, call: Call, limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful response; with 401 the credentials are loaded anew, and it is tried again.

        The errors of whoever reads the response come through here too.
        """
        tried: _Client | None = None
        while True:
            client = await self._usable(tried)
            try:
                async with client as api:
                    response = await self._send(api, call, limits)
                    try:
                        if response.status == 401 and tried is None:
                            tried = client
                            continue
                        if response.status >= 300:
                            body = await _read(response, _LARGEST_REFUSAL)
                            raise refusal(call.asked, response.status, body, response.headers)
                        yield response
                        return
                    finally:
                        _hang_up(response)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise no_answer(error) from error

    async def _send(
        self, api: Any, call: Call, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        method = _METHODS[call.asked.verb]
        headers = {
            "Accept": "application/json",
            "Content-Type": call.content_type,
            "User-Agent": "dynamo",
            **self._headers,
        }
        await api.update_params_for_auth(headers, [], ["BearerToken"], call.target, method, None)
        answer = await api.rest_client.request(
            method,
            api.configuration.host + call.target,
            headers=headers,
            body=call.body,
            _request_timeout=limits,
        )
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _usable(self, failed: _Client | None) -> _Client:
        """The present client; a new one where there is none or the present one has failed."""
        async with self._loading:
            if self._client is None or self._client is failed:
                old, self._client = self._client, _Client(await self._load())
                if old is not None:
                    old.retired = True
                    await old.close_if_unused()
            return self._client


class Connections:
    """All clusters of a kubeconfig, each opened at its first use.

    `kubeconfig` is a path (or several, as in `KUBECONFIG`); "" looks where kubectl looks, then
    takes the pod's service account. `impersonate` acts as another user, who is granted less.
    """

    def __init__(
        self, kubeconfig: str = "", *, impersonate: str = "", timeouts: Timeouts | None = None
    ) -> None:
        self._kubeconfig = kubeconfig
        self._headers = {"Impersonate-User": impersonate} if impersonate else {}
        self._timeouts = timeouts or Timeouts()
        self._connections: dict[str, Connection] = {}

    def to(self, context: str) -> Connection:
        connection = self._connections.get(context)
        if connection is None:
            connection = self._connections[context] = Connection(
                lambda: self._load(context), timeouts=self._timeouts, headers=self._headers
            )
        return connection

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    async def _load(self, context: str) -> Any:
        """Raises PortError UNAUTHENTICATED: there is nothing to log in with, and why."""
        try:
            client, config = await asyncio.to_thread(_import_library)
            configuration = client.Configuration()
            # Requests are counted here; the streams must never wait behind them.
            configuration.connection_pool_maxsize = 0
            path = self._path()
            if path:
                _readable(path)
                await config.load_kube_config(
                    config_file=path,
                    context=context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
            else:
                config.load_incluster_config(client_configuration=configuration)
            _tidy(configuration.api_key)
            # Proxies of the environment are for the world outside, not for this machine.
            outside = not is_loopback(URL(configuration.host).host or "")
            configuration.client_session_kwargs = {
                "trust_env": outside,
                "read_bufsize": _READ_AHEAD,
            }
            return client.ApiClient(configuration)
        except Exception as error:
            # The library meets a broken kubeconfig with whatever the broken part raises.
            raise PortError(
                "cluster",
                Trouble.UNAUTHENTICATED,
                temporary=False,
                values={"message": _one_line(error), "context": context},
            ) from error

    def _path(self) -> str:
        if self._kubeconfig or os.environ.get("KUBECONFIG"):
            return self._kubeconfig or os.environ["KUBECONFIG"]
        default = Path.home() / ".kube" / "config"
        return str(default) if default.exists() else ""


def _readable(kubeconfig: str) -> None:
    """Of several files, as in `KUBECONFIG`, one has to be there (the client only logs that none is,
    and fails with other words). Raises FileNotFoundError."""
    files = [file for file in kubeconfig.split(os.pathsep) if file]
    if not any(Path(file).expanduser().is_file() for file in files):
        raise FileNotFoundError(f"there is no kubeconfig at {kubeconfig}")


def _tidy(keys: dict[str, str]) -> None:
    """A token's file ends with a new line, which kubectl leaves out and the client does not. Raises
    ValueError, that says nothing of the token, where it can be no header."""
    for name, key in keys.items():
        keys[name] = key.strip()
        if not keys[name].isprintable():
            raise ValueError("the token holds characters that no token has")


def _import_library() -> tuple[Any, Any]:
    with LOADING:
        from kubernetes.aio import client, config

    return client, config


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """A body that was not read to its end cannot be skipped: a watch has none. Nor is it waited for
    the other side to say goodbye, which TLS would do for half a minute while the news go on."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            raise unexpected(f"an answer of more than {limit >> 20} MiB")
        parts.append(part)
    return b"".join(parts)


def _warnings(headers: list[str]) -> tuple[str, ...]:
    """The texts of Warning headers: `299 - "text with \\"quotes\\""` (RFC 7234 §5.5)."""
    texts = []
    for header in headers:
        _, quote, rest = header.partition('"')
        text = rest.rpartition('"')[0] if quote else header
        texts.append(text.replace('\\"', '"').replace("\\\\", "\\"))
    return tuple(texts)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__
