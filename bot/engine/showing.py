"""The messages of a rollout: one card that is edited, and posts that must stand once.

Whatever happens at Slack, the rollout goes on; what could not be shown is shown later, or the
rollout ends without an audience where there is none any more.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.domain.rollout import CardRef, Rollout
from bot.engine.driver import Driver
from bot.errors import PortError, Trouble
from bot.ports import Clock, Messenger

log = logging.getLogger(__name__)


class Save(Protocol):
    async def __call__(self, driver: Driver, rollout: Rollout, *, show: bool = True) -> None: ...


class Showing:
    """`save` keeps a rollout, `wake` drives it on, `again` does so after a while."""

    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        card: Callable[[Rollout, datetime], Card],
        *,
        save: Save,
        wake: Callable[[Driver], None],
        again: Callable[[Driver], None],
    ) -> None:
        self._messenger = messenger
        self._clock = clock
        self._card = card
        self._save = save
        self._wake = wake
        self._again = again

    def end_shown(self, driver: Driver) -> bool:
        """Whether Slack has confirmed the card as it is now."""
        return driver.shown == shown_hash(self._card(driver.rollout, self._clock.now()))

    def show(self, driver: Driver) -> None:
        """Hand the card to Slack if it says something new; nobody waits for it here."""
        rollout = driver.rollout
        if not rollout.card.ts or rollout.settled:
            return
        card = self._card(rollout, self._clock.now())
        print_ = shown_hash(card)
        if print_ != driver.offered:
            driver.offered = print_
            driver.spawn(self._edit(driver, rollout, card, print_))

    async def post_card(self, driver: Driver) -> None:
        rollout = driver.rollout
        card = self._card(rollout, self._clock.now())
        posted = await self.post_once(driver, rollout.card, card, key=rollout.id, field="card")
        driver.offered = driver.shown = shown_hash(card)
        await self._save(driver, driver.rollout.with_(card=posted))

    async def reply(
        self,
        driver: Driver,
        make: Callable[[Rollout, datetime], Card],
        *,
        field: str,
        key: str,
        in_thread: bool = True,
    ) -> None:
        """A message beside the card, in its thread or in its channel; kept in `field`."""
        rollout = driver.rollout
        ref = getattr(rollout, field) or CardRef(rollout.card.channel)
        card = make(rollout, self._clock.now())
        thread = rollout.card.ts if in_thread else ""
        posted = await self.post_once(
            driver, ref, card, key=f"{rollout.id}:{key}", field=field, thread=thread
        )
        await self._save(driver, driver.rollout.with_(**{field: posted}), show=False)

    async def post_once(
        self, driver: Driver, ref: CardRef, card: Card, *, key: str, field: str, thread: str = ""
    ) -> CardRef:
        """Post a message that must stand once, whenever the process dies; `field` of the rollout
        is where it is kept.

        The intent is saved first. Where an intent stands without an answer, the message may
        already be there: it is looked for by its key before another one is posted.
        """
        if ref.since is not None:
            found = await self._messenger.find(ref.channel, key, ref.since, thread=thread)
            if found is not None:
                return found
        else:
            intent = CardRef(ref.channel, since=self._clock.now())
            await self._save(driver, driver.rollout.with_(**{field: intent}), show=False)
        return await self._messenger.post(ref.channel, card, thread=thread, key=key)

    async def _edit(self, driver: Driver, rollout: Rollout, card: Card, print_: str) -> None:
        try:
            confirmed = await self._messenger.update(rollout.card, card, urgent=rollout.state.final)
        except PortError as error:
            await self._edit_failed(driver, error, print_)
            return
        if confirmed:
            driver.shown = print_
            if rollout.state.final:
                self._wake(driver)

    async def _edit_failed(self, driver: Driver, error: PortError, print_: str) -> None:
        log.warning("the card of rollout %s was not edited: %s", driver.rollout.id, error)
        if error.temporary:
            driver.offered = ""
            self._again(driver)
        elif error.trouble is Trouble.NOT_FOUND:  # somebody deleted the message: post it anew
            driver.rollout = driver.rollout.with_(card=CardRef(driver.rollout.card.channel))
            self._wake(driver)
        else:  # an archived channel, say: the rollout goes on, and ends, without an audience
            driver.shown = print_
            self._wake(driver)
