"""GitHub's checks over HTTP: of the sandbox's git host, and of a server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters.github_checks import GitHubChecks
from bot.domain.ci import CheckState, CiState, judge_ci
from bot.errors import PortError, Trouble
from bot.sandbox.github.host import GitHost
from bot.sandbox.github.server import TOKEN, github_app
from tests.serving import served

REPOSITORY = "yourorg/tasks-service"
COMMIT = "c0ffee" + "0" * 34
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asking(url: str, token: str = TOKEN, **limits: Any) -> AsyncIterator[GitHubChecks]:
    checks = GitHubChecks(url, SecretStr(token) if token else None, **limits)
    try:
        yield checks
    finally:
        await checks.close()


@pytest.fixture
def host() -> GitHost:
    host = GitHost(lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    host.add_commit(REPOSITORY, COMMIT, "A commit", checks="")
    return host


@pytest.fixture
async def checks(host: GitHost) -> AsyncIterator[GitHubChecks]:
    async with served(github_app(host, {})) as url, asking(url) as checks:
        yield checks


async def refusal(checks: GitHubChecks, commit: str = COMMIT, name: str = REPOSITORY) -> PortError:
    with pytest.raises(PortError) as caught:
        await checks.of_commit(name, commit)
    assert caught.value.port == "git-host"
    assert TOKEN not in str(caught.value.values)
    return caught.value


@pytest.mark.parametrize(
    ("state", "kind", "meant"),
    [
        ("success", "run", CheckState.PASSED),
        ("neutral", "run", CheckState.PASSED),
        ("skipped", "run", CheckState.PASSED),
        ("queued", "run", CheckState.RUNNING),
        ("in_progress", "run", CheckState.RUNNING),
        ("failure", "run", CheckState.FAILED),
        ("cancelled", "run", CheckState.FAILED),
        ("timed_out", "run", CheckState.FAILED),
        ("stale", "run", CheckState.FAILED),
        ("success", "status", CheckState.PASSED),
        ("pending", "status", CheckState.RUNNING),
        ("error", "status", CheckState.FAILED),
    ],
)
async def test_runs_and_statuses_are_read_as_what_they_mean(checks, host, state, kind, meant):
    host.set_check(REPOSITORY, COMMIT, "unit", state, kind)
    (found,) = await checks.of_commit(REPOSITORY, COMMIT)
    assert (found.name, found.state) == ("unit", meant)
    assert found.url.startswith("http://127.0.0.1:")
    assert (found.at is None) == (meant is CheckState.RUNNING)


async def test_all_pages_are_read(checks, host):
    for number in range(230):
        host.set_check(REPOSITORY, COMMIT, f"shard {number}", "success")
    for number in range(101):
        host.set_check(REPOSITORY, COMMIT, f"old {number}", "success", "status")
    host.set_check(REPOSITORY, COMMIT, "shard 229", "failure")
    found = await checks.of_commit(REPOSITORY, COMMIT)
    assert len(found) == 331
    assert judge_ci(found).state is CiState.RED


async def test_whether_a_repository_is_shown_is_told(checks):
    await checks.shows(REPOSITORY)
    with pytest.raises(PortError) as caught:
        await checks.shows("yourorg/nothing")
    assert caught.value.trouble is Trouble.NOT_FOUND


async def test_a_commit_without_checks_has_none(checks):
    assert judge_ci(await checks.of_commit(REPOSITORY, COMMIT)).state is CiState.NONE


async def test_a_commit_and_a_repository_that_are_not_there_are_told(checks):
    assert (await refusal(checks, "d" * 40)).trouble is Trouble.NOT_FOUND
    error = await refusal(checks, name="yourorg/nothing")
    assert (error.trouble, error.temporary) == (Trouble.NOT_FOUND, False)


@pytest.mark.parametrize(
    "name", ["yourorg", "../..", "yourorg/../x", "yourorg/x/y", "yourorg/..", "a b/c", ""]
)
async def test_no_name_leads_to_another_path(checks, host, name):
    assert (await refusal(checks, name=name)).trouble is Trouble.INVALID
    assert (await refusal(checks, commit="../../../user")).trouble is Trouble.INVALID
    assert host.asked == 0


async def test_a_wrong_token_is_told_and_a_missing_one_is_named(host):
    async with served(github_app(host, {})) as url:
        async with asking(url, "ghp_wrong") as wrong:
            assert (await refusal(wrong)).trouble is Trouble.UNAUTHENTICATED
        async with asking(url, "") as without:
            assert await without.of_commit(REPOSITORY, COMMIT) == ()
            error = await refusal(without, name="yourorg/private")
            assert "GITHUB_TOKEN" in error.values["message"]


async def test_a_rate_limit_says_until_when(checks, host):
    host.limit(90)
    error = await refusal(checks)
    assert (error.trouble, error.temporary) == (Trouble.THROTTLED, True)
    assert error.retry_after == pytest.approx(90, abs=2)


def answering(status: int, body: str = "{}", **headers: str) -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body, headers=named)

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    return app


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "retry"),
    [
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1030"}, Trouble.THROTTLED, 30),
        (403, {"Retry_After": "7"}, Trouble.THROTTLED, 7),
        (429, {}, Trouble.THROTTLED, 60),
        (429, {"X_RateLimit_Reset": "5"}, Trouble.THROTTLED, 1),
        (429, {"Retry_After": "999999999"}, Trouble.THROTTLED, 3600),
        (403, {"X_RateLimit_Remaining": "55"}, Trouble.FORBIDDEN, None),
        (401, {}, Trouble.UNAUTHENTICATED, None),
        (404, {}, Trouble.NOT_FOUND, None),
        (422, {}, Trouble.NOT_FOUND, None),
        (500, {}, Trouble.AWAY, None),
        (503, {}, Trouble.AWAY, None),
        (418, {}, Trouble.UNEXPECTED, None),
        (204, {}, Trouble.UNEXPECTED, None),
    ],
)
async def test_each_refusal_is_told_as_what_it_is(status, headers, trouble, retry):
    async with (
        served(answering(status, **headers)) as url,
        asking(url, now=lambda: 1000.0) as checks,
    ):
        error = await refusal(checks)
    assert (error.trouble, error.retry_after) == (trouble, retry)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "<html>",
        '{"total_count": 1}',
        '{"total_count": -1, "check_runs": [], "statuses": []}',
        '{"total_count": 1, "check_runs": [{"name": 7}], "statuses": []}',
    ],
)
async def test_an_answer_of_another_shape_is_no_green(body):
    async with served(answering(200, body)) as url, asking(url) as checks:
        assert (await refusal(checks)).trouble is Trouble.UNEXPECTED


async def test_an_endless_list_and_an_endless_body_end():
    run = '{"name": "x", "status": "completed", "conclusion": "success"}'
    runs = ",".join([run] * 100)
    body = f'{{"total_count": 999999, "check_runs": [{runs}], "statuses": []}}'
    async with served(answering(200, body)) as url, asking(url) as checks:
        assert (await refusal(checks)).trouble is Trouble.UNEXPECTED
    async with served(answering(200, "x" * 9_000_000)) as url, asking(url) as checks:
        assert "too large" in (await refusal(checks)).values["message"]


async def test_the_token_stays_with_its_host():
    seen: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"total_count": 0, "check_runs": [], "statuses": []})

    other = web.Application()
    other.router.add_get("/{any:.*}", elsewhere)
    async with served(other) as target:
        port = target.rpartition(":")[2]
        location = f"http://localhost:{port}/x"
        async with served(answering(302, Location=location)) as url, asking(url) as checks:
            assert (await refusal(checks)).trouble is Trouble.UNEXPECTED
    assert set(seen) <= {None}


async def test_a_host_that_is_away_or_never_answers_is_away():
    async with asking("http://127.0.0.1:9") as checks:
        assert (await refusal(checks)).trouble is Trouble.AWAY

    over = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/{any:.*}", never)
    async with served(app) as url, asking(url, total=0.2) as checks:
        error = await refusal(checks)
        over.set()
        assert (error.trouble, error.temporary) == (Trouble.AWAY, True)
