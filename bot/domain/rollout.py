"""A rollout: a release going into an environment. What a card shows and the engine drives.

States and how they follow each other (bot/domain/rollout_course.py decides):

    AWAITING_APPROVAL → QUEUED → APPLYING → PROGRESSING → SOAKING → SUCCEEDED
       │                  │         │            │           └───→ FAILED
       └→ CANCELLED, REJECTED ←─────┘            └→ FAILED | SUPERSEDED | ROLLING_BACK
                                                                 ROLLING_BACK → ROLLED_BACK | FAILED

A request that needs people, or green checks, begins in AWAITING_APPROVAL and takes its place in the
queue when it is let go; all others begin in the queue. BUILDING is the room of what is built first.
What waits, in either of the three, keeps nobody else from going.
A rollout is a frozen value: every step returns a new one, and the store replaces revision N by
N+1 or refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.drift import Drift
from bot.domain.gate import GateResult
from bot.domain.image import Image
from bot.domain.judgement import Change, Memory
from bot.domain.kind import GoodRelease, Kind, Scaling
from bot.domain.promotion import Commits, Override
from bot.domain.shortage import Shortage
from bot.domain.verdict import Verdict


class RolloutState(StrEnum):
    QUEUED = "QUEUED"
    BUILDING = "BUILDING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    APPLYING = "APPLYING"
    PROGRESSING = "PROGRESSING"
    SOAKING = "SOAKING"
    ROLLING_BACK = "ROLLING_BACK"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {
        RolloutState.SUCCEEDED,
        RolloutState.FAILED,
        RolloutState.ROLLED_BACK,
        RolloutState.SUPERSEDED,
        RolloutState.REJECTED,
        RolloutState.CANCELLED,
    }
)
ACTIVE = frozenset(RolloutState) - FINAL
WAITING = frozenset({RolloutState.QUEUED, RolloutState.BUILDING, RolloutState.AWAITING_APPROVAL})
"""Nothing has been touched and nothing is held: any number of them at one place."""
DRIVEN = ACTIVE - WAITING
"""At most one of these per service and environment: the store's partial unique index."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked: a Slack user id, and the language that private answers are given in."""

    id: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class CardRef:
    """Where the one card of a rollout is. `ts` is "" until Slack confirmed the post; `since` says
    when posting was begun, so that a restart can look for a card it may already have posted."""

    channel: str
    ts: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A version that ran before this rollout: what "from → to" and "still serves" speak of."""

    version: str
    digest: str = ""
    ready: int = 0
    desired: int = 0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was gathered when a rollout failed, redacted: before the pods are gone."""

    pod: str = ""
    container: str = ""
    previous: bool = False  # the log is that of the container before its restart
    log: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    unavailable: str = ""  # why there is no log, in the cluster's words


@dataclass(frozen=True, slots=True)
class Progress:
    """The counters of the last look, as the card says them."""

    desired: int = 0
    updated: int = 0
    available: int = 0
    old: int = 0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An edge that does not answer just now: said on the card, tried again, never a silent stop."""

    port: str
    trouble: str
    since: datetime
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollout:
    id: str
    service: str
    environment: str
    namespace: str
    context: str  # kubeconfig context; "" is the current one
    image: Image
    version: str
    requested_by: Actor
    requested_at: datetime
    line: str  # the normalised command that asked for it
    card: CardRef
    kind: Kind = Kind.DEPLOY
    scaling: Scaling | None = None  # SCALE: what was asked for
    stays: tuple[str, ...] = ()  # ROLLBACK: what has changed since and does not come back
    template_kept: bool = True  # ROLLBACK: the whole template comes back; else the image alone
    way_back: GoodRelease | None = None  # DEPLOY: where a rollback of it would go
    held: bool = False  # ROLLBACK: its place is locked
    kept: bool = False  # it ended well, and the template that runs is kept for a way back
    asked_in: str = ""  # the channel in which it was typed
    reason: str = ""  # the requester's own words
    state: RolloutState = RolloutState.QUEUED
    revision: int = 0
    before: Running | None = None
    before_generation: int | None = None  # of the Deployment, saved before the first write
    change: Change | None = None
    memory: Memory = field(default_factory=Memory)
    verdict: Verdict | None = None
    progress: Progress = field(default_factory=Progress)
    stability_seconds: int = 30
    applying_since: datetime | None = None  # saved before the first write: the change's time
    completed_at: datetime | None = None  # the cluster was done; the stability window began
    quiet_since: datetime | None = None  # nothing has moved since, within the stability window
    finished_at: datetime | None = None
    ended_by: str = ""  # the user id of who cancelled
    end_reason: str = ""  # why, in their own words
    gates: tuple[GateResult, ...] = ()  # AWAITING_APPROVAL: as they stood at the last look
    by_itself: bool = False  # AWAITING_APPROVAL: goes when the last gate opens, without a button
    covers: str = ""  # the fingerprint of what an approval of it covers, at the last look
    open_since: datetime | None = None  # all gates have been open since; None while one is not
    openings: int = 0  # how often that came about: each is told once
    told: CardRef | None = None  # the reply in the card's thread that told of the latest one
    released_by: str = ""  # the user id of who pressed the button
    queued_at: datetime | None = None  # when it took its place in the queue, if not at once
    override: Override | None = None
    announced: CardRef | None = None  # the message that told the channel of the override
    commits: Commits | None = None  # between what ran there and this release
    drift: Drift = field(default_factory=Drift)  # what else the apply would change
    behind: str = ""  # the version that a queued one waits for
    behind_whom: str = ""  # the user id of who asked for that
    place: int = 0  # of a queued one: how many go before it
    rechecked: bool = False  # all gates were asked again at its turn
    obstacle: Obstacle | None = None  # temporary while active; the cause where it ended FAILED
    refused: tuple[GateResult, ...] = ()  # REJECTED: all gates as they stood
    policies: GateResult | None = None  # what its place promises, where not all of it is kept
    short: tuple[Shortage, ...] | None = None  # why pods find no place; None: not asked yet
    diagnosis: Diagnosis | None = None
    details: CardRef | None = None  # the reply in the card's thread that tells of the end
    settled: bool = False  # final, and Slack has confirmed the final card and its thread

    @property
    def wanted(self) -> Image:
        """What the cluster is to run: the release, or on the way back what ran before."""
        if self.state is RolloutState.ROLLING_BACK and self.before is not None:
            return Image(self.image.repository, self.before.version, self.before.digest)
        return self.image

    @property
    def acting(self) -> str:
        """Whose rights it goes by: who pressed the button last, else who asked for it."""
        return self.released_by or self.requested_by.id

    @property
    def pods(self) -> Scaling | None:
        """How many pods it asks for now: on the way back, what was there before."""
        going_back = self.state is RolloutState.ROLLING_BACK
        return self.scaling.back if self.scaling and going_back else self.scaling

    @property
    def about(self) -> str:
        """What it asks for, as told from others at its place: asking twice for the same is asking
        once."""
        match self.kind:
            case Kind.DEPLOY:
                return self.image.digest
            case Kind.SCALE if self.scaling is not None:
                return f"scale:{self.scaling.target}"
            case Kind.ROLLBACK:
                return f"rollback:{self.image.digest}"
        return self.kind.lower()

    @property
    def in_line_since(self) -> datetime:
        return self.queued_at or self.requested_at

    def with_(self, **changes: object) -> "Rollout":
        return replace(self, **changes)  # type: ignore[arg-type]
