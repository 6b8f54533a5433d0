"""What a screen reader is told, and what those get who ask for less motion."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAMELESS = """() => [...document.querySelectorAll(
    'button, a[href], input, select, textarea, [role=listbox], [role=region], dialog[open]'
  )]
  .filter(n => n.checkVisibility())
  .filter(n => {
    const ids = (n.getAttribute('aria-labelledby') ?? '').split(' ');
    const by = ids.map(id => document.getElementById(id)?.textContent).join('');
    const inner = n.matches('button, a') ? n.textContent : n.closest('label')?.textContent;
    return !(n.ariaLabel || by || inner?.trim());
  }).map(n => n.outerHTML.slice(0, 120))"""

DUPLICATES = """() => { const seen = new Set(); return [...document.querySelectorAll('[id]')]
  .filter(n => seen.size === seen.add(n.id).size).map(n => n.id) }"""


async def fill(page: Page, sandbox: Any, make: Any) -> None:
    """Something of every kind on the page."""
    option = [{"text": make.text("One", "plain_text"), "value": "1"}]
    kinds = ("static_select", "users_select", "checkboxes", "radio_buttons", "overflow")
    controls = [
        {"type": kind, "action_id": kind, **({} if "users" in kind else {"options": option})}
        for kind in kinds
    ]
    controls += [{"type": "datepicker", "action_id": "date"}, make.button("Evidence", "evidence")]
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1, "failed")
    await sandbox.app.reply(card, "Started")
    await sandbox.app.post([{"type": "actions", "elements": controls}])
    await page.get_by_role("button", name="Evidence", exact=True).wait_for()


async def test_every_control_has_a_name(page: Page, sandbox: Any, make: Any) -> None:
    await fill(page, sandbox, make)
    assert await page.evaluate(NAMELESS) == []
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_label("Reply…").wait_for()
    assert await page.evaluate(NAMELESS) == []
    await page.get_by_role("button", name="Evidence", exact=True).click()
    await page.get_by_role("dialog", name="Tick with evidence").wait_for()
    assert await page.evaluate(NAMELESS) == []


async def test_ids_are_unique_with_a_card_in_channel_and_thread(
    page: Page, sandbox: Any, make: Any
) -> None:
    await fill(page, sandbox, make)
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_label("Reply…").wait_for()
    assert await page.evaluate(DUPLICATES) == []


async def test_landmarks_and_headings_tell_the_page_apart(page: Page) -> None:
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("navigation", name="Workspace")).to_have_count(1)
    await expect(page.get_by_role("complementary", name="The world")).to_have_count(1)
    await expect(page.get_by_role("log", name="Messages", exact=True)).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_text("qa-deploys")


async def test_new_messages_and_the_last_of_quick_edits_are_spoken(
    page: Page, sandbox: Any
) -> None:
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 0)
    for done in (1, 2, 3):
        await sandbox.app.edit(card, done)
    said = page.locator("#announcer[aria-live=polite] p")
    await expect(said).to_have_text(["Dynamo: tasks-service to QA: 3 of 3 updated"])
    await sandbox.app.client.chat_postEphemeral(
        channel=seed.QA_DEPLOYS, user=seed.ANA, text="Only for Ana"
    )
    await expect(said.last).to_have_text("Dynamo, only to you: Only for Ana")


async def test_signs_are_named_pictures(page: Page, sandbox: Any) -> None:
    await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1, "failed")
    heading = page.get_by_role("heading", name="x tasks-service → QA")
    await expect(heading.get_by_role("img", name="x", exact=True)).to_be_visible()


async def test_motion_is_taken_away_for_those_who_ask(visit: Any) -> None:
    longest = """() => Math.max(...[...document.querySelectorAll('*')].flatMap(n => {
      const s = getComputedStyle(n);
      return (s.transitionDuration + ',' + s.animationDuration).split(',').map(parseFloat) }))"""
    still, moving = await visit(), await visit(reduced_motion="no-preference")
    assert await still.evaluate(longest) <= 0.001
    assert await moving.evaluate(longest) > 0.05


async def test_light_and_dark_follow_the_system_until_one_is_chosen(visit: Any) -> None:
    paper = "getComputedStyle(document.querySelector('.main')).backgroundColor"
    page = await visit(color_scheme="dark")
    assert await page.evaluate(paper) == "rgb(23, 26, 33)"
    await page.get_by_role("button", name="Colours: as the system").click()
    assert await page.evaluate(paper) == "rgb(255, 255, 255)"
    await page.reload()
    await page.get_by_role("button", name="Colours: light").click()
    assert await page.evaluate(paper) == "rgb(23, 26, 33)"


async def test_the_page_can_be_read_at_twice_the_text_size(visit: Any) -> None:
    page = await visit(viewport={"width": 640, "height": 400})  # 1280 at 200 %
    await page.get_by_label("Message #qa-deploys").fill("hello")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message", has_text="hello")).to_be_in_viewport()
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= 640
