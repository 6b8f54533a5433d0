"""`bot.ports.Checks` on the GitHub REST API, also that of an Enterprise Server.

A commit has check runs (GitHub Apps, Actions) and statuses (older services); both are read, page by
page, and the newest of each name counts, which is what the API itself gives. What it answers is
checked here by pydantic; what it refuses becomes a PortError that says which: a commit or
repository that it does not show, a token that it does not take, a limit and when that ends.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import aiohttp
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError
from yarl import URL

from bot.adapters.hosts import is_loopback
from bot.domain.ci import Check, CheckState
from bot.domain.release import commit_in
from bot.errors import PortError, Trouble

log = logging.getLogger(__name__)

_PAGE = 100
_MOST_PAGES = 20  # 2,000 checks of one commit: more is a mistake of somebody's
_LARGEST_BODY = 8 * 2**20
_CONCURRENT = 8
_LONGEST_WAIT = 3600.0  # GitHub's limits are those of an hour
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "dynamo",
}
_PASSED = frozenset({"success", "neutral", "skipped"})

_Shape = TypeVar("_Shape", bound=BaseModel)


def _text(value: object) -> object:
    return "" if value is None else value


_Text = Annotated[str, BeforeValidator(_text)]


class _Run(BaseModel):
    name: str = Field(min_length=1)
    status: str
    conclusion: _Text = ""
    html_url: _Text = ""
    completed_at: datetime | None = None

    @property
    def check(self) -> Check:
        if self.status != "completed":
            state = CheckState.RUNNING
        else:
            state = CheckState.PASSED if self.conclusion in _PASSED else CheckState.FAILED
        return Check(self.name, state, self.html_url, self.completed_at)


class _Runs(BaseModel):
    total_count: int = Field(ge=0)
    check_runs: list[_Run]


class _Status(BaseModel):
    context: str = Field(min_length=1)
    state: Literal["success", "pending", "failure", "error"]
    target_url: _Text = ""
    updated_at: datetime | None = None

    @property
    def check(self) -> Check:
        known = {"success": CheckState.PASSED, "pending": CheckState.RUNNING}
        return Check(
            self.context, known.get(self.state, CheckState.FAILED), self.target_url, self.updated_at
        )


class _Statuses(BaseModel):
    total_count: int = Field(ge=0)
    statuses: list[_Status]


class GitHubChecks:
    """Raises PortError: NOT_FOUND (repository, commit), UNAUTHENTICATED, FORBIDDEN, THROTTLED (with
    `retry_after`), AWAY, UNEXPECTED. `now` gives seconds since 1970, as rate limits count."""

    def __init__(
        self,
        api_url: str,
        token: SecretStr | None = None,
        *,
        connect: float = 5,
        total: float = 20,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api = URL(api_url.rstrip("/"))
        self._token = token
        self._now = now
        self._limits = aiohttp.ClientTimeout(total=total, sock_connect=connect)
        self._turn = asyncio.Semaphore(_CONCURRENT)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def of_commit(self, repository: str, commit: str) -> Sequence[Check]:
        _demand_names(repository, commit)
        base = f"repos/{repository}/commits/{commit}"
        runs, statuses = await asyncio.gather(
            self._runs(f"{base}/check-runs", repository, commit),
            self._statuses(f"{base}/status", repository, commit),
        )
        return (*runs, *statuses)

    async def shows(self, repository: str) -> None:
        """Whether this repository is shown to us: raises PortError as `of_commit`."""
        _demand_names(repository, "0" * 40)
        await self.get(f"repos/{repository}", 1, repository, "")

    async def _runs(self, path: str, repository: str, commit: str) -> list[Check]:
        found: list[Check] = []
        for page in range(1, _MOST_PAGES + 1):
            body = await self.get(path, page, repository, commit)
            read = _read(_Runs, body)
            found += [run.check for run in read.check_runs]
            if len(read.check_runs) < _PAGE or len(found) >= read.total_count:
                return found
        raise _trouble(Trouble.UNEXPECTED, "the list of check runs does not end")

    async def _statuses(self, path: str, repository: str, commit: str) -> list[Check]:
        found: list[Check] = []
        for page in range(1, _MOST_PAGES + 1):
            read = _read(_Statuses, await self.get(path, page, repository, commit))
            found += [status.check for status in read.statuses]
            if len(read.statuses) < _PAGE or len(found) >= read.total_count:
                return found
        raise _trouble(Trouble.UNEXPECTED, "the list of statuses does not end")

    async def get(self, path: str, page: int, repository: str, commit: str) -> bytes:
        """One page of a hundred of what stands at this path, for `bot/adapters` alone."""
        url = URL(f"{self._api}/{path}").with_query(per_page=str(_PAGE), page=str(page))
        try:
            async with (
                self._turn,
                self._open_session().get(url, headers=self._headers(), max_redirects=3) as answer,
            ):
                if answer.url.origin() != self._api.origin():
                    raise _trouble(Trouble.UNEXPECTED, f"sent on to {answer.url.host}")
                body = await _bounded(answer)
                if answer.status != 200:
                    raise self._refused(answer, body, repository, commit)
                return body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            lasting = isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL)
            message = str(error) or "no answer in time"
            raise _trouble(Trouble.AWAY, message, temporary=not lasting) from error

    def _open_session(self) -> aiohttp.ClientSession:
        """Proxies of the environment are for the world outside, not for this machine."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._limits,
                trust_env=not is_loopback(self._api.host or ""),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        if self._token is None:
            return _HEADERS
        return {**_HEADERS, "Authorization": f"Bearer {self._token.get_secret_value()}"}

    def _refused(
        self, answer: aiohttp.ClientResponse, body: bytes, repository: str, commit: str
    ) -> PortError:
        names = {"repository": repository, "commit": commit}
        message = _said(body) or f"the git host answered {answer.status}"
        status = answer.status
        limited = status == 403 and (
            answer.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in answer.headers
        )
        if status == 429 or limited:
            wait = self._wait(answer)
            return _trouble(
                Trouble.THROTTLED, message, temporary=True, retry_after=wait, about=names
            )
        if status in (404, 422):  # 422: the repository is there, the commit is not
            if self._token is None:
                message = f"{message}; without GITHUB_TOKEN only public repositories are shown"
            return _trouble(Trouble.NOT_FOUND, message, about=names)
        if status == 401:
            return _trouble(Trouble.UNAUTHENTICATED, message, about=names)
        if status == 403:
            return _trouble(Trouble.FORBIDDEN, message, about=names)
        if status >= 500:
            return _trouble(Trouble.AWAY, message, temporary=True, about=names)
        return _trouble(Trouble.UNEXPECTED, message, about=names)

    def _wait(self, answer: aiohttp.ClientResponse) -> float:
        """Seconds until it may be asked again, as it says; a minute where it does not."""
        after = answer.headers.get("Retry-After", "")
        reset = answer.headers.get("X-RateLimit-Reset", "")
        if after.isdigit():
            wait = float(after)
        elif reset.isdigit():
            wait = float(reset) - self._now()
        else:
            wait = 60.0
        return min(max(wait, 1.0), _LONGEST_WAIT)


def _demand_names(repository: str, commit: str) -> None:
    """They go into a path: only what can be a name does."""
    owner, _, name = repository.partition("/")
    if not _NAME.fullmatch(repository) or {owner, name} & {".", ".."} or not commit_in(commit):
        raise _trouble(Trouble.INVALID, "no repository or commit can have such a name")


def _trouble(
    kind: Trouble,
    message: str,
    *,
    temporary: bool = False,
    retry_after: float | None = None,
    about: Mapping[str, str] | None = None,
) -> PortError:
    return PortError(
        "git-host",
        kind,
        temporary=temporary,
        retry_after=retry_after,
        values={"message": message[:500], **(about or {})},
    )


def _read(shape: type[_Shape], body: bytes) -> _Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        log.warning("the git host's answer: %s", error.errors(include_input=False)[:3])
        raise _trouble(Trouble.UNEXPECTED, "an answer of another shape", temporary=True) from error


class _Refusal(BaseModel):
    message: str = ""


def _said(body: bytes) -> str:
    try:
        return _Refusal.model_validate_json(body).message
    except ValidationError:
        return ""


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for part in answer.content.iter_any():
        parts += part
        if len(parts) > _LARGEST_BODY:
            raise _trouble(Trouble.UNEXPECTED, "an answer that is far too large")
    return bytes(parts)
