"""Restarts a workload: its pods are made anew with the same template, one by one as always.

For whoever has changed what pods read when they start (a ConfigMap, a Secret):

    answer = await request_restart(
        place, actor, edges, surface=Surface.BUTTON, line="config tasks-service qa",
        reason="ConfigMap tasks-service-config changed", asked_in=channel)
    match answer:
        case Started(rollout): asked.wake(rollout)     # a card of its own, followed to ready
        case AlreadyUnderway(rollout): ...             # a restart is on its way already
        case Closed(gates=gates): ...                  # refused: permission, lock, paused
        case NotRunning(): ...                         # there is no Deployment

`Started` and `AlreadyUnderway` are those of `bot/workflows/rollout.py`, the others of
`bot/workflows/operating.py`. Raises PortError where an edge does not answer: then nothing was
started.
"""

from bot.domain.audit import Surface
from bot.domain.gate import all_open
from bot.domain.kind import Kind
from bot.domain.rollout import Actor, Rollout
from bot.ports import Written
from bot.workflows.edges import Edges, Place
from bot.workflows.operating import (
    Closed,
    NotRunning,
    Operation,
    ask_gates,
    close,
    look_at,
    rollout_of,
    store,
)
from bot.workflows.rollout import AlreadyUnderway, Started

RESTARTED_AT = "dynamo/restarted-at"
"""As kubectl's own `kubectl.kubernetes.io/restartedAt`: another value is another template."""


async def request_restart(
    place: Place,
    actor: Actor,
    edges: Edges,
    *,
    line: str,
    reason: str = "",
    asked_in: str = "",
    surface: str = Surface.SLASH,
) -> Started | AlreadyUnderway | Closed | NotRunning:
    """See above. `actor` may be the bot itself where the environment lets it act."""
    operation = Operation(Kind.RESTART, place, actor, surface, line, reason, asked_in)
    look = await look_at(place, edges)
    if look.deployment is None:
        return NotRunning()
    gates = await ask_gates(operation, look, edges)
    if not all_open(gates):
        return await close(operation, gates, look, edges)
    return await store(operation, rollout_of(operation, look, edges), edges)


async def write_restart(rollout: Rollout, edges: Edges) -> Written:
    """The time of the change is saved before the write, so that a repeated one changes nothing."""
    assert rollout.applying_since is not None
    return await edges.cluster.annotate_template(
        rollout.context,
        rollout.namespace,
        rollout.service,
        RESTARTED_AT,
        rollout.applying_since.isoformat(),
    )
