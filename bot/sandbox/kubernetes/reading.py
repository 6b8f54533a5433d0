"""GET of one object and of lists, in the form that was asked for: plain, Table or metadata only."""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import requests, selectors, statuses, tables, versions, watch
from bot.sandbox.kubernetes.answers import JSON, as_json
from bot.sandbox.kubernetes.requests import Form, Target
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object, encode


class Reading:
    """Answers what is read; the other endpoints show an object they wrote the same way."""

    def __init__(self, storage: Storage, clock: Clock, caches: watch.WatchCaches) -> None:
        self._storage = storage
        self._clock = clock
        self._caches = caches

    def get(self, request: web.Request, target: Target, form: Form) -> web.Response:
        version = watch.parse_version(request.query.get("resourceVersion", ""))
        if version is not None and version > self._storage.revision:
            raise statuses.too_large_version(version, self._caches.revision(target.kind.key))
        stored = self._storage.stored(target.kind.key, target.namespace or None, target.name)
        if stored is None:
            raise statuses.not_found(target.kind, target.name)
        if form == Form():
            return web.Response(body=watch.whole(target.kind, stored), content_type=JSON)
        obj = versions.to_version(target.kind, stored.copy())
        return self.answer(request, target, obj, form)

    def answer(
        self, request: web.Request, target: Target, obj: Object, form: Form, status: int = 200
    ) -> web.Response:
        """One object in the form that was asked for."""
        obj = {"kind": target.kind.kind, "apiVersion": target.kind.api_version, **obj}
        if form.shape == "table" and obj["kind"] != "Status":
            meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            include = request.query.get("includeObject", "Metadata")
            table = tables.table(target.kind, [obj], meta, self._clock.now(), include, head=True)
            return as_json(table, status, yaml_form=form.yaml)
        if form.shape == "metadata" and form.of_list:
            text = "you requested PartialObjectMetadataList, but the requested object is not a list"
            raise statuses.not_that_form(f"{text} (*{target.kind.go_name})")
        if form.shape == "metadata":
            obj = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        return as_json(obj, status, yaml_form=form.yaml)

    def list_options(self, request: web.Request, target: Target) -> watch.ListOptions:
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
        requests.number(query, "timeoutSeconds")  # a list waits for nothing, and reads it
        fields = query.get("fieldSelector", "")
        return watch.ListOptions(
            selectors.matcher(target.kind, query.get("labelSelector", ""), fields),
            watch.parse_version(version_text),
            version_match,
            max(0, requests.number(query, "limit") or 0),
            query.get("continue", ""),
        )

    def list(self, request: web.Request, target: Target, form: Form) -> web.Response:
        kind = target.kind
        if form.shape == "metadata" and not form.of_list:
            text = "you requested PartialObjectMetadata, but the requested object is a list"
            raise statuses.not_that_form(f"{text} (*{kind.go_name}List)")
        options = self.list_options(request, target)
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
            return as_json(self.plain_list(target, page, form), yaml_form=form.yaml)
        head = b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[' % (
            kind.kind.encode(),
            kind.api_version.encode(),
            encode(page.metadata()),
        )
        items = [watch.as_item(kind, stored) for stored in page.items] or [b""]
        items[0] = head + items[0]  # so megabytes are joined but once
        items[-1] += b"]}"
        return web.Response(body=b",".join(items), content_type=JSON)

    def plain_list(self, target: Target, page: watch.Page, form: Form) -> Object:
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
