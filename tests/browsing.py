"""A browser for tests: Debian's chromium, a page of the sandbox as somebody sees it, a typed line.

Screenshots go to artifacts/.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from bot.sandbox.launcher import Sandbox

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path(__file__).parents[1] / "artifacts"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(
    sandbox: Sandbox,
    user: str = "U0BEN00000",
    channel: str = "C0QADEPLOYS",
    *,
    width: int = 1280,
    height: int = 1000,
) -> AsyncIterator[Page]:
    """A channel of the sandbox as one of its people sees it."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height})
        await page.goto(f"{sandbox.url}/?user={user}&channel={channel}")
        yield page


async def type_line(page: Page, line: str) -> None:
    composer = page.get_by_role("textbox", name=re.compile("Message|Mensaje"))
    await composer.first.fill(line)
    await composer.first.press("Enter")


async def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, a line per node: the rule, where, and why."""
    found = await Axe().run(page)
    return [
        f"{each['id']}: {node['html'][:140]} | {node['failureSummary'][:200]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


async def picture(page: Page, name: str) -> None:
    await page.screenshot(path=PICTURES / f"{name}.png")
