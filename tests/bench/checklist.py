"""A thousand clicks by twenty people on one checklist, and how soon a click is seen by the others.

The bot is a process of its own, over signed HTTP, and so are those who press (`pressers.py`); the
world is here. Each presses something that the message shows, and again as soon as the press was
acknowledged: most presses meet what another person has just done. Afterwards the database is read:
each press must stand in the audit log exactly once, as a tick, an untick or a refusal, and what the
message shows must be what the store holds.

The peer is a Bolt handler that acknowledges the same clicks and does nothing else.
"""

import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import yaml
from pydantic import TypeAdapter

from bot.domain.checklist import Checklist
from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.workspace import Message, User
from bot.workflows.telling import checklist_of
from config.catalog import Catalog, load_catalog
from tests.bench.ack import p
from tests.bench.commands import slash
from tests.bench.pressers import JSON, buttons, send
from tests.bench.processes import ROOT, running, until_answers
from tests.bench.rows import Row
from tests.processes import bot_environment
from tests.programs import free_port

PEOPLE = tuple(f"U0PRESSER{number:02}" for number in range(20))
CLICKS = 1_000
SEEN = 16
SERVICE, VERSION = "tasks-service", "1.4.0"


def run() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        catalog_file = _catalog(Path(home))
        options = Options(keep=Path(home) / "keep", config=catalog_file, bot=False)
        async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
            for user in PEOPLE:
                sandbox.slack.workspace.add_user(User(user, user.lower(), user, user))
            await slack.watch("ben")
            port = free_port()
            secret = {"SLACK_SIGNING_SECRET": seed.SIGNING_SECRET}
            async with running(
                "-m", "bot", "run", environment=bot_environment(sandbox.settings, port, **secret)
            ):
                await until_answers(f"http://127.0.0.1:{port}/readyz")
                async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
                    desk = _Desk(sandbox, http, f"http://127.0.0.1:{port}")
                    await desk.open()
                    visible = [await _until_seen(desk, slack) for _ in range(SEEN)]
                    before = len(_records(sandbox))
                    edits = await _edits(sandbox)
                    acks = await desk.storm()
                    wrong = await _wrong_after(desk, sandbox, load_catalog(catalog_file), before)
                    busiest = (await _edits(sandbox)) - edits
            port = free_port()
            environment = {"SIGNING": seed.SIGNING_SECRET, "PORT": str(port)}
            async with running("-m", "tests.bench.bare_bolt", environment=environment):
                await until_answers(f"http://127.0.0.1:{port}/readyz")
                peer = await desk.storm(f"http://127.0.0.1:{port}")
    what = "1,000 clicks by 20 people on a checklist, ack"
    return [
        Row(f"{what} p50", p(acks, 0.5), p(peer, 0.5), "ms", "—"),
        Row(f"{what} p99", p(acks, 0.99), p(peer, 0.99), "ms", "≤ 100"),
        Row("of these not recorded exactly once, or shown wrongly", wrong, None, "clicks", "0"),
        Row("Slack edits that they cost", busiest, None, "edits", "≤ 40 a minute"),
        Row("click → visible to others, p95", p(visible, 0.95), None, "ms", "≤ 500"),
    ]


def _catalog(home: Path) -> Path:
    """The sample, with every item that a person ticks open to the twenty."""
    catalog = yaml.safe_load(CONFIG.read_text())
    catalog["roles"]["qa"]["users"] = list(PEOPLE)
    for item in catalog["checklist"]:
        if "role" in item:
            item["role"] = "qa"
    (home / "k8s").symlink_to(CONFIG.parent / "k8s")
    path = home / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


class _Desk:
    """Presses what the message shows, as Slack would send it."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession, url: str) -> None:
        self.sandbox = sandbox
        self._http = http
        self._orders: JSON = {
            "events": f"{url}/slack/events",
            "world": sandbox.url,
            "secret": seed.SIGNING_SECRET,
            "people": PEOPLE,
            "clicks": CLICKS // len(PEOPLE),
            "reader": seed.BEN,
            "channel": seed.PRODUCTION,
        }

    async def open(self) -> None:
        body = slash(self.sandbox, f"checklist {SERVICE} {VERSION}")
        await send(self._http, self._orders, body)
        channel = self.sandbox.slack.workspace.channels[seed.PRODUCTION]
        async with asyncio.timeout(20):
            while not channel.by_ts:
                await asyncio.sleep(0.01)
        ts = next(iter(channel.by_ts))
        self._orders |= {"ts": ts, "payload": _payload(ts)}

    @property
    def message(self) -> Message:
        channel = self.sandbox.slack.workspace.channels[seed.PRODUCTION]
        return channel.by_ts[self._orders["ts"]]

    async def press(self, user: str, button: JSON) -> float:
        payload = {
            **self._orders["payload"],
            "user": {"id": user, "username": user.lower(), "name": user},
            "trigger_id": f"{time.time_ns()}.seen",
            "response_url": self._url(user),
            "actions": [{**button, "action_ts": f"{time.time()}"}],
        }
        body = urlencode({"payload": json.dumps(payload)})
        return await send(self._http, self._orders, body)

    async def storm(self, url: str = "") -> list[float]:
        """At the bot, or at another one at `url`."""
        events = f"{url}/slack/events" if url else self._orders["events"]
        urls = [self._url(PEOPLE[number % len(PEOPLE)]) for number in range(CLICKS)]
        orders = json.dumps({**self._orders, "events": events, "urls": urls}).encode()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bench.pressers",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        answer, _ = await process.communicate(orders)
        times: list[float] = json.loads(answer)
        return times

    def _url(self, user: str) -> str:
        urls = self.sandbox.slack.urls
        source = self._orders["ts"]
        return urls.absolute(urls.issue("actions", seed.PRODUCTION, user, source=source))


def _payload(ts: str) -> JSON:
    """What all presses have in common."""
    return {
        "type": "block_actions",
        "team": {"id": seed.TEAM_ID, "domain": seed.TEAM_DOMAIN},
        "api_app_id": seed.APP_ID,
        "enterprise": None,
        "is_enterprise_install": False,
        "container": {
            "type": "message",
            "message_ts": ts,
            "channel_id": seed.PRODUCTION,
            "is_ephemeral": False,
        },
        "channel": {"id": seed.PRODUCTION, "name": "production"},
    }


async def _until_seen(desk: _Desk, slack: SlackDriver) -> float:
    """Seconds from a press to the change in another person's channel; at a pace of people."""
    await asyncio.sleep(2.2)
    button = random.choice(buttons(desk.message.blocks))
    item = button["value"].split("|")[2]
    ticks = button["action_id"] == "dyn:tick"
    began = time.perf_counter()
    await desk.press(random.choice(PEOPLE), button)
    other = "dyn:untick" if ticks else "dyn:tick"
    await slack.message(
        "ben",
        channel="#production",
        where=lambda m: any(
            each.action_id == other and f"|{item}" in each.element["value"] for each in m.controls
        ),
    )
    return time.perf_counter() - began


async def _wrong_after(desk: _Desk, sandbox: Sandbox, catalog: Catalog, before: int) -> int:
    """How many presses are missing from the log or doubled in it, how many records contradict the
    one before, and whether the message shows anything but the store."""
    async with asyncio.timeout(60):
        while len(_records(sandbox)) - before < CLICKS:
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)  # a doubled record would come now
    records = _records(sandbox)[before:]
    wrong = abs(len(records) - CLICKS)
    standing = _standing_at(_records(sandbox)[:before])
    for record in records:
        item, action = record["after"].get("item", ""), record["action"]
        if action in ("tick", "untick"):
            wrong += standing[item] == (action == "tick")
            standing[item] = action == "tick"
    held = _held(sandbox)
    wrong += sum(standing[item.id] != (item.id in held.ticks) for item in catalog.checklist)
    expected = json.loads(json.dumps([dict(b) for b in checklist_of(held, catalog).blocks]))
    try:
        async with asyncio.timeout(30):
            while desk.message.blocks != expected:
                await asyncio.sleep(0.05)
    except TimeoutError:
        wrong += 1
    return wrong


def _standing_at(records: list[JSON]) -> Counter[str]:
    standing: Counter[str] = Counter()
    for record in records:
        if record["action"] in ("tick", "untick"):
            standing[record["after"]["item"]] = record["action"] == "tick"
    return standing


def _records(sandbox: Sandbox) -> list[JSON]:
    with closing(_database(sandbox)) as db:
        rows = db.execute("select body from audit order by number").fetchall()
    records = [json.loads(row[0]) for row in rows]
    return [each for each in records if each["action"] in ("tick", "untick", "tick-refused")]


def _held(sandbox: Sandbox) -> Checklist:
    with closing(_database(sandbox)) as db:
        row = db.execute("select body from checklists where current").fetchone()
    return TypeAdapter(Checklist).validate_json(row[0])


def _database(sandbox: Sandbox) -> sqlite3.Connection:
    path = sandbox.settings.database_path
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)


async def _edits(sandbox: Sandbox) -> int:
    async with SlackDriver(sandbox.url) as slack:
        return len(await slack.calls("chat.update"))
