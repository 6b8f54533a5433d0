"""What the sandbox's etcd holds: one version of one object, a change of it, and their JSON.

`storage.py` keeps these; everybody else looks at them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Object = dict[str, Any]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Key = tuple[str, str]
_HEAD = ("apiVersion", "kind")  # the real server leaves them out of the items of a list
_NOTHING = object()


class StorageError(Exception):
    """A write that the store refuses; names the object."""

    def __init__(self, resource: str, name: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource
        self.name = name


class AlreadyExists(StorageError):  # noqa: N818 - the API's own word for it
    def __init__(self, resource: str, name: str) -> None:
        super().__init__(resource, name, f'{resource} "{name}" already exists')


class NotFound(StorageError):  # noqa: N818
    def __init__(self, resource: str, name: str) -> None:
        super().__init__(resource, name, f'{resource} "{name}" not found')


class Conflict(StorageError):  # noqa: N818
    def __init__(self, resource: str, name: str) -> None:
        super().__init__(
            resource,
            name,
            f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again",
        )


class Stored:
    """One version of one object; never changes.

    Kept is its JSON, word by word (`"metadata":{…}`, `"spec":{…}`, …): most writes leave most of an
    object alone, and its versions share what they have in common. The parsed form is made when
    somebody looks, and kept for the newest version only: a long history of parsed pods would cost
    hundreds of MB, and the garbage collector's time with every write.
    """

    __slots__ = ("_view", "head", "key", "parts", "revision")

    def __init__(
        self,
        revision: int,
        key: Key,
        parts: dict[str, bytes],
        head: tuple[tuple[str, str], ...] = (),
        view: Object | None = None,
    ) -> None:
        self.revision = revision
        self.key = key  # namespace ("" for none) and name
        self.parts = parts
        self.head = head  # apiVersion and kind
        self._view = view

    @property
    def body(self) -> bytes:
        """The JSON without kind and apiVersion, as items of a list are sent."""
        return b"{%b}" % self.inside

    @property
    def inside(self) -> bytes:
        """The same without its braces: for those who put something before it."""
        return b",".join(self.parts.values())

    @property
    def view(self) -> Object:
        """The parsed object, shared by everybody: look, never touch; else `copy`."""
        if self._view is None:
            self._view = self.copy()
        return self._view

    def copy(self) -> Object:
        """A fresh copy that the caller may change."""
        fresh: Object = dict(self.head)
        fresh.update(orjson.loads(self.body))
        return fresh

    def copy_of(self, word: str) -> Any:
        """A fresh copy of one part."""
        return _value(word, self.parts[word])

    def with_status(self, revision: int, new: Object) -> Stored:
        """The next version. `new` has the very parts of this view, but for a metadata that nobody
        else holds and whatever else the write changed: only that is written and parsed.
        """
        before = self.view
        view, parts = new, {}
        for word, item in new.items():
            if word in _HEAD:
                continue
            if item is before.get(word, _NOTHING):
                parts[word] = self.parts[word]
                continue
            parts[word] = _part(word, item)
            if word != "metadata":
                view[word] = _value(word, parts[word])
        return Stored(revision, self.key, parts, self.head, view)

    def forget_view(self) -> None:
        """A newer version is there: parse again should anybody still look."""
        self._view = None


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. A deleted object is its last state, with the revision of the deletion."""

    type: EventType
    resource: str
    stored: Stored
    previous: Stored | None

    @property
    def revision(self) -> int:
        return self.stored.revision

    @property
    def object(self) -> Object:
        """A fresh copy; `stored.view` costs nothing and is enough to look at."""
        return self.stored.copy()


def copy_json(value: Any) -> Any:
    """A deep copy of plain JSON, several times faster than copy.deepcopy."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in value]
    return value


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _part(word: str, item: Any) -> bytes:
    return b'"%b":%b' % (word.encode(), encode(item))


def _value(word: str, part: bytes) -> Any:
    return orjson.loads(memoryview(part)[len(word.encode()) + 3 :])


def freeze(revision: int, obj: Object) -> Stored:
    """What is stored shares nothing with the object: its view is read back from the bytes."""
    head = tuple((word, obj[word]) for word in _HEAD if word in obj)
    parts = {word: _part(word, item) for word, item in obj.items() if word not in _HEAD}
    meta = obj["metadata"]
    return Stored(revision, (meta.get("namespace") or "", meta["name"]), parts, head)
