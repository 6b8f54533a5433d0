"""`bot.ports.Metrics` on Prometheus' HTTP API, also that of Thanos, Mimir or VictoriaMetrics.

Queries go out as forms by POST, since they may be long; always with explicit times, so that two of
them speak of the same moment. What comes back is checked here by pydantic. A redirect is not
followed: the token must not go where nobody wrote that it may. What fails for a moment is asked
again, twice at most.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import aiohttp
from pydantic import BaseModel, Discriminator, Field, SecretStr, ValidationError
from yarl import URL

from bot.adapters.hosts import is_loopback
from bot.domain.analysis import Sample, Window
from bot.errors import PortError, Trouble
from bot.ports.metrics import Series

log = logging.getLogger(__name__)

_LARGEST_BODY = 8 * 2**20
_CONCURRENT = 8
_PAUSES = (0.2, 0.6)  # seconds before the second and the third attempt
_JSON_TRIES = 400  # letters of a body that is no JSON, for the log

_Moment = tuple[float, str]


class _Vector(BaseModel):
    metric: dict[str, str]
    value: _Moment | None = None  # None: a native histogram
    values: list[_Moment] | None = None


class _Many(BaseModel):
    resultType: Literal["vector", "matrix"]  # noqa: N815 - Prometheus' own name
    result: list[_Vector]


class _One(BaseModel):
    resultType: Literal["scalar"]  # noqa: N815
    result: _Moment


class _Success(BaseModel):
    status: Literal["success"]
    data: Annotated[_Many | _One, Discriminator("resultType")]


class _Refusal(BaseModel):
    status: Literal["error"]
    errorType: str = ""  # noqa: N815
    error: str = Field("", max_length=100_000)


class PrometheusMetrics:
    """`urls` by environment; `instead` as everywhere: what addresses begin with, and where they are
    in this world (the sandbox's). `seconds` is the limit of one attempt, `patience` of all."""

    def __init__(
        self,
        urls: Mapping[str, str],
        token: SecretStr | None = None,
        *,
        instead: Mapping[str, str] | None = None,
        seconds: float = 5.0,
        patience: float = 12.0,
    ) -> None:
        self._urls = {name: URL(_placed(url, instead or {})) for name, url in urls.items()}
        self._token = token
        self._limits = aiohttp.ClientTimeout(total=seconds, sock_connect=min(3.0, seconds))
        self._patience = patience
        self._turn = asyncio.Semaphore(_CONCURRENT)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def serves(self, environment: str) -> bool:
        return environment in self._urls

    async def at(self, environment: str, query: str, when: datetime) -> Sequence[Series]:
        form = {"query": query, "time": _stamp(when), "timeout": self._server_limit}
        return await self._ask(environment, "query", form)

    async def over(
        self, environment: str, query: str, window: Window, step: timedelta
    ) -> Sequence[Series]:
        form = {
            "query": query,
            "start": _stamp(window.start),
            "end": _stamp(window.end),
            "step": f"{step.total_seconds():.3f}",
            "timeout": self._server_limit,
        }
        return await self._ask(environment, "query_range", form)

    @property
    def _server_limit(self) -> str:
        """So that the server does not go on with what nobody waits for any more."""
        return f"{self._limits.total:g}s"

    async def _ask(self, environment: str, method: str, form: Mapping[str, str]) -> list[Series]:
        base = self._urls.get(environment)
        if base is None:
            raise _trouble(Trouble.NOT_FOUND, f"no Prometheus is named for {environment}")
        try:
            async with self._turn, asyncio.timeout(self._patience):
                return await self._patiently(base / "api/v1" / method, form)
        except TimeoutError as error:
            raise _away(f"no answer in {self._patience:g} s") from error

    async def _patiently(self, url: URL, form: Mapping[str, str]) -> list[Series]:
        for pause in _PAUSES:
            try:
                return await self._once(url, form)
            except PortError as error:
                if not error.temporary:
                    raise
                log.debug("Prometheus: %s; once more", error)
                await asyncio.sleep(max(pause, error.retry_after or 0))
        return await self._once(url, form)

    async def _once(self, url: URL, form: Mapping[str, str]) -> list[Series]:
        try:
            async with self._session(url).post(
                url, data=form, headers=self._headers(), allow_redirects=False
            ) as answer:
                body = await _bounded(answer)
                if answer.status != 200:
                    raise _refused(answer, body)
                return _read(body)
        except TimeoutError as error:
            raise _away(f"no answer in {self._limits.total:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            lasting = isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL)
            raise _away(str(error) or "no answer", temporary=not lasting) from error

    def _session(self, url: URL) -> aiohttp.ClientSession:
        """Proxies of the environment are for the world outside, not for this machine."""
        near = is_loopback(url.host or "")
        if near not in self._sessions:
            self._sessions[near] = aiohttp.ClientSession(
                timeout=self._limits, trust_env=not near, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[near]

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": "dynamo", "Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return headers


def _placed(url: str, instead: Mapping[str, str]) -> str:
    for begins in sorted(instead, key=len, reverse=True):
        if url == begins or url.startswith(f"{begins.rstrip('/')}/"):
            return instead[begins].rstrip("/") + url[len(begins.rstrip("/")) :]
    return url


def _stamp(when: datetime) -> str:
    return f"{when.timestamp():.3f}"


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for part in answer.content.iter_any():
        parts += part
        if len(parts) > _LARGEST_BODY:
            raise _trouble(Trouble.UNEXPECTED, "an answer that is far too large")
    return bytes(parts)


def _read(body: bytes) -> list[Series]:
    try:
        data = _Success.model_validate_json(body).data
    except ValidationError as error:
        refusal = _refusal(body)
        if refusal is not None:
            raise _trouble(Trouble.INVALID, refusal.error or refusal.errorType) from error
        log.warning("what answers as Prometheus: %r", body[:_JSON_TRIES])
        raise _trouble(Trouble.UNEXPECTED, "an answer that is not Prometheus'") from error
    try:
        if isinstance(data, _One):
            return [Series({}, (_sample(data.result),))]
        return [Series(each.metric, _samples(each)) for each in data.result]
    except (ValueError, OverflowError, OSError) as error:
        raise _trouble(Trouble.UNEXPECTED, "an answer with values that are none") from error


def _samples(vector: _Vector) -> tuple[Sample, ...]:
    if vector.values is not None:
        return tuple(_sample(each) for each in vector.values)
    return (_sample(vector.value),) if vector.value is not None else ()


def _sample(moment: _Moment) -> Sample:
    """Numbers come as text: "NaN", "+Inf" and "-Inf" are among them."""
    return Sample(datetime.fromtimestamp(moment[0], UTC), float(moment[1]))


def _refusal(body: bytes) -> _Refusal | None:
    try:
        return _Refusal.model_validate_json(body)
    except ValidationError:
        return None


def _refused(answer: aiohttp.ClientResponse, body: bytes) -> PortError:
    """400 and 422 are Prometheus' no to a query; 503 is its own timeout."""
    status = answer.status
    said = _refusal(body)
    message = said.error if said and said.error else f"Prometheus answered {status}"
    if 300 <= status < 400:
        host = URL(answer.headers.get("Location", "")).host or "elsewhere"
        return _trouble(Trouble.UNEXPECTED, f"sent on to {host}")
    if status in (400, 422):
        return _trouble(Trouble.INVALID, message)
    if status == 401:
        return _trouble(Trouble.UNAUTHENTICATED, message)
    if status == 403:
        return _trouble(Trouble.FORBIDDEN, message)
    if status in (404, 405):
        return _trouble(Trouble.NOT_FOUND, message)
    if status == 429:
        after = answer.headers.get("Retry-After", "")
        wait = min(float(after), 5.0) if after.isdigit() else 1.0
        return _trouble(Trouble.THROTTLED, message, temporary=True, retry_after=wait)
    if status >= 500:
        return _away(message)
    return _trouble(Trouble.UNEXPECTED, message)


def _away(message: str, *, temporary: bool = True) -> PortError:
    return _trouble(Trouble.AWAY, message, temporary=temporary)


def _trouble(
    kind: Trouble, message: str, *, temporary: bool = False, retry_after: float | None = None
) -> PortError:
    return PortError(
        "metrics",
        kind,
        temporary=temporary,
        retry_after=retry_after,
        values={"message": message[:500]},
    )
