"""The audit log: who did what, when, by which surface, before and after, as a chain of hashes.

A record's hash covers its canonical JSON, and that holds the number of the record and the hash of
the one before: an edited, removed or reordered record breaks the chain, and `verify` says where.
What a chain alone cannot tell is a tail that was cut off, so the number of records and the newest
hash stand apart (`Head`); what neither can tell is a log that was rewritten as a whole together
with its head. Against that a head is noted elsewhere (`docs/operations.md`) and given to `verify`.

`bot/adapters/tables/audit.py` stores it, `bot/workflows` and the store's saves write it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.domain.redaction import redact

DYNAMO = "dynamo"
"""The actor of what nobody pressed: the engine's own steps."""

GENESIS = "0" * 64
"""What the first record has in the place of the hash before it."""

_TEXT = 2_000  # characters of one text in a record: a log is no place for a novel
_ANYWHERE = "*"
_MOST_FLAWS = 20


class Surface(StrEnum):
    """Through what it was done."""

    SLASH = "slash"
    BUTTON = "button"
    MODAL = "modal"
    MENTION = "mention"
    ENGINE = "engine"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and through what."""

    actor: str = DYNAMO  # a Slack user id, or DYNAMO
    surface: str = Surface.ENGINE


ENGINE = By()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is to be recorded. `action` is a stable word of the part that records ("request",
    "lock", "tick"), `subject` comes from `subject_of`. `before` and `after` hold what JSON can say,
    and times and enums, which become text. Where `key` is not "", it is recorded once, whoever
    repeats it: a process that was killed and goes on records nothing twice."""

    at: datetime  # aware
    actor: str
    surface: str
    action: str
    subject: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry in its place in the chain. `body` is the canonical JSON that `hash` covers: the
    entry, its `number` (from 1), and `previous`, the hash of the record before."""

    number: int
    body: str
    hash: str

    @property
    def entry(self) -> AuditEntry:
        content = json.loads(self.body)
        return AuditEntry(
            at=datetime.fromisoformat(content["at"]),
            **{name: content[name] for name in _NAMES},
        )

    @property
    def line(self) -> str:
        """One line of an export: the body with its hash. `record_of` reads it back."""
        return canonical({**json.loads(self.body), "hash": self.hash})


_NAMES = ("actor", "surface", "action", "subject", "before", "after", "key")


@dataclass(frozen=True, slots=True)
class Head:
    """How long the log is and how it ends."""

    count: int = 0
    hash: str = GENESIS


class Broken(StrEnum):
    EDITED = "EDITED"  # its hash does not cover its content
    MISSING = "MISSING"  # a number was left out: records were removed
    OUT_OF_PLACE = "OUT_OF_PLACE"  # a number that has no business here: reordered or repeated
    UNLINKED = "UNLINKED"  # it does not name the hash of the record before it
    TRUNCATED = "TRUNCATED"  # the log is shorter than its head says
    BEYOND_HEAD = "BEYOND_HEAD"  # the log is longer than its head says
    OTHER_HEAD = "OTHER_HEAD"  # as long as the head says, and ends otherwise
    OTHER_WITNESS = "OTHER_WITNESS"  # not the record that a head noted elsewhere had there


@dataclass(frozen=True, slots=True)
class Flaw:
    number: int  # of the record, or where it should be
    broken: Broken


@dataclass(frozen=True, slots=True)
class Verification:
    """`flaws`: the first twenty, in order of the log. `head`: what was read."""

    head: Head
    flaws: tuple[Flaw, ...] = ()


def subject_of(service: str = "", environment: str = "") -> str:
    """What an entry is about: "tasks-service/qa", "*/qa" or "tasks-service/*"."""
    return f"{service or _ANYWHERE}/{environment or _ANYWHERE}"


def place_of(subject: str) -> tuple[str, str]:
    """Service and environment of a subject; "" for every."""
    service, _, environment = subject.partition("/")
    return service.replace(_ANYWHERE, ""), environment.replace(_ANYWHERE, "")


def chained(entry: AuditEntry, head: Head) -> AuditRecord:
    """The record that comes after this head: redacted, cut to a size, canonical and hashed."""
    content = {name: _recorded(getattr(entry, name)) for name in _NAMES}
    at = entry.at.astimezone(UTC).isoformat()
    number = head.count + 1
    body = canonical({**content, "at": at, "number": number, "previous": head.hash})
    return AuditRecord(number, body, hash_of(body))


def canonical(content: Mapping[str, Any]) -> str:
    """One text for one content: sorted keys, no blanks, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def record_of(line: str) -> AuditRecord:
    """A line of an export, as a record. Raises ValueError for what is none."""
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("an audit record is a JSON object")
    try:
        found = str(content.pop("hash"))
        number = int(content["number"])
    except (KeyError, TypeError) as e:
        raise ValueError(f"an audit record has {e}") from e
    return AuditRecord(number, canonical(content), found)


def verify(
    records: Iterable[AuditRecord], head: Head | None = None, witnesses: Sequence[Head] = ()
) -> Verification:
    """Walk the chain. `head` is what stands apart in the store (None for an export, which has
    none); `witnesses` are heads noted earlier and elsewhere. Reads one record at a time."""
    flaws: list[Flaw] = []
    known = {witness.count: witness.hash for witness in witnesses}
    at = Head()
    for record in records:
        flaws += _flaws(record, at)
        at = Head(record.number, record.hash)
        if known.pop(record.number, record.hash) != record.hash:
            flaws.append(Flaw(record.number, Broken.OTHER_WITNESS))
    if head is not None:
        flaws += _end_flaws(at, head)
    flaws += [Flaw(count, Broken.TRUNCATED) for count in sorted(known) if count > 0]
    return Verification(at, tuple(flaws[:_MOST_FLAWS]))


def _flaws(record: AuditRecord, before: Head) -> list[Flaw]:
    found = []
    due = before.count + 1
    if hash_of(record.body) != record.hash:
        found.append(Broken.EDITED)
    if record.number > due:
        found.append(Broken.MISSING)
    elif record.number < due:
        found.append(Broken.OUT_OF_PLACE)
    content = _content(record.body)
    if content.get("number") != record.number and Broken.EDITED not in found:
        found.append(Broken.OUT_OF_PLACE)
    if not found and content.get("previous") != before.hash:
        found.append(Broken.UNLINKED)
    number = due if Broken.MISSING in found else record.number
    return [Flaw(number if broken is Broken.MISSING else record.number, broken) for broken in found]


def _end_flaws(end: Head, head: Head) -> list[Flaw]:
    if end.count < head.count:
        return [Flaw(end.count + 1, Broken.TRUNCATED)]
    if end.count > head.count:
        return [Flaw(head.count + 1, Broken.BEYOND_HEAD)]
    return [] if end.hash == head.hash else [Flaw(end.count, Broken.OTHER_HEAD)]


def _content(body: str) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _recorded(value: Any) -> Any:  # whatever a part hands in
    match value:
        case None | bool() | int():
            return value
        case str():
            text = redact(str(value))
            return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Mapping():
            return {str(key): _recorded(item) for key, item in value.items()}
        case Iterable():
            return [_recorded(item) for item in value]
    return _recorded(str(value))
