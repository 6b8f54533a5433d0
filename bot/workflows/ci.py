"""What CI says of a release: asked of the git host, shared by all who ask, never too often.

Fifty requests for one commit are one question; for fifteen seconds its answer is everybody's. When
the host says that it was asked too often, nobody asks it until the time that it named.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.ci import Check, CiAnswer, CiState, judge_ci
from bot.domain.gate import Gate, GateResult
from bot.domain.release import Release
from bot.domain.verdict import Value
from bot.errors import PortError, Trouble
from bot.ports import Checks, Clock
from config.catalog import Service

SHARED_FOR = timedelta(seconds=15)
"""A commit is asked about at most this often."""

_SHOWN = 6  # checks that a gate names


@dataclass(slots=True)
class _Question:
    at: datetime
    task: asyncio.Task[Sequence[Check] | PortError]


class CiDesk:
    """One for the process."""

    def __init__(self, checks: Checks, clock: Clock) -> None:
        self._checks = checks
        self._clock = clock
        self._questions: dict[tuple[str, str], _Question] = {}
        self._limit: tuple[datetime, PortError] | None = None

    async def ask(self, release: Release, required: Sequence[str] = ()) -> CiAnswer:
        """Raises PortError as `Checks.of_commit`."""
        return judge_ci(await self._of_commit(release), required)

    def again_at(self, release: Release) -> datetime:
        """The first time at which asking again can tell something new."""
        held = self._questions.get((release.repository, release.commit))
        return (held.at if held else self._clock.now()) + SHARED_FOR

    async def close(self) -> None:
        tasks = [question.task for question in self._questions.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._questions.clear()

    async def _of_commit(self, release: Release) -> Sequence[Check]:
        now = self._clock.now()
        if self._limit is not None and now < self._limit[0]:
            raise self._limit[1]
        fresh = {k: q for k, q in self._questions.items() if now < q.at + SHARED_FOR}
        self._questions = fresh
        key = (release.repository, release.commit)
        if key not in fresh:
            task = asyncio.get_running_loop().create_task(self._ask_host(*key))
            fresh[key] = _Question(now, task)
        # Whoever stops waiting does not take the answer from the others.
        found = await asyncio.shield(fresh[key].task)
        if isinstance(found, PortError):
            raise found
        return found

    async def _ask_host(self, repository: str, commit: str) -> Sequence[Check] | PortError:
        """A refusal is shared, too: as a value, since nobody may be left to hear it."""
        try:
            return await self._checks.of_commit(repository, commit)
        except PortError as error:
            if error.trouble is Trouble.THROTTLED:
                wait = timedelta(seconds=error.retry_after or SHARED_FOR.total_seconds())
                self._limit = (self._clock.now() + wait, error)
            return error


async def ask_ci(release: Release, service: Service, desk: CiDesk) -> GateResult:
    """The gate's answer for this release. What the host refuses for good is an answer, too; what
    may pass (away, throttled) raises PortError."""
    if not service.has_ci:
        return GateResult(Gate.CI, True, "CI_SWITCHED_OFF", {"service": service.name})
    if not release.repository:
        return GateResult(Gate.CI, False, "CI_NO_HOST", {"repository": service.repository})
    if not release.commit:
        return GateResult(Gate.CI, False, "CI_NO_COMMIT", {"version": release.version})
    about: dict[str, Value] = {"commit": release.commit[:7], "repository": release.repository}
    try:
        answer = await desk.ask(release, service.required_checks)
    except PortError as error:
        if error.temporary:
            raise
        unknown = error.trouble is Trouble.NOT_FOUND
        code = "CI_UNKNOWN_COMMIT" if unknown else "CI_NO_ACCESS"
        return GateResult(Gate.CI, False, code, {**about, "message": _said(error)})
    return _gate(answer, {**about, "done": len(answer.passed), "of": answer.of}, release, desk)


def evidence_of(gate: GateResult) -> str:
    """What an automatic item shows: the names of its checks and a link to the first."""
    checks = json.loads(str(gate.values.get("checks", "[]")))
    if not checks:
        return ""
    names = ", ".join(name for name, _ in checks)
    return f"{names} {checks[0][1]}".strip()


def _gate(answer: CiAnswer, values: dict[str, Value], release: Release, desk: CiDesk) -> GateResult:
    match answer.state:
        case CiState.GREEN:
            return GateResult(Gate.CI, True, "CI_GREEN", {**values, **_named(answer.passed)})
        case CiState.RED:
            return GateResult(Gate.CI, False, "CI_RED", {**values, **_named(answer.failed)})
        case CiState.NONE:
            return GateResult(Gate.CI, False, "CI_NONE", values)
        case CiState.PENDING:
            waiting = [*_pairs(answer.running), *((name, "") for name in answer.missing)]
            checks = json.dumps(waiting[:_SHOWN], ensure_ascii=False)
            again = desk.again_at(release).isoformat()
            said: dict[str, Value] = {**values, "checks": checks, "again_at": again}
            return GateResult(Gate.CI, False, "CI_PENDING", said)


def _named(checks: Iterable[Check]) -> dict[str, Value]:
    return {"checks": json.dumps(_pairs(checks)[:_SHOWN], ensure_ascii=False)}


def _pairs(checks: Iterable[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.url) for check in checks]


def _said(error: PortError) -> str:
    return error.values.get("message", str(error.trouble))
