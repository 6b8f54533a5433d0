"""The page by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def focused(page: Page) -> str:
    """What the focus says: the label or the text of the focused control."""
    found: str = await page.evaluate(
        "(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()"
    )
    return found


async def test_a_rollout_from_the_line_to_the_confirmed_button(
    page: Page, sandbox: Any, until: Any
) -> None:
    keys = page.keyboard
    await expect(page.get_by_label("Message #qa-deploys")).to_be_focused()
    await keys.type("/dynamo deploy tasks-service qa")
    await keys.press("Enter")
    await page.get_by_role("heading", name="tasks-service → QA").wait_for()
    await keys.press("Shift+F6")
    await expect(page.locator("#messages")).to_be_focused()
    await keys.press("ArrowUp")
    assert (await focused(page)).startswith("Dynamo,")
    await keys.press("Tab")
    while await focused(page) != "Roll back to 1.3.2":
        await keys.press("Tab")
        assert await focused(page) != "Message #qa-deploys", "the button was passed by"
    await keys.press("Enter")
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    await keys.press("Tab")
    assert await focused(page) == "Roll back"
    await keys.press("Enter")
    await until(lambda: sandbox.app.acts)
    assert await focused(page) == "Roll back to 1.3.2"
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.get_by_role("menuitem", name="Show the manifest")).to_be_focused()
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await until(lambda: len(sandbox.app.acts) == 2)
    assert sandbox.app.acts[1]["actions"][0]["selected_option"]["value"] == "events"


async def test_a_thread_is_opened_with_enter_and_left_with_escape(page: Page, sandbox: Any) -> None:
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1)
    await sandbox.app.reply(card, "Started")
    await page.get_by_role("button", name="1 reply").wait_for()
    await page.keyboard.press("Shift+F6")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Reply…")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#messages .message")).to_be_focused()


async def test_f6_visits_every_region_and_comes_round(page: Page) -> None:
    visited = []
    for _ in range(5):
        await page.keyboard.press("F6")
        visited.append(
            await page.evaluate(
                "document.activeElement.closest('#sidebar, #messages, #composer, #world')?.id"
            )
        )
    assert visited == ["world", "sidebar", "messages", "composer", "world"]


async def test_the_skip_link_comes_first(page: Page) -> None:
    stops = page.locator("a[href], button, input, select, textarea, [tabindex='0']")
    await stops.first.focus()
    assert await focused(page) == "Skip to the messages"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Message #qa-deploys")).to_be_focused()


async def test_focus_can_be_seen_on_every_stop(page: Page, sandbox: Any) -> None:
    await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1, "failed")
    await page.get_by_role("heading", name="tasks-service → QA").wait_for()
    await page.evaluate("document.activeElement.blur()")
    unseen = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(
            """(() => {
              const node = document.activeElement;
              const style = getComputedStyle(node);
              const frame = getComputedStyle(node.closest('.composer') ?? node);
              const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
              return node === document.body || outlined || frame.boxShadow !== 'none';
            })()"""
        )
        if not seen:
            unseen.append(await focused(page))
    assert unseen == []
