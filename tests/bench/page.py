"""The sandbox's page beside a large cluster: 200 services in three environments, 1,000 pods, and a
dozen rollouts at once, so that pods come and go in the panel while somebody types.

Measured in the browser itself: the longest task of the page (what a keystroke may have to wait for;
browsers tell those above 50 ms) and the frames that were drawn in a second. The peer is the same
browser at rest, on an empty page: what this machine can draw at all.
"""

import asyncio
from typing import Any

import aiohttp
from playwright.async_api import Page

from tests.bench.processes import serving
from tests.bench.rows import Row
from tests.bench.sandbox_server import PODS
from tests.browsing import chromium

ROLLING = 12  # services whose pods are replaced at the same time
SECONDS = 10
_PATIENCE = 120
_PATCH = {"Content-Type": "application/strategic-merge-patch+json"}

WATCH = """
window.measured = {frames: [], tasks: []};
new PerformanceObserver((list) => list.getEntries().forEach((each) =>
  window.measured.tasks.push(each.duration))).observe({type: "longtask", buffered: true});
"""
FRAMES = """
(seconds) => new Promise((done) => {
  measured.frames = []; measured.tasks = [];
  const end = performance.now() + seconds * 1000;
  const frame = (now) => {
    measured.frames.push(now);
    if (now < end) requestAnimationFrame(frame); else setTimeout(() => done(measured), 300);
  };
  requestAnimationFrame(frame);
})
"""


def run() -> list[Row]:
    with serving("tests.bench.page_server") as url:
        return asyncio.run(_measure(url))


async def _measure(url: str) -> list[Row]:
    async with chromium() as browser:
        empty = await browser.new_page()
        await empty.add_init_script(WATCH)
        await empty.goto("about:blank")
        at_rest = await empty.evaluate(FRAMES, SECONDS)
        await empty.close()
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.add_init_script(WATCH)
        await page.goto(f"{url}/?user=U0BEN00000&channel=C0QADEPLOYS")
        await page.locator("#world .environment").nth(2).wait_for()
        opened = max(await page.evaluate("measured.tasks"), default=0.0)
        async with aiohttp.ClientSession() as session:
            for number in range(ROLLING):
                await _restart(session, url, f"service-{number:03}")
            await page.locator(".workload.is-rolling").nth(3).wait_for()  # it is being told
            measuring = asyncio.create_task(page.evaluate(FRAMES, SECONDS))
            await _type(page, measuring)
            busy = await measuring
    what = f"page beside {PODS:,} pods, {ROLLING} services rolling"
    return [
        Row(f"{what}: longest task above 50", _longest(busy), _longest(at_rest), "ms", "none: 0"),
        Row(
            f"{what}: frames", _rate(busy), _rate(at_rest), "frames/s", "≥ 0.9 × the browser's own"
        ),
        Row(f"page beside {PODS:,} pods: longest task as it opens", opened, None, "ms", "≤ 200"),
    ]


async def _restart(session: aiohttp.ClientSession, url: str, service: str) -> None:
    """As `kubectl rollout restart` does, in production's namespace."""
    path = f"{url}/kubernetes/apis/apps/v1/namespaces/dynamo/deployments/{service}"
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-11-24T12:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    async with session.patch(path, json=patch, headers=_PATCH) as answer:
        assert answer.status == 200, await answer.text()


async def _type(page: Page, measuring: "asyncio.Task[Any]") -> None:
    composer = page.locator("#composer-input")
    while not measuring.done():
        await composer.press_sequentially("/dynamo status qa ", delay=60)
        await composer.fill("")


def _longest(measured: Any) -> float:
    return float(max(measured["tasks"], default=0.0))


def _rate(measured: Any) -> float:
    frames = measured["frames"]
    return float((len(frames) - 1) / (frames[-1] - frames[0]) * 1000)
