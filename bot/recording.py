"""A recorded rollout as a file of JSON lines: reading it, and what it says about its own change.

The first line is the header, every other line one watch event; `bot/replay.py` plays it. Whatever
is wrong with a file is told with the number of its line.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.adapters.kubernetes_objects import deployment_of, event_of, parse_time, pod_of
from bot.domain.workload import Deployment

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


def read(lines: Iterable[str]) -> tuple[Header, list[Delivery]]:
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


def decoded(lines: Iterable[bytes]) -> Iterator[str]:
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


# --- what it says about its change --------------------------------------------------------------


def begin_of_judging(header: Header, deliveries: Sequence[Delivery]) -> float:
    """The change; for a scaling, the first the cluster shows of it. A scaling produces no
    generation to wait for, so what was there before would pass for its result."""
    if header.generation is not None:
        return header.changed_at
    before, after = _generations_around(header, deliveries)
    shown = [at for at, generation in after if generation > before]
    return shown[0] if shown else header.changed_at


def deployment_in_question(header: Header, deliveries: Sequence[Delivery]) -> str:
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
    name = deployment_in_question(header, deliveries)
    known = [(at, d.generation) for at, d in _deployments(deliveries) if d.name == name]
    before = max((g for at, g in known if at < header.changed_at), default=0)
    return before, [(at, g) for at, g in known if at >= header.changed_at]


def is_unchanged(header: Header, deliveries: Sequence[Delivery]) -> bool:
    """A write that alters nothing leaves the generation as it was."""
    if header.generation is None:
        return False
    before, _ = _generations_around(header, deliveries)
    return before == header.generation


# --- its clock -----------------------------------------------------------------------------------


def start_of(deliveries: Sequence[Delivery]) -> datetime:
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
