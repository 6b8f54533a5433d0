"""The Kubernetes API server of the sandbox: routes, dispatch, answers.

`kubernetes_app` gives an aiohttp application that can be mounted under a prefix. Storage, clock and
logs are the world's; this part speaks HTTP and answers as Kubernetes 1.36 does (recorded in
tests/recordings/api-exchanges.jsonl). Everything that refuses raises `ApiError`; it becomes a
Status here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import (
    access,
    decoding,
    discovery,
    patches,
    protobuf,
    requests,
    scaling,
    selectors,
    statuses,
    tables,
    versions,
    watch,
)
from bot.sandbox.kubernetes.access import Ask, Rights, User
from bot.sandbox.kubernetes.answers import (
    JSON,
    as_json,
    as_status,
    deleted,
    drop,
    no_page,
    unrecognized,
    with_warnings,
)
from bot.sandbox.kubernetes.deletion import DeleteOptions, Deletion
from bot.sandbox.kubernetes.log_endpoint import LogEndpoint
from bot.sandbox.kubernetes.logs import LogSource
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.registry import Admission, Registry, track_fields
from bot.sandbox.kubernetes.requests import Form, Target
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.storage import Object, Storage, encode
from bot.sandbox.kubernetes.watch_endpoint import WatchEndpoint

_BOOKMARK_EVERY = 60.0
_MOST_BODY = 3 * 1024 * 1024


def kubernetes_app(
    storage: Storage,
    clock: Clock,
    log_source: LogSource,
    *,
    admission: Admission = lambda resource, obj: None,
    users: Rights | None = None,
    outage: Callable[[], bool] = lambda: False,
    bookmark_every: float = _BOOKMARK_EVERY,
    dice: random.Random | None = None,
) -> web.Application:
    """The API server as an application.

    `admission` sees each new object (resource, object) and may refuse it; `users` are those beside
    the administrator; while `outage()` is true every connection is dropped, open ones within half a
    second. Timeouts of the protocol (watches, bookmarks: `bookmark_every`) are real seconds.
    """
    server = ApiServer(
        storage,
        clock,
        log_source,
        Registry(storage, clock, admission, dice or random.Random()),
        users or Rights(),
        outage,
        bookmark_every,
    )
    storage.field_tracker = lambda resource, old, new, manager, subresource: track_fields(
        resource, old, new, manager, subresource, storage.timestamp()
    )
    app = web.Application(client_max_size=_MOST_BODY)
    app.router.add_route("*", "/{path:.*}", server.handle)
    app.on_shutdown.append(server.close)
    return app


class ApiServer:
    """Answers requests; holds no state but open streams and how far the watch caches are."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        log_source: LogSource,
        registry: Registry,
        rights: Rights,
        outage: Callable[[], bool],
        bookmark_every: float,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._registry = registry
        self._deletion = Deletion(storage, clock)
        self._rights = rights
        self._outage = outage
        self._caches = watch.WatchCaches(storage)
        self._closing = asyncio.Event()
        self._watches = WatchEndpoint(
            storage, clock, self._caches, outage, self._closing, bookmark_every
        )
        self._log_endpoint = LogEndpoint(storage, clock, log_source, outage, self._closing)

    async def close(self, app: web.Application) -> None:
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._outage():
            drop(request)
            return web.Response(status=503)
        try:
            return await self._dispatch(request)
        except ApiError as error:
            return as_status(error)
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_MOST_BODY}"
            return as_status(ApiError(413, "RequestEntityTooLarge", message, {}))

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"].rstrip("/")
        user = access.who(
            request.headers, request.headers.getall("Impersonate-Group", []), self._rights
        )
        target = requests.parse_path(request.method, path, request.query)
        if target is None:
            return self._about(request, path)
        self._authorize(target, user)
        form = requests.accepted(request.headers.get("Accept", ""))
        if target.subresource == "log":
            return await self._log_endpoint.serve(request, target)
        if target.subresource == "scale":
            return await self._scale(request, target, form)
        if target.verb == "get":
            return self._get(request, target, form)
        if target.verb == "list":
            return self._list(request, target, form)
        if target.verb == "watch":
            return await self._watches.serve(request, target, form)
        if target.verb == "create":
            return await self._create(request, target, form, user)
        if target.verb in ("update", "patch"):
            return await self._change(request, target, form)
        return await self._delete(request, target, form)

    def _authorize(self, target: Target, user: User) -> None:
        ask = Ask(
            user.name,
            target.verb,
            target.kind.group,
            target.resource,
            target.namespace or (target.name if target.kind.plural == "namespaces" else ""),
            target.name,
            user.groups,
        )
        if target.kind.group == "authorization.k8s.io" and target.kind.kind.startswith("Self"):
            return  # everybody may ask about themselves
        if not self._rights.allowed(ask, self._storage):
            raise access.refusal(target.kind, ask)

    # What the server says about itself

    def _about(self, request: web.Request, path: str) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return no_page()
        parts = path.split("/")
        if path in ("healthz", "livez", "readyz"):
            return web.Response(text="ok")
        if path == "version":
            return as_json(discovery.VERSION)
        if parts[0] in ("api", "apis"):
            return self._discovery(request, parts)
        if path == "openapi/v2":
            return web.Response(body=discovery.openapi_v2(), content_type=JSON)
        if path == "openapi/v3":
            return as_json(discovery.openapi_index())
        if parts[:2] == ["openapi", "v3"] and len(parts) in (4, 5):
            group = parts[3] if parts[2] == "apis" else ""
            if discovery.resource_list(group, parts[-1]) is not None:
                document = discovery.openapi_document(group, parts[-1])
                return web.Response(body=document, content_type=JSON)
        return no_page()

    def _discovery(self, request: web.Request, parts: list[str]) -> web.Response:
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

    # Reading

    def _get(self, request: web.Request, target: Target, form: Form) -> web.Response:
        version = watch.parse_version(request.query.get("resourceVersion", ""))
        if version is not None and version > self._storage.revision:
            raise statuses.too_large_version(version, self._caches.revision(target.kind.key))
        stored = self._storage.stored(target.kind.key, target.namespace or None, target.name)
        if stored is None:
            raise statuses.not_found(target.kind, target.name)
        if form == Form():
            return web.Response(body=watch.whole(target.kind, stored), content_type=JSON)
        obj = versions.to_version(target.kind, stored.copy())
        return self._answer(request, target, obj, form)

    def _answer(
        self, request: web.Request, target: Target, obj: Object, form: Form, status: int = 200
    ) -> web.Response:
        """One object in the form that was asked for."""
        obj = {"kind": target.kind.kind, "apiVersion": target.kind.api_version, **obj}
        if form.shape == "table" and obj["kind"] != "Status":
            meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            include = request.query.get("includeObject", "Metadata")
            table = tables.table(target.kind, [obj], meta, self._clock.now(), include, head=True)
            return as_json(table, status, yaml_form=form.yaml)
        if form.shape == "metadata":
            obj = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        return as_json(obj, status, yaml_form=form.yaml)

    def _list_options(self, request: web.Request, target: Target) -> watch.ListOptions:
        query = request.query
        version_text = query.get("resourceVersion", "")
        version_match = query.get("resourceVersionMatch", "")
        problems = []
        if version_match and not version_text:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            problems.append(statuses.forbidden_field("resourceVersionMatch", text))
        if version_match and query.get("continue"):
            text = "resourceVersionMatch is forbidden when continue is provided"
            problems.append(statuses.forbidden_field("resourceVersionMatch", text))
        if version_match not in ("", "Exact", "NotOlderThan"):
            choices = ("", "Exact", "NotOlderThan")
            problems.append(statuses.not_supported("resourceVersionMatch", version_match, choices))
        if version_match == "Exact" and version_text == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            problems.append(statuses.forbidden_field("resourceVersionMatch", text))
        if "sendInitialEvents" in query:
            text = "sendInitialEvents is forbidden for list"
            problems.append(statuses.forbidden_field("sendInitialEvents", text))
        if problems:
            raise statuses.invalid_options("ListOptions", problems)
        if query.get("continue") and version_text not in ("", "0"):
            text = "specifying resource version is not allowed when using continue"
            raise statuses.bad_request(text)
        fields = query.get("fieldSelector", "")
        return watch.ListOptions(
            selectors.matcher(target.kind, query.get("labelSelector", ""), fields),
            watch.parse_version(version_text),
            version_match,
            max(0, requests.number(query, "limit") or 0),
            query.get("continue", ""),
        )

    def _list(self, request: web.Request, target: Target, form: Form) -> web.Response:
        kind = target.kind
        options = self._list_options(request, target)
        page = watch.list_page(
            self._storage, self._caches, kind.key, target.namespace or None, options
        )
        if form.shape == "table":
            table = tables.table(
                kind,
                [watch.shown(kind, stored) for stored in page.items],
                page.metadata(),
                self._clock.now(),
                request.query.get("includeObject", "Metadata"),
                head=True,
            )
            return as_json(table, yaml_form=form.yaml)
        if form.shape == "metadata" or form.yaml:
            return as_json(self._plain_list(target, page, form), yaml_form=form.yaml)
        head = b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[' % (
            kind.kind.encode(),
            kind.api_version.encode(),
            encode(page.metadata()),
        )
        items = b",".join([watch.as_item(kind, stored) for stored in page.items])
        return web.Response(body=head + items + b"]}", content_type=JSON)

    def _plain_list(self, target: Target, page: watch.Page, form: Form) -> Object:
        items: list[Object] = []
        for stored in page.items:
            obj = watch.shown(target.kind, stored)
            partial = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
            items.append(partial if form.shape == "metadata" else obj)
        partial_list = form.shape == "metadata"
        return {
            "kind": "PartialObjectMetadataList" if partial_list else f"{target.kind.kind}List",
            "apiVersion": "meta.k8s.io/v1" if partial_list else target.kind.api_version,
            "metadata": page.metadata(),
            "items": items,
        }

    # Writing

    async def _body(self, request: web.Request, kind_name: str) -> Any:
        """The object of a POST or PUT body. Raises ApiError 415 or 400."""
        wanted = requests.body_type(request.headers.get("Content-Type", ""))
        data = await request.read()
        if wanted == requests.PROTOBUF:
            try:
                return protobuf.decode(data)
            except protobuf.UnknownMessage as error:
                raise statuses.unsupported_media_type(requests.BODY_TYPES) from error
        try:
            value = decoding.json_text(data) if wanted == JSON else decoding.yaml_text(data)[0]
        except decoding.DecodeError as error:
            why = str(error)
            if wanted == JSON:
                why = f"couldn't get version/kind; json parse error: {why}"
            raise unrecognized(kind_name, why, data) from error
        if not isinstance(value, dict):
            why = (
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{statuses.json_word(value)} into Go value of type struct {{ APIVersion string "
                '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
            )
            raise unrecognized(kind_name, why, data)
        return value

    def _options(self, request: web.Request, verb: str, *, apply: bool = False) -> Any:
        agent = request.headers.get("User-Agent", "")
        return requests.write_options(request.query, agent, verb, apply=apply)

    async def _create(
        self, request: web.Request, target: Target, form: Form, user: User
    ) -> web.Response:
        options = self._options(request, "create")
        raw = await self._body(request, target.kind.kind)
        if target.kind.group == "authorization.k8s.io":
            obj = self._review(target, raw, options, user)
        else:
            obj = self._registry.create(target.kind, target.namespace, raw, options)
        answer = self._answer(request, target, obj, form, 201)
        return with_warnings(answer, options.warnings)

    def _review(self, target: Target, raw: Any, options: Any, user: User) -> Object:
        obj = self._registry.decoded_review(target.kind, raw, options)
        obj["status"] = access.review(target.kind, obj, user, self._rights, self._storage)
        return obj

    async def _change(self, request: web.Request, target: Target, form: Form) -> web.Response:
        if target.verb == "update":
            options = self._options(request, "update")
            raw = await self._body(request, target.kind.kind)
            obj, created = self._registry.replace(
                target.kind, target.namespace, target.name, raw, options, target.subresource
            )
        else:
            kind_of_patch = requests.patch_type(request.headers.get("Content-Type", ""))
            options = self._options(request, "patch", apply=kind_of_patch == patches.APPLY)
            obj, created = self._registry.patch(
                target.kind,
                target.namespace,
                target.name,
                kind_of_patch,
                await request.read(),
                options,
                target.subresource,
            )
        answer = self._answer(request, target, obj, form, 201 if created else 200)
        return with_warnings(answer, options.warnings)

    async def _scale(self, request: web.Request, target: Target, form: Form) -> web.Response:
        change: scaling.Change | None = None
        if target.verb == "update":
            options = self._options(request, "update")
            change = scaling.replaced(await self._body(request, "Scale"), options)
        elif target.verb == "patch":
            kind_of_patch = requests.patch_type(request.headers.get("Content-Type", ""))
            options = self._options(request, "patch", apply=kind_of_patch == patches.APPLY)
            change = scaling.patched(kind_of_patch, await request.read(), options)
        else:
            options = WriteOptions("")
        obj = self._registry.scale(target.kind, target.namespace, target.name, change, options)
        return with_warnings(as_json(obj, yaml_form=form.yaml), options.warnings)

    async def _delete(self, request: web.Request, target: Target, form: Form) -> web.Response:
        options = await self._delete_options(request)
        if target.verb == "deletecollection":
            return self._delete_collection(request, target, options)
        obj, gone = self._deletion.delete(target.kind, target.namespace, target.name, options)
        if gone and target.kind.kind not in ("Pod", "Service", "ServiceAccount"):
            return as_json(deleted(target, obj))
        return self._answer(request, target, obj, form)

    def _delete_collection(
        self, request: web.Request, target: Target, options: DeleteOptions
    ) -> web.Response:
        page = watch.list_page(
            self._storage,
            self._caches,
            target.kind.key,
            target.namespace or None,
            self._list_options(request, target),
        )
        for stored in page.items:
            meta = stored.view["metadata"]
            with contextlib.suppress(ApiError):  # gone in between
                self._deletion.delete(target.kind, meta.get("namespace", ""), meta["name"], options)
        return as_json(self._plain_list(target, page, Form()))

    async def _delete_options(self, request: web.Request) -> DeleteOptions:
        body: Object = {}
        if request.can_read_body and await request.read():
            raw = await self._body(request, "DeleteOptions")
            try:
                body = decoding.decode("DeleteOptions", raw)[0]
            except decoding.DecodeError as error:
                raise statuses.bad_request(str(error)) from error
        query = request.query
        policy = body.get("propagationPolicy") or query.get("propagationPolicy", "")
        if not policy and body.get("orphanDependents") is not None:
            policy = "Orphan" if body["orphanDependents"] else "Background"
        if policy not in ("", "Orphan", "Background", "Foreground"):
            choices = ("Foreground", "Background", "Orphan", "nil")
            problem = statuses.not_supported("propagationPolicy", policy, choices)
            raise statuses.invalid_options("DeleteOptions", [problem])
        grace = body.get("gracePeriodSeconds")
        if grace is None:
            grace = requests.number(query, "gracePeriodSeconds")
        wanted_state = body.get("preconditions") or {}
        dry_run = (body.get("dryRun") or []) or [query.get("dryRun", "")]
        return DeleteOptions(
            policy or "Background",
            grace,
            wanted_state.get("uid"),
            wanted_state.get("resourceVersion"),
            "All" in dry_run,
        )
