"""Notices at the edge of the page: none outlives what it says, or the place that it was said in."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOAST = """async (text) => (await import("/page/js/toasts.js")).toast("error", text)"""


async def test_a_notice_that_the_sandbox_is_away_goes_when_it_is_back(page: Page) -> None:
    lines: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    await page.route_web_socket("**/client/stream*", connect)
    await page.reload()
    await page.get_by_text("This is the beginning of").wait_for()
    await page.route("**/client/say", lambda route: route.abort())
    composer = page.get_by_role("textbox").first
    await composer.fill("hello")
    await composer.press("Enter")
    toast = page.locator(".toast", has_text="The sandbox does not answer")
    await expect(toast).to_have_count(1)
    await page.evaluate(TOAST, "Another thing.")
    await lines[-1].close()
    await expect(toast).to_have_count(0, timeout=8_000)  # by itself it would stay for 15 s
    await expect(page.locator(".toast", has_text="Another thing.")).to_have_count(1)


async def test_a_notice_stays_behind_when_its_reader_goes_elsewhere(page: Page) -> None:
    for go in ("home", "channel"):
        await page.evaluate(TOAST, f"Said before going to {go}.")
        await expect(page.locator(".toast")).to_have_count(1)
        await page.evaluate(
            """async (go) => {
              const session = await import("/page/js/session.js");
              const { state } = await import("/page/js/store.js");
              if (go === "home") await session.openHome();
              else await session.openChannel(state.channels[0].id);
            }""",
            go,
        )
        await expect(page.locator(".toast")).to_have_count(0, timeout=5_000)


async def test_a_notice_about_the_place_that_was_just_opened_stays(page: Page) -> None:
    await page.route("**/client/home*", lambda route: route.abort())
    await page.evaluate("""async () => (await import("/page/js/session.js")).openHome()""")
    toast = page.locator(".toast", has_text="The sandbox does not answer")
    await expect(toast).to_have_count(1)
    await page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
    await expect(toast).to_have_count(1)
