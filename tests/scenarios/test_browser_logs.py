"""Logs in a browser: lines that appear while somebody reads, Stop, and a long answer as a file.

Screenshots go to artifacts/: light, dark, in Spanish and on a phone.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import PICTURES, opened, type_line

PATIENT = 60_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=6, keep=tmp_path)) as sandbox:
        yield sandbox


async def in_each_light(page: Page, name: str) -> None:
    """One picture in the light, one in the dark."""
    await page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    await page.emulate_media(color_scheme="dark")
    await page.screenshot(path=PICTURES / f"{name}-dark.png", animations="disabled")
    await page.emulate_media(color_scheme="light")


def message(page: Page, words: str) -> Locator:
    return page.locator("article, li, [data-ts]").filter(has_text=words).last


async def lines_of(card: Locator) -> list[str]:
    return (await card.locator("pre").last.inner_text()).splitlines()


async def test_lines_appear_while_somebody_reads_until_they_press_stop(sandbox: Sandbox) -> None:
    async with opened(sandbox, "U0BEN00000", "C0QADEPLOYS") as page:
        await type_line(page, "/dynamo logs tasks-service qa --follow")
        card = message(page, "Logs of tasks-service → QA")
        await expect(card).to_contain_text("Live", timeout=PATIENT)
        await expect(card.locator("pre")).to_be_visible(timeout=PATIENT)
        first = await lines_of(card)
        await expect(card.locator("pre")).not_to_contain_text(first[0], timeout=PATIENT)
        assert (await lines_of(card))[-1] > first[-1]  # each begins with its time
        await in_each_light(page, "logs-live")
        await card.get_by_role("button", name="Stop").click()
        await expect(card).to_contain_text("Stopped by", timeout=PATIENT)
        await expect(card.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(card.get_by_role("button", name="Follow again")).to_be_visible()
        stood = await lines_of(card)
        await card.get_by_role("button", name="Download").click()
        await expect(page.get_by_text("1 reply").first).to_be_visible(timeout=PATIENT)
        assert await lines_of(card) == stood
        await in_each_light(page, "logs-stopped")


async def test_a_long_answer_is_a_file_in_a_thread_that_opens(sandbox: Sandbox) -> None:
    async with opened(sandbox, "U0BEN00000", "C0QADEPLOYS") as page:
        await type_line(page, "/dynamo logs forms-service qa --level error --tail 300")
        card = message(page, "Logs of forms-service → QA")
        await expect(card).to_contain_text("in the thread", timeout=PATIENT)
        # Its first error and its file are two replies, of which one may have come so far.
        await page.get_by_text(re.compile(r"^\d repl(y|ies)$")).first.click(timeout=PATIENT)
        await expect(page.get_by_text("The first error").first).to_be_visible(timeout=PATIENT)
        file = page.get_by_text(re.compile(r"forms-service-qa-\d{8}-\d{6}\.log"))
        await expect(file.first).to_be_visible(timeout=PATIENT)
        await in_each_light(page, "logs-file")


async def test_in_spanish(sandbox: Sandbox) -> None:
    async with opened(sandbox, "U0CARLA000", "C0QADEPLOYS") as page:
        await type_line(page, "/dynamo registros tasks-service qa --últimas 6")
        card = message(page, "Registros de tasks-service → QA")
        await expect(card).to_contain_text("Las horas son UTC", timeout=PATIENT)
        await in_each_light(page, "logs-spanish")


async def test_on_a_phone_nothing_scrolls_sideways(sandbox: Sandbox) -> None:
    async with opened(sandbox, "U0BEN00000", "C0QADEPLOYS", width=390) as page:
        await type_line(page, "/dynamo logs tasks-service qa --tail 4")
        card = message(page, "Logs of tasks-service → QA")
        await expect(card.locator("pre")).to_be_visible(timeout=PATIENT)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await in_each_light(page, "logs-phone")
