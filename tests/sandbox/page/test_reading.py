"""Where somebody begins to read: an unread channel, a thread, Home; and how a typed line looks."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = "\n".join(f"line {number}" for number in range(80))
SIDEWAYS = "node => node.scrollWidth - node.clientWidth"


async def test_a_channel_is_opened_where_its_unread_messages_begin(visit: Any) -> None:
    ben, ana = await visit(seed.BEN, channel=seed.GENERAL), await visit()
    await ana.get_by_label("Message #qa-deploys").fill(f"The first\n{LONG}")
    await ana.keyboard.press("Enter")
    await ana.get_by_label("Message #qa-deploys").fill("The last")
    await ana.keyboard.press("Enter")
    place = ben.get_by_role("navigation", name="Workspace").get_by_role("button", name="qa-deploys")
    await expect(place).to_contain_text("2 unread")
    await place.click()
    first = ben.locator(".message", has_text="The first")
    await expect(first.locator(".message-head")).to_be_in_viewport()
    await expect(ben.get_by_text("The last")).not_to_be_in_viewport()
    await ben.get_by_role("button", name="To the newest message").click()
    await expect(ben.get_by_text("The last")).to_be_in_viewport()


async def test_a_reader_further_up_is_told_how_much_came_below(page: Page, sandbox: Any) -> None:
    for number in range(6):
        await sandbox.app.card(seed.QA_DEPLOYS, f"service-{number}", 1, "failed")
    await expect(page.get_by_role("heading", name="service-5")).to_be_in_viewport()
    await page.locator("#messages").evaluate("node => { node.scrollTop = 0 }")
    await page.get_by_role("button", name="To the newest message").wait_for()
    await sandbox.app.card(seed.QA_DEPLOYS, "late", 0)
    await page.get_by_role("button", name="1 new message below").wait_for()
    await sandbox.app.card(seed.QA_DEPLOYS, "later", 0)
    await page.get_by_role("button", name="2 new messages below").click()
    await expect(page.get_by_role("heading", name="later")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="below")).to_have_count(0)


async def test_a_long_reply_is_read_from_its_beginning(page: Page, sandbox: Any) -> None:
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1)
    await sandbox.app.reply(card, f"Why it failed\n{LONG}")
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    reply = thread.locator(".message", has_text="Why it failed")
    await expect(reply.locator(".message-head")).to_be_in_viewport()
    await expect(thread.get_by_label("Reply…")).to_be_focused()


async def test_a_thread_brings_no_keyboard_up_on_a_phone(
    visit: Any, sandbox: Any, phone: Any
) -> None:
    page = await visit(**phone)
    await sandbox.app.reply(await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1), "Started")
    await page.get_by_role("button", name="1 reply").tap()
    await expect(page.get_by_role("button", name="Close the thread")).to_be_focused()


async def test_home_is_read_from_its_top_at_the_first_visit_too(
    page: Page, sandbox: Any, make: Any
) -> None:
    """It opened at its end: it came when the page was still empty, and so at its own bottom."""
    rows = [{"type": "section", "text": make.text(f"Row {number}")} for number in range(60)]
    sandbox.app.home_rows = rows
    await page.get_by_role("navigation").get_by_role("button", name="Dynamo").click()
    await page.get_by_text("Row 59").wait_for()
    await expect(page.get_by_role("heading", name="Waiting for you")).to_be_in_viewport()
    assert await page.locator("#messages").evaluate("node => node.scrollTop") == 0


async def test_home_fits_the_smallest_phone(visit: Any, phone: Any) -> None:
    page = await visit(**phone | {"viewport": {"width": 320, "height": 640}})
    await page.get_by_role("button", name="Channels").tap()
    await page.get_by_role("navigation").get_by_role("button", name="Dynamo").tap()
    await page.get_by_text("Nothing waits for your approval.").wait_for()
    await page.get_by_role("button", name="World").tap()
    await page.get_by_label("What goes wrong").wait_for()
    for part in ("body", ".app", "#channel-header"):
        assert await page.locator(part).evaluate(SIDEWAYS) == 0
    box = await page.get_by_role("button", name="World", exact=True).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 320


async def test_what_a_person_types_looks_as_slack_draws_it(page: Page) -> None:
    line = page.get_by_label("Message #qa-deploys")
    await line.fill("It is *done* :tada: see `qa`, <b>1 & 2</b>\n```\nx < y\n```")
    await line.press("Enter")
    said = page.locator(".message", has_text="It is")
    await expect(said.locator("strong")).to_have_text("done")
    await expect(said.get_by_role("img", name="tada")).to_be_visible()
    await expect(said.locator("code")).to_have_text("qa")
    await expect(said.locator("pre")).to_have_text("x < y")
    await expect(said).to_contain_text("<b>1 & 2</b>")


async def test_a_form_of_a_command_is_completed_without_its_remark(page: Page) -> None:
    """ "help, or nothing for a form" was completed to a command "help,"."""
    line = page.get_by_label("Message #qa-deploys")
    await line.press_sequentially("/dynamo he")
    await expect(page.get_by_role("option", name="help")).to_contain_text("or nothing for a form")
    await line.press("Tab")
    await expect(line).to_have_value("/dynamo help ")


async def test_a_card_that_grows_after_its_link_was_followed_keeps_its_buttons_in_sight(
    page: Page, sandbox: Any
) -> None:
    card = await sandbox.app.card(seed.DEV_DEPLOYS, "tasks-service", 1)
    linked = f"{sandbox.url}/archives/{seed.DEV_DEPLOYS}/p{card['ts'].replace('.', '')}"
    await sandbox.app.client.chat_postMessage(
        channel=seed.QA_DEPLOYS, text=f"<{linked}|Open the card>"
    )
    await page.set_viewport_size({"width": 1280, "height": 520})
    await page.get_by_role("link", name="Open the card").click()
    shown = page.locator(f'[data-ts="{card["ts"]}"]')
    await expect(shown).to_be_focused()
    await sandbox.app.edit(card, 1, "failed")
    await expect(shown).to_contain_text("DATABASE_URL")
    await expect(shown.get_by_role("button", name="Try again")).to_be_in_viewport(ratio=1)
    await expect(page.locator("#latest button")).to_have_count(0)
