"""What the kubelet does with pods: images, configuration, probes, restarts, endings."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from bot.sandbox.kubernetes.container_run import Backoff

Object = dict[str, Any]
Make = Callable[..., Object]
SERVICE = "registry.yourapp.com/dynamo/forms-service"


def publish(cluster: Any, version: str, behaviour: str = "healthy", **labels: str) -> str:
    """Push an image of forms-service; its reference by digest."""
    digest = cluster.registry.add_image(
        "dynamo/forms-service",
        [version],
        created=datetime(2026, 11, 1, tzinfo=UTC),
        labels={
            "org.opencontainers.image.version": version,
            "sandbox.dynamo/behaviour": behaviour,
            **labels,
        },
    )
    return f"{SERVICE}@{digest}"


HTTP_PROBE = {
    "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
    "timeoutSeconds": 1,
    "periodSeconds": 1,
    "successThreshold": 1,
    "failureThreshold": 3,
}
PORTS = [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]


def run(cluster: Any, make: Make, image: str, seconds: float = 10.0, **settings: Any) -> Object:
    """One pod of a Deployment of that image, after some time."""
    container = {
        "image": image,
        "ports": PORTS,
        "readinessProbe": HTTP_PROBE,
        **settings.pop("container", {}),
    }
    pod = {"hostNetwork": False, **settings.pop("pod", {})}
    cluster.create(
        "deployments.apps",
        make("forms-service", replicas=1, container=container, pod=pod, **settings),
    )
    cluster.clock.advance(seconds)
    return the_pod(cluster)


def the_pod(cluster: Any) -> Object:
    [pod] = cluster.pods(**{"app.kubernetes.io/name": "forms-service"})
    return dict(pod)


def state(pod: Object) -> Object:
    return dict(pod["status"]["containerStatuses"][0]["state"])


def messages(cluster: Any, reason: str) -> list[str]:
    return [each["message"] for each in cluster.events(reason)]


# Images


def test_an_image_by_digest_is_pulled_once_for_each_node(cluster: Any, deployment: Make) -> None:
    image = publish(cluster, "0.9.1")
    pod = run(cluster, deployment, image)
    assert state(pod)["running"]
    assert pod["status"]["containerStatuses"][0]["imageID"] == image
    assert messages(cluster, "Pulling") == [f'Pulling image "{image}"']
    [pulled] = messages(cluster, "Pulled")
    assert pulled.startswith(f'Successfully pulled image "{image}" in ')
    assert pulled.endswith("including waiting). Image size: 48000000 bytes.")

    cluster.storage.delete("pods", "dynamo", pod["metadata"]["name"])
    cluster.clock.advance(10)
    again = [each for each in messages(cluster, "Pulled") if "already present" in each]
    assert again == [
        f'Container image "{image}" already present on machine and can be accessed by the pod'
    ]


def test_a_digest_that_the_registry_does_not_have_is_not_found(
    cluster: Any, deployment: Make
) -> None:
    publish(cluster, "0.9.1")
    image = f"{SERVICE}@sha256:{'0' * 64}"
    pod = run(cluster, deployment, image, 3)
    assert state(pod)["waiting"]["reason"] == "ErrImagePull"
    assert state(pod)["waiting"]["message"].endswith(f"{image}: not found")


def test_a_private_repository_refuses_the_pull_and_says_so(cluster: Any, deployment: Make) -> None:
    image = publish(cluster, "0.9.1")
    cluster.registry.repositories["dynamo/forms-service"].private = True
    pod = run(cluster, deployment, image, 3)
    assert "pull access denied" in state(pod)["waiting"]["message"]
    assert any("authorization failed" in each for each in messages(cluster, "Failed"))


@pytest.mark.parametrize(
    ("password", "running"), [("secret", True), ("wrong", False), (None, False)]
)
def test_a_pull_secret_opens_a_private_repository(
    cluster: Any, deployment: Make, password: str | None, running: bool
) -> None:
    image = publish(cluster, "0.9.1")
    cluster.registry.repositories["dynamo/forms-service"].private = True
    cluster.registry.credentials["puller"] = "secret"
    auth = base64.b64encode(f"puller:{password}".encode()).decode()
    config = json.dumps({"auths": {"registry.yourapp.com": {"auth": auth}}}).encode()
    secret = base64.b64encode(config).decode() if password else "no base64!"
    meta = {"name": "pull", "namespace": "dynamo"}
    data = {".dockerconfigjson": secret}
    cluster.create(
        "secrets", {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "data": data}
    )
    pod = run(cluster, deployment, image, 8, pod={"imagePullSecrets": [{"name": "pull"}]})
    assert ("running" in state(pod)) is running
    if password == "wrong":
        assert any("403 Forbidden" in each for each in messages(cluster, "Failed"))


def test_image_pulls_back_off_up_to_five_minutes(cluster: Any, deployment: Make) -> None:
    run(cluster, deployment, "localhost:5000/dynamo/forms-service:9.9.9", 3600)
    pulls = [
        each.at
        for each in cluster.changes
        if each.kind == "Event" and each.object["reason"] == "Pulling"
    ]
    gaps = [round(later - earlier) for earlier, later in pairwise(pulls)]
    assert gaps[0] in range(10, 16)
    assert gaps[1] in range(20, 34)
    assert gaps[2] in range(40, 54)
    assert gaps == sorted(gaps[:5]) + gaps[5:]
    assert max(gaps) in range(300, 315)


def test_an_image_that_appears_later_is_pulled_at_the_next_try(
    cluster: Any, deployment: Make
) -> None:
    image = f"{SERVICE}:0.9.2"
    pod = run(cluster, deployment, image, 5)
    assert "waiting" in state(pod)
    publish(cluster, "0.9.2")
    cluster.clock.advance(20)
    assert state(the_pod(cluster))["running"]


# Configuration


def config_map(cluster: Any, name: str, **data: str) -> None:
    cluster.create(
        "configmaps",
        {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": "dynamo"},
            "data": data,
        },
    )


ABSENT_KEY = {"configMapKeyRef": {"name": "present", "key": "absent"}}
ABSENT_SECRET = {"secretKeyRef": {"name": "s", "key": "k"}}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "keys"}}]}, 'secret "keys" not found'),
        (
            {"env": [{"name": "A", "valueFrom": ABSENT_KEY}]},
            "couldn't find key absent in ConfigMap dynamo/present",
        ),
        ({"env": [{"name": "A", "valueFrom": ABSENT_SECRET}]}, 'secret "s" not found'),
    ],
)
def test_a_missing_reference_keeps_the_container_from_being_created(
    cluster: Any, deployment: Make, container: Object, message: str
) -> None:
    config_map(cluster, "present", KEY="value")
    pod = run(cluster, deployment, publish(cluster, "0.9.1"), 8, container=container)
    waiting = state(pod)["waiting"]
    assert (waiting["reason"], waiting["message"]) == ("CreateContainerConfigError", message)
    assert f"Error: {message}" in messages(cluster, "Failed")


def test_an_optional_reference_is_not_missed(cluster: Any, deployment: Make) -> None:
    container = {"envFrom": [{"secretRef": {"name": "keys", "optional": True}}]}
    pod = run(cluster, deployment, publish(cluster, "0.9.1"), container=container)
    assert state(pod)["running"]


def test_a_config_map_that_comes_later_lets_the_pod_start(cluster: Any, deployment: Make) -> None:
    container = {"envFrom": [{"configMapRef": {"name": "forms-service-config"}}]}
    pod = run(cluster, deployment, publish(cluster, "0.9.1"), 5, container=container)
    assert "waiting" in state(pod)
    config_map(cluster, "forms-service-config", LOG_LEVEL="info")
    cluster.clock.advance(20)
    assert the_pod(cluster)["status"]["containerStatuses"][0]["ready"] is True


def test_a_volume_whose_config_map_is_missing_is_not_mounted(
    cluster: Any, deployment: Make
) -> None:
    volumes = [{"name": "settings", "configMap": {"name": "forms-settings"}}]
    pod = run(cluster, deployment, publish(cluster, "0.9.1"), 30, pod={"volumes": volumes})
    assert state(pod) == {"waiting": {"reason": "ContainerCreating"}}
    [event] = cluster.events("FailedMount")
    assert event["message"] == (
        'MountVolume.SetUp failed for volume "settings" : configmap "forms-settings" not found'
    )
    assert event["count"] >= 5
    config_map(cluster, "forms-settings")
    cluster.clock.advance(60)
    assert state(the_pod(cluster))["running"]


# Lives and deaths


def test_a_variable_that_the_image_needs_makes_it_crash_when_it_is_not_set(
    cluster: Any, deployment: Make
) -> None:
    label = {"sandbox.dynamo/needs-env": "SUPABASE_URL"}
    pod = run(cluster, deployment, publish(cluster, "0.9.1", **label), 8)
    assert state(pod)["waiting"]["reason"] == "CrashLoopBackOff"
    cluster.clock.advance(60)
    env = {"container": {"env": [{"name": "SUPABASE_URL", "value": "https://x"}]}}

    def set_variable(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0].update(env["container"])

    cluster.change("deployments.apps", "forms-service", set_variable)
    cluster.clock.advance(10)
    assert [each["status"]["phase"] for each in cluster.pods()] == ["Running"]


def test_a_program_that_is_not_there_cannot_be_started(cluster: Any, deployment: Make) -> None:
    container = {"command": ["/app/nope"]}
    pod = run(cluster, deployment, publish(cluster, "0.9.1"), 8, container=container)
    [status] = pod["status"]["containerStatuses"]
    ended = status["lastState"].get("terminated") or status["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "stat /app/nope: no such file or directory" in ended["message"]


def test_the_back_off_doubles_to_five_minutes_and_starts_again_after_a_clean_while() -> None:
    backoff = Backoff()
    waits = []
    for number in range(7):
        backoff.failed(at=float(number))
        waits.append(backoff.seconds)
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert backoff.holds(now=300, failed=6)
    assert not backoff.holds(now=307, failed=6)
    assert not backoff.holds(now=1001, failed=1000)  # ten clean minutes: at once
    backoff.failed(at=1000)
    assert backoff.seconds == 10


def test_a_container_that_ran_for_long_is_restarted_at_once(cluster: Any, deployment: Make) -> None:
    container = {"command": ["/bin/sh", "-c", "sleep 700; exit 3"], "readinessProbe": None}
    run(cluster, deployment, publish(cluster, "0.9.1"), 3600, container=container)
    [status] = the_pod(cluster)["status"]["containerStatuses"]
    assert status["restartCount"] == 5
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert messages(cluster, "BackOff") == []


def test_a_liveness_probe_that_fails_restarts_the_container(cluster: Any, deployment: Make) -> None:
    probe = {**HTTP_PROBE, "periodSeconds": 2}
    image = publish(cluster, "0.9.1", "goes-unhealthy")
    pod = run(cluster, deployment, image, 50, container={"livenessProbe": probe})
    [status] = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 1
    assert messages(cluster, "Killing") == [
        "Container forms-service failed liveness probe, will be restarted"
    ]
    assert "Liveness probe failed: HTTP probe failed with statuscode: 503" in messages(
        cluster, "Unhealthy"
    )


def test_a_startup_probe_holds_the_others_back(cluster: Any, deployment: Make) -> None:
    image = publish(cluster, "0.9.1", "slow-start")
    startup = {**HTTP_PROBE, "periodSeconds": 1, "failureThreshold": 30}
    pod = run(cluster, deployment, image, 15, container={"startupProbe": startup})
    [status] = pod["status"]["containerStatuses"]
    assert (status["started"], status["ready"]) == (False, False)
    assert all(each.startswith("Startup probe failed") for each in messages(cluster, "Unhealthy"))
    cluster.clock.advance(10)
    [status] = the_pod(cluster)["status"]["containerStatuses"]
    assert (status["started"], status["ready"], status["restartCount"]) == (True, True, 0)


def test_a_startup_probe_that_never_passes_kills(cluster: Any, deployment: Make) -> None:
    image = publish(cluster, "0.9.1", "never-ready")
    run(cluster, deployment, image, 20, container={"startupProbe": HTTP_PROBE})
    assert "Container forms-service failed startup probe, will be restarted" in messages(
        cluster, "Killing"
    )


def test_a_probe_of_a_port_by_name_is_told_with_its_number(cluster: Any, deployment: Make) -> None:
    pod = run(cluster, deployment, publish(cluster, "0.9.1"))
    address = pod["status"]["podIP"]
    assert messages(cluster, "Unhealthy")[0] == (
        f'Readiness probe failed: Get "http://{address}:8080/healthz": '
        f"dial tcp {address}:8080: connect: connection refused"
    )
    assert pod["status"]["containerStatuses"][0]["ready"] is True


def test_init_containers_run_one_after_the_other_before_the_others(
    cluster: Any, deployment: Make
) -> None:
    image = publish(cluster, "0.9.1")
    names = ("migrate", "warm")
    inits = [
        {"name": name, "image": image, "command": ["/bin/sh", "-c", "sleep 2"], "resources": {}}
        for name in names
    ]
    pod = run(cluster, deployment, image, 3, pod={"initContainers": inits})
    first, second = pod["status"]["initContainerStatuses"]
    assert first["state"]["running"]
    assert second["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert state(pod) == {"waiting": {"reason": "PodInitializing"}}
    initialized = next(c for c in pod["status"]["conditions"] if c["type"] == "Initialized")
    assert initialized["message"] == "containers with incomplete status: [migrate warm]"
    cluster.clock.advance(15)
    done = the_pod(cluster)["status"]
    assert done["phase"] == "Running"
    assert [each["state"]["terminated"]["reason"] for each in done["initContainerStatuses"]] == [
        "Completed",
        "Completed",
    ]


def test_an_init_container_that_fails_is_tried_again_and_the_rest_waits(
    cluster: Any, deployment: Make
) -> None:
    image = publish(cluster, "0.9.1")
    broken = {"name": "migrate", "image": image, "command": ["/bin/false"], "resources": {}}
    pod = run(cluster, deployment, image, 10, pod={"initContainers": [broken]})
    [init] = pod["status"]["initContainerStatuses"]
    assert init["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert init["restartCount"] >= 1
    assert pod["status"]["phase"] == "Pending"


@pytest.mark.parametrize(
    ("command", "policy", "phase"),
    [
        (["/bin/true"], "Never", "Succeeded"),
        (["/bin/false"], "Never", "Failed"),
        (["/bin/true"], "OnFailure", "Succeeded"),
        (["/bin/false"], "OnFailure", "Running"),
    ],
)
def test_a_pod_of_its_own_ends_by_its_restart_policy(
    cluster: Any, command: list[str], policy: str, phase: str
) -> None:
    pod = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "job", "namespace": "dynamo", "labels": {}},
        "spec": {
            "containers": [
                {
                    "name": "job",
                    "image": "localhost:5000/dynamo/tasks-service:1.0.0",
                    "command": command,
                }
            ],
            "restartPolicy": policy,
        },
    }
    cluster.create("pods", pod)
    cluster.clock.advance(20)
    assert cluster.get("pods", "job")["status"]["phase"] == phase


def test_a_service_that_stops_by_itself_ends_with_exit_code_zero(
    cluster: Any, deployment: Make
) -> None:
    run(cluster, deployment, publish(cluster, "0.9.1"), pod={"terminationGracePeriodSeconds": 30})
    cluster.change("deployments.apps", "forms-service", lambda obj: obj["spec"].update(replicas=0))
    cluster.clock.advance(3)
    last = [each for each in cluster.changes if each.kind == "Pod"][-1]
    assert last.type == "DELETED"
    ended = last.object["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    assert last.object["status"]["phase"] == "Succeeded"


def test_one_that_ignores_the_signal_is_killed_after_its_grace_period(
    cluster: Any, deployment: Make
) -> None:
    image = publish(cluster, "0.9.1", "ignores-sigterm")
    run(cluster, deployment, image, pod={"terminationGracePeriodSeconds": 20})
    cluster.change("deployments.apps", "forms-service", lambda obj: obj["spec"].update(replicas=0))
    cluster.clock.advance(19)
    assert len(cluster.pods()) == 1
    cluster.clock.advance(3)
    assert cluster.pods() == []
    last = [each for each in cluster.changes if each.kind == "Pod"][-1]
    assert last.object["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137


def test_a_pod_that_waits_for_its_image_can_be_deleted(cluster: Any, deployment: Make) -> None:
    run(cluster, deployment, f"{SERVICE}:9.9.9", 5)
    cluster.storage.delete("deployments.apps", "dynamo", "forms-service")
    cluster.clock.advance(3)
    assert cluster.pods() == []
