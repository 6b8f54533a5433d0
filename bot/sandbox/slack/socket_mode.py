"""Socket Mode: the app's WebSockets, envelopes to them and acks from them.

Each envelope goes to exactly one socket, in turn; while none is open it waits. An ack counts by its
envelope id, whichever socket it comes on: after a reconnect, late acks arrive on the new one.
"""

from __future__ import annotations

import json
import math
import secrets
import uuid
from asyncio import BaseTransport, Condition, Future, Transport, get_running_loop, timeout
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.clock import Clock
from bot.sandbox.slack import limits
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.transcript import Transcript
from bot.sandbox.slack.waiting import Tasks, patience, within

_DIAL_SECONDS = 2.0  # real: how long a jump of the clock waits for the app to dial again


_CLOSED = object()
"""In the place of an ack when the workspace closes. No exception: whoever waits may be stopped
before it looks at it, and asyncio complains of those that nobody saw."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a delivery: `error` is None, or `operation_timeout`, `dispatch_failed`, …

    `reason` is the word that a retried event carries; `final` forbids retries.
    """

    payload: Any = None
    error: str | None = None
    reason: str = "timeout"
    final: bool = False

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(slots=True)
class _Socket:
    ws: web.WebSocketResponse
    transport: BaseTransport | None
    muted: bool = False  # half-open: takes frames, says nothing, not even PONG
    leaving: bool = False  # was told to disconnect: gets no further envelope


@dataclass(slots=True)
class _Pending:
    envelope: JSON
    answer: Future[Any]
    sent: bool = False


@dataclass(slots=True)
class SocketMode:
    clock: Clock
    transcript: Transcript
    app_id: str
    tasks: Tasks
    _tickets: dict[str, float] = field(default_factory=dict)
    _sockets: deque[_Socket] = field(default_factory=deque)
    _queue: deque[_Pending] = field(default_factory=deque)
    _pending: dict[str, _Pending] = field(default_factory=dict)
    _jumps: int = 0  # jumps of the clock that go on at this moment
    _linked: Condition = field(default_factory=Condition)

    # -- connections -------------------------------------------------------------------------------

    def issue_ticket(self) -> str:
        """A ticket opens one connection, soon."""
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = math.inf if self._jumps else self._ticket_ends()
        return ticket

    def _ticket_ends(self) -> float:
        return self.clock.monotonic() + patience(self.clock, limits.SOCKET_TICKET_SECONDS)

    @asynccontextmanager
    async def jump(self) -> AsyncIterator[None]:
        """While the clock jumps, hours pass within an instant of the app's process.

        Sockets grow old and are dismissed as ever, but the app can dial again only at its own pace:
        a ticket of the jump is good for a minute after it, and the jump ends when an app that was
        connected is back (or does not come within real seconds).
        """
        connected = self.connections > 0
        self._jumps += 1
        try:
            yield
        finally:
            self._jumps -= 1
            if not self._jumps:
                ends = self._ticket_ends()
                self._tickets = {
                    ticket: min(until, ends) for ticket, until in self._tickets.items()
                }
        if connected:
            await self._back()

    async def _back(self) -> None:
        try:
            async with timeout(_DIAL_SECONDS), self._linked:
                await self._linked.wait_for(self._can_take)
        except TimeoutError:
            return

    def _can_take(self) -> bool:
        return any(not each.leaving and not each.ws.closed for each in self._sockets)

    @property
    def connections(self) -> int:
        return len(self._sockets)

    async def link(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint; the ticket comes from `apps.connections.open`."""
        until = self._tickets.pop(request.query.get("ticket", ""), None)
        if until is None or self.clock.monotonic() > until:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        if len(self._sockets) >= limits.SOCKETS_PER_APP:
            await ws.send_json(_goodbye("too_many_websockets"))
            await ws.close()
            return ws
        socket = _Socket(ws, request.transport)
        life = limits.SOCKET_LIFE_SECONDS
        if request.query.get("debug_reconnects") == "true":
            life = limits.SOCKET_DEBUG_LIFE_SECONDS
        await ws.send_json(self._hello(life))
        self._sockets.append(socket)
        async with self._linked:
            self._linked.notify_all()
        timers = [
            self.clock.call_later(
                life - limits.SOCKET_WARNING_SECONDS, lambda: self._dismiss(socket, "warning")
            ),
            self.clock.call_later(life, lambda: self._dismiss(socket, "refresh_requested")),
        ]
        pings = self.tasks.start(self._ping(socket))
        try:
            await self._flush()
            await self._listen(socket)
        finally:
            pings.cancel()
            for timer in timers:
                timer.cancel()
            self._drop(socket)
        return ws

    def _hello(self, life: float) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self._sockets) + 1,
            "debug_info": {
                "host": "sandbox",
                "build_number": 1,
                "approximate_connection_time": int(life),
            },
            "connection_info": {"app_id": self.app_id},
        }

    async def _listen(self, socket: _Socket) -> None:
        async for frame in socket.ws:
            if socket.muted:
                continue
            if frame.type is WSMsgType.PING:
                await socket.ws.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._heard(frame.data)

    def _heard(self, text: str) -> None:
        """An ack by its envelope id; other frames (a client's "ping") are tolerated."""
        try:
            frame = json.loads(text)
        except ValueError:
            return
        if not isinstance(frame, dict):
            return
        pending = self._pending.get(str(frame.get("envelope_id")))
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(frame.get("payload"))

    async def _ping(self, socket: _Socket) -> None:
        while not socket.ws.closed:
            await self.clock.sleep(limits.SOCKET_PING_SECONDS)
            try:
                await socket.ws.ping(b"Ping from sandbox")
            except ConnectionError:
                return

    def _drop(self, socket: _Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def _dismiss(self, socket: _Socket, reason: str) -> None:
        self.tasks.start(self._say_goodbye(socket, reason))

    async def _say_goodbye(self, socket: _Socket, reason: str) -> None:
        socket.leaving = True
        try:
            await socket.ws.send_json(_goodbye(reason))
            if reason != "warning":
                await socket.ws.close()
        except ConnectionError:
            self._drop(socket)

    # -- control -----------------------------------------------------------------------------------

    async def disconnect(self, reason: str) -> int:
        """Ask every socket to go (`warning`, `refresh_requested`, `link_disabled`); how many
        were.
        """
        sockets = tuple(self._sockets)
        for socket in sockets:
            await self._say_goodbye(socket, reason)
        return len(sockets)

    def cut(self) -> int:
        """Break every connection without a word, as a network does; how many there were."""
        sockets = tuple(self._sockets)
        for socket in sockets:
            self._drop(socket)
            if isinstance(socket.transport, Transport):
                socket.transport.abort()
        return len(sockets)

    def mute(self) -> int:
        """Make every present socket half-open: frames go in, nothing ever comes out."""
        for socket in self._sockets:
            socket.muted = True
        return len(self._sockets)

    # -- envelopes ---------------------------------------------------------------------------------

    async def send(
        self, kind: str, payload: JSON, *, accepts_payload: bool, retry: JSON | None = None
    ) -> Answer:
        """Deliver to one socket and wait for its ack: three seconds in all, as Slack waits.

        `dispatch_failed` when no socket took it, `operation_timeout` when none acked it.
        """
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "accepts_response_payload": accepts_payload,
            "payload": payload,
            **(retry or {}),
        }
        pending = _Pending(envelope, get_running_loop().create_future())
        self._pending[envelope["envelope_id"]] = pending
        self._queue.append(pending)
        await self._flush()
        try:
            ack = await within(self.clock, limits.ACK_SECONDS, pending.answer)
            answer = Answer(error="dispatch_failed") if ack is _CLOSED else Answer(ack)
        except TimeoutError:
            answer = Answer(error="operation_timeout" if pending.sent else "dispatch_failed")
        finally:
            del self._pending[envelope["envelope_id"]]
            if pending in self._queue:
                self._queue.remove(pending)
        self.transcript.add(
            "to_app",
            "socket",
            kind,
            request=envelope,
            response=answer.payload,
            status=answer.error or "acked",
        )
        return answer

    async def _flush(self) -> None:
        while self._queue:
            socket = self._next_socket()
            if socket is None:
                return
            pending = self._queue.popleft()
            try:
                await socket.ws.send_json(pending.envelope)
            except ConnectionError:
                self._drop(socket)
                self._queue.appendleft(pending)
            else:
                pending.sent = True

    def _next_socket(self) -> _Socket | None:
        for _ in range(len(self._sockets)):
            socket = self._sockets[0]
            self._sockets.rotate(-1)
            if not socket.leaving and not socket.ws.closed:
                return socket
        return None

    async def close(self) -> None:
        """End every connection, and every wait for an ack."""
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_result(_CLOSED)
        for socket in tuple(self._sockets):
            self._drop(socket)
            await socket.ws.close(code=1001)


def _goodbye(reason: str) -> JSON:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
