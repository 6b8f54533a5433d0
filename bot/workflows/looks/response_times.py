"""How long the routes of a service take below the base URL, before the rollout against after it.

Polite: a route is asked one request after the other, a dozen times, four routes at once at the
most, within a few seconds; one that does not answer is let alone after three tries. The judgement
is in `bot/domain/response_times.py`.
"""

import asyncio
import json
import logging
from collections.abc import Mapping

from bot.domain.analysis import DataState, Part, Reading, Result
from bot.domain.probing import Answer, Reached, joined, tally
from bot.domain.response_times import Asked, Spell, judge
from bot.errors import PortError
from bot.ports import Probes
from bot.workflows.edges import Edges, Place
from bot.workflows.looks.look import Look, Subject
from config.checks import split_url

log = logging.getLogger(__name__)

_TIMES = 12  # requests to each route that count
_BASELINE_SECONDS = 4.0  # a deploy is not kept waiting
_SECONDS = 15.0
_PATIENCE = 3.0  # for one answer
_GIVES_UP = 3  # bad answers in a row


async def _baseline(place: Place, edges: Edges) -> str:
    """ "" where nothing is probed."""
    if edges.probes is None or not (targets := targets_of(place)):
        return ""
    spell = await _spell(targets, place, edges.probes, _BASELINE_SECONDS)
    return json.dumps(spell.as_json())


async def _read(subject: Subject, edges: Edges) -> tuple[Reading, ...]:
    place = subject.place
    if edges.probes is None or not (targets := targets_of(place)):
        return ()
    after = await _spell(targets, place, edges.probes, _SECONDS)
    parts = split_url(place.environment.base_url)
    asked = Asked(
        before=_remembered(subject.baseline),
        after=after,
        targets=targets,
        host=(parts.hostname if parts else None) or "",
        now=edges.clock.now(),
    )
    try:
        return await edges.workbench.run(judge, asked)
    except PortError as error:
        log.warning("response times could not be judged: %s", error)
        return (
            Reading(
                Part.RESPONSE_TIMES,
                "ROUTE",
                Result.INCONCLUSIVE,
                "ROUTE_NOT_JUDGED",
                state=DataState.QUERY_ERROR,
            ),
        )


LOOK = Look(Part.RESPONSE_TIMES, _read, _baseline)


def targets_of(place: Place) -> Mapping[str, str]:
    """The routes that are asked, each with its address; the health endpoint where none is named."""
    service = place.service
    if service.path is None:
        return {}
    routes = service.routes or (service.health,)
    base = place.environment.base_url
    return {route: joined(base, service.path, route) for route in routes}


async def _spell(targets: Mapping[str, str], place: Place, probes: Probes, seconds: float) -> Spell:
    """Everything that can be asked in this time; what was answered by then counts."""
    answers: dict[str, list[Answer]] = {route: [] for route in targets}
    asking = [
        asyncio.ensure_future(_ask(target, answers[route], probes))
        for route, target in targets.items()
    ]
    presented = asyncio.ensure_future(
        probes.certificate(place.environment.base_url, seconds=min(_PATIENCE, seconds))
    )
    try:
        await asyncio.wait([*asking, presented], timeout=seconds)
    finally:
        for task in (*asking, presented):
            task.cancel()
        done = await asyncio.gather(*asking, presented, return_exceptions=True)
    for error in done:
        if isinstance(error, Exception):
            raise error
    certificate = presented.result() if not presented.cancelled() else None
    return Spell({route: tally(given) for route, given in answers.items()}, certificate)


async def _ask(target: str, answers: list[Answer], probes: Probes) -> None:
    """Fills `answers`. The first answer pays for the connection: it counts only if it is bad."""
    bad = 0
    for number in range(_TIMES + 1):
        answer = await probes.get(target, seconds=_PATIENCE)
        bad = 0 if answer.well else bad + 1
        if number or not answer.well:
            answers.append(answer)
        if bad >= _GIVES_UP or answer.reached is Reached.FORBIDDEN:
            return


def _remembered(baseline: str) -> Spell | None:
    """None where there is none, or one that another version wrote."""
    if not baseline:
        return None
    try:
        return Spell.of_json(json.loads(baseline))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.warning("the baseline of the response times cannot be read")
        return None
