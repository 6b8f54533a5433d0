"""Pod templates as they stood when a release ran well, for a way back to exactly that. Pure.

`kubectl rollout undo` returns to whatever revision came before; Dynamo returns to what it saw run
well, and can even when the cluster has long pruned that ReplicaSet. What a template refers to
(ConfigMaps, Secrets) is not in it: its state is noted, so that a rollback can say what it does not
bring back. Source: research/rollouts.md §5, (b) to (e).
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VERSION = "dynamo/version"
"""The annotation that says what people call the image, on a Deployment and on its template."""
_TEMPLATE_HASH = "pod-template-hash"
UNREADABLE = "?"
"""The state of what Dynamo may not read."""


@dataclass(frozen=True, slots=True)
class Template:
    """The pod template that a Deployment has now. `fingerprint` as `Deployment.template`; `uid` and
    `generation` say of which Deployment, and as it was after which change of what is wished;
    `annotated`: the Deployment itself bears annotations, to which one can be added."""

    body: Mapping[str, Any]
    fingerprint: str
    uid: str
    generation: int
    annotated: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`refers`: what its pods read beside the image ("ConfigMap tasks-service-config"), each with
    the fingerprint of its content at that time; "" where it was not there."""

    service: str
    environment: str
    digest: str
    version: str
    taken_at: datetime
    template: Mapping[str, Any]
    fingerprint: str
    refers: Mapping[str, str] = field(default_factory=dict)


def kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """A template as it may be written again: without what controllers put into it."""
    template = copy.deepcopy(dict(body))
    meta = template.get("metadata")
    if isinstance(meta, dict):
        meta.pop("creationTimestamp", None)
        labels = meta.get("labels")
        if isinstance(labels, dict):
            labels.pop(_TEMPLATE_HASH, None)
    return template


def with_image(
    body: Mapping[str, Any], container: str, reference: str, version: str
) -> dict[str, Any]:
    """The template that stands with another image of one container: what a way back can do where
    no snapshot was taken. Fields of others stay as they are."""
    template = kept(body)
    for each in (template.get("spec") or {}).get("containers") or ():
        if isinstance(each, dict) and each.get("name") == container:
            each["image"] = reference
    meta = template.setdefault("metadata", {})
    meta["annotations"] = {**(meta.get("annotations") or {}), VERSION: version}
    return template


def referred(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The ConfigMaps and Secrets that pods of this template read: "ConfigMap NAME", "Secret NAME".
    Pull secrets are left out: they decide about no behaviour."""
    return tuple(sorted(set(_referred(body.get("spec")))))


_BY_NAME = {"configMapKeyRef": "ConfigMap", "configMapRef": "ConfigMap"}
_BY_NAME |= {"secretKeyRef": "Secret", "secretRef": "Secret"}


def _referred(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, inner in node.items():
            if key in _BY_NAME and isinstance(inner, Mapping) and inner.get("name"):
                yield f"{_BY_NAME[key]} {inner['name']}"
            elif key == "configMap" and isinstance(inner, Mapping) and inner.get("name"):
                yield f"ConfigMap {inner['name']}"
            elif key == "secret" and isinstance(inner, Mapping):
                name = inner.get("secretName") or inner.get("name")
                if name:
                    yield f"Secret {name}"
            yield from _referred(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _referred(inner)


def changed_since(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What a template refers to that is another by now: it stays as it is. What could not be read
    at either time is not said to have changed."""
    return tuple(
        name
        for name, before in sorted(then.items())
        if UNREADABLE not in (before, now.get(name, UNREADABLE)) and now[name] != before
    )
