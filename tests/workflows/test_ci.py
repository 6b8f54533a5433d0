"""CI asked for many: one question for a commit, its answer for all, and patience with limits."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.ci import Check, CheckState, CiState
from bot.domain.gate import only_waits
from bot.domain.release import Release
from bot.errors import PortError, Trouble
from bot.workflows.ci import CiDesk, ask_ci, evidence_of
from config.catalog import Service

RELEASE = Release("tasks-service", "sha256:" + "a" * 64, "1.4.0", "c" * 40, "yourorg/tasks-service")
SERVICE = Service(
    name="tasks-service",
    repository="https://github.com/yourorg/tasks-service",
    image="registry.yourapp.com/dynamo/tasks-service",
    manifests=Path("k8s"),
    container="tasks-service",
    port=8080,
    health="/healthz",
)


class Host:
    """`bot.ports.Checks` that answers when it is let, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Sequence[Check] | PortError = (
            Check("unit", CheckState.PASSED, "https://ci/1"),
        )
        self.let = asyncio.Event()
        self.let.set()

    async def of_commit(self, repository: str, commit: str) -> Sequence[Check]:
        self.asked += 1
        await self.let.wait()
        if isinstance(self.answer, PortError):
            raise self.answer
        return self.answer


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def desk(host: Host, clock: Any) -> Any:
    desk = CiDesk(host, clock)
    yield desk
    await desk.close()


async def test_fifty_who_ask_at_once_are_one_question(desk, host):
    host.let.clear()
    waiting = [asyncio.ensure_future(desk.ask(RELEASE)) for _ in range(50)]
    await asyncio.sleep(0)
    host.let.set()
    answers = await asyncio.gather(*waiting)
    assert {answer.state for answer in answers} == {CiState.GREEN}
    assert host.asked == 1


async def test_a_commit_is_asked_about_at_most_every_fifteen_seconds(desk, host, clock):
    await desk.ask(RELEASE)
    clock.advance(14)
    await desk.ask(RELEASE)
    assert host.asked == 1
    clock.advance(1)
    await desk.ask(RELEASE)
    assert host.asked == 2
    await desk.ask(replace(RELEASE, commit="d" * 40))
    assert host.asked == 3


async def test_one_answer_serves_services_that_require_different_checks(desk, host):
    host.answer = (Check("unit", CheckState.PASSED), Check("lint", CheckState.FAILED))
    assert (await desk.ask(RELEASE)).state is CiState.RED
    assert (await desk.ask(RELEASE, ("unit",))).state is CiState.GREEN
    assert host.asked == 1


async def test_who_gives_up_does_not_take_the_answer_from_the_others(desk, host):
    host.let.clear()
    first = asyncio.ensure_future(desk.ask(RELEASE))
    second = asyncio.ensure_future(desk.ask(RELEASE))
    await asyncio.sleep(0)
    first.cancel()
    host.let.set()
    assert (await second).state is CiState.GREEN
    assert host.asked == 1


async def test_a_host_that_was_asked_too_often_is_left_alone_until_its_time(desk, host, clock):
    host.answer = PortError("git-host", Trouble.THROTTLED, temporary=True, retry_after=300)
    for commit in ("c", "d", "e"):
        with pytest.raises(PortError):
            await desk.ask(replace(RELEASE, commit=commit * 40))
    assert host.asked == 1
    host.answer = (Check("unit", CheckState.PASSED),)
    clock.advance(299)
    with pytest.raises(PortError):
        await desk.ask(RELEASE)
    clock.advance(2)
    assert (await desk.ask(RELEASE)).state is CiState.GREEN


@pytest.mark.parametrize(
    ("state", "ok", "code"),
    [
        (CheckState.PASSED, True, "CI_GREEN"),
        (CheckState.RUNNING, False, "CI_PENDING"),
        (CheckState.FAILED, False, "CI_RED"),
    ],
)
async def test_the_gate_says_it_with_links(desk, host, state, ok, code):
    host.answer = (Check("unit", state, "https://ci/812"),)
    gate = await ask_ci(RELEASE, SERVICE, desk)
    assert (gate.ok, gate.code) == (ok, code)
    assert json.loads(str(gate.values["checks"])) == [["unit", "https://ci/812"]]
    assert evidence_of(gate) == "unit https://ci/812"
    assert only_waits([gate]) == (code == "CI_PENDING")


async def test_what_is_pending_says_when_to_ask_again(desk, host, clock):
    host.answer = (Check("unit", CheckState.RUNNING),)
    asked = clock.now()
    await ask_ci(RELEASE, SERVICE, desk)
    clock.advance(10)
    gate = await ask_ci(RELEASE, SERVICE, desk)
    again = gate.values["again_at"]
    assert str(again) == asked.replace(second=15).isoformat()


@pytest.mark.parametrize(
    ("release", "service", "ok", "code"),
    [
        (RELEASE, replace(SERVICE, has_ci=False), True, "CI_SWITCHED_OFF"),
        (replace(RELEASE, commit=""), SERVICE, False, "CI_NO_COMMIT"),
        (replace(RELEASE, repository=""), SERVICE, False, "CI_NO_HOST"),
    ],
)
async def test_what_cannot_be_asked_is_said_without_asking(desk, host, release, service, ok, code):
    gate = await ask_ci(release, service, desk)
    assert (gate.ok, gate.code, host.asked) == (ok, code, 0)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.NOT_FOUND, "CI_UNKNOWN_COMMIT"),
        (Trouble.UNAUTHENTICATED, "CI_NO_ACCESS"),
        (Trouble.FORBIDDEN, "CI_NO_ACCESS"),
    ],
)
async def test_a_lasting_refusal_of_the_host_keeps_the_gate_closed(desk, host, trouble, code):
    host.answer = PortError("git-host", trouble, temporary=False, values={"message": "no"})
    gate = await ask_ci(RELEASE, SERVICE, desk)
    assert (gate.ok, gate.code, gate.values["message"]) == (False, code, "no")


async def test_a_host_that_is_away_lets_nothing_through(desk, host):
    host.answer = PortError("git-host", Trouble.AWAY, temporary=True)
    with pytest.raises(PortError):
        await ask_ci(RELEASE, SERVICE, desk)


async def test_a_commit_without_checks_is_not_green(desk, host):
    host.answer = ()
    assert (await ask_ci(RELEASE, SERVICE, desk)).code == "CI_NONE"
    required = replace(SERVICE, required_checks=("unit",))
    assert (await ask_ci(RELEASE, required, desk)).code == "CI_PENDING"
