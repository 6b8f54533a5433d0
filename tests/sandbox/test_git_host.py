"""The sandbox's git host: its control, its comparisons, and links that lead somewhere."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.github.host import GitHost, from_releases
from bot.sandbox.github.server import github_app
from bot.sandbox.registry.release_table import RELEASES
from tests.serving import served

NAME = "yourorg/tasks-service"
OLD, NEW = (
    next(r.commit for r in RELEASES if (r.service, r.version) == ("tasks-service", version))
    for version in ("1.3.2", "1.4.0")
)


@pytest.fixture
def host() -> GitHost:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return from_releases(RELEASES, {"tasks-service": NAME}, lambda: now)


@pytest.fixture
async def url(host: GitHost) -> AsyncIterator[str]:
    app = web.Application()
    app.add_subapp("/github", github_app(host, {("tasks-service", "1.4.0"): (NAME, NEW)}))
    async with served(app) as url:
        yield f"{url}/github"


async def ask(url: str, body: Any = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    async with aiohttp.ClientSession() as http, http.request(method, url, json=body) as answer:
        text = answer.content_type != "application/json"
        return answer.status, await (answer.text() if text else answer.json())


async def test_a_comparison_lists_the_commits_between_with_their_authors(url: str) -> None:
    status, found = await ask(f"{url}/repos/{NAME}/compare/{OLD}...{NEW}")
    assert (status, found["status"]) == (200, "ahead")
    assert found["total_commits"] == len(found["commits"]) == found["ahead_by"] > 2
    assert found["commits"][-1]["sha"] == NEW
    assert all(each["commit"]["author"]["name"] for each in found["commits"])
    _, back = await ask(f"{url}/repos/{NAME}/compare/{NEW}...{OLD}")
    assert (back["status"], back["commits"]) == ("behind", [])
    status, _ = await ask(f"{url}/repos/{NAME}/compare/{OLD}...{'f' * 40}")
    assert status == 404


async def test_the_control_sets_one_check_or_all(url: str) -> None:
    runs = f"{url}/repos/{NAME}/commits/{NEW}/check-runs"
    release = {"service": "tasks-service", "version": "1.4.0"}
    await ask(f"{url}/_control", {**release, "check": "unit", "state": "in_progress"})
    _, found = await ask(runs)
    states = {each["name"]: each["conclusion"] or each["status"] for each in found["check_runs"]}
    assert states == {"build": "success", "integration": "success", "unit": "in_progress"}
    await ask(f"{url}/_control", {"repository": NAME, "commit": NEW, "state": "failure"})
    _, found = await ask(runs)
    assert {each["conclusion"] for each in found["check_runs"]} == {"failure"}


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"service": "nothing", "version": "1", "state": "success"}, 404),
        ({"repository": NAME, "commit": "f" * 40, "check": "unit", "state": "success"}, 404),
        ({"repository": NAME, "commit": NEW, "check": "unit", "state": "purple"}, 404),
        ({"limited": "soon"}, 400),
        ([], 400),
        (7, 400),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(url: str, order: Any, status: int) -> None:
    assert (await ask(f"{url}/_control", order))[0] == status


async def test_a_check_links_to_a_page(url: str) -> None:
    _, found = await ask(f"{url}/repos/{NAME}/commits/{NEW}/check-runs")
    link = found["check_runs"][0]["html_url"]
    assert link.startswith(url)
    status, page = await ask(link)
    assert status == 200
    assert "tasks-service" in page
