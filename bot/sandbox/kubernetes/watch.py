"""Lists and watches, with the real server's rules about resourceVersions.

A list is a page of encoded objects at one revision. A watch is fed by the storage synchronously and
drained by the connection. `WatchCaches` models the one thing of the real watch cache that clients
can see: it lags behind etcd where other resources were written since, which a watch without a
version answers with 504 "Too large resource version" (in-stream), and a list does not.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.kubernetes import statuses, texts, versions
from bot.sandbox.kubernetes.fields import skeleton
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.selectors import Match
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object, Stored, WatchEvent, encode, freeze

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - names a format
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class WatchCaches:
    """How far each resource's cache has read: its own changes, and what consistent lists force."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._progress: dict[str, int] = {}

    def revision(self, resource: str) -> int:
        return max(self._storage.latest(resource), self._progress.get(resource, 0))

    def progress(self, resource: str) -> int:
        """etcd tells the cache how far it is; returns that."""
        self._progress[resource] = self._storage.revision
        return self._storage.revision

    def behind(self, resource: str) -> bool:
        return self.revision(resource) < self._storage.revision


def parse_version(text: str) -> int | None:
    """A resourceVersion; None when there is none. Raises ApiError: the real one answers 500."""
    if not text:
        return None
    if not text.isdigit() or not text.isascii():
        raise statuses.internal(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
            "invalid syntax"
        )
    return int(text)


def whole(kind: Kind, stored: Stored) -> bytes:
    """A stored object on its own, with kind and apiVersion, encoded."""
    if not versions.is_stored_form(kind):
        return encode(versions.answer(kind, stored.copy()))
    return b'{"kind":"%b","apiVersion":"%b",%b}' % (
        kind.kind.encode(),
        kind.api_version.encode(),
        stored.inside,
    )


def as_item(kind: Kind, stored: Stored) -> bytes:
    """A stored object as an item of a list."""
    if versions.is_stored_form(kind):
        return stored.body
    obj = versions.to_version(kind, stored.copy())
    return encode({k: v for k, v in obj.items() if k not in ("kind", "apiVersion")})


def shown(kind: Kind, stored: Stored) -> Object:
    """A stored object to look at, in the shape of the kind."""
    if versions.is_stored_form(kind):
        return stored.view
    return versions.to_version(kind, stored.copy())


# Lists


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Stored]
    revision: int
    token: str = ""
    remaining: int | None = None

    def metadata(self) -> Object:
        meta: Object = {"resourceVersion": str(self.revision)}
        if self.token:
            meta["continue"] = self.token
        if self.remaining:
            meta["remainingItemCount"] = self.remaining
        return meta


@dataclass(frozen=True, slots=True)
class ListOptions:
    match: Match | None = None
    version: int | None = None
    version_match: str = ""
    limit: int = 0
    token: str = ""


def list_page(
    storage: Storage,
    caches: WatchCaches,
    resource: str,
    namespace: str | None,
    options: ListOptions,
) -> Page:
    """One page. Raises ApiError 410 for a token of a compacted past, 504 for a future version."""
    start = ""
    revision = storage.revision
    if options.token:
        revision, start = _read_token(options.token)
        if revision < 0:
            revision = storage.revision
    elif _exact(options) and options.version is not None:
        revision = options.version
    elif options.version == 0:
        revision = caches.revision(resource) or storage.revision
    elif options.version is None:
        caches.progress(resource)
    if max(revision, options.version or 0) > storage.revision:
        wanted = max(revision, options.version or 0)
        raise statuses.too_large_version(wanted, caches.revision(resource))
    found = _state_at(storage, resource, namespace, revision, exact=bool(start) or _exact(options))
    if found is None and start:
        raise statuses.expired(_TOO_OLD, _write_token(-1, start))
    if found is None:
        raise statuses.expired("The resourceVersion for the provided list is too old.")
    chosen = [
        (key, stored)
        for key, stored in found
        if key >= start and (options.match is None or options.match(stored.view))
    ]
    unlimited = options.limit <= 0 or (options.version == 0 and not start)
    if unlimited or len(chosen) <= options.limit:
        return Page([stored for _, stored in chosen], revision)
    page = chosen[: options.limit]
    remaining = len(chosen) - options.limit if options.match is None else None
    token = _write_token(revision, page[-1][0] + "\0")
    return Page([stored for _, stored in page], revision, token, remaining)


def _exact(options: ListOptions) -> bool:
    """Asked for outright, or by a limit beside a version (etcd3/store.go: the legacy case)."""
    legacy = not options.version_match and options.limit > 0 and bool(options.version)
    return options.version_match == "Exact" or legacy


def _state_at(
    storage: Storage, resource: str, namespace: str | None, revision: int, *, exact: bool
) -> list[tuple[str, Stored]] | None:
    """Keys and objects as they were at a revision; None when the history is gone."""
    found = {_key(stored, namespace): stored for stored in storage.stored_list(resource, namespace)}
    if exact and revision < storage.revision:
        events = storage.events_since(resource, revision)
        if events is None:
            return None
        for event in reversed(events):
            if namespace is not None and event.stored.key[0] != namespace:
                continue
            key = _key(event.stored, namespace)
            if event.previous is None:
                found.pop(key, None)
            else:
                found[key] = event.previous
    return sorted(found.items())


def _key(stored: Stored, namespace: str | None) -> str:
    """etcd's key below the prefix of the list: the order of a list, and where a page begins."""
    its_namespace, name = stored.key
    return name if namespace or not its_namespace else f"{its_namespace}/{name}"


def _write_token(revision: int, start: str) -> str:
    text = json.dumps({"v": _TOKEN_VERSION, "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    """Raises ApiError 400 in the words of apiserver/pkg/storage/continue.go."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise _no_token("illegal base64 data at input byte 0") from error
    try:
        parts = texts.json_text(text)
    except texts.DecodeError as error:
        raise _no_token(str(error)) from error
    if not isinstance(parts, dict):
        raise _no_token(f"json: cannot unmarshal {statuses.json_word(parts)} into Go value")
    version, revision, start = parts.get("v", ""), parts.get("rv", 0), parts.get("start", "")
    if version != _TOKEN_VERSION:
        raise _no_token(f"server does not recognize this encoded version {version}")
    if not isinstance(revision, int) or revision == 0:
        raise _no_token(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    if not start:
        raise _no_token(f"encoded start key empty (version {_TOKEN_VERSION})")
    return revision, str(start)


def _no_token(why: str) -> statuses.ApiError:
    return statuses.bad_request(f"invalid continue token: continue key is not valid: {why}")


# Watches


@dataclass(frozen=True, slots=True)
class WatchOptions:
    version: int | None = None
    bookmarks: bool = False
    initial_events: bool | None = None  # sendInitialEvents
    timeout: float = 1800.0


class Watch:
    """One subscription: initial state, then changes, as encoded lines."""

    def __init__(
        self,
        storage: Storage,
        caches: WatchCaches,
        kind: Kind,
        namespace: str | None,
        match: Match | None,
        encode_object: Callable[[Kind, Stored], bytes] = whole,
    ) -> None:
        self._storage = storage
        self._caches = caches
        self._kind = kind
        self._namespace = namespace
        self._match = match
        self._encode = encode_object
        self._lines: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._stop: Callable[[], None] | None = None

    def start(self, options: WatchOptions) -> None:
        """Queue what there is, and subscribe; nothing can come in between."""
        resource = self._kind.key
        wants_state = options.version in (None, 0) or options.initial_events
        if options.initial_events is False:
            wants_state = False
        if wants_state:
            for stored in self._storage.stored_list(resource, self._namespace):
                if self._match is None or self._match(stored.view):
                    self._put(b"ADDED", stored)
            if options.initial_events and options.bookmarks:
                self.bookmark(initial=True)
        elif options.version:
            events = self._storage.events_since(resource, options.version)
            if events is None:
                compacted = self._storage.compacted
                text = f"too old resource version: {options.version} ({compacted})"
                self.error(statuses.expired(text))
                return
            for event in events:
                self._on_event(event)
        self._stop = self._storage.subscribe(resource, self._on_event)

    def stop(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    @property
    def ended(self) -> bool:
        """Nothing more will come: it failed at the start, or was stopped."""
        return self._stop is None

    def take(self) -> bytes:
        """Every line that is queued."""
        self._wake.clear()
        if not self._lines:
            return b""
        lines = b"".join(self._lines)
        self._lines.clear()
        return lines

    async def wait(self, seconds: float) -> None:
        """Until there is a line, or for some (real) seconds."""
        if self._lines:
            return
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    def bookmark(self, *, initial: bool = False) -> None:
        """How far this watch is, for a client to start again from."""
        revision = self._caches.progress(self._kind.key)
        obj = {
            "kind": self._kind.kind,
            "apiVersion": self._kind.api_version,
            **skeleton(self._kind.schema),
        }
        obj["metadata"] = {"resourceVersion": str(revision)}
        if initial:
            obj["metadata"]["annotations"] = {"k8s.io/initial-events-end": "true"}
        self._queue(b'{"type":"BOOKMARK","object":' + encode(obj) + b"}\n")

    def error(self, problem: statuses.ApiError) -> None:
        self._queue(b'{"type":"ERROR","object":' + encode(problem.status()) + b"}\n")

    def _on_event(self, event: WatchEvent) -> None:
        if self._namespace is not None and event.stored.key[0] != self._namespace:
            return
        if self._match is None:
            self._put(event.type.encode(), event.stored)
            return
        view = event.stored.view
        now = event.type != "DELETED" and self._match(view)
        before = event.previous is not None and self._match(event.previous.view)
        if now:
            self._put(b"MODIFIED" if before else b"ADDED", event.stored)
        elif before and event.previous is not None:
            last = event.stored if event.type == "DELETED" else _at(event.previous, event.revision)
            self._put(b"DELETED", last)

    def _put(self, kind: bytes, stored: Stored) -> None:
        line = b'{"type":"%b","object":%b}\n' % (kind, self._encode(self._kind, stored))
        self._queue(line)

    def _queue(self, line: bytes) -> None:
        self._lines.append(line)
        self._wake.set()


def _at(stored: Stored, revision: int) -> Stored:
    """The last state that a selector saw, at the revision at which it stopped matching."""
    obj = stored.copy()
    obj["metadata"]["resourceVersion"] = str(revision)
    return freeze(revision, obj)
