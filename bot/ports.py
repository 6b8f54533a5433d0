"""The edges of Dynamo as the inside sees them: what may be asked, in the domain's own values.

Each has one adapter in `bot/adapters`, named by `bot/app.py` alone. Every method may raise
`PortError`; nothing else crosses.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bot.cards.card import Card
from bot.cards.modal import Modal
from bot.domain.approval import Approval
from bot.domain.audit import ENGINE, AuditEntry, AuditRecord, By, Head
from bot.domain.build import Build, BuildStep, Failure
from bot.domain.checklist import Before, Checklist, Refusal
from bot.domain.ci import Check
from bot.domain.drift import Difference
from bot.domain.image import Image
from bot.domain.lock import Lock
from bot.domain.promotion import Commits
from bot.domain.rollout import CardRef, Rollout
from bot.domain.workload import Event, Workload
from bot.errors import PortError

Manifest = Mapping[str, Any]
"""A Kubernetes object as its YAML says it."""


class Clock(Protocol):
    """The time, passed in: real in production, scaled in the sandbox, moved by hand in tests."""

    def now(self) -> datetime: ...  # aware UTC

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at that time, or as soon as possible when it is past; returns a cancel."""


# --- the cluster -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """What the API server made of an apply (or would make of it, on a dry run).

    `changed` tells whether the pod template differs from the one before; `warnings` are the
    server's own Warning headers.
    """

    generation: int
    changed: bool
    template: str  # as Deployment.template
    version: str
    desired: int
    warnings: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()  # what would be another way in the Deployment


@dataclass(frozen=True, slots=True)
class LogTail:
    lines: tuple[str, ...]
    previous: bool = False


class Cluster(Protocol):
    """Kubernetes: `context` names the cluster ("" is the current one)."""

    async def workload(self, context: str, namespace: str, name: str) -> Workload:
        """One fresh look: Deployment, its ReplicaSets, pods and autoscaler; no events."""

    async def workloads(self, context: str, namespace: str) -> Sequence[Workload]:
        """All Deployments of a namespace, what belongs to them and what scales them: four lists."""

    async def events(self, context: str, namespace: str, uids: Sequence[str]) -> Sequence[Event]:
        """The Events about these objects, oldest first."""

    async def apply(
        self,
        context: str,
        namespace: str,
        manifest: Manifest,
        *,
        dry_run: bool = False,
        force: bool = False,
    ) -> Applied:
        """Server-side apply of a Deployment, field manager `dynamo`.

        Raises PortError CONFLICT (values: owners, fields), INVALID (message: the server's own,
        in full), FORBIDDEN (verb, resource, namespace), NOT_FOUND (the namespace), AWAY.
        """

    async def apply_config(
        self, context: str, namespace: str, manifest: Manifest, *, dry_run: bool = False
    ) -> bool:
        """Server-side apply of a ConfigMap; True when it changed anything."""

    async def log_tail(
        self,
        context: str,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool,
        lines: int,
    ) -> LogTail:
        """The last lines of one container, undecodable bytes replaced."""

    def follow(
        self,
        context: str,
        namespace: str,
        name: str,
        on_change: Callable[[Workload], None],
        on_obstacle: Callable[[PortError | None], None],
    ) -> Callable[[], None]:
        """Call `on_change` with every new snapshot of one workload, from shared streams: three per
        (context, namespace), however many follow. `on_obstacle` hears when the cluster stops
        answering, and None when it answers again. Returns a stop; the streams end some time after
        the last follower has gone."""

    async def may(self, context: str, namespace: str, verb: str, resource: str) -> bool:
        """Whether the bot itself may do this: `resource` as "deployments.apps" or "pods/log"."""

    @property
    def streams(self) -> int:
        """How many watch connections are held now."""


# --- images ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the registry tells of one image; times and texts are "" or None where it is silent."""

    image: Image
    created_at: datetime | None = None
    revision: str = ""  # commit
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Images(Protocol):
    async def tags(self, repository: str) -> Sequence[str]: ...

    async def resolve(self, repository: str, version: str) -> ImageInfo:
        """A tag or a digest to an image with its digest. Raises PortError NOT_FOUND."""


# --- Slack -----------------------------------------------------------------------------------


class Messenger(Protocol):
    async def post(self, channel: str, card: Card, *, thread: str = "", key: str = "") -> CardRef:
        """Post a message; `key` is stored with it as metadata, so that `find` can find it."""

    async def find(
        self, channel: str, key: str, since: datetime, *, thread: str = ""
    ) -> CardRef | None:
        """The message posted with this key since then, where the bot may read the history."""

    async def update(self, ref: CardRef, card: Card, *, urgent: bool = False) -> bool:
        """Edit a message, within the shared budget: the newest card wins. True once Slack has
        confirmed this card; False where a newer one took its place before it was sent."""

    async def whisper(self, channel: str, user: str, card: Card, *, thread: str = "") -> None:
        """A private answer: seen by one person, in the channel where possible, else a DM."""

    async def answer(
        self, response_url: str, user: str, channel: str, card: Card, *, replace: bool = False
    ) -> None:
        """A private answer to a command or a click, by the URL that Slack gave with it (30 minutes,
        5 times), which works where the bot is not a member; else as `whisper`. `replace` puts it
        in the place of the private message that was clicked."""

    async def permalink(self, ref: CardRef) -> str: ...

    async def open_modal(self, trigger_id: str, modal: Modal) -> None:
        """Open a window for whoever clicked: within three seconds of the click, and once."""

    async def publish_home(self, user: str, card: Card) -> None:
        """Show these blocks as a person's Home tab."""


class People(Protocol):
    async def language(self, user: str) -> str:
        """ "es" or "en": the reader's own Slack locale; "en" when it is not known."""

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a Slack user group."""


# --- the store -------------------------------------------------------------------------------


class Store(Protocol):
    async def add(self, rollout: Rollout, by: By | None = None) -> Rollout:
        """Store a new rollout and the audit record of its request, as made by `by` (else by whom
        it names, with a typed line). It is QUEUED; `start_next` lets it go. Where the same release
        is under way there already, nothing is stored and that one is returned."""

    async def save(self, rollout: Rollout, by: By = ENGINE) -> Rollout:
        """Replace the stored revision by the next; a new state is written to the audit log in the
        same transaction, as done by `by`. Raises StaleError when it is not ours."""

    async def get(self, rollout_id: str) -> Rollout | None: ...

    async def unsettled(self) -> Sequence[Rollout]:
        """All rollouts that still need something done, oldest first: the active ones, and the
        final ones whose last card is not yet confirmed."""

    async def active(self, service: str = "", environment: str = "") -> Sequence[Rollout]:
        """All rollouts that are not final, oldest first."""

    async def start_next(self, service: str, environment: str) -> Rollout | None:
        """Move the oldest queued rollout to APPLYING, if none is driven there. Atomic."""

    async def recent(
        self, service: str = "", environment: str = "", limit: int = 20
    ) -> Sequence[Rollout]:
        """Newest first."""

    async def ran_well(self, service: str, environment: str, digest: str) -> bool:
        """Whether this digest ran there: rolled out to a good end, or found running by another."""

    async def first_time(self, delivery: str, now: datetime) -> bool:
        """True once per delivery key, for ever false after: a redelivery does nothing twice."""


# --- a commit's checks, and the checklist of a release ---------------------------------------


class Checks(Protocol):
    """A git host that knows which checks ran on a commit."""

    async def of_commit(self, repository: str, commit: str) -> Sequence[Check]:
        """All checks of a commit (a full id) of `owner/name`, the newest of each name. Raises
        PortError NOT_FOUND (no such repository or commit is shown to us), THROTTLED (`retry_after`
        says until when), UNAUTHENTICATED, FORBIDDEN, AWAY."""


Decide = Callable[[Checklist], Checklist | Refusal]
"""What a click makes of a list, called inside the store's transaction: pure and quick."""

Record = Callable[[Checklist, Checklist], AuditEntry | None]
"""The audit entry of a change from the first to the second, written in the same transaction."""


class Checklists(Protocol):
    """One list for each service and digest (`bot/domain/checklist.py`); of a service's lists one is
    current."""

    async def get(self, service: str, digest: str) -> Checklist | None: ...

    async def current(self, service: str) -> Checklist | None: ...

    async def open(
        self, wanted: Checklist, leave: Callable[[Checklist], Before], record: Record
    ) -> tuple[Checklist, Checklist | None]:
        """The list of this release, made current: the stored one, else `wanted` with what `leave`
        says of the one that was current until now. That one is returned beside it, if another."""

    async def change(
        self, service: str, digest: str, decide: Decide, record: Record
    ) -> Checklist | Refusal:
        """Decide on what stands there and store it as the next revision, all in one transaction.
        The list as it is then, or the refusal (NO_LIST where there is none)."""

    async def placed(self, service: str, digest: str, card: CardRef, shown: int = -1) -> None:
        """Where its message is, or where it is about to be posted; and which revision it shows."""

    async def shown(self, service: str, digest: str, revision: int) -> None:
        """Slack has confirmed this revision."""

    async def live(self) -> Sequence[tuple[str, str]]:
        """Service and digest of the current lists that are not closed."""

    async def unshown(self) -> Sequence[tuple[str, str]]:
        """Service and digest of all lists whose message does not show the newest revision."""


# --- the audit log ---------------------------------------------------------------------------


class Audit(Protocol):
    """Append-only and hash-chained (`bot/domain/audit.py`). The states of rollouts are recorded by
    the store itself, as they are saved; everything else is recorded by whoever does it."""

    async def record(self, entry: AuditEntry) -> None:
        """Append; once, where the entry has a key. Redacts secrets and cuts long texts."""

    async def page(
        self,
        service: str = "",
        environment: str = "",
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 10,
        steps: bool = True,
    ) -> Sequence[AuditRecord]:
        """Newest first: the newest below number `before`, or those next above `after`. Without
        `steps` the states that a rollout only passes through are left out."""

    async def head(self) -> Head: ...


# --- approvals, and what lies between two releases -------------------------------------------


class Approvals(Protocol):
    """One decision per person, digest and environment (`bot/domain/approval.py`)."""

    async def of(self, service: str, environment: str) -> Sequence[Approval]:
        """Newest first, those that have run out and those for other digests among them."""

    async def replace(self, held: Approval | None, wanted: Approval, entry: AuditEntry) -> bool:
        """Put this person's decision in the place of `held` (None: there was none) and record it,
        both or neither. False when `held` is not what stands there: read and decide again."""


class Comparisons(Protocol):
    async def between(self, repository: str, older: str, newer: str) -> Commits:
        """The commits of `repository` ("owner/name") after `older` up to `newer`, newest first;
        `Commits.unknown` where the git host has no answer. Raises PortError AWAY."""


# --- locks, and what is announced ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message that a channel is due, once: `key` tells it from any other, `since` says from when
    on it may have been posted."""

    key: str
    channel: str
    card: Card
    since: datetime


class Outbox(Protocol):
    """Announcements that Slack has not confirmed yet. They are added in the transaction of what
    they tell, by the port that does it; `bot/workflows/announcing.py` posts them."""

    async def due(self) -> Sequence[Announcement]:
        """Oldest first."""

    async def add(self, announcement: Announcement) -> None:
        """For a deed that has no transaction of its own. The same key twice is added once."""

    async def done(self, key: str) -> None: ...


class Locks(Protocol):
    """One lock for each scope (`bot/domain/lock.py`); those whose time is over are among them."""

    async def all(self, environment: str = "") -> Sequence[Lock]: ...

    async def replace(
        self,
        held: Lock | None,
        wanted: Lock | None,
        entry: AuditEntry,
        announcement: Announcement | None = None,
    ) -> bool:
        """Put `wanted` (None: no lock) in the place of `held` (None: there was none), record it and
        note what is to be announced, all or nothing. False when `held` is not what stands there:
        read again and decide again."""


# --- builds ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Revision:
    """What a ref means in a repository: the full commit id, and the tag where the ref is one."""

    commit: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a `Builder` is to do with a checkout. `name` is the image's, with its version as tag;
    `command` is run first, "" for none."""

    build: str  # its id, which tells the half-done from the done
    service: str
    name: str
    version: str
    commit: str
    source: str
    created: datetime
    command: str = ""


@dataclass(frozen=True, slots=True)
class Progressing:
    """A build says where it is: `line` is of the log, as the tool wrote it; `words` is for the
    card, where there is something new to say."""

    step: BuildStep
    line: str = ""
    words: str = ""


Report = Callable[[Progressing], None]


class Git(Protocol):
    async def resolve(self, repository: str, ref: str) -> Revision | None:
        """A branch, tag or commit (abbreviated, too) of a repository; None where it has none such.
        Raises PortError AWAY, UNAUTHENTICATED, NOT_FOUND (the repository), INVALID."""

    def checkout(
        self, repository: str, revision: Revision, report: Report
    ) -> AbstractAsyncContextManager[Path | Failure]:
        """The files of a commit in a directory of their own, which is gone afterwards; shallow."""


class Builder(Protocol):
    async def simulated(self) -> bool:
        """Whether nothing real is built here. Raises PortError AWAY where no engine answers."""

    async def build(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        """Run the command, build, push; the digest that the registry has it under. Nothing carries
        the version's tag before all is done; a cancelled build leaves none. Raises PortError."""


class Builds(Protocol):
    """One build per service and commit (`bot/domain/build.py`)."""

    async def open(self, wanted: Build) -> Build:
        """The stored build of this commit, or this one, stored."""

    async def save(self, build: Build) -> Build:
        """Replace the stored revision by the next. Raises StaleError when it is not ours."""

    async def get(self, build_id: str) -> Build | None: ...

    async def of(self, service: str, commit: str) -> Build | None: ...

    async def unsettled(self, service: str = "") -> Sequence[Build]:
        """Oldest first."""

    async def keep_log(self, build_id: str, log: str) -> None: ...

    async def log(self, build_id: str) -> str: ...
