"""A card is edited in place while somebody reads it, uses it, or is about to click."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def card(page: Page, sandbox: Any) -> dict[str, Any]:
    posted: dict[str, Any] = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 0)
    await expect(shown(page)).to_be_visible()
    return posted


def shown(page: Page) -> Locator:
    heading = page.get_by_role("heading", name="tasks-service → QA")
    return page.locator(".message", has=heading).first


async def test_five_edits_change_one_message(page: Page, sandbox: Any, card: Any) -> None:
    await shown(page).evaluate("node => { node.dataset.seen = 'same node' }")
    for done in (1, 1, 2, 2):
        await sandbox.app.edit(card, done)
    await sandbox.app.edit(card, 3, "ok")
    await expect(shown(page)).to_contain_text("3 of 3 updated")
    await expect(shown(page).get_by_role("img", name="white check mark").first).to_be_visible()
    assert await shown(page).get_attribute("data-seen") == "same node"
    await expect(page.locator(".message")).to_have_count(1)


async def test_an_edit_leaves_focus_and_an_open_menu(page: Page, sandbox: Any, card: Any) -> None:
    logs = shown(page).get_by_role("button", name="Logs")
    await logs.focus()
    await sandbox.app.edit(card, 1)
    await expect(shown(page)).to_contain_text("1 of 3")
    await expect(logs).to_be_focused()
    await shown(page).get_by_role("button", name="More actions").click()
    item = page.get_by_role("menuitem", name="Show the events")
    await item.focus()
    for done in (2, 3):
        await sandbox.app.edit(card, done)
        await expect(shown(page)).to_contain_text(f"{done} of 3")
    await expect(item).to_be_focused()
    await item.press("Enter")
    await expect(item).to_be_hidden()


async def test_when_the_focused_button_leaves_focus_stays_at_the_message(
    page: Page, sandbox: Any, card: Any, make: Any
) -> None:
    await shown(page).get_by_role("button", name="Logs").focus()
    blocks = make.rollout_card("tasks-service", 1)[:-1]
    client = sandbox.app.client
    await client.chat_update(channel=card["channel"], ts=card["ts"], text="t", blocks=blocks)
    await expect(shown(page).get_by_role("button", name="Logs")).to_have_count(0)
    await expect(shown(page)).to_be_focused()


async def test_an_edit_does_not_move_what_is_being_read(
    page: Page, sandbox: Any, card: Any
) -> None:
    for number in range(12):
        await sandbox.app.card(seed.QA_DEPLOYS, f"service-{number}", number % 3)
    await expect(page.get_by_role("heading", name="service-11")).to_be_in_viewport()
    reading = page.get_by_role("heading", name="service-5")
    await page.locator("#messages").evaluate("node => { node.scrollTop = node.scrollHeight / 2 }")
    await page.get_by_role("button", name="To the newest message").wait_for()
    before = await reading.bounding_box()
    await sandbox.app.edit(card, 1, "failed")  # far above, and taller than before
    await expect(shown(page)).to_contain_text("DATABASE_URL")
    await sandbox.app.card(seed.QA_DEPLOYS, "newest", 0)
    await expect(page.get_by_role("heading", name="newest")).to_be_attached()
    after = await reading.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    await page.get_by_role("button", name="1 new message below").click()
    await expect(page.get_by_role("heading", name="newest")).to_be_in_viewport()


async def test_the_newest_is_followed_only_from_the_bottom(page: Page, sandbox: Any) -> None:
    for number in range(8):
        await sandbox.app.card(seed.QA_DEPLOYS, f"service-{number}", 1, "failed")
        await expect(page.get_by_role("heading", name=f"service-{number}")).to_be_in_viewport()


async def test_a_click_asks_first_where_the_card_says_so(
    page: Page, sandbox: Any, card: Any, until: Any
) -> None:
    back = shown(page).get_by_role("button", name="Roll back to 1.3.2")
    await back.click()
    dialog = page.get_by_role("alertdialog", name="Roll back tasks-service?")
    await expect(dialog).to_contain_text("QA goes back to 1.3.2")
    await expect(dialog.get_by_role("button", name="Keep running")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(back).to_be_focused()
    assert sandbox.app.acts == []
    await back.click()
    await dialog.get_by_role("button", name="Roll back").click()
    await until(lambda: sandbox.app.acts)
    act = sandbox.app.acts[0]["actions"][0]
    assert (act["action_id"], act["value"]) == ("rollback", "r1")


async def test_a_clicked_button_is_busy_until_the_ack(
    page: Page, sandbox: Any, card: Any, until: Any
) -> None:
    sandbox.app.may_answer.clear()
    on_its_way = asyncio.Event()

    async def slowly(route: Route) -> None:
        await on_its_way.wait()
        await route.continue_()

    await page.route("**/client/action", slowly)
    logs = shown(page).get_by_role("button", name="Logs")
    await logs.click()
    await expect(logs).to_have_attribute("aria-busy", "true")  # before the server knows
    await logs.click(force=True)
    on_its_way.set()
    sandbox.app.may_answer.set()
    await expect(logs).not_to_have_attribute("aria-busy", "true")
    await until(lambda: sandbox.app.acts)
    assert len(sandbox.app.acts) == 1


async def test_an_act_without_answer_is_said(page: Page, sandbox: Any, card: Any) -> None:
    await sandbox.socket.close_async()
    await shown(page).get_by_role("button", name="Logs").click()
    await expect(page.get_by_role("alert")).to_contain_text("Dynamo did not respond")
    await page.get_by_role("button", name="Close the notice").click()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_selects_send_what_was_chosen(
    page: Page, sandbox: Any, make: Any, until: Any
) -> None:
    options = [{"text": make.text(word, "plain_text"), "value": word} for word in ("a", "b", "c")]
    place = make.text("Choose", "plain_text")
    for kind in ("static_select", "multi_static_select", "users_select"):
        element = {"type": kind, "action_id": "pick", "placeholder": place}
        if kind != "users_select":
            element["options"] = options
        await sandbox.app.post([{"type": "actions", "block_id": kind, "elements": [element]}])
    await page.locator("#messages").get_by_role("combobox").select_option(label="b")
    await until(lambda: len(sandbox.app.acts) == 1)
    await page.get_by_role("button", name="Choose").first.click()
    listed = page.get_by_role("listbox", name="Choose").get_by_role("option")
    await listed.filter(has_text="a").click()
    await listed.filter(has_text="c").click()
    assert len(sandbox.app.acts) == 1
    await page.keyboard.press("Escape")
    await until(lambda: len(sandbox.app.acts) == 2)
    await page.get_by_role("button", name="Choose").last.click()
    await page.get_by_label("Search Choose").last.fill("carla")
    await page.get_by_role("option", name="Carla Ruiz").click()
    await until(lambda: len(sandbox.app.acts) == 3)
    chosen = [body["actions"][0] for body in sandbox.app.acts]
    assert chosen[0]["selected_option"]["value"] == "b"
    assert [option["value"] for option in chosen[1]["selected_options"]] == ["a", "c"]
    assert chosen[2]["selected_user"] == seed.CARLA


async def test_a_file_is_a_download_and_a_picture_is_shown(page: Page, sandbox: Any) -> None:
    upload = sandbox.app.client.files_upload_v2
    await upload(channel=seed.QA_DEPLOYS, content="line\n" * 400, filename="full.log", title="Log")
    await upload(
        channel=seed.QA_DEPLOYS,
        content=PIXEL,
        filename="errors.png",
        alt_txt="Errors rose at 12:01",
    )
    link = page.get_by_role("link", name="Log")
    await expect(link).to_contain_text("2 kB")
    async with page.expect_download() as download:
        await link.click()
    assert (await download.value).suggested_filename == "full.log"
    picture = page.get_by_role("img", name="Errors rose at 12:01")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("node => node.naturalWidth") == 1


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
