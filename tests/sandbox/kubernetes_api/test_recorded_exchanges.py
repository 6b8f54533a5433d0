"""Every exchange with a real API server, replayed in order against the sandbox's.

There are no controllers here: what they wrote between two requests (status, revision annotation,
ReplicaSets, pods, events) is put into the storage from the recording before the request. Everything
that the API server itself decides must come out as recorded.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.sandbox.kubernetes.logs import LogLine
from bot.sandbox.kubernetes.stored import Object, copy_json

RECORDED = Path(__file__).parents[2] / "recordings" / "api-exchanges.jsonl"
EXCHANGES = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
NOTES = [exchange["note"] for exchange in EXCHANGES]

# Paths in single objects that differ by nature. Lists are loaded whole and compared unmasked.
MASKED = {
    r"metadata\.uid": "drawn at random",
    r"metadata\.resourceVersion": "other writers of the real cluster share the counter",
    r"metadata\.creationTimestamp": "when it ran",
    r"metadata\.deletionTimestamp": "when it ran",
    r"metadata\.managedFields\[\d+\]\.time": "when it ran",
}
DEPLOYMENT = ("deployments.apps", "dynamo-qa", "tasks-service")


def masked(value: Any, path: str = "") -> Any:
    if any(re.fullmatch(pattern, path) for pattern in MASKED):
        return "masked"
    if isinstance(value, dict):
        return {key: masked(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return value


def by_note(note: str) -> Object:
    found: Object = EXCHANGES[NOTES.index(note)]
    return found


class Past:
    """What happened in the real cluster between the requests."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.storage = cluster.storage

    def before(self, number: int, exchange: Object) -> None:
        body = exchange["response"].get("body")
        note = exchange["note"]
        if number == 0:
            self._other_namespaces()
        if isinstance(body, dict) and body.get("kind") == "Deployment":
            self._controllers(body)
        if note == "scale subresource, read":
            self._controllers(by_note("read before a rollback")["response"]["body"], status=True)
        if note in ("replica sets by label", "pods by label, two a page"):
            self._load_list(body, "replicasets.apps" if "replica" in note else "pods")
            self.storage.advance_revision(4340)
        if note == "log, last three lines with timestamps":
            self._logs()
        if note == "events of one object":
            listed = by_note("list, resourceVersion 0")["response"]["body"]
            self.storage.load("deployments.apps", listed["items"][0])
            self._load_list(body, "events")
            self.storage.advance_revision(4352)
        if note == "log since":
            self.cluster.clock.advance(14.6)  # the recording is at 01:47:16.6 then
            for log in self.cluster.logs.logs.values():
                log.there.extend(log.coming)
        if note == "apply a config map":
            self.storage.advance_revision(4354)

    def _other_namespaces(self) -> None:
        for item in by_note("unauthenticated")["response"]["body"]["items"]:
            if item["metadata"]["name"] != "dynamo-qa":
                self.storage.load("namespaces", item)

    def _controllers(self, after: Object, *, status: bool = True) -> None:
        """The Deployment controller's write, through the status subresource as it does it."""
        if self.storage.get(*DEPLOYMENT) is None or not after.get("status"):
            return

        def write(obj: Object) -> None:
            obj["status"] = copy_json(after["status"])
            if "annotations" in after["metadata"]:
                obj["metadata"]["annotations"] = copy_json(after["metadata"]["annotations"])

        self.storage.update_status(*DEPLOYMENT, write, manager="kube-controller-manager")

    def _load_list(self, body: Object, resource: str) -> None:
        for item in body["items"]:
            self.storage.load(resource, item)
        if "continue" in body["metadata"]:  # there was at least one more, behind the page
            more = copy_json(body["items"][-1])
            more["metadata"]["name"] += "z"
            self.storage.load(resource, more)

    def _logs(self) -> None:
        pod = "tasks-service-78dc84d4f4-9x58w"
        recorded = by_note("log, last three lines with timestamps")["response"]["body"]
        there = [log_line(line) for line in recorded.splitlines()]
        followed = by_note("log, followed")["response"]["lines"][1:]
        first = '2026-11-24T01:47:11Z level=info msg="tick 0" version=1.0.0'
        fake = self.cluster.logs.logs
        fake[pod, False] = self.cluster.new_log(
            [LogLine(datetime.fromisoformat("2026-11-24T01:47:11.5Z"), first), *there],
            [LogLine(datetime.fromisoformat(line.split()[0]), line) for line in followed],
        )


def log_line(line: str) -> LogLine:
    stamp, text = line.split(" ", 1)
    at = datetime.fromisoformat(stamp[:26] + "Z")
    return LogLine(at, text, int(stamp[26:29]))


async def test_every_recorded_exchange_is_answered_as_the_real_server_did(cluster: Any) -> None:
    past = Past(cluster)
    problems: list[str] = []
    for number, exchange in enumerate(EXCHANGES):
        past.before(number, exchange)
        answer = await send(cluster, exchange)
        expected = exchange["response"]
        try:
            compare(exchange, answer, expected)
        except AssertionError as error:
            problems.append(f"{number} {exchange['note']}: {error}")
    assert not problems, "\n\n".join(problems)
    assert number + 1 == 43


async def send(cluster: Any, exchange: Object) -> Any:
    request = exchange["request"]
    headers = {}
    if "as a user without rights" in exchange["note"]:
        headers["Impersonate-User"] = "dynamo"
    body = request.get("body")
    body = json.loads(json.dumps(body).replace(recorded_uid(), current_uid(cluster)))
    if isinstance(body, dict) and exchange["note"] == "scale with a stale resourceVersion":
        body["metadata"]["resourceVersion"] = "1"
    return await cluster.ask(
        request["method"],
        request["path"],
        body,
        content_type=request.get("contentType", "application/json"),
        headers=headers,
    )


def recorded_uid() -> str:
    return str(by_note("apply creates")["response"]["body"]["metadata"]["uid"])


def current_uid(cluster: Any) -> str:
    obj = cluster.storage.get(*DEPLOYMENT)
    return recorded_uid() if obj is None else str(obj["metadata"]["uid"])


def compare(exchange: Object, answer: Any, expected: Object) -> None:
    assert answer.status == expected["status"], answer.text
    assert answer.headers["Content-Type"].split(";")[0] == expected["contentType"]
    if "lines" in expected:
        lines = answer.text.splitlines()
        if "log" in exchange["note"]:
            assert lines == expected["lines"]
        else:
            assert [json.loads(one) for one in lines] == [
                json.loads(one) for one in expected["lines"]
            ]
        return
    body = expected["body"]
    if isinstance(body, str):
        assert answer.text == body
    elif body.get("kind", "").endswith("List"):
        assert not differences(comparable(answer.body), comparable(body))
    elif body.get("kind") == "Status":
        assert answer.body == body
    else:
        assert not differences(masked(answer.body), masked(body))


def differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, to be read by people."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [
            line
            for key in sorted(found.keys() | wanted.keys())
            for line in differences(
                found.get(key, "absent"), wanted.get(key, "absent"), f"{path}.{key}"
            )
        ]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [
            line
            for index, (one, other) in enumerate(zip(found, wanted, strict=True))
            for line in differences(one, other, f"{path}[{index}]")
        ]
    return [] if found == wanted else [f"{path}: {found!r} instead of {wanted!r}"]


def comparable(body: Object) -> Object:
    """A list; the namespace that this test made is compared like any single object."""
    items = [
        masked(item) if item["metadata"]["name"] == "dynamo-qa" else item for item in body["items"]
    ]
    return {**body, "items": items}


@pytest.mark.parametrize("pattern", MASKED)
def test_a_masked_path_is_there_in_the_recording(pattern: str) -> None:
    def paths(value: Any, path: str = "") -> Any:
        yield path
        if isinstance(value, dict):
            for key, item in value.items():
                yield from paths(item, f"{path}.{key}".lstrip("."))
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from paths(item, f"{path}[{index}]")

    bodies = [e["response"].get("body") for e in EXCHANGES]
    assert any(re.fullmatch(pattern, path) for body in bodies for path in paths(body))


def test_the_recorded_paths_are_all_under_the_api() -> None:
    roots = {urlsplit(e["request"]["path"]).path.split("/")[1] for e in EXCHANGES}
    assert roots == {"version", "api", "apis"}
