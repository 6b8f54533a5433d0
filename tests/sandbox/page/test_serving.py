"""What the browser is given: types, no caching, a policy, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from bot.sandbox.page import STATIC, page_app, page_files
from tests.serving import served

SOURCES = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".html")]


@pytest.fixture(name="served")
async def the_page() -> AsyncIterator[str]:
    async with served(page_app()) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/page/js/main.js", "text/javascript"),
        ("/page/css/tokens.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
    ],
)
async def test_files_have_their_type_a_policy_and_are_never_cached(
    served: str, path: str, kind: str
) -> None:
    async with ClientSession() as session, session.get(served + path) as response:
        assert response.status == 200
        assert response.content_type == kind
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    ["/page/../__init__.py", "/page/%2e%2e/__init__.py", "/page/js/nothing.js", "/page/index.html"],
)
async def test_only_the_files_of_the_page_are_served(served: str, path: str) -> None:
    async with ClientSession() as session, session.get(served + path) as response:
        assert response.status == 404


def test_every_file_that_the_page_names_is_served() -> None:
    known = set(page_files())
    named = re.findall(r'(?:href|src)="(/[^"]+)"', (STATIC / "index.html").read_text())
    assert len(named) > 5
    missing = [name for name in named if name not in known]
    for path in SOURCES:
        for relative in re.findall(r'(?:from|import) "(\.[^"]+)"', path.read_text()):
            target = (path.parent / relative).resolve().relative_to(STATIC.resolve())
            if f"/page/{target.as_posix()}" not in known:
                missing.append(f"{path.name}: {relative}")
    assert missing == []


def test_the_page_loads_nothing_from_elsewhere() -> None:
    addresses = {
        f"{path.name}: {address}"
        for path in SOURCES
        for address in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9./-]+", path.read_text())
    }
    assert addresses == {"dom.js: http://www.w3.org/2000/svg"}


def test_no_module_parses_html_or_builds_code() -> None:
    sinks = (
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser)"
    )
    found = [path.name for path in SOURCES if re.search(sinks, path.read_text())]
    assert found == []
