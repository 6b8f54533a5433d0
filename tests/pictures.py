"""The pictures of the README, taken of the real page with the real bot in it: `make pictures`.

    python -m tests.pictures [rollout failed production phone]

Stills are light, dark and of a phone; `rollout.gif` is the page as it moved, a release that goes
well and one that does not, with frames that show nothing new left out.
"""

import asyncio
import io
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image, ImageChops
from playwright.async_api import Browser, Page, expect

from bot.sandbox.launcher import Options, Sandbox, launch
from tests.browsing import chromium, type_line
from tests.scenarios.test_browser import PATIENT, look_as, press, tick

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LAPTOP, PHONE = (1280, 860), (390, 844)
MOVING = (1120, 700)
LARGEST = 1_500_000  # bytes of the animated one
COLOURS = 255
GOOD, BAD = "/dynamo deploy tasks-service qa", "/dynamo deploy forms-service qa"
Scheme = Literal["light", "dark"]


async def rollout() -> None:
    """rollout.gif"""
    async with launch(Options(speed=3)) as sandbox, chromium() as browser:
        page = await opened(browser, sandbox, MOVING)
        await page.mouse.move(2, 2)
        film = Film()
        await film.take(page, 1200)
        await typed(page, film, GOOD)
        await film.until(page, "tasks-service → QA · 1.4.0 done in")
        film.hold(2500)
        sandbox.world.set_trouble("out-of-memory", "forms-service", "qa")
        await typed(page, film, BAD)
        await film.until(page, "forms-service → QA · 0.10.0 failed")
        await asyncio.sleep(0.5)
        await film.take(page, 1)
        film.hold(1800)
        await to_top(page, "forms-service → QA · 0.10.0 failed")
        await film.take(page, 1)
        film.hold(6000)
        film.save(IMAGES / "rollout.gif")


async def failed() -> None:
    """failed.png"""
    async with launch(Options(speed=4)) as sandbox, chromium() as browser:
        page = await opened(browser, sandbox, (1280, 960))
        await fail(page, sandbox)
        await still(page, "failed")


async def production() -> None:
    """production.png, by night"""
    async with launch(Options(speed=4)) as sandbox, chromium() as browser:
        page = await opened(browser, sandbox, LAPTOP, scheme="dark")
        await type_line(page, GOOD)
        await expect(page.get_by_text("1.4.0 done in").first).to_be_visible(timeout=PATIENT)
        await look_as(page, sandbox, "U0BEN00000")
        await type_line(page, "/dynamo promote tasks-service")
        await press(page, "Open the checklist")
        await press(page, "Ask for approval")
        for number, (person, item) in enumerate(ITEMS, start=2):
            await tick(page, sandbox, person, item, number)
        await look_as(page, sandbox, "U0ELENA000")
        await press(page, "Approve")
        await look_as(page, sandbox, "U0BEN00000")
        await dismiss_guide(page)
        ready = page.get_by_role("button", name="Deploy to Production")
        await expect(ready).to_be_visible(timeout=PATIENT)
        await to_top(page, "tasks-service → Production · 1.4.0")
        await still(page, "production")


ITEMS = (
    ("U0CARLA000", "Performance tests completed"),
    ("U0CARLA000", "Manual QA approved"),
    ("U0DAN00000", "Security review"),
    ("U0FARID000", "Documentation updated"),
)


async def phone() -> None:
    """phone.png: where one begins, a rollout with the world below it, a diagnosis by night"""
    async with launch(Options(speed=2)) as sandbox, chromium() as browser:
        page = await opened(browser, sandbox, PHONE, guided=True)
        shots = [await shot(page)]
        await type_line(page, GOOD)
        await page.locator(".world-button").click()
        await expect(page.get_by_text("2 of 3 updated").first).to_be_visible(timeout=PATIENT)
        await page.locator("#environment-qa").evaluate("node => node.scrollIntoView()")
        shots.append(await shot(page))
        await page.get_by_role("button", name="Close the world").click()
        await page.emulate_media(color_scheme="dark")
        await dismiss_guide(page)
        await fail(page, sandbox)
        shots.append(await shot(page))
        gap, (width, height) = 24, shots[0].size
        whole = Image.new("RGB", (3 * width + 2 * gap, height), "white")
        for number, each in enumerate(shots):
            whole.paste(each, (number * (width + gap), 0))
        whole.save(IMAGES / "phone.png", optimize=True)


# What they have in common


async def opened(
    browser: Browser,
    sandbox: Sandbox,
    size: tuple[int, int],
    *,
    scheme: Scheme = "light",
    guided: bool = False,
) -> Page:
    """#qa-deploys as Ben sees it."""
    page = await browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale="en-GB",
        reduced_motion="reduce",
    )
    await page.goto(f"{sandbox.url}/?user=U0BEN00000&channel=C0QADEPLOYS")
    await expect(page.locator(".guide")).to_be_visible(timeout=PATIENT)
    if not guided:
        await dismiss_guide(page)
    return page


async def dismiss_guide(page: Page) -> None:
    close = page.get_by_role("button", name="Dismiss the suggestions")
    if await close.count():
        await close.click()
        await expect(close).to_have_count(0)


async def fail(page: Page, sandbox: Sandbox) -> None:
    sandbox.world.set_trouble("out-of-memory", "forms-service", "qa")
    await type_line(page, BAD)
    title = "forms-service → QA · 0.10.0 failed"
    await expect(page.get_by_role("button", name="Roll back to 0.9.1")).to_be_visible(
        timeout=PATIENT
    )
    await to_top(page, title)


async def to_top(page: Page, title: str) -> None:
    """The card of this title begins where the channel begins; nothing is under the mouse."""
    await page.mouse.move(2, 2)
    card = page.locator("[data-ts]").filter(has_text=title).last
    await card.evaluate("node => node.scrollIntoView({block: 'start'})")
    await page.evaluate("document.activeElement?.blur()")
    await asyncio.sleep(0.3)


async def still(page: Page, name: str) -> None:
    (await shot(page)).save(IMAGES / f"{name}.png", optimize=True)


async def shot(page: Page) -> Image.Image:
    data = await page.screenshot(animations="disabled", caret="hide")
    return Image.open(io.BytesIO(data)).convert("RGB")


@dataclass(slots=True)
class Film:
    """Frames that differ, and for how many milliseconds each is shown."""

    frames: list[Image.Image] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    async def take(self, page: Page, milliseconds: int) -> None:
        frame = await shot(page)
        if self.frames and ImageChops.difference(self.frames[-1], frame).getbbox() is None:
            self.shown[-1] = min(self.shown[-1] + milliseconds, 1500)
        else:
            self.frames.append(frame)
            self.shown.append(milliseconds)

    async def until(self, page: Page, words: str) -> None:
        end = time.monotonic() + PATIENT / 1000
        while not await page.get_by_text(words).count():
            assert time.monotonic() < end, f"{words!r} was not seen"
            await self.take(page, 450)
            await asyncio.sleep(0.35)
        await self.take(page, 450)

    def hold(self, milliseconds: int) -> None:
        self.shown[-1] = milliseconds

    def save(self, path: Path) -> None:
        """One palette for all frames and no dithering: what stands still costs nothing."""
        chosen = self.frames[:: max(1, len(self.frames) // 8)]
        width, height = chosen[0].size
        sample = Image.new("RGB", (width, height * len(chosen)))
        for number, each in enumerate(chosen):
            sample.paste(each, (0, number * height))
        palette = sample.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        drawn = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in self.frames]
        drawn[0].save(
            path, save_all=True, append_images=drawn[1:], duration=self.shown, loop=0, optimize=True
        )
        size = path.stat().st_size
        assert size < LARGEST, f"{size:,} bytes are too many"


async def typed(page: Page, film: Film, line: str) -> None:
    composer = page.locator("#composer-input")
    for end in (8, 15, len(line) - 3, len(line)):
        await composer.fill(line[:end])
        await film.take(page, 220)
    film.hold(700)
    await composer.press("Enter")


PICTURES = {"rollout": rollout, "failed": failed, "production": production, "phone": phone}


async def main(wanted: list[str]) -> None:
    for name, take in PICTURES.items():
        if not wanted or name in wanted:
            await take()
            print(name, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
