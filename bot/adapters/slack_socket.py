"""Socket Mode: the WebSocket on which Slack reaches the bot, and how it comes back.

Slack's SDK dials the one URL that it was given until it is let in. But a URL is good for a single
connection, and soon too old: where the first dial fails (Slack restarts, the network breaks), the
SDK tries a dead URL for ever and the bot stays away until somebody restarts it. Here each dial asks
for a URL of its own, after pauses that grow, also where Slack lets sockets in to send them away (an
app may have ten); and Slack's ticket, part of the URL, is in no log.
Everything else (pings, listening, late acks on the newest socket) is the SDK's.
"""

import asyncio
import json
import logging
import time
from collections.abc import Sequence

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_errors import slack_errors
from bot.errors import PortError, Trouble

log = logging.getLogger(__name__)

_PAUSES = (1, 2, 5, 10, 20, 30)  # seconds before one more dial; the last one from then on
_DIAL = 20.0  # seconds for one dial
_PING = 10.0  # seconds between pings; a socket that answers none for so long is given up
_SETTLED = 60.0  # seconds: a socket that lived so long was welcome
_UNWELCOME = {"too_many_websockets", "link_disabled"}  # where the next one will be no more so
_GOODBYE = 2.0  # seconds for the other side to say goodbye, which a dead one never does


class SlackSocket(SocketModeClient):
    """`connect()` returns once connected, however long that takes; `close()` ends it, too."""

    def __init__(
        self,
        app_token: str,
        client: AsyncWebClient,
        *,
        logger: logging.Logger | None = None,
        pauses: Sequence[float] = _PAUSES,
        ping_interval: float = _PING,
    ) -> None:
        super().__init__(app_token, logger, client, ping_interval=ping_interval)
        self.proxy = client.proxy
        self._pauses = pauses
        self._closing = asyncio.Event()
        self._opened_at = time.monotonic()
        self._unwelcome = 0  # sockets in a row that were let in to be sent away

    async def connect(self) -> None:
        since = time.monotonic()
        if since - self._opened_at >= _SETTLED:
            self._unwelcome = 0
        if self._unwelcome:
            pause = self._pause(self._unwelcome - 1)
            log.warning("Slack sends new sockets away; the next dial is in %g s", pause)
            await self._rest(pause)
        tries = 0
        while not self.closed:
            try:
                await self._dial()
            except PortError as e:
                pause = max(self._pause(tries), e.retry_after or 0)
                log.warning("no socket to Slack (%s); the next dial is in %g s", e, pause)
                tries += 1
                await self._rest(pause)
            else:
                if tries:
                    away = time.monotonic() - since
                    log.info("the socket to Slack is back after %.0f s", away)
                return

    def _pause(self, tries: int) -> float:
        return self._pauses[min(tries, len(self._pauses) - 1)]

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """The SDK calls this where the socket broke, or (`force`) where Slack asks for a new one.

        One at a time: who waited here while another one came has nothing to do. Slack's wish comes
        together with the end of the same socket, and of both comes one new socket.
        """
        before = self.current_session
        async with self.connect_operation_lock:
            asked = force and self.current_session is before
            if asked or not await self.is_connected():
                await self.connect()

    @property
    def connected(self) -> bool:
        """Whether the bot can be reached at this moment, as far as the socket knows."""
        socket = self.current_session
        return socket is not None and not (self.closed or self.stale or socket.closed)

    async def enqueue_message(self, message: str) -> None:
        """The SDK calls this with each text frame, in their order, before the end of a socket."""
        if '"disconnect"' in message and message.startswith("{"):
            goodbye = json.loads(message)
            self._unwelcome += (
                goodbye.get("type") == "disconnect" and goodbye.get("reason") in _UNWELCOME
            )
        await super().enqueue_message(message)

    async def close(self) -> None:
        self._closing.set()
        await super().close()  # type: ignore[no-untyped-call]

    async def _dial(self) -> None:
        """Raises PortError. The old socket stays until there is a URL for the next: what Slack
        sends meanwhile still arrives on it."""
        async with slack_errors():
            answer = await self.web_client.apps_connections_open(app_token=self.app_token)
        if self.current_session is not None:  # an app may have but a few at once
            await self.current_session.close()
        if not self.closed:
            self._attend(await self._opened(str(answer["url"])))

    async def _opened(self, url: str) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(_DIAL):
                return await self.aiohttp_client_session.ws_connect(
                    url,
                    autoping=False,
                    heartbeat=self.ping_interval,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE),
                    proxy=self.proxy,
                    ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
                )
        except (TimeoutError, aiohttp.ClientError, OSError) as e:
            # Not "from e": the words of most of these errors have the URL in them.
            word = f"status {e.status}" if isinstance(e, aiohttp.WSServerHandshakeError) else ""
            values = {"message": word or type(e).__name__}
            raise PortError("slack", Trouble.AWAY, temporary=True, values=values) from None

    def _attend(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.current_session = socket
        self._opened_at = time.monotonic()
        self.stale = False
        self.last_ping_pong_time = None  # of the old socket: it would make this one look dead
        for old in (self.current_session_monitor, self.message_receiver):
            if old is not None:
                old.cancel()
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


def socket_mode(
    app: AsyncApp,
    app_token: str,
    client: AsyncWebClient,
    *,
    pauses: Sequence[float] = _PAUSES,
    ping_interval: float = _PING,
) -> SlackSocket:
    """A socket whose envelopes the app answers, not connected yet."""

    async def handle(socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        began = time.time()
        answer = await run_async_bolt_app(app, request)
        await send_async_response(socket, request, answer, began)

    socket = SlackSocket(
        app_token, client, logger=app.logger, pauses=pauses, ping_interval=ping_interval
    )
    socket.socket_mode_request_listeners.append(handle)
    return socket
