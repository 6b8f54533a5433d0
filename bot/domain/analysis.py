"""The analysis of a rollout: the four looks at a release that runs, before against after. Pure.

Service metrics, errors in the logs, integration between services, response times: each look gives
readings, each reading has a result, and the worst of them is the analysis's. What cannot be known
is a state of its own (`DataState`), never a pass and never a fail (research/rollouts.md §3.4).
Looks are in `bot/workflows/looks/`, a file each; `bot/workflows/analysis_desk.py` drives them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.kind import Kind
from bot.domain.policy.finding import PolicyFinding
from bot.domain.rollout import CardRef
from bot.domain.verdict import Value


class Part(StrEnum):
    """The four things that are looked at after a deploy."""

    METRICS = "METRICS"
    LOGS = "LOGS"
    INTEGRATION = "INTEGRATION"
    RESPONSE_TIMES = "RESPONSE_TIMES"


class Result(StrEnum):
    """Of one reading, and of an analysis: the worst of its readings."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class DataState(StrEnum):
    """What there was to judge by (research/rollouts.md §3.4)."""

    OK = "OK"
    NO_METRIC = "NO_METRIC"  # no such series, neither before nor after
    NO_DATA = "NO_DATA"  # there before, gone after
    NO_TRAFFIC = "NO_TRAFFIC"
    LOW = "LOW"  # too little to judge by
    QUERY_ERROR = "QUERY_ERROR"


class Unit(StrEnum):
    RATIO = "RATIO"
    SECONDS = "SECONDS"
    BYTES = "BYTES"
    CORES = "CORES"
    PER_SECOND = "PER_SECOND"
    COUNT = "COUNT"


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Windows:
    """`written` is when the cluster took the change, `completed` when the rollout was done; what
    lies between is in neither window: versions are mixed there (research/rollouts.md §3.3)."""

    before: Window
    after: Window
    written: datetime
    completed: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that was looked at.

    `name` says which (ERROR_RATIO, LATENCY_P95, NEW_ERRORS, DEPENDENCY, ROUTE, …; its words are in
    `bot/text` under `reading`), `subject` which of several (a dependency, a route, a pattern of log
    lines). `code` names the sentence that explains the result, with `values`: threshold, p, sample
    sizes, an example. `query` is what was asked, resolved.
    """

    part: Part
    name: str
    result: Result
    code: str
    subject: str = ""
    state: DataState = DataState.OK
    unit: Unit = Unit.COUNT
    before: float | None = None
    after: float | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    query: str = ""
    series: tuple[Sample, ...] = ()  # both windows, for the chart


class Stage(StrEnum):
    """`PROVISIONAL` and `FINAL` are posted; both are edits of one message."""

    WATCHING = "WATCHING"
    PROVISIONAL = "PROVISIONAL"
    FINAL = "FINAL"
    STOPPED = "STOPPED"  # overtaken by another rollout of the same place, or rolled back


class Follow(StrEnum):
    """What follows from a FAIL, where the environment's `on_regression` asks for something."""

    NONE = "NONE"
    ASKED = "ASKED"  # people decide
    COUNTDOWN = "COUNTDOWN"  # rolls back at `acts_at`, unless somebody keeps it
    KEPT = "KEPT"
    ROLLED_BACK = "ROLLED_BACK"  # by a person, or at the end of a countdown
    HELD = "HELD"  # the place is locked


@dataclass(frozen=True, slots=True)
class Successor:
    """The rollout that has taken the place of what would have been looked at."""

    kind: Kind
    version: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One per rollout that was followed to its end in the cluster. It has the rollout's id."""

    rollout: str
    service: str
    environment: str
    version: str
    digest: str
    previous: str  # the version before, "" for a first deploy
    asked_by: str  # the user id of who asked for the rollout
    written: datetime  # when the change was handed to the cluster: no later than its first effect
    card: CardRef
    is_rollback: bool = False  # a way back is analysed too, and never gone back from by itself
    completed: datetime | None = None  # the cluster was done with it
    windows: Windows | None = None  # of the newest look
    stage: Stage = Stage.WATCHING
    readings: tuple[Reading, ...] = ()
    policies: tuple[PolicyFinding, ...] = ()  # of the environment, as verified by the newest look
    looked_at: datetime | None = None
    burning: bool = False  # the guard found errors that burn the budget, before the first summary
    baselines: Mapping[str, str] | None = None  # of looks, by their part; None: not taken yet
    recheck: datetime | None = None  # somebody asked for another look, then
    follow: Follow = Follow.NONE
    why_asked: str = ""  # why people decide where the environment would have acted by itself
    acts_at: datetime | None = None
    warned: bool = False  # Slack has confirmed the message with the countdown
    target: str = ""  # the version that it would go back to
    rollback: str = ""  # id of the rollout that goes back
    successor: Successor | None = None  # STOPPED by it
    locked: bool = False  # HELD: the lock was taken; whoever lifts it meant to
    decided_by: str = ""  # the user id of who kept it or rolled it back; DYNAMO for a countdown
    muted_by: str = ""
    chart: str = ""  # Slack's id of the uploaded chart
    charted: str = ""  # fingerprint of what that chart shows
    details: CardRef | None = None  # the newest reply in the thread with all readings
    detailed: Stage = Stage.WATCHING  # which summary that reply belongs to
    revision: int = 0
    settled: bool = False  # nothing more is looked at, and Slack has confirmed the last edit

    @property
    def result(self) -> Result:
        return overall(self.readings)

    @property
    def failed(self) -> bool:
        """It counts against the release: neither a target to go back to nor fit for the next
        environment."""
        return self.result is Result.FAIL

    def with_(self, **changes: object) -> "Analysis":
        return replace(self, **changes)  # type: ignore[arg-type]


PRIMARY = frozenset({"ERROR_RATIO", "LATENCY_P50", "LATENCY_P95", "METRICS"})
"""What a verdict rests on where it is measured (research/rollouts.md §3.4); METRICS is the whole
look, where all of it met the same trouble."""

ORDER = (Result.FAIL, Result.WARN, Result.INCONCLUSIVE, Result.PASS)
"""The worst first: how readings are shown."""


def overall(readings: Iterable[Reading]) -> Result:
    """The worst of all: FAIL over WARN. INCONCLUSIVE where nothing could be judged at all, or where
    errors and latency are measured and neither could be judged: pods that run well without any
    traffic show nothing."""
    found = tuple(readings)
    results = {reading.result for reading in found}
    for result in (Result.FAIL, Result.WARN):
        if result in results:
            return result
    primary = [each for each in found if each.part is Part.METRICS and each.name in PRIMARY]
    unjudged = primary and all(each.result is Result.INCONCLUSIVE for each in primary)
    return Result.INCONCLUSIVE if unjudged or Result.PASS not in results else Result.PASS


def finite(reading: Reading) -> Reading:
    """Without what is no number: it can neither be stored nor drawn."""
    return replace(
        reading,
        before=_number(reading.before),
        after=_number(reading.after),
        values={
            name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in reading.values.items()
        },
        series=tuple(sample for sample in reading.series if math.isfinite(sample.value)),
    )


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
