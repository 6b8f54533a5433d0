"""The page as a person meets it: the real workspace, a small real Bolt app in it, and a browser.

The workspace is `bot/sandbox/slack` over HTTP and Socket Mode. The app is not Dynamo but an
understudy whose every card a test can choose; `World` stands for the cluster's side, of which the
page only reads one document and sets one trouble. One browser serves all tests, which therefore
share one event loop (`pytestmark` of each module); workspace and window are new for each test.
"""

from __future__ import annotations

import asyncio
import copy
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import WSMsgType, web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.clock import Clock
from bot.sandbox.page import add_page
from bot.sandbox.slack import seed
from bot.sandbox.slack.server import acme, slack_app

# A machine that does much else at the same time is slow, not wrong.
expect.set_options(timeout=30_000)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

JSON = dict[str, Any]


def text(words: str, kind: str = "mrkdwn") -> JSON:
    return {"type": kind, "text": words}


def button(words: str, action: str, **more: Any) -> JSON:
    return {"type": "button", "text": text(words, "plain_text"), "action_id": action, **more}


def rollout_card(service: str, done: int, *, version: str = "1.4.0", end: str = "") -> list[JSON]:
    """A rollout's card with `done` of three pods updated; `end` is "", "ok" or "failed"."""
    sign, word = {"ok": (":white_check_mark:", "Done"), "failed": (":x:", "Failed")}.get(
        end, (":hourglass_flowing_sand:", "In progress")
    )
    blocks: list[JSON] = [
        {"type": "header", "text": text(f"{sign} {service} → QA · {version}", "plain_text")},
        {
            "type": "section",
            "text": text(f"*{word}* · {done} of 3 updated, {done} available, {3 - done} old"),
        },
    ]
    if end == "failed":
        blocks[1]["text"]["text"] = (
            "*The container stops when it starts*: exit code 1, the application's own error\n"
            "```Error: DATABASE_URL is not set\n    at config (/app/config.js:12:9)```\n"
            "Why, probably: ConfigMap `tasks-service-config` has `DATABASE_URL` in dev, not in QA."
        )
        blocks.append(
            {"type": "section", "text": text("QA still serves *1.3.2*, 3 of 3 ready.")},
        )
    rolling = {"": f":hourglass_flowing_sand: Rolling out {done}/3", "ok": ":white_check_mark: 3/3"}
    steps = [":white_check_mark: Checks (6)", ":white_check_mark: Applied"]
    steps += [rolling.get(end, ":x: Rolling out"), ":white_medium_square: Watching"]
    facts = "1.3.2 → 1.4.0 (`sha256:ab12…9f04`) · asked for by <@U0ANA00000> · “fixes #231” · "
    blocks += [
        {"type": "context", "elements": [text("   ".join(steps))]},
        {"type": "context", "elements": [text(facts + "<https://qa.yourapp.com|qa.yourapp.com>")]},
        {"type": "actions", "block_id": "buttons", "elements": _buttons(end)},
    ]
    return blocks


def _buttons(end: str) -> list[JSON]:
    confirm = {
        "title": text("Roll back tasks-service?", "plain_text"),
        "text": text("QA goes back to *1.3.2*: 3 pods."),
        "confirm": text("Roll back", "plain_text"),
        "deny": text("Keep running", "plain_text"),
        "style": "danger",
    }
    more = {
        "type": "overflow",
        "action_id": "more",
        "options": [
            {"text": text("Show the manifest", "plain_text"), "value": "manifest"},
            {"text": text("Show the events", "plain_text"), "value": "events"},
        ],
    }
    first = button("Roll back to 1.3.2", "rollback", value="r1", style="danger", confirm=confirm)
    if end == "failed":
        return [first, button("Logs", "logs"), button("Try again", "again"), more]
    return [button("Logs", "logs", value="r1"), first, more]


TYPO = [
    {
        "type": "section",
        "text": text('I don\'t know "tasks-servce". Did you mean:'),
    },
    {
        "type": "actions",
        "elements": [
            button("/dynamo deploy tasks-service qa", "run", value="x", style="primary"),
        ],
    },
]

STATUS = {
    "type": "table",
    "column_settings": [{}, {}, {}, {"is_wrapped": True}],
    "rows": [
        [{"type": "raw_text", "text": cell} for cell in row]
        for row in (
            ("service", "dev", "QA", "Production"),
            ("api-gateway", "2.8.0 ✅ 1/1", "2.7.4 ✅ 2/2", "2.7.4 ✅ 6/6 (autoscaled 3–12)"),
            ("tasks-service", "1.5.0 ❌ 0/1", "1.4.0 ⏳ 2/3", "1.3.2 ✅ 4/4"),
            ("forms-service", "0.9.1 ✅ 1/1", "0.9.1 🔒 @qa-lead", "0.9.0 ✅ 2/2"),
        )
    ],
}

MODAL = {
    "type": "modal",
    "callback_id": "evidence",
    "title": text("Tick with evidence", "plain_text"),
    "submit": text("Tick", "plain_text"),
    "blocks": [
        {"type": "section", "text": text("*Security review* of tasks-service 1.4.0")},
        {
            "type": "input",
            "block_id": "link",
            "label": text("Evidence", "plain_text"),
            "hint": text("A link to the report", "plain_text"),
            "element": {"type": "plain_text_input", "action_id": "url"},
        },
        {
            "type": "input",
            "block_id": "risk",
            "label": text("Risk", "plain_text"),
            "element": {
                "type": "static_select",
                "action_id": "level",
                "options": [
                    {"text": text(level, "plain_text"), "value": level.lower()}
                    for level in ("Low", "Medium", "High")
                ],
            },
        },
        {
            "type": "input",
            "block_id": "people",
            "optional": True,
            "label": text("Reviewers", "plain_text"),
            "element": {"type": "multi_users_select", "action_id": "who"},
        },
        {
            "type": "input",
            "block_id": "until",
            "optional": True,
            "label": text("Holds until", "plain_text"),
            "element": {"type": "datepicker", "action_id": "date", "initial_date": "2026-12-24"},
        },
        {
            "type": "input",
            "block_id": "parts",
            "optional": True,
            "label": text("Looked at", "plain_text"),
            "element": {
                "type": "checkboxes",
                "action_id": "what",
                "options": [
                    {"text": text(f"*{part}*"), "value": part}
                    for part in ("Code", "Image", "Rights")
                ],
            },
        },
    ],
}


class Understudy:
    """A Bolt app in the workspace that answers `/dynamo` and remembers every act."""

    def __init__(self, base: str) -> None:
        self.client = AsyncWebClient(seed.BOT_TOKEN, base_url=f"{base}/api/")
        self.acts: list[JSON] = []
        self.submitted: list[JSON] = []
        self.cards: list[JSON] = []
        self.home_rows: list[JSON] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.bolt = AsyncApp(client=self.client, request_verification_enabled=False)
        self.bolt.command("/dynamo")(self._command)
        self.bolt.action("evidence")(self._open_modal)
        self.bolt.action({"type": "block_actions", "action_id": "run"})(self._act)
        self.bolt.action("logs")(self._act)
        self.bolt.action("rollback")(self._act)
        self.bolt.action("more")(self._act)
        self.bolt.action("pick")(self._act)
        self.bolt.view("evidence")(self._submit)
        self.bolt.event("app_home_opened")(self._home)
        self.bolt.event("app_mention")(self._mention)
        self.bolt.event("message")(self._ignore)

    async def _command(self, ack: Any, command: JSON, respond: Any) -> None:
        await ack()
        words = command["text"].split()
        if words[:1] == ["status"]:
            await respond(text="What runs where", blocks=[STATUS])
        elif "tasks-servce" in words:
            await respond(text='I don\'t know "tasks-servce".', blocks=TYPO)
        elif words[:1] == ["deploy"]:
            await self.card(command["channel_id"], words[1], 0)
        else:
            await respond(text="Usage: `/dynamo deploy SERVICE ENV`")

    async def card(self, channel: str, service: str, done: int, end: str = "") -> JSON:
        posted = await self.client.chat_postMessage(
            channel=channel,
            text=f"{service} to QA: {done} of 3 updated",
            blocks=rollout_card(service, done, end=end),
        )
        card = {"channel": channel, "ts": posted["ts"], "service": service}
        self.cards.append(card)
        return card

    async def edit(self, card: JSON, done: int, end: str = "") -> None:
        await self.client.chat_update(
            channel=card["channel"],
            ts=card["ts"],
            text=f"{card['service']} to QA: {done} of 3 updated",
            blocks=rollout_card(card["service"], done, end=end),
        )

    async def post(self, blocks: list[JSON], channel: str = seed.QA_DEPLOYS, **more: Any) -> str:
        posted = await self.client.chat_postMessage(
            channel=channel, text="blocks", blocks=blocks, **more
        )
        return str(posted["ts"])

    async def _act(self, ack: Any, body: JSON) -> None:
        await self.may_answer.wait()
        await ack()
        self.acts.append(body)

    async def _open_modal(self, ack: Any, body: JSON) -> None:
        await ack()
        await self.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    async def _submit(self, ack: Any, body: JSON) -> None:
        values = body["view"]["state"]["values"]
        url = values["link"]["url"]["value"] or ""
        if not url.startswith("https://"):
            await ack(
                response_action="errors", errors={"link": "Give a link that starts with https."}
            )
            return
        await ack()
        self.submitted.append(values)

    async def _home(self, event: JSON) -> None:
        if event["tab"] != "home":
            return
        blocks = [
            {"type": "header", "text": text("Waiting for you", "plain_text")},
            {
                "type": "section",
                "text": text("Nothing waits for your approval."),
            },
        ]
        await self.client.views_publish(
            user_id=event["user"], view={"type": "home", "blocks": blocks + self.home_rows}
        )

    async def _mention(self, event: JSON, say: Any) -> None:
        await say(text="You called?", thread_ts=event.get("thread_ts"))

    async def reply(self, card: JSON, words: str) -> None:
        await self.client.chat_postMessage(
            channel=card["channel"], thread_ts=card["ts"], text=words
        )

    async def _ignore(self) -> None:
        return None


def workload(service: str, version: str, count: int) -> JSON:
    pods = [pod(f"{service}-7d9f8-{number}", version) for number in range(count)]
    return {
        "service": service,
        "version": version,
        "image": f"dynamo/{service}:{version}",
        "desired": count,
        "ready": count,
        "updated": count,
        "state": "healthy",
        "pods": pods,
    }


def pod(name: str, version: str, word: str = "Running", **more: Any) -> JSON:
    phase = word if word in ("Pending", "Terminating") else "Running"
    base = {"name": name, "version": version, "phase": phase, "word": word}
    return base | {"ready": word == "Running", "restarts": 0, "age": 1830, "old": False} | more


SERVICES = {
    "api-gateway": "2.7.4",
    "auth-service": "3.1.0",
    "projects-service": "1.12.3",
    "forms-service": "0.9.1",
    "tasks-service": "1.3.2",
    "notifications-service": "2.0.5",
}


class World:
    """What `/world` serves: a document that a test changes, and the trouble that the page sets."""

    def __init__(self) -> None:
        self.state: JSON = {
            "now": "2026-11-24T03:00:00Z",
            "speed": 1,
            "trouble": None,
            "kinds": [
                {
                    "id": "crash-at-start",
                    "label": "Crash at start",
                    "hint": "The container ends with exit code 1 as soon as it starts.",
                },
                {"id": "bad-tag", "label": "Bad tag", "hint": "The registry has no such tag."},
                {"id": "none", "label": "None", "hint": ""},
                {
                    "id": "slower",
                    "label": "Slower",
                    "hint": "It answers in more than twice the time.",
                    "after": True,
                },
            ],
            "environments": [
                {
                    "name": name,
                    "namespace": f"dynamo-{name}",
                    "workloads": [
                        workload(service, version, pods) for service, version in SERVICES.items()
                    ],
                }
                for name, pods in (("dev", 1), ("qa", 3), ("prod", 4))
            ],
        }
        self.set_to: list[JSON] = []
        self._sockets: set[web.WebSocketResponse] = set()

    def workload(self, environment: str, service: str) -> JSON:
        found = next(e for e in self.state["environments"] if e["name"] == environment)
        return next(w for w in found["workloads"] if w["service"] == service)

    async def change(self, environment: str, service: str, **fields: Any) -> None:
        """Told alone, as the sandbox tells what happens to one service."""
        changed = self.workload(environment, service)
        changed.update(copy.deepcopy(fields))
        told = {"environment": environment, "service": service, "workload": changed}
        for socket in list(self._sockets):
            await socket.send_json({"now": self.state["now"], "changes": [told]})

    async def push(self) -> None:
        for socket in list(self._sockets):
            await socket.send_json(self.state)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/world/state", self._state)
        app.router.add_get("/world/stream", self._stream)
        app.router.add_post("/world/trouble", self._trouble)

    async def _state(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.state)

    async def _trouble(self, request: web.Request) -> web.StreamResponse:
        wanted = await request.json()
        self.set_to.append(wanted)
        self.state["trouble"] = None if wanted["kind"] == "none" else wanted
        await self.push()
        return web.json_response({"ok": True})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        await socket.send_json(self.state)
        async for frame in socket:
            if frame.type is WSMsgType.ERROR:
                break
        self._sockets.discard(socket)
        return socket


class Sandbox:
    """One running workspace with its page: `url`, the `app` in it and the `world` beside it."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world
        self.runner: web.AppRunner | None = None
        self.url = ""
        self.app: Understudy
        self.socket: Any = None

    async def start(self, port: int = 0) -> None:
        clock = Clock()
        web_app = slack_app(acme(clock), clock, rate="off")
        add_page(web_app)
        if self.world is not None:
            self.world.add_to(web_app)
        self.runner = web.AppRunner(web_app, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        self.app = Understudy(self.url)
        self.socket = AsyncSocketModeHandler(self.app.bolt, seed.APP_TOKEN)
        await self.socket.connect_async()

    async def stop(self) -> None:
        await self.socket.close_async()
        if self.runner is not None:
            await self.runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def world() -> World:
    return World()


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(world: World) -> AsyncIterator[Sandbox]:
    running = Sandbox(world)
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"no chromium at {CHROMIUM}: the page is not driven")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Open]:
    """Opens the page as somebody, in a browser of its own. A fault in the page fails the test."""
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    async def open_page(
        user: str = seed.ANA, channel: str = seed.QA_DEPLOYS, **settings: Any
    ) -> Page:
        settings = {"viewport": LAPTOP, "locale": "en-GB", "reduced_motion": "reduce"} | settings
        contexts.append(await browser.new_context(timezone_id="Europe/Madrid", **settings))
        opened = await contexts[-1].new_page()
        opened.set_default_timeout(30_000)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        await opened.goto(f"{sandbox.url}/?user={user}&channel={channel}")
        await opened.get_by_text("This is the beginning of").wait_for()
        return opened

    yield open_page
    for context in contexts:
        await context.close()
    assert faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(visit: Open) -> Page:
    """The page in a laptop's window, as Ana in #qa-deploys."""
    return await visit()


@pytest.fixture
def phone() -> JSON:
    """Settings of a visit by phone."""
    return {"viewport": PHONE, "has_touch": True, "is_mobile": True}


async def eventually(holds: Callable[[], Any], seconds: float = 15) -> None:
    """Wait until `holds()`; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    return eventually


@pytest.fixture
def make() -> SimpleNamespace:
    """The understudy's cards and the small parts of blocks."""
    return SimpleNamespace(text=text, button=button, pod=pod, rollout_card=rollout_card)
