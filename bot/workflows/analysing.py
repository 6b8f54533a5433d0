"""What people decide about an analysis: keep it, roll it back, look again, be quiet.

Whoever may deploy there decides, asked at the moment of the press. The decision is stored with its
audit record, and the bell wakes the desk, which shows and carries out what follows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.analysis import Analysis, Stage
from bot.domain.analysis_course import ask_again, gone_back, keep, mute
from bot.domain.analysis_records import analysis_entry
from bot.domain.audit import AuditEntry, By, subject_of
from bot.domain.gate import GateResult
from bot.domain.rollout import Actor, Rollout
from bot.domain.rollout_records import refusal_entry
from bot.errors import StaleError
from bot.workflows.analysis_telling import summary_of
from bot.workflows.edges import Edges, Place
from bot.workflows.people import permission
from bot.workflows.rollback import RollbackAnswer, request_rollback
from bot.workflows.rollout import AlreadyUnderway, Request, Started


@dataclass(frozen=True, slots=True)
class Decided:
    """It stands as pressed."""

    analysis: Analysis


@dataclass(frozen=True, slots=True)
class NotDecided:
    """`code`: NOT_FOUND, NOT_ALLOWED (gate), NOTHING (that is decided, or past)."""

    code: str
    analysis: Analysis | None = None
    gate: GateResult | None = None


@dataclass(frozen=True, slots=True)
class GoingBack:
    """What the request for a way back came to."""

    analysis: Analysis
    answer: RollbackAnswer


async def press_keep(rollout_id: str, by: By, edges: Edges) -> Decided | NotDecided:
    return await _press(rollout_id, "keep", by, edges, lambda each: keep(each, by.actor))


async def press_mute(rollout_id: str, by: By, edges: Edges) -> Decided | NotDecided:
    return await _press(rollout_id, "mute", by, edges, lambda each: mute(each, by.actor))


async def press_recheck(rollout_id: str, by: By, edges: Edges) -> Decided | NotDecided:
    now = edges.clock.now()
    return await _press(rollout_id, "recheck", by, edges, lambda each: ask_again(each, now))


async def press_roll_back(
    rollout_id: str, actor: Actor, by: By, asked_in: str, edges: Edges
) -> GoingBack | NotDecided:
    """The way back by a person: at once, with that person's rights. Raises PortError."""
    found = await _allowed(rollout_id, "rollback", by, edges)
    if isinstance(found, NotDecided):
        return found
    analysis, place = found
    if analysis.stage is Stage.STOPPED or analysis.rollback:
        return NotDecided("NOTHING", analysis)
    answer = await request_rollback(_request(analysis, place, actor, by, asked_in, edges), edges)
    if isinstance(answer, Started | AlreadyUnderway):
        analysis = await _note_way_back(analysis, by, answer.rollout, edges)
    return GoingBack(analysis, answer)


def _request(
    analysis: Analysis, place: Place, actor: Actor, by: By, asked_in: str, edges: Edges
) -> Request:
    return Request(
        place,
        None,
        actor,
        asked_in=asked_in,
        line=f"rollback {analysis.service} {analysis.environment}",
        reason=str(summary_of(analysis, edges.catalog, drawn=False).text),
        surface=by.surface,
        confirmed=True,  # the button asked
    )


async def _note_way_back(analysis: Analysis, by: By, back: Rollout, edges: Edges) -> Analysis:
    while True:
        after = gone_back(analysis, by.actor, back.id)
        try:
            saved = await edges.analyses.save(after, _entry("rollback", after, by, edges))
        except StaleError:
            analysis = await edges.analyses.get(analysis.rollout) or analysis
        else:
            edges.bell.ring(saved.service)  # also the gate of the environment after it
            return saved


async def _press(
    rollout_id: str,
    wanted: str,
    by: By,
    edges: Edges,
    decide: Callable[[Analysis], Analysis | None],
) -> Decided | NotDecided:
    while True:
        found = await _allowed(rollout_id, wanted, by, edges)
        if isinstance(found, NotDecided):
            return found
        analysis, _ = found
        after = decide(analysis)
        if after is None:
            return NotDecided("NOTHING", analysis)
        try:
            saved = await edges.analyses.save(after, _entry(wanted, after, by, edges))
        except StaleError:
            continue  # the desk has moved in this moment: decide on what it is now
        edges.bell.ring(saved.service)  # also the gate of the environment after it
        return Decided(saved)


async def _allowed(
    rollout_id: str, wanted: str, by: By, edges: Edges
) -> tuple[Analysis, Place] | NotDecided:
    analysis = await edges.analyses.get(rollout_id)
    if analysis is None:
        return NotDecided("NOT_FOUND")
    place = Place.named(analysis.service, analysis.environment, edges.catalog)
    if place is None:
        return NotDecided("NOT_FOUND")
    gate = await permission(by.actor, place, edges)
    if gate.ok:
        return analysis, place
    subject = subject_of(analysis.service, analysis.environment)
    now, of = edges.clock.now(), {"version": analysis.version, "rollout": analysis.rollout}
    await edges.audit.record(refusal_entry(wanted, subject, (gate,), by, now, **of))
    return NotDecided("NOT_ALLOWED", analysis, gate)


def _entry(action: str, analysis: Analysis, by: By, edges: Edges) -> AuditEntry:
    return analysis_entry(action, analysis, edges.clock.now(), by)
