"""What the streams make of a server that closes, repeats itself, forgets, stumbles or goes away."""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.kubernetes_connections import Timeouts
from bot.adapters.kubernetes_feeds import PODS
from bot.errors import PortError, Trouble
from tests.adapters.cluster.scripted import (
    KINDS,
    ManualClock,
    ScriptedServer,
    Seen,
    answers,
    error_line,
    put_pod,
    put_workload,
    says,
    status,
    until,
    write_kubeconfig,
)

Follow = Callable[..., Seen]
OWNER = "uid-of-tasks-service-1"


async def following(
    follow: Follow, cluster: KubernetesCluster, name: str = "tasks-service"
) -> Seen:
    seen = follow(name)
    await until(lambda: seen.snapshots and cluster.streams == 3)
    return seen


async def test_a_follower_sees_the_workload_with_what_it_owns(
    server: ScriptedServer, follow: Follow
) -> None:
    put_pod(server, "stranger", "Running", owner="uid-of-something-else")
    seen = follow()
    await until(lambda: seen.snapshots)
    assert seen.last.deployment is not None
    assert seen.last.deployment.desired == 2
    assert [r.name for r in seen.last.replica_sets] == ["tasks-service-1"]
    assert seen.pods() == {"tasks-service-1-0": "Running", "tasks-service-1-1": "Running"}
    assert len(seen.snapshots) == 1, "half a picture was handed out before"


async def test_a_change_of_a_pod_reaches_its_follower_and_nobody_else(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    put_workload(server, "forms-service", pods=1)
    seen = await following(follow, cluster)
    other = await following(follow, cluster, "forms-service")
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods().get("tasks-service-1-0") == "Failed")
    assert len(other.snapshots) == 1


async def test_followers_of_a_namespace_share_three_streams(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    everybody = [follow(f"service-{number}") for number in range(50)]
    await until(lambda: cluster.streams == 3 and all(seen.snapshots for seen in everybody))
    assert server.open_watches == 3
    assert [len(server.asked(kind, "list")) for kind in KINDS] == [1, 1, 1]
    assert everybody[0].last.deployment is None


async def test_a_burst_of_events_becomes_one_snapshot(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    lines = []
    for number in range(500):
        pod = put_pod(server, "tasks-service-1-0", f"Phase{number}", silent=True)
        lines.append(json.dumps({"type": "MODIFIED", "object": pod}).encode() + b"\n")
    server.watches["pods"][0].raw(b"".join(lines))
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Phase499")
    assert len(seen.snapshots) <= 1 + 10, "a snapshot was handed out for every event"


async def test_a_newcomer_gets_the_present_snapshot_without_any_event(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    await following(follow, cluster)
    put_pod(server, "tasks-service-1-1", "Failed")
    late = follow()
    await until(lambda: late.snapshots)
    await until(lambda: late.pods()["tasks-service-1-1"] == "Failed")
    assert len(server.asked("pods", "list")) == 1


async def test_a_follower_that_has_stopped_hears_nothing(
    server: ScriptedServer, cluster: KubernetesCluster, follow: Follow
) -> None:
    gone = Seen()
    stop = cluster.follow(
        "", "dynamo-qa", "tasks-service", gone.snapshots.append, gone.obstacles.append
    )
    seen = await following(follow, cluster)
    await until(lambda: gone.snapshots)
    stop()
    stop()
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")
    assert len(gone.snapshots) == 1


async def test_a_follower_that_fails_does_not_take_the_news_from_the_others(
    cluster: KubernetesCluster,
    server: ScriptedServer,
    follow: Follow,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("a follower's own trouble")

    stop = cluster.follow("", "dynamo-qa", "tasks-service", fail, fail)
    seen = await following(follow, cluster)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")
    assert "a follower's own trouble" in caplog.text
    stop()


async def test_the_streams_end_a_minute_after_the_last_follower(
    server: ScriptedServer, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = Seen()
    stop = cluster.follow("", "dynamo-qa", "tasks-service", seen.snapshots.append, print)
    await until(lambda: seen.snapshots and cluster.streams == 3)
    stop()
    clock.advance(59)
    await asyncio.sleep(0)
    assert server.open_watches == 3
    clock.advance(2)
    assert cluster.streams == 0
    await until(lambda: server.open_watches == 0)


async def test_a_follower_that_comes_within_the_minute_keeps_the_streams(
    server: ScriptedServer, cluster: KubernetesCluster, clock: ManualClock, follow: Follow
) -> None:
    seen = Seen()
    stop = cluster.follow("", "dynamo-qa", "tasks-service", seen.snapshots.append, print)
    await until(lambda: seen.snapshots and cluster.streams == 3)
    stop()
    clock.advance(50)
    late = follow()
    await until(lambda: late.snapshots)
    clock.advance(50)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: late.pods()["tasks-service-1-0"] == "Failed")
    assert len(server.asked("pods", "list")) == 1


async def test_a_closed_watch_goes_on_from_the_last_version(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")
    server.watches["pods"][0].close()
    await until(lambda: len(server.asked("pods", "watch")) == 2)
    assert server.asked("pods", "watch")[1]["resourceVersion"] == str(server.revision)
    assert len(server.asked("pods", "list")) == 1
    assert seen.obstacles == []


async def test_a_bookmark_moves_the_version_on(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    await following(follow, cluster)
    watch = server.watches["pods"][0]
    watch.send("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "5000"}})
    watch.close()
    await until(lambda: len(server.asked("pods", "watch")) == 2)
    assert server.asked("pods", "watch")[1]["resourceVersion"] == "5000"


async def test_watches_ask_for_bookmarks_and_a_limited_time(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    await following(follow, cluster)
    for kind in KINDS:
        [query] = server.asked(kind, "watch")
        assert query["allowWatchBookmarks"] == "true"
        assert 240 <= int(query["timeoutSeconds"]) <= 300


@pytest.mark.parametrize(
    "gone",
    [
        answers(lambda: status(410, "too old resource version", "Expired")),
        says(error_line(410, "too old resource version: 1 (2)", "Expired")),
    ],
    ids=["as an answer", "inside the stream"],
)
async def test_an_expired_version_is_listed_anew_and_the_vanished_is_missed(
    server: ScriptedServer,
    follow: Follow,
    cluster: KubernetesCluster,
    clock: ManualClock,
    gone: Any,
) -> None:
    seen = await following(follow, cluster)
    server.faults["pods", "watch"].append(gone)
    server.delete("pods", "tasks-service-1-0", silent=True)
    put_pod(server, "tasks-service-1-2", "Pending", owner=OWNER, silent=True)
    server.watches["pods"][0].close()
    await until(
        lambda: seen.pods() == {"tasks-service-1-1": "Running", "tasks-service-1-2": "Pending"},
        clock,
    )
    assert seen.obstacles == []


async def test_too_large_a_version_right_after_a_write_is_waited_for(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    server.faults["pods", "watch"].append(
        says(
            error_line(
                504,
                "Timeout: Too large resource version: 4352, current: 4346",
                "Timeout",
                causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large"}],
                retryAfterSeconds=1,
            )
        )
    )
    seen = follow()
    await until(lambda: cluster.streams == 3, clock)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods().get("tasks-service-1-0") == "Failed")
    assert len(server.asked("pods", "list")) == 2
    assert seen.obstacles == []


async def test_events_that_come_twice_or_late_change_nothing(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    old = put_pod(server, "tasks-service-1-0", "Pending", silent=True)
    new = put_pod(server, "tasks-service-1-0", "Failed", silent=True)
    watch = server.watches["pods"][0]
    for event in (new, old, new, old):
        watch.send("MODIFIED", event)
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")
    assert "Pending" not in {s.pods[0].phase for s in seen.snapshots}
    watch.close()
    await until(lambda: len(server.asked("pods", "watch")) == 2)
    assert server.asked("pods", "watch")[1]["resourceVersion"] == str(server.revision)


async def test_a_late_event_does_not_bring_back_what_was_deleted(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    late = put_pod(server, "tasks-service-1-0", "Running", silent=True)
    server.delete("pods", "tasks-service-1-0")
    server.tell("pods", "MODIFIED", late)
    put_pod(server, "tasks-service-1-1", "Failed")
    await until(lambda: seen.pods().get("tasks-service-1-1") == "Failed")
    assert "tasks-service-1-0" not in seen.pods()


async def test_a_relist_of_what_is_known_tells_nobody_anything(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = await following(follow, cluster)
    server.faults["pods", "watch"].append(says(error_line(410, "too old", "Expired")))
    server.watches["pods"][0].close()
    await until(lambda: len(server.asked("pods", "list")) == 2 and cluster.streams == 3, clock)
    assert len(seen.snapshots) == 1


async def test_a_line_cut_in_the_middle_is_read_whole_by_the_next_watch(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = await following(follow, cluster)
    pod = put_pod(server, "tasks-service-1-0", "Failed", silent=True)
    line = json.dumps({"type": "MODIFIED", "object": pod}).encode() + b"\n"
    watch = server.watches["pods"][0]
    watch.raw(line[:40])
    watch.close()
    server.faults["pods", "watch"].append(says(line))
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed", clock)


async def test_bytes_that_come_one_by_one_make_an_event(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    pod = put_pod(server, "tasks-service-1-0", "Failed", silent=True)
    for byte in json.dumps({"type": "MODIFIED", "object": pod}).encode() + b"\n":
        server.watches["pods"][0].raw(bytes([byte]))
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>proxy error</html>\n",
        b"[]\n",
        b'{"type":"ADDED"}\n',
        b'{"type":"ADDED","object":7}\n',
    ],
)
async def test_garbage_in_a_stream_is_survived(
    server: ScriptedServer,
    follow: Follow,
    cluster: KubernetesCluster,
    clock: ManualClock,
    garbage: bytes,
) -> None:
    seen = await following(follow, cluster)
    server.watches["pods"][0].raw(garbage)
    await until(lambda: len(server.asked("pods", "watch")) == 2 and cluster.streams == 3, clock)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")


async def test_a_stream_that_brings_news_between_its_failures_is_no_obstacle(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = await following(follow, cluster)
    for number in range(5):
        watch = server.watches["pods"][0]
        put_pod(server, "tasks-service-1-0", f"Phase{number}")
        await until(lambda: seen.pods()["tasks-service-1-0"] == f"Phase{number}")  # noqa: B023
        watch.raw(b"garbage\n")
        await until(lambda: not server.watches["pods"] or server.watches["pods"][0] is not watch)  # noqa: B023
        await until(lambda: cluster.streams == 3, clock)
    assert seen.obstacles == []
    assert len(server.asked("pods", "list")) == 1


async def test_an_object_that_cannot_be_read_does_not_stop_the_others(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster
) -> None:
    seen = await following(follow, cluster)
    put_pod(server, "tasks-service-1-0", "Running", silent=True)
    strange = server.put("pods", "tasks-service-1-0", silent=True, status="no object at all")
    server.tell("pods", "MODIFIED", strange)
    put_pod(server, "tasks-service-1-1", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-1"] == "Failed")


async def test_a_server_away_for_a_minute_is_one_obstacle_and_no_loss(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = await following(follow, cluster)
    left = clock.now()
    await server.stop()
    server.delete("pods", "tasks-service-1-0", silent=True)
    await until(lambda: (clock.now() - left).total_seconds() > 60, clock)
    [obstacle] = seen.obstacles
    assert obstacle is not None
    assert obstacle.trouble is Trouble.AWAY
    assert obstacle.temporary
    await server.start()
    await until(lambda: cluster.streams == 3 and seen.obstacles[-1] is None, clock)
    await until(lambda: seen.pods() == {"tasks-service-1-1": "Running"}, clock)
    assert len(seen.obstacles) == 2
    late = follow()
    await until(lambda: late.snapshots)
    assert late.obstacles == []


async def test_who_follows_while_the_server_is_away_is_told_so(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    await server.stop()
    first = follow()
    await until(lambda: first.obstacles, clock)
    late = follow()
    await until(lambda: late.obstacles)
    assert late.obstacles[0] is first.obstacles[0]
    assert late.snapshots == []


async def test_waits_grow_between_attempts_and_stay_within_bounds(
    server: ScriptedServer, follow: Follow, clock: ManualClock
) -> None:
    moments = []

    async def stumble(_: web.Request) -> web.StreamResponse:
        moments.append((clock.now()).timestamp())
        return status(500, "etcdserver: leader changed")

    server.faults["pods", "list"].extend([stumble] * 12)
    seen = follow()
    await until(lambda: seen.snapshots, clock, within=20)
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert waits[0] <= 0.6
    assert max(waits) <= 8.5
    assert sum(waits[-3:]) >= 3 * 3.9


async def test_a_server_that_closes_every_watch_at_once_is_not_hammered(
    server: ScriptedServer, follow: Follow, clock: ManualClock
) -> None:
    server.faults["pods", "watch"].extend([says()] * 1000)
    seen = follow()
    await until(lambda: seen.snapshots)
    await until(lambda: clock.timers)
    before = len(server.asked("pods", "watch"))
    started = clock.now()
    await until(lambda: (clock.now() - started).total_seconds() > 60, clock)
    assert len(server.asked("pods", "watch")) - before < 30
    assert seen.obstacles == []


async def test_silence_is_a_dead_connection(
    server: ScriptedServer, kubeconfig: Path, clock: ManualClock
) -> None:
    adapter = KubernetesCluster(
        clock, kubeconfig=str(kubeconfig), timeouts=Timeouts(connect=2, total=5, idle=0.1)
    )
    seen = Seen()
    adapter.follow("", "dynamo-qa", "tasks-service", seen.snapshots.append, seen.obstacles.append)
    await until(lambda: len(server.asked("pods", "watch")) >= 3, clock)
    assert len(server.asked("pods", "list")) == 1
    await adapter.close()


async def test_a_missing_right_is_named_and_tried_again_slowly(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    def denied() -> web.Response:
        return status(
            403,
            'pods is forbidden: User "dynamo" cannot watch resource "pods" in API group "" '
            'in the namespace "dynamo-qa"',
            "Forbidden",
        )

    server.faults["pods", "watch"].extend([answers(denied)] * 2)
    seen = follow()
    await until(lambda: seen.obstacles)
    [obstacle] = seen.obstacles
    assert obstacle is not None
    assert obstacle.trouble is Trouble.FORBIDDEN
    assert (obstacle.values["verb"], obstacle.values["resource"]) == ("watch", "pods")
    assert obstacle.values["namespace"] == "dynamo-qa"
    started = clock.now()
    await until(lambda: seen.obstacles[-1] is None, clock)
    assert (clock.now() - started).total_seconds() >= 2 * 15
    assert len(seen.obstacles) == 2


async def test_credentials_that_no_longer_hold_are_read_anew(
    server: ScriptedServer, tmp_path: Path, clock: ManualClock
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    path = write_kubeconfig(tmp_path / "config", url, token="first")
    server.tokens = {"first"}
    adapter = KubernetesCluster(clock, kubeconfig=str(path))
    seen = Seen()
    adapter.follow("", "dynamo-qa", "tasks-service", seen.snapshots.append, seen.obstacles.append)
    await until(lambda: seen.snapshots and adapter.streams == 3)
    server.tokens = {"second"}
    write_kubeconfig(path, url, token="second")
    server.watches["pods"][0].close()
    await until(lambda: len(server.asked("pods", "watch")) == 3 and adapter.streams == 3, clock)
    put_pod(server, "tasks-service-1-0", "Failed")
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed")
    assert seen.obstacles == []
    await adapter.close()


async def test_a_tokens_file_may_end_with_a_new_line_as_kubectl_lets_it(
    server: ScriptedServer, tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "token").write_text("sesame\n")
    server.tokens = {"sesame"}
    url = f"http://127.0.0.1:{server.port}"
    path = write_kubeconfig(tmp_path / "config", url, tokenFile="token")
    adapter = KubernetesCluster(clock, kubeconfig=str(path))
    _, pods = await adapter.connections.to("").list(PODS, "dynamo-qa")
    assert len(pods) == 2
    await adapter.close()


async def test_a_token_that_can_be_no_header_is_a_trouble_and_is_not_told(
    server: ScriptedServer, tmp_path: Path, clock: ManualClock
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    path = write_kubeconfig(tmp_path / "config", url, token="sesame\nopen")
    adapter = KubernetesCluster(clock, kubeconfig=str(path))
    with pytest.raises(PortError) as raised:
        await adapter.connections.to("").list(PODS, "dynamo-qa")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    assert "sesame" not in str(raised.value.values)
    await adapter.close()


async def test_credentials_that_do_not_hold_at_all_are_an_obstacle(
    server: ScriptedServer, follow: Follow, clock: ManualClock
) -> None:
    server.tokens = {"some other"}
    seen = follow()
    await until(lambda: seen.obstacles)
    assert seen.obstacles[0] is not None
    assert seen.obstacles[0].trouble is Trouble.UNAUTHENTICATED
    server.tokens = set()
    await until(lambda: seen.snapshots and seen.obstacles[-1] is None, clock)


async def test_a_server_restored_from_an_older_backup_is_believed(
    server: ScriptedServer, follow: Follow, cluster: KubernetesCluster, clock: ManualClock
) -> None:
    seen = await following(follow, cluster)
    server.revision = 10
    put_pod(server, "tasks-service-1-0", "Failed", silent=True)
    server.faults["pods", "watch"].append(answers(lambda: status(410, "too old", "Expired")))
    server.watches["pods"][0].close()
    await until(lambda: seen.pods()["tasks-service-1-0"] == "Failed", clock)


async def test_no_log_line_holds_a_token(
    server: ScriptedServer, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:{server.port}"
    path = write_kubeconfig(tmp_path / "config", url, token="sesame-open")
    server.tokens = {"another"}
    adapter = KubernetesCluster(clock, kubeconfig=str(path))
    seen = Seen()
    adapter.follow("", "dynamo-qa", "tasks-service", seen.snapshots.append, seen.obstacles.append)
    await until(lambda: seen.obstacles)
    assert "sesame-open" not in caplog.text
    assert "sesame-open" not in str(seen.obstacles[0])
    await adapter.close()
