"""What the API server says about itself: health, version, discovery, OpenAPI, the index of paths.

Everything outside of the resources; who may read it is for `access.py` to say.
"""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.kubernetes import discovery, openapi_protobuf, statuses
from bot.sandbox.kubernetes.answers import JSON, as_json, no_page
from bot.sandbox.kubernetes.resources import KINDS
from bot.sandbox.kubernetes.stored import Object, encode

_HOOKS = (
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "start-system-namespaces-controller",
    "start-apiextensions-informers",
    "bootstrap-controller",
    "rbac/bootstrap-roles",
    "apiservice-registration-controller",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
)
_CHECKS = ("ping", "log", "etcd", *(f"poststarthook/{name}" for name in _HOOKS))
_HEALTH = {
    "healthz": _CHECKS,
    "livez": _CHECKS,
    "readyz": (*_CHECKS[:3], "etcd-readiness", "informer-sync", *_CHECKS[3:], "shutdown"),
}


def answer(request: web.Request, path: str) -> web.Response:
    """`path` without slashes around it."""
    parts = path.split("/")
    if request.method not in ("GET", "HEAD") and _is_route(request, path, parts):
        raise statuses.method_not_allowed()
    if parts[0] in _HEALTH:
        return _health(request, parts[0], "/".join(parts[1:]))
    if not path:
        return as_json({"paths": _paths()})
    if path == "version":
        return as_json(discovery.VERSION)
    if parts[0] in ("api", "apis"):
        return _discovered(request, parts)
    if parts[0] == "openapi":
        return _openapi(request, path, parts)
    return no_page()


def _is_route(request: web.Request, path: str, parts: list[str]) -> bool:
    """Whether go-restful serves a path, by its method; the others are handlers that take any."""
    if parts[0] in ("api", "apis"):
        return _discovered(request, parts).status == 200
    return path == "version"


def _health(request: web.Request, kind: str, one: str) -> web.Response:
    """`ok`, or with `verbose` every check by name (healthz.go: handleRootHealth)."""
    if one:
        return web.Response(text="ok") if one in _HEALTH[kind] else no_page()
    if "verbose" not in request.query:
        return web.Response(text="ok")
    left_out = request.query.getall("exclude", [])
    lines = [
        f"[+]{name} excluded: ok" if name in left_out else f"[+]{name} ok" for name in _HEALTH[kind]
    ]
    return web.Response(text="\n".join([*lines, f"{kind} check passed", ""]))


def _paths() -> list[str]:
    groups = {f"/apis/{kind.group}" for kind in KINDS if kind.group}
    fixed = ("/api", "/apis", "/apis/", "/openapi/v2", "/openapi/v3", "/version")
    health = [f"/{kind}{name}" for kind, names in _HEALTH.items() for name in ("", *_below(names))]
    return sorted({*fixed, *groups, *health, *(kind.root for kind in KINDS)})


def _below(names: tuple[str, ...]) -> list[str]:
    return [f"/{name}" for name in names]


def _openapi(request: web.Request, path: str, parts: list[str]) -> web.Response:
    accepted = [one.strip() for one in request.headers.get("Accept", "").split(",")]
    if path == "openapi/v2" and accepted[0] in (
        openapi_protobuf.ASKED,
        openapi_protobuf.MEDIA_TYPE,
    ):
        body = discovery.openapi_v2_protobuf()
        return web.Response(body=body, headers={"Content-Type": openapi_protobuf.MEDIA_TYPE})
    if path == "openapi/v2":
        return web.Response(body=discovery.openapi_v2(), content_type=JSON)
    if path == "openapi/v3":
        return as_json(discovery.openapi_index())
    if parts[1:2] == ["v3"] and len(parts) in (4, 5):
        group = parts[3] if parts[2] == "apis" else ""
        if discovery.resource_list(group, parts[-1]) is not None:
            document = discovery.openapi_document(group, parts[-1])
            return web.Response(body=document, content_type=JSON)
    return no_page()


def _discovered(request: web.Request, parts: list[str]) -> web.Response:
    core = parts[0] == "api"
    if len(parts) == 1:
        if discovery.wants_aggregated(request.headers.get("Accept", "")):
            body = encode(discovery.aggregated(core=core))
            return web.Response(body=body, headers={"Content-Type": discovery.AGGREGATED})
        return as_json(discovery.api_versions(request.host) if core else discovery.group_list())
    found: Object | None
    if core:
        found = discovery.resource_list("", parts[1]) if len(parts) == 2 else None
    elif len(parts) == 2:
        found = discovery.group(parts[1])
    else:
        found = discovery.resource_list(parts[1], parts[2]) if len(parts) == 3 else None
    return no_page() if found is None else as_json(found)
