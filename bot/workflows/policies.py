"""Looks at what the policies of an environment promise: before a rollout, after it, and on demand.

Everything that is needed is read once and at the same time: the place itself, production for its
parity, the same service elsewhere for what it shares. What cannot be read or reached is not known,
and is said to be; only the place itself has to answer.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.cards.policy import broken_card
from bot.domain.analysis_course import will_be_summed_up
from bot.domain.belongings import Belongings, Raw, pod_of
from bot.domain.comparison import Side, compare, compare_names
from bot.domain.expectations import rules_of, tokens_of
from bot.domain.policy import ABOUT_DATA, judge_policies, parity_pair, parity_with, promised
from bot.domain.policy.finding import Parity, Peer, PolicyFinding, Scene, Standing
from bot.domain.policy.supabase import instances_of
from bot.domain.rollout import Rollout, RolloutState
from bot.domain.variables import variables_of
from bot.errors import PortError, Trouble
from bot.text import Texts
from bot.workflows.edges import Edges, Place
from config.catalog import Environment, Policy

log = logging.getLogger(__name__)

LOGGING_PODS, LOG_LINES = 3, 200
"""Whose last lines are looked at, and how many: pods of one release write alike."""

_SECONDS = 20.0

Elsewhere = Mapping[str, Belongings | PortError]
"""By the name of the environment: what the service has there, or why that is not known."""


async def foresee_policies(place: Place, pod: Raw, edges: Edges) -> tuple[PolicyFinding, ...]:
    """What a rollout of these pods would mean for the policies; logs show only afterwards. Raises
    PortError when the place's own cluster does not answer."""
    return await _look(place, edges, pod=pod)


async def verify_policies(place: Place, edges: Edges) -> tuple[PolicyFinding, ...]:
    """How it is with the policies now, by what runs and what it writes. Raises PortError when the
    place's own cluster does not answer."""
    return await _look(place, edges, pod=None)


async def verified_policies(place: Place, edges: Edges) -> tuple[PolicyFinding, ...]:
    """As `verify_policies`, for a summary that is not kept waiting: what cannot be looked at now is
    not known."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await verify_policies(place, edges)
    except (PortError, TimeoutError) as error:
        why = str(error.trouble) if isinstance(error, PortError) else str(Trouble.AWAY)
        log.info("policies of %s were not looked at: %r", place.service.name, error)
        return tuple(
            PolicyFinding(policy, Standing.UNKNOWN, severity, "NOT_LOOKED", {"why": why})
            for policy, severity in promised(place.environment, edges.catalog).items()
        )


async def tell_policies(rollout: Rollout, edges: Edges) -> None:
    """A rollout has ended well, and no summary follows: what is not kept now is told in its card's
    thread. Best effort, as all that is only said; `check` tells the same at any time."""
    if rollout.state is not RolloutState.SUCCEEDED or not rollout.card.ts:
        return
    place = Place.named(rollout.service, rollout.environment, edges.catalog)
    if place is None or will_be_summed_up(rollout, place.environment):
        return
    try:
        findings = await verify_policies(place, edges)
        if not any(each.standing is Standing.BROKEN for each in findings):
            return
        language = place.environment.language
        card = broken_card(
            findings,
            service=place.service.name,
            environment=place.environment.name,
            environment_title=place.environment.title.to(language),
            pair=parity_pair(place.environment, edges.catalog),
            texts=Texts.of(language),
        )
        await edges.messenger.post(
            rollout.card.channel, card, thread=rollout.card.ts, key=f"policies:{rollout.id}"
        )
    except PortError as error:
        log.info("the policies after rollout %s are not told: %s", rollout.id, error)


async def _look(place: Place, edges: Edges, *, pod: Raw | None) -> tuple[PolicyFinding, ...]:
    promises = promised(place.environment, edges.catalog)
    if not promises:
        return ()
    salt = secrets.token_bytes(32)  # of this one comparison
    others = _others(place.environment, promises, edges)
    held, elsewhere, logs = await asyncio.gather(
        _belongings(place, edges, salt, pod),
        _elsewhere(place, others, edges, salt),
        _logs(place, edges) if pod is None and Policy.STRUCTURED_LOGS in promises else _no_logs(),
    )
    scene = Scene.of(place.service, place.environment, held, pod)
    scene = replace(
        scene,
        logs=logs,
        parity=_parity(scene, elsewhere, edges),
        peers=_peers(elsewhere, edges),
    )
    return judge_policies(scene, promises)


def _others(
    here: Environment, promises: Collection[Policy], edges: Edges
) -> tuple[Environment, ...]:
    """The environments that have to be looked at too."""
    if not ABOUT_DATA.isdisjoint(promises):
        return tuple(each for each in edges.catalog.environments if each.name != here.name)
    pair = parity_with(here, edges.catalog)
    return (pair,) if pair is not None else ()


async def _belongings(place: Place, edges: Edges, salt: bytes, pod: Raw | None) -> Belongings:
    return await edges.inventory.belongings(
        place.context, place.namespace, place.service.name, salt=salt, pod=pod, around=pod is None
    )


async def _elsewhere(
    place: Place, others: tuple[Environment, ...], edges: Edges, salt: bytes
) -> Elsewhere:
    found = await asyncio.gather(
        *(_belongings(Place(place.service, each), edges, salt, None) for each in others),
        return_exceptions=True,
    )
    known: dict[str, Belongings | PortError] = {}
    for environment, held in zip(others, found, strict=True):
        if isinstance(held, BaseException) and not isinstance(held, PortError):
            raise held
        known[environment.name] = held
    return known


def _parity(scene: Scene, elsewhere: Elsewhere, edges: Edges) -> Parity | None:
    other = parity_with(scene.environment, edges.catalog)
    if other is None:
        return None
    order = [each.name for each in edges.catalog.environments]
    here_is_left = order.index(scene.environment.name) < order.index(other.name)
    parity = Parity(other, here_is_left, names_alone=scene.before)
    there = elsewhere[other.name]
    if isinstance(there, PortError):
        return replace(parity, unknown=str(there.trouble))
    if "deployments.apps" in there.blind_to:
        return replace(parity, unknown="FORBIDDEN")
    if there.deployment is None:
        return replace(parity, missing=True)
    mine = Side(scene.environment.name, tokens_of(scene.environment), scene.belongings, scene.pod)
    sides = (mine, Side(other.name, tokens_of(other), there))
    if not here_is_left:
        sides = (sides[1], sides[0])
    held_against = compare_names if scene.before else compare
    return replace(parity, disparities=held_against(*sides, rules_of(edges.catalog)))


def _peers(elsewhere: Elsewhere, edges: Edges) -> tuple[Peer, ...]:
    peers = []
    for name, held in elsewhere.items():
        environment = edges.catalog.environment(name)
        if isinstance(held, PortError):
            peers.append(Peer(environment, unknown=str(held.trouble)))
        elif held.blind_to & {"configmaps", "deployments.apps"}:
            peers.append(Peer(environment, unknown="FORBIDDEN"))
        else:
            instances = instances_of(variables_of(pod_of(held.deployment), held))
            peers.append(Peer(environment, instances))
    return tuple(peers)


async def _no_logs() -> None:
    return None


async def _logs(place: Place, edges: Edges) -> tuple[str, ...]:
    """The last lines of some of its pods; a pod whose log cannot be read adds none."""
    look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
    pods = [pod.name for pod in look.new_pods][:LOGGING_PODS]
    tails = await asyncio.gather(
        *(
            edges.cluster.log_tail(
                place.context,
                place.namespace,
                pod,
                place.service.container,
                previous=False,
                lines=LOG_LINES,
            )
            for pod in pods
        ),
        return_exceptions=True,
    )
    lines: list[str] = []
    for tail in tails:
        if isinstance(tail, PortError):
            continue
        if isinstance(tail, BaseException):
            raise tail
        lines += tail.lines
    return tuple(lines)
