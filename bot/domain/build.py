"""A build: one commit of one service becoming one image. Pure.

    QUEUED → BUILDING → BUILT
       └────────┴────→ FAILED | CANCELLED

A commit is built once: whoever asks for one that is under way follows it, and whoever asks for one
that was built gets its digest. `Wish` is what shall be deployed as soon as it is there. What a ref
and a repository's address may be is decided here too, before any program sees them.
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from bot.domain.image import Image
from bot.domain.outage import Outage
from bot.domain.rollout import Actor, CardRef

LONGEST_REF = 200
TAIL = 20
"""Lines of the log's end that a card shows."""

_BAD_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{")
_COMMIT = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_URL = re.compile(
    r"(?:https?|file)://[A-Za-z0-9._~+:\[\]/-]+|ssh://(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9._~+:\[\]/-]+"
)
_SCP = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9_./~-]+")
_PATH = re.compile(r"/[A-Za-z0-9_./~+-]+")
_HOST_IN_URL = re.compile(r"\w+://(?:[^/@]+@)?(?P<host>[^/]*)(?P<path>/.*)?")


class BuildState(StrEnum):
    QUEUED = "QUEUED"
    BUILDING = "BUILDING"
    BUILT = "BUILT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        return self in {BuildState.BUILT, BuildState.FAILED, BuildState.CANCELLED}


class BuildStep(StrEnum):
    """In the order in which they run."""

    CHECKOUT = "CHECKOUT"
    COMMAND = "COMMAND"
    IMAGE = "IMAGE"
    PUSH = "PUSH"


class Cause(StrEnum):
    """Why a build failed; the words are in `bot/text` under `build.cause`."""

    REFUSED = "REFUSED"  # port, trouble, message
    NO_COMMIT = "NO_COMMIT"  # gone from the repository since it was asked for
    CHECKOUT = "CHECKOUT"  # message
    TOO_LARGE = "TOO_LARGE"  # what, limit (megabytes)
    COMMAND = "COMMAND"  # exit
    NO_DOCKERFILE = "NO_DOCKERFILE"
    IMAGE = "IMAGE"  # message
    PUSH = "PUSH"  # message
    NO_PLACE = "NO_PLACE"  # message: the registry has no such repository and makes none
    TIMED_OUT = "TIMED_OUT"  # minutes
    DISK_FULL = "DISK_FULL"
    VERSION_TAKEN = "VERSION_TAKEN"  # version: the registry has it from another commit
    AWAY = "AWAY"  # port, message, minutes where it was waited for
    BUG = "BUG"


@dataclass(frozen=True, slots=True)
class Failure:
    cause: Cause
    step: BuildStep
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """Deploy it there when it is built: a request of this person, with the line that they typed."""

    environment: str
    actor: Actor
    line: str
    asked_in: str = ""
    reason: str = ""
    surface: str = "slash"


@dataclass(frozen=True, slots=True)
class Build:
    id: str
    service: str
    ref: str  # as it was asked for
    commit: str
    version: str
    image: str  # the repository of its images
    repository: str  # the address of its source
    requested_by: Actor
    requested_at: datetime
    line: str
    card: CardRef
    asked_in: str = ""
    state: BuildState = BuildState.QUEUED
    revision: int = 0
    command: str = ""  # the service's own, run in the checkout
    step: BuildStep = BuildStep.CHECKOUT
    now: str = ""  # what the step is at, in the tool's own words
    digest: str = ""
    simulated: bool = False
    outage: Outage | None = None  # who is being waited for in the middle of it
    failure: Failure | None = None
    tail: tuple[str, ...] = ()  # the end of the log, redacted
    wishes: tuple[Wish, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    ended_by: str = ""
    end_reason: str = ""  # of who cancelled it, in their own words
    rollout: str = ""  # the rollout that took its card over
    told: CardRef | None = None  # the reply in the card's thread, with the log
    settled: bool = False

    def with_(self, **changes: object) -> "Build":
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def steps(self) -> tuple[BuildStep, ...]:
        return tuple(s for s in BuildStep if s is not BuildStep.COMMAND or self.command)

    @property
    def result(self) -> Image:
        return Image(self.image, self.version, self.digest)


class Log:
    """What a build wrote: whole, or its beginning and its end where that is too much."""

    def __init__(self, most: int = 900_000, last: int = 400) -> None:
        self._most = most
        self._length = 0
        self._beginning: list[str] = []
        self._end: deque[str] = deque(maxlen=last)
        self._left_out = 0

    def add(self, line: str) -> None:
        if self._length < self._most:
            self._beginning.append(line)
            self._length += len(line) + 1
            return
        self._left_out += len(self._end) == self._end.maxlen
        self._end.append(line)

    @property
    def lines(self) -> list[str]:
        gap = [f"[… +{self._left_out} …]"] if self._left_out else []  # in no language
        return [*self._beginning, *gap, *self._end]


# --- how it goes on ------------------------------------------------------------------------------


def begun(build: Build, now: datetime, *, simulated: bool) -> Build:
    """The same for the first time and for the time after a crash: all steps from the start."""
    return build.with_(
        state=BuildState.BUILDING,
        step=BuildStep.CHECKOUT,
        now="",
        outage=None,
        simulated=simulated,
        started_at=now,
    )


def at_step(build: Build, step: BuildStep, words: str) -> Build:
    return build.with_(step=step, now=words)


def built(build: Build, digest: str, now: datetime) -> Build:
    return build.with_(state=BuildState.BUILT, digest=digest, now="", finished_at=now)


def failed(build: Build, failure: Failure, tail: tuple[str, ...], now: datetime) -> Build:
    return build.with_(
        state=BuildState.FAILED,
        step=failure.step,
        failure=failure,
        tail=tail[-TAIL:],
        now="",
        finished_at=now,
    )


def cancelled(build: Build, by: str, now: datetime) -> Build | None:
    """None where it is over."""
    if build.state.final:
        return None
    return build.with_(state=BuildState.CANCELLED, ended_by=by, now="", finished_at=now)


def followed(build: Build, wish: Wish | None) -> Build:
    """Somebody else wants the same commit: it is built once, and their wish is kept."""
    if wish is None or any(_same(wish, each) for each in build.wishes):
        return build
    return build.with_(wishes=(*build.wishes, wish))


def again(build: Build, wanted: Build) -> Build:
    """A commit whose build has failed, was cancelled, or whose image is gone is built anew: under
    the version that it had, where it does not have a tag by now."""
    tagged = wanted.version == wanted.ref
    version = wanted.version if tagged else build.version
    return wanted.with_(version=version, revision=build.revision)


def _same(one: Wish, other: Wish) -> bool:
    return (one.environment, one.actor.id) == (other.environment, other.actor.id)


# --- names ---------------------------------------------------------------------------------------


def version_of(tag: str, commit: str, day: date) -> str:
    """What the image is called: the tag it was built from, else DATE-SHORTSHA. A tag that no image
    can have (`release/1.4`) counts as none."""
    if _TAG.fullmatch(tag):
        return tag
    return f"{day:%Y%m%d}-{commit[:7]}"


def is_ref(text: str) -> bool:
    """Whether git could know it as a branch, tag or commit: git-check-ref-format(1), and never a
    word that a program would take for an option."""
    if not 0 < len(text) <= LONGEST_REF or text.startswith(("-", "/")) or text == "@":
        return False
    if _BAD_IN_A_REF.search(text) or text.endswith(("/", ".")):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in text.split("/"))


def is_commit(text: str) -> bool:
    """Whether it could be a commit id, in full or abbreviated."""
    return _COMMIT.fullmatch(text) is not None


def is_full_commit(text: str) -> bool:
    return is_commit(text) and len(text) in (40, 64)


def is_repository(address: str) -> bool:
    """https, ssh or file, or an absolute path; no user or password in it but ssh's user, no word
    that is an option to git or ssh. The catalog says the same of its own; this is the last door."""
    if _SCP.fullmatch(address) or _PATH.fullmatch(address):
        return ".." not in address.split("/")
    found = _HOST_IN_URL.fullmatch(address) if _URL.fullmatch(address) else None
    if found is None or ".." in address.split("/"):
        return False
    host, path = found["host"], found["path"] or ""
    local = address.startswith("file://")
    return bool(path.strip("/")) and not host.startswith("-") and (local or bool(host))
