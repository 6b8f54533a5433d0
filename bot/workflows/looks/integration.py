"""Whether what a service depends on is well, before the rollout and after it.

Looked at, all at once: the workloads of `depends_on`, their health endpoints below the base URL
(base_url + path + health of each), the share of errors among their answers where metrics tell it,
the environment's Supabase instance, and which instance the
service is wired to. What makes it a finding is in `bot/domain/integration.py`.
"""

import asyncio
import json
import logging
import math
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.domain.analysis import Part, Reading, Window
from bot.domain.integration import (
    DEPENDENCY,
    ERRORS,
    HEALTH,
    SUPABASE,
    WIRING,
    Check,
    Standing,
    errors_check,
    health_check,
    judge_integration,
    not_asked,
    standing_of,
    supabase_check,
    unknown_errors,
    unknown_wiring,
    unknown_workload,
    wiring_check,
    with_an_accepted_key,
    workload_check,
)
from bot.domain.metric_queries import Query, pods_of_deployment, questions_for
from bot.domain.policy.supabase import instances_of
from bot.domain.probing import joined
from bot.domain.redaction import redact
from bot.domain.variables import Origin, Variable, variables_of
from bot.errors import PortError
from bot.ports import Probes
from bot.ports.metrics import Metrics
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import NO_ANSWER, Look, Subject
from bot.workflows.looks.metric_asking import only_value
from config.catalog import Environment, Service
from config.checks import split_url

log = logging.getLogger(__name__)

_BEFORE = timedelta(minutes=30)  # research/rollouts.md §3.3
_BASELINE_SECONDS = 4.0  # a deploy is not kept waiting
_SECONDS = 15.0
_PATIENCE = 3.0  # for one answer


async def _baseline(place: Place, edges: Edges) -> str:
    now = edges.clock.now()
    checks = await _checks(place, edges, _BASELINE_SECONDS, Window(now - _BEFORE, now))
    return json.dumps(standing_of(checks).as_json())


async def _read(subject: Subject, edges: Edges) -> tuple[Reading, ...]:
    windows = subject.windows
    since = Window(windows.completed, windows.after.end)
    checks = await _checks(subject.place, edges, _SECONDS, since)
    before = _remembered(subject.baseline)
    try:
        return await edges.workbench.run(judge_integration, checks, before)
    except PortError as error:
        log.warning("errors of dependencies could not be compared: %s", error)
        return judge_integration([replace(each, counts=None) for each in checks], before)


LOOK = Look(Part.INTEGRATION, _read, _baseline)


async def _checks(place: Place, edges: Edges, seconds: float, window: Window) -> Sequence[Check]:
    """Everything there is to look at, in the order of the catalog. What this time was too short for
    is not known."""
    dependencies = [edges.catalog.service(name) for name in place.service.depends_on]
    asking: list[tuple[Check, Awaitable[Check | None]]] = [
        (not_asked(DEPENDENCY, each.name), _workload(each, place.environment, edges))
        for each in dependencies
    ]
    if edges.probes is not None:
        environment, probes = place.environment, edges.probes
        asking += [
            (not_asked(HEALTH, each.name), _health(each, environment, probes))
            for each in dependencies
            if each.path is not None
        ]
        if environment.supabase:
            asking += [
                (not_asked(name), _supabase(name, path, environment, probes))
                for name, path in SUPABASE
            ]
    if edges.metrics is not None and edges.metrics.serves(place.environment.name):
        asking += [
            (not_asked(ERRORS, each.name), _errors(each, place.environment, edges.metrics, window))
            for each in dependencies
        ]
    asking.append((not_asked(WIRING), _wiring(place, edges)))
    tasks = [asyncio.ensure_future(each) for _, each in asking]
    try:
        await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    checks = []
    for (otherwise, _), each in zip(asking, ended, strict=True):
        if isinstance(each, Exception):
            raise each
        if each is not None:
            checks.append(each if isinstance(each, Check) else otherwise)
    return with_an_accepted_key(checks)


async def _workload(service: Service, environment: Environment, edges: Edges) -> Check:
    where = environment.namespace
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await edges.cluster.workload(environment.context, where, service.name)
    except PortError as error:
        return unknown_workload(service.name, _why(error), where)
    except TimeoutError:
        return unknown_workload(service.name, NO_ANSWER, where)
    return workload_check(service.name, found, where)


async def _health(service: Service, environment: Environment, probes: Probes) -> Check:
    url = joined(environment.base_url, service.path or "", service.health)
    return health_check(service.name, await probes.get(url, seconds=_PATIENCE), url)


async def _errors(
    service: Service, environment: Environment, metrics: Metrics, window: Window
) -> Check | None:
    """The share of errors among its answers in a window. Several series, or none, are for the
    service's own look at its metrics to tell of."""
    questions = questions_for(service, environment)
    selector = pods_of_deployment(environment.namespace, service.name)
    length = max(questions.sample, window.end - window.start)
    texts = [
        questions.of(query, selector, window=timedelta(seconds=round(length.total_seconds())))
        for query in (Query.ERRORS, Query.REQUESTS)
    ]
    try:
        found = await asyncio.gather(
            *(metrics.at(environment.name, text, window.end) for text in texts)
        )
    except PortError as error:
        return unknown_errors(service.name, _why(error), texts[0])
    wrong, every = (only_value(each) for each in found)
    if wrong is None or every is None or not math.isfinite(wrong + every):
        return None
    return errors_check(service.name, wrong, every, texts[0])


async def _supabase(name: str, path: str, environment: Environment, probes: Probes) -> Check:
    url = f"{environment.supabase}{path}"
    return supabase_check(name, await probes.get(url, seconds=_PATIENCE), url)


async def _wiring(place: Place, edges: Edges) -> Check | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await edges.inventory.belongings(
                place.context,
                place.namespace,
                place.service.name,
                salt=secrets.token_bytes(16),
                around=False,
            )
    except (PortError, TimeoutError) as error:
        message = _why(error) if isinstance(error, PortError) else NO_ANSWER
        return unknown_wiring(message) if place.environment.supabase else None
    variables = variables_of(found.pod, found)
    wired = instances_of(variables)
    own = _host(place.environment.supabase)
    return wiring_check(
        own,
        wired,
        _whose(wired - {own}, edges.catalog.environments),
        [each.name for each in variables if instances_of([each])],
        any(_is_hidden_address(each) for each in variables),
    )


def _whose(hosts: frozenset[str], environments: Iterable[Environment]) -> str:
    """The environment that one of these instances belongs to; "" for one of nobody's."""
    return next((each.name for each in environments if _host(each.supabase) in hosts), "")


def _is_hidden_address(variable: Variable) -> bool:
    return variable.origin is Origin.SECRET and variable.name.endswith("SUPABASE_URL")


def _host(address: str) -> str:
    parts = split_url(address)
    return ((parts.hostname if parts else None) or "").lower()


def _why(error: PortError) -> str:
    return redact(error.values.get("message", "")) or str(error.trouble)


def _remembered(baseline: str) -> Standing:
    """Empty where there is none, or one that another version wrote."""
    if not baseline:
        return Standing()
    try:
        return Standing.of_json(json.loads(baseline))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.warning("the baseline of the integration cannot be read")
        return Standing()
