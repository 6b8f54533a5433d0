"""What people see of a build when the registry goes away in the middle of it, comes back, stays
away, or refuses. The registry is the sandbox's; what stands before it is disturbed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.build import BuildState, Cause
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.scenarios.test_build import DEV, cards, the_build

SPEED = 30  # five minutes of patience are ten seconds


class Door:
    """Before the registry: `status` 0 lets everybody through."""

    def __init__(self) -> None:
        self.status = 0
        self.turned_away = 0

    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
            if self.status and request.path.startswith("/v2/"):
                self.turned_away += 1
                return web.json_response({"errors": []}, status=self.status)
            answer: web.StreamResponse = await handler(request)
            return answer

        return watch


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def sandbox(tmp_path: Path, door: Door) -> AsyncIterator[Sandbox]:
    options = Options(speed=SPEED, keep=tmp_path / "keep")
    async with launch(options, [door.middleware()]) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben")
        yield slack


async def test_the_card_says_who_is_waited_for_and_the_build_goes_on_when_they_are_back(
    sandbox, slack, door
):
    door.status = 503
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    waiting = await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "Waiting" in m.words, timeout=30
    )
    assert "the image registry does not answer, since" in waiting.words
    assert "then this build ends" in waiting.words
    assert "Cancel" in waiting.words
    door.status = 0
    build = await the_build(sandbox)
    assert build.state is BuildState.BUILT
    assert build.outage is None
    assert door.turned_away >= 1
    shown = await cards(slack)
    assert len(shown) == 1
    assert "Waiting" not in shown[0].words


async def test_a_build_that_waits_can_be_cancelled(sandbox, slack, door):
    door.status = 503
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    waiting = await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "Waiting" in m.words, timeout=30
    )
    await slack.click("ben", waiting, "dyn:stop-build")
    build = await the_build(sandbox)
    assert build.state is BuildState.CANCELLED
    assert "Waiting" not in (await cards(slack))[0].words


async def test_a_registry_that_stays_away_ends_the_build_and_says_for_how_long(
    sandbox, slack, door
):
    door.status = 503
    await slack.say("ana", DEV, "/dynamo deploy tasks-service dev feature/faster-start")
    private = await slack.message("ana", channel=DEV, where=lambda m: m.ephemeral and m.from_app)
    assert "no responde" in private.words  # the registry is asked before a version is chosen
    await slack.say("ana", DEV, "/dynamo build tasks-service feature/faster-start")
    build = await the_build(sandbox, timeout=60)
    assert (build.state, build.failure.cause) == (BuildState.FAILED, Cause.AWAY)
    words = (await cards(slack))[0].words
    assert "The image registry did not answer as it should for 5 minutes" in words
    assert "Try again" in words
    assert await sandbox.dynamo.edges.store.recent("tasks-service", "dev") == []


async def test_a_registry_that_refuses_ends_the_build_at_once_and_says_what_to_do(
    sandbox, slack, door
):
    door.status = 403
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    build = await the_build(sandbox)
    assert (build.state, build.failure.cause) == (BuildState.FAILED, Cause.REFUSED)
    assert (build.finished_at - build.started_at).total_seconds() < 30
    words = (await cards(slack))[0].words
    assert "The image registry does not allow Dynamo to do this" in words
    assert "An operator has to grant that right" in words
