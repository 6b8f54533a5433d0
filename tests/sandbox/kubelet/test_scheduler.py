"""Where pods are put, and what is said when there is no place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Object = dict[str, Any]
Make = Callable[..., Object]


def unschedulable(cluster: Any) -> list[str]:
    return [
        condition["message"]
        for pod in cluster.pods()
        for condition in pod.get("status", {}).get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]


def asking(cpu: str) -> Object:
    return {"resources": {"requests": {"cpu": cpu}}}


def test_pods_are_spread_over_the_nodes_with_most_room(
    make_cluster: Callable[..., Any], deployment: Make
) -> None:
    cluster = make_cluster(nodes=3)
    cluster.create("deployments.apps", deployment(replicas=6, container=asking("500m")))
    cluster.clock.advance(10)
    placed = Counter(pod["spec"]["nodeName"] for pod in cluster.pods())
    assert sorted(placed.values()) == [2, 2, 2]


def test_a_pod_that_fits_no_node_even_empty_is_told_that_preemption_does_not_help(
    make_cluster: Callable[..., Any], deployment: Make
) -> None:
    cluster = make_cluster(nodes=3)
    cluster.create("deployments.apps", deployment(replicas=1, container=asking("500")))
    cluster.clock.advance(5)
    assert unschedulable(cluster) == [
        "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    ]


def test_a_full_node_makes_the_next_pod_wait_until_one_goes(
    make_cluster: Callable[..., Any], deployment: Make
) -> None:
    cluster = make_cluster(nodes=1, cpu="1")
    cluster.create("deployments.apps", deployment("first", replicas=1, container=asking("600m")))
    cluster.clock.advance(5)
    cluster.create("deployments.apps", deployment("second", replicas=1, container=asking("600m")))
    cluster.clock.advance(5)
    assert unschedulable(cluster) == [
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    ]
    cluster.change("deployments.apps", "first", lambda obj: obj["spec"].update(replicas=0))
    cluster.clock.advance(8)
    assert unschedulable(cluster) == []
    [pod] = cluster.pods()
    assert pod["status"]["phase"] == "Running"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, "node(s) didn't match Pod's node affinity/selector"),
        ({}, "node(s) were unschedulable"),
    ],
)
def test_selectors_and_cordons_are_reasons(
    make_cluster: Callable[..., Any], deployment: Make, edit: Object, reason: str
) -> None:
    cluster = make_cluster(nodes=1)
    if not edit:
        node = cluster.storage.get("nodes", None, "localhost")
        node["spec"]["unschedulable"] = True
        cluster.storage.update("nodes", node)
    cluster.create("deployments.apps", deployment(replicas=1, pod=edit))
    cluster.clock.advance(5)
    [message] = unschedulable(cluster)
    assert message.startswith(f"0/1 nodes are available: 1 {reason}.")
    assert [event["type"] for event in cluster.events("FailedScheduling")] == ["Warning"]


def test_a_new_node_takes_the_pods_that_waited(
    make_cluster: Callable[..., Any], deployment: Make
) -> None:
    cluster = make_cluster(nodes=1, cpu="1")
    cluster.create("deployments.apps", deployment(replicas=2, container=asking("600m")))
    cluster.clock.advance(5)
    assert len(unschedulable(cluster)) == 1
    cluster.add_node("node-2")
    cluster.clock.advance(5)
    assert {pod["spec"]["nodeName"] for pod in cluster.pods()} == {"localhost", "node-2"}


def test_on_the_hosts_network_a_port_is_had_once(
    make_cluster: Callable[..., Any], deployment: Make
) -> None:
    """Two replicas behind one port need two nodes; the second waits, and takes the place of the
    first when it goes."""
    cluster = make_cluster(nodes=1)
    ports = {"ports": [{"containerPort": 8080}]}
    cluster.create("deployments.apps", deployment("one", replicas=2, container=ports))
    cluster.clock.advance(5)
    assert unschedulable(cluster) == [
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. "
        "no new claims to deallocate, preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    ]
    cluster.change("deployments.apps", "one", lambda obj: obj["spec"].update(replicas=0))
    cluster.create("deployments.apps", deployment("two", replicas=1, container=ports))
    cluster.clock.advance(8)
    [pod] = cluster.pods()
    assert (pod["status"]["phase"], unschedulable(cluster)) == ("Running", [])


@pytest.mark.parametrize(
    ("ports", "free"),
    [
        ({"containerPort": 8080}, True),
        ({"containerPort": 8080, "hostPort": 8080}, False),
        ({"containerPort": 8080, "hostPort": 8081}, True),
        ({"containerPort": 8080, "hostPort": 8080, "protocol": "UDP"}, True),
        ({"containerPort": 8080, "hostPort": 8080, "hostIP": "127.0.0.1"}, False),
    ],
)
def test_ports_clash_by_number_protocol_and_address(
    make_cluster: Callable[..., Any], deployment: Make, ports: Object, free: bool
) -> None:
    cluster = make_cluster(nodes=1)
    taken, own = {"ports": [{"containerPort": 80, "hostPort": 8080}]}, {"hostNetwork": False}
    cluster.create("deployments.apps", deployment("one", replicas=1, container=taken, pod=own))
    cluster.clock.advance(1)
    wanted = {"ports": [ports]}
    cluster.create("deployments.apps", deployment("two", replicas=1, container=wanted, pod=own))
    cluster.clock.advance(1)
    assert (unschedulable(cluster) == []) is free
