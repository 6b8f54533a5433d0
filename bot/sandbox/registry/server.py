"""The registry's HTTP side, by the OCI distribution specification 1.1, for any host name.

Pull: ping, manifests by tag and digest, blobs, tags in pages, catalog. Push: uploads at once, in
chunks, mounted from elsewhere, manifests. Errors are `{"errors": [{code, message, detail}]}`. A
private repository asks for Basic credentials with 401. Mount the app at `/v2`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.registry.store import (
    INDEX_TYPES,
    Manifest,
    Registry,
    RegistryError,
    Repository,
)

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_ROUTES = (
    (re.compile(rf"(?P<name>{_NAME})/manifests/(?P<reference>[^/]+)"), "manifest"),
    (re.compile(rf"(?P<name>{_NAME})/tags/list"), "tags"),
    (re.compile(rf"(?P<name>{_NAME})/blobs/uploads/?"), "uploads"),
    (re.compile(rf"(?P<name>{_NAME})/blobs/uploads/(?P<upload>[^/]+)"), "upload"),
    (re.compile(rf"(?P<name>{_NAME})/blobs/(?P<digest>[^/]+)"), "blob"),
    (re.compile(r"_catalog"), "catalog"),
    (re.compile(r""), "ping"),
)
_API_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_LARGEST_PAGE = 1000
Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.StreamResponse]]


def registry_app(registry: Registry, prefix: str = "/v2") -> web.Application:
    """The app for `app.add_subapp("/v2", …)`; `prefix` goes into Location and Link headers."""
    server = _Server(registry, prefix)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    return app


class _Server:
    def __init__(self, registry: Registry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix
        self._handlers: dict[tuple[str, str], Handler] = {
            ("ping", "GET"): self._ping,
            ("catalog", "GET"): self._catalog,
            ("tags", "GET"): self._tags,
            ("manifest", "GET"): self._get_manifest,
            ("manifest", "PUT"): self._put_manifest,
            ("blob", "GET"): self._get_blob,
            ("uploads", "POST"): self._start_upload,
            ("upload", "GET"): self._upload_state,
            ("upload", "PATCH"): self._patch_upload,
            ("upload", "PUT"): self._finish_upload,
            ("upload", "DELETE"): self._cancel_upload,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            response = await self._dispatch(request)
        except RegistryError as error:
            response = _refusal(error)
        response.headers.update(_API_VERSION)
        return response

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        for pattern, kind in _ROUTES:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            method = "GET" if request.method == "HEAD" else request.method
            handler = self._handlers.get((kind, method))
            if handler is None:
                raise RegistryError(405, "UNSUPPORTED", "The operation is unsupported.")
            parts = match.groupdict()
            self._authorize(request, parts.get("name", ""), push=method != "GET")
            return await handler(request, parts)
        raise RegistryError(404, "NAME_INVALID", "invalid repository name")

    def _authorize(self, request: web.Request, name: str, *, push: bool) -> None:
        repository = self._registry.repositories.get(name)
        if repository is None or not repository.private:
            return
        if not self._knows(request.headers.get("Authorization", "")):
            actions = ["pull", "push"] if push else ["pull"]
            detail = [
                {"Type": "repository", "Class": "", "Name": name, "Action": action}
                for action in actions
            ]
            raise RegistryError(401, "UNAUTHORIZED", "authentication required", detail)

    def _knows(self, header: str) -> bool:
        kind, _, value = header.partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self._registry.credentials.get(user) == password

    # Pull

    async def _ping(self, _request: web.Request, _parts: dict[str, str]) -> web.StreamResponse:
        return web.json_response({})

    async def _catalog(self, request: web.Request, _parts: dict[str, str]) -> web.StreamResponse:
        last, limit = _page(request)
        names = [each for each in sorted(self._registry.repositories) if each > last]
        page = names if limit is None else names[:limit]
        headers = self._next("_catalog", page, limit, more=len(page) < len(names))
        return web.json_response({"repositories": page}, headers=headers)

    async def _tags(self, request: web.Request, parts: dict[str, str]) -> web.StreamResponse:
        last, limit = _page(request)
        page, more = self._registry.tags(parts["name"], last, limit)
        headers = self._next(f"{parts['name']}/tags/list", page, limit, more=more)
        return web.json_response({"name": parts["name"], "tags": page}, headers=headers)

    def _next(self, path: str, page: list[str], limit: int | None, *, more: bool) -> dict[str, str]:
        if not more or not page:
            return {}
        return {"Link": f'<{self._prefix}/{path}?last={page[-1]}&n={limit}>; rel="next"'}

    async def _get_manifest(
        self, request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        manifest = self._registry.manifest(parts["name"], parts["reference"])
        if not _accepts(request, manifest):
            raise RegistryError(
                404,
                "MANIFEST_UNKNOWN",
                "OCI index found, but accept header does not support OCI indexes",
            )
        return _content(request, manifest.body, manifest.media_type, manifest.digest)

    async def _get_blob(self, request: web.Request, parts: dict[str, str]) -> web.StreamResponse:
        body = self._registry.blob(parts["name"], parts["digest"])
        return _content(request, body, "application/octet-stream", parts["digest"])

    # Push

    async def _put_manifest(
        self, request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        body = await _body(request)
        media_type = request.headers.get("Content-Type", "")
        stored = self._registry.put_manifest(parts["name"], parts["reference"], media_type, body)
        location = f"{self._prefix}/{parts['name']}/manifests/{stored.digest}"
        headers = {"Location": location, "Docker-Content-Digest": stored.digest}
        return web.Response(status=201, headers=headers)

    async def _start_upload(
        self, request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        name, mount = parts["name"], request.query.get("mount")
        if mount is not None and mount in self._registry.blobs:
            self._registry.repositories.setdefault(name, Repository(name))
            return self._blob_created(name, mount)
        digest = request.query.get("digest")
        identity = self._registry.start_upload(name)
        if digest is not None:
            self._registry.upload(identity).extend(await _body(request))
            return self._finish(name, identity, digest)
        return self._upload_response(name, identity, 202)

    async def _upload_state(
        self, _request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        return self._upload_response(parts["name"], parts["upload"], 204)

    async def _patch_upload(
        self, request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        received = self._registry.upload(parts["upload"])
        start = request.headers.get("Content-Range", "").partition("-")[0]
        if start.isdigit() and int(start) != len(received):
            raise RegistryError(416, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        received.extend(await _body(request))
        return self._upload_response(parts["name"], parts["upload"], 202)

    async def _finish_upload(
        self, request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        self._registry.upload(parts["upload"]).extend(await _body(request))
        return self._finish(parts["name"], parts["upload"], request.query.get("digest", ""))

    async def _cancel_upload(
        self, _request: web.Request, parts: dict[str, str]
    ) -> web.StreamResponse:
        self._registry.upload(parts["upload"])
        del self._registry.uploads[parts["upload"]]
        return web.Response(status=204)

    def _finish(self, name: str, identity: str, digest: str) -> web.StreamResponse:
        body = bytes(self._registry.upload(identity))
        self._registry.put_blob(body, digest)
        del self._registry.uploads[identity]
        return self._blob_created(name, digest)

    def _blob_created(self, name: str, digest: str) -> web.StreamResponse:
        location = f"{self._prefix}/{name}/blobs/{digest}"
        headers = {"Location": location, "Docker-Content-Digest": digest}
        return web.Response(status=201, headers=headers)

    def _upload_response(self, name: str, identity: str, status: int) -> web.StreamResponse:
        size = len(self._registry.upload(identity))
        headers = {
            "Location": f"{self._prefix}/{name}/blobs/uploads/{identity}",
            "Docker-Upload-UUID": identity,
            "Range": f"0-{max(0, size - 1)}",
        }
        return web.Response(status=status, headers=headers)


def _page(request: web.Request) -> tuple[str, int | None]:
    text = request.query.get("n")
    if text is None:
        return request.query.get("last", ""), None
    if not text.isdigit() or not 0 < int(text) <= _LARGEST_PAGE:
        detail = {"n": int(text)} if text.lstrip("-").isdigit() else {"n": text}
        message = "invalid number of results requested"
        raise RegistryError(400, "PAGINATION_NUMBER_INVALID", message, detail)
    return request.query.get("last", ""), int(text)


def _accepts(request: web.Request, manifest: Manifest) -> bool:
    """An index is given only to who can read one, as the reference implementation does."""
    if manifest.media_type not in INDEX_TYPES:
        return True
    accepted = [
        each.split(";")[0].strip()
        for header in request.headers.getall("Accept", ["*/*"])
        for each in header.split(",")
    ]
    return "*/*" in accepted or manifest.media_type in accepted


def _content(request: web.Request, body: bytes, media_type: str, digest: str) -> web.StreamResponse:
    headers = {"Docker-Content-Digest": digest, "Etag": f'"{digest}"'}
    if request.headers.get("If-None-Match") == f'"{digest}"':
        return web.Response(status=304, headers=headers)
    if request.method == "HEAD":
        headers |= {"Content-Length": str(len(body)), "Content-Type": media_type}
        return web.Response(headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": media_type})


def _refusal(error: RegistryError) -> web.Response:
    fault: dict[str, object] = {"code": error.code, "message": str(error)}
    if error.detail is not None:
        fault["detail"] = error.detail
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Registry"'
    return web.json_response({"errors": [fault]}, status=error.status, headers=headers)


async def _body(request: web.Request) -> bytes:
    """The whole body, whatever the limit of the app around: layers are large."""
    chunks = [chunk async for chunk in request.content.iter_any()]
    return b"".join(chunks)
