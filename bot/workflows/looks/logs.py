"""Error lines of the new pods against those of the old ones (bot/domain/log_patterns.py).

Read are the service's own containers, of some pods, of so many lines each: bounded in memory and
time, with what is covered counted. A baseline is taken from the pods that run before the change is
written: later they are gone, and their logs with them. Only what is redacted is kept.
"""

import asyncio
import codecs
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from bot.domain.analysis import DataState, Part, Reading, Result, Window
from bot.domain.log_gathering import Gathered, Gatherer, gathered
from bot.domain.log_patterns import judge_logs
from bot.domain.redaction import redact
from bot.domain.workload import Pod, Workload
from bot.errors import PortError
from bot.ports import LogOf, Logs
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import NO_ANSWER, Look, Subject

log = logging.getLogger(__name__)

_BEFORE = timedelta(minutes=30)  # research/rollouts.md §3.3
_MOST_PODS = 6
_MOST_LINES = 4_000  # of each pod
_LONGEST_LINE = 16 * 1024
_AT_A_TIME = 100  # lines, some milliseconds where all are errors
_BASELINE_SECONDS = 4.0  # a deploy is not kept waiting
_SECONDS = 20.0
_CLUSTER_SECONDS = 2.0
_FRESH = timedelta(seconds=10)


async def _baseline(place: Place, edges: Edges) -> str:
    """The change is being written at this moment, or is already: its pods have only just begun, and
    are told apart by that."""
    now = edges.clock.now()
    window = Window(now - _BEFORE, now)

    def old(workload: Workload) -> Sequence[Pod]:
        return _speaking(workload.pods, place, began_by=now - _FRESH)

    found = await _gather(place, window, old, _BASELINE_SECONDS, edges)
    return json.dumps(found.as_json()) if found is not None else ""


async def _read(subject: Subject, edges: Edges) -> tuple[Reading, ...]:
    place, window = subject.place, subject.windows.after

    def new(workload: Workload) -> Sequence[Pod]:
        return _speaking(workload.new_pods, place, began_by=window.end)

    after = await _gather(place, window, new, _SECONDS, edges)
    if after is None:
        return ()
    try:
        return await edges.workbench.run(judge_logs, _remembered(subject.baseline), after)
    except PortError as error:
        log.warning("the logs could not be judged: %s", error)
        return (
            Reading(
                Part.LOGS,
                "ERROR_LINES",
                Result.INCONCLUSIVE,
                "LOGS_NOT_JUDGED",
                state=DataState.QUERY_ERROR,
            ),
        )


LOOK = Look(Part.LOGS, _read, _baseline)


async def _gather(
    place: Place,
    window: Window,
    whose: Callable[[Workload], Sequence[Pod]],
    seconds: float,
    edges: Edges,
) -> Gathered | None:
    """What those pods wrote in a window; None where there are none. Of pods that were not read in
    time nothing counts."""
    if edges.logs is None:
        return None
    logs = edges.logs.port
    try:
        async with asyncio.timeout(_CLUSTER_SECONDS):
            workload = await edges.cluster.workload(
                place.context, place.namespace, place.service.name
            )
    except (PortError, TimeoutError) as error:
        return Gathered(unread=_why(error))
    pods = whose(workload)
    if not pods:
        return Gathered()
    chosen = pods[:_MOST_PODS]
    reading = [asyncio.ensure_future(_pod(place, pod, window, logs)) for pod in chosen]
    try:
        await asyncio.wait(reading, timeout=seconds)
    finally:
        for task in reading:
            task.cancel()
        ended = await asyncio.gather(*reading, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception) and not isinstance(each, PortError):
            raise each
    read = [each for each in ended if isinstance(each, tuple)]
    if not read:
        errors = [each for each in ended if isinstance(each, PortError)]
        return Gathered(of=len(pods), unread=_why(errors[0] if errors else TimeoutError()))
    return gathered(read, len(pods))


def _speaking(pods: Iterable[Pod], place: Place, *, began_by: datetime) -> Sequence[Pod]:
    """Pods whose container runs since then; by name, so that both looks read the same ones."""

    def since(pod: Pod) -> datetime | None:
        return next(
            (c.running_since for c in pod.containers if c.name == place.service.container), None
        )

    began = [(pod, since(pod)) for pod in pods]
    return sorted(
        (pod for pod, at in began if at is not None and at <= began_by), key=lambda pod: pod.name
    )


async def _pod(place: Place, pod: Pod, window: Window, logs: Logs) -> tuple[Gatherer, float]:
    gatherer = Gatherer(window)
    of = LogOf(
        place.context,
        place.namespace,
        pod.name,
        place.service.container,
        tail=_MOST_LINES,
        since=window.start,
    )
    read = 0
    async with logs.log(of) as parts, aclosing(_lines(parts)) as lines:
        async for line in lines:
            gatherer.take(line)
            read += 1
    since = next((c.running_since for c in pod.containers if c.name == of.container), None)
    return gatherer, gatherer.covered(cut=read >= _MOST_LINES, since=since)


async def _lines(parts: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """Whole lines of bytes that were cut anywhere; of one that is far too long only its head."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    async for part in parts:
        *whole, rest = (rest + decode(part)).split("\n")
        for number, line in enumerate(whole):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # others have their turn
            yield line[:_LONGEST_LINE]
        rest = rest[:_LONGEST_LINE]
    if rest:
        yield rest


def _why(error: Exception) -> str:
    if isinstance(error, PortError):
        return redact(error.values.get("message", "")) or str(error.trouble)
    return NO_ANSWER


def _remembered(baseline: str) -> Gathered | None:
    """None where there is none, or one that another version wrote."""
    if not baseline:
        return None
    try:
        return Gathered.of_json(json.loads(baseline))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.warning("the baseline of the logs cannot be read")
        return None
