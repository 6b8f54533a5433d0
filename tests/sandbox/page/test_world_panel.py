"""The side panel: pods coming and going, and the trouble that the next rollout meets."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_environments_and_services_are_listed(page: Page) -> None:
    world = page.get_by_role("complementary", name="The world")
    await expect(world.get_by_role("heading", level=3)).to_have_count(4)
    await expect(world.get_by_role("list", name="Pods of api-gateway")).to_have_count(3)
    qa = world.get_by_role("region", name="qa", exact=True)
    row = qa.locator(".workload", has_text="tasks-service")
    await expect(row).to_contain_text("1.3.2")
    await expect(row).to_contain_text("3/3")
    await expect(row.get_by_role("listitem")).to_have_text(["✓Running, 1.3.2"] * 3)


async def test_pods_come_and_go_with_sign_and_word(page: Page, world: Any, make: Any) -> None:
    row = page.get_by_role("region", name="qa", exact=True).locator(
        ".workload", has_text="tasks-service"
    )
    await row.evaluate("node => { node.dataset.seen = 'same' }")
    pods = [
        make.pod("tasks-a", "1.3.2", old=True),
        make.pod("tasks-b", "1.3.2", "Terminating", old=True, ready=False),
        make.pod("tasks-c", "1.4.0", "CrashLoopBackOff", ready=False, restarts=3),
        make.pod("tasks-d", "1.4.0", "Running", ready=False),
    ]
    await world.change("qa", "tasks-service", version="1.4.0", ready=1, state="failing", pods=pods)
    await expect(row.locator(".workload-state")).to_have_text("✕failing · 1/3 ready")
    await expect(row.get_by_role("listitem")).to_have_text(
        [
            "✓Running, 1.3.2",
            "↓Terminating, 1.3.2",
            "!CrashLoopBackOff, 1.4.0, 3 restarts×3",
            "…Not ready, 1.4.0",
        ]
    )
    await expect(row.locator(".pods-version")).to_have_text(["1.3.2", "1.4.0"])
    await world.change("qa", "tasks-service", pods=pods[2:])
    await expect(row.get_by_role("listitem")).to_have_count(2)
    assert await row.get_attribute("data-seen") == "same"


async def test_a_trouble_is_set_and_cleared(page: Page, world: Any, until: Any) -> None:
    panel = page.get_by_role("complementary", name="The world")
    await panel.get_by_label("What goes wrong").select_option(label="Crash at start")
    await expect(panel).to_contain_text("ends with exit code 1")
    await panel.get_by_label("Service", exact=True).select_option("forms-service")
    await panel.get_by_label("Environment").select_option("qa")
    await panel.get_by_role("button", name="Set the trouble").click()
    await expect(panel.locator(".trouble-set")).to_contain_text(
        "Crash at start waits for forms-service in qa"
    )
    assert world.set_to[0] == {
        "kind": "crash-at-start",
        "service": "forms-service",
        "environment": "qa",
    }
    await panel.get_by_role("button", name="Clear").click()
    await expect(panel.locator(".trouble-set")).to_have_count(0)


async def test_a_trouble_of_what_serves_befalls_what_runs_already(page: Page, world: Any) -> None:
    panel = page.get_by_role("complementary", name="The world")
    now = panel.get_by_role("button", name="Now, to what runs")
    await panel.get_by_label("What goes wrong").select_option(label="Crash at start")
    await expect(now).to_have_count(0)
    await panel.get_by_label("What goes wrong").select_option(label="Slower")
    await now.click()
    await expect(panel.get_by_text("Done: “Slower” is set.")).to_be_visible()
    assert world.set_to[-1] == {
        "kind": "slower",
        "service": "tasks-service",
        "environment": "qa",
        "now": True,
    }
    await world.change("qa", "tasks-service", behaviour="Slower")
    await expect(panel.locator(".workload-behaviour")).to_have_text("!slower")


async def test_a_choice_in_progress_outlives_the_worlds_changes(page: Page, world: Any) -> None:
    kind = page.get_by_label("What goes wrong")
    await kind.select_option(label="Bad tag")
    await page.get_by_label("Service", exact=True).focus()
    await world.change("dev", "api-gateway", ready=0, state="rolling")
    await expect(page.get_by_text("rolling · 0/1 ready")).to_be_visible()
    await expect(page.get_by_role("region", name="dev", exact=True)).to_contain_text("1 rolling")
    await expect(kind).to_have_value("bad-tag")
    await expect(page.get_by_label("Service", exact=True)).to_be_focused()


async def test_many_healthy_services_are_summed_up(page: Page, world: Any) -> None:
    qa = world.state["environments"][1]["workloads"]
    template = dict(qa[0])
    qa.extend({**template, "service": f"service-{n}", "pods": []} for n in range(200))
    qa.append({**template, "service": "broken-one", "state": "failing", "pods": []})
    await world.push()
    region = page.get_by_role("region", name="qa", exact=True)
    await expect(region.locator(".workload", has_text="broken-one")).to_be_visible()
    assert await region.locator(".workload").count() < 15
    await region.get_by_role("button", name="more, all healthy").click()
    await expect(region.locator(".workload")).to_have_count(207)


async def test_without_a_world_there_is_no_panel(browser: Any, sandbox: Any, visit: Any) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.route("**/world/state", lambda route: route.fulfill(status=404, json={}))
    await page.goto(f"{sandbox.url}/?user={seed.ANA}")
    await page.get_by_text("This is the beginning of").wait_for()
    await expect(page.get_by_role("complementary", name="The world")).to_have_count(0)
    await expect(page.get_by_role("button", name="World")).to_have_count(0)
    await context.close()


async def test_a_trouble_that_waits_for_no_rollout_is_confirmed(page: Page, world: Any) -> None:
    """Slack's rate limit holds at once, so the world never shows it as waiting."""
    world.state["kinds"].insert(0, {"id": "slack-busy", "label": "Slack is busy", "hint": "429."})
    await world.push()
    await page.route("**/world/trouble", lambda route: route.fulfill(json={"ok": True}))
    panel = page.get_by_role("complementary", name="The world")
    kind = panel.get_by_label("What goes wrong")
    await kind.select_option(label="Slack is busy")
    await panel.get_by_role("button", name="Set the trouble").click()
    done = panel.locator(".trouble").get_by_role("status")
    await expect(done).to_have_text("Done: “Slack is busy” is set.")
    await expect(panel.locator(".trouble-set")).to_have_count(0)
    await kind.select_option(label="Bad tag")
    await expect(done).to_be_empty()
