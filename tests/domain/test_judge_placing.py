"""Pods that are not made, not placed, or taken away: the rows of rollouts.md §1.4."""

from typing import Any

import pytest

QUOTA = (
    'pods "tasks-7f8c9-x2x4k" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, '
    "limited: pods=3"
)
IMPOSSIBLE = (
    "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 "
    "nodes are available: 2 Preemption is not helpful for scheduling."
)
FULL = (
    "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available: 2 No "
    "preemption victims found for incoming pod."
)


# --- admission ----------------------------------------------------------------------------------


def refused(world: Any, api: Any, message: str) -> None:
    failure = api.condition("ReplicaFailure", "True", "FailedCreate", message)
    world.replica_set("new", revision=2, replicas=0, conditions=[failure])
    world.deployment(updated=0, replicas=3)


def test_a_quota_that_is_used_up_fails_after_5_s_though_no_pod_says_so(
    world: Any, api: Any
) -> None:
    refused(world, api, QUOTA)
    assert world.through(0.1, 5, 5.1) == [
        ("warn", "ADMISSION_DENIED"),
        ("warn", "ADMISSION_DENIED"),
        ("fail", "ADMISSION_DENIED"),
    ]
    assert world.finding.message.startswith("exceeded quota: pods")
    assert (world.finding.pods, world.verdict.values["variant"]) == ((), "quota")


@pytest.mark.parametrize(
    ("message", "variant"),
    [
        ('pods "x" is forbidden: maximum cpu usage per Container is 1, but limit is 2', "limits"),
        ('admission webhook "policy.example" denied the request: no root', "webhook"),
        (
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot',
            "security",
        ),
        (
            'pods "x" is forbidden: error looking up service account qa/t: '
            'serviceaccount "t" not found',
            "account",
        ),
        ('Pod "x" is invalid: spec.priorityClassName', "refused"),
    ],
)
def test_each_refusal_is_told_in_the_servers_words(
    world: Any, api: Any, message: str, variant: str
) -> None:
    refused(world, api, message)
    assert world.through(0.1, 5.1)[1] == ("fail", "ADMISSION_DENIED")
    assert world.verdict.values["variant"] == variant
    assert world.finding.message in message


def test_a_refusal_that_passes_is_forgotten(world: Any, api: Any) -> None:
    refused(world, api, QUOTA)
    world.at(1)
    world.replica_set("new", revision=2)
    world.deployment()
    assert world.at(7) == ("wait", "UPDATING")


def test_old_pods_on_their_way_out_will_give_their_quota_back(world: Any, api: Any) -> None:
    refused(world, api, QUOTA)
    world.pod("old-1", api.running(-60), of="old", ready=True, deleting=True)
    assert world.through(0.1, 30) == [("warn", "ADMISSION_DENIED")] * 2
    world.no_pod("old-1")
    assert world.through(31, 60) == [("warn", "ADMISSION_DENIED")] * 2
    assert world.at(91) == ("fail", "ADMISSION_DENIED")


def test_a_replica_set_that_cannot_even_be_made_is_refused_too(world: Any, api: Any) -> None:
    words = 'Failed to create new replica set "tasks-7f8": replicasets.apps is forbidden: quota'
    condition = api.condition("Progressing", "False", "ReplicaSetCreateError", words)
    world.deployment(revision=1, updated=0, replicas=3, conditions=[condition])
    assert world.through(0.1, 5.1)[1] == ("fail", "ADMISSION_DENIED")


def test_the_failure_of_an_old_replica_set_is_not_ours(world: Any, api: Any) -> None:
    failure = api.condition("ReplicaFailure", "True", "FailedCreate", QUOTA)
    world.replica_set("old", revision=1, desired=3, replicas=2, conditions=[failure])
    world.deployment(conditions=[failure])
    assert world.through(0.1, 6) == [("wait", "UPDATING")] * 2


# --- scheduling ---------------------------------------------------------------------------------


def unplaced(world: Any, api: Any, message: str, reason: str = "Unschedulable") -> None:
    condition = api.condition("PodScheduled", "False", reason, message)
    world.pod(state={}, node="", conditions=[condition])


def test_what_no_node_can_ever_take_warns_after_5_s_and_fails_after_30(
    world: Any, api: Any
) -> None:
    unplaced(world, api, IMPOSSIBLE)
    assert world.through(0, 4.9, 5, 29.9, 30) == [
        ("wait", "UPDATING"),
        ("wait", "UPDATING"),
        ("warn", "UNSCHEDULABLE"),
        ("warn", "UNSCHEDULABLE"),
        ("fail", "UNSCHEDULABLE"),
    ]
    assert world.verdict.values["resource"] == "cpu"
    assert world.finding.message == "0/2 nodes are available: 2 Insufficient cpu"


def test_a_selector_that_no_node_has_fails_after_30_s(world: Any, api: Any) -> None:
    unplaced(
        world, api, "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
    )
    assert world.through(0, 30)[1] == ("fail", "UNSCHEDULABLE")


@pytest.mark.parametrize(
    "message",
    [
        FULL,
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
        ". preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    ],
)
def test_a_cluster_that_may_yet_have_room_gets_120_s(world: Any, api: Any, message: str) -> None:
    unplaced(world, api, message)
    assert world.through(0, 4.9, 5, 119.9, 120) == [
        ("wait", "UPDATING"),
        ("wait", "UPDATING"),
        ("warn", "UNSCHEDULABLE"),
        ("warn", "UNSCHEDULABLE"),
        ("fail", "UNSCHEDULABLE"),
    ]


def test_an_autoscaler_that_makes_a_node_gets_5_minutes(world: Any, api: Any) -> None:
    unplaced(world, api, FULL)
    world.at(0)
    world.at(5)
    assert world.wants_events == ("new-1",)
    world.event("new-1", "TriggeredScaleUp", "pod triggered scale-up: 1->2", first=10, at=10)
    assert world.through(11, 130, 310) == [("warn", "UNSCHEDULABLE")] * 3
    assert world.again_in == 311
    assert world.at(311) == ("fail", "UNSCHEDULABLE")


def test_a_scheduling_gate_warns_and_waits(world: Any, api: Any) -> None:
    unplaced(
        world, api, "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"
    )
    assert world.through(0, 5, 300)[1:] == [("warn", "UNSCHEDULABLE")] * 2


def test_a_pod_that_found_its_node_is_forgotten(world: Any, api: Any) -> None:
    unplaced(world, api, FULL)
    world.at(0)
    world.pod(state=api.running(9), ready=True)
    assert world.at(200) == ("wait", "UPDATING")


# --- taken away ---------------------------------------------------------------------------------


def test_an_evicted_pod_warns_and_fails_nothing(world: Any, api: Any) -> None:
    words = "The node was low on resource: memory."
    world.pod("new-1", api.ended(137), phase="Failed", reason="Evicted", message=words)
    assert world.at(1) == ("warn", "EVICTED")
    assert (world.finding.pods, world.finding.message) == (("new-1",), words)
    world.no_pod("new-1")
    world.pod("new-2", api.running(5), ready=True)
    world.done()
    assert world.at(6) == ("pass", "COMPLETE")


@pytest.mark.parametrize("target", ["EvictionByEvictionAPI", "PreemptionByScheduler"])
def test_pods_that_a_drain_or_a_greater_pod_drives_out_are_evicted(
    world: Any, api: Any, target: str
) -> None:
    conditions = [api.condition("DisruptionTarget", "True", target)]
    world.pod(state=api.ended(143), deleting=True, conditions=conditions)
    assert world.at(1) == ("warn", "EVICTED")


def test_a_third_distinct_pod_fails_though_the_first_are_gone(world: Any, api: Any) -> None:
    for second, name in enumerate(("new-1", "new-2", "new-3"), start=1):
        world.pod(name, api.ended(137), phase="Failed", reason="Evicted")
        outcome = world.at(second)
        world.no_pod(name)
    assert outcome == ("fail", "EVICTED")


def test_the_same_evicted_pod_is_counted_once(world: Any, api: Any) -> None:
    world.pod(state=api.ended(137), phase="Failed", reason="Evicted")
    assert world.through(1, 2, 3, 4) == [("warn", "EVICTED")] * 4


@pytest.mark.parametrize("reason", ["NodeLost", "OutOfcpu", "UnexpectedAdmissionError"])
def test_a_pod_that_its_node_refuses_or_loses_is_the_clusters_trouble(
    world: Any, api: Any, reason: str
) -> None:
    world.pod(state={}, phase="Failed", reason=reason)
    assert world.at(1) == ("warn", "NODE_TROUBLE")


def test_a_node_that_does_not_report_warns_after_5_s_and_fails_nothing(
    world: Any, api: Any
) -> None:
    conditions = [api.condition("ContainersReady"), api.condition("Ready", "False")]
    world.pod(state=api.running(), ready=True, conditions=conditions)
    world.done(available=2)
    assert world.through(40, 45, 400) == [
        ("wait", "AVAILABILITY"),
        ("warn", "NODE_TROUBLE"),
        ("warn", "NODE_TROUBLE"),
    ]
    assert world.verdict.values["node"] == "node-1"
