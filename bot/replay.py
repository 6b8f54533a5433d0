"""`dynamo replay FILE.jsonl`: a recorded rollout, judged as if it happened now.

The recording is what an API server said (a header, then watch events); the clock is the
recording's own. One JSON line is printed for each change of verdict. It is how `judge_rollout` is
checked against real clusters, and how a rollout that went strangely is looked at afterwards.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.kubernetes_objects import (
    deployment_of,
    event_of,
    parse_time,
    pod_of,
    replica_set_of,
)
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Change, Memory
from bot.domain.verdict import Outcome, Verdict
from bot.domain.workload import Deployment, Event, Pod, ReplicaSet, Workload
from bot.text import Texts
from bot.text.sentences import verdict_sentence

TICK = 0.5
"""Seconds of recorded time between two judgements at most."""

SETTLE = 0.0005
"""Seconds: what came within the recorder's own resolution came at one instant."""

_ENDS = frozenset({Outcome.FAIL, Outcome.SUPERSEDED})

_LONGEST = 1e9

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a recording without any time in its objects is thought to be."""


class BrokenRecordingError(Exception):
    """A recording that cannot be read: the number of its line, and what is wrong there."""

    def __init__(self, line: int, trouble: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {trouble}")


@dataclass(frozen=True, slots=True)
class Header:
    changed_at: float
    generation: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One watch event: when it came (seconds), and which object it brought or took."""

    at: float
    kind: str
    type: str
    object: dict[str, Any]


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
            for line in replay(_decoded(file)):
                print(line.json(), flush=True)  # noqa: T201
    except (OSError, BrokenRecordingError) as error:
        print(f"dynamo replay: {path}: {_words_of(error)}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def replay(lines: Iterable[str]) -> Iterator[Line]:
    """The changes of verdict over a recording, given as its lines.

    Raises BrokenRecordingError, naming the line. The whole recording is read first: its clock is
    set by all the times in it (`_start_of`), and what came late is put where it came. A failure
    and an overtaking are the end, as they are for the engine.
    """
    header, deliveries = _read(lines)
    start = _start_of(deliveries)
    change = Change(
        at=start + timedelta(seconds=header.changed_at),
        generation=header.generation,
        unchanged=_is_unchanged(header, deliveries),
    )
    cluster = _Cluster(_deployment_in_question(header, deliveries))
    film = _Film(deliveries, _begin_of_judging(header, deliveries))
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


def _begin_of_judging(header: Header, deliveries: Sequence[Delivery]) -> float:
    """The change; for a scaling, the first the cluster shows of it. A scaling produces no
    generation to wait for, so what was there before would pass for its result."""
    if header.generation is not None:
        return header.changed_at
    before, after = _generations_around(header, deliveries)
    shown = [at for at, generation in after if generation > before]
    return shown[0] if shown else header.changed_at


def _start_of(deliveries: Sequence[Delivery]) -> datetime:
    """The absolute time of the recording's second 0.

    Nothing can be told before it happened: each object's newest time, minus when it came, is no
    later than the start. Times are cut to whole seconds, so of all these the latest is nearest.
    """
    bounds = [
        newest - timedelta(seconds=d.at)
        for d in deliveries
        if (newest := max(_times_in(d.object), default=None)) is not None
    ]
    return max(bounds, default=_EPOCH)


def _times_in(raw: dict[str, Any]) -> Iterator[datetime]:
    """The times at which something happened (a deletionTimestamp lies in the future)."""
    pod, event = pod_of(raw), event_of(raw)
    for container in pod.containers if pod else ():
        yield from _known(container.running_since)
        for ended in (container.terminated, container.last_terminated):
            yield from _known(ended.finished_at if ended else None)
    for condition in pod.conditions if pod else ():
        yield from _known(condition.updated_at)
    if event:
        yield from _known(event.last_at, event.first_at)
    meta = raw.get("metadata")
    yield from _known(parse_time(meta.get("creationTimestamp")) if type(meta) is dict else None)


def _known(*times: datetime | None) -> Iterator[datetime]:
    yield from (time for time in times if time is not None)


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


def _deployment_in_question(header: Header, deliveries: Sequence[Delivery]) -> str:
    """The Deployment that the recording is about: the one that has the change's generation."""
    found = [d for _, d in _deployments(deliveries)]
    ours = [d for d in found if header.generation in {None, d.generation}]
    return next((d.name for d in (*ours, *found)), "")


def _deployments(deliveries: Sequence[Delivery]) -> Iterator[tuple[float, Deployment]]:
    for delivery in deliveries:
        if delivery.kind == "Deployment" and delivery.type != "DELETED":
            deployment = deployment_of(delivery.object)
            if deployment is not None:
                yield delivery.at, deployment


def _generations_around(
    header: Header, deliveries: Sequence[Delivery]
) -> tuple[int, list[tuple[float, int]]]:
    """The generation before the change (0: none), and those after it with their times."""
    name = _deployment_in_question(header, deliveries)
    known = [(at, d.generation) for at, d in _deployments(deliveries) if d.name == name]
    before = max((g for at, g in known if at < header.changed_at), default=0)
    return before, [(at, g) for at, g in known if at >= header.changed_at]


def _is_unchanged(header: Header, deliveries: Sequence[Delivery]) -> bool:
    """A write that alters nothing leaves the generation as it was."""
    if header.generation is None:
        return False
    before, _ = _generations_around(header, deliveries)
    return before == header.generation


# --- reading ------------------------------------------------------------------------------------


def _read(lines: Iterable[str]) -> tuple[Header, list[Delivery]]:
    header: Header | None = None
    deliveries = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        raw = _object(number, text)
        if header is None:
            header = _header(number, raw)
        else:
            deliveries.append(_delivery(number, raw))
    if header is None:
        raise BrokenRecordingError(1, "the recording is empty: a header was expected")
    return header, sorted(deliveries, key=lambda d: d.at)


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BrokenRecordingError(number, f"is no UTF-8 text: {error.reason}") from error


def _object(number: int, text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenRecordingError(number, f"is no JSON: {error}") from error
    if type(raw) is not dict:
        raise BrokenRecordingError(number, "is no JSON object")
    return raw


def _header(number: int, raw: dict[str, Any]) -> Header:
    changed_at = _seconds(number, raw, "changed_at")
    generation = raw.get("generation")
    if generation is not None and type(generation) is not int:
        raise BrokenRecordingError(number, "generation must be a whole number or null")
    return Header(changed_at, generation)


def _delivery(number: int, raw: dict[str, Any]) -> Delivery:
    at = _seconds(number, raw, "at")
    kind, type_, body = raw.get("kind"), raw.get("type"), raw.get("object")
    if type(kind) is not str or type(type_) is not str:
        raise BrokenRecordingError(number, "an event needs kind and type, as texts")
    if type(body) is not dict:
        raise BrokenRecordingError(number, "an event needs its object")
    return Delivery(at, kind, type_, body)


def _seconds(number: int, raw: dict[str, Any], key: str) -> float:
    value: object = raw.get(key)
    if type(value) in {int, float} and isinstance(value, int | float) and abs(value) < _LONGEST:
        return float(value)
    raise BrokenRecordingError(number, f"{key} must be a number of seconds")


def _words_of(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
