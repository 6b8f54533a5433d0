"""How the engine sees and waits: shared streams, events on demand, one alarm for each rollout.

Nothing polls: what wakes a rollout is a change in its cluster, a click, or a time that a judgement
named.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.domain.back_off import back_off
from bot.domain.judgement import Judgement
from bot.domain.rollout import Obstacle
from bot.domain.rollout_course import overcome, soak_ends
from bot.domain.workload import Workload
from bot.engine.driver import Driver
from bot.engine.showing import Save
from bot.errors import PortError, StaleError
from bot.ports import Clock, Cluster

log = logging.getLogger(__name__)

_EVENTS_EVERY = timedelta(seconds=5)  # Kubernetes Events are asked for at most this often


class Watching:
    """`save` keeps a rollout, `wake` drives it on."""

    def __init__(
        self, cluster: Cluster, clock: Clock, *, save: Save, wake: Callable[[Driver], None]
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._save = save
        self._wake = wake

    def follow(self, driver: Driver) -> None:
        """From now on each snapshot of its workload wakes the rollout."""
        if driver.stop_following is not None:
            return

        def changed(seen: Workload) -> None:
            driver.seen = seen
            driver.fresh = True
            self._wake(driver)

        def obstacle(error: PortError | None) -> None:
            driver.spawn(self.note_obstacle(driver, error))

        rollout = driver.rollout
        driver.stop_following = self._cluster.follow(
            rollout.context, rollout.namespace, rollout.service, changed, obstacle
        )

    def let_go(self, driver: Driver) -> None:
        if driver.stop_following is not None:
            driver.stop_following()
            driver.stop_following = None
        self.alarm(driver, None)

    def look_again(self, driver: Driver, judgement: Judgement, now: datetime) -> None:
        """At the time at which this judgement may change by itself."""
        times = [t for t in (judgement.again_at, soak_ends(driver.rollout)) if t is not None]
        if judgement.wants_events:
            due = driver.events_at is None or now >= driver.events_at + _EVENTS_EVERY
            if due:
                driver.events_at = now
                driver.spawn(self._fetch_events(driver, judgement.wants_events))
            times.append((driver.events_at or now) + _EVENTS_EVERY)
        self.alarm(driver, min(times) if times else None)

    def alarm(self, driver: Driver, when: datetime | None) -> None:
        if driver.cancel_alarm is not None:
            driver.cancel_alarm()
            driver.cancel_alarm = None
        if when is not None:
            driver.cancel_alarm = self._clock.call_at(when, lambda: self._wake(driver))

    def try_again(self, driver: Driver) -> None:
        due = self._clock.now() + back_off(driver.tries)
        driver.tries += 1
        self.alarm(driver, due)

    async def note_obstacle(self, driver: Driver, error: PortError | None) -> None:
        """An edge has stopped answering, or (None) answers again: said on the card."""
        rollout = driver.rollout
        if rollout.state.final or (error is not None and error.port in {"slack", "store"}):
            return
        now = self._clock.now()
        if error is None:
            noted = overcome(rollout, now)
        elif rollout.obstacle is not None and rollout.obstacle.port == error.port:
            return
        else:
            noted = rollout.with_(obstacle=obstacle_of(error, now))
        try:
            if noted != rollout:
                await self._save(driver, noted)
        except (StaleError, PortError) as e:
            log.info("rollout %s: the obstacle was not noted: %s", rollout.id, e)
            driver.reread = True
        self._wake(driver)

    async def _fetch_events(self, driver: Driver, uids: tuple[str, ...]) -> None:
        rollout = driver.rollout
        try:
            events = await self._cluster.events(rollout.context, rollout.namespace, uids)
        except PortError as error:  # an explanation less; the status fields are the truth
            log.info("no events for rollout %s: %s", rollout.id, error)
            return
        if tuple(events) != driver.events:
            driver.events = tuple(events)
            self._wake(driver)


def obstacle_of(error: PortError, now: datetime) -> Obstacle:
    return Obstacle(port=error.port, trouble=error.trouble, since=now, values=error.values)
