"""The Home tab: published when a person opens it, and kept up to date for a while after that.

Slack says when the tab is opened and never when it is closed. So for whoever opened it lately the
store is looked at every so often, once for all of them, and a tab is published again only where
something changed that it shows; the clusters are read once for all of a language that are
published. Nothing is looked at where nobody opened it lately; of many the latest are kept. What is
chosen on it, the reader's language, is kept here, too.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.cards.buttons import AUTOMATIC
from bot.cards.card import Card
from bot.cards.home import home_card
from bot.domain.status import StatusMatrix
from bot.errors import PortError
from bot.ports import sleep_until
from bot.text import LANGUAGES, Texts
from bot.workflows.edges import Edges
from bot.workflows.home import Desk, desk_of, look
from bot.workflows.status import matrix
from commands.asked import Asked
from commands.pressing import Click, Press, gone

log = logging.getLogger(__name__)

LOOK: Final = timedelta(seconds=15)
"""Between two looks, and so between two publications to one person."""
OPEN: Final = timedelta(minutes=10)
"""How long a tab counts as open."""
MOST: Final = 20
"""People whose tabs are kept up to date at once."""


@dataclass(slots=True)
class _Reader:
    opened: datetime
    shown: Desk | None = None


class HomeDesk:
    """Owns the one task that looks, which ends by itself."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._readers: dict[str, _Reader] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def readers(self) -> int:
        return len(self._readers)

    async def opened(self, user: str) -> None:
        """Publish it now, and again when it changes. Raises PortError when Slack, the store or
        the registry of people does not answer."""
        self._readers.pop(user, None)
        while len(self._readers) >= MOST:
            self._readers.pop(next(iter(self._readers)))
        reader = self._readers[user] = _Reader(self._edges.clock.now())
        desk = await desk_of(user, await look(self._edges), self._edges)
        await self._publish(user, reader, desk, {})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look_on(self) -> None:
        while self._readers:
            await self._pause()
            self._forget_old()
            try:
                await self._look_once()
            except PortError as error:
                log.info("Home tabs stay as they are: %s", error)
            except Exception:
                log.exception("Home tabs met a bug")
                self._readers.clear()  # until they are opened again

    def _forget_old(self) -> None:
        now = self._edges.clock.now()
        for user, reader in list(self._readers.items()):
            if now - reader.opened >= OPEN:
                del self._readers[user]

    async def _look_once(self) -> None:
        if not self._readers:
            return
        seen = await look(self._edges)
        statuses: dict[str, StatusMatrix] = {}
        for user, reader in list(self._readers.items()):
            try:
                desk = await desk_of(user, seen, self._edges)
                if desk != reader.shown:
                    await self._publish(user, reader, desk, statuses)
            except PortError as error:
                log.info("the Home tab of %s stays as it is: %s", user, error)
            except Exception:
                log.exception("the Home tab of %s met a bug", user)
                self._readers.pop(user, None)

    async def _pause(self) -> None:
        clock = self._edges.clock
        await sleep_until(clock, clock.now() + LOOK)

    async def _publish(
        self, user: str, reader: _Reader, desk: Desk, statuses: dict[str, StatusMatrix]
    ) -> None:
        """`statuses`: what was read of the clusters for this look so far, by language."""
        edges, catalog = self._edges, self._edges.catalog
        speech = await edges.people.speech(user)
        texts = Texts.of(speech.language)
        language = texts.language
        if language not in statuses:
            statuses[language] = await matrix(
                catalog.services, catalog.environments, edges, language
            )

        def title_of(environment: str) -> str:
            return catalog.title_of(environment, language)

        card = home_card(
            desk.waiting,
            desk.lists,
            desk.active,
            desk.locks,
            statuses[language],
            reader=user,
            chosen=speech.language if speech.chosen else "",
            follows=speech.follows,
            title_of=title_of,
            texts=texts,
            now=edges.clock.now(),
        )
        await edges.messenger.publish_home(user, card)
        reader.shown = desk


async def choose_language(asked: Asked, click: Click) -> Card | None:
    """None: the tab itself, published again, is the answer."""
    if click.value not in (AUTOMATIC, *LANGUAGES):
        return gone(asked)
    chosen = "" if click.value == AUTOMATIC else click.value
    await asked.edges.people.choose(asked.actor.id, chosen)
    return None


PRESSES: Final[Mapping[str, Press]] = {"language": choose_language}
