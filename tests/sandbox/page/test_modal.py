"""Modals: filled in, sent back with errors, sent again, closed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def open_modal(page: Page, sandbox: Any, make: Any) -> Any:
    button = make.button("Tick with evidence", "evidence")
    await sandbox.app.post([{"type": "actions", "elements": [button]}])
    await page.get_by_role("button", name="Tick with evidence").click()
    modal = page.get_by_role("dialog")
    await expect(modal.get_by_role("heading", name="Tick with evidence")).to_be_visible()
    return modal


async def test_a_modal_says_what_is_missing_and_what_the_app_refuses(
    page: Page, sandbox: Any, make: Any
) -> None:
    modal = await open_modal(page, sandbox, make)
    evidence = modal.get_by_label("Evidence")
    await expect(evidence).to_be_focused()
    await modal.get_by_role("button", name="Tick").click()
    await expect(modal.locator(".input-error")).to_have_count(2)
    await expect(evidence).to_be_focused()
    await evidence.fill("ftp://report")
    await modal.get_by_label("Risk").select_option(label="High")
    await modal.get_by_role("button", name="Tick").click()
    await expect(modal.locator(".input-error")).to_have_count(1)  # the app's answer has come
    await expect(modal.locator(".input-error")).to_have_text("!Give a link that starts with https.")
    await expect(evidence).to_have_attribute("aria-invalid", "true")
    described = await evidence.get_attribute("aria-describedby")
    await expect(page.locator(f"#{described}")).to_contain_text("starts with https")
    await expect(evidence).to_have_value("ftp://report")


async def test_what_was_filled_in_is_submitted_in_slacks_shape(
    page: Page, sandbox: Any, make: Any, until: Any
) -> None:
    modal = await open_modal(page, sandbox, make)
    await modal.get_by_label("Evidence").fill("https://ci/812")
    await modal.get_by_label("Risk").select_option(label="Low")
    await modal.get_by_role("button", name="Reviewers").click()
    for name in ("Ben Carter", "Dan Novak"):
        await page.get_by_role("option", name=name).click()
    await page.keyboard.press("Escape")
    await expect(modal.get_by_role("button", name="Reviewers")).to_contain_text("Ben Carter, Dan")
    await modal.get_by_label("Image").check()
    await modal.get_by_role("button", name="Tick").click()
    await expect(modal).to_be_hidden()
    await until(lambda: sandbox.app.submitted)
    values = sandbox.app.submitted[0]
    assert values["link"]["url"]["value"] == "https://ci/812"
    assert values["risk"]["level"]["selected_option"]["value"] == "low"
    assert values["people"]["who"]["selected_users"] == [seed.BEN, seed.DAN]
    assert values["until"]["date"]["selected_date"] == "2026-12-24"
    assert [option["value"] for option in values["parts"]["what"]["selected_options"]] == ["Image"]


async def test_escape_closes_an_open_list_first_and_then_the_modal(
    page: Page, sandbox: Any, make: Any
) -> None:
    modal = await open_modal(page, sandbox, make)
    await modal.get_by_role("button", name="Reviewers").click()
    await expect(page.get_by_role("listbox", name="Reviewers")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("listbox", name="Reviewers")).to_be_hidden()
    await expect(modal).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_be_hidden()
    await expect(page.get_by_role("button", name="Tick with evidence")).to_be_focused()


async def test_a_view_pushed_onto_another_can_be_left_backwards(
    page: Page, sandbox: Any, make: Any
) -> None:
    app = sandbox.app

    def view(title: str, action: str) -> dict[str, Any]:
        button = make.button("Deeper", action)
        blocks = [{"type": "actions", "block_id": "go", "elements": [button]}]
        return {"type": "modal", "title": make.text(title, "plain_text"), "blocks": blocks}

    async def opened(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await app.client.views_open(trigger_id=body["trigger_id"], view=view("First", "push"))

    async def pushed(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await app.client.views_push(trigger_id=body["trigger_id"], view=view("Second", "none"))

    app.bolt.action("open")(opened)
    app.bolt.action("push")(pushed)

    await app.post([{"type": "actions", "elements": [make.button("Open", "open")]}])
    await page.get_by_role("button", name="Open", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Deeper").click()
    await expect(page.get_by_role("heading", name="Second")).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    await expect(page.get_by_role("heading", name="First")).to_be_visible()
    await expect(page.get_by_role("button", name="Back")).to_have_count(0)


async def test_a_loading_view_is_replaced_in_place(page: Page, sandbox: Any, make: Any) -> None:
    app = sandbox.app

    def view(words: str) -> dict[str, Any]:
        blocks = [{"type": "section", "text": make.text(words)}]
        return {"type": "modal", "title": make.text("Logs", "plain_text"), "blocks": blocks}

    views: list[str] = []

    async def show(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        opened = await app.client.views_open(trigger_id=body["trigger_id"], view=view("Loading…"))
        views.append(opened["view"]["id"])

    app.bolt.action("show")(show)

    await app.post([{"type": "actions", "elements": [make.button("Show", "show")]}])
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("Loading…")
    await app.client.views_update(view_id=views[0], view=view("Three lines"))
    await expect(page.get_by_role("dialog")).to_contain_text("Three lines")
    await expect(page.get_by_role("dialog")).not_to_contain_text("Loading")
