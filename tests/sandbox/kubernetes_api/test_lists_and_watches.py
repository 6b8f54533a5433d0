"""Lists by page, watches by version: what reflectors and kubectl rely on."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

PODS = "/api/v1/namespaces/qa/pods"
MAPS = "/api/v1/namespaces/qa/configmaps"


def config(name: str, namespace: str = "qa", **data: str) -> Any:
    meta = {"name": name, "namespace": namespace, "labels": {"app": name[0]}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@pytest.fixture
def filled(cluster: Any) -> Any:
    cluster.namespace()
    for name in ("a1", "a2", "a3", "b1", "b2"):
        cluster.storage.create("configmaps", config(name))
    return cluster


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


class Stream:
    """A watch that is read line by line."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def next(self) -> Any:
        async with asyncio.timeout(60):
            line = await self.response.content.readline()
        return json.loads(line) if line else None

    async def take(self, number: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(number)]
        return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


async def watch(cluster: Any, path: str, query: str) -> Stream:
    return Stream(await cluster.stream(f"{path}?watch=true&{query}"))


# Lists


async def test_pages_show_the_state_of_the_first_one(filled: Any) -> None:
    first = (await filled.get(f"{MAPS}?limit=2")).body
    assert names(first) == ["a1", "a2"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert "kind" not in first["items"][0]
    filled.storage.delete("configmaps", "qa", "a3")
    filled.storage.create("configmaps", config("a2x"))
    token = first["metadata"]["continue"]
    second = (await filled.get(f"{MAPS}?limit=2&continue={token}")).body
    assert names(second) == ["a3", "b1"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    token = second["metadata"]["continue"]
    third = (await filled.get(f"{MAPS}?limit=2&continue={token}")).body
    assert names(third) == ["b2"]
    assert "continue" not in third["metadata"]


async def test_a_token_of_a_compacted_past_is_gone_and_gives_a_new_one(filled: Any) -> None:
    first = (await filled.get(f"{MAPS}?limit=2")).body
    filled.storage.create("configmaps", config("c1"))
    filled.storage.compact()
    token = first["metadata"]["continue"]
    answer = await filled.get(f"{MAPS}?limit=2&continue={token}")
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    assert answer.message.startswith("The provided continue parameter is too old to display a ")
    rest = await filled.get(f"{MAPS}?continue={answer.body['metadata']['continue']}")
    assert names(rest.body) == ["a3", "b1", "b2", "c1"]


async def test_a_token_that_is_none_is_a_bad_request(filled: Any) -> None:
    assert (await filled.get(f"{MAPS}?continue=nonsense")).status == 400


async def test_an_exact_version_shows_the_past_and_a_future_one_times_out(filled: Any) -> None:
    then = filled.storage.revision
    filled.storage.delete("configmaps", "qa", "a1")
    past = await filled.get(f"{MAPS}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert names(past.body)[0] == "a1"
    assert past.body["metadata"]["resourceVersion"] == str(then)
    future = await filled.get(f"{MAPS}?resourceVersion=99999999")
    assert (future.status, future.body["reason"]) == (504, "Timeout")
    assert future.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    alone = await filled.get(f"{MAPS}?resourceVersionMatch=Exact")
    assert alone.status == 422


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("app=a", ["a1", "a2", "a3"]),
        ("app==b", ["b1", "b2"]),
        ("app!=a", ["b1", "b2"]),
        ("app in (a, c)", ["a1", "a2", "a3"]),
        ("app notin (a)", ["b1", "b2"]),
        ("app", ["a1", "a2", "a3", "b1", "b2"]),
        ("!app", []),
        ("app=a,missing", []),
        ("!missing,app=b", ["b1", "b2"]),
    ],
)
async def test_label_selectors(filled: Any, selector: str, wanted: list[str]) -> None:
    answer = await filled.get(f"{MAPS}?labelSelector={quote(selector)}")
    assert names(answer.body) == wanted


@pytest.mark.parametrize("selector", ["a=b=c", "in (a)", "a in b", "a=!", "a,,b", "-x=1", "a="])
async def test_selectors_that_are_none_are_told_apart(filled: Any, selector: str) -> None:
    answer = await filled.get(f"{MAPS}?labelSelector={quote(selector)}")
    assert answer.status == (200 if selector == "a=" else 400)


async def test_field_selectors_by_kind(filled: Any) -> None:
    assert names((await filled.get(f"{MAPS}?fieldSelector=metadata.name=a2")).body) == ["a2"]
    assert names((await filled.get(f"{MAPS}?fieldSelector=metadata.name!=a2")).body) == [
        *("a1", "a3", "b1", "b2"),
    ]
    unknown = await filled.get(f"{MAPS}?fieldSelector=data.x=1")
    assert (unknown.status, unknown.body["reason"]) == (400, "BadRequest")
    assert unknown.message == (
        '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
    pods = await filled.get(f"{PODS}?fieldSelector=spec.foo=1")
    assert pods.message == "field label not supported: spec.foo"


async def test_pods_by_node_and_phase(filled: Any) -> None:
    for name, node, phase in (
        ("p1", "n1", "Running"),
        ("p2", "n2", "Running"),
        ("p3", "n1", "Failed"),
    ):
        filled.storage.create(
            "pods",
            {
                "metadata": {"name": name, "namespace": "qa"},
                "spec": {"nodeName": node, "containers": []},
                "status": {"phase": phase},
            },
        )
    query = "fieldSelector=spec.nodeName=n1,status.phase!=Failed"
    assert names((await filled.get(f"{PODS}?{query}")).body) == ["p1"]
    assert names((await filled.get(f"/api/v1/pods?{query}")).body) == ["p1"]


async def test_a_list_over_all_namespaces_is_in_the_order_of_keys(filled: Any) -> None:
    filled.namespace("dev")
    filled.storage.create("configmaps", config("z", "dev"))
    answer = await filled.get("/api/v1/configmaps?limit=2")
    assert names(answer.body) == ["z", "a1"]
    token = answer.body["metadata"]["continue"]
    assert names((await filled.get(f"/api/v1/configmaps?continue={token}")).body)[0] == "a2"


# Watches


async def test_a_watch_from_a_list_sees_what_comes_after_it(filled: Any) -> None:
    version = (await filled.get(MAPS)).body["metadata"]["resourceVersion"]
    filled.storage.create("configmaps", config("c1"))
    stream = await watch(filled, MAPS, f"resourceVersion={version}")
    filled.storage.update("configmaps", config("c1", x="1"))
    filled.storage.delete("configmaps", "qa", "c1")
    assert await stream.take(3) == [("ADDED", "c1"), ("MODIFIED", "c1"), ("DELETED", "c1")]


async def test_a_deleted_object_carries_the_version_of_its_deletion(filled: Any) -> None:
    stream = await watch(filled, MAPS, f"resourceVersion={filled.storage.revision}")
    filled.storage.delete("configmaps", "qa", "a1")
    event = await stream.next()
    assert event["object"]["metadata"]["resourceVersion"] == str(filled.storage.revision)
    assert event["object"]["kind"] == "ConfigMap"


async def test_version_zero_and_none_give_the_current_state_first(filled: Any) -> None:
    for query in ("resourceVersion=0", ""):
        stream = await watch(filled, MAPS, query)
        assert await stream.take(5) == [("ADDED", name) for name in ("a1", "a2", "a3", "b1", "b2")]
        filled.storage.update("configmaps", config("a1", q=query + "x"))
        assert await stream.take(1) == [("MODIFIED", "a1")]


async def test_a_watch_without_a_version_waits_for_a_cache_that_lags(filled: Any) -> None:
    filled.namespace("other")  # a later write elsewhere: the cache of ConfigMaps is behind now
    reader = asyncio.create_task(filled.watch_lines(f"{MAPS}?watch=true&timeoutSeconds=1"))
    event = (await reader)[0]
    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 504
    wanted, current = filled.storage.revision, filled.storage.latest("configmaps")
    assert event["object"]["message"] == (
        f"Timeout: Too large resource version: {wanted}, current: {current}"
    )
    stream_task = asyncio.create_task(watch(filled, MAPS, ""))
    stream = await stream_task
    filled.storage.create("configmaps", config("c1"))  # now it has caught up
    assert ("ADDED", "c1") in await stream.take(6)


async def test_a_list_brings_the_cache_up_to_date(filled: Any) -> None:
    filled.namespace("other")
    await filled.get(MAPS)
    stream = await watch(filled, MAPS, "")
    assert len(await stream.take(5)) == 5


async def test_initial_events_end_with_a_marked_bookmark(filled: Any) -> None:
    query = (
        "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        "&resourceVersion="
    )
    stream = await watch(filled, MAPS, query)
    await stream.take(5)
    bookmark = await stream.next()
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"] == {
        "resourceVersion": str(filled.storage.revision),
        "annotations": {"k8s.io/initial-events-end": "true"},
    }
    bare = await filled.get(f"{MAPS}?watch=true&sendInitialEvents=true")
    assert bare.message == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents '
        "requires setting resourceVersionMatch to NotOlderThan"
    )


async def test_bookmarks_come_before_the_end_of_a_watch(filled: Any) -> None:
    query = f"allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion={filled.storage.revision}"
    filled.namespace("other")
    lines = await filled.watch_lines(f"{MAPS}?watch=true&{query}")
    assert [line["type"] for line in lines] == ["BOOKMARK"]
    assert lines[0]["object"]["metadata"] == {"resourceVersion": str(filled.storage.revision)}


async def test_a_compacted_version_is_gone_in_stream(filled: Any) -> None:
    filled.storage.compact()
    lines = await filled.watch_lines(f"{MAPS}?watch=true&resourceVersion=7")
    assert lines == [
        {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": f"too old resource version: 7 ({filled.storage.revision})",
                "reason": "Expired",
                "code": 410,
            },
        }
    ]


async def test_history_is_bounded_and_the_old_versions_are_gone(filled: Any) -> None:
    filled.storage._history_size = 4
    start = filled.storage.revision
    for number in range(10):
        filled.storage.update("configmaps", config("a1", n=str(number)))
    lines = await filled.watch_lines(f"{MAPS}?watch=true&resourceVersion={start}")
    assert lines[0]["object"]["code"] == 410
    late = filled.storage.revision - 3
    stream = await watch(filled, MAPS, f"resourceVersion={late}")
    assert len(await stream.take(3)) == 3


async def test_a_selector_turns_changes_into_coming_and_going(filled: Any) -> None:
    version = filled.storage.revision
    stream = await watch(filled, MAPS, f"labelSelector=app%3Da&resourceVersion={version}")
    moved = config("b1")
    moved["metadata"]["labels"] = {"app": "a"}
    filled.storage.update("configmaps", moved)
    filled.storage.update("configmaps", config("b1", x="1"))  # its label is b again
    filled.storage.update("configmaps", config("b2", x="1"))  # never matches
    filled.storage.delete("configmaps", "qa", "a1")
    assert await stream.take(3) == [("ADDED", "b1"), ("DELETED", "b1"), ("DELETED", "a1")]


async def test_a_watch_on_one_name_and_one_namespace(filled: Any) -> None:
    filled.namespace("dev")
    query = f"fieldSelector=metadata.name%3Da2&resourceVersion={filled.storage.revision}"
    stream = await watch(filled, MAPS, query)
    filled.storage.create("configmaps", config("a2", "dev"))
    filled.storage.update("configmaps", config("a3", x="1"))
    filled.storage.update("configmaps", config("a2", x="1"))
    assert await stream.take(1) == [("MODIFIED", "a2")]


async def test_a_watch_ends_when_its_time_is_up(filled: Any) -> None:
    version = filled.storage.revision
    query = f"watch=true&resourceVersion={version}&timeoutSeconds=1"
    assert await filled.watch_lines(f"{MAPS}?{query}") == []


async def test_an_outage_cuts_open_watches_and_refuses_new_requests(filled: Any) -> None:
    stream = await watch(filled, MAPS, f"resourceVersion={filled.storage.revision}")
    filled.away = True
    with pytest.raises(aiohttp.ClientError):
        await filled.get(MAPS)
    with pytest.raises(aiohttp.ClientError):
        await stream.next()
    filled.away = False
    assert (await filled.get(MAPS)).status == 200


async def test_a_client_that_leaves_leaves_no_subscription_behind(filled: Any) -> None:
    stream = await watch(filled, MAPS, f"resourceVersion={filled.storage.revision}")
    filled.storage.update("configmaps", config("a1", x="1"))
    await stream.take(1)
    assert filled.storage._subscribers["configmaps"]
    stream.response.close()
    async with asyncio.timeout(60):
        while filled.storage._subscribers["configmaps"]:
            await asyncio.sleep(0.02)


async def test_tables_in_a_watch_name_their_columns_once(filled: Any) -> None:
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    stream = Stream(await filled.stream(f"{MAPS}?watch=true&resourceVersion=0", headers=accept))
    first, second = await stream.next(), await stream.next()
    assert first["object"]["rows"][0]["cells"][:2] == ["a1", 0]
    assert [c["name"] for c in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["object"]["columnDefinitions"] is None


async def test_the_autoscaler_is_listed_and_watched_in_both_versions(filled: Any) -> None:
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    created = await filled.ask(
        "POST",
        "/apis/autoscaling/v1/namespaces/qa/horizontalpodautoscalers",
        {
            "metadata": {"name": "web"},
            "spec": {
                "scaleTargetRef": target,
                "maxReplicas": 4,
                "targetCPUUtilizationPercentage": 55,
            },
        },
    )
    assert created.status == 201, created.text
    newer = (
        await filled.get("/apis/autoscaling/v2/namespaces/qa/horizontalpodautoscalers/web")
    ).body
    resource = newer["spec"]["metrics"][0]["resource"]
    assert resource == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}
    older = (await filled.get("/apis/autoscaling/v1/namespaces/qa/horizontalpodautoscalers")).body
    assert older["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 55
    assert "metrics" not in older["items"][0]["spec"]


async def test_events_have_two_names_for_the_same_fields(filled: Any) -> None:
    about = {"kind": "Pod", "name": "p", "namespace": "qa"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "reason": "R", "message": "m"}
    made = await filled.ask("POST", "/api/v1/namespaces/qa/events", event)
    assert made.status == 201, made.text
    assert made.body["eventTime"] is None
    newer = (await filled.get("/apis/events.k8s.io/v1/namespaces/qa/events/e")).body
    assert (newer["note"], newer["regarding"]) == ("m", about)
