"""The one message of each checklist: posted once, edited in place, always from the store.

Whoever changes a list says so here and goes on. One task for each list renders the newest stored
revision and hands it to Slack; while an edit waits or is on its way further changes fold into the
next one, so that a thousand clicks cost a few edits. What Slack has not confirmed is shown after
the next start (`Checklists.unshown`). As with cards, intent is saved before a message is posted,
and an intent without an answer is looked for by its key.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.domain.checklist import Checklist
from bot.domain.rollout import CardRef
from bot.errors import PortError, Trouble
from bot.ports import Checklists, Clock, Messenger

log = logging.getLogger(__name__)

_TRY_AGAIN = timedelta(seconds=5)
_LOOK_AGAIN = timedelta(seconds=30)  # at CI, when its host did not answer
_AT_ONCE = 5
_SPELL = timedelta(seconds=10)
"""So many edits of one list go at once within a spell; further ones wait for their turn among all
cards: a person sees a click at once, and a storm of clicks leaves the budget to the others."""

Key = tuple[str, str]  # service, digest


@dataclass(slots=True)
class _Message:
    """What is held of one list's message while somebody works on it; all of it can be lost."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    shown: str = ""  # fingerprint of the newest card that Slack confirmed
    at_once: deque[datetime] = field(default_factory=lambda: deque(maxlen=_AT_ONCE))
    cancel_alarm: Callable[[], None] | None = None
    cancel_look: Callable[[], None] | None = None
    error: PortError | None = None


class ChecklistMessages:
    """`render` makes the card of a list, `channel` says where messages go. Set after it is made:
    `look` holds a list against CI again and asks what changed, `on_change` hears of the service
    whose list changed."""

    def __init__(
        self,
        checklists: Checklists,
        messenger: Messenger,
        clock: Clock,
        *,
        render: Callable[[Checklist], Card],
        channel: Callable[[], str],
    ) -> None:
        self._checklists = checklists
        self._messenger = messenger
        self._clock = clock
        self._render = render
        self._channel = channel
        self._messages: dict[Key, _Message] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.look: Callable[[str, str], Coroutine[object, object, object]] | None = None
        self.on_change: Callable[[str], None] = lambda _: None

    async def start(self) -> None:
        """Show what an earlier process did not get shown, and ask CI of what it may have waited
        for."""
        for service, digest in await self._checklists.unshown():
            self.show(service, digest)
        for service, digest in await self._checklists.live():
            self.look_again(service, digest, self._clock.now())

    async def stop(self) -> None:
        self._stopping = True
        tasks = [*self._tasks]
        for message in self._messages.values():
            for cancel in (message.cancel_alarm, message.cancel_look):
                if cancel is not None:
                    cancel()
            if message.task is not None:
                tasks.append(message.task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def changed(self, service: str, digest: str) -> None:
        """The list has changed: show it, and tell who waits for it."""
        self.show(service, digest)
        self.on_change(service)

    def show(self, service: str, digest: str) -> None:
        """See to it that the message says what the store says; nobody waits for it here."""
        if self._stopping:
            return
        message = self._messages.setdefault((service, digest), _Message())
        message.news.set()
        if message.task is None:
            work = self._work((service, digest), message)
            message.task = asyncio.get_running_loop().create_task(work)

    async def placed(self, service: str, digest: str) -> CardRef:
        """Where the message is, once it is. Raises PortError when it could not be posted."""
        while True:
            held = await self._checklists.get(service, digest)
            if held is None or held.card.ts:
                return held.card if held else CardRef("")
            self.show(service, digest)
            message = self._messages[service, digest]
            if message.task is not None:
                await asyncio.wait([message.task])
            if message.error is not None:
                raise message.error

    def look_again(self, service: str, digest: str, when: datetime | None) -> None:
        """Hold the list against CI at that time; None: its host did not answer, so in a while."""
        message = self._messages.setdefault((service, digest), _Message())
        if message.cancel_look is not None:
            message.cancel_look()
        due = when or self._clock.now() + _LOOK_AGAIN
        message.cancel_look = self._clock.call_at(due, lambda: self._look(service, digest))

    # --- one message, one task at a time -------------------------------------------------------

    async def _work(self, key: Key, message: _Message) -> None:
        message.error = None
        try:
            while message.news.is_set():
                message.news.clear()
                await self._bring_up_to_date(key, message)
        except PortError as error:
            log.warning("the checklist of %s: %s", key[0], error)
            message.error = error
            if error.temporary:
                self._try_again(key, message)
        except Exception:
            log.exception("the checklist of %s met a bug", key[0])
        finally:
            message.task = None
        if message.news.is_set():
            self.show(*key)

    async def _bring_up_to_date(self, key: Key, message: _Message) -> None:
        held = await self._checklists.get(*key)
        if held is None:
            return
        if not held.card.ts:
            held = await self._post(key, held, message)
        card = self._render(held)
        if shown_hash(card) == message.shown:
            await self._checklists.shown(*key, held.revision)
            return
        edit = asyncio.ensure_future(
            self._messenger.update(held.card, card, urgent=self._may_go_at_once(message))
        )
        news = asyncio.ensure_future(message.news.wait())
        try:
            # A newer revision takes the place of one that still waits: the messenger lets it.
            await asyncio.wait([edit, news], return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        if not edit.done():
            self._keep(self._confirm(key, held, card, edit, message))
            return
        await self._confirm(key, held, card, edit, message)

    async def _confirm(
        self,
        key: Key,
        held: Checklist,
        card: Card,
        edit: asyncio.Future[bool],
        message: _Message,
    ) -> None:
        try:
            confirmed = await edit
        except PortError as error:
            await self._edit_failed(key, held, error, message)
            return
        if confirmed:
            message.shown = shown_hash(card)
            await self._checklists.shown(*key, held.revision)

    async def _edit_failed(
        self, key: Key, held: Checklist, error: PortError, message: _Message
    ) -> None:
        log.warning("the checklist of %s was not edited: %s", key[0], error)
        if error.temporary:
            self._try_again(key, message)
        elif error.trouble is Trouble.NOT_FOUND:  # somebody deleted the message: post it anew
            await self._checklists.placed(*key, CardRef(held.card.channel))
            message.shown = ""
            self.show(*key)
        else:  # an archived channel, say: the list counts without an audience
            await self._checklists.shown(*key, held.revision)

    async def _post(self, key: Key, held: Checklist, message: _Message) -> Checklist:
        """Post it once, whenever the process dies: intent first, then look, then post."""
        mark = f"checklist:{held.service}:{held.digest}"
        found = None
        if held.card.since is not None:
            found = await self._messenger.find(held.card.channel, mark, held.card.since)
            channel = held.card.channel
        else:
            channel = held.card.channel or self._channel()
            await self._checklists.placed(*key, CardRef(channel, since=self._clock.now()))
        card = self._render(held)
        posted = found or await self._messenger.post(channel, card, key=mark)
        if found is None:
            message.shown = shown_hash(card)
        await self._checklists.placed(*key, posted, held.revision if found is None else -1)
        return held.with_(card=posted)

    def _may_go_at_once(self, message: _Message) -> bool:
        now = self._clock.now()
        full = len(message.at_once) == _AT_ONCE
        if full and now - message.at_once[0] < _SPELL:
            return False
        message.at_once.append(now)
        return True

    def _try_again(self, key: Key, message: _Message) -> None:
        if message.cancel_alarm is not None:
            message.cancel_alarm()
        due = self._clock.now() + _TRY_AGAIN
        message.cancel_alarm = self._clock.call_at(due, lambda: self.show(*key))

    def _look(self, service: str, digest: str) -> None:
        self._messages[service, digest].cancel_look = None
        if self.look is not None and not self._stopping:
            self._keep(self._guarded(self.look(service, digest), service))

    async def _guarded(self, work: Awaitable[object], service: str) -> None:
        try:
            await work
        except PortError as error:
            log.warning("CI of the checklist of %s: %s", service, error)

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
