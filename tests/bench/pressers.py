"""Twenty people who press buttons, as a process of its own: what they measure is the bot's time,
not the world's. `checklist.py` starts it with its orders on stdin, and reads from stdout how many
seconds each acknowledgement took.

All look at one screen, refreshed a few times a second, and press something that it shows; whoever
was acknowledged presses again at once.
"""

import asyncio
import hashlib
import hmac
import json
import random
import sys
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

JSON = dict[str, Any]
_REFRESH = 0.25


class Presser:
    """`orders`: events (the bot's URL), world, secret, payload (what all presses have in common),
    people, clicks (of each), urls (response URLs), channel, ts."""

    def __init__(self, orders: JSON, http: aiohttp.ClientSession) -> None:
        self._orders = orders
        self._http = http
        self._urls = iter(orders["urls"])
        self._chance = random.Random(11)
        self._shown: list[JSON] = []

    async def all(self) -> list[float]:
        await self._look()
        # Slack keeps its connections open: the first click of each pays for none.
        await asyncio.gather(*(self._connect() for _ in self._orders["people"]))
        looking = asyncio.ensure_future(self._keep_looking())
        times = await asyncio.gather(*map(self._person, self._orders["people"]))
        looking.cancel()
        return [each for some in times for each in some]

    async def _person(self, user: str) -> list[float]:
        return [await self._press(user) for _ in range(self._orders["clicks"])]

    async def _connect(self) -> None:
        url = self._orders["events"].removesuffix("/slack/events")
        async with self._http.get(f"{url}/healthz") as answer:
            await answer.read()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH)
            await self._look()

    async def _look(self) -> None:
        query = {"user": self._orders["reader"], "channel": self._orders["channel"]}
        url = f"{self._orders['world']}/client/messages"
        async with self._http.get(url, params=query) as answer:
            messages = (await answer.json())["messages"]
        message = next(each for each in messages if each["ts"] == self._orders["ts"])
        self._shown = buttons(message["blocks"])

    async def _press(self, user: str) -> float:
        stamp = time.time()
        payload = {
            **self._orders["payload"],
            "user": {"id": user, "username": user.lower(), "name": user},
            "trigger_id": f"{time.time_ns()}.{user}",
            "response_url": next(self._urls),
            "actions": [{**self._chance.choice(self._shown), "action_ts": f"{stamp}"}],
        }
        return await send(self._http, self._orders, urlencode({"payload": json.dumps(payload)}))


def buttons(blocks: list[JSON], *verbs: str) -> list[JSON]:
    """What of these verbs a message shows to press."""
    return [
        {**element, "block_id": block["block_id"]}
        for block in blocks
        for element in [*block.get("elements", []), block.get("accessory", {})]
        if element.get("action_id") in (verbs or ("dyn:tick", "dyn:untick"))
    ]


async def send(http: aiohttp.ClientSession, orders: JSON, body: str) -> float:
    """Post it, signed as Slack signs; the seconds until it was acknowledged."""
    stamp = str(int(time.time()))
    content = f"v0:{stamp}:{body}".encode()
    signed = hmac.new(orders["secret"].encode(), content, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed}",
    }
    began = time.perf_counter()
    async with http.post(orders["events"], data=body, headers=headers) as answer:
        assert answer.status == 200, answer.status
        await answer.read()
    return time.perf_counter() - began


async def _main() -> None:
    orders = json.load(sys.stdin)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        print(json.dumps(await Presser(orders, http).all()))


if __name__ == "__main__":
    asyncio.run(_main())
