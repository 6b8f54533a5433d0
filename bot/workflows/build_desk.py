"""Builds as they run: each commit once, with one card, from the request to the image.

There is no resume code: a build that is not settled is looked at, the one thing that it needs next
is done and saved, and it is looked at again. One that was killed starts over: its image gets its
version's tag only at the end, so what the registry has under it is either the whole or nothing, and
what it has of this commit is taken as it is. Steps that go by are shown, not stored. The work
itself is `building.py`, what people see of it `build_messages.py`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.cards.card import Card
from bot.domain.audit import ENGINE, AuditEntry, By, subject_of
from bot.domain.back_off import back_off
from bot.domain.build import (
    TAIL,
    Build,
    BuildState,
    BuildStep,
    Cause,
    Failure,
    Log,
    at_step,
    begun,
    built,
    cancelled,
    failed,
)
from bot.domain.outage import Outage
from bot.domain.rollout import CardRef
from bot.errors import PortError, StaleError
from bot.ports import Audit, Builder, Builds, Clock, Git, Images, Messenger, Progressing
from bot.workflows.build_messages import BuildMessages
from bot.workflows.building import Patience, build_commit, refused

log = logging.getLogger(__name__)

_AT_ONCE = 2  # builds; a build is heavy


@dataclass(slots=True)
class _Running:
    """What is held of one build while it is driven; all of it can be lost."""

    task: asyncio.Task[None] | None = None
    work: asyncio.Task[str | Failure] | None = None
    seen: Build | None = None  # with the step it is at
    log: Log = field(default_factory=Log)
    keeping: asyncio.Task[None] | None = None  # of the log so far
    tries: int = 0
    news: bool = False
    cancel_alarm: Callable[[], None] | None = None


class BuildDesk:
    """`render` and `ended` make the two messages. Set after it is made: `deploy` carries out what
    was wished for a built image; it returns the id of the rollout that has taken the card over."""

    def __init__(
        self,
        *,
        builds: Builds,
        git: Git,
        builder: Builder,
        images: Images,
        messenger: Messenger,
        audit: Audit,
        clock: Clock,
        render: Callable[[Build], Card],
        ended: Callable[[Build, str], Card],
    ) -> None:
        self.builds = builds
        self.git = git
        self._builder = builder
        self._images = images
        self._messages = BuildMessages(messenger, render=render, ended=ended)
        self._audit = audit
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._stopping = False
        self.deploy: Callable[[Build], Awaitable[str]] | None = None

    async def start(self) -> None:
        for build in await self.builds.unsettled():
            self.wake(build.id)

    async def stop(self) -> None:
        self._stopping = True
        for running in self._running.values():
            if running.cancel_alarm is not None:
                running.cancel_alarm()
        held = [(running.task, running.keeping) for running in self._running.values()]
        tasks = [task for both in held for task in both if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._messages.stop()

    def seen(self, build_id: str) -> Build | None:
        """How far it is, while it is being built: steps are not stored one by one."""
        running = self._running.get(build_id)
        return running.seen if running is not None and running.work is not None else None

    def wake(self, build_id: str) -> None:
        """It was stored, or changed in the store: look at it."""
        if self._stopping:
            return
        running = self._running.setdefault(build_id, _Running())
        running.news = True
        if running.task is None:
            running.task = asyncio.get_running_loop().create_task(self._drive(build_id, running))

    async def cancel(self, build_id: str, by: By, reason: str = "") -> Build | None:
        """None where it is over, or unknown."""
        while True:
            build = await self.builds.get(build_id)
            ended = cancelled(build, by.actor, self._clock.now()) if build else None
            if ended is None:
                return None
            try:
                saved = await self._save(ended.with_(end_reason=reason), by)
            except StaleError:
                continue
            running = self._running.get(build_id)
            if running is not None:
                self._messages.show(saved)
                if running.work is not None:
                    running.work.cancel()
            self.wake(build_id)
            return saved

    # --- one build, one task at a time -----------------------------------------------------------

    async def _drive(self, build_id: str, running: _Running) -> None:
        try:
            while running.news and not self._stopping:
                running.news = False
                await self._pass(build_id, running)
        finally:
            running.task = None

    async def _pass(self, build_id: str, running: _Running) -> None:
        try:
            while await self._step(build_id, running):
                running.tries = 0
        except StaleError:
            running.news = True
        except PortError as error:
            log.warning("build %s: %s", build_id, error)
            if error.temporary:
                self._try_again(build_id, running)
            else:
                await self._give_up(build_id, error)
        except Exception:
            log.exception("build %s met a bug; trying again", build_id)
            self._try_again(build_id, running)

    async def _step(self, build_id: str, running: _Running) -> bool:
        build = await self.builds.get(build_id)
        if build is None or build.settled:
            self._running.pop(build_id, None)
            self._messages.forget(build_id)
            return False
        if not build.card.ts:
            await self._post(build)
        elif not build.state.final:
            await self._run(build, running)
        else:
            await self._finish(build)
        return True

    async def _give_up(self, build_id: str, error: PortError) -> None:
        """Nobody can be told in the channel: it ends without having been built."""
        build = await self.builds.get(build_id)
        if build is None or build.settled:
            return
        now = self._clock.now()
        if not build.state.final:
            build = failed(build, refused(error, build.step), (), now)
        await self._save(build.with_(settled=True))

    # --- its beginning and its end ---------------------------------------------------------------

    async def _post(self, build: Build) -> None:
        since = build.card.since
        if since is None:
            intent = CardRef(build.card.channel, since=self._clock.now())
            build = await self._save(build.with_(card=intent))
        posted = await self._messages.post(build, since)
        while True:
            try:
                await self._save(build.with_(card=posted))
            except StaleError:  # somebody followed it in this moment
                build = await self.builds.get(build.id) or build
            else:
                return

    async def _finish(self, build: Build) -> None:
        if build.state is BuildState.BUILT and build.wishes and not build.rollout:
            assert self.deploy is not None
            taken = await self.deploy(build)
            build = await self._save(build.with_(rollout=taken or "-"))
        if build.rollout in ("", "-"):
            await self._messages.show_end(build)
        since = build.told.since if build.told else None
        if since is None:
            intent = CardRef(build.card.channel, since=self._clock.now())
            build = await self._save(build.with_(told=intent))
        told = await self._messages.reply(build, await self.builds.log(build.id), since)
        await self._save(build.with_(told=told, settled=True))

    # --- building --------------------------------------------------------------------------------

    async def _run(self, build: Build, running: _Running) -> None:
        async with self._slots:
            latest = await self.builds.get(build.id)
            if latest is None or latest.state.final:
                return
            simulated, away = await self._is_simulated()
            started = begun(latest, self._clock.now(), simulated=simulated)
            started = await self._save(started)
            running.seen, running.log = started, Log()
            self._messages.show(started)
            outcome = away or await self._work(started, running)
        await self._end(build.id, running, outcome)

    async def _is_simulated(self) -> tuple[bool, Failure | None]:
        try:
            return await self._builder.simulated(), None
        except PortError as error:
            return False, refused(error, BuildStep.CHECKOUT)

    async def _work(self, build: Build, running: _Running) -> str | Failure | None:
        """None where it was cancelled."""
        loop = asyncio.get_running_loop()

        def report(said: Progressing) -> None:  # of any thread
            loop.call_soon_threadsafe(self._hear, running, said)

        def held_up(outage: Outage | None) -> None:
            if running.seen is not None:
                running.seen = running.seen.with_(outage=outage)
                self._messages.show(running.seen)

        patience = Patience(self._clock, held_up)
        work = build_commit(build, self.git, self._builder, self._images, report, patience)
        running.work = loop.create_task(work)
        try:
            await asyncio.wait({running.work})
        finally:
            if not running.work.done():
                running.work.cancel()
                await asyncio.gather(running.work, return_exceptions=True)
        done, running.work = running.work, None
        if done.cancelled():
            return None
        error = done.exception()
        if error is not None:
            log.error("build %s met a bug", build.id, exc_info=error)
            step = running.seen.step if running.seen else BuildStep.CHECKOUT
            return Failure(Cause.BUG, step)
        return done.result()

    def _hear(self, running: _Running, said: Progressing) -> None:
        if said.line:
            running.log.add(said.line)
        seen = running.seen
        if seen is None or running.work is None:
            return
        if said.step is not seen.step or (said.words and said.words != seen.now):
            running.seen = at_step(seen, said.step, said.words)
            self._messages.show(running.seen)
        if said.step is BuildStep.PUSH and seen.step is not BuildStep.PUSH:
            # Once the registry has it, no later process builds it, or its log, again.
            keeping = self._keep_log(seen.id, running.log.lines)
            running.keeping = asyncio.get_running_loop().create_task(keeping)

    async def _keep_log(self, build_id: str, lines: Sequence[str]) -> None:
        """Not with nothing: an image that was there already keeps the log that made it."""
        try:
            if lines:
                await self.builds.keep_log(build_id, "\n".join(lines))
        except PortError as error:  # the build is worth more than its log
            log.warning("the log of build %s was not kept: %s", build_id, error)

    async def _end(self, build_id: str, running: _Running, outcome: str | Failure | None) -> None:
        lines = running.log.lines
        if running.keeping is not None:
            await running.keeping
        await self._keep_log(build_id, lines)
        while True:
            build = await self.builds.get(build_id)
            if build is None or build.state.final:  # cancelled: that is its end
                return
            now = self._clock.now()
            if outcome is None:
                return
            if isinstance(outcome, Failure):
                ended = failed(build, outcome, tuple(lines[-TAIL:]), now)
            else:
                ended = built(build, outcome, now)
            try:
                await self._save(ended)
            except StaleError:
                continue
            return

    # --- around it -------------------------------------------------------------------------------

    async def _save(self, build: Build, by: By = ENGINE) -> Build:
        saved = await self.builds.save(build)
        action = _ENDS.get(saved.state)
        if action is not None:
            await self._audit.record(build_entry(action, saved, by, self._clock.now()))
        return saved

    def _try_again(self, build_id: str, running: _Running) -> None:
        due = self._clock.now() + back_off(running.tries)
        running.tries += 1
        running.cancel_alarm = self._clock.call_at(due, lambda: self.wake(build_id))


_ENDS = {
    BuildState.BUILT: "built",
    BuildState.FAILED: "build-failed",
    BuildState.CANCELLED: "build-cancelled",
}


def build_entry(action: str, build: Build, by: By, at: datetime) -> AuditEntry:
    """The key holds it to one record for each build and action, however often it is saved."""
    after = {"build": build.id, "version": build.version, "commit": build.commit, "ref": build.ref}
    after |= {"digest": build.digest, "line": build.line, "asked_by": build.requested_by.id}
    if build.failure is not None:
        after["cause"] = str(build.failure.cause)
    if build.end_reason:
        after["reason"] = build.end_reason
    key = f"{action}:{build.id}"
    subject = subject_of(build.service)
    return AuditEntry(at, by.actor, by.surface, action, subject, after=after, key=key)
