"""What the Deployment and ReplicaSet controllers do beyond the recorded scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Make = Callable[..., Object]
REVISION = "deployment.kubernetes.io/revision"


def image(version: str) -> Callable[[Object], None]:
    def edit(deployment: Object) -> None:
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["image"] = f"localhost:5000/dynamo/tasks-service:{version}"

    return edit


def roll(cluster: Any, version: str, seconds: float = 10.0) -> Object:
    cluster.change("deployments.apps", "tasks-service", image(version))
    cluster.clock.advance(seconds)
    found: Object = cluster.get("deployments.apps", "tasks-service")
    return found


def replica_sets(cluster: Any) -> dict[str, Object]:
    """By revision."""
    return {
        each["metadata"]["annotations"][REVISION]: each
        for each in cluster.storage.list("replicasets.apps", "dynamo")
    }


def condition(obj: Object, kind: str) -> Object:
    found: Object = next(each for each in obj["status"]["conditions"] if each["type"] == kind)
    return found


def test_a_roll_back_takes_the_old_replica_set_and_gives_it_the_next_revision(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    first = replica_sets(cluster)["1"]["metadata"]["name"]
    roll(cluster, "1.1.0")
    back = roll(cluster, "1.0.0")
    assert back["metadata"]["annotations"][REVISION] == "3"
    sets = replica_sets(cluster)
    assert set(sets) == {"2", "3"}
    assert sets["3"]["metadata"]["name"] == first
    history = "deployment.kubernetes.io/revision-history"
    assert sets["3"]["metadata"]["annotations"][history] == "1"
    assert back["status"]["updatedReplicas"] == 3
    assert condition(back, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_a_write_that_changes_no_template_starts_nothing(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    before = cluster.storage.revision
    same = cluster.change("deployments.apps", "tasks-service", lambda _obj: None)
    cluster.clock.advance(60)
    assert same["metadata"]["generation"] == 1
    assert cluster.storage.revision == before


def test_recreate_ends_all_old_pods_before_the_first_new_one(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(strategy={"type": "Recreate"}))
    cluster.clock.advance(10)
    old = {pod["metadata"]["name"] for pod in cluster.pods()}
    started = len(cluster.changes)
    done = roll(cluster, "1.1.0", 12)
    seen: set[str] = set(old)
    for change in cluster.changes[started:]:
        if change.kind != "Pod":
            continue
        name = change.object["metadata"]["name"]
        if name not in old and change.type == "ADDED":
            assert not any(cluster_pod in seen for cluster_pod in old), (
                "a new pod was made while an old one was left"
            )
        over = change.object.get("status", {}).get("phase") in ("Failed", "Succeeded")
        if change.type == "DELETED" or over:
            seen.discard(name)
    assert done["status"]["updatedReplicas"] == done["status"]["availableReplicas"] == 3


def test_a_paused_deployment_scales_but_does_not_roll_and_goes_on_when_resumed(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)

    def pause(obj: Object) -> None:
        obj["spec"]["paused"] = True
        obj["spec"]["replicas"] = 4
        image("1.1.0")(obj)

    cluster.change("deployments.apps", "tasks-service", pause)
    cluster.clock.advance(100)
    paused = cluster.get("deployments.apps", "tasks-service")
    assert condition(paused, "Progressing")["reason"] == "DeploymentPaused"
    assert paused["status"]["replicas"] == 4
    assert len(replica_sets(cluster)) == 1

    cluster.change(
        "deployments.apps", "tasks-service", lambda obj: obj["spec"].update(paused=False)
    )
    cluster.clock.advance(0.004)
    resumed = cluster.get("deployments.apps", "tasks-service")
    reasons = [
        condition(each.object, "Progressing")["reason"]
        for each in cluster.changes
        if each.kind == "Deployment" and each.object.get("status", {}).get("conditions")
    ]
    assert "DeploymentResumed" in reasons
    assert resumed["metadata"]["generation"] == 3
    cluster.clock.advance(10)
    assert cluster.get("deployments.apps", "tasks-service")["status"]["updatedReplicas"] == 4


def test_scaling_during_a_rollout_keeps_both_replica_sets_in_proportion(
    cluster: Any, deployment: Make
) -> None:
    cluster.create(
        "deployments.apps",
        deployment(
            replicas=4,
            strategy={
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0},
            },
        ),
    )
    cluster.clock.advance(10)

    def never_ready(obj: Object) -> None:
        image("1.1.0")(obj)
        probe = obj["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        probe["exec"]["command"] = ["/bin/false"]

    cluster.change("deployments.apps", "tasks-service", never_ready)
    cluster.clock.advance(2)
    assert [each["spec"]["replicas"] for _, each in sorted(replica_sets(cluster).items())] == [4, 2]
    cluster.change("deployments.apps", "tasks-service", lambda obj: obj["spec"].update(replicas=8))
    cluster.clock.advance(2)
    assert [each["spec"]["replicas"] for _, each in sorted(replica_sets(cluster).items())] == [7, 3]


def test_min_ready_seconds_hold_a_pod_back_from_being_available(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(minReadySeconds=20))
    cluster.clock.advance(10)
    early = cluster.get("deployments.apps", "tasks-service")["status"]
    assert early["readyReplicas"] == 3
    assert "availableReplicas" not in early
    cluster.clock.advance(15)
    assert cluster.get("deployments.apps", "tasks-service")["status"]["availableReplicas"] == 3


def test_only_as_many_old_replica_sets_are_kept_as_the_history_limit_says(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(revisionHistoryLimit=1))
    cluster.clock.advance(10)
    for version in ("1.1.0", "1.2.0"):
        roll(cluster, version)
    assert set(replica_sets(cluster)) == {"2", "3"}


def test_without_a_deadline_there_is_no_progressing_condition(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(progressDeadlineSeconds=2**31 - 1))
    cluster.clock.advance(10)
    done = cluster.get("deployments.apps", "tasks-service")
    assert [each["type"] for each in done["status"]["conditions"]] == ["Available"]


def test_progress_after_the_deadline_ends_the_failure(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    failed = roll(cluster, "9.9.9", 40)
    assert condition(failed, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    mended = roll(cluster, "1.1.0", 10)
    assert condition(mended, "Progressing") == {
        **condition(mended, "Progressing"),
        "status": "True",
        "reason": "NewReplicaSetAvailable",
    }


def test_a_quota_shows_as_replica_failure_and_goes_when_there_is_room(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    quota = {
        "kind": "ResourceQuota",
        "apiVersion": "v1",
        "metadata": {"name": "compute", "namespace": "dynamo"},
        "spec": {"hard": {"pods": "3"}},
    }
    cluster.create("resourcequotas", quota)
    refused = roll(cluster, "1.1.0", 5)
    failure = condition(refused, "ReplicaFailure")
    assert failure["status"] == "True"
    assert failure["reason"] == "FailedCreate"
    name = replica_sets(cluster)["2"]["metadata"]["name"]
    assert failure["message"].startswith(f'pods "{name}-')
    assert failure["message"].endswith(
        "is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3"
    )
    messages = [each["message"] for each in cluster.events("FailedCreate")]
    assert all("exceeded quota: compute" in message for message in messages)
    assert any(message.startswith("(combined from similar events): ") for message in messages)
    assert cluster.get("resourcequotas", "compute")["status"]["used"] == {"pods": "3"}

    cluster.storage.delete("resourcequotas", "dynamo", "compute")
    cluster.clock.advance(60)
    done = cluster.get("deployments.apps", "tasks-service")
    assert done["status"]["updatedReplicas"] == 3
    assert "ReplicaFailure" not in [each["type"] for each in done["status"]["conditions"]]


def test_a_quota_that_leaves_room_counts_what_is_used(cluster: Any, deployment: Make) -> None:
    hard = {"pods": "5", "requests.cpu": "2"}
    quota = {
        "kind": "ResourceQuota",
        "apiVersion": "v1",
        "metadata": {"name": "compute", "namespace": "dynamo"},
        "spec": {"hard": hard},
    }
    cluster.create("resourcequotas", quota)
    container = {"resources": {"requests": {"cpu": "250m"}}}
    cluster.create("deployments.apps", deployment(container=container))
    cluster.clock.advance(5)
    used = cluster.get("resourcequotas", "compute")["status"]["used"]
    assert used == {"pods": "3", "requests.cpu": "750m"}
    cluster.change("deployments.apps", "tasks-service", lambda obj: obj["spec"].update(replicas=1))
    cluster.clock.advance(10)
    used = cluster.get("resourcequotas", "compute")["status"]["used"]
    assert used == {"pods": "1", "requests.cpu": "250m"}


def test_pods_that_are_not_ready_are_given_up_first(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    marked = cluster.pods()[1]
    marked["status"]["conditions"] = [
        {**each, "status": "False"} if each["type"] == "Ready" else each
        for each in marked["status"]["conditions"]
    ]
    cluster.storage.update("pods", marked)
    cluster.change("deployments.apps", "tasks-service", lambda obj: obj["spec"].update(replicas=2))
    cluster.clock.advance(0.5)
    leaving = [pod for pod in cluster.pods() if "deletionTimestamp" in pod["metadata"]]
    assert [pod["metadata"]["name"] for pod in leaving] == [marked["metadata"]["name"]]


def test_a_deleted_pod_is_replaced_at_once(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment(replicas=1))
    cluster.clock.advance(10)
    gone = cluster.pods()[0]["metadata"]["name"]
    cluster.storage.delete("pods", "dynamo", gone)
    cluster.clock.advance(2)
    [pod] = cluster.pods()
    assert pod["metadata"]["name"] != gone
    assert pod["status"]["phase"] == "Running"


def test_deleting_a_deployment_takes_its_replica_sets_and_pods_along(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    roll(cluster, "1.1.0")
    cluster.storage.delete("deployments.apps", "dynamo", "tasks-service")
    cluster.clock.advance(10)
    assert cluster.storage.list("replicasets.apps") == []
    assert cluster.pods() == []


def test_a_deployment_deleted_in_the_foreground_goes_last(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.clock.advance(10)
    started = len(cluster.changes)
    marked = cluster.get("deployments.apps", "tasks-service")
    marked["metadata"]["deletionTimestamp"] = cluster.storage.timestamp()
    marked["metadata"]["finalizers"] = ["foregroundDeletion"]
    cluster.storage.update("deployments.apps", marked)
    cluster.clock.advance(10)
    gone = [each.kind for each in cluster.changes[started:] if each.type == "DELETED"]
    assert gone == ["Pod", "Pod", "Pod", "ReplicaSet", "Deployment"]


def test_a_deleted_namespace_is_emptied_and_then_gone(cluster: Any, deployment: Make) -> None:
    cluster.create("deployments.apps", deployment())
    cluster.create(
        "configmaps",
        {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": "c", "namespace": "dynamo"},
        },
    )
    cluster.clock.advance(10)
    namespace = cluster.storage.get("namespaces", None, "dynamo")
    namespace["metadata"]["deletionTimestamp"] = cluster.storage.timestamp()
    namespace["metadata"]["finalizers"] = ["kept"]  # only so that the mark itself removes nothing
    cluster.storage.update("namespaces", namespace)
    cluster.clock.advance(15)
    assert cluster.storage.get("namespaces", None, "dynamo") is None
    for resource in ("deployments.apps", "replicasets.apps", "pods", "configmaps", "events"):
        assert cluster.storage.list(resource, "dynamo") == [], resource


def test_an_autoscaler_keeps_its_deployment_within_bounds_and_says_what_it_lacks(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(replicas=1))
    cluster.create(
        "horizontalpodautoscalers.autoscaling",
        {
            "kind": "HorizontalPodAutoscaler",
            "apiVersion": "autoscaling/v2",
            "metadata": {"name": "tasks-service", "namespace": "dynamo"},
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "tasks-service",
                },
                "minReplicas": 2,
                "maxReplicas": 4,
            },
        },
    )
    cluster.clock.advance(10)
    assert cluster.get("deployments.apps", "tasks-service")["spec"]["replicas"] == 2
    cluster.change("deployments.apps", "tasks-service", lambda obj: obj["spec"].update(replicas=9))
    cluster.clock.advance(10)
    assert cluster.get("deployments.apps", "tasks-service")["spec"]["replicas"] == 4
    status = cluster.get("horizontalpodautoscalers.autoscaling", "tasks-service")["status"]
    assert (status["currentReplicas"], status["desiredReplicas"]) == (4, 4)
    assert condition({"status": status}, "ScalingActive")["reason"] == "FailedGetResourceMetric"
    assert len(cluster.events("SuccessfulRescale")) == 2


def test_a_healthy_cluster_needs_no_timers_but_those_of_its_events(
    cluster: Any, deployment: Make
) -> None:
    cluster.create("deployments.apps", deployment(replicas=8))
    cluster.clock.advance(10)
    before = cluster.storage.revision
    cluster.clock.advance(3500)
    assert cluster.storage.revision == before
    cluster.clock.advance(200)  # events live for an hour
    waiting = [handle for _, _, handle in cluster.clock._timers if not handle.cancelled]
    assert waiting == []
    assert cluster.storage.list("events") == []
