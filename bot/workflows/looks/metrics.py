"""Service metrics after a rollout, against those before: Prometheus asked, the samples judged.

The pods of a release are those of its ReplicaSet; the one that runs before the change is remembered
as the baseline. What is asked is in `bot/domain/metric_queries.py`, how it is asked in
`metric_asking`, how it is judged in `bot/domain/metric_verdicts.py`, on the workbench.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.analysis import DataState, Part, Reading, Result, Window, Windows
from bot.domain.metric_evidence import Evidence, Observed
from bot.domain.metric_queries import pods_of_deployment, pods_of_replica_set, questions_for
from bot.domain.metric_rules import Rules, Signal
from bot.domain.metric_verdicts import judge_metrics
from bot.domain.quantity import parse_quantity
from bot.domain.rollout import Rollout
from bot.domain.statistics import load
from bot.domain.workload import Container, ReplicaSet, Workload
from bot.errors import PortError
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import Look, Subject
from bot.workflows.looks.metric_asking import Asked
from config.catalog import Service

log = logging.getLogger(__name__)

_REMEMBERED = 50  # rollouts that are asked for times at which another one ran


# --- the look ------------------------------------------------------------------------------------


async def _baseline(place: Place, edges: Edges) -> str:
    """Which ReplicaSet runs before the change; "" for none. A revision history of 0 would have
    forgotten it by the time that it is asked for."""
    if edges.metrics is None or not edges.metrics.serves(place.environment.name):
        return ""
    look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
    runs = look.new_replica_set
    return json.dumps({"replica_set": runs.name}) if runs and runs.replicas else ""


async def _read(subject: Subject, edges: Edges) -> tuple[Reading, ...]:
    place = subject.place
    if edges.metrics is None or not edges.metrics.serves(place.environment.name):
        return ()
    try:
        look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
    except PortError as error:
        return (_nothing("METRIC_NO_CLUSTER", {"message": str(error.values.get("message", ""))}),)
    new = look.new_replica_set
    if new is None:
        return (_nothing("METRIC_NO_PODS", {}),)
    old = _former(look, new, subject.baseline) if subject.rollout.before else ""
    busy = await _busy(subject, edges)
    asked = Asked(
        metrics=edges.metrics,
        place=place,
        questions=questions_for(place.service, place.environment),
        windows=_usable(subject.windows, busy),
        busy=busy,
        old=pods_of_replica_set(place.namespace, old) if old else "",
        new=pods_of_replica_set(place.namespace, new.name),
        any=pods_of_deployment(place.namespace, place.service.name),
    )
    loading = asyncio.ensure_future(edges.workbench.run(load))
    evidence, rules = await asked.everything()
    await asyncio.gather(loading, return_exceptions=True)
    trouble = _same_trouble(evidence)
    if trouble is not None:
        return (_nothing(trouble.trouble, trouble.values, trouble.query),)
    evidence = _with_restarts(evidence, look, subject.windows.completed)
    rules = _with_memory(rules, look, place.service)
    try:
        return await edges.workbench.run(judge_metrics, evidence, rules)
    except PortError as error:
        log.warning("metrics could not be judged: %s", error)
        return (_nothing("METRIC_NOT_JUDGED", {}),)


LOOK = Look(Part.METRICS, _read, _baseline)


def _nothing(code: str, values: Mapping[str, str | int | float], query: str = "") -> Reading:
    """One reading for the whole look, where all of it met the same."""
    return Reading(
        Part.METRICS,
        "METRICS",
        Result.INCONCLUSIVE,
        code,
        state=DataState.QUERY_ERROR,
        values=values,
        query=query,
    )


def _same_trouble(evidence: Evidence) -> Observed | None:
    """Prometheus is away for all of them, or refuses all of them: said once."""
    everything = (evidence.requests, evidence.errors, *evidence.measured.values())
    troubles = {each.trouble for each in everything}
    if len(troubles) == 1 and troubles != {""} and troubles <= _OF_ALL:
        return evidence.requests
    return None


_OF_ALL = frozenset({"METRIC_AWAY", "METRIC_NOT_ALLOWED", "METRIC_NOT_PROMETHEUS"})


# --- whose, and when -----------------------------------------------------------------------------


def _former(look: Workload, new: ReplicaSet, baseline: str) -> str:
    """The ReplicaSet that the new one replaced: as remembered, else the one of the revision
    before."""
    remembered = _name_in(baseline)
    if remembered and remembered != new.name:
        return remembered
    owned = [each for each in look.replica_sets if each.owner_uid == new.owner_uid]
    older = [each for each in owned if each.revision < new.revision]
    return max(older, key=lambda each: each.revision).name if older else ""


def _name_in(baseline: str) -> str:
    try:
        found = json.loads(baseline) if baseline else {}
    except ValueError:
        return ""
    return str(found.get("replica_set", "")) if isinstance(found, dict) else ""


async def _busy(subject: Subject, edges: Edges) -> tuple[Window, ...]:
    """When another rollout of this service ran here: versions were mixed, and it is not compared
    with (research/rollouts.md §3.3). A store that does not answer costs only this care."""
    place, warm_up = subject.place, subject.windows.after.start - subject.windows.completed
    try:
        recent = await edges.store.recent(
            place.service.name, place.environment.name, limit=_REMEMBERED
        )
    except PortError as error:
        log.warning("the rollouts before cannot be read: %s", error)
        return ()
    others = [each for each in recent if each.id != subject.rollout.id]
    return tuple(_mixed(each, warm_up) for each in others if each.applying_since is not None)


def _mixed(rollout: Rollout, warm_up: timedelta) -> Window:
    assert rollout.applying_since is not None
    end = rollout.completed_at or rollout.finished_at or rollout.applying_since
    return Window(rollout.applying_since, end + warm_up)


def _usable(windows: Windows, busy: Sequence[Window]) -> Windows:
    """Before the last other rollout it was another version that served."""
    inside = [each.end for each in busy if windows.before.start < each.end < windows.before.end]
    if not inside:
        return windows
    return replace(windows, before=Window(max(inside), windows.before.end))


# --- what the cluster knows -----------------------------------------------------------------------


def _with_memory(rules: Rules, look: Workload, service: Service) -> Rules:
    limits = {
        each.memory_limit
        for pod in look.new_pods
        for each in pod.containers
        if each.name == service.container and each.memory_limit
    }
    sizes = [size for limit in limits if (size := parse_quantity(limit)) is not None]
    if not sizes:
        return rules
    return replace(rules, capacities={**rules.capacities, Signal.MEMORY: float(min(sizes))})


def _with_restarts(evidence: Evidence, look: Workload, since: datetime) -> Evidence:
    """As the cluster counts them, which is exact. A container that restarted before the rollout was
    complete and again after it counts once for sure: how often, only its total says."""
    again = [
        each
        for pod in look.new_pods
        for each in pod.containers
        if not each.init and _restarted_since(each, since)
    ]
    killed = [each for each in again if _out_of_memory(each)]
    restarts = sum(max(1, each.restarts) for each in again)
    return replace(evidence, restarts=restarts, out_of_memory=len(killed))


def _restarted_since(container: Container, since: datetime) -> bool:
    last = container.last_terminated
    return last is not None and last.finished_at is not None and last.finished_at >= since


def _out_of_memory(container: Container) -> bool:
    return container.last_terminated is not None and container.last_terminated.reason == "OOMKilled"
