"""The page on a phone: one pane at a time, nothing to scroll sideways."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def sideways(page: Page) -> list[str]:
    """What is wider than the window, apart from what scrolls by itself."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll('body *')]
          .filter(n => n.checkVisibility() && n.getBoundingClientRect().right > innerWidth + 1)
          .filter(n => !n.closest('.table-frame, .guide-lines, .sidebar, .sr-only, .skip'))
          .map(n => `${n.tagName}.${n.className}`)"""
    )
    return found


@pytest.mark.parametrize("width", [390, 320])
async def test_nothing_is_wider_than_the_phone(
    visit: Any, sandbox: Any, phone: Any, make: Any, width: int
) -> None:
    page = await visit(**{**phone, "viewport": {"width": width, "height": 700}})
    assert await sideways(page) == []
    await sandbox.app.card(seed.QA_DEPLOYS, "a-service-with-a-rather-long-name-indeed", 1, "failed")
    await sandbox.app.post(
        [
            {"type": "section", "text": make.text("x" * 400)},
            {"type": "section", "text": make.text("Pick"), "accessory": make.button("y" * 60, "b")},
        ]
    )
    await page.get_by_label("Message #qa-deploys").fill("/dynamo status")
    await page.keyboard.press("Enter")
    await page.get_by_role("table").wait_for()
    assert await sideways(page) == []
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= width


async def test_channels_are_behind_a_button(visit: Any, phone: Any) -> None:
    page = await visit(**phone)
    sidebar = page.get_by_role("navigation", name="Workspace")
    await expect(sidebar).to_be_hidden()
    await page.get_by_role("button", name="Channels").tap()
    await expect(sidebar.get_by_role("button", name="qa-deploys")).to_be_focused()
    await sidebar.get_by_role("button", name="general").tap()
    await expect(sidebar).to_be_hidden()
    await expect(page.get_by_role("heading", name="general")).to_be_visible()


async def test_a_thread_covers_the_channel_and_the_world_stands_below_it(
    visit: Any, sandbox: Any, phone: Any
) -> None:
    page = await visit(**phone)
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1)
    await sandbox.app.reply(card, "Started")
    await page.get_by_role("button", name="1 reply").tap()
    thread = page.get_by_role("complementary", name="Thread")
    assert (await thread.bounding_box() or {})["width"] == 390
    await page.get_by_role("button", name="Close the thread").tap()
    await expect(thread).to_be_hidden()
    await page.get_by_role("button", name="World").tap()
    world = page.get_by_role("complementary", name="The world")
    await expect(world).to_contain_text("tasks-service")
    assert await sideways(page) == []
    assert await page.evaluate("document.body.scrollHeight") == 844  # nothing can scroll it away
    composer = page.get_by_label("Message #qa-deploys")
    above, below = await composer.bounding_box(), await world.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    await expect(page.get_by_role("heading", name="tasks-service → QA")).to_be_in_viewport()
    await page.set_viewport_size({"width": 390, "height": 480})  # the keyboard comes up
    await composer.focus()
    await expect(world).to_be_hidden()
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="Close the world").tap()
    await expect(world).to_be_hidden()
    await expect(composer).to_be_visible()


async def test_targets_are_large_enough_for_a_finger(visit: Any, sandbox: Any, phone: Any) -> None:
    page = await visit(**phone)
    await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1, "failed")
    await page.get_by_role("heading", name="tasks-service → QA").wait_for()
    small = await page.evaluate(
        """() => [...document.querySelectorAll('button')].filter(n => n.checkVisibility())
          .filter(n => Math.min(n.getBoundingClientRect().width, n.offsetHeight) < 24)
          .map(n => n.textContent)"""
    )
    assert small == []


async def test_a_row_of_the_status_table_is_a_list_on_a_phone(
    visit: Any, phone: Any, page: Page
) -> None:
    """Nothing to scroll sideways: each cell says its environment; a screen reader hears a table."""
    small = await visit(**phone)
    await small.get_by_label("Message #qa-deploys").fill("/dynamo status")
    await small.keyboard.press("Enter")
    frame = small.get_by_role("region", name="Table")
    assert await frame.evaluate("node => node.scrollWidth <= node.clientWidth")
    row = small.get_by_role("row").filter(has_text="tasks-service")
    cells = row.get_by_role("cell")
    await expect(cells).to_have_count(4)
    await expect(cells.nth(2).locator(".cell-of")).to_be_visible()
    await expect(cells.nth(2).locator(".cell-of")).to_have_text("QA")
    # At one instant: the list may still be scrolling to its end.
    tops = await cells.evaluate_all("all => all.map(n => n.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))
    await page.get_by_role("table").wait_for()  # Ana's laptop shows the same answer
    await expect(page.locator(".cell-of").first).to_be_hidden()
