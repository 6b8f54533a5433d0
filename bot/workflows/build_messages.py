"""The two messages of a build: its card in the channel, and the reply with the log in its thread.

Both are posted with a key, by which one that a killed process had posted is found again.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.domain.build import Build
from bot.domain.rollout import CardRef
from bot.errors import PortError
from bot.ports import Messenger

log = logging.getLogger(__name__)


class BuildMessages:
    """`render` and `ended` make them."""

    def __init__(
        self,
        messenger: Messenger,
        *,
        render: Callable[[Build], Card],
        ended: Callable[[Build, str], Card],
    ) -> None:
        self._messenger = messenger
        self._render = render
        self._ended = ended
        self._shown: dict[str, str] = {}  # by build: fingerprint of the newest card handed to Slack
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def post(self, build: Build, since: datetime | None) -> CardRef:
        """`since` is when it was meant to be posted before, if it was: then it is looked for."""
        channel, key = build.card.channel, f"build:{build.id}"
        found = await self._messenger.find(channel, key, since) if since else None
        if found is not None:
            return found
        card = self._render(build)
        posted = await self._messenger.post(channel, card, key=key)
        self._shown[build.id] = shown_hash(card)
        return posted

    async def reply(self, build: Build, whole_log: str, since: datetime | None) -> CardRef:
        channel, key, thread = build.card.channel, f"build:{build.id}:ended", build.card.ts
        if since is not None:
            found = await self._messenger.find(channel, key, since, thread=thread)
            if found is not None:
                return found
        card = self._ended(build, whole_log)
        return await self._messenger.post(channel, card, thread=thread, key=key)

    def show(self, build: Build) -> None:
        """See to it that the card says this; nobody waits for it here."""
        card = self._render(build)
        print_ = shown_hash(card)
        if print_ == self._shown.get(build.id) or not build.card.ts:
            return
        self._shown[build.id] = print_
        task = asyncio.get_running_loop().create_task(self._edit(build, card))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def show_end(self, build: Build) -> None:
        """Raises PortError where it may be shown later."""
        self._shown.pop(build.id, None)
        try:
            await self._messenger.update(build.card, self._render(build), urgent=True)
        except PortError as error:
            if error.temporary:
                raise
            log.info("the card of build %s was not edited: %s", build.id, error)

    def forget(self, build_id: str) -> None:
        self._shown.pop(build_id, None)

    async def _edit(self, build: Build, card: Card) -> None:
        try:
            await self._messenger.update(build.card, card)
        except PortError as error:
            log.info("the card of build %s was not edited: %s", build.id, error)
