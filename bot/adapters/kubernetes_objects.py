"""Raw Kubernetes JSON to the domain's values: the one place that knows Kubernetes' field names.

Pure, and on the hot path of watching: every watch event passes through here, so what repeats is
cached (a pod's spec, conditions, timestamps) and nothing is validated that is not read. Odd shapes
never raise: a field of the wrong type counts as absent, an object without name or uid is None.
The cluster adapter and the replay call it; `bot/domain/workload.py` says what comes out.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from bot.domain.snapshot import VERSION
from bot.domain.workload import (
    Autoscaler,
    Condition,
    Container,
    Deployment,
    Event,
    Pod,
    Probe,
    ReplicaSet,
    Termination,
)

REVISION = "deployment.kubernetes.io/revision"
TEMPLATE_HASH = "pod-template-hash"

_LONGEST_COMMAND = 80
_NOTHING: dict[str, Any] = {}
_NO_ITEMS: list[Any] = []


def deployment_of(raw: object) -> Deployment | None:
    """A Deployment, or None where `raw` is not one that has a name and a uid."""
    meta, spec, status = _parts(raw)
    name, uid = _text(meta, "name"), _text(meta, "uid")
    if not name or not uid:
        return None
    template = _dict(spec, "template")
    return Deployment(
        name=name,
        namespace=_text(meta, "namespace"),
        uid=uid,
        resource_version=_text(meta, "resourceVersion"),
        generation=_int(meta, "generation"),
        observed_generation=_int(status, "observedGeneration"),
        revision=_revision(meta),
        paused=spec.get("paused") is True,
        desired=_int(spec, "replicas", 1),
        replicas=_int(status, "replicas"),
        updated=_int(status, "updatedReplicas"),
        ready=_int(status, "readyReplicas"),
        available=_int(status, "availableReplicas"),
        images=_images(template),
        version=_text(_dict(_dict(template, "metadata"), "annotations"), VERSION),
        template=template_hash(template),
        progress_deadline=_optional_int(spec, "progressDeadlineSeconds"),
        min_ready=_int(spec, "minReadySeconds"),
        conditions=_conditions(status),
        created_at=parse_time(meta.get("creationTimestamp")),
    )


def replica_set_of(raw: object) -> ReplicaSet | None:
    """A ReplicaSet, or None where `raw` is not one that has a name and a uid."""
    meta, spec, status = _parts(raw)
    name, uid = _text(meta, "name"), _text(meta, "uid")
    if not name or not uid:
        return None
    template = _dict(spec, "template")
    return ReplicaSet(
        name=name,
        uid=uid,
        owner_uid=_owner(meta),
        revision=_revision(meta),
        template_hash=_text(_dict(meta, "labels"), TEMPLATE_HASH),
        images=_images(template),
        version=_text(_dict(_dict(template, "metadata"), "annotations"), VERSION),
        template=template_hash(template),
        desired=_int(spec, "replicas", 1),
        replicas=_int(status, "replicas"),
        ready=_int(status, "readyReplicas"),
        conditions=_conditions(status),
        created_at=parse_time(meta.get("creationTimestamp")),
    )


def pod_of(raw: object) -> Pod | None:
    """A pod, or None where `raw` is not one that has a name and a uid."""
    meta, spec, status = _parts(raw)
    name, uid = _text(meta, "name"), _text(meta, "uid")
    if not name or not uid:
        return None
    return Pod(
        name=name,
        uid=uid,
        owner_uid=_owner(meta),
        phase=_text(status, "phase"),
        reason=_text(status, "reason"),
        message=_text(status, "message"),
        node=_text(spec, "nodeName"),
        created_at=parse_time(meta.get("creationTimestamp")),
        deleting=meta.get("deletionTimestamp") is not None,
        conditions=_conditions(status),
        readiness_gates=_gates(spec),
        containers=_containers(spec, status),
    )


def event_of(raw: object) -> Event | None:
    """An Event of either API (core/v1, events.k8s.io), or None where it is about nothing.

    Counts and times stand in different fields by the age of who wrote it (rollouts.md §2, krane).
    """
    meta, _, _ = _parts(raw)
    event = raw if type(raw) is dict else _NOTHING
    about = _dict(event, "involvedObject") or _dict(event, "regarding")
    uid, reason = _text(about, "uid"), _text(event, "reason")
    if not uid and not _text(about, "name"):
        return None
    series = _dict(event, "series")
    count = _int(event, "count") or _int(series, "count") or _int(event, "deprecatedCount") or 1
    at = parse_time(event.get("eventTime"))
    created = parse_time(meta.get("creationTimestamp"))
    first = _first_time(event, "firstTimestamp", "deprecatedFirstTimestamp") or at or created
    last = (
        _first_time(event, "lastTimestamp", "deprecatedLastTimestamp")
        or parse_time(series.get("lastObservedTime"))
        or at
        or first
    )
    return Event(
        about_kind=_text(about, "kind"),
        about_name=_text(about, "name"),
        about_uid=uid,
        type=_text(event, "type"),
        reason=reason,
        message=_text(event, "message") or _text(event, "note"),
        count=max(count, 1),
        first_at=first,
        last_at=last,
    )


def autoscaler_of(raw: object) -> Autoscaler | None:
    """A HorizontalPodAutoscaler, or None where it has no name."""
    meta, spec, status = _parts(raw)
    name = _text(meta, "name")
    if not name:
        return None
    return Autoscaler(
        name=name,
        minimum=_int(spec, "minReplicas", 1),
        maximum=_int(spec, "maxReplicas"),
        current=_int(status, "currentReplicas"),
        desired=_int(status, "desiredReplicas"),
    )


def scaled_by(raw: object) -> tuple[str, str]:
    """Kind and name of what a HorizontalPodAutoscaler scales; empty texts where it does not say."""
    _, spec, _ = _parts(raw)
    target = _dict(spec, "scaleTargetRef")
    return _text(target, "kind"), _text(target, "name")


def template_hash(template: object) -> str:
    """A stable short hash of `spec.template`, to tell a new template from a scaling; "" for none.

    Both sides come from the server, so its defaults are in both. Left out is only what the
    controllers and serialisers add: the label pod-template-hash and an empty creationTimestamp.
    A `restartedAt` annotation stays: it is what makes a restart a new template.
    """
    if type(template) is not dict or not template:
        return ""
    meta = dict(_dict(template, "metadata"))
    meta.pop("creationTimestamp", None)
    labels = {k: v for k, v in _dict(meta, "labels").items() if k != TEMPLATE_HASH}
    meta.pop("labels", None)
    if labels:
        meta["labels"] = labels
    body = {**template, "metadata": meta}
    if not meta:
        del body["metadata"]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parse_time(text: object) -> datetime | None:
    """An RFC 3339 time as aware UTC; None where it is absent or not a time."""
    return _parse_time(text) if type(text) is str else None


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# --- pieces of objects ----------------------------------------------------------------------


def _parts(raw: object) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    if type(raw) is not dict:
        return _NOTHING, _NOTHING, _NOTHING
    return _dict(raw, "metadata"), _dict(raw, "spec"), _dict(raw, "status")


def _owner(meta: dict[str, Any]) -> str:
    """The uid of the controlling owner; of the first owner where none is marked as controller."""
    owners = [o for o in _list(meta, "ownerReferences") if type(o) is dict]
    for owner in owners:
        if owner.get("controller") is True:
            return _text(owner, "uid")
    return _text(owners[0], "uid") if owners else ""


def _revision(meta: dict[str, Any]) -> int:
    text = _text(_dict(meta, "annotations"), REVISION)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _images(template: dict[str, Any]) -> Mapping[str, str]:
    containers = _list(_dict(template, "spec"), "containers")
    return {
        name: _text(c, "image")
        for c in containers
        if type(c) is dict and (name := _text(c, "name"))
    }


def _gates(spec: dict[str, Any]) -> tuple[str, ...]:
    gates = spec.get("readinessGates")
    if type(gates) is not list:
        return ()
    return tuple(t for g in gates if type(g) is dict and (t := _text(g, "conditionType")))


def _conditions(status: dict[str, Any]) -> tuple[Condition, ...]:
    found = []
    for raw in _list(status, "conditions"):
        if type(raw) is dict:
            get = raw.get
            key = (
                get("type"),
                get("status"),
                get("reason"),
                get("message"),
                get("lastUpdateTime") or get("lastTransitionTime"),
            )
            try:
                found.append(_condition(*key))
            except TypeError:  # unhashable: not what a server sends
                found.append(_condition(*(k if type(k) is str else None for k in key)))
    return tuple(found)


@lru_cache(maxsize=8192)
def _condition(
    type_: object, status: object, reason: object, message: object, at: object
) -> Condition:
    return Condition(
        type=_word(type_),
        status=_word(status),
        reason=_word(reason),
        message=_word(message),
        updated_at=parse_time(at),
    )


def _containers(spec: dict[str, Any], status: dict[str, Any]) -> tuple[Container, ...]:
    inits = _group(spec, "initContainers", status, "initContainerStatuses", init=True)
    mains = _group(spec, "containers", status, "containerStatuses", init=False)
    return (*inits, *mains) if inits else mains


def _group(
    spec: dict[str, Any], spec_key: str, status: dict[str, Any], status_key: str, *, init: bool
) -> tuple[Container, ...]:
    """The containers of one list, in the order of the spec; then those only the status knows."""
    specs = spec.get(spec_key)
    statuses = status.get(status_key)
    if type(specs) is not list:
        specs = _NO_ITEMS
    if type(statuses) is not list:
        statuses = _NO_ITEMS
    if not specs and not statuses:
        return ()
    by_name = {_text(s, "name"): s for s in statuses if type(s) is dict}
    found = [
        _container(name, raw, by_name.pop(name, _NOTHING), init=init)
        for raw in specs
        if type(raw) is dict and (name := _text(raw, "name"))
    ]
    found += [_container(name, _NOTHING, left, init=init) for name, left in by_name.items() if name]
    return tuple(found)


def _container(name: str, spec: dict[str, Any], status: dict[str, Any], *, init: bool) -> Container:
    state = _dict(status, "state")
    waiting = _dict(state, "waiting")
    running = _dict(state, "running")
    last = _dict(status, "lastState").get("terminated")
    return Container(
        name,
        _text(spec, "image") or _text(status, "image"),
        init,
        init and spec.get("restartPolicy") == "Always",
        status.get("ready") is True,
        status.get("started") is True,
        _int(status, "restartCount"),
        parse_time(running.get("startedAt")) if running else None,
        _text(waiting, "reason"),
        _text(waiting, "message"),
        _termination(state.get("terminated")),
        _termination(last) if last else None,
        _memory_limit(spec),
        _probe_of(spec, "readinessProbe"),
        _probe_of(spec, "livenessProbe"),
        _probe_of(spec, "startupProbe"),
    )


def _memory_limit(spec: dict[str, Any]) -> str:
    limit = _dict(_dict(spec, "resources"), "limits").get("memory")
    return str(limit) if type(limit) in (str, int) else ""


def _termination(raw: object) -> Termination | None:
    if type(raw) is not dict:
        return None
    return Termination(
        exit_code=_int(raw, "exitCode"),
        signal=_int(raw, "signal"),
        reason=_text(raw, "reason"),
        message=_text(raw, "message"),
        started_at=parse_time(raw.get("startedAt")),
        finished_at=parse_time(raw.get("finishedAt")),
    )


def _probe_of(spec: dict[str, Any], key: str) -> Probe | None:
    raw = spec.get(key)
    if type(raw) is not dict or not raw:
        return None
    return _probe(
        _asks(raw),
        _int(raw, "initialDelaySeconds"),
        _int(raw, "periodSeconds", 10),
        _int(raw, "timeoutSeconds", 1),
        _int(raw, "successThreshold", 1),
        _int(raw, "failureThreshold", 3),
    )


_probe = lru_cache(maxsize=1024)(Probe)


def _asks(raw: dict[str, Any]) -> str:
    """What a probe asks, in words that a person knows from the manifest."""
    if http := _dict(raw, "httpGet"):
        return f"GET :{_port(http)}{_text(http, 'path') or '/'}"
    if tcp := _dict(raw, "tcpSocket"):
        return f"TCP :{_port(tcp)}"
    if grpc := _dict(raw, "grpc"):
        return f"gRPC :{_port(grpc)} {_text(grpc, 'service')}".rstrip()
    command = [word for word in _list(_dict(raw, "exec"), "command") if type(word) is str]
    return f"exec {' '.join(command)}"[:_LONGEST_COMMAND].rstrip()


def _port(raw: dict[str, Any]) -> str:
    port = raw.get("port")
    return str(port) if type(port) in (str, int) else "?"


def _first_time(raw: dict[str, Any], *keys: str) -> datetime | None:
    return next((t for key in keys if (t := parse_time(raw.get(key)))), None)


# --- fields: of the right type, or absent ---------------------------------------------------


def _dict(raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if type(value) is dict else _NOTHING


def _list(raw: dict[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    return value if type(value) is list else _NO_ITEMS


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if type(value) is str else ""


def _word(value: object) -> str:
    return value if type(value) is str else ""


def _int(raw: dict[str, Any], key: str, default: int = 0) -> int:
    value = raw.get(key)
    return value if type(value) is int else default


def _optional_int(raw: dict[str, Any], key: str) -> int | None:
    value = raw.get(key)
    return value if type(value) is int else None
