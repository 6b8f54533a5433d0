"""What the channel sees after a rollout, in a browser: all looks are real, time is virtual.

Screenshots go to artifacts/.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from bot.domain.analysis import Stage
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import PICTURES, opened, type_line
from tests.samples import in_qa, sample
from tests.scenarios.releasing import at_ease, looked_at, rolled_out

PATIENT = 60_000  # milliseconds: a machine that does much else is slow, not wrong
WIDE = ViewportSize(width=1280, height=1000)
PHONE = ViewportSize(width=390, height=844)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """The sample, where QA asks for nothing and waits for seconds."""
    at_ease(monkeypatch)
    path = sample(tmp_path, in_qa(requires=[], policies=[]), window="3s")
    async with launch(Options(manual=True, keep=tmp_path / "keep", config=path)) as sandbox:
        yield sandbox


async def looked_at_in_qa(page: Page, sandbox: Sandbox) -> Rollout:
    """Deployed, and the first look is told."""
    await type_line(page, "/dynamo deploy tasks-service qa 1.4.0")
    rollout = await rolled_out(sandbox)
    await looked_at(sandbox, rollout, Stage.PROVISIONAL)
    return rollout


async def pictured(page: Page, name: str) -> None:
    """As it looks by day, by night, and on a phone."""
    await page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    await page.emulate_media(color_scheme="dark")
    await page.screenshot(path=PICTURES / f"{name}-dark.png", animations="disabled")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(PHONE)
    await page.screenshot(path=PICTURES / f"{name}-phone.png", animations="disabled")
    await page.set_viewport_size(WIDE)


async def test_a_good_release_gets_one_quiet_line(sandbox: Sandbox) -> None:
    async with opened(sandbox) as page:
        rollout = await looked_at_in_qa(page, sandbox)
        line = page.get_by_text("so far as good as 1.3.2").first
        await expect(line).to_be_visible(timeout=PATIENT)
        await pictured(page, "summary-good")
        await looked_at(sandbox, rollout, Stage.FINAL)
        await expect(page.get_by_text("1.4.0 in QA: as good as 1.3.2").first).to_be_visible(
            timeout=PATIENT
        )
        await expect(page.get_by_role("button", name="Keep 1.4.0")).to_have_count(
            0, timeout=PATIENT
        )


async def failing(page: Page, sandbox: Sandbox) -> Locator:
    """The summary of a release that fails three of a hundred requests."""
    sandbox.world.set_trouble("fails-3-percent", "tasks-service", "qa")
    await looked_at_in_qa(page, sandbox)
    keep = page.get_by_role("button", name="Keep 1.4.0")
    await expect(keep).to_be_visible(timeout=PATIENT)
    await expect(page.get_by_text("worse than 1.3.2").first).to_be_visible(timeout=PATIENT)
    await expect(page.get_by_role("table").first).to_contain_text("errors", timeout=PATIENT)
    await expect(page.get_by_text("Errors of tasks-service, 1.4.0").first).to_be_visible(
        timeout=PATIENT
    )
    return keep


async def test_a_release_that_fails_is_shown_with_its_evidence_and_kept_by_a_person(
    sandbox: Sandbox,
) -> None:
    async with opened(sandbox) as page:
        keep = await failing(page, sandbox)
        await pictured(page, "summary-worse")
        await keep.click()
        await expect(page.get_by_text("although it is worse").first).to_be_visible(timeout=PATIENT)
        await expect(keep).to_have_count(0, timeout=PATIENT)
        assert len(await sandbox.dynamo.edges.store.recent("tasks-service", "qa")) == 1


async def test_a_release_that_fails_is_rolled_back_by_the_button_of_its_summary(
    sandbox: Sandbox,
) -> None:
    async with opened(sandbox) as page:
        await failing(page, sandbox)
        await page.get_by_role("button", name="Roll back to 1.3.2").last.click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Roll back").click()
        await expect(page.get_by_text("gone back from").first).to_be_visible(timeout=PATIENT)
        newest = (await sandbox.dynamo.edges.store.recent("tasks-service", "qa"))[0]
        assert (newest.kind, newest.version) == ("ROLLBACK", "1.3.2")
