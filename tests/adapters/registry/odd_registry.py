"""A small image registry over HTTP that can be odd: page its tags, ask for a token, forget headers,
lie about digests, be busy, be broken."""

import base64
import hashlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


class OddRegistry:
    def __init__(self) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}  # tag or digest: media type, body
        self.blobs: dict[str, bytes] = {}
        self.tags: list[str] = []
        self.page = 1000
        self.null_tags = False
        self.names_digests = True
        self.knows_head = True
        self.login = ""  # "bearer" or "basic"
        self.account = ("", "")  # who may have a token; nobody's name: everybody
        self.token_body: Any = {"token": "sesame", "expires_in": 300}
        self.faults: deque[Handler] = deque()
        self.requests: list[tuple[str, str]] = []
        self.token_requests: list[dict[str, str]] = []
        self.link_host = ""
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/token", self._token)
        app.router.add_get("/v2/{name:.+}/tags/list", self._tags)
        app.router.add_get("/v2/{name:.+}/{kind:manifests|blobs}/{reference}", self._content)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def add_image(
        self,
        *tags: str,
        labels: dict[str, Any] | None = None,
        media: str = OCI_MANIFEST,
        **config: Any,
    ) -> str:
        """An image with these labels under these tags; its digest."""
        blob = json.dumps(
            {"architecture": "amd64", "config": {"Labels": labels}, **config}
        ).encode()
        self.blobs[digest_of(blob)] = blob
        return self.add_manifest(media, {"config": {"digest": digest_of(blob)}}, *tags)

    def add_manifest(self, media: str, content: dict[str, Any], *tags: str) -> str:
        body = json.dumps({"schemaVersion": 2, "mediaType": media, **content}).encode()
        for reference in (*tags, digest_of(body)):
            self.manifests[reference] = (media, body)
        self.tags += tags
        return digest_of(body)

    def paths(self, method: str = "GET") -> list[str]:
        return [path for m, path in self.requests if m == method]

    async def _refuse(self, request: web.Request) -> web.StreamResponse | None:
        self.requests.append((request.method, request.path))
        if self.faults:
            return await self.faults.popleft()(request)
        given = request.headers.get("Authorization", "")
        if self.login == "bearer" and given != "Bearer sesame":
            scope = f"repository:{request.match_info['name']}:pull"
            realm = f'realm="http://{self.host}/token",service="odd",scope="{scope}"'
            return unauthorized(f"Bearer {realm}")
        if self.login == "basic" and given != basic(*self.account):
            return unauthorized('Basic realm="odd"')
        return None

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.token_requests.append(dict(request.query))
        if self.account[0] and request.headers.get("Authorization") != basic(*self.account):
            return web.json_response({"errors": [{"code": "UNAUTHORIZED"}]}, status=401)
        return web.json_response(self.token_body)

    async def _tags(self, request: web.Request) -> web.StreamResponse:
        if (refused := await self._refuse(request)) is not None:
            return refused
        name = request.match_info["name"]
        if name == "dynamo/nothing":
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        start = int(request.query.get("last", "0"))
        page = self.tags[start : start + self.page]
        headers = {}
        if start + self.page < len(self.tags):
            last = f"/v2/{name}/tags/list?n={self.page}&last={start + self.page}"
            headers["Link"] = f'<{self.link_host}{last}>; rel="next"'
        body = {"name": name, "tags": None if self.null_tags else page}
        return web.json_response(body, headers=headers)

    async def _content(self, request: web.Request) -> web.StreamResponse:
        if (refused := await self._refuse(request)) is not None:
            return refused
        kind, reference = request.match_info["kind"], request.match_info["reference"]
        if kind == "blobs":
            body, media = self.blobs.get(reference), "application/octet-stream"
        else:
            media, body = self.manifests.get(reference, ("", b""))
        if not body:
            return error(404, "MANIFEST_UNKNOWN", f"manifest unknown: {reference}")
        if request.method == "HEAD" and not self.knows_head:
            return error(405, "UNSUPPORTED", "no HEAD here")
        headers = {"Content-Type": media}
        if self.names_digests:
            headers["Docker-Content-Digest"] = digest_of(body)
        return web.Response(body=body, headers=headers)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def unauthorized(challenge: str) -> web.Response:
    response = error(401, "UNAUTHORIZED", "authentication required")
    response.headers["WWW-Authenticate"] = challenge
    return response


def error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)


def answers(response: Callable[[], web.StreamResponse]) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return response()

    return handler
