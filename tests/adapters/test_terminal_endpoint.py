"""The door of lines from terminals: who is let in, how often, how many at once, and until when."""

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bot.adapters.terminal_endpoint import TerminalEndpoint
from bot.domain.outcome import TerminalLine
from tests.pacing import until

TOKEN, SECOND = "a-token-that-is-long-enough", "another-token-that-is-long-enough"
_LONG = 60


@dataclass(slots=True)
class Door:
    """A real server with the endpoint; `doing` is what became of the lines that were let in."""

    url: str = ""
    now: float = 0.0
    close: Callable[[], None] = lambda: None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, TerminalLine]] = field(default_factory=list)
    closed: int = 0

    async def do(self, name: str, line: TerminalLine) -> AsyncGenerator[Mapping[str, object], None]:
        self.asked.append((name, line))
        try:
            yield {"type": "step", "text": "begun"}
            while not self.open.is_set():
                await asyncio.sleep(0.01)
                yield {"type": "step", "text": ""}
            if line.text == "bug":
                raise ZeroDivisionError
            yield {"type": "end", "text": "done", "outcome": "succeeded"}
        finally:
            self.closed += 1

    def asking(self, body: object, token: str = TOKEN) -> "aiohttp.client._RequestContextManager":
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.post(f"{self.url}/do", json=body, headers=headers)

    session: aiohttp.ClientSession = field(init=False)


@asynccontextmanager
async def served() -> AsyncIterator[Door]:
    door = Door()
    hashes = {
        name: hashlib.sha256(token.encode()).hexdigest()
        for name, token in (("ci", TOKEN), ("cd", SECOND))
    }
    app = web.Application()
    endpoint = TerminalEndpoint(hashes, door.do, lambda: door.now)
    door.close = endpoint.close
    app.add_routes(endpoint.routes)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        door.session = session
        yield door
    door.open.set()
    await runner.cleanup()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with served() as found:
        yield found


async def test_a_token_has_sixty_lines_a_minute_and_the_other_ones_are_not_its(door):
    door.open.set()
    for _ in range(60):
        async with door.asking({"line": "status"}) as answer:
            assert answer.status == 200
    async with door.asking({"line": "status"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    async with door.asking({"line": "status"}, SECOND) as answer:
        assert answer.status == 200
    door.now = 61.0
    async with door.asking({"line": "status"}) as answer:
        assert answer.status == 200


async def test_fifty_are_followed_at_once_and_one_more_is_told_to_wait(door):
    answers = [await door.asking({"line": "status"}, (TOKEN, SECOND)[n % 2]) for n in range(50)]
    await until(lambda: len(door.asked) == 50)
    async with door.asking({"line": "status"}) as answer:
        assert answer.status == 429
    for answer in answers:
        answer.close()
    await until(lambda: door.closed == 50)
    door.open.set()
    async with door.asking({"line": "status"}) as answer:
        assert answer.status == 200


async def test_what_is_done_for_a_listener_is_closed_with_them(door):
    answer = await door.asking({"line": "logs tasks-service qa --follow"})
    assert await answer.content.readline()
    answer.close()
    await until(lambda: door.closed == 1)


async def test_a_stop_lets_go_of_whoever_is_followed(door):
    async with door.asking({"line": "logs tasks-service qa --follow"}) as answer:
        assert await answer.content.readline()
        door.close()
        await until(lambda: door.closed == 1)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_thirty_wrong_tokens_a_minute_close_the_door_to_everybody_for_the_rest_of_it(door):
    for number in range(30):
        async with door.asking({"line": "status"}, f"guess-{number}") as answer:
            assert answer.status == 401
    async with door.asking({"line": "status"}) as answer:
        assert answer.status == 429
    door.now, _ = 61.0, door.open.set()
    async with door.asking({"line": "status"}) as answer:
        assert answer.status == 200


async def test_a_body_that_is_too_large_or_no_json_is_turned_away(door):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for body in (b"{", b'{"line": "' + b"x" * 3_000_000 + b'"}'):
        sent = io.BytesIO(body)
        async with door.session.post(f"{door.url}/do", data=sent, headers=headers) as answer:
            assert answer.status in (400, 413)
    assert not door.asked


async def test_what_is_asked_for_comes_as_it_was_asked(door):
    door.open.set()
    body = {"line": "scale a b 0", "language": "es-ES", "seconds": 7, "follow": False, "yes": True}
    async with door.asking(body) as answer:
        assert (await answer.text()).endswith('"outcome": "succeeded"}\n')
    wanted = TerminalLine("scale a b 0", "es", 7.0, follows=False, yes=True)
    assert door.asked == [("ci", wanted)]


async def test_a_bug_is_an_end_with_the_id_it_is_logged_under(door, caplog):
    door.open.set()
    async with door.asking({"line": "bug"}) as answer:
        last = (await answer.text()).splitlines()[-1]
    assert '"outcome": "trouble"' in last
    assert any(record.exc_info and record.args[0] in last for record in caplog.records)
