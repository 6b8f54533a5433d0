"""GETs to base URLs: what is measured, and what becomes of everything that misbehaves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters.http_probes import HttpProbes
from bot.domain.probing import Reached

from .conftest import Names, Town


async def ok(_request: web.Request) -> web.Response:
    return web.Response(text="fine")


def to(location: str, status: int = 302):
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    return redirect


async def test_an_answer_has_its_status_and_its_time(town: Town) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first")
        await asyncio.sleep(0.06)  # the last byte counts, not the first
        await answer.write(b"last")
        return answer

    site = await town.site(slow)
    answer = await town.probes().get(f"{site.base}/tasks")
    assert (answer.reached, answer.status, answer.well) == (Reached.ANSWERED, 200, True)
    assert 0.06 <= answer.seconds < 3


async def test_it_says_who_it_is_and_carries_no_cookies(town: Town) -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers["User-Agent"], request.headers.get("Cookie")))
        response = web.Response()
        response.set_cookie("session", "1")
        return response

    site = await town.site(handler)
    probes = town.probes()
    await probes.get(site.base)
    await probes.get(site.base)
    assert [(method, "Dynamo" in agent, cookie) for method, agent, cookie in seen] == [
        ("GET", True, None)
    ] * 2


async def test_never_more_than_four_at_once(town: Town) -> None:
    now, most = 0, 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.Response()

    site = await town.site(handler)
    probes = town.probes()
    await asyncio.gather(*(probes.get(site.base) for _ in range(12)))
    assert most == 4


async def test_redirects_are_followed_to_the_end(town: Town) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/end":
            return web.Response(status=204)
        raise web.HTTPFound("/end")

    site = await town.site(handler)
    answer = await town.probes().get(f"{site.base}/begin")
    assert (answer.status, answer.url) == (204, f"{site.base}/end")


async def test_redirects_for_ever_are_a_state(town: Town) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound(f"/{len(asked)}")

    site = await town.site(handler)
    answer = await town.probes().get(site.base)
    assert answer.reached is Reached.REDIRECTS
    assert len(asked) == 6


async def test_a_key_is_not_carried_to_another_host(town: Town) -> None:
    seen = {}

    async def there(request: web.Request) -> web.Response:
        seen["there"] = request.headers.get("apikey")
        return web.Response()

    other = await town.site(there, "other.acme.test")

    async def here(request: web.Request) -> web.Response:
        seen["here"] = request.headers.get("apikey")
        raise web.HTTPFound(other.base)

    site = await town.site(here)
    answer = await town.probes(keys={f"{site.base}/rest": SecretStr("k")}).get(site.base)
    assert answer.well
    assert seen == {"here": "k", "there": None}


async def test_a_redirect_from_https_to_http_is_not_followed(town: Town) -> None:
    site = await town.site(to("http://qa.acme.test/"))
    answer = await town.probes().get(site.base)
    assert answer.reached is Reached.DOWNGRADED


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "http://127.0.0.1:1/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "https://inside.acme.test/",
    ],
)
async def test_a_redirect_to_where_nobody_may_look_is_refused(town: Town, location: str) -> None:
    site = await town.site(to(location))
    names = Names({"inside.acme.test": [["10.0.0.1", "169.254.169.254"]]})
    answer = await town.probes(names).get(site.base)
    assert answer.reached is Reached.FORBIDDEN


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://127.1:9/",
        "http://0x7f.1:9/",
        "http://2130706433:9/",
        "http://0.0.0.0:9/",
        "http://[::1]:9/",
        "http://[::]:9/",
        "http://[fe80::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fd00:ec2::254]/",
        "http://169.254.169.254/",
        "http://169.254.1.1/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://224.0.0.1/",
    ],
)
async def test_a_base_url_to_where_nobody_may_look_is_refused(url: str) -> None:
    probes = HttpProbes()
    try:
        assert (await probes.get(url)).reached is Reached.FORBIDDEN
    finally:
        await probes.close()


async def test_a_name_that_changes_its_mind_gains_nothing(town: Town) -> None:
    """The address that is connected to is the one that was checked: the second look-up, which says
    this machine, is another connection, and checked as well."""
    site = await town.site(ok, days=None)
    names = Names({"rebinds.acme.test": [["203.0.113.9"], ["127.0.0.1"]]})
    probes = town.probes(names)
    url = f"http://rebinds.acme.test:{site.port}/"
    first = await probes.get(url, seconds=0.2)
    second = await probes.get(url, seconds=0.5)
    assert first.reached in (Reached.TIMED_OUT, Reached.AWAY)  # a documentation address
    assert second.reached is Reached.FORBIDDEN
    assert names.asked == ["rebinds.acme.test"] * 2


async def test_the_certificate_of_a_forbidden_name_is_not_looked_at(town: Town) -> None:
    site = await town.site(ok)
    names = Names({"inside.acme.test": [["127.0.0.1"]]})
    found = await town.probes(names).certificate(f"https://inside.acme.test:{site.port}/")
    assert found is not None
    assert found.reached is Reached.FORBIDDEN


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::1]", "169.254.169.254"])
async def test_nor_is_that_of_a_forbidden_number(host: str) -> None:
    probes = HttpProbes()
    found = await probes.certificate(f"https://{host}:9/")
    await probes.close()
    assert found is not None
    assert found.reached is Reached.FORBIDDEN


async def test_a_name_that_nobody_knows(town: Town) -> None:
    answer = await town.probes().get("https://nobody.invalid/")
    assert answer.reached is Reached.UNKNOWN_HOST


async def test_nobody_listens(town: Town) -> None:
    site = await town.site(ok)
    town.sites[0].port = 1
    answer = await town.probes().get(site.base)
    assert answer.reached is Reached.AWAY


async def test_what_hangs_is_let_go(town: Town) -> None:
    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    site = await town.raw(hang)
    answer = await town.probes().get(site.base, seconds=0.2)
    assert answer.reached is Reached.TIMED_OUT
    assert answer.seconds < 5


async def test_what_drips_byte_by_byte_is_let_go(town: Town) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    site = await town.raw(drip)
    answer = await town.probes().get(site.base, seconds=0.3)
    assert answer.reached is Reached.TIMED_OUT


async def test_a_body_without_end_is_not_read_to_it(town: Town) -> None:
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(4000):
            sent += 2**16
            await answer.write(b"x" * 2**16)
        return answer

    site = await town.site(flood, days=None)
    answer = await town.probes().get(site.base, seconds=20)
    assert answer.reached is Reached.TOO_LARGE
    assert sent < 64 * 2**20


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 999999 \x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_state(town: Town, said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    site = await town.raw(speak)
    answer = await town.probes().get(site.base)
    assert answer.reached is Reached.GARBLED


async def test_an_answer_that_is_cut_off(town: Town) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    site = await town.raw(cut)
    assert (await town.probes().get(site.base)).reached is Reached.AWAY


@pytest.mark.parametrize("days", [60, 10, 1])
async def test_a_certificate_tells_when_it_expires(town: Town, days: int) -> None:
    site = await town.site(ok, days=days)
    found = await town.probes().certificate(f"{site.base}/any")
    assert found is not None
    assert found.expires_at is not None
    left = found.expires_at - datetime.now(UTC)
    assert timedelta(days=days, minutes=-5) < left <= timedelta(days=days)


async def test_an_expired_certificate_is_found_and_nothing_is_asked_behind_it(town: Town) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    site = await town.site(handler, days=-1)
    probes = town.probes()
    found = await probes.certificate(site.base)
    answer = await probes.get(site.base)
    assert found is not None
    assert (found.reached, found.message) == (
        Reached.BAD_CERTIFICATE,
        "certificate has expired",
    )
    assert (answer.reached, answer.message) == (Reached.BAD_CERTIFICATE, "certificate has expired")
    assert asked == []


async def test_a_certificate_that_nobody_else_signed(town: Town) -> None:
    context = town.authority.serves("self.acme.test", 60, self_signed=True)
    site = await town.with_context(ok, "self.acme.test", context)
    found = await town.probes().certificate(site.base)
    assert found is not None
    assert found.reached is Reached.BAD_CERTIFICATE
    assert "self" in found.message


async def test_a_certificate_of_another_host(town: Town) -> None:
    context = town.authority.serves("other.acme.test", 60)
    site = await town.with_context(ok, "qa.acme.test", context)
    probes = town.probes()
    found = await probes.certificate(site.base)
    assert found is not None
    assert found.reached is Reached.BAD_CERTIFICATE
    assert (await probes.get(site.base)).reached is Reached.BAD_CERTIFICATE


async def test_plain_http_presents_nothing(town: Town) -> None:
    site = await town.site(ok, days=None)
    assert await town.probes().certificate(site.base) is None


async def test_https_to_a_server_without_it_is_garbled(town: Town) -> None:
    site = await town.site(ok, days=None)
    site.scheme = "https"
    probes = town.probes()
    found = await probes.certificate(site.base)
    assert (await probes.get(site.base)).reached is Reached.GARBLED
    assert found is not None
    assert found.reached is Reached.GARBLED
