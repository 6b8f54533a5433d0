"""Asks the looks, each for itself and bounded in time: none of them holds up or breaks another.

What cannot be looked at is a reading that says so, and a baseline that cannot be had in time is "",
a state that every look knows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.domain.analysis import DataState, Part, Reading, Result, finite
from bot.errors import PortError
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject

log = logging.getLogger(__name__)

_BASELINE_SECONDS = 5.0  # taken beside a change that waits for nobody
_LOOK_SECONDS = 30.0
_GUARD_SECONDS = 5.0

AskGuard = Callable[[Subject, Edges], Awaitable[Reading | None]]
"""Whether errors burn the budget: a reading that says FAIL, or nothing to say."""


async def take_baselines(looks: Sequence[Look], place: Place, edges: Edges) -> dict[str, str]:
    """How things are now, by the part that is looked at."""
    found = await asyncio.gather(*(_baseline(look, place, edges) for look in looks))
    return {str(look.part): text for look, text in zip(looks, found, strict=True) if text}


async def read_all(
    looks: Sequence[Look], subject: Subject, baselines: Mapping[str, str], edges: Edges
) -> tuple[Reading, ...]:
    asked = [
        Subject(subject.place, subject.rollout, subject.windows, baselines.get(str(look.part), ""))
        for look in looks
    ]
    found = await asyncio.gather(
        *(_read(look, of, edges) for look, of in zip(looks, asked, strict=True))
    )
    return tuple(finite(reading) for each in found for reading in each)


async def burns(guard: AskGuard, subject: Subject, edges: Edges) -> bool:
    try:
        async with asyncio.timeout(_GUARD_SECONDS):
            reading = await guard(subject, edges)
    except (PortError, TimeoutError) as error:
        log.info("the guard of %s was not asked: %r", subject.rollout.service, error)
        return False
    return reading is not None and reading.result is Result.FAIL


async def _baseline(look: Look, place: Place, edges: Edges) -> str:
    if look.baseline is None:
        return ""
    try:
        async with asyncio.timeout(_BASELINE_SECONDS):
            return await look.baseline(place, edges)
    except (PortError, TimeoutError) as error:
        log.info("no baseline of %s for %s: %r", look.part, place.service.name, error)
    except Exception:
        log.exception("the baseline of %s met a bug", look.part)
    return ""


async def _read(look: Look, subject: Subject, edges: Edges) -> tuple[Reading, ...]:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            return await look.read(subject, edges)
    except TimeoutError:
        return (_not_looked(look.part, "LOOK_TIMED_OUT"),)
    except PortError as error:
        return (_not_looked(look.part, "LOOK_AWAY", error.values.get("message", str(error))),)
    except Exception as error:
        log.exception("the look at %s met a bug", look.part)
        return (_not_looked(look.part, "LOOK_AWAY", type(error).__name__),)


def _not_looked(part: Part, code: str, message: str = "") -> Reading:
    return Reading(
        part,
        str(part),
        Result.INCONCLUSIVE,
        code,
        state=DataState.QUERY_ERROR,
        values={"message": message},
    )
