"""`POST /do`: a line from a terminal, let in by a bearer token; answers as JSON lines, live.

Only hashes of tokens are known here. They are all compared, each in constant time, so that how
long it takes says nothing. Who guesses is slowed down, as is a script that runs wild.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

from aiohttp import web

from bot.domain.outcome import TerminalLine
from bot.errors import PortError

log = logging.getLogger(__name__)

Do = Callable[[str, TerminalLine], AsyncGenerator[Mapping[str, object], None]]
"""Name of the token and its line: messages to their end."""

_LINES: Final = 60  # a minute and token
_WRONG: Final = 30  # wrong tokens a minute, from wherever: then nobody new is let in for a while
_FOLLOWING: Final = 50  # at once
_MINUTE: Final = 60.0
_LONGEST_LINE: Final = 4_000  # characters, as Slack's own
_LONGEST_WAIT: Final = 24 * 3600.0


class Rate:
    """At most so many within a minute. Times are seconds of any clock that only goes forward."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def full(self, now: float) -> bool:
        while self._times and self._times[0] <= now - _MINUTE:
            self._times.popleft()
        return len(self._times) >= self._most

    def count(self, now: float) -> None:
        self._times.append(now)


class TerminalEndpoint:
    """`hashes`: SHA-256 in hex by the name of the token; `seconds` is a monotonic clock."""

    def __init__(self, hashes: Mapping[str, str], do: Do, seconds: Callable[[], float]) -> None:
        self._hashes = dict(hashes)
        self._do = do
        self._seconds = seconds
        self._wrong = Rate(_WRONG)
        self._lines = {name: Rate(_LINES) for name in hashes}
        self._following: set[asyncio.Task[Any]] = set()

    def close(self) -> None:
        """Let go of whoever is followed. What they began goes on, as their command tells them."""
        for task in self._following:
            task.cancel()

    @property
    def routes(self) -> web.RouteTableDef:
        routes = web.RouteTableDef()
        routes.post("/do")(self._post)
        return routes

    async def _post(self, request: web.Request) -> web.StreamResponse:
        now = self._seconds()
        if self._wrong.full(now):
            return _error(429, "too many wrong tokens; wait a minute")
        name = self._name(request.headers.get("Authorization", ""))
        if name is None:
            self._wrong.count(now)
            log.warning("a wrong token at /do from %s", request.remote)
            return _error(401, "the token is not known here")
        if self._lines[name].full(now) or len(self._following) >= _FOLLOWING:
            return _error(429, "too many lines; wait a minute")
        self._lines[name].count(now)
        asked = await _read(request)
        if isinstance(asked, web.Response):
            return asked
        task = asyncio.current_task()
        assert task is not None
        self._following.add(task)
        try:
            return await self._stream(request, name, asked)
        finally:
            self._following.discard(task)

    def _name(self, header: str) -> str | None:
        scheme, _, token = header.partition(" ")
        given = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(given, known):
                found = name
        return found if scheme.lower() == "bearer" and token.strip() else None

    async def _stream(
        self, request: web.Request, name: str, line: TerminalLine
    ) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        try:
            # Closed with whoever listens: a log is followed for nobody else.
            async with aclosing(self._do(name, line)) as messages:
                async for message in messages:
                    await answer.write(_line(message))
        except ConnectionResetError:
            return answer  # who asked has gone; what was begun goes on
        except Exception as error:
            error_id = secrets.token_hex(4)
            if isinstance(error, PortError):
                log.warning("error %s: a line of %s is followed no more: %s", error_id, name, error)
            else:
                log.exception("error %s: a line of %s met a bug", error_id, name)
            await answer.write(_line({"type": "end", "text": error_id, "outcome": "trouble"}))
        await answer.write_eof()
        return answer


async def _read(request: web.Request) -> TerminalLine | web.Response:
    """The answer to what is no line."""
    try:
        body: Any = await request.json()
    except (ValueError, web.HTTPRequestEntityTooLarge):
        return _error(400, "the body is no JSON")
    if not isinstance(body, dict) or not isinstance(body.get("line"), str):
        return _error(400, 'the body is {"line": "status qa"}')
    line = body["line"]
    if len(line) > _LONGEST_LINE:
        return _error(400, f"a line has at most {_LONGEST_LINE} characters")
    seconds = body.get("seconds", _LONGEST_WAIT)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return _error(400, "seconds is a number")
    if not 0 < seconds <= _LONGEST_WAIT:
        return _error(400, f"seconds is above 0 and at most {_LONGEST_WAIT:g}")
    flags = {"follow": True, "yes": False, "json": False}
    flags |= {name: body[name] for name in flags if name in body}
    for name, value in flags.items():
        if not isinstance(value, bool):
            return _error(400, f"{name} is true or false")
    language = "es" if re.match(r"es\b", str(body.get("language", ""))) else "en"
    return TerminalLine(
        line, language, float(seconds), flags["follow"], yes=flags["yes"], as_json=flags["json"]
    )


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _error(status: int, message: str) -> web.Response:
    headers = {"Retry-After": "60"} if status == 429 else {}
    return web.json_response({"error": message}, status=status, headers=headers)
