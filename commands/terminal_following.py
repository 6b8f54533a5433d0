"""Following what a line from a terminal began, to its end: a rollout, or a build and its rollout.

By looking at the store, of which the card in the channel is made, too; whoever stops listening
stops nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from bot.cards.terminal import as_text
from bot.domain.build import Build, BuildState
from bot.domain.gate import Gate
from bot.domain.outcome import Outcome, outcome_of, outcome_of_build
from bot.domain.rollout import Rollout, RolloutState
from bot.text import Texts
from bot.workflows.edges import Edges
from bot.workflows.telling import build_of, card_of, details_of
from commands.terminal_steps import Step, Waiting, sentence

_GATHERED: Final = 20.0  # seconds that what is told of an end gets to be whole
_WANTED: Final = {
    "cancel": {RolloutState.CANCELLED, RolloutState.ROLLED_BACK},
    "reject": {RolloutState.REJECTED, RolloutState.CANCELLED},
}
"""Verbs that are asked for an end which is none of the good ones elsewhere."""


async def follow_rollout(
    rollout: Rollout, verb: str, waiting: Waiting, texts: Texts, edges: Edges
) -> AsyncGenerator[Step, None]:
    catalog = edges.catalog
    loop = asyncio.get_running_loop()
    shown, ended = "", 0.0
    while True:
        rollout = await edges.store.get(rollout.id) or rollout
        card = card_of(rollout, catalog, edges.clock.now(), texts=texts)
        if rollout.state.final:
            # Its log and events are gathered after its end, and Slack may be away.
            ended = ended or loop.time()
            if rollout.settled or loop.time() - ended >= _GATHERED:
                break
        if card.text != shown:
            told = card if not shown else replace(card, blocks=())
            yield Step(as_text(told), whole=not shown, rollout=rollout)
            shown = card.text
            waiting.spoke()
        elif waiting.silent:
            yield Step(rollout=rollout)
            waiting.spoke()
        if waiting.over and not rollout.state.final:
            names = {"service": rollout.service, "environment": rollout.environment}
            said = sentence(texts, "terminal.timeout", **names)
            yield Step(said, outcome=Outcome.TIMEOUT, rollout=rollout)
            return
        await waiting.a_moment(bounded=not rollout.state.final)
    outcome = outcome_of(rollout)
    if rollout.state in _WANTED.get(verb, ()):
        outcome = Outcome.SUCCEEDED
    if outcome is Outcome.REFUSED and _no_rights(rollout):
        outcome = Outcome.NO_RIGHTS
    yield Step(as_text(card), rollout=rollout)
    ended_with = as_text(details_of(rollout, catalog, texts=texts))
    yield Step(ended_with, outcome=outcome, rollout=rollout)


async def follow_build(
    build: Build, waiting: Waiting, texts: Texts, edges: Edges
) -> AsyncGenerator[Step, None]:
    """To its end; without an outcome where it is built for a deploy, which `rollout_of` finds."""
    desk = edges.builds
    assert desk is not None
    shown: tuple[str, str] | None = None
    while True:
        build = desk.seen(build.id) or await desk.builds.get(build.id) or build
        if build.state.final:
            build = await desk.builds.get(build.id) or build
        card = build_of(build, edges.catalog, texts=texts)
        if build.state is BuildState.BUILT and build.wishes and not build.rollout:
            pass  # its deploy is being asked for
        elif build.state.final:
            break
        stage = (build.state.value, build.step.value)
        if stage != shown:
            told = card if shown is None else replace(card, blocks=card.blocks[1:2])
            yield Step(as_text(told), whole=shown is None, build=build)
            shown = stage
            waiting.spoke()
        elif waiting.silent:
            yield Step(build=build)
            waiting.spoke()
        if waiting.over:
            names = {"service": build.service, "version": build.version}
            said = sentence(texts, "terminal.timeout_build", **names)
            yield Step(said, outcome=Outcome.TIMEOUT, build=build)
            return
        await waiting.a_moment()
    goes_on = build.state is BuildState.BUILT and bool(build.wishes)
    yield Step(as_text(card), outcome=None if goes_on else outcome_of_build(build), build=build)


async def rollout_of(build: Build, environment: str, edges: Edges) -> Rollout | None:
    """The rollout of what was built, in this environment; None where its request was refused."""
    found = await edges.store.recent(build.service, environment)
    return next(
        (
            rollout
            for rollout in found
            if rollout.image.digest == build.digest and rollout.requested_at >= build.requested_at
        ),
        None,
    )


def _no_rights(rollout: Rollout) -> bool:
    return any(gate.gate is Gate.PERMISSION and not gate.ok for gate in rollout.refused)
