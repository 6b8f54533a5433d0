"""A service's configuration as it is applied: what would change, key by key, and what is kept.

A plan is what a person was shown; its fingerprint covers the objects to be written and the versions
of those that stand. Only what still has that fingerprint is carried out. What stood before is kept
(`ConfigSnapshot`), so that it can be put back. Pure.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.belongings import Raw, mapping
from bot.domain.policy.parity import masked
from bot.domain.structured import leaves_of

_PARTS = ("data", "binaryData")


class Become(StrEnum):
    """What becomes of a key."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """`inside` is where in the value, for one that is a document itself. Values are masked and cut
    already; binary ones are only told apart."""

    become: Become
    key: str
    inside: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """One ConfigMap: `manifest` is what is to be written, `seen` the version that stands ("": none
    does), `left_alone` keys that stand there, are not in the file, and belong to others."""

    name: str
    manifest: Raw
    seen: str = ""
    changes: tuple[KeyChange, ...] = ()
    left_alone: tuple[str, ...] = ()


def changes_between(live: Raw | None, after: Raw) -> tuple[KeyChange, ...]:
    """In order of the keys; a document in a value is taken apart where both sides are one."""
    found: list[KeyChange] = []
    for part in _PARTS:
        one, other = mapping(mapping(live).get(part)), mapping(after.get(part))
        binary = part != "data"
        for key in sorted({*one, *other}):
            found += _of_key(str(key), _text(one.get(key)), _text(other.get(key)), binary)
    return tuple(found)


def _of_key(key: str, before: str | None, after: str | None, binary: bool) -> Iterator[KeyChange]:
    if before == after:
        return
    if before is None:
        yield KeyChange(Become.ADDED, key, after=_shown(key, after, binary))
    elif after is None:
        yield KeyChange(Become.REMOVED, key, before=_shown(key, before, binary))
    else:
        yield from _changed(key, before, after, binary)


def _changed(key: str, before: str, after: str, binary: bool) -> Iterator[KeyChange]:
    mine, theirs = leaves_of(before), leaves_of(after)
    whole = binary or set(mine) == {""} or set(theirs) == {""}
    if whole:
        mine, theirs = {"": before}, {"": after}
    for inside in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(inside), theirs.get(inside)
        if one != other:
            name = f"{key}[{inside}]" if inside else key
            yield KeyChange(
                Become.CHANGED, key, inside, _shown(name, one, binary), _shown(name, other, binary)
            )


def _shown(name: str, value: str | None, binary: bool) -> str:
    if value is None:
        return ""
    if binary:
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    # A name within a document is the last piece of its path; either may tell a secret.
    inner = name.rpartition("[")[2].rstrip("]").rpartition(".")[2]
    shown = masked(f"[{inner}]", value)
    return shown if shown == masked(f"[{name.partition('[')[0]}]", value) else "[redacted]"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def keys_left_alone(live: Raw | None, after: Raw, wanted: Raw) -> tuple[str, ...]:
    """Keys that stand before and after and that the file does not have."""
    named = {str(key) for part in _PARTS for key in mapping(wanted.get(part))}
    stand = [str(key) for part in _PARTS for key in mapping(after.get(part))]
    stood = {str(key) for part in _PARTS for key in mapping(mapping(live).get(part))}
    return tuple(sorted(key for key in stand if key in stood and key not in named))


def version_of(live: Raw | None) -> str:
    """Which object, and which state of it: one that was deleted and made anew is another."""
    return str(mapping(mapping(live).get("metadata")).get("resourceVersion") or "")


def fingerprint(plans: Iterable[ObjectPlan]) -> str:
    content = [[each.name, each.seen, each.manifest] for each in plans]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def content_of(live: Raw | None) -> dict[str, Any] | None:
    """What of a ConfigMap is worth keeping: what it says, not what a server notes about it."""
    if live is None:
        return None
    meta = mapping(live.get("metadata"))
    kept = {key: dict(mapping(live.get(key))) for key in _PARTS if live.get(key)}
    labels = {"labels": dict(mapping(meta["labels"]))} if meta.get("labels") else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": str(meta.get("name", "")), **labels},
        **kept,
    }


class Stage(StrEnum):
    """Of a snapshot: taken before the first write, settled after the last."""

    BEGUN = "BEGUN"
    APPLIED = "APPLIED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ConfigSnapshot:
    """What stood before a configuration was applied, and what was to stand after. An object that
    was not there is None. `keys` are the names that changed, without values: for the audit log."""

    id: str
    service: str
    environment: str
    taken_at: datetime
    by: str
    before: Mapping[str, Mapping[str, Any] | None]
    after: Mapping[str, Mapping[str, Any]]
    keys: Mapping[str, str] = field(default_factory=dict)
    restored: str = ""  # the snapshot that was put back, where that was the wish
    stage: Stage = Stage.BEGUN

    def with_(self, **changes: object) -> "ConfigSnapshot":
        return replace(self, **changes)  # type: ignore[arg-type]


def keys_of(plans: Sequence[ObjectPlan]) -> dict[str, str]:
    """ "tasks-service-config/FEATURE_X": "ADDED"."""
    return {
        f"{plan.name}/{change.key}": change.become.value
        for plan in plans
        for change in plan.changes
    }
