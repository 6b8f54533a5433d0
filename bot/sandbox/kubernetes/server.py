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
from collections.abc import AsyncIterator, Callable
from typing import Any

import yaml
from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import (
    access,
    decoding,
    discovery,
    logs,
    patches,
    protobuf,
    requests,
    selectors,
    statuses,
    tables,
    versions,
    watch,
)
from bot.sandbox.kubernetes.access import Ask, Rights, User
from bot.sandbox.kubernetes.logs import LogError, LogSource
from bot.sandbox.kubernetes.registry import Admission, DeleteOptions, Registry, track_fields
from bot.sandbox.kubernetes.requests import Form, Target
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.storage import Object, Storage, Stored, encode

_JSON = "application/json"
_BLOCK_TIMEOUT = 3.0  # seconds that the real watch cache waits to become fresh
_LOOK_AROUND = 0.5  # seconds between two looks at whether the server is away
_BOOKMARK_EVERY = 60.0
_PRE_TIMEOUT_BOOKMARK = 2.0
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
        self._logs = log_source
        self._registry = registry
        self._rights = rights
        self._outage = outage
        self._bookmark_every = bookmark_every
        self._caches = watch.WatchCaches(storage)
        self._closing = asyncio.Event()

    async def close(self, app: web.Application) -> None:
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._outage():
            _drop(request)
            return web.Response(status=503)
        try:
            return await self._dispatch(request)
        except ApiError as error:
            return _status(error)
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_MOST_BODY}"
            return _status(ApiError(413, "RequestEntityTooLarge", message, {}))

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
            return await self._log(request, target)
        if target.subresource == "scale":
            return await self._scale(request, target, form)
        if target.verb == "get":
            return self._get(request, target, form)
        if target.verb == "list":
            return self._list(request, target, form)
        if target.verb == "watch":
            return await self._watch(request, target, form)
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
            return _no_page()
        parts = path.split("/")
        if path in ("healthz", "livez", "readyz"):
            return web.Response(text="ok")
        if path == "version":
            return _json(discovery.VERSION)
        if parts[0] in ("api", "apis"):
            return self._discovery(request, parts)
        if path == "openapi/v2":
            return web.Response(body=discovery.openapi_v2(), content_type=_JSON)
        if path == "openapi/v3":
            return _json(discovery.openapi_index())
        if parts[:2] == ["openapi", "v3"] and len(parts) in (4, 5):
            group = parts[3] if parts[2] == "apis" else ""
            if discovery.resource_list(group, parts[-1]) is not None:
                document = discovery.openapi_document(group, parts[-1])
                return web.Response(body=document, content_type=_JSON)
        return _no_page()

    def _discovery(self, request: web.Request, parts: list[str]) -> web.Response:
        core = parts[0] == "api"
        if len(parts) == 1:
            if discovery.wants_aggregated(request.headers.get("Accept", "")):
                body = encode(discovery.aggregated(core=core))
                return web.Response(body=body, headers={"Content-Type": discovery.AGGREGATED})
            return _json(discovery.api_versions(request.host) if core else discovery.group_list())
        found: Object | None
        if core:
            found = discovery.resource_list("", parts[1]) if len(parts) == 2 else None
        elif len(parts) == 2:
            found = discovery.group(parts[1])
        else:
            found = discovery.resource_list(parts[1], parts[2]) if len(parts) == 3 else None
        return _no_page() if found is None else _json(found)

    # Reading

    def _get(self, request: web.Request, target: Target, form: Form) -> web.Response:
        version = watch.parse_version(request.query.get("resourceVersion", ""))
        if version is not None and version > self._storage.revision:
            raise statuses.too_large_version(version, self._caches.revision(target.kind.key))
        stored = self._storage.stored(target.kind.key, target.namespace or None, target.name)
        if stored is None:
            raise statuses.not_found(target.kind, target.name)
        if form == Form():
            return web.Response(body=watch.whole(target.kind, stored), content_type=_JSON)
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
            return _json(table, status, yaml_form=form.yaml)
        if form.shape == "metadata":
            obj = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        return _json(obj, status, yaml_form=form.yaml)

    def _list_options(self, request: web.Request, target: Target) -> watch.ListOptions:
        query = request.query
        version_text = query.get("resourceVersion", "")
        version_match = query.get("resourceVersionMatch", "")
        problems = []
        if version_match and not version_text and not query.get("sendInitialEvents"):
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            problems.append(statuses.forbidden_field("resourceVersionMatch", text))
        if version_match not in ("", "Exact", "NotOlderThan"):
            choices = ("", "Exact", "NotOlderThan")
            problems.append(statuses.not_supported("resourceVersionMatch", version_match, choices))
        if version_match == "Exact" and version_text == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            problems.append(statuses.forbidden_field("resourceVersionMatch", text))
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
                [self._shown(kind, stored) for stored in page.items],
                page.metadata(),
                self._clock.now(),
                request.query.get("includeObject", "Metadata"),
                head=True,
            )
            return _json(table, yaml_form=form.yaml)
        if form.shape == "metadata" or form.yaml:
            return _json(self._plain_list(target, page, form), yaml_form=form.yaml)
        head = b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[' % (
            kind.kind.encode(),
            kind.api_version.encode(),
            encode(page.metadata()),
        )
        items = b",".join([watch.as_item(kind, stored) for stored in page.items])
        return web.Response(body=head + items + b"]}", content_type=_JSON)

    def _shown(self, kind: Any, stored: Stored) -> Object:
        if versions.is_stored_form(kind):
            return stored.view
        return versions.to_version(kind, stored.copy())

    def _plain_list(self, target: Target, page: watch.Page, form: Form) -> Object:
        items: list[Object] = []
        for stored in page.items:
            obj = self._shown(target.kind, stored)
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

    # Watching

    def _watch_options(self, request: web.Request) -> watch.WatchOptions:
        query = request.query
        bookmarks = requests.flag(query, "allowWatchBookmarks")
        initial: bool | None = None
        if "sendInitialEvents" in query:
            initial = requests.flag(query, "sendInitialEvents")
            if query.get("resourceVersionMatch") != "NotOlderThan":
                text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
                problem = statuses.forbidden_field("resourceVersionMatch", text)
                raise statuses.invalid_options("ListOptions", [problem])
        elif query.get("resourceVersionMatch"):
            problem = statuses.forbidden_field(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
            raise statuses.invalid_options("ListOptions", [problem])
        seconds = requests.number(query, "timeoutSeconds")
        timeout = float(seconds) if seconds else random.uniform(1800, 3600)
        version = watch.parse_version(query.get("resourceVersion", ""))
        return watch.WatchOptions(version, bookmarks, initial, timeout)

    async def _watch(self, request: web.Request, target: Target, form: Form) -> web.StreamResponse:
        options = self._watch_options(request)
        query = request.query
        match = selectors.matcher(
            target.kind, query.get("labelSelector", ""), query.get("fieldSelector", "")
        )
        encoder = self._encoder(form, query.get("includeObject", "Metadata"))
        one = watch.Watch(
            self._storage, self._caches, target.kind, target.namespace or None, match, encoder
        )
        response = web.StreamResponse()
        response.content_type = _JSON
        if form.stream:
            response.headers["Content-Type"] = f"{_JSON};stream=watch"
        response.enable_chunked_encoding()
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + options.timeout
        try:
            await self._start(one, target, options)
            await self._stream(request, response, one, options, deadline)
        finally:
            one.stop()
        return response

    async def _start(self, one: watch.Watch, target: Target, options: watch.WatchOptions) -> None:
        """Begin; a watch without a version first waits for a cache that lags behind."""
        resource = target.kind.key
        if options.version is None and not options.initial_events:
            await self._until_fresh(resource, min(_BLOCK_TIMEOUT, options.timeout))
            if self._caches.behind(resource):
                wanted, current = self._storage.revision, self._caches.revision(resource)
                one.error(statuses.too_large_version(wanted, current))
                return
        if options.initial_events:
            self._caches.progress(resource)
        one.start(options)

    async def _until_fresh(self, resource: str, seconds: float) -> None:
        if not self._caches.behind(resource):
            return
        changed = asyncio.Event()
        stop = self._storage.subscribe(resource, lambda event: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while self._caches.behind(resource):
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            return
        finally:
            stop()

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        one: watch.Watch,
        options: watch.WatchOptions,
        deadline: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        bookmark_at = self._next_bookmark(loop.time(), deadline)
        while True:
            lines = one.take()
            if lines:
                await response.write(lines)
            now = loop.time()
            if self._outage():
                _drop(request)
                return
            if one.ended or now >= deadline or self._closing.is_set():
                return
            if options.bookmarks and now >= bookmark_at:
                one.bookmark()
                bookmark_at = self._next_bookmark(now, deadline)
                continue
            wake = min(deadline, bookmark_at if options.bookmarks else deadline)
            await one.wait(min(wake - now, _LOOK_AROUND))

    def _next_bookmark(self, now: float, deadline: float) -> float:
        """Each minute, and two seconds before the end (cacher: nextBookmarkTime)."""
        regular = now + self._bookmark_every
        before_end = deadline - _PRE_TIMEOUT_BOOKMARK
        return min(regular, before_end) if before_end > now else regular

    def _encoder(self, form: Form, include: str) -> Callable[[Any, Stored], bytes]:
        if form.shape == "object":
            return watch.whole
        first = True

        def as_table(kind: Any, stored: Stored) -> bytes:
            nonlocal first
            obj = self._shown(kind, stored)
            meta = {"resourceVersion": str(stored.revision)}
            table = tables.table(kind, [obj], meta, self._clock.now(), include, head=first)
            first = False
            return encode(table)

        def as_metadata(kind: Any, stored: Stored) -> bytes:
            return encode(
                {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": stored.view["metadata"],
                }
            )

        return as_table if form.shape == "table" else as_metadata

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
            value = decoding.json_text(data) if wanted == _JSON else decoding.yaml_text(data)[0]
        except decoding.DecodeError as error:
            why = str(error)
            if wanted == _JSON:
                why = f"couldn't get version/kind; json parse error: {why}"
            raise _unrecognized(kind_name, why, data) from error
        if not isinstance(value, dict):
            why = (
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{_json_word(value)} into Go value of type struct {{ APIVersion string "
                '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
            )
            raise _unrecognized(kind_name, why, data)
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
        return _with_warnings(answer, options.warnings)

    def _review(self, target: Target, raw: Any, options: Any, user: User) -> Object:
        obj = self._registry.decoded_review(target.kind, raw, options)
        obj["status"] = access.review(target.kind, obj, user, self._rights, self._storage)
        return obj

    async def _change(self, request: web.Request, target: Target, form: Form) -> web.Response:
        status = 200
        if target.verb == "update":
            options = self._options(request, "update")
            raw = await self._body(request, target.kind.kind)
            obj = self._registry.replace(
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
            status = 201 if created else 200
        answer = self._answer(request, target, obj, form, status)
        return _with_warnings(answer, options.warnings)

    async def _scale(self, request: web.Request, target: Target, form: Form) -> web.Response:
        change: Callable[[Object], Any] | None = None
        options = self._options(request, "get" if target.verb == "get" else target.verb)
        if target.verb == "update":
            raw = await self._body(request, "Scale")

            def change(scale: Object) -> Any:
                return raw

        elif target.verb == "patch":
            kind_of_patch = requests.patch_type(request.headers.get("Content-Type", ""))
            try:
                patch = decoding.yaml_text(await request.read())[0]
            except decoding.DecodeError as error:
                raise statuses.bad_request(f"error decoding patch: {error}") from error

            def change(scale: Object) -> Any:
                if kind_of_patch == patches.JSON:
                    return patches.json_patch(scale, patch)
                return patches.merge_patch(scale, patch)

        obj = self._registry.scale(target.kind, target.namespace, target.name, change, options)
        return _json(obj, yaml_form=form.yaml)

    async def _delete(self, request: web.Request, target: Target, form: Form) -> web.Response:
        options = await self._delete_options(request)
        if target.verb == "deletecollection":
            return self._delete_collection(request, target, options)
        obj, gone = self._registry.delete(target.kind, target.namespace, target.name, options)
        if gone and target.kind.kind not in ("Pod", "Service", "ServiceAccount"):
            return _json(_deleted(target, obj))
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
                self._registry.delete(target.kind, meta.get("namespace", ""), meta["name"], options)
        return _json(self._plain_list(target, page, Form()))

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

    # Logs

    async def _log(self, request: web.Request, target: Target) -> web.StreamResponse:
        if request.method != "GET":
            raise statuses.method_not_allowed()
        pod = self._storage.get("pods", target.namespace, target.name)
        if pod is None:
            raise statuses.not_found(target.kind, target.name)
        options = logs.read_options(request.query, target.name, self._clock.now())
        container = logs.choose_container(pod, options.container)
        if not (pod.get("spec") or {}).get("nodeName"):
            return web.Response(body=b"", content_type="text/plain")
        logs.refuse_by_status(pod, container, previous=options.previous)
        stream = self._logs.lines(
            target.namespace, target.name, container, previous=options.previous
        )
        if isinstance(stream, LogError):
            raise logs.error_of(stream)
        follower = stream.follow() if options.follow else None
        tail = options.tail if options.since is None else None
        chosen = logs.select(stream.so_far(tail=tail), options)
        now = b"".join(line.encoded(timestamps=options.timestamps) for line in chosen)
        if options.limit_bytes is not None:
            now = now[: options.limit_bytes]
        if follower is None:
            return web.Response(body=now, headers={"Content-Type": "text/plain"})
        return await self._follow_log(request, now, follower, options)

    async def _follow_log(
        self,
        request: web.Request,
        now: bytes,
        follower: AsyncIterator[logs.LogLine],
        options: logs.LogOptions,
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if now:
            await response.write(now)
        left = None if options.limit_bytes is None else options.limit_bytes - len(now)
        pending: asyncio.Future[logs.LogLine] | None = None
        try:
            while not self._closing.is_set():
                pending = pending or asyncio.ensure_future(anext(follower))
                await asyncio.wait({pending}, timeout=_LOOK_AROUND)
                if self._outage():
                    _drop(request)
                    break
                if not pending.done():
                    continue
                try:
                    line = pending.result().encoded(timestamps=options.timestamps)
                except StopAsyncIteration:
                    break
                pending = None
                if left is not None:
                    line = line[:left]
                    left -= len(line)
                await response.write(line)
                if left == 0:
                    break
        finally:
            if pending is not None:
                pending.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await pending
            close = getattr(follower, "aclose", None)
            if close is not None:
                await close()
        return response


# Answers


def _json(value: Any, status: int = 200, *, yaml_form: bool = False) -> web.Response:
    if yaml_form:
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        return web.Response(text=text, status=status, content_type="application/yaml")
    return web.Response(body=encode(value), status=status, content_type=_JSON)


def _status(error: ApiError) -> web.Response:
    response = _json(error.status(), error.code)
    retry = (error.details or {}).get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def _with_warnings(response: web.Response, warnings: list[str]) -> web.Response:
    for warning in dict.fromkeys(warnings):
        text = warning.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def _no_page() -> web.Response:
    return web.Response(text="404 page not found\n", status=404)


def _deleted(target: Target, obj: Object) -> Object:
    details: Object = {"name": target.name}
    if target.kind.group:
        details["group"] = target.kind.group
    details["kind"] = target.kind.plural
    details["uid"] = obj["metadata"].get("uid", "")
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def _unrecognized(kind_name: str, why: str, data: bytes) -> ApiError:
    if not data:
        shown = "<empty>"
    elif data[:1] == b"{":
        shown = data[:30].decode(errors="replace") + (" ..." if len(data) > 30 else "")
    else:
        shown = data[:30].hex() + (" ..." if len(data) > 30 else "")
    return statuses.bad_request(
        f"the object provided is unrecognized (must be of type {kind_name}): {why} ({shown})"
    )


def _json_word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {str: "string", list: "array", int: "number", float: "number"}.get(type(value), "null")


def _drop(request: web.Request) -> None:
    """Cut the connection as a server does that is gone."""
    if request.transport is not None:
        request.transport.abort()
