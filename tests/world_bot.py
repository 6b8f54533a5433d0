"""The production bot in a process of its own, in the time of a world in another one.

What `bot/sandbox/launcher.py` hands to a bot in its own process crosses to this one: the clock by
its time and speed, the builder by what it pushes to the world's registry over HTTP, as an engine
would.
"""

import asyncio
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.__main__ import _log_to_stderr
from bot.app import Dynamo, Offline
from bot.sandbox.clock import Clock
from bot.sandbox.launcher import Sandbox, WorldClock
from bot.sandbox.registry.store import OCI_LAYER, Manifest, Registry
from bot.sandbox.simulated_builder import SimulatedBuilder
from config.settings import Settings
from tests.pretended_looks import pretend_findings


def world_of(sandbox: Sandbox) -> dict[str, Any]:
    """What crosses, as JSON holds it."""
    return {
        "url": sandbox.url,
        "now": sandbox.clock.now().isoformat(),
        "monotonic": time.monotonic(),  # of the machine: the same in all its processes
        "speed": sandbox.clock.speed,
        "sources": dict(sandbox.sources),
    }


def main(world: dict[str, Any]) -> int:
    _log_to_stderr()
    asyncio.run(_serve(world))
    return 0


async def _serve(world: dict[str, Any]) -> None:
    passed = (time.monotonic() - world["monotonic"]) * world["speed"]
    start = datetime.fromisoformat(world["now"]) + timedelta(seconds=passed)
    clock = Clock(speed=world["speed"], start=start)
    builder = SimulatedBuilder(PushingRegistry(world["url"]), clock)
    offline = Offline(builder, world["sources"])
    pretend_findings()
    await Dynamo.start(Settings.from_environment(), clock=WorldClock(clock), offline=offline)
    await asyncio.Event().wait()


class PushingRegistry(Registry):
    """A registry of this process alone, whose images are pushed to the world's: every blob, every
    manifest, and the tag last."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def add_image(self, name: str, tags: Sequence[str], **about: Any) -> str:
        digest = super().add_image(name, tags, **about)
        for blob, body in self.blobs.items():
            self._send("POST", f"{name}/blobs/uploads/?digest={blob}", body)
        stored = self.repository(name).manifests
        for manifest in stored.values():
            if manifest.digest != digest:
                self._put(name, manifest.digest, manifest)
        for tag in tags:
            self._put(name, tag, stored[digest])
        return digest

    def _put(self, name: str, reference: str, manifest: Manifest) -> None:
        path = f"{name}/manifests/{reference}"
        self._send("PUT", path, manifest.body, manifest.media_type)

    def _send(self, method: str, path: str, body: bytes, kind: str = OCI_LAYER) -> None:
        request = urllib.request.Request(
            f"{self._url}/v2/{path}", body, {"Content-Type": kind}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
