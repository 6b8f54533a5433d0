"""A configuration before a reader's eyes: shown, asked about, applied; differences and policies.

Screenshots go to artifacts/.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import opened, picture, type_line
from tests.scenarios.platform_files import edit_config, files, live_config

PATIENT = 40_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return files(tmp_path)


@pytest.fixture
async def sandbox(tmp_path: Path, config: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=4, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def page(sandbox: Sandbox) -> AsyncIterator[Page]:
    async with opened(sandbox, height=860) as page:
        yield page


async def test_the_change_is_read_key_by_key_asked_about_and_applied(
    page: Page, sandbox: Sandbox, config: Path
) -> None:
    edit_config(config, FEATURE_X="true", LOG_LEVEL="warn", LOG_FORMAT=None, API_TOKEN="hunter22")
    await type_line(page, "/dynamo config tasks-service qa")
    question = page.locator("[data-ts]").filter(has_text="keys of the configuration would change")
    for said in ("added FEATURE_X: true", "changed LOG_LEVEL: info → warn", "[redacted]"):
        await expect(question.last).to_contain_text(said, timeout=PATIENT)
    await expect(page.get_by_text("hunter22")).to_have_count(0)
    await picture(page, "config-question")
    apply = question.last.get_by_role("button", name="Apply")
    await apply.click()
    dialog = page.get_by_role("alertdialog").or_(page.get_by_role("dialog"))
    await expect(dialog).to_contain_text("4 keys of tasks-service in QA change")
    await picture(page, "config-confirm")
    await dialog.get_by_role("button", name="Not yet").click()
    assert live_config(sandbox)["LOG_LEVEL"] == "info", "a no is a no"
    await apply.click()
    await dialog.get_by_role("button", name="Apply").click()
    told = page.get_by_text("applied the configuration of").first
    await expect(told).to_be_visible(timeout=PATIENT)
    assert live_config(sandbox)["LOG_LEVEL"] == "warn"
    await expect(page.get_by_text("tasks-service → QA · 1.3.2 restarted in").first).to_be_visible(
        timeout=PATIENT
    )
    await picture(page, "config-applied")


async def test_differences_and_policies_can_be_read(page: Page, sandbox: Sandbox) -> None:
    sandbox.world.set_trouble("key-only-here", "tasks-service", "qa")
    sandbox.world.set_trouble("debug-tools", "tasks-service", "prod")
    await type_line(page, "/dynamo diff tasks-service qa prod")
    await expect(page.get_by_text("Can break a deploy").first).to_be_visible(timeout=PATIENT)
    await picture(page, "diff")
    await type_line(page, "/dynamo check tasks-service prod")
    await expect(page.get_by_text("No debug tools").first).to_be_visible(timeout=PATIENT)
    await picture(page, "check")
    await type_line(page, "/dynamo deploy tasks-service qa")
    await expect(page.get_by_text("Policies of qa are not all kept").first).to_be_visible(
        timeout=PATIENT
    )
    await picture(page, "policy-on-card")
