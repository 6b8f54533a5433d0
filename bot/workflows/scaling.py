"""Scales a workload, or gives the autoscaler that owns it other bounds; followed to ready.

The number is written through the scale subresource, tied to what was read. Where an autoscaler owns
the workload it would take any other number back within seconds, so it is asked for its bounds
instead.
"""

from dataclasses import dataclass

from bot.domain.gate import Gate, GateResult, all_open
from bot.domain.kind import Kind, Scaling, Span
from bot.domain.rollout import Actor, Rollout
from bot.domain.scaling import Asked, bounds_of, needs_question
from bot.domain.workload import Autoscaler, Workload
from bot.errors import PortError
from bot.ports import Written
from bot.workflows.edges import Edges, Place
from bot.workflows.operating import (
    Closed,
    NotRunning,
    Operation,
    ask_gates,
    close,
    cluster_gate,
    look_at,
    rollout_of,
    store,
)
from bot.workflows.rollout import AlreadyUnderway, Started


@dataclass(frozen=True, slots=True)
class ScaleRequest:
    """`seen`: how many pods there were when a button was made (-1: typed); `confirmed`: Slack's own
    question was answered."""

    place: Place
    actor: Actor
    surface: str
    line: str
    reason: str = ""
    asked_in: str = ""
    seen: int = -1
    confirmed: bool = False

    @property
    def operation(self) -> Operation:
        return Operation(
            Kind.SCALE,
            self.place,
            self.actor,
            self.surface,
            self.line,
            self.reason,
            self.asked_in,
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """An autoscaler owns the number: its bounds can be changed."""

    autoscaler: Autoscaler
    wanted: int


@dataclass(frozen=True, slots=True)
class OutOfBounds:
    number: int
    now: int
    bounds: Span


@dataclass(frozen=True, slots=True)
class Same:
    """So many run already (or those are its bounds)."""

    now: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    request: ScaleRequest
    number: int
    now: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a button or window was made for is not so any more."""

    now: str


ScaleAnswer = (
    Started
    | AlreadyUnderway
    | Closed
    | NotRunning
    | Owned
    | OutOfBounds
    | Same
    | Unconfirmed
    | Changed
)


async def request_scale(request: ScaleRequest, amount: Asked, edges: Edges) -> ScaleAnswer:
    """Raises PortError when an edge does not answer: then nothing was started."""
    place = request.place
    look = await look_at(place, edges)
    if look.deployment is None:
        return NotRunning()
    now = look.deployment.desired
    number = amount.from_(now)
    if look.autoscaler is not None:
        return Owned(look.autoscaler, number)
    bounds = bounds_at(place)
    if not bounds.holds(number):
        return OutOfBounds(number, now, bounds)
    if number == now:
        return await _underway(request, number, edges) or Same(str(now))
    if request.seen not in (-1, now):
        return Changed(str(now))
    gates = await ask_gates(request.operation, look, edges)
    gates = (*gates, await _right(place, edges))
    if not all_open(gates):
        return await close(request.operation, gates, look, edges)
    if needs_question(number, confirm=place.environment.confirm) and not request.confirmed:
        return Unconfirmed(request, number, now)
    scaling = Scaling(replicas=number, before=now)
    return await store(request.operation, _rollout(request, look, scaling, edges), edges)


async def request_span(
    request: ScaleRequest, name: str, span: Span, seen: Span, edges: Edges
) -> ScaleAnswer:
    """Other bounds for the autoscaler `name`, which had the bounds `seen` when they were asked for.
    They are within the environment's own (`bot/domain/scaling.py: span_mistakes`)."""
    place = request.place
    look = await look_at(place, edges)
    if look.deployment is None:
        return NotRunning()
    now = span_of(look.autoscaler)
    if look.autoscaler is None or look.autoscaler.name != name or now is None:
        return Changed("")
    if now == span:
        return Same(str(now))
    if now != seen:
        return Changed(str(now))
    gates = await ask_gates(request.operation, look, edges)
    if all_open(gates):
        gates = (*gates, await _dry_run(place, name, span, edges))
    if not all_open(gates):
        return await close(request.operation, gates, look, edges)
    scaling = Scaling(before=look.deployment.desired, autoscaler=name, span=span, span_before=now)
    return await store(request.operation, _rollout(request, look, scaling, edges), edges)


def bounds_at(place: Place) -> Span:
    own = place.environment.replicas
    return bounds_of(own.least if own else None, own.most if own else None)


def span_of(autoscaler: Autoscaler | None) -> Span | None:
    return Span(autoscaler.minimum, autoscaler.maximum) if autoscaler else None


async def write_scale(rollout: Rollout, edges: Edges) -> Written:
    """Idempotent; on its way back, what was there before."""
    pods = rollout.pods
    assert pods is not None
    context, namespace, name = rollout.context, rollout.namespace, rollout.service
    if pods.span is not None:
        await edges.cluster.set_span(context, namespace, pods.autoscaler, pods.span)
        found = (await edges.cluster.workload(context, namespace, name)).deployment
        if found is None:  # the judgement says that it is gone
            return Written(rollout.before_generation or 0, "")
        return Written(found.generation, found.template)
    assert pods.replicas is not None
    return await edges.cluster.scale(
        context, namespace, name, replicas=pods.replicas, before=pods.before
    )


async def _underway(request: ScaleRequest, number: int, edges: Edges) -> AlreadyUnderway | None:
    """It was scaled a moment ago, and is being watched."""
    place = request.place
    active = await edges.store.active(place.service.name, place.environment.name)
    same = [each for each in active if each.scaling and each.scaling.replicas == number]
    return AlreadyUnderway(same[0]) if same else None


async def _right(place: Place, edges: Edges) -> GateResult:
    """Whether the cluster lets Dynamo scale: told before anything is queued."""
    right = {"verb": "patch", "resource": "deployments.apps/scale", "namespace": place.namespace}
    may = await edges.cluster.may(place.context, place.namespace, right["verb"], right["resource"])
    return GateResult(Gate.CLUSTER, may, "ACCEPTED" if may else "FORBIDDEN", right)


async def _dry_run(place: Place, name: str, span: Span, edges: Edges) -> GateResult:
    try:
        await edges.cluster.set_span(place.context, place.namespace, name, span, dry_run=True)
    except PortError as error:
        return cluster_gate(error, place)
    return GateResult(Gate.CLUSTER, True, "ACCEPTED")


def _rollout(request: ScaleRequest, look: Workload, scaling: Scaling, edges: Edges) -> Rollout:
    return rollout_of(request.operation, look, edges, scaling=scaling)
