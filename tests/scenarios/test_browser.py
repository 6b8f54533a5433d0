"""The main job in a browser: the real page, the real bot, the offline world, for a newcomer.

Screenshots go to artifacts/ (the README shows two of them).
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import chromium, opened, picture, type_line

PATIENT = 40_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=4, keep=tmp_path)) as sandbox:
        yield sandbox


@pytest.fixture
async def page(sandbox: Sandbox) -> AsyncIterator[Page]:
    async with opened(sandbox, height=860) as page:
        yield page


TROUBLES = {
    "Crash at start",
    "Crash after ten seconds",
    "Bad tag",
    "Denied pull",
    "Out of memory",
    "Never ready",
    "Slow start",
    "No capacity",
    "Missing ConfigMap",
    "Quota",
    "API server away",
    "Slack rate-limited",
}


async def test_a_newcomer_is_led_to_a_good_release_and_to_a_failed_one_with_its_diagnosis(
    sandbox: Sandbox,
) -> None:
    """The first minutes of somebody who knows nothing but the address, line by suggested line."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(sandbox.url)
        guide = page.get_by_role("region", name="Your first minute")
        lines = guide.locator(".guide-line")
        await expect(lines).to_have_count(3, timeout=PATIENT)
        await expect(page.get_by_text("Ben Carter").first).to_be_visible()  # who reads English
        await lines.first.click()
        await page.keyboard.press("Enter")
        card = page.locator("[data-ts]").filter(has_text="tasks-service → QA · 1.4.0").last
        await expect(card).to_contain_text("of 3 updated", timeout=PATIENT)
        await picture(page, "rolling-out")
        await expect(card).to_contain_text("Succeeded", timeout=PATIENT)
        await expect(page.get_by_text("tasks-service → QA · 1.4.0 done in")).to_have_count(1)
        await picture(page, "succeeded")
        await lines.first.click()
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Open the card").click(timeout=PATIENT)
        await expect(page.get_by_role("heading", name="dev-deploys").first).to_be_visible()
        said = page.get_by_text("Error: DATABASE_URL is not set").first
        await expect(said).to_be_visible(timeout=PATIENT)
        await expect(page.get_by_role("button", name="Roll back to 1.4.0")).to_be_visible(
            timeout=PATIENT
        )
        await picture(page, "crashed")
        offered = await page.get_by_label("What goes wrong").locator("option").all_inner_texts()
        assert set(offered) >= TROUBLES


async def test_a_failing_image_is_diagnosed_before_the_readers_eyes(
    page: Page, sandbox: Sandbox
) -> None:
    sandbox.world.set_trouble("bad-tag", "forms-service", "qa")
    await type_line(page, "/dynamo deploy forms-service qa")
    await expect(page.get_by_text("forms-service → QA · 0.10.0 failed after")).to_be_visible(
        timeout=PATIENT
    )
    await expect(page.get_by_text("still serves 0.9.1").first).to_be_visible(timeout=PATIENT)
    await picture(page, "failed")


async def test_after_a_typo_the_suggestion_is_pressed_and_runs(page: Page) -> None:
    await type_line(page, "/dynamo deploy tasks-servce qa")
    suggestion = page.get_by_role("button", name="/dynamo deploy tasks-service qa").first
    await expect(suggestion).to_be_visible(timeout=PATIENT)
    await picture(page, "did-you-mean")
    await suggestion.click()
    await expect(page.get_by_text("tasks-service → QA · 1.4.0").first).to_be_visible(
        timeout=PATIENT
    )


async def test_status_and_home_can_be_read(page: Page) -> None:
    await type_line(page, "/dynamo status")
    await expect(page.get_by_text("What runs where").first).to_be_visible(timeout=PATIENT)
    await picture(page, "status")
    await type_line(page, "/dynamo status tasks-service qa")
    await expect(page.get_by_text("tasks-service-").first).to_be_visible(timeout=PATIENT)
    await picture(page, "status-one")
    await type_line(page, "/dynamo help")
    await expect(page.get_by_text("What you can ask me").first).to_be_visible(timeout=PATIENT)
    await picture(page, "help")
    await type_line(page, "/dynamo deploy tasks-service production 1.3.1")
    await expect(page.get_by_text("was not started").first).to_be_visible(timeout=PATIENT)
    await picture(page, "refused")


async def look_as(page: Page, sandbox: Sandbox, user: str, channel: str = "C0PRODUCTN") -> None:
    await page.goto(f"{sandbox.url}/?user={user}&channel={channel}")
    await expect(page.get_by_role("textbox", name="Message").first).to_be_visible(timeout=PATIENT)


async def press(page: Page, name: str, *, nth: int = 0, exact: bool = True) -> None:
    button = page.get_by_role("button", name=name, exact=exact)
    await expect(button.nth(nth)).to_be_enabled(timeout=PATIENT)
    await button.nth(nth).click()


async def tick(page: Page, sandbox: Sandbox, user: str, item: str, done: int) -> None:
    await look_as(page, sandbox, user)
    await press(page, f"Tick: {item}")
    await expect(page.get_by_text(f"ready for Production? {done} of 5").last).to_be_visible(
        timeout=PATIENT
    )


async def build_to_dev(page: Page, sandbox: Sandbox) -> Rollout:
    """A branch is typed; its build is watched in the card that becomes the rollout's."""
    await look_as(page, sandbox, "U0BEN00000", "C0DEVDEPLOY")
    await type_line(page, "/dynamo deploy tasks-service dev main")
    card = page.locator("article, li, [data-ts]").filter(has_text="Build tasks-service").last
    await expect(card).to_contain_text("Step ", timeout=PATIENT)
    await picture(page, "way-1-build")
    shown = await card.get_attribute("data-ts")
    done = page.get_by_text(re.compile(r"tasks-service → Development · \S+ done in"))
    await expect(done).to_be_visible(timeout=PATIENT)
    await expect(page.locator(f'[data-ts="{shown}"]')).to_contain_text("Development")
    [rollout] = await sandbox.dynamo.edges.store.recent("tasks-service", "dev")
    assert rollout.state is RolloutState.SUCCEEDED
    return rollout


async def to_qa_when_green(page: Page, sandbox: Sandbox, built: Rollout) -> None:
    """Promoted while checks of its commit run, it waits, and goes by itself when they are green."""
    repository = sandbox.git_host.repository("yourorg/tasks-service")
    [commit] = [c.sha for c in repository.commits if built.version.endswith(f"-{c.sha[:7]}")]
    sandbox.git_host.set_checks(repository.name, commit, "in_progress")
    await look_as(page, sandbox, "U0BEN00000", "C0QADEPLOYS")
    await type_line(page, "/dynamo promote tasks-service qa")
    waits = page.get_by_text("Queued until CI is green")
    await expect(waits.first).to_be_visible(timeout=PATIENT)
    await picture(page, "way-2-waits-for-ci")
    done = page.get_by_text(f"tasks-service → QA · {built.version} done in")
    await expect(done).to_have_count(0)
    sandbox.git_host.set_checks(repository.name, commit, "success")
    await expect(done).to_be_visible(timeout=PATIENT)
    await expect(waits).to_have_count(0)


@pytest.mark.timeout(400)
async def test_the_whole_way_from_a_commit_to_production_is_clicked_by_those_who_may(
    page: Page, sandbox: Sandbox
) -> None:
    """A developer builds a branch and asks, CI turns green, three roles tick, a release manager
    approves and deploys."""
    built = await build_to_dev(page, sandbox)
    await to_qa_when_green(page, sandbox, built)
    await look_as(page, sandbox, "U0BEN00000")
    await type_line(page, "/dynamo promote tasks-service")
    await expect(page.get_by_text("was not started").first).to_be_visible(timeout=PATIENT)
    await expect(page.get_by_text("Checklist 1 of 5").first).to_be_visible(timeout=PATIENT)
    await expect(page.get_by_text("0 of 1 approvals").first).to_be_visible(timeout=PATIENT)
    await picture(page, "way-3-refused")
    await press(page, "Open the checklist")
    await expect(page.get_by_text("ready for Production? 1 of 5")).to_be_visible(timeout=PATIENT)
    await press(page, "Ask for approval")
    await expect(
        page.get_by_text(f"tasks-service → Production · {built.version}").last
    ).to_be_visible(timeout=PATIENT)
    await tick(page, sandbox, "U0CARLA000", "Performance tests completed", 2)
    await tick(page, sandbox, "U0CARLA000", "Manual QA approved", 3)
    await tick(page, sandbox, "U0DAN00000", "Security review", 4)
    await tick(page, sandbox, "U0FARID000", "Documentation updated", 5)
    await picture(page, "way-4-checklist")
    await look_as(page, sandbox, "U0ELENA000")
    await press(page, "Approve")
    await expect(page.get_by_role("button", name="Deploy to Production")).to_be_visible(
        timeout=PATIENT
    )
    await picture(page, "way-5-ready")
    await press(page, "Deploy to Production")
    await page.get_by_role("alertdialog").get_by_role("button", name="Deploy").click()
    await expect(
        page.get_by_text(f"tasks-service → Production · {built.version} done in")
    ).to_be_visible(timeout=90_000)
    await picture(page, "way-6-production")
    rollout = (await sandbox.dynamo.edges.store.recent())[0]
    assert rollout.requested_by.id == "U0BEN00000"
    assert (rollout.environment, rollout.version) == ("prod", built.version)
    assert rollout.image.digest == built.image.digest
