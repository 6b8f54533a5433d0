"""Slack: messages, private answers, windows, and who people are."""

from datetime import datetime
from typing import Protocol

from bot.cards.card import Card
from bot.cards.modal import Modal
from bot.domain.rollout import CardRef


class Messenger(Protocol):
    async def post(self, channel: str, card: Card, *, thread: str = "", key: str = "") -> CardRef:
        """Post a message; `key` is stored with it as metadata, so that `find` can find it."""

    async def find(
        self, channel: str, key: str, since: datetime, *, thread: str = ""
    ) -> CardRef | None:
        """The message posted with this key since then, where the bot may read the history."""

    async def update(
        self, ref: CardRef, card: Card, *, urgent: bool = False, background: bool = False
    ) -> bool:
        """Edit a message, within the shared budget: the newest card wins. True once Slack has
        confirmed this card; False where a newer one took its place before it was sent.
        `background`: out of a budget of its own, which delays no other card."""

    async def whisper(self, channel: str, user: str, card: Card, *, thread: str = "") -> None:
        """A private answer: seen by one person, in the channel where possible, else a DM."""

    async def answer(
        self, response_url: str, user: str, channel: str, card: Card, *, replace: bool = False
    ) -> None:
        """A private answer to a command or a click, by the URL that Slack gave with it (30 minutes,
        5 times), which works where the bot is not a member; else as `whisper`. `replace` puts it
        in the place of the private message that was clicked."""

    async def permalink(self, ref: CardRef) -> str: ...

    async def open_modal(self, trigger_id: str, modal: Modal) -> None:
        """Open a window for whoever clicked: within three seconds of the click, and once."""

    async def update_modal(self, view_id: str, modal: Modal) -> None:
        """Draw an open window anew; what stands in fields that stay is kept."""

    async def keep_picture(self, name: str, picture: bytes, alt: str) -> str:
        """Give Slack a PNG that an image block can show, without posting it; the file's id, once
        Slack says that it can be shown. `alt` says the same in words."""

    async def publish_home(self, user: str, card: Card) -> None:
        """Show these blocks as a person's Home tab."""


class People(Protocol):
    async def language(self, user: str) -> str:
        """ "es" or "en": the reader's own Slack locale; "en" when it is not known."""

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a Slack user group."""
