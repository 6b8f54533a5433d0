"""What a container has written so far: start-up, requests, last words.

A log is a function of time: line number n has a moment and a text, found without the lines before
it, so that a container which has run for days costs nothing until somebody reads its tail.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.kubernetes.containers import Behaviour
from bot.sandbox.kubernetes.logs import LogLine

_FIRST_REQUEST = 2.5  # seconds after the start
_REQUEST_EVERY = 3.0  # seconds, on the average
_ROUTES = {
    "api-gateway": ("GET /v1/projects", "GET /v1/tasks", "POST /v1/tasks", "GET /v1/me"),
    "auth-service": ("POST /token", "POST /token/refresh", "GET /sessions", "GET /jwks.json"),
    "projects-service": (
        "GET /projects",
        "GET /projects/412",
        "PATCH /projects/88",
        "GET /members",
    ),
    "forms-service": ("GET /forms/31", "POST /forms/31/answers", "GET /forms", "PUT /forms/7"),
    "tasks-service": ("GET /tasks", "POST /tasks", "PATCH /tasks/1729", "GET /tasks/1730"),
    "notifications-service": ("POST /send", "GET /inbox", "POST /subscriptions", "GET /templates"),
}
_JSON = frozenset({"api-gateway", "auth-service"})
"""Services that write JSON; the others write logfmt."""
_PAIR = re.compile(r'([a-z]+)=("[^"]*"|\S+)')
_SLOW = 0.97
_RETRIED = 0.955
_FAILING = {"forms-service": (0.985, 'msg="answer rejected" error="field 7: not a number" form=31')}
"""Errors of a service that lives with some: from which throw of the dice, and in which words."""
_LOGGED_FAILURES = 0.25
"""Every failure is logged, and few of the requests that went well: three of a hundred requests are
a quarter of the lines."""
_TYPE_ERROR = "TypeError: cannot read properties of undefined (reading 'id')"
_ANY_ROUTE = ("GET /", "GET /items", "POST /items", "GET /items/7")


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """The output of one incarnation of a container. `seed` makes each container's own."""

    service: str
    seed: str
    started: datetime
    behaviour: Behaviour
    port: int = 8080
    closing: tuple[tuple[float, str], ...] = ()  # written after SIGTERM: seconds, words
    trouble: Callable[[datetime], str] = lambda _: ""  # what ails it at a time

    def lines(self, until: datetime) -> Iterator[LogLine]:
        """Everything up to a moment, oldest first."""
        for number in range(self.count(until)):
            yield self.line(number)

    def tail(self, until: datetime, number: int) -> list[LogLine]:
        """The last lines up to a moment, oldest first; only these are made."""
        total = self.count(until)
        return [self.line(each) for each in range(max(0, total - number), total)]

    def count(self, until: datetime) -> int:
        """How many lines there are at a moment."""
        age = (until - self.started).total_seconds()
        fixed = self._fixed()
        if self._is_finite() or (fixed and age < fixed[-1][0]):
            return sum(at <= age for at, _ in fixed)
        first, step = self._rhythm()
        if age < first:
            return len(fixed)
        number = int((age - first) / step)
        while self._repeated_at(number) > age:
            number -= 1
            if number < 0:
                return len(fixed)
        return len(fixed) + number + 1

    def line(self, number: int) -> LogLine:
        """Line `number`, counted from 0, whether it was written already or not."""
        fixed = self._fixed()
        if number < len(fixed):
            at, text = fixed[number]
        else:
            at = self._repeated_at(number - len(fixed))
            text = self._repeated(number - len(fixed), at)
        return LogLine(self.started + timedelta(seconds=at), text)

    def has(self, number: int) -> bool:
        """Will there ever be a line of this number?"""
        return not self._is_finite() or number < len(self._fixed())

    # Inside

    def _is_finite(self) -> bool:
        return self.behaviour.lives != float("inf") or bool(
            self.closing or self.behaviour.style == "quiet" or self.behaviour.start_error
        )

    def _fixed(self) -> list[tuple[float, str]]:
        """Lines at moments of their own: start-up, what the behaviour says, last words."""
        if self.behaviour.start_error:
            return []
        lives = self.behaviour.lives
        lines = [(at, self._info(at, words)) for at, words in self._start_up() if at < lives]
        if self.behaviour.style == "service" and lives not in (float("inf"), 0.0):
            first, step = self._rhythm()
            requests = int(max(0.0, lives - first) / step) + 1 if lives > first else 0
            for number in range(requests):
                at = self._repeated_at(number)
                if at < lives - 0.02:
                    lines.append((at, self._repeated(number, at)))
        lines += [(at, text) for at, text in self.behaviour.says if at <= lives]
        if self.closing:
            stop = self.closing[0][0]
            first, _ = self._rhythm()
            number = 0 if self.behaviour.style != "quiet" else -1
            while number >= 0 and (at := self._repeated_at(number)) < stop and number < 200_000:
                lines.append((at, self._repeated(number, at)))
                number += 1
            lines = [each for each in lines if each[0] < stop]
            lines += [(at, self._info(at, words)) for at, words in self.closing]
        return lines

    def _start_up(self) -> tuple[tuple[float, str], ...]:
        if self.behaviour.style != "service":
            return ()
        ready = self.behaviour.ready_after
        listening = 1.1 if ready is None else max(0.4, ready - 0.1)
        return (
            (0.02, f'msg="starting {self.service}" node=v22.14.0'),
            (0.31, f'msg="connected to the database" url={self._database()} pool=10'),
            (listening, f'msg="listening" port={self.port}'),
        )

    def _rhythm(self) -> tuple[float, float]:
        """When repeated lines begin, and how far apart they are."""
        if self.behaviour.style == "ticks":
            return (0.01, 1.0)
        ready = self.behaviour.ready_after
        return (max(_FIRST_REQUEST, (ready or 0.0) + 1.0), _REQUEST_EVERY)

    def _repeated_at(self, number: int) -> float:
        first, step = self._rhythm()
        if self.behaviour.style == "ticks":
            return first + number * step
        return first + number * step + self._dice(number, 0) * step * 0.9

    def _repeated(self, number: int, at: float) -> str:
        if self.behaviour.style == "ticks":
            stamp = (self.started + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
            return f'{stamp} level=info msg="tick {number + 1}" version={self.behaviour.version}'
        if self.behaviour.ready_after is None:
            return self._info(
                at, 'msg="health check failed" error="database migrations are pending"', "warn"
            )
        routes = _ROUTES.get(self.service, _ANY_ROUTE)
        method, path = routes[int(self._dice(number, 1) * len(routes))].split(" ")
        status = {"POST": 201, "PATCH": 200}.get(method, 200)
        if self._dice(number, 2) > 0.992:
            status = 404
        took = int(8 + 180 * self._dice(number, 3) ** 3)
        luck = self._dice(number, 4)
        if luck < _LOGGED_FAILURES and self.trouble(self._moment(at)) == "fails-3-percent":
            words = f'msg="request failed" error="{_TYPE_ERROR}" method={method} path={path}'
            return self._info(at, f"{words} status=500", "error")
        least, failure = _FAILING.get(self.service, (1.0, ""))
        if luck >= least:
            return self._info(at, failure, "error")
        if luck >= _SLOW:
            words = f'msg="slow query" ms={took + 900} rows={int(luck * 1e4) % 900}'
            return self._info(at, words, "warn")
        if luck >= _RETRIED:
            return self._info(at, 'msg="cache did not answer, tried again" tries=2', "warn")
        request = hashlib.sha256(f"{self.seed}{number}".encode()).hexdigest()[:12]
        words = f'msg="request" method={method} path={path} status={status} ms={took} id={request}'
        return self._info(at, words)

    def _info(self, at: float, words: str, level: str = "info") -> str:
        moment = self._moment(at)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        version = f" version={self.behaviour.version}" if self.behaviour.version else ""
        if self.trouble(moment) == "plain-logs":
            said = [(pair[1], pair[2].strip('"')) for pair in _PAIR.finditer(words)]
            sentence = ", ".join(value if key == "msg" else f"{key} {value}" for key, value in said)
            return f"{stamp} {level.upper()} {sentence}"
        if self.service in _JSON:
            pairs = ((pair[1], pair[2].strip('"')) for pair in _PAIR.finditer(words + version))
            fields = {key: int(value) if value.isdigit() else value for key, value in pairs}
            return json.dumps({"time": stamp, "level": level, **fields}, separators=(",", ":"))
        return f"{stamp} level={level} {words}{version}"

    def _moment(self, at: float) -> datetime:
        return self.started + timedelta(seconds=at)

    def _database(self) -> str:
        """With its password, as services write it although they should not."""
        name = self.service.removesuffix("-service").replace("-", "_")
        word = hashlib.sha256(f"{self.service}/database".encode()).hexdigest()[:16]
        return f"postgres://{name}:{word}@db.internal:5432/{name}"

    def _dice(self, number: int, side: int) -> float:
        digest = hashlib.blake2b(f"{self.seed}/{number}/{side}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) / 2**32
