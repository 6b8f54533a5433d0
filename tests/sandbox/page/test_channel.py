"""A line is typed, an answer stands in the channel, and the composer helps on the way."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_typed_command_is_answered_by_a_card(page: Page) -> None:
    composer = page.get_by_label("Message #qa-deploys")
    await composer.fill("/dynamo deploy tasks-service qa")
    await composer.press("Enter")
    card = page.locator(".message", has=page.get_by_role("heading", name="tasks-service → QA"))
    await expect(card).to_contain_text("0 of 3 updated")
    await expect(card.get_by_role("button", name="Logs")).to_be_visible()
    await expect(page.locator(".command")).to_have_text("/dynamo deploy tasks-service qa")
    await expect(composer).to_have_value("")


async def test_a_typed_command_is_shown_to_its_user_alone(visit: Any) -> None:
    ana, ben = await visit(), await visit(seed.BEN)
    await ana.get_by_label("Message #qa-deploys").fill("/dynamo deploy tasks-service qa")
    await ana.keyboard.press("Enter")
    await expect(ben.get_by_role("heading", name="tasks-service → QA")).to_be_visible()
    await expect(ana.locator(".command")).to_have_count(1)
    await expect(ben.locator(".command")).to_have_count(0)


async def test_an_ephemeral_answer_reaches_one_user_and_survives_a_reload(visit: Any) -> None:
    ana, ben = await visit(), await visit(seed.BEN)
    await ana.get_by_label("Message #qa-deploys").fill("/dynamo deploy tasks-servce qa")
    await ana.keyboard.press("Enter")
    answer = ana.locator(".message.ephemeral", has_text="Did you mean")
    await expect(answer).to_contain_text("Only visible to you")
    await ben.get_by_label("Message #qa-deploys").fill("hello")
    await ben.keyboard.press("Enter")
    await expect(ben.locator(".message", has_text="hello")).to_be_visible()
    await expect(ben.get_by_text("Did you mean")).to_have_count(0)
    await ana.reload()
    await expect(answer).to_contain_text("Only visible to you")


async def test_the_suggestion_after_a_typo_is_a_button(
    page: Page, sandbox: Any, until: Any
) -> None:
    await page.get_by_label("Message #qa-deploys").fill("/dynamo deploy tasks-servce qa")
    await page.keyboard.press("Enter")
    await page.locator(".message.ephemeral").get_by_role("button", name="/dynamo deploy").click()
    await until(lambda: sandbox.app.acts)
    assert sandbox.app.acts[0]["actions"][0]["action_id"] == "run"


async def test_arrow_up_brings_back_what_was_sent(page: Page) -> None:
    composer = page.get_by_label("Message #qa-deploys")
    for line in ("first line", "second line"):
        await composer.fill(line)
        await composer.press("Enter")
    await expect(page.locator(".message", has_text="second line")).to_be_visible()
    await composer.press("ArrowUp")
    await expect(composer).to_have_value("second line")
    await composer.press("ArrowUp")
    await expect(composer).to_have_value("first line")
    await composer.press("ArrowDown")
    await composer.press("ArrowDown")
    await expect(composer).to_have_value("")


async def test_a_draft_stays_with_its_channel(page: Page) -> None:
    await page.get_by_label("Message #qa-deploys").fill("not yet sent")
    await page.get_by_role("button", name="general").click()
    await expect(page.get_by_label("Message #general")).to_have_value("")
    await page.get_by_role("button", name="qa-deploys").click()
    await expect(page.get_by_label("Message #qa-deploys")).to_have_value("not yet sent")


async def test_tab_completes_command_verb_service_and_environment(page: Page) -> None:
    composer = page.get_by_label("Message #qa-deploys")
    await composer.press_sequentially("/dy")
    await expect(page.get_by_role("option", name="/dynamo")).to_be_visible()
    for typed in ("", "dep", "tasks", "q"):
        await composer.press_sequentially(typed)
        await expect(page.locator("#composer-list .completion").first).to_be_visible()
        await composer.press("Tab")
    await expect(composer).to_have_value("/dynamo deploy tasks-service qa ")
    await expect(page.locator("#composer .composer-hint")).to_contain_text("deploy SERVICE ENV")


async def test_enter_sends_a_whole_command_although_more_could_be_completed(page: Page) -> None:
    composer = page.get_by_label("Message #qa-deploys")
    await composer.press_sequentially("/dynamo deploy tasks-service q")
    await expect(page.get_by_role("option", name="qa")).to_be_visible()
    await composer.press("Enter")
    await expect(page.locator(".command")).to_have_text("/dynamo deploy tasks-service q")


async def test_a_mention_is_completed_and_becomes_one(page: Page, visit: Any) -> None:
    composer = page.get_by_label("Message #qa-deploys")
    await composer.press_sequentially("look @be")
    await expect(page.get_by_role("option", name="@ben")).to_be_visible()
    await composer.press("Enter")
    await expect(composer).to_have_value("look @ben ")
    await composer.press("Enter")
    await expect(page.locator(".message .mention")).to_have_text("@Ben")
    ben = await visit(seed.BEN)
    await expect(ben.locator(".message .mention.self")).to_have_text("@Ben")


async def test_unread_and_mentions_are_marked_until_the_channel_is_opened(visit: Any) -> None:
    ana, ben = await visit(), await visit(seed.BEN, seed.GENERAL)
    await ben.get_by_label("Message #general").fill("@ana please look")
    await ben.keyboard.press("Escape")
    await ben.keyboard.press("Enter")
    general = ana.get_by_role("navigation").get_by_role("button", name="general")
    await expect(general).to_contain_text("1 mention")
    await expect(general).to_have_class("place unread")
    await expect(ana).to_have_title("(1) qa-deploys · Acme")
    await general.click()
    await expect(ana.get_by_role("separator", name="New")).to_be_visible()
    await expect(general).not_to_contain_text("mention")
    await ana.get_by_role("button", name="qa-deploys").click()
    await expect(general).not_to_contain_text("unread")


async def test_a_private_channel_is_listed_for_its_members(visit: Any) -> None:
    ana, elena = await visit(), await visit(seed.ELENA)
    await expect(
        elena.get_by_role("button", name="private channel release-managers")
    ).to_be_visible()
    await expect(ana.get_by_role("button", name="release-managers")).to_have_count(0)


async def test_switching_the_user_changes_who_speaks(page: Page) -> None:
    await page.get_by_role("button", name="Switch user").click()
    carla = page.get_by_role("menuitemradio", name="Carla Ruiz")
    await expect(carla).to_contain_text("QA lead · Spanish")
    await carla.click()
    await expect(page.get_by_role("button", name="You are Carla Ruiz")).to_be_visible()
    await page.get_by_label("Message #qa-deploys").fill("tested")
    await page.keyboard.press("Enter")
    row = page.locator(".message", has_text="tested")
    await expect(row.locator(".author")).to_have_text("Carla Ruiz")


async def test_the_home_tab_shows_what_the_app_publishes(page: Page) -> None:
    await page.get_by_role("button", name="Dynamo", exact=True).click()
    await expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    await page.get_by_role("button", name="Messages", exact=True).click()
    await expect(page.get_by_text("Sending messages to this app is turned off.")).to_be_visible()


async def test_the_first_minute_puts_a_line_into_the_composer(page: Page) -> None:
    guide = page.get_by_role("region", name="Your first minute")
    await expect(guide.get_by_role("button")).to_have_count(4)
    await guide.get_by_role("button", name="/dynamo status").click()
    composer = page.get_by_label("Message #qa-deploys")
    await expect(composer).to_have_value("/dynamo status")
    await expect(composer).to_be_focused()
    await composer.press("Enter")
    await expect(page.get_by_role("table")).to_be_visible()
    await expect(guide.get_by_role("button", name="/dynamo status")).to_have_count(0)
    await guide.get_by_role("button", name="Dismiss").click()
    await expect(guide).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("table")).to_be_visible()
    await expect(guide).to_have_count(0)


async def test_what_was_missed_without_connection_is_read_again(page: Page, sandbox: Any) -> None:
    lines: list[WebSocketRoute] = []
    down = False

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        if not down:
            line.connect_to_server()

    await page.route_web_socket("**/client/stream*", connect)
    await page.reload()
    await page.get_by_text("This is the beginning of").wait_for()
    down = True
    await lines[-1].close()
    await expect(page.locator("#connection")).to_contain_text("Trying again")
    await sandbox.app.card(seed.QA_DEPLOYS, "forms-service", 1)
    await expect(page.locator("#connection")).to_be_empty()  # it connected, to nobody
    down = False
    await lines[-1].close()
    await expect(page.get_by_role("heading", name="forms-service → QA")).to_be_visible()
    await sandbox.app.card(seed.QA_DEPLOYS, "auth-service", 1)
    await expect(page.get_by_role("heading", name="auth-service → QA")).to_be_visible()


async def test_the_page_outlives_a_restart_of_the_sandbox(page: Page, sandbox: Any) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    world = page.get_by_role("complementary", name="The world")
    await expect(world).to_contain_text("What the cluster runs now")
    await sandbox.stop()
    await expect(page.locator("#connection")).to_contain_text("Trying again")
    await expect(world).to_contain_text("As it was: the connection is lost")
    await sandbox.start(port)
    await expect(page.locator("#connection")).to_be_empty()
    await expect(world).to_contain_text("What the cluster runs now")
    await sandbox.app.card(seed.QA_DEPLOYS, "forms-service", 1)
    await expect(page.get_by_role("heading", name="forms-service → QA")).to_be_visible()
