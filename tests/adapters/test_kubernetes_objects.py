"""Raw Kubernetes JSON becomes values: real objects from recordings, odd ones from hypothesis."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.kubernetes_objects import (
    autoscaler_of,
    deployment_of,
    event_of,
    parse_time,
    pod_of,
    replica_set_of,
    scaled_by,
    template_hash,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"


def recorded(name: str, kind: str) -> list[dict[str, Any]]:
    lines = (RECORDINGS / f"{name}.jsonl").read_text().splitlines()[1:]
    return [raw["object"] for line in lines if (raw := json.loads(line))["kind"] == kind]


# --- what a real server sends -------------------------------------------------------------------


def test_a_recorded_deployment_has_all_that_a_judgement_reads() -> None:
    deployment = deployment_of(recorded("image-not-found", "Deployment")[-1])
    assert deployment is not None
    assert (deployment.name, deployment.namespace) == ("tasks-service", "dynamo")
    assert (deployment.generation, deployment.observed_generation, deployment.revision) == (2, 2, 2)
    counters = (deployment.desired, deployment.replicas, deployment.updated, deployment.available)
    assert counters == (3, 4, 1, 3)
    assert deployment.progress_deadline == 30
    assert deployment.images == {"tasks-service": "localhost:5000/dynamo/tasks-service:9.9.9"}
    progressing = deployment.condition("Progressing")
    assert progressing is not None
    assert progressing.reason == "ProgressDeadlineExceeded"
    assert progressing.updated_at is not None


def test_the_new_replica_set_has_the_template_of_its_deployment() -> None:
    """The check of which ReplicaSet is new: equal but for the label that the controller adds."""
    deployment = deployment_of(recorded("success", "Deployment")[-1])
    sets = [r for raw in recorded("success", "ReplicaSet") if (r := replica_set_of(raw))]
    assert deployment is not None
    by_revision = {r.revision: r.template for r in sets}
    assert by_revision[2] == deployment.template != by_revision[1]
    assert all(r.owner_uid == deployment.uid for r in sets)


def test_a_recorded_pod_tells_how_its_container_died() -> None:
    pods = [p for raw in recorded("out-of-memory", "Pod") if (p := pod_of(raw))]
    dead = next(p for p in pods if p.containers and p.containers[0].last_terminated)
    container = dead.containers[0]
    assert container.last_terminated is not None
    assert (container.last_terminated.exit_code, container.last_terminated.reason) == (
        137,
        "OOMKilled",
    )
    assert container.memory_limit == "32Mi"
    assert container.readiness is not None
    assert (container.readiness.period, container.readiness.asks) == (1, "exec /bin/true")


def test_a_scheduled_event_has_its_time_though_the_old_fields_are_null() -> None:
    event = event_of(recorded("success", "Event")[0])
    assert event is not None
    assert (event.reason, event.about_kind, event.count) == ("Scheduled", "Pod", 1)
    assert event.last_at is not None


def test_all_recorded_objects_are_understood() -> None:
    for file in sorted(RECORDINGS.glob("*.jsonl")):
        if file.name == "api-exchanges.jsonl":
            continue
        for kind, read in (
            ("Deployment", deployment_of),
            ("ReplicaSet", replica_set_of),
            ("Pod", pod_of),
            ("Event", event_of),
        ):
            assert all(read(raw) for raw in recorded(file.stem, kind)), (file.name, kind)


# --- particular fields --------------------------------------------------------------------------


def pod(**status: Any) -> dict[str, Any]:
    spec = {
        "initContainers": [{"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}],
        "containers": [{"name": "b"}, {"name": "a"}],
    }
    return {"metadata": {"name": "p", "uid": "u"}, "spec": spec, "status": status}


def test_containers_keep_the_order_of_the_spec_init_containers_first() -> None:
    statuses = [{"name": "a", "restartCount": 2}, {"name": "b"}, {"name": "unknown"}]
    read = pod_of(pod(containerStatuses=statuses))
    assert read is not None
    assert [(c.name, c.init, c.sidecar) for c in read.containers] == [
        ("migrate", True, False),
        ("proxy", True, True),
        ("b", False, False),
        ("a", False, False),
        ("unknown", False, False),
    ]
    assert read.restarts == 2


@pytest.mark.parametrize(
    ("probe", "asks"),
    [
        ({"httpGet": {"path": "/healthz", "port": 8080}}, "GET :8080/healthz"),
        ({"httpGet": {"port": "http"}}, "GET :http/"),
        ({"tcpSocket": {"port": 5432}}, "TCP :5432"),
        ({"grpc": {"port": 9090, "service": "tasks"}}, "gRPC :9090 tasks"),
        ({"exec": {"command": ["/bin/check", "-v"]}}, "exec /bin/check -v"),
    ],
)
def test_a_probe_says_what_it_asks(probe: dict[str, Any], asks: str) -> None:
    raw = pod()
    raw["spec"]["containers"][0]["livenessProbe"] = probe
    read = pod_of(raw)
    assert read is not None
    liveness = read.containers[2].liveness
    assert liveness is not None
    assert (liveness.asks, liveness.period, liveness.failure_threshold) == (asks, 10, 3)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"count": 4, "series": {"count": 9}}, 4),
        ({"series": {"count": 9}, "deprecatedCount": 2}, 9),
        ({"deprecatedCount": 2}, 2),
        ({}, 1),
    ],
)
def test_an_events_count_stands_in_different_fields(fields: dict[str, Any], count: int) -> None:
    event = event_of({"metadata": {}, "involvedObject": {"uid": "u"}, **fields})
    assert event is not None
    assert event.count == count


@pytest.mark.parametrize(
    ("fields", "second"),
    [
        ({"lastTimestamp": "2026-11-24T02:00:05Z", "eventTime": "2026-11-24T02:00:01Z"}, 5),
        ({"series": {"lastObservedTime": "2026-11-24T02:00:07.000001Z"}}, 7),
        ({"eventTime": "2026-11-24T02:00:09.123456Z"}, 9),
    ],
)
def test_an_events_time_stands_in_different_fields(fields: dict[str, Any], second: int) -> None:
    event = event_of({"metadata": {}, "regarding": {"uid": "u"}, "note": "words", **fields})
    assert event is not None
    assert event.last_at is not None
    assert (event.last_at.second, event.message) == (second, "words")


def test_the_owner_is_the_one_that_controls() -> None:
    owners = [{"uid": "a"}, {"uid": "b", "controller": True}]
    read = pod_of({"metadata": {"name": "p", "uid": "u", "ownerReferences": owners}})
    assert read is not None
    assert read.owner_uid == "b"


@pytest.mark.parametrize(
    ("text", "revision"),
    [("12", 12), ("²", 0), ("", 0), ("-1", 0), ("9" * 30, 0), (None, 0), (3, 0)],
)
def test_a_revision_that_is_no_number_is_none(text: object, revision: int) -> None:
    annotations = {"deployment.kubernetes.io/revision": text}
    read = replica_set_of({"metadata": {"name": "r", "uid": "u", "annotations": annotations}})
    assert read is not None
    assert read.revision == revision


def test_an_autoscaler_says_what_it_scales() -> None:
    raw = {
        "metadata": {"name": "tasks"},
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "tasks"}},
        "status": {"currentReplicas": 3, "desiredReplicas": 4},
    }
    read = autoscaler_of(raw)
    assert read is not None
    assert (read.minimum, read.maximum, read.current, read.desired) == (1, 9, 3, 4)
    assert scaled_by(raw) == ("Deployment", "tasks")


# --- the template's hash ------------------------------------------------------------------------

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "tasks"}, "creationTimestamp": None},
    "spec": {"containers": [{"name": "tasks", "image": "r/tasks:1"}]},
}


def changed(**meta: Any) -> dict[str, Any]:
    return {**TEMPLATE, "metadata": {**TEMPLATE["metadata"], **meta}}


def test_the_controllers_label_and_the_order_of_keys_are_no_new_template() -> None:
    labelled = changed(labels={"pod-template-hash": "7f8", "app": "tasks"})
    turned = dict(reversed(TEMPLATE.items()))
    assert template_hash(TEMPLATE) == template_hash(labelled) == template_hash(turned)
    only = {"spec": TEMPLATE["spec"]}
    assert template_hash(only) == template_hash(
        {**only, "metadata": {"labels": {"pod-template-hash": "7f8"}, "creationTimestamp": None}}
    )


def test_a_restart_is_a_new_template() -> None:
    restarted = changed(annotations={"kubectl.kubernetes.io/restartedAt": "2026-11-24T02:00:00Z"})
    assert template_hash(TEMPLATE) != template_hash(restarted)


def test_another_image_is_a_new_template() -> None:
    other = {**TEMPLATE, "spec": {"containers": [{"name": "tasks", "image": "r/tasks:2"}]}}
    assert template_hash(TEMPLATE) != template_hash(other)


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-24T02:00:05Z", datetime(2026, 11, 24, 2, 0, 5, tzinfo=UTC)),
        ("2026-11-24T03:00:05+01:00", datetime(2026, 11, 24, 2, 0, 5, tzinfo=UTC)),
        ("2026-11-24T02:00:05.25Z", datetime(2026, 11, 24, 2, 0, 5, 250_000, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_time_is_aware_utc_or_none(text: object, time: datetime | None) -> None:
    assert parse_time(text) == time


@given(st.text())
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    time = parse_time(text)
    assert time is None or time.tzinfo is UTC


# --- odd shapes ---------------------------------------------------------------------------------


def names_in(raw: object) -> Iterator[str]:
    if isinstance(raw, dict):
        yield from raw
    for inner in raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ():
        yield from names_in(inner)


KINDS = ("Deployment", "ReplicaSet", "Pod", "Event")
FIELDS = sorted({name for kind in KINDS for name in names_in(recorded("out-of-memory", kind)[-1])})
"""The names that matter: only with them does an odd object get past the first look."""

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["2026-11-24T02:00:05Z", "True", "Always", "²", "9" * 30]),
)
JSON_LIKE = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=8),
    ),
    max_leaves=60,
)


def identified(raw: object) -> object:
    """Most odd objects fall at the first gate; these have a name and a uid."""
    rest = raw if isinstance(raw, dict) else {"spec": raw, "status": raw}
    return {**rest, "metadata": {"name": "n", "uid": "u", "annotations": raw, "labels": raw}}


@given(JSON_LIKE)
def test_whatever_is_sent_becomes_a_value_or_is_skipped(raw: object) -> None:
    for read in (deployment_of, replica_set_of, pod_of, event_of, autoscaler_of):
        read(raw)
    assert deployment_of(identified(raw)) is not None
    assert replica_set_of(identified(raw)) is not None
    assert pod_of(identified(raw)) is not None
    assert autoscaler_of(identified(raw)) is not None
    scaled_by(raw)


@given(st.data())
def test_a_real_object_with_one_part_replaced_never_raises(data: st.DataObject) -> None:
    kind, read = data.draw(
        st.sampled_from(
            [
                ("Deployment", deployment_of),
                ("ReplicaSet", replica_set_of),
                ("Pod", pod_of),
                ("Event", event_of),
            ]
        )
    )
    raw = recorded("out-of-memory", kind)[-1]
    place: Any = raw
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(JSON_LIKE)
    read(raw)
