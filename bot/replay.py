"""`dynamo replay FILE.jsonl`: a recorded rollout, judged as if it happened now.

The recording is what an API server said (a header, then watch events); the clock is the
recording's own. One JSON line is printed for each change of verdict. It is how `judge_rollout` is
checked against real clusters, and how a rollout that went strangely is looked at afterwards.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.adapters.kubernetes_objects import (
    deployment_of,
    event_of,
    pod_of,
    replica_set_of,
)
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Change, Memory
from bot.domain.verdict import Outcome, Verdict
from bot.domain.workload import Deployment, Event, Pod, ReplicaSet, Workload
from bot.recording import (
    BrokenRecordingError,
    Delivery,
    begin_of_judging,
    decoded,
    deployment_in_question,
    is_unchanged,
    read,
    start_of,
)
from bot.text import Texts
from bot.text.sentences import verdict_sentence

TICK = 0.5
"""Seconds of recorded time between two judgements at most."""

SETTLE = 0.0005
"""Seconds: what came within the recorder's own resolution came at one instant."""

_ENDS = frozenset({Outcome.FAIL, Outcome.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Line:
    """One change of verdict, `at` seconds after the change."""

    at: float
    outcome: str
    reason: str
    message: str

    def json(self) -> str:
        return json.dumps(
            {
                "at": self.at,
                "outcome": self.outcome,
                "reason": self.reason,
                "message": self.message,
            },
            ensure_ascii=False,
        )


def main(path: str | Path) -> int:
    """Print the verdicts of the recording at `path`; 0, or 2 where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            for line in replay(decoded(file)):
                print(line.json(), flush=True)  # noqa: T201
    except (OSError, BrokenRecordingError) as error:
        print(f"dynamo replay: {path}: {_words_of(error)}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def replay(lines: Iterable[str]) -> Iterator[Line]:
    """The changes of verdict over a recording, given as its lines.

    Raises BrokenRecordingError, naming the line. The whole recording is read first: its clock is
    set by all the times in it (`start_of`), and what came late is put where it came. A failure
    and an overtaking are the end, as they are for the engine.
    """
    header, deliveries = read(lines)
    start = start_of(deliveries)
    change = Change(
        at=start + timedelta(seconds=header.changed_at),
        generation=header.generation,
        unchanged=is_unchanged(header, deliveries),
    )
    cluster = _Cluster(deployment_in_question(header, deliveries))
    film = _Film(deliveries, begin_of_judging(header, deliveries))
    memory = Memory()
    told: Line | None = None
    for at, arrived in film:
        for delivery in arrived:
            cluster.take(delivery)
        now = start + timedelta(seconds=at)
        judgement = judge_rollout(cluster.workload(), change, memory, now)
        memory = judgement.memory
        if judgement.again_at is not None:
            film.also_at((judgement.again_at - start).total_seconds())
        line = _line(at - header.changed_at, judgement.verdict)
        if told is None or _says(line) != _says(told):
            told = line
            yield line
        if judgement.verdict.outcome in _ENDS:
            return


def _line(at: float, verdict: Verdict) -> Line:
    message = verdict_sentence(verdict, Texts.of("en"))
    return Line(round(at, 2), str(verdict.outcome), str(verdict.reason), message)


def _says(line: Line) -> tuple[str, str, str]:
    return line.outcome, line.reason, line.message


# --- time ---------------------------------------------------------------------------------------


class _Film:
    """The instants of a recording from `begin` to its last event, each with what came there: when
    something came, when a judgement asked to be repeated, and every half second.

    What came before `begin` comes all at once there: nobody was looking yet.
    """

    def __init__(self, deliveries: Sequence[Delivery], begin: float) -> None:
        self._rest = list(reversed(deliveries))
        self._now = begin
        self._asked: float | None = None

    def also_at(self, at: float) -> None:
        self._asked = at

    def __iter__(self) -> Iterator[tuple[float, list[Delivery]]]:
        yield self._now, self._until(self._now)
        while self._rest:
            instant = self._rest[-1].at
            tick = self._now + TICK
            if self._asked is not None and self._now < self._asked < tick:
                tick, self._asked = self._asked, None
            if tick < instant:
                self._now = tick
                yield tick, []
            else:
                arrived = self._until(instant + SETTLE)
                self._now = max(self._now, arrived[-1].at)
                yield self._now, arrived

    def _until(self, at: float) -> list[Delivery]:
        arrived = []
        while self._rest and self._rest[-1].at <= at:
            arrived.append(self._rest.pop())
        return arrived


# --- what the cluster held ----------------------------------------------------------------------


class _Cluster:
    """The objects as the newest delivery of each left them.

    A delivery that is older than what is known (a lower resourceVersion), or told twice, changes
    nothing, also after the object is gone. Objects are told apart by their uid.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._versions: dict[str, int] = {}
        self._deployments: dict[str, Deployment] = {}
        self._replica_sets: dict[str, ReplicaSet] = {}
        self._pods: dict[str, Pod] = {}
        self._events: dict[str, Event] = {}

    def take(self, delivery: Delivery) -> None:
        raw = delivery.object
        meta = raw.get("metadata")
        uid = str(meta.get("uid", "")) if type(meta) is dict else ""
        version = _version(meta.get("resourceVersion")) if type(meta) is dict else None
        if version is not None:
            if version < self._versions.get(uid, -1):
                return
            self._versions[uid] = version
        if delivery.type == "DELETED":
            for kept in (self._deployments, self._replica_sets, self._pods):
                kept.pop(uid, None)
            return  # an Event that expires has still happened
        if delivery.kind == "Deployment" and (deployment := deployment_of(raw)):
            if deployment.name == self._name:
                self._deployments[uid] = deployment
        elif delivery.kind == "ReplicaSet" and (replica_set := replica_set_of(raw)):
            self._replica_sets[uid] = replica_set
        elif delivery.kind == "Pod" and (pod := pod_of(raw)):
            self._pods[uid] = pod
        elif delivery.kind == "Event" and (event := event_of(raw)):
            self._events[uid] = event

    def workload(self) -> Workload:
        deployments = sorted(
            self._deployments.values(), key=lambda d: _version(d.resource_version) or 0
        )
        return Workload(
            deployment=deployments[-1] if deployments else None,
            replica_sets=tuple(self._replica_sets.values()),
            pods=tuple(sorted(self._pods.values(), key=lambda p: p.name)),
            events=tuple(self._events.values()),
        )


def _version(text: object) -> int | None:
    """Resource versions of one API server are comparable numbers (Kubernetes 1.35 and later say
    so); one that is no number makes no statement about order."""
    return int(text) if type(text) is str and text.isascii() and text.isdigit() else None


def _words_of(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
