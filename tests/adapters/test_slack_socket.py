"""The bot's socket to Slack comes back by itself: refused and dead URLs, outages, late acks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from bot.adapters.slack_app import bolt_app, identify, slack_client, slack_session
from bot.adapters.slack_messenger import SlackPeople
from bot.adapters.slack_socket import SlackSocket, socket_mode
from bot.adapters.wall_clock import WallClock
from bot.sandbox.clock import Clock
from bot.sandbox.slack import seed
from bot.sandbox.slack.running import RunningWorkspace, running_workspace
from tests.pacing import until

OPENED = "apps.connections.open"


@pytest.fixture
async def workspace() -> AsyncIterator[RunningWorkspace]:
    """No time passes in it but by `advance`, so that nothing times out on a slow machine."""
    async with running_workspace(Clock(manual=True), rate="off") as found:
        yield found


@asynccontextmanager
async def bot(
    workspace: RunningWorkspace,
    acked: Callable[[], Any] | None = None,
    pauses: tuple[float, ...] = (0.01, 0.05),
    ping: float = 60,
) -> AsyncIterator[SlackSocket]:
    """Dynamo's own client, app and socket, not connected yet; it answers "here" to a command."""
    async with slack_session(trust_env=False) as session:
        client = slack_client(seed.BOT_TOKEN, workspace.api_url, session)
        app = bolt_app(client, await identify(client), None)

        async def run(ack: Any) -> None:
            if acked is not None:
                await acked()
            await ack("here")

        app.command("/dynamo")(run)
        socket = socket_mode(app, seed.APP_TOKEN, client, pauses=pauses, ping_interval=ping)
        try:
            yield socket
        finally:
            await socket.close()


async def tried(workspace: RunningWorkspace, times: int) -> None:
    """Wait until the bot asked so often for a URL."""
    seen = 0
    since = 0
    while seen < times:
        entry = await workspace.people.exchange(
            where=lambda e: e["method"] == OPENED, since=since, timeout=60
        )
        seen, since = seen + 1, entry["n"]


async def answers(workspace: RunningWorkspace) -> bool:
    said = await workspace.people.say("ana", "#dev-deploys", "/dynamo help")
    return bool(said["ok"])


async def test_a_refused_url_is_not_dialled_again_and_is_in_no_log(
    workspace: RunningWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await workspace.people.fault(method="link", status=403, times=1)
    await workspace.people.fault(method="link", status=503, times=1)
    async with bot(workspace) as socket:
        await socket.connect()
        assert await answers(workspace)
        assert len(await workspace.people.calls(OPENED)) == 3
        assert socket.connected
    own = [r for r in caplog.records if r.name != "aiohttp.access"]  # Slack's side
    assert sum("no socket to Slack" in r.getMessage() for r in own) == 2
    assert not any("ticket" in f"{r.getMessage()} {r.exc_text}" for r in own)


async def test_a_url_that_grew_old_behind_a_shut_door_is_not_dialled_again(
    workspace: RunningWorkspace,
) -> None:
    await workspace.people.fault(method="link", drop=True)
    async with bot(workspace) as socket:
        dialling = asyncio.create_task(socket.connect())
        await tried(workspace, 1)
        await workspace.people.advance(61)
        await workspace.people.no_faults()
        await asyncio.wait_for(dialling, 60)
        assert await answers(workspace)


@pytest.mark.parametrize("trouble", ["cut", "refresh_requested"])
async def test_a_slack_that_was_away_for_minutes_finds_the_bot_again(
    workspace: RunningWorkspace, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # Without a goodbye, the next ping finds the socket broken. A slow machine misses some pings.
    async with bot(workspace, ping=0.2 if trouble == "cut" else 60) as socket:
        await socket.connect()
        assert await answers(workspace)
        before = len(await workspace.people.calls(OPENED))
        await workspace.people.fault(method=OPENED, status=503)
        await workspace.people.fault(method="link", status=503)
        await workspace.people.sockets(trouble)
        await tried(workspace, before + 3)
        await workspace.people.advance(300)
        assert not socket.connected
        await workspace.people.no_faults()
        await until(lambda: socket.connected and workspace.server.socket.connections == 1)
        assert await answers(workspace)
    words = [r.getMessage() for r in caplog.records if r.name == "bot.adapters.slack_socket"]
    assert any("no socket to Slack" in each for each in words)
    assert any(each.startswith("the socket to Slack is back after") for each in words)


async def test_one_end_of_a_socket_brings_one_new_socket(workspace: RunningWorkspace) -> None:
    """Slack says goodbye and closes: the SDK hears of both."""
    async with bot(workspace) as socket:
        await socket.connect()
        for times in (2, 3, 4):
            await workspace.people.sockets("refresh_requested")
            await tried(workspace, times)
            await until(lambda: socket.connected and workspace.server.socket.connections == 1)
            assert await answers(workspace)
            assert len(await workspace.people.calls(OPENED)) == times


async def test_slack_names_the_pause_after_too_many_dials(workspace: RunningWorkspace) -> None:
    await workspace.people.fault(
        method=OPENED, status=429, error="ratelimited", retry_after=3600, times=1
    )
    async with bot(workspace) as socket:
        dialling = asyncio.create_task(socket.connect())
        await tried(workspace, 1)
        done, _ = await asyncio.wait([dialling], timeout=0.2)  # the bot's own pauses are shorter
        assert not done
        assert len(await workspace.people.calls(OPENED)) == 1
        await socket.close()
        await asyncio.wait_for(dialling, 60)


async def test_an_envelope_of_the_old_socket_is_acked_on_the_new_one(
    workspace: RunningWorkspace,
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        arrived.set()
        await go_on.wait()

    async with bot(workspace, slow) as socket:
        await socket.connect()
        old = socket.current_session
        said = asyncio.create_task(
            workspace.people.say("ana", "#dev-deploys", "/dynamo deploy tasks-service qa")
        )
        await arrived.wait()
        await workspace.people.sockets("refresh_requested")
        await until(lambda: socket.connected and socket.current_session is not old)
        assert not said.done()
        go_on.set()
        assert (await said)["ok"] is True


async def test_an_ack_waits_for_a_socket_that_is_being_dialled(
    workspace: RunningWorkspace,
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        arrived.set()
        await go_on.wait()

    async with bot(workspace, slow) as socket:
        await socket.connect()
        before = len(await workspace.people.calls(OPENED))
        said = asyncio.create_task(
            workspace.people.say("ana", "#dev-deploys", "/dynamo deploy tasks-service qa")
        )
        await arrived.wait()
        await workspace.people.fault(method="link", status=503)
        await workspace.people.sockets("refresh_requested")
        await tried(workspace, before + 1)
        await until(lambda: not socket.connected)
        go_on.set()
        await workspace.people.no_faults()
        assert (await said)["ok"] is True


async def test_a_socket_that_answers_no_ping_is_replaced(workspace: RunningWorkspace) -> None:
    async with bot(workspace, ping=0.2) as socket:
        await socket.connect()
        old = socket.current_session
        await workspace.people.sockets("mute")
        await until(lambda: socket.connected and socket.current_session is not old)
        assert await answers(workspace)


async def test_the_old_socket_stays_while_slack_gives_no_new_url(
    workspace: RunningWorkspace,
) -> None:
    """Slack warns seconds before it closes a socket: until then it still delivers."""
    async with bot(workspace) as socket:
        await socket.connect()
        before = len(await workspace.people.calls(OPENED))
        await workspace.people.fault(method=OPENED, status=503)
        await workspace.people.sockets("warning")
        await tried(workspace, before + 2)
        assert socket.connected
        await workspace.people.no_faults()
        await tried(workspace, before + 3)


async def test_a_proxy_of_the_environment_is_not_asked_for_what_is_on_this_machine(
    workspace: RunningWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with bot(workspace) as socket:
        await asyncio.wait_for(socket.connect(), 60)
        assert await answers(workspace)
    async with slack_session(trust_env=False) as session:
        client = slack_client(seed.BOT_TOKEN, workspace.api_url, session)
        assert await SlackPeople(client, WallClock()).language(seed.ANA) == "es"


async def test_closing_ends_a_dial_that_would_go_on_for_ever(workspace: RunningWorkspace) -> None:
    await workspace.people.fault(method="link", status=403)
    async with bot(workspace) as socket:
        dialling = asyncio.create_task(socket.connect())
        await tried(workspace, 2)
        await socket.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(dialling, 60)
        assert dialling.done()
        assert not dialling.cancelled()
        assert not socket.connected


@asynccontextmanager
async def crowd(workspace: RunningWorkspace) -> AsyncIterator[list[Any]]:
    """Ten sockets of the same app: as many as Slack lets it have."""
    async with slack_session(trust_env=False) as session:
        client = slack_client(seed.BOT_TOKEN, workspace.api_url, session)
        sockets = []
        for _ in range(10):
            opened = await client.apps_connections_open(app_token=seed.APP_TOKEN)
            sockets.append(await session.ws_connect(opened["url"]))
        yield sockets


async def test_where_there_is_no_room_the_bot_waits_longer_each_time(
    workspace: RunningWorkspace,
) -> None:
    async with crowd(workspace), bot(workspace, pauses=(0.01, 3600)) as socket:
        await socket.connect()
        await tried(workspace, 10 + 2)  # after the first pause, and then not for an hour
        await asyncio.sleep(0.2)
        assert len(await workspace.people.calls(OPENED)) == 10 + 2
        assert not socket.connected


async def test_the_bot_comes_in_when_another_one_leaves(workspace: RunningWorkspace) -> None:
    async with crowd(workspace) as sockets, bot(workspace) as socket:
        await socket.connect()
        await tried(workspace, 10 + 3)
        for each in sockets:
            await each.close()
        await until(lambda: socket.connected and workspace.server.socket.connections == 1)
        assert await answers(workspace)
