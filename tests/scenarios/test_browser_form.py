"""The form and Home in a browser: with the keyboard alone, on a phone, and by the rules of axe.

Screenshots go to artifacts/.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.sandbox.launcher import Sandbox
from tests.browsing import chromium, faults, picture, type_line

PATIENT = 60_000  # milliseconds: a machine that does much else is slow, not wrong

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def seen(
    browser: Browser, sandbox: Sandbox, user: str, *, width: int = 1280, scheme: str = "light"
) -> Page:
    page = await browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.set_default_timeout(PATIENT)
    await page.goto(f"{sandbox.url}/?user={user}&channel=C0QADEPLOYS")
    return page


async def reach(page: Page, wanted: Locator) -> None:
    """With Tab alone, as who has no mouse does."""
    await expect(wanted).to_be_visible(timeout=PATIENT)
    for _ in range(40):
        if await wanted.evaluate("each => each === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


async def test_a_line_is_built_and_run_with_the_keyboard_alone(sandbox: Sandbox) -> None:
    async with chromium() as browser:
        page = await seen(browser, sandbox, "U0BEN00000")
        await expect(page.get_by_role("textbox", name="Message")).to_be_focused(timeout=PATIENT)
        await page.keyboard.press("Shift+Tab")
        await expect(page.get_by_role("button", name="Shortcuts")).to_be_focused(timeout=PATIENT)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem", name="Open Dynamo")).to_be_focused(
            timeout=PATIENT
        )
        await page.keyboard.press("Enter")
        form = page.get_by_role("dialog")
        await expect(form.get_by_role("button", name="What to do")).to_be_focused(timeout=PATIENT)
        await page.keyboard.press("Enter")
        await page.keyboard.type("deploy a")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        line = form.locator("code", has_text="/dynamo")
        await expect(line).to_have_text("/dynamo deploy SERVICE ENVIRONMENT", timeout=PATIENT)
        await reach(page, form.get_by_label("Service"))
        await page.keyboard.type("tasks")
        await expect(line).to_have_text("/dynamo deploy tasks-service ENVIRONMENT", timeout=PATIENT)
        await reach(page, form.get_by_label("Environment"))
        await page.keyboard.type("QA")
        await expect(line).to_have_text("/dynamo deploy tasks-service qa", timeout=PATIENT)
        await reach(page, form.get_by_role("button", name="Version (optional)"))
        await page.keyboard.press("Enter")
        versions = form.locator(".picker:popover-open .option")
        await expect(versions.filter(has_text="1.4.0")).to_be_visible(timeout=PATIENT)
        await page.keyboard.type("1.4.0")
        await expect(versions).to_have_text(["1.4.0"], timeout=PATIENT)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(line).to_have_text("/dynamo deploy tasks-service qa 1.4.0", timeout=PATIENT)
        await reach(page, form.get_by_role("checkbox", name="Give a reason"))
        await page.keyboard.press("Space")
        reason = form.get_by_label("Reason", exact=True)
        await reach(page, reason)
        await page.keyboard.type("fixes #231")
        whole = '/dynamo deploy tasks-service qa 1.4.0 --reason "fixes #231"'
        await expect(line).to_have_text(whole, timeout=PATIENT)
        await expect(line).to_be_in_viewport(timeout=PATIENT)
        assert await faults(page) == []
        await picture(page, "form-light")
        await page.keyboard.press("Enter")
        await expect(form).to_be_hidden(timeout=PATIENT)
        card = page.get_by_text("1.4.0 to QA").or_(page.get_by_text("tasks-service → QA"))
        await expect(card.first).to_be_visible(timeout=PATIENT)


async def test_mistakes_are_shown_at_their_fields_and_home_speaks_the_chosen_language(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async with chromium() as browser:
        page = await seen(browser, sandbox, "U0ANA00000", width=390, scheme="dark")
        await type_line(page, "/dynamo")
        form = page.get_by_role("dialog")
        await form.get_by_role("button", name="Qué hacer").click()
        await page.get_by_role("option", name="Cambiar cuántos pods corren").click()
        await form.get_by_label("Servicio").select_option("tasks-service")
        await form.get_by_label("Entorno").select_option("QA")
        await form.get_by_label("Número de pods").fill("muchos")
        await form.get_by_role("button", name="Ejecutar").click()
        await expect(form.locator(".input-error")).to_contain_text("«muchos»", timeout=PATIENT)
        assert await faults(page) == []
        await picture(page, "form-phone")
        await page.keyboard.press("Escape")
        await expect(form).to_be_hidden(timeout=PATIENT)

        await page.evaluate("""async () => (await import("/page/js/session.js")).openHome()""")
        home = page.locator(".home")
        await expect(home.get_by_text("No te espera nada")).to_be_visible(timeout=PATIENT)
        assert await faults(page) == []
        await picture(page, "home-phone")
        menu = home.get_by_role("combobox")
        await expect(menu).to_have_value("0")
        await menu.select_option("English")
        await expect(home.get_by_text("Nothing waits for you")).to_be_visible(timeout=PATIENT)
        await home.get_by_role("button", name="Open the form").click()
        await expect(form.get_by_role("heading", name="What shall I do?")).to_be_visible(
            timeout=PATIENT
        )
