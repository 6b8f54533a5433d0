"""What the server tells about itself: groups, resources, version, and its OpenAPI documents.

kubectl asks for the aggregated discovery first and for `/openapi/v3` before it applies; other
clients use the older lists. All of it follows from `resources.py` and `schema.py`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from bot.sandbox.kubernetes import openapi_protobuf
from bot.sandbox.kubernetes.resources import KINDS, Kind, groups, kinds_of
from bot.sandbox.kubernetes.schema import (
    ATOMIC_FIELDS,
    ATOMIC_TYPES,
    LIST_KEYS,
    MERGE_KEYS,
    RETAIN_KEYS,
    SETS,
    TYPES,
)
from bot.sandbox.kubernetes.stored import Object, encode

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def wants_aggregated(accept: str) -> bool:
    return "g=apidiscovery.k8s.io" in accept and "v=v2" in accept.replace("v=v2beta1", "")


def api_versions(address: str) -> Object:
    servers = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": servers}


def group_list() -> Object:
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, versions) for name, versions in groups().items() if name],
    }


def group(name: str) -> Object | None:
    versions = groups().get(name)
    if not name or versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def _group(name: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resource_list(name: str, version: str) -> Object | None:
    """The resources of one group and version; None when there is no such group and version."""
    kinds = kinds_of(name, version)
    if not kinds:
        return None
    resources: list[Object] = []
    for kind in kinds:
        resource: Object = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        if kind.short:
            resource["shortNames"] = list(kind.short)
        if kind.categories:
            resource["categories"] = list(kind.categories)
        resources.append(resource)
        for word, its_kind, verbs, extra in _subresources(kind):
            resources.append(
                {
                    "name": f"{kind.plural}/{word}",
                    "singularName": "",
                    "namespaced": kind.namespaced,
                    **extra,
                    "kind": its_kind,
                    "verbs": verbs,
                }
            )
    version_name = f"{name}/{version}" if name else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version_name,
        "resources": resources,
    }


def _subresources(kind: Kind) -> list[tuple[str, str, list[str], Object]]:
    found: list[tuple[str, str, list[str], Object]] = []
    if kind.plural == "pods":
        found.append(("log", "Pod", ["get"], {}))
    if kind.scale:
        scale = {"group": "autoscaling", "version": "v1"}
        found.append(("scale", "Scale", ["get", "patch", "update"], scale))
    if kind.status:
        found.append(("status", kind.kind, ["get", "patch", "update"], {}))
    return found


def aggregated(*, core: bool) -> Object:
    """APIGroupDiscoveryList of `/api` or `/apis`."""
    items = []
    for name, versions in groups().items():
        if bool(name) is core:
            continue
        listed = [
            {
                "version": version,
                "resources": [_aggregated_kind(kind) for kind in kinds_of(name, version)],
                "freshness": "Current",
            }
            for version in versions
        ]
        items.append({"metadata": {"name": name} if name else {}, "versions": listed})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_kind(kind: Kind) -> Object:
    resource: Object = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        resource["shortNames"] = list(kind.short)
    if kind.categories:
        resource["categories"] = list(kind.categories)
    subresources = []
    for word, its_kind, verbs, extra in _subresources(kind):
        response = {
            "group": extra.get("group", kind.group),
            "version": extra.get("version", kind.version),
            "kind": its_kind,
        }
        subresources.append({"subresource": word, "responseKind": response, "verbs": verbs})
    if subresources:
        resource["subresources"] = subresources
    return resource


# OpenAPI


def openapi_index() -> Object:
    """`/openapi/v3`: one document per group and version, with a hash for caches."""
    paths = {}
    for kind in KINDS:
        path = kind.root.lstrip("/")
        digest = hashlib.sha256(openapi_document(kind.group, kind.version)).hexdigest().upper()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


@cache
def openapi_document(name: str, version: str) -> bytes:
    """`/openapi/v3/apis/apps/v1`: schemas with their merge rules, and the paths that patch."""
    kinds = kinds_of(name, version)
    return encode(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.36.2"},
            "paths": {path: item for kind in kinds for path, item in _paths(kind).items()},
            "components": {"schemas": _schemas(kinds)},
        }
    )


@cache
def openapi_v2() -> bytes:
    """`/openapi/v2` as JSON, for clients that read it so."""
    return encode(_openapi_v2())


@cache
def openapi_v2_protobuf() -> bytes:
    """The same as kubectl reads it."""
    return openapi_protobuf.encoded(_openapi_v2())


def _openapi_v2() -> Object:
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": {path: item for kind in KINDS for path, item in _paths(kind).items()},
        "definitions": _schemas(list(KINDS), "#/definitions/"),
    }


def _paths(kind: Kind) -> dict[str, Object]:
    where = "/namespaces/{namespace}" if kind.namespaced else ""
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    options = ("pretty", "dryRun", "fieldManager", "fieldValidation")
    parameters = [
        {"name": option, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for option in options
    ]
    paths: dict[str, Object] = {}
    for path, verbs in (
        (f"{kind.root}{where}/{kind.plural}", {"post": "post", "get": "list"}),
        (
            f"{kind.root}{where}/{kind.plural}/{{name}}",
            {"get": "get", "put": "put", "patch": "patch", "delete": "delete"},
        ),
    ):
        paths[path] = {
            method: {
                "operationId": f"{action}{kind.group.title()}{kind.kind}",
                "parameters": parameters,
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": gvk,
            }
            for method, action in verbs.items()
        }
    return paths


def _schema_name(name: str) -> str:
    return f"io.k8s.api.{name}"


def _schemas(kinds: list[Kind], prefix: str = "#/components/schemas/") -> Object:
    schemas: Object = {}
    waiting = [kind.schema for kind in kinds] + ["DeleteOptions", "Status"]
    while waiting:
        name = waiting.pop()
        if _schema_name(name) in schemas:
            continue
        properties = {}
        for field, ref in TYPES[name].items():
            properties[field] = {**_reference(ref, prefix), **_extensions(name, field)}
            inner = ref.strip("[]{}")
            if inner in TYPES:
                waiting.append(inner)
        schema: Object = {"type": "object", "description": name, "properties": properties}
        if name in ATOMIC_TYPES:
            schema["x-kubernetes-map-type"] = "atomic"
        schemas[_schema_name(name)] = schema
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        schemas[_schema_name(kind.schema)]["x-kubernetes-group-version-kind"] = [gvk]
    return schemas


def _reference(ref: str, prefix: str) -> Object:
    if ref[0] == "[":
        return {"type": "array", "items": _reference(ref[1:-1], prefix)}
    if ref[0] == "{":
        return {"type": "object", "additionalProperties": _reference(ref[1:-1], prefix)}
    if ref in TYPES:
        name = prefix + _schema_name(ref)
        return {"allOf": [{"$ref": name}]} if "components" in prefix else {"$ref": name}
    scalars: dict[str, Object] = {
        "time": {"type": "string", "format": "date-time"},
        "bytes": {"type": "string", "format": "byte"},
        "integer": {"type": "integer", "format": "int32"},
        "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "int-or-string": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    }
    if ref in ("quantity", "int-or-string") and "components" not in prefix:
        return {"type": "string", "format": "int-or-string"}
    return dict(scalars.get(ref, {"type": ref}))


def _extensions(owner: str, field: str) -> Object:
    found: dict[str, Any] = {}
    at = (owner, field)
    if at in LIST_KEYS:
        found["x-kubernetes-list-type"] = "map"
        found["x-kubernetes-list-map-keys"] = list(LIST_KEYS[at])
    elif at in SETS:
        found["x-kubernetes-list-type"] = "set"
    elif TYPES[owner][field][0] == "[":
        found["x-kubernetes-list-type"] = "atomic"
    if at in ATOMIC_FIELDS:
        found["x-kubernetes-map-type"] = "atomic"
    strategies = []
    if at in MERGE_KEYS:
        strategies.append("merge")
        if MERGE_KEYS[at]:
            found["x-kubernetes-patch-merge-key"] = MERGE_KEYS[at]
    if at in RETAIN_KEYS:
        strategies.append("retainKeys")
    if strategies:
        found["x-kubernetes-patch-strategy"] = ",".join(strategies)
    return found
