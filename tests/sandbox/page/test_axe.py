"""Axe-core, in the browser, on every view of the page: light and dark, laptop and phone.

What axe calls serious or critical fails the test with the rule and the node; contrast and roles
are computed by axe from what the browser drew, beside our own computations from the tokens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page

from bot.sandbox.slack import seed
from tests.browsing import faults

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
]

CHART: dict[str, Any] = {
    "type": "data_visualization",
    "title": "Requests that failed",
    "chart": {
        "type": "line",
        "axis_config": {"categories": ["10:00", "10:01"], "y_label": "%"},
        "series": [
            {
                "name": name,
                "data": [{"label": "10:00", "value": 1}, {"label": "10:01", "value": end}],
            }
            for name, end in (("before", 1), ("since", 4))
        ],
    },
}


async def fill(page: Page, sandbox: Any, make: Any) -> None:
    """A channel with cards of every state, a thread, every kind of control, a table, a chart."""
    app = sandbox.app
    option = [{"text": make.text("One", "plain_text"), "value": "1"}]
    kinds = ("static_select", "users_select", "checkboxes", "radio_buttons", "overflow")
    controls = [
        {"type": kind, "action_id": kind, **({} if "users" in kind else {"options": option})}
        for kind in kinds
    ]
    controls += [
        {"type": "datepicker", "action_id": "date"},
        make.button("Evidence", "evidence"),
        make.button("Roll back", "no", style="danger"),
        make.button("Deploy", "yes", style="primary"),
    ]
    for end in ("", "ok", "failed"):
        card = await app.card(seed.QA_DEPLOYS, "tasks-service", 1, end)
    await app.reply(card, "Started by <@U0ANA00000>, see `tasks-service` at <https://qa.test|qa>")
    await app.post([CHART])
    await app.post([{"type": "actions", "elements": controls}])
    await page.get_by_label("Message #qa-deploys").fill("/dynamo status")
    await page.keyboard.press("Enter")
    await page.get_by_role("table").first.wait_for()
    await page.get_by_role("button", name="Evidence", exact=True).wait_for()


async def channel(page: Page) -> None:
    await page.get_by_role("log", name="Messages", exact=True).wait_for()


async def thread(page: Page) -> None:
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_label("Reply…").wait_for()


async def modal(page: Page) -> None:
    await page.get_by_role("button", name="Evidence", exact=True).click()
    await page.get_by_role("dialog", name="Tick with evidence").wait_for()


async def refused_modal(page: Page) -> None:
    await modal(page)
    await page.get_by_role("textbox", name="Evidence").fill("nothing")
    await page.get_by_role("button", name="Tick", exact=True).click()
    await page.locator(".input-error").first.wait_for()


async def confirm(page: Page) -> None:
    await page.get_by_role("button", name="Roll back to 1.3.2").last.click()
    await page.get_by_role("alertdialog").wait_for()


async def menu(page: Page) -> None:
    await page.get_by_role("button", name="More").last.click()
    await page.get_by_role("menu").wait_for()


async def completion(page: Page) -> None:
    await page.get_by_label("Message #qa-deploys").press_sequentially("/dynamo d")
    await page.get_by_role("listbox").first.wait_for()


async def home(page: Page) -> None:
    sidebar = page.get_by_role("navigation", name="Workspace")
    if not await sidebar.is_visible():
        await page.get_by_role("button", name="Channels").click()
    await sidebar.get_by_role("button", name="Dynamo").click()
    await page.locator(".home").get_by_text("Nothing waits for your approval.").wait_for()


VIEWS: list[Callable[[Page], Awaitable[None]]] = [
    channel, thread, modal, refused_modal, confirm, menu, completion, home
]  # fmt: skip


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", ["laptop", "phone"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
async def test_axe_finds_nothing_serious(
    visit: Any, sandbox: Any, phone: Any, make: Any, view: Any, device: str, colours: str
) -> None:
    page = await visit(color_scheme=colours, **(phone if device == "phone" else {}))
    await fill(page, sandbox, make)
    await view(page)
    assert await faults(page) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("pane", ["Channels", "World"])
async def test_axe_finds_nothing_serious_in_the_panes_of_a_phone(
    visit: Any, world: Any, make: Any, phone: Any, pane: str, colours: str
) -> None:
    page = await visit(color_scheme=colours, **phone)
    words = ("Running", "CrashLoopBackOff", "Terminating", "Pending")
    pods = [make.pod(f"p-{word}", "1.4.0", word) for word in words]
    await world.change("qa", "tasks-service", ready=1, state="failing", pods=pods)
    await page.get_by_role("button", name=pane).first.tap()
    if pane == "Channels":
        await page.get_by_role("button", name="general").wait_for()
    else:
        await page.get_by_label("What goes wrong").wait_for()
    assert await faults(page) == []


async def test_axe_does_find_a_control_without_a_name(page: Page) -> None:
    """The check can fail: a nameless button in the page is found."""
    await page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert [each.split(":")[0] for each in await faults(page)] == ["button-name"]
