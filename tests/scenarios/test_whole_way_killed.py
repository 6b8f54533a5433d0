"""The bot is killed with SIGKILL at each request of the whole way from a commit to production.

A branch is built, goes to dev, is green, goes to qa, its checklist is ticked by three people,
production is refused once with all reasons, asked for, approved by somebody else, pressed, and runs
there. Whenever the bot dies, people go on as they would; in the end each message stands once, each
deed is in the audit log once, and it is one digest everywhere.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.audit_reading import read_log, verify_log
from bot.sandbox.launcher import Options
from bot.sandbox.slack.driver import Message
from bot.sandbox.slack.seed import BEN, CARLA, DAN, ELENA, FARID
from tests.killing import Act, Executioner, Stage, rows, step_of
from tests.samples import sample

DEV, QA, PRODUCTION = "#dev-deploys", "#qa-deploys", "#production"
CHANNELS = (DEV, QA, PRODUCTION)
SERVICE = "tasks-service"
SPEED = 20.0
TICKS = {
    "performance": "carla",
    "manual-qa": "carla",
    "security-review": "dan",
    "documentation": "farid",
}


STEPS = (
    "PUT manifests",
    "POST blobs",
    "chat.postMessage tasks-service",
    "PATCH dynamo-dev/deployments/tasks-service",
    "PATCH dynamo-qa/deployments/tasks-service",
    "PATCH dynamo/deployments/tasks-service",
    "GET yourorg commits check-runs",
    "GET yourorg compare",
    "chat.postMessage in the thread",
    "conversations.history",
    "answer",
)
"""Some of the requests at which it must have died."""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The sample with short stability windows, and no summaries: those come minutes later."""

    def no_summaries(content: dict[str, Any]) -> None:
        for environment in content["environments"]:
            environment["analysis"] = "none"

    return sample(tmp_path, no_summaries, window="2s")


class Way:
    """What people do, one act after the other, and what the store says of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.slack = stage.slack
        self.green = False

    def all_of(self, table: str, column: str = "body") -> list[Any]:
        found = rows(self.stage.database, f"select {column} from {table} order by rowid")
        return [json.loads(each) for (each,) in found]

    def rollout(self, environment: str) -> dict[str, Any]:
        found = [r for r in self.all_of("rollouts") if r["environment"] == environment]
        assert len(found) <= 1, "asked for once, however often it was typed"
        return found[0] if found else {}

    async def newest(self, user: str, channel: str, said: str) -> Message | None:
        found = await self.slack.messages(user, channel)
        fits = [m for m in found if m.from_app and said in m.words]
        return fits[-1] if fits else None

    async def seen(self, user: str, channel: str, said: str) -> Message:
        return await self.slack.message(
            user, channel=channel, where=lambda m: m.from_app and said in m.words, timeout=40
        )

    # --- building, and the first environments ----------------------------------------------------

    async def build(self) -> None:
        await self.slack.say("ben", DEV, f"/dynamo deploy {SERVICE} dev main")

    async def built(self) -> bool:
        return bool(self.all_of("builds"))

    async def wait(self) -> None:
        """People have done what there is to do."""

    async def in_dev(self) -> bool:
        settled = rows(self.stage.database, "select settled from builds") == [(1,)]
        return settled and bool(self.rollout("dev").get("settled"))

    async def promote_to_qa(self) -> None:
        await self.slack.say("ben", QA, f"/dynamo promote {SERVICE} qa")

    async def qa_waits(self) -> bool:
        return bool(self.rollout("qa").get("card", {}).get("ts"))

    def checks(self, state: str) -> None:
        """All checks of the commit that was built, on the git host."""
        commit = self.all_of("builds")[0]["commit"]
        self.stage.sandbox.git_host.set_checks(f"yourorg/{SERVICE}", commit, state)

    async def turn_green(self) -> None:
        """Once: in a later life nothing waits for it."""
        if self.green:
            return
        await self.seen("ben", QA, "until CI is green")
        self.green = True
        self.checks("success")

    async def in_qa(self) -> bool:
        return bool(self.rollout("qa").get("settled"))

    # --- the checklist ---------------------------------------------------------------------------

    def tick(self, person: str, item: str) -> Act:
        async def press() -> None:
            message = await self.seen(person, PRODUCTION, "ready for Production?")
            shown = [block for block in message.blocks if f"|{item}" in str(block)]
            if shown:
                row = Message({**message.body, "blocks": shown})
                await self.slack.click(person, row, "dyn:tick")

        async def ticked() -> bool:
            return any(item in each["ticks"] for each in self.all_of("checklists"))

        return Act(press, ticked)

    async def list_shown(self) -> bool:
        return await self.newest("ben", PRODUCTION, "ready for Production? 5 of 5") is not None

    # --- production ------------------------------------------------------------------------------

    async def refused(self) -> bool:
        return await self.newest("ben", PRODUCTION, "was not started") is not None

    async def promote_to_production(self) -> None:
        await self.slack.say("ben", PRODUCTION, f"/dynamo promote {SERVICE} prod")

    async def ask(self) -> None:
        refusal = await self.newest("ben", PRODUCTION, "was not started")
        if refusal is not None:  # else it was pressed, and the card is on its way
            await self.slack.click("ben", refusal, "dyn:ask")

    async def asked(self) -> bool:
        return bool(self.rollout("prod").get("card", {}).get("ts"))

    async def approve(self) -> None:
        waiting = await self.seen("elena", PRODUCTION, "0 of 1 approvals")
        await self.slack.click("elena", waiting, "Approve")

    async def approved(self) -> bool:
        return bool(rows(self.stage.database, "select 1 from approvals"))

    async def press(self) -> None:
        ready = await self.seen("elena", PRODUCTION, "every gate has been open")
        await self.slack.click("elena", ready, "Deploy to Production")

    async def pressed(self) -> bool:
        return bool(self.rollout("prod").get("released_by"))

    async def in_production(self) -> bool:
        closed = [each["closed_at"] for each in self.all_of("checklists")]
        return bool(self.rollout("prod").get("settled")) and None not in closed


MESSAGES = {
    DEV: [
        "tasks-service V succeeded in Development",
        "↳ ✅ tasks-service V is built from C",
        "↳ ✅ tasks-service V runs in Development, <@U0BEN00000>.",
    ],
    QA: [
        "tasks-service V succeeded in QA",
        "↳ ✅ tasks-service V runs in QA, <@U0BEN00000>.",
    ],
    PRODUCTION: [
        "tasks-service V is ready for Production",
        "tasks-service V succeeded in Production",
        "↳ tasks-service V is ready for Production",
        "↳ ✅ tasks-service V runs in Production, <@U0BEN00000>.",
    ],
}
"""Every message that stands in the end, with its thread, by how it begins. The file with the log
of the build is beside its message at most once: a kill between the two leaves the message alone."""

BY_ITSELF = [
    ("step", "dynamo", state) for state in ("APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED")
]
DEEDS = {
    "*": [
        ("build", BEN, ""),
        ("built", "dynamo", ""),
        ("checklist-open", "dynamo", ""),
        ("tick", "dynamo", "tests"),
        ("tick", CARLA, "performance"),
        ("tick", CARLA, "manual-qa"),
        ("tick", DAN, "security-review"),
        ("tick", FARID, "documentation"),
        ("checklist-close", "dynamo", ""),
    ],
    "dev": [("request", BEN, "QUEUED"), *BY_ITSELF],
    "qa": [("request", BEN, "AWAITING_APPROVAL"), ("step", "dynamo", "QUEUED"), *BY_ITSELF],
    "prod": [
        ("request", BEN, "AWAITING_APPROVAL"),
        ("approve", ELENA, ""),
        ("step", ELENA, "QUEUED"),
        *BY_ITSELF,
    ],
}
"""The audit log by environment. Refusals are apart: whoever was not answered asks again."""


async def messages(way: Way, channel: str) -> list[str]:
    build = way.all_of("builds")[0]

    def begins(text: str) -> str:
        known = text.replace(build["version"], "V").replace(build["commit"][:10], "C")
        return re.split(r" after |: ", known)[0]

    found = []
    for message in await way.slack.messages("ben", channel):
        if message.from_app and not message.ephemeral:
            found.append(begins(message.text))
            thread = await way.slack.messages("ben", channel, thread_ts=message.ts)
            files = [each for each in thread[1:] if not each.text]
            assert len(files) <= 1
            found += [f"↳ {begins(each.text)}" for each in thread[1:] if each not in files]
    return found


def deeds(database: Path, environment: str) -> list[tuple[str, str, str]]:
    """Without what was refused: whoever was not answered does it again, when it is done already."""
    entries = [record.entry for record in read_log(database)]
    return [
        (each.action, each.actor, str(each.after.get("state") or each.after.get("item") or ""))
        for each in entries
        if each.subject == f"{SERVICE}/{environment}" and not each.action.endswith("refused")
    ]


def runs(stage: Stage, namespace: str) -> str:
    found = stage.sandbox.world.storage.get("deployments.apps", namespace, SERVICE)
    assert found is not None
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_commit_comes_to_production_the_same(tmp_path, catalog, when):
    executioner = Executioner(when, step_of)
    options = Options(keep=tmp_path / "keep", config=catalog, bot=False, speed=SPEED)
    async with Stage.open(executioner, options) as stage:
        await stage.slack.watch("ben", "carla", "dan", "farid", "elena")
        way = Way(stage)
        await stage.play(Act(way.build, way.built), Act(way.wait, way.in_dev))
        way.checks("in_progress")
        await stage.play(
            Act(way.promote_to_qa, way.qa_waits),
            Act(way.turn_green, way.in_qa),
            *(way.tick(person, item) for item, person in TICKS.items()),
            Act(way.wait, way.list_shown),
            Act(way.promote_to_production, way.refused),
            Act(way.ask, way.asked),
            Act(way.approve, way.approved),
            Act(way.press, way.pressed),
            Act(way.wait, way.in_production),
        )
        assert {each: await messages(way, each) for each in CHANNELS} == MESSAGES
        assert {each: deeds(stage.database, each) for each in DEEDS} == DEEDS
        assert verify_log(stage.database).flaws == ()
        [digest] = {each["digest"] for each in way.all_of("builds")}
        assert {each["image"]["digest"] for each in way.all_of("rollouts")} == {digest}
        for namespace in ("dynamo-dev", "dynamo-qa", "dynamo"):
            assert runs(stage, namespace).endswith(f"@{digest}")
        [(log,)] = rows(stage.database, "select log from builds")
        assert "Step 1/" in log, "the log of the process that made the image"
        killed = "\n".join(executioner.killed_at)
        for step in STEPS:
            assert step in killed, killed
        assert len(executioner.killed_at) >= 60, killed
