"""What follows from a FAIL, as the environment wants it: gathered here, decided in the domain.

The way back is that of `bot/workflows/rollback.py`, asked for by the bot itself; it is looked for
before it is asked for, so that a crash between the two asks once.
"""

from bot.cards.refusal import gate_sentence
from bot.domain.analysis import Analysis
from bot.domain.analysis_course import Ground
from bot.domain.audit import DYNAMO, Surface
from bot.domain.kind import Kind
from bot.domain.rollout import Actor, Rollout
from bot.domain.way_back import ways_back
from bot.text import Texts
from bot.workflows.analysis_telling import summary_of
from bot.workflows.edges import Edges, Place
from bot.workflows.holding import hold
from bot.workflows.operating import Closed
from bot.workflows.rollback import RollbackAnswer, good_at, request_rollback
from bot.workflows.rollout import AlreadyUnderway, Request, Started

_LOOKS_BACK = 20  # rollouts of the place
_WHY = 300  # characters


async def ground_of(analysis: Analysis, place: Place, edges: Edges) -> Ground:
    """Raises PortError where the store does not answer."""
    service, environment = analysis.service, analysis.environment
    good = await good_at(place, edges)
    target = next(iter(ways_back(good, analysis.digest)), None)
    before = await edges.analyses.of_release(service, environment, analysis.digest)
    return Ground(
        wanted=place.environment.on_regression,
        target=target.version if target is not None else "",
        went_back_before=any(
            each.rollout != analysis.rollout and each.decided_by == DYNAMO for each in before
        ),
    )


async def lock_place(analysis: Analysis, place: Place, edges: Edges) -> None:
    """Idempotent."""
    texts = Texts.of(place.environment.language)
    reason = texts("summary.lock_reason", version=analysis.version)
    await hold(place, reason, edges)


async def go_back(analysis: Analysis, place: Place, edges: Edges) -> Rollout | str:
    """The way back that is under way, or why there is none, in the channel's language. Raises
    PortError where asking again may help."""
    mine = await _own_way_back(analysis, edges)
    if mine is not None:
        return mine
    answer = await request_rollback(_request(analysis, place, edges), edges)
    if isinstance(answer, Started | AlreadyUnderway):
        return answer.rollout
    return _why(answer, place)


async def _own_way_back(analysis: Analysis, edges: Edges) -> Rollout | None:
    service, environment = analysis.service, analysis.environment
    for each in await edges.store.recent(service, environment, _LOOKS_BACK):
        own = each.kind is Kind.ROLLBACK and each.requested_by.id == DYNAMO
        if own and analysis.looked_at is not None and each.requested_at >= analysis.looked_at:
            return each
    return None


def _request(analysis: Analysis, place: Place, edges: Edges) -> Request:
    return Request(
        place,
        None,
        Actor(DYNAMO, place.environment.language),
        asked_in="",
        line=f"rollback {analysis.service} {analysis.environment}",
        reason=str(summary_of(analysis, edges.catalog, drawn=False).text),
        surface=Surface.ENGINE,
        confirmed=True,
    )


def _why(answer: RollbackAnswer, place: Place) -> str:
    texts = Texts.of(place.environment.language)
    if isinstance(answer, Closed):
        closed = [gate_sentence(gate, texts) for gate in answer.gates if not gate.ok]
        return " ".join(closed)[:_WHY]
    return texts("summary.no_way_back")
