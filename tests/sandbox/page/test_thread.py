"""A message and its replies, in the pane at the right."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def open_thread(page: Page, sandbox: Any) -> tuple[Locator, dict[str, Any]]:
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1)
    await sandbox.app.reply(card, "Rollout started")
    await sandbox.app.reply(card, "First pod ready")
    await page.get_by_role("button", name="2 replies").click()
    return page.get_by_role("complementary", name="Thread"), card


async def test_replies_stand_in_the_thread_and_are_counted(page: Page, sandbox: Any) -> None:
    thread, _ = await open_thread(page, sandbox)
    await expect(thread).to_contain_text("First pod ready")
    await expect(page.locator("#messages")).not_to_contain_text("First pod ready")
    await expect(thread.get_by_label("Reply…")).to_be_focused()
    await thread.get_by_label("Reply…").fill("thanks")
    await page.keyboard.press("Enter")
    await expect(thread.locator(".message", has_text="thanks")).to_be_visible()
    await expect(page.get_by_role("button", name="3 replies")).to_be_visible()


async def test_the_card_is_edited_in_channel_and_thread(page: Page, sandbox: Any) -> None:
    thread, card = await open_thread(page, sandbox)
    await sandbox.app.edit(card, 3, "ok")
    await expect(thread).to_contain_text("3 of 3 updated")
    await expect(page.locator("#messages")).to_contain_text("3 of 3 updated")
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()


async def test_a_slash_command_is_refused_in_a_thread_and_kept(page: Page, sandbox: Any) -> None:
    thread, _ = await open_thread(page, sandbox)
    reply = thread.get_by_label("Reply…")
    await reply.fill("/dynamo status")
    await reply.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not supported in threads")
    await expect(reply).to_have_value("/dynamo status")


async def test_escape_closes_the_thread_and_focus_goes_back(page: Page, sandbox: Any) -> None:
    thread, _ = await open_thread(page, sandbox)
    await expect(thread.get_by_label("Reply…")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()
    await expect(page.get_by_role("button", name="2 replies")).to_be_focused()
    await expect(page.get_by_role("complementary", name="The world")).to_be_visible()


async def test_a_permalink_leads_to_its_message(page: Page, sandbox: Any) -> None:
    card = await sandbox.app.card(seed.DEV_DEPLOYS, "forms-service", 1)
    link = f"https://acme.slack.com/archives/{card['channel']}/p{card['ts'].replace('.', '')}"
    text = {"type": "mrkdwn", "text": f"<{link}|its card>"}
    await sandbox.app.post([{"type": "section", "text": text}])
    await page.get_by_role("link", name="its card").click()
    await expect(page.get_by_role("heading", name="dev-deploys")).to_be_visible()
    row = page.locator(".message", has=page.get_by_role("heading", name="forms-service"))
    await expect(row).to_be_focused()


async def test_the_address_of_a_message_opens_the_page_at_it(page: Page, sandbox: Any) -> None:
    cards = [await sandbox.app.card(seed.DEV_DEPLOYS, f"service-{n}", 1) for n in range(6)]
    path = f"/archives/{seed.DEV_DEPLOYS}/p{cards[1]['ts'].replace('.', '')}"
    await page.goto(sandbox.url + path)
    row = page.locator(".message", has=page.get_by_role("heading", name="service-1 →"))
    await expect(row).to_be_focused()
    await sandbox.app.reply(cards[1], "In the thread")
    await page.goto(f"{sandbox.url}{path}?thread_ts={cards[1]['ts']}")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("In the thread")
