"""Whatever a client sends, the answer is an object or a Status; never a crash."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bot.sandbox.kubernetes import patches
from bot.sandbox.kubernetes.stored import copy_json

LIST = "/apis/apps/v1/namespaces/qa/deployments"
PATH = f"{LIST}/web"
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 1.5, "", "x", "\u2028\U0001f600", [], {}, [[]], [None], [1]),
    *(
        [{}],
        {"a": None},
        {"": {}},
        [{"name": None}],
        [{"name": 1}],
        [{"name": {}}],
        {"$patch": "x"},
    ),
    *({"$patch": "delete"}, [{"$patch": "replace"}], {"$retainKeys": 1}, {"$setElementOrder/x": 1}),
)
KINDS = (patches.APPLY, patches.MERGE, patches.STRATEGIC, patches.JSON, "POST", "PUT")


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += paths(item, (*path, key))
    return found


def with_value(obj: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy_json(obj)
    at = changed
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return changed


@pytest.mark.parametrize("kind", KINDS)
async def test_odd_values_anywhere_are_answered(cluster: Any, deployment: Any, kind: str) -> None:
    cluster.namespace()
    full = {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
        "ports": [{"containerPort": 80, "name": "http"}],
        "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
        "readinessProbe": {"httpGet": {"port": "http"}},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    obj = deployment(containers=[full], replicas=1, strategy={"type": "RollingUpdate"})
    obj["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    obj["metadata"]["annotations"] = {"a": "b"}
    obj["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1"}
    ]
    dice = random.Random(7)
    made = await cluster.ask("POST", LIST, obj)
    assert made.status == 201, made.text
    for path in paths(obj):
        for value in dice.sample(ODD, 8):
            answer = await send(cluster, kind, with_value(obj, path, value))
            where = f"{kind} {path} = {value!r}: {answer.text}"
            assert isinstance(answer.body, dict), where
            assert answer.status < 500 or answer.message.startswith(UNTYPED), where


# Errors that the real server answers with 500, because nobody gave them a status.
UNTYPED = (
    *("failed to create typed", "failed to convert new object", "map: ", "strconv."),
    *("unknown patch type: ", "expected a []interface {}, but received a "),
)


async def send(cluster: Any, kind: str, body: Any) -> Any:
    if kind == "POST":
        return await cluster.ask("POST", f"{LIST}?dryRun=All", body)
    if kind == "PUT":
        return await cluster.ask("PUT", f"{PATH}?dryRun=All", body)
    if kind == patches.APPLY:
        return await cluster.apply(PATH, body, more="&dryRun=All&force=true")
    if kind == patches.JSON:
        body = [{"op": "add", "path": "", "value": body}]
    return await cluster.ask("PATCH", f"{PATH}?dryRun=All", body, content_type=kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_bodies_that_are_no_objects_at_all(cluster: Any, kind: str) -> None:
    cluster.namespace()
    dice = random.Random(7)
    bodies: list[str | bytes] = [json.dumps(value) for value in ODD]
    bodies += [dice.randbytes(40) for _ in range(20)]
    bodies += ["[" * 5000, '{"a":' * 5000, b"\xff\xfe{", b"k8s\x00\x0a\x05", ""]
    for body in bodies:
        if kind in ("POST", "PUT"):
            answer = await cluster.ask(kind, LIST if kind == "POST" else PATH, body)
        elif kind == patches.APPLY:
            answer = await cluster.apply(PATH, body)
        else:
            answer = await cluster.ask("PATCH", PATH, body, content_type=kind)
        assert isinstance(answer.body, dict), (kind, body, answer.text)
        assert 400 <= answer.status < 500, (kind, body, answer.text)


@pytest.mark.parametrize(
    "query",
    [
        *("limit=x", "limit=-1", "timeoutSeconds=x&watch=true", "resourceVersion=-1"),
        *("resourceVersion=1e9", "resourceVersionMatch=Sideways&resourceVersion=1"),
        *(
            "fieldSelector=%00",
            "labelSelector=%F0%9F%98%80",
            "continue=%7B%7D",
            "watch=maybe&limit=1",
        ),
        *("fieldManager=" + "x" * 200, "dryRun=Some", "fieldValidation=Loud"),
    ],
)
async def test_odd_queries(cluster: Any, deployment: Any, query: str) -> None:
    cluster.namespace()
    method = "POST" if query.startswith(("fieldManager", "dryRun", "fieldValidation")) else "GET"
    body = deployment() if method == "POST" else None
    if "watch=maybe" in query:
        query += "&timeoutSeconds=1&resourceVersion=0"
    answer = await cluster.ask(method, f"{LIST}?{query}", body)
    if isinstance(answer.body, dict) and answer.body.get("kind") == "Status":
        expected = 500 if "resourceVersion=-1" in query or "1e9" in query else 400
        assert answer.status in (expected, 410, 422), answer.text
    else:
        assert answer.status == 200
