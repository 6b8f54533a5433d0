"""What a pod takes from ConfigMaps and Secrets, and what is said when one is missing.

Messages are the kubelet's (pkg/kubelet/kubelet_pods.go, volume plugins): a reference in the
environment makes CreateContainerConfigError, one in a volume makes FailedMount.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]
Lookup = Callable[[str, str], Object | None]
"""`(resource, name)` of the pod's namespace: "configmaps" or "secrets"."""

_KINDS = {
    "configmaps": ("configMapKeyRef", "configMapRef", "configmap", "ConfigMap"),
    "secrets": ("secretKeyRef", "secretRef", "secret", "Secret"),
}


class MissingReference(Exception):  # noqa: N818 - it is a finding, told as it is
    """A reference that cannot be resolved, in the kubelet's words."""


def environment(
    container: Mapping[str, Any], pod: Mapping[str, Any], lookup: Lookup
) -> dict[str, str]:
    """The container's variables. Raises MissingReference."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for resource, (_, reference, word, _) in _KINDS.items():
            wanted = source.get(reference)
            if wanted is None:
                continue
            held = lookup(resource, wanted["name"])
            if held is None and not wanted.get("optional"):
                raise MissingReference(f'{word} "{wanted["name"]}" not found')
            prefix = source.get("prefix", "")
            found.update({prefix + key: str(value) for key, value in _data(held).items()})
    for variable in container.get("env") or ():
        value = _value(variable, pod, lookup)
        if value is not None:
            found[variable["name"]] = value
    return found


def _value(variable: Mapping[str, Any], pod: Mapping[str, Any], lookup: Lookup) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value") or "")
    field = source.get("fieldRef")
    if field is not None:
        return _field(pod, field["fieldPath"])
    for resource, (reference, _, word, kind) in _KINDS.items():
        wanted = source.get(reference)
        if wanted is None:
            continue
        held = lookup(resource, wanted["name"])
        key, optional = wanted["key"], wanted.get("optional")
        if held is None and not optional:
            raise MissingReference(f'{word} "{wanted["name"]}" not found')
        if key not in _data(held):
            if optional:
                return None
            namespace = pod["metadata"]["namespace"]
            raise MissingReference(
                f"couldn't find key {key} in {kind} {namespace}/{wanted['name']}"
            )
        return str(_data(held)[key])
    return ""


def _field(pod: Mapping[str, Any], path: str) -> str:
    meta = pod["metadata"]
    known = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta.get("uid", ""),
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "status.podIP": pod.get("status", {}).get("podIP", ""),
    }
    if path.startswith("metadata.labels['"):
        return str((meta.get("labels") or {}).get(path[17:-2], ""))
    if path.startswith("metadata.annotations['"):
        return str((meta.get("annotations") or {}).get(path[22:-2], ""))
    return str(known.get(path, ""))


def _data(held: Object | None) -> Mapping[str, Any]:
    if held is None:
        return {}
    return {**(held.get("data") or {}), **(held.get("stringData") or {})}


def pull_credentials(pod: Mapping[str, Any], host: str, lookup: Lookup) -> dict[str, str]:
    """User names and passwords for a registry, from the pod's imagePullSecrets."""
    found: dict[str, str] = {}
    for reference in pod["spec"].get("imagePullSecrets") or ():
        encoded = _data(lookup("secrets", reference["name"])).get(".dockerconfigjson", "")
        try:
            auths = json.loads(base64.b64decode(encoded))["auths"]
            entry = auths.get(host) or auths[f"https://{host}"]
            pair = base64.b64decode(entry["auth"]).decode() if "auth" in entry else ""
        except (ValueError, KeyError, TypeError):
            continue  # a secret that cannot be read opens nothing, as with the real kubelet
        user, _, password = pair.partition(":")
        found[entry.get("username") or user] = entry.get("password") or password
    return found


def missing_volumes(pod: Mapping[str, Any], lookup: Lookup) -> list[str]:
    """FailedMount messages, one a volume whose ConfigMap or Secret is not there."""
    messages = []
    for volume in pod["spec"].get("volumes") or ():
        for resource, name, optional, word in _volume_references(volume):
            if optional or lookup(resource, name) is not None:
                continue
            whose = f'volume "{volume["name"]}" : {word} "{name}"'
            messages.append(f"MountVolume.SetUp failed for {whose} not found")
    return messages


def _volume_references(volume: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    if "configMap" in volume:
        source = volume["configMap"]
        return [("configmaps", source["name"], bool(source.get("optional")), "configmap")]
    if "secret" in volume:
        source = volume["secret"]
        return [("secrets", source["secretName"], bool(source.get("optional")), "secret")]
    return []
