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
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import (
    about,
    access,
    delete_options,
    patches,
    pod_subresources,
    protobuf,
    requests,
    scaling,
    statuses,
    texts,
    watch,
)
from bot.sandbox.kubernetes.access import Ask, Rights, User
from bot.sandbox.kubernetes.admission import Admission
from bot.sandbox.kubernetes.answers import (
    JSON,
    as_json,
    as_read,
    as_status,
    deleted,
    drop,
    unrecognized,
    with_warnings,
)
from bot.sandbox.kubernetes.deletion import DeleteOptions, Deletion
from bot.sandbox.kubernetes.kind_validation import review_errors
from bot.sandbox.kubernetes.log_endpoint import LogEndpoint
from bot.sandbox.kubernetes.logs import LogSource
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.reading import Reading
from bot.sandbox.kubernetes.registry import Registry, track_fields
from bot.sandbox.kubernetes.requests import Form, Target
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object
from bot.sandbox.kubernetes.watch_endpoint import WatchEndpoint

_BOOKMARK_EVERY = 60.0
_MOST_BODY = 3 * 1024 * 1024
# Deleted at once, these come back as they were, others as a success (ReturnDeletedObject).
_RETURNED = ("Pod", "Service", "ServiceAccount", "ResourceQuota", "PersistentVolumeClaim")


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
    app.on_response_prepare.append(_add_headers)
    return app


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer of a real one carries."""
    response.headers["Audit-Id"] = str(uuid.uuid4())
    response.headers["Cache-Control"] = "no-cache, private"


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
        self._reading = Reading(storage, clock, self._caches)
        self._closing = asyncio.Event()
        self._watches = WatchEndpoint(
            storage, clock, self._caches, outage, self._closing, bookmark_every
        )
        self._pods = pod_subresources.PodSubresources(storage, self._deletion, self._body)
        self._log_endpoint = LogEndpoint(storage, clock, log_source, outage, self._closing)

    async def close(self, app: web.Application) -> None:
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._outage():
            drop(request)
            return web.Response(status=503)
        try:
            return as_read(request, await self._dispatch(request))
        except ApiError as error:
            return as_read(request, as_status(error, request.headers.get("Accept", "")))
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_MOST_BODY}"
            return as_status(ApiError(413, "RequestEntityTooLarge", message))
        except access.ImpersonationError as error:
            text = f'Internal Server Error: "{request.path_qs}": {error}\n'
            return web.Response(text=text, status=500)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"].rstrip("/")
        user = access.who(request.headers, self._rights)
        requests.check_timeout(request.query)
        self._authorize(request, path, user)
        target = requests.parse_path(request.method, path, request.query)
        if target is None:
            return about.answer(request, path)
        form = requests.accepted(request.headers.get("Accept", ""))
        if target.subresource == "log":
            return await self._log_endpoint.serve(request, target)
        if target.subresource == "scale":
            return await self._scale(request, target, form)
        if target.subresource in pod_subresources.ALL:
            return await self._pods.serve(request, target)
        if target.verb == "get":
            return self._reading.get(request, target, form)
        if target.verb == "list":
            return self._reading.list(request, target, form)
        if target.verb == "watch":
            return await self._watches.serve(request, target, form)
        if target.verb == "create":
            return await self._create(request, target, form, user)
        if target.verb in ("update", "patch"):
            return await self._change(request, target, form, user)
        return await self._delete(request, target, form)

    def _authorize(self, request: web.Request, path: str, user: User) -> None:
        """Before anybody asks whether there is such a path at all."""
        ask = requests.asked(request.method, path, request.query, user)
        if ask is None:
            administers = self._rights.administers(user.name, user.groups)
            if not administers and not access.may_read(path):
                raise access.forbidden_path(user.name, request.method.lower(), path)
        else:
            self._require(ask)

    def _require(self, ask: Ask) -> None:
        if not self._rights.allowed(ask, self._storage):
            raise access.refusal(ask)

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
            value = texts.json_text(data) if wanted == JSON else texts.yaml_text(data)[0]
        except texts.DecodeError as error:
            why = str(error)
            if wanted == JSON:
                why = f"couldn't get version/kind; json parse error: {why}"
            raise unrecognized(kind_name, why, data) from error
        if not isinstance(value, dict | None):
            why = (
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{statuses.json_word(value)} into Go value of type struct {{ APIVersion string "
                '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
            )
            raise unrecognized(kind_name, why, data)
        return value or {}

    def _options(self, request: web.Request, verb: str, *, apply: bool = False) -> Any:
        agent = request.headers.get("User-Agent", "")
        return requests.write_options(request.query, agent, verb, apply=apply)

    async def _create(
        self, request: web.Request, target: Target, form: Form, user: User
    ) -> web.Response:
        options = self._options(request, "create")
        raw = await self._body(request, target.kind.kind)
        if target.kind.group in ("authorization.k8s.io", "authentication.k8s.io"):
            obj = self._review(target, raw, options, user)
        else:
            obj = self._registry.create(target.kind, target.namespace, raw, options)
        answer = self._reading.answer(request, target, obj, form, 201)
        return with_warnings(answer, options.warnings)

    def _review(self, target: Target, raw: Any, options: Any, user: User) -> Object:
        obj = self._registry.decoded_review(target.kind, raw, options)
        kind = target.kind
        if kind.kind == "SelfSubjectReview":
            told = {"username": user.name, "groups": [*user.groups]}
            return {**obj, "status": {"userInfo": told}}
        if kind.kind == "SelfSubjectRulesReview":
            if not (obj.get("spec") or {}).get("namespace"):
                raise statuses.bad_request("no namespace on request")
        elif problems := review_errors(obj, target.namespace):
            # The object that is named here has lost its kind on the way.
            raise statuses.invalid_kind(f".{kind.group}", kind.group, "", "", problems)
        obj["status"] = access.review(target.kind, obj, user, self._rights, self._storage)
        return obj

    async def _change(
        self, request: web.Request, target: Target, form: Form, user: User
    ) -> web.Response:
        if target.verb == "update":
            options = self._options(request, "update")
            raw = await self._body(request, target.kind.kind)
            obj, created = self._registry.replace(
                target.kind, target.namespace, target.name, raw, options, target.subresource
            )
        else:
            kind_of_patch = requests.patch_type(request.headers.get("Content-Type", ""))
            options = self._options(request, "patch", apply=kind_of_patch == patches.APPLY)
            if kind_of_patch == patches.APPLY:
                self._may_apply(target, user)
            obj, created = self._registry.patch(
                target.kind,
                target.namespace,
                target.name,
                kind_of_patch,
                await request.read(),
                options,
                target.subresource,
            )
        answer = self._reading.answer(request, target, obj, form, 201 if created else 200)
        return with_warnings(answer, options.warnings)

    def _may_apply(self, target: Target, user: User) -> None:
        """Who applies what is not there yet needs the right to create, beside that to patch."""
        if self._storage.stored(target.kind.key, target.namespace or None, target.name) is None:
            where = (target.namespace, target.name)
            kind = target.kind
            self._require(
                Ask(user.name, "create", kind.group, target.resource, *where, user.groups)
            )

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
        if gone and target.kind.kind not in _RETURNED:
            return as_json(deleted(target, obj))
        return self._reading.answer(request, target, obj, form)

    def _delete_collection(
        self, request: web.Request, target: Target, options: DeleteOptions
    ) -> web.Response:
        page = watch.list_page(
            self._storage,
            self._caches,
            target.kind.key,
            target.namespace or None,
            self._reading.list_options(request, target),
        )
        for stored in page.items:
            meta = stored.view["metadata"]
            with contextlib.suppress(ApiError):  # gone in between
                self._deletion.delete(target.kind, meta.get("namespace", ""), meta["name"], options)
        return as_json(self._reading.plain_list(target, page, Form()))

    async def _delete_options(self, request: web.Request) -> DeleteOptions:
        if request.can_read_body and (data := await request.read()):
            kind = requests.body_type(request.headers.get("Content-Type", ""))
            if kind == requests.PROTOBUF:
                return delete_options.of_body(await self._body(request, "DeleteOptions"))
            return delete_options.of_text(data, yaml=kind != JSON)
        return delete_options.of_query(request.query)
