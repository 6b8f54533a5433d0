"""The Home tab: published when a person opens it, and kept up to date for a while after that.

Slack says when the tab is opened and never when it is closed. So for whoever opened it lately the
store is looked at every so often, and the tab is published again only where something changed that
it shows. Nothing is looked at where nobody opened it lately; of many the latest are kept.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.cards.home import home_card
from bot.errors import PortError
from bot.ports import sleep_until
from bot.text import Texts
from bot.workflows.edges import Edges
from bot.workflows.home import Desk, desk_of
from bot.workflows.status import matrix
from commands.vocabulary import VERBS
from config.catalog import UnknownNameError

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
        await self._publish(user, reader, await desk_of(user, self._edges))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look_on(self) -> None:
        while self._readers:
            await self._pause()
            now = self._edges.clock.now()
            for user, reader in list(self._readers.items()):
                if now - reader.opened >= OPEN:
                    if self._readers.get(user) is reader:
                        del self._readers[user]
                    continue
                try:
                    desk = await desk_of(user, self._edges)
                    if desk != reader.shown:
                        await self._publish(user, reader, desk)
                except PortError as error:
                    log.info("the Home tab of %s stays as it is: %s", user, error)
                except Exception:
                    log.exception("the Home tab of %s met a bug", user)
                    self._readers.pop(user, None)

    async def _pause(self) -> None:
        clock = self._edges.clock
        await sleep_until(clock, clock.now() + LOOK)

    async def _publish(self, user: str, reader: _Reader, desk: Desk) -> None:
        edges, catalog = self._edges, self._edges.catalog
        texts = Texts.of(await edges.people.language(user))
        language = texts.language
        found = await matrix(catalog.services, catalog.environments, edges, texts.language)

        def title_of(environment: str) -> str:
            try:
                return catalog.environment(environment).title.to(language)
            except UnknownNameError:  # `dynamo.yml` no longer has it
                return environment

        card = home_card(
            desk.waiting,
            desk.lists,
            desk.active,
            desk.locks,
            found,
            VERBS,
            reader=user,
            title_of=title_of,
            texts=texts,
            now=edges.clock.now(),
        )
        await edges.messenger.publish_home(user, card)
        reader.shown = desk
