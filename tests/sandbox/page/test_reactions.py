"""Emoji under a message: whose they are, and one's own by a press."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_reactions_say_whose_they_are_and_a_press_adds_ones_own(
    page: Page, sandbox: Any
) -> None:
    card = await sandbox.app.card(seed.QA_DEPLOYS, "tasks-service", 1)
    async with SlackDriver(sandbox.url) as people:
        message = await people.message("dan", where=lambda m: m.ts == card["ts"])
        await people.react("dan", message, "eyes")
        seen = page.get_by_role("list", name="Reactions").get_by_role("button")
        await expect(seen).to_have_accessible_name("eyes, 1: Dan")
        await expect(seen).to_have_attribute("aria-pressed", "false")
        await seen.click()
        await expect(seen).to_have_attribute("aria-pressed", "true")
        await expect(seen).to_have_accessible_name("eyes, 2: Dan, you")
        await seen.click()
        await expect(seen).to_have_accessible_name("eyes, 1: Dan")
        await people.react("dan", message, "a_shape_of_ours")
        await expect(page.get_by_role("button", name="a shape of ours")).to_contain_text(
            ":a_shape_of_ours:"
        )
