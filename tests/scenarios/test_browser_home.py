"""Home in a browser: what waits is seen, pressed, and gone. Screenshots go to artifacts/."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.browsing import PICTURES, chromium, faults
from tests.scenarios.promoting import SERVICE, asked_for, catalog, running, until

PATIENT = 60_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    config = catalog(tmp_path / "dynamo.yml")
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_release_is_approved_and_let_go_from_home(
    sandbox: Sandbox, browser: Browser, scheme: str
) -> None:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ben", "elena")
        await slack.say("ben", "#qa-deploys", f"/dynamo promote {SERVICE} qa")
        await until(sandbox, lambda r: r.environment == "qa" and r.settled)
        await slack.say("ben", "#qa-deploys", '/dynamo lock dev --reason "load test"')
        await asked_for(slack)
    page = await browser.new_page(
        viewport={"width": 1280, "height": 1200},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    await page.goto(f"{sandbox.url}/?user=U0ELENA000&channel=C0PRODUCTN")
    apps = page.get_by_role("region", name="Apps")
    await apps.get_by_role("button", name="Dynamo").click(timeout=PATIENT)
    home = page.locator(".home")
    approve = home.get_by_role("button", name="Aprobar", exact=True)
    await expect(approve).to_be_visible(timeout=PATIENT)
    assert await faults(page) == []
    await page.screenshot(path=PICTURES / f"home-{scheme}.png")
    await approve.click()
    go = home.get_by_role("button", name="Desplegar en Producción")
    await expect(go).to_be_visible(timeout=PATIENT)
    await go.click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Desplegar").click()
    await expect(home.get_by_text("No te espera nada")).to_be_visible(timeout=PATIENT)
    await until(sandbox, lambda r: r.environment == "prod" and r.settled)
    assert await running(sandbox) == "1.4.0"
