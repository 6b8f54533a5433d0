"""`dynamo sandbox --keep DIR`: stopped or killed, the next start goes on with everything.

The sandbox runs in a process of its own here, as people run it, so that a kill is a kill.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.keeping import UNREADABLE, Keeper, Picture
from bot.sandbox.launcher import CONFIG, Options, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import Message, SlackDriver

QA = "#qa-deploys"
PATIENT = 60.0
_DYNAMO = str(Path(sys.executable).with_name("dynamo"))

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox process, its people, and what it said as it began."""

    process: asyncio.subprocess.Process
    url: str
    greeting: str
    slack: SlackDriver

    async def end(self, number: int) -> None:
        os.kill(self.process.pid, number)
        async with asyncio.timeout(PATIENT):
            await self.process.wait()

    async def world(self) -> dict[str, dict[str, str]]:
        """By environment and service: version and state."""
        async with aiohttp.ClientSession() as session:
            state = await (await session.get(f"{self.url}/world/state")).json()
        return {
            place["name"]: {
                each["service"]: f"{each['version']} {each['state']}" for each in place["workloads"]
            }
            for place in state["environments"]
        }

    async def cards(self, title: str) -> int:
        place = {"user": seed.BEN, "channel": seed.QA_DEPLOYS}
        async with aiohttp.ClientSession() as session:
            answer = await session.get(f"{self.url}/client/messages", params=place)
            shown = (await answer.json())["messages"]
        return sum(title in Message(each).words for each in shown if "bot_id" in each)


@asynccontextmanager
async def started(keep: Path, speed: int = 10) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *(_DYNAMO, "sandbox", "--port", "0", "--speed", str(speed), "--keep", str(keep)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=CONFIG.parents[1],
    )
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(PATIENT):
            while not re.search(r"(Everything is kept|It goes on|everything begins)", said):
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        [url] = re.findall(r"http://127\.0\.0\.1:\d+", said)
        async with SlackDriver(url) as slack:
            await slack.watch("ben")
            yield Running(process, url, said, slack)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def new_picture(keep: Path) -> None:
    """Until one stands that was begun after now."""
    for _ in range(2):
        stood = (keep / "sandbox.zip").stat().st_mtime_ns
        async with asyncio.timeout(PATIENT):
            while (keep / "sandbox.zip").stat().st_mtime_ns == stood:
                await asyncio.sleep(0.05)


async def test_a_rollout_outlives_a_kill_and_its_card_and_memory_a_restart(tmp_path: Path) -> None:
    """The kill comes in the middle of the rollout, the restart after its end."""
    async with started(tmp_path, speed=3) as first:
        await first.slack.say("ben", QA, "/dynamo deploy tasks-service qa")
        begun = await first.slack.message(
            "ben", where=lambda m: "of 3 updated" in m.words, timeout=PATIENT
        )
        await new_picture(tmp_path)
        await first.end(signal.SIGKILL)
    async with started(tmp_path) as second:
        assert "It goes on from" in second.greeting
        done = await second.slack.message(
            "ben", where=lambda m: "1.4.0 done in" in m.words, timeout=PATIENT
        )
        assert done.ts == begun.ts
        assert await second.cards("tasks-service → QA") == 1
        ended = await second.world()
        assert ended["qa"]["tasks-service"] == "1.4.0 healthy"
        await second.end(signal.SIGTERM)
    async with started(tmp_path) as third:
        assert await third.world() == ended
        card = await third.slack.message("ben", where=lambda m: m.ts == done.ts)
        assert card.words == done.words
        await third.slack.click("ben", card, "Roll back to 1.3.2")
        await third.slack.message(
            "ben", where=lambda m: "back to 1.3.2 in" in m.words, after=card.ts, timeout=PATIENT
        )


async def test_what_cannot_be_gone_on_from_is_put_aside_and_everything_begins_anew(
    tmp_path: Path,
) -> None:
    """Half of a file, and a whole one in which something is missing: said, and not lost."""
    options = Options(keep=tmp_path, whole=True, bot=False)
    (tmp_path / "sandbox.zip").write_bytes(b"half of a picture")
    async with launch(options) as sandbox:
        assert "everything begins anew" in sandbox.greeting
        assert (tmp_path / UNREADABLE).read_bytes() == b"half of a picture"
        assert sandbox.world.storage.list("pods", "dynamo-qa")
    keeper = Keeper.open(tmp_path)
    keeper.keep(Picture(datetime.now(UTC), 1.0, {"workspace": {}}, None))
    keeper.close()
    async with launch(options) as sandbox:
        assert "everything begins anew" in sandbox.greeting
        assert sandbox.world.storage.list("pods", "dynamo-qa")
