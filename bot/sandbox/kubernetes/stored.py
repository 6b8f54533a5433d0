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

    `body` is the JSON without kind and apiVersion, as items of a list are sent. The parsed form is
    made when somebody looks, and kept for the newest version only: a long history of parsed pods
    would cost hundreds of MB, and the garbage collector's time with every write.
    """

    __slots__ = ("_view", "body", "head", "key", "revision")

    def __init__(
        self, revision: int, key: Key, body: bytes, head: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.revision = revision
        self.key = key  # namespace ("" for none) and name
        self.body = body
        self.head = head
        self._view: Object | None = None

    @property
    def view(self) -> Object:
        """The parsed object, shared by everybody: look, never touch; else `copy`."""
        if self._view is None:
            self._view = self.copy()
        return self._view

    def share_spec(self, obj: Object, before: Object) -> None:
        """`obj` is this version and differs from the view `before` in all but its spec: most of an
        object need not be parsed again. Views may share, because nobody touches them.
        """
        self._view = {
            word: before[word] if word == "spec" else orjson.loads(encode(item))
            for word, item in obj.items()
        }

    def copy(self) -> Object:
        """A fresh copy that the caller may change."""
        fresh: Object = dict(self.head)
        fresh.update(orjson.loads(self.body))
        return fresh

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


def encode_body(obj: Object) -> bytes:
    """The object as an item of a list: the real server leaves kind and apiVersion out of those."""
    return encode({key: item for key, item in obj.items() if key not in ("kind", "apiVersion")})


def freeze(revision: int, obj: Object) -> Stored:
    """What is stored shares nothing with the object: its view is read back from the bytes."""
    head = tuple((word, obj[word]) for word in ("apiVersion", "kind") if word in obj)
    meta = obj["metadata"]
    return Stored(revision, (meta.get("namespace") or "", meta["name"]), encode_body(obj), head)
