"""A running API server of the sandbox, without controllers, and a client for it."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.access import Rights
from bot.sandbox.kubernetes.logs import LogError, LogLine, LogStream
from bot.sandbox.kubernetes.server import kubernetes_app
from bot.sandbox.kubernetes.statuses import Refusal
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object

_LARGE = 500_000  # bytes from which aiohttp wants a file
START = datetime(2026, 11, 24, 1, 47, 2, tzinfo=UTC)


@dataclass
class FakeLog:
    """The log of one container: what is there, and what comes while somebody follows."""

    there: list[LogLine]
    coming: list[LogLine] = field(default_factory=list)

    def so_far(self, *, tail: int | None = None) -> Sequence[LogLine]:
        return self.there

    async def follow(self) -> AsyncIterator[LogLine]:
        for line in self.coming:
            yield line


class FakeLogs:
    """A kubelet's logs by (pod, previous)."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, bool], FakeLog] = {}

    def lines(
        self, namespace: str, pod: str, container: str, *, previous: bool
    ) -> LogStream | LogError:
        found = self.logs.get((pod, previous))
        if found is None:
            return LogError(f'container "{container}" in pod "{pod}" has no log')
        return found


@dataclass
class Answer:
    status: int
    headers: Any
    body: Any
    text: str

    @property
    def message(self) -> str:
        return str(self.body["message"])


class Cluster:
    """The server under test with everything that a test may turn."""

    def __init__(self) -> None:
        self.clock = Clock(manual=True, start=START)
        self.storage = Storage(self.clock, revision=4000)
        self.logs = FakeLogs()
        self.rights = Rights()
        self.away = False
        self.refusal: Refusal | None = None
        self.url = ""
        self.streams: list[aiohttp.ClientResponse] = []
        self.session: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        data: Any = body if isinstance(body, bytes | str | None) else json.dumps(body)
        if isinstance(data, str) and len(data) > _LARGE:
            data = io.BytesIO(data.encode())
        sent = dict(headers or {})
        if data is not None:
            sent["Content-Type"] = content_type
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, skip_auto_headers=("Content-Type",)
        ) as response:
            text = await response.text()
            kind = response.headers.get("Content-Type", "")
            is_json = kind.startswith("application/json") and text and not text.count("}\n{")
            parsed = json.loads(text) if is_json and not text.endswith("}\n") else text
            return Answer(response.status, response.headers, parsed, text)

    async def get(self, path: str, **kwargs: Any) -> Answer:
        return await self.ask("GET", path, **kwargs)

    async def stream(self, path: str, **kwargs: Any) -> aiohttp.ClientResponse:
        """An answer that is read bit by bit; closed at the end of the test."""
        response = await self.session.get(self.url + path, **kwargs)
        self.streams.append(response)
        assert response.status == 200
        return response

    async def apply(self, path: str, body: Any, manager: str = "dynamo", more: str = "") -> Answer:
        where = f"{path}?fieldManager={manager}{more}"
        return await self.ask("PATCH", where, body, content_type="application/apply-patch+yaml")

    async def watch_lines(self, path: str) -> list[Object]:
        answer = await self.ask("GET", path)
        return [json.loads(line) for line in answer.text.splitlines()]

    def new_log(self, there: list[LogLine], coming: list[LogLine]) -> FakeLog:
        return FakeLog(there, coming)

    def namespace(self, name: str = "qa") -> str:
        self.storage.create(
            "namespaces",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
        return name


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    app = kubernetes_app(
        made.storage,
        made.clock,
        made.logs,
        admission=lambda resource, obj: made.refusal if resource == "pods" else None,
        users=made.rights,
        outage=lambda: made.away,
    )
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    made.url = str(server.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as session:
        made.session = session
        yield made
        for response in made.streams:
            response.close()
    await server.close()


def container(name: str = "web", image: str = "localhost:5000/web:1.0.0", **more: Any) -> Object:
    return {"name": name, "image": image, **more}


@pytest.fixture
def deployment() -> Any:
    """Makes Deployment objects."""

    def make(name: str = "web", *, containers: list[Object] | None = None, **spec: Any) -> Object:
        labels = {"app": name}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": containers or [container(name)]},
                },
                **spec,
            },
        }

    return make
