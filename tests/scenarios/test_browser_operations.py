"""Going back and scaling in a browser: what people press, and what the windows tell them.

Screenshots go to artifacts/.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import PICTURES, opened, type_line

PATIENT = 60_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=6, keep=tmp_path)) as sandbox:
        yield sandbox


async def test_a_failed_release_is_taken_back_from_its_card(sandbox: Sandbox) -> None:
    async with opened(sandbox, "U0BEN00000", "C0DEVDEPLOY") as page:
        await type_line(page, "/dynamo deploy tasks-service dev 1.5.0")
        back = page.get_by_role("button", name="Roll back to 1.4.0")
        await expect(back.first).to_be_visible(timeout=PATIENT)
        await page.screenshot(path=PICTURES / "rollback-offered.png")
        await back.first.click()
        dialog = page.get_by_role("alertdialog")
        await expect(dialog).to_contain_text("goes back from 1.5.0 to 1.4.0")
        await page.screenshot(path=PICTURES / "rollback-asked.png")
        await dialog.get_by_role("button", name="Roll back").click()
        done = page.get_by_text("rolled back to 1.4.0 in")
        await expect(done.first).to_be_visible(timeout=PATIENT)
        await expect(page.get_by_text("Does not come back").first).to_be_visible(timeout=PATIENT)
        await expect(page.get_by_role("button", name="Lift the lock").first).to_be_visible(
            timeout=PATIENT
        )
        await page.screenshot(path=PICTURES / "rolled-back.png")


async def test_an_autoscalers_bounds_are_changed_in_a_window_that_says_what_may_not_be(
    sandbox: Sandbox,
) -> None:
    async with opened(sandbox, "U0ELENA000", "C0PRODUCTN") as page:
        await type_line(page, "/dynamo escalar api-gateway prod 5")
        await page.get_by_role("button", name="Cambiar sus límites").click(timeout=PATIENT)
        window = page.get_by_role("dialog")
        await expect(window).to_contain_text("api-gateway", timeout=PATIENT)
        least = window.get_by_label("Mínimo de pods")
        most = window.get_by_label("Máximo de pods")
        await least.fill("9")
        await most.fill("8")
        await window.get_by_role("button", name="Cambiar").click()
        await expect(window).to_contain_text("Menor que el mínimo: 9", timeout=PATIENT)
        await page.screenshot(path=PICTURES / "scale-bounds.png")
        await least.fill("8")
        await most.fill("12")
        await window.get_by_role("button", name="Cambiar").click()
        await expect(page.get_by_text("the autoscaler keeps 8–12 pods").first).to_be_visible(
            timeout=PATIENT
        )
        await page.screenshot(path=PICTURES / "scaled.png")
