"""The bot is killed with SIGKILL at each request of the way of a release that waits for people.

It is asked for, approved, told of, pressed, queued behind a break-glass deploy, asked again by all
gates at its turn, and applied. Whenever the bot dies, people go on as they would; in the end each
message stands once and each deed is in the audit log once.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.audit_reading import read_log, verify_log
from bot.sandbox.launcher import Options
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.sandbox.slack.seed import BEN, ELENA
from tests.killing import Act, Executioner, Stage, rows, step_of
from tests.samples import sample

PRODUCTION, QA = "#production", "#qa-deploys"
SERVICE = "tasks-service"
WINDOW = 900  # seconds of production's stability window: longer than this test lasts


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The sample with short windows and no checklist: this story is about approvals."""

    def approvals_alone(content: dict[str, Any]) -> None:
        for environment in content["environments"]:
            environment |= {"analysis": "none", "requires": []}
        environment["stability_window"] = f"{WINDOW}s"

    return sample(tmp_path, approvals_alone, window="2s")


class Story:
    """What people do on the way, and by what they know that it has come to something."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.slack: SlackDriver = stage.slack
        self.waited: set[str] = set()

    @property
    def rollouts(self) -> list[dict[str, Any]]:
        found = rows(self.stage.database, "select body from rollouts order by requested_at")
        return [json.loads(body) for (body,) in found]

    def of(self, environment: str, version: str) -> dict[str, Any] | None:
        there = [each for each in self.rollouts if each["environment"] == environment]
        return next((each for each in there if each["version"] == version), None)

    async def card(self, said: str) -> Message:
        return await self.slack.message(
            "ben",
            channel=PRODUCTION,
            where=lambda m: (
                m.from_app and not m.ephemeral and said in m.words and m.thread_ts in (None, m.ts)
            ),
            timeout=30,
        )

    async def private(self, user: str, said: str) -> Message | None:
        found = await self.slack.messages(user, PRODUCTION)
        return next((m for m in reversed(found) if m.ephemeral and said in m.words), None)

    async def say_once(self, user: str, line: str, answer: str) -> Message:
        """Whoever sees the answer of an earlier line goes on from there."""
        there = await self.private(user, answer)
        if there is None:
            await self.slack.say(user, PRODUCTION, line)
            there = await self.slack.message(
                user, where=lambda m: m.ephemeral and answer in m.words, timeout=30
            )
        return there

    # --- what they do ----------------------------------------------------------------------------

    async def test_it(self) -> None:
        await self.slack.say("ben", QA, f"/dynamo promote {SERVICE} qa")

    async def ask(self) -> None:
        refusal = await self.say_once(
            "ben", f'/dynamo promote {SERVICE} prod --reason "fixes #231"', "was not started"
        )
        await self.slack.click("ben", refusal, "dyn:ask")

    async def approve(self) -> None:
        await self.slack.click("elena", await self.card("0 of 1 approvals"), "Approve")

    async def break_glass(self) -> None:
        line = f'/dynamo deploy {SERVICE} prod 1.3.1 --override "users cannot log in"'
        question = await self.say_once("elena", line, "Todavía no se ha hecho nada")
        await self.slack.click("elena", question, "dyn:override")

    async def press(self) -> None:
        await self.slack.click("elena", await self.card("Ready"), "Deploy to Production")

    async def card_in_line(self) -> None:
        await self.card("number 1 in line")

    def wait_out(self, version: str) -> Callable[[], Awaitable[None]]:
        """The bot is dead while the stability window of what it watches passes."""

        async def wait() -> None:
            rollout = self.of("prod", version)
            while rollout is None or rollout["state"] in {"QUEUED", "APPLYING", "PROGRESSING"}:
                await asyncio.sleep(0.02)
                rollout = self.of("prod", version)
            if rollout["state"] == "SOAKING" and version not in self.waited:
                self.waited.add(version)
                self.stage.sandbox.clock.advance(WINDOW)
                assert self.stage.executioner.life is not None
                self.stage.executioner.life.kill()

        return wait

    def came(self, environment: str, version: str, holds: Callable[[Any], Any]) -> Any:
        async def look() -> bool:
            found = self.of(environment, version)
            return found is not None and bool(holds(found))

        return look

    async def approved(self) -> bool:
        return bool(rows(self.stage.database, "select 1 from approvals"))


MESSAGES = [
    "tasks-service 1.4.0 succeeded in Production",
    "↳ tasks-service 1.4.0 is ready for Production: every gate is open.",
    "↳ ✅ tasks-service 1.4.0 runs in Production, <@U0BEN00000>.",
    "tasks-service 1.3.1 succeeded in Production",
    "↳ ✅ tasks-service 1.3.1 runs in Production, <@U0ELENA000>.",
    "⚠️ Break-glass: <@U0ELENA000> takes tasks-service 1.3.1 to Production.",
]
BY_ITSELF = [
    ("step", "dynamo", state) for state in ("APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED")
]
DEEDS = {
    "1.4.0": [
        ("request", BEN, "AWAITING_APPROVAL"),
        ("approve", ELENA, None),
        ("step", ELENA, "QUEUED"),
        *BY_ITSELF,
    ],
    "1.3.1": [("request", ELENA, "QUEUED"), *BY_ITSELF],
}


async def messages(story: Story) -> list[str]:
    """Every message of the bot that stands in the channel, with its thread, by how it begins."""
    found = []
    for message in await story.slack.messages("ben", PRODUCTION):
        if not message.from_app or message.ephemeral:
            continue
        found.append(message.text.partition(" after ")[0])
        thread = await story.slack.messages("ben", PRODUCTION, thread_ts=message.ts)
        found += [f"↳ {each.text}" for each in thread[1:]]
    return found


def deeds(database: Path, version: str) -> list[tuple[str, str, Any]]:
    """What the audit log says of it in production; a refusal may be asked for again."""
    entries = [record.entry for record in read_log(database)]
    return [
        (entry.action, entry.actor, entry.after.get("state"))
        for entry in entries
        if (entry.subject, entry.after.get("version")) == (f"{SERVICE}/prod", version)
        and entry.action != "refused"
    ]


def applied(stage: Stage) -> int:
    found = stage.sandbox.world.storage.get("deployments.apps", "dynamo", SERVICE)
    assert found is not None
    return int(found["metadata"]["generation"])


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_what_waited_ends_the_same(tmp_path, catalog, when):
    executioner = Executioner(when, step_of, arms="when it is said")
    options = Options(keep=tmp_path / "keep", config=catalog, bot=False, speed=10)
    async with Stage.open(executioner, options) as stage:
        await stage.slack.watch("ben", "elena")
        story = Story(stage)
        before = applied(stage)
        await stage.play(Act(story.test_it, story.came("qa", "1.4.0", lambda r: r["settled"])))
        executioner.armed = True
        await stage.play(
            Act(story.ask, story.came("prod", "1.4.0", lambda r: r["card"]["ts"])),
            Act(story.approve, story.approved),
            Act(story.break_glass, story.came("prod", "1.3.1", lambda r: r["announced"])),
            Act(story.press, story.came("prod", "1.4.0", lambda r: r["released_by"])),
            Act(story.card_in_line, story.came("prod", "1.4.0", lambda r: r["place"])),
            Act(story.wait_out("1.3.1"), story.came("prod", "1.3.1", lambda r: r["settled"])),
            Act(story.wait_out("1.4.0"), story.came("prod", "1.4.0", lambda r: r["settled"])),
        )
        assert await messages(story) == MESSAGES
        assert {version: deeds(stage.database, version) for version in DEEDS} == DEEDS
        assert verify_log(stage.database).flaws == ()
        assert applied(stage) - before == 2, "each release was applied once"
        first, last = story.of("qa", "1.4.0"), story.of("prod", "1.4.0")
        assert first is not None
        assert last is not None
        assert last["image"]["digest"] == first["image"]["digest"]
        assert last["rechecked"] is True, "all gates were asked again at its turn"
        for step in (
            "answer tasks-service 1.4.0 was not started in Production",
            "GET yourorg compare",
            "chat.postMessage tasks-service 1.4.0 to Production waits for approval.",
            "chat.postMessage in the thread tasks-service 1.4.0 is ready for Production",
            "chat.postMessage ⚠️ Break-glass",
            "chat.update tasks-service 1.4.0 to Production is queued.",
            "PATCH dynamo/deployments/tasks-service",
        ):
            assert step in executioner.killed_at, executioner.killed_at
        assert len(executioner.killed_at) >= 35, executioner.killed_at
