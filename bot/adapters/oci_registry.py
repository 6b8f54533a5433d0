"""`bot.ports.Images` on an image registry's HTTP API (OCI distribution 1.1, Docker v2).

Which versions there are, which digest one has, and what its labels tell. What a registry answers
is checked here and nowhere else: shapes by pydantic, manifests and configurations by their digest.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from yarl import URL

from bot.adapters.oci_http import Place, RegistryHttp, Reply, trouble
from bot.domain.image import Image, is_digest
from bot.errors import PortError, Trouble
from bot.ports import ImageInfo

_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_ACCEPT = ", ".join(sorted(_INDEXES | _MANIFESTS))
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*")  # OCI distribution, "name"
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LINK = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_PAGE = 1000
_MOST_PAGES = 100
_REMEMBERED = 256
_ANNOTATION = "org.opencontainers.image."


def _texts(value: object) -> object:
    """Labels that are no text are left out; null means none."""
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(v, str)}


_Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
_Shape = TypeVar("_Shape", bound=BaseModel)


class _Tags(BaseModel):
    tags: list[str] | None = None


class _Platform(BaseModel):
    os: str = ""
    architecture: str = ""


class _Descriptor(BaseModel):
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    platform: _Platform | None = None


class _Manifest(BaseModel):
    """An index has `manifests`, a manifest has `config`."""

    manifests: list[_Descriptor] = []
    config: _Descriptor | None = None
    annotations: _Texts = {}


class _Settings(BaseModel):
    labels: _Texts = Field(default={}, alias="Labels")


class _Config(BaseModel):
    created: str | None = None
    config: _Settings | None = None


class OciRegistry:
    """Raises PortError: NOT_FOUND (values repository, version), UNAUTHENTICATED, FORBIDDEN, AWAY,
    THROTTLED, INVALID (a name that no registry can have), UNEXPECTED."""

    def __init__(
        self, *, registry_url: str = "", credentials: str = "", http: RegistryHttp | None = None
    ) -> None:
        self._http = http or RegistryHttp(registry_url, credentials)
        self._known: OrderedDict[tuple[str, str], ImageInfo] = OrderedDict()

    async def close(self) -> None:
        await self._http.close()

    async def tags(self, repository: str) -> Sequence[str]:
        """All tags, in the registry's order, read page by page."""
        place = self._place(repository)
        found: dict[str, None] = {}
        path: str | URL = f"{place.path}/tags/list?n={_PAGE}"
        for _ in range(_MOST_PAGES):
            try:
                reply = await self._http.get(place, path)
            except PortError as error:
                raise _named(error, repository, "") from error
            found.update(dict.fromkeys(_read(_Tags, reply.body, place).tags or ()))
            following = _LINK.search(reply.headers.get("Link", ""))
            if following is None:
                return [*found]
            path = reply.url.join(URL(following[1]))
        raise trouble(Trouble.UNEXPECTED, "the list of tags does not end", place.host)

    async def resolve(self, repository: str, version: str) -> ImageInfo:
        place = self._place(repository)
        if not is_digest(version) and not _TAG.fullmatch(version):
            message = "no image can have such a version"
            error = trouble(Trouble.NOT_FOUND, message, place.host)
            raise _named(error, repository, version)
        tag = "" if is_digest(version) else version
        try:
            digest, manifest = await self._digest(place, version)
            known = self._known.get((repository, digest))
            if known is None:
                known = await self._describe(place, repository, digest, manifest)
                self._remember(repository, digest, known)
        except PortError as error:
            raise _named(error, repository, version) from error
        return replace(known, image=Image(repository, tag, digest))

    def _place(self, repository: str) -> Place:
        place = self._http.place(repository)
        if not _REPOSITORY.fullmatch(place.path):
            raise trouble(Trouble.INVALID, f"{repository} is no repository's name", place.host)
        return place

    async def _digest(self, place: Place, version: str) -> tuple[str, bytes | None]:
        """The digest of a version; with the manifest where the registry did not name it in a HEAD.

        HEAD first: it costs nothing where pulls are counted, and a digest that was looked at before
        needs no more.
        """
        path = f"{place.path}/manifests/{version}"
        named = await self._named_digest(place, path)
        if is_digest(named):
            if is_digest(version) and named != version:
                raise trouble(Trouble.UNEXPECTED, "asked for one digest, got another", place.host)
            return named, None
        body = (await self._http.get(place, path, accept=_ACCEPT)).body
        digest = _sha256(body)
        if is_digest(version) and digest != version:
            raise trouble(Trouble.UNEXPECTED, "the manifest is not the one asked for", place.host)
        return digest, body

    async def _named_digest(self, place: Place, path: str) -> str:
        try:
            head = await self._http.get(place, path, accept=_ACCEPT, method="HEAD")
        except PortError as error:
            if error.trouble is Trouble.UNEXPECTED:  # a registry that knows no HEAD
                return ""
            raise
        return head.headers.get("Docker-Content-Digest", "")

    async def _describe(
        self, place: Place, repository: str, digest: str, body: bytes | None
    ) -> ImageInfo:
        """What manifest and configuration tell. An artifact without them is an image all the same:
        it has a digest, and the rest is silent."""
        image = Image(repository, digest=digest)
        raw = body if body is not None else await self._blob(place, "manifests", digest)
        outer = _read(_Manifest, raw, place)
        annotations = outer.annotations
        manifest = outer
        if outer.manifests:
            chosen = _for_a_node(outer.manifests)
            manifest = _read(_Manifest, await self._blob(place, "manifests", chosen), place)
            annotations = {**manifest.annotations, **annotations}
        config = _Config()
        if manifest.config is not None:
            try:
                blob = await self._blob(place, "blobs", manifest.config.digest)
                config = _read(_Config, blob, place)
            except PortError as error:
                if error.temporary:
                    raise
        labels = {**annotations, **(config.config.labels if config.config else {})}
        created = labels.get(f"{_ANNOTATION}created") or config.created
        return ImageInfo(
            image,
            created_at=_time(created),
            revision=labels.get(f"{_ANNOTATION}revision", ""),
            source=labels.get(f"{_ANNOTATION}source", ""),
            labels=labels,
        )

    async def _blob(self, place: Place, kind: str, digest: str) -> bytes:
        accept = _ACCEPT if kind == "manifests" else "*/*"
        reply: Reply = await self._http.get(place, f"{place.path}/{kind}/{digest}", accept=accept)
        if _sha256(reply.body) != digest:
            raise trouble(Trouble.UNEXPECTED, "content that does not fit its digest", place.host)
        return reply.body

    def _remember(self, repository: str, digest: str, info: ImageInfo) -> None:
        self._known[repository, digest] = info
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _for_a_node(manifests: Sequence[_Descriptor]) -> str:
    """The image to read labels from: linux/amd64 if there is one, else the first that runs
    anywhere (attestations call their platform "unknown")."""

    def rank(descriptor: _Descriptor) -> int:
        platform = descriptor.platform or _Platform()
        if (platform.os, platform.architecture) == ("linux", "amd64"):
            return 0
        return 2 if platform.os == "unknown" else 1

    return min(manifests, key=rank).digest


def _named(error: PortError, repository: str, version: str) -> PortError:
    """The same trouble, saying what it was about."""
    values: Mapping[str, str] = {**error.values, "repository": repository, "version": version}
    return PortError(
        error.port,
        error.trouble,
        temporary=error.temporary,
        retry_after=error.retry_after,
        values=values,
    )


def _read(shape: type[_Shape], body: bytes, place: Place) -> _Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        what = shape.__name__.strip("_").lower()
        raise trouble(Trouble.UNEXPECTED, f"an odd {what}", place.host) from error


def _sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _time(text: str | None) -> datetime | None:
    """None for what is no time, and for the zero of reproducible builds: it tells nothing."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return time.astimezone(UTC) if time.year > 1970 else None
