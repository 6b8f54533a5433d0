"""What Dynamo says in Slack: posts, edits, private answers, and who people are.

One long-lived HTTP session for all calls. Posts wait out a 429 by themselves; edits go through
`slack_updates`, which has the whole picture. A card that Slack refuses for its blocks is sent as
its one sentence instead, and logged as the bug it is: a message must never be lost to its form.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_errors import slack_errors
from bot.adapters.slack_updates import CardUpdates
from bot.cards.card import Card
from bot.cards.modal import Modal
from bot.domain.rollout import CardRef
from bot.errors import PortError, Trouble
from bot.ports import Clock

log = logging.getLogger(__name__)

_EVENT = "dynamo_message"  # metadata that marks a message as ours, with its key
_LOCALE_KEPT = timedelta(hours=24)
_GROUP_KEPT = timedelta(seconds=10)
"""Who is in a group is asked at the click; a storm of clicks shares an answer, since Slack lets an
app ask about twenty times a minute."""
_CLOCKS_APART = timedelta(seconds=30)  # between ours and Slack's, when looking for a message
_PAGES = 5
_FILE_MOST = 1_000_000  # characters of a file
_TITLE, _ALT = 200, 1_000  # characters of a picture's
_PROCESSING = (0.25, 0.25, 0.5, 0.5, 1, 2, 4)  # seconds that Slack gets to look at a picture


class SlackMessenger:
    """`bot.ports.Messenger`. `client` carries the token, the base URL and the session."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._patient = _waiting_out_429(client)
        self._updates = CardUpdates(self._edit, clock)

    async def close(self) -> None:
        await self._updates.close()

    async def post(self, channel: str, card: Card, *, thread: str = "", key: str = "") -> CardRef:
        arguments: dict[str, Any] = {
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread:
            arguments["thread_ts"] = thread
        if key:
            arguments["metadata"] = {"event_type": _EVENT, "event_payload": {"key": key}}
        async with slack_errors(channel=channel):
            answer = await _with_fallback(self._patient.chat_postMessage, card, arguments)
        posted = CardRef(channel=str(answer["channel"]), ts=str(answer["ts"]))
        self._updates.posted(posted)
        if card.full and (thread or channel.startswith("U")):
            await self._upload(posted.channel, card, thread=thread or posted.ts)
        return posted

    async def update(
        self, ref: CardRef, card: Card, *, urgent: bool = False, background: bool = False
    ) -> bool:
        return await self._updates.offer(ref, card, urgent=urgent, background=background)

    async def find(
        self, channel: str, key: str, since: datetime, *, thread: str = ""
    ) -> CardRef | None:
        oldest = f"{(since - _CLOCKS_APART).timestamp():.6f}"
        cursor = ""
        for _ in range(_PAGES):
            try:
                async with slack_errors(channel=channel):
                    page = await self._history(channel, thread, oldest, cursor)
            except PortError as error:
                if error.temporary:
                    raise
                # Without the optional history scope a card that Slack took in the moment of a
                # crash cannot be found again; it is posted anew.
                log.info("cannot look for message %s in %s: %s", key, channel, error)
                return None
            for message in page["messages"]:
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("key") == key:
                    return CardRef(channel=channel, ts=str(message["ts"]))
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return None

    async def whisper(self, channel: str, user: str, card: Card, *, thread: str = "") -> None:
        if channel == user:
            await self.post(user, card)
            return
        place = {"channel": channel, "user": user, **({"thread_ts": thread} if thread else {})}
        try:
            async with slack_errors(channel=channel):
                await _with_fallback(self._patient.chat_postEphemeral, card, place)
        except PortError as error:
            if error.trouble not in {Trouble.NOT_INVITED, Trouble.UNEXPECTED}:
                raise
            await self.post(user, card)  # Slack opens the direct message

    async def answer(
        self, response_url: str, user: str, channel: str, card: Card, *, replace: bool = False
    ) -> None:
        card = await self._with_link(user, card)
        body: dict[str, Any] = {"text": card.text, "blocks": [dict(b) for b in card.blocks]}
        # The SDK's webhook client opens a connection for each call; the session is already warm.
        body |= {"response_type": "ephemeral", "replace_original": replace}
        try:
            async with slack_errors(channel=channel):
                session = self._client.session
                assert session is not None
                async with session.post(response_url, json=body) as answered:
                    if answered.status == 200:
                        return
                    log.info("a response URL answered %s", answered.status)
        except PortError as error:
            log.info("a response URL did not answer: %s", error)
        await self.whisper(channel, user, card)

    async def permalink(self, ref: CardRef) -> str:
        async with slack_errors(channel=ref.channel):
            answer = await self._patient.chat_getPermalink(channel=ref.channel, message_ts=ref.ts)
        return str(answer["permalink"])

    async def open_modal(self, trigger_id: str, modal: Modal) -> None:
        async with slack_errors():
            await self._client.views_open(trigger_id=trigger_id, view=modal.view)

    async def update_modal(self, view_id: str, modal: Modal) -> None:
        async with slack_errors():
            await self._patient.views_update(view_id=view_id, view=modal.view)

    async def keep_picture(self, name: str, picture: bytes, alt: str) -> str:
        async with slack_errors():
            answer = await self._patient.files_upload_v2(
                filename=name, content=picture, title=alt[:_TITLE], alt_txt=alt[:_ALT]
            )
            file = str((answer.get("file") or {})["id"])
        for pause in _PROCESSING:
            if await self._can_be_shown(file):
                break
            await asyncio.sleep(pause)
        return file

    async def _can_be_shown(self, file: str) -> bool:
        """An image block that is sent before Slack has looked at the file is refused. Without the
        scope that asks, the time that it gets must do."""
        try:
            async with slack_errors():
                found = await self._patient.files_info(file=file)
        except PortError as error:
            if error.temporary:
                raise
            return False
        return bool((found.get("file") or {}).get("mimetype"))

    async def publish_home(self, user: str, card: Card) -> None:
        view = {"type": "home", "blocks": [dict(block) for block in card.blocks]}
        async with slack_errors(user=user):
            await self._patient.views_publish(user_id=user, view=view)

    async def _with_link(self, user: str, card: Card) -> Card:
        """A private answer that was cut links to its full text, a file in the person's direct
        messages: nothing private can be attached in a channel."""
        if not card.full:
            return card
        try:
            async with slack_errors(user=user):
                opened = _body(await self._patient.conversations_open(users=user))
                link = await self._upload(str(opened["channel"]["id"]), card)
        except PortError as error:
            log.warning("the full text of an answer could not be sent: %s", error)
            return card
        whole = {"type": "mrkdwn", "text": f":page_facing_up: <{link}|{card.file}>"}
        return replace(card, blocks=(*card.blocks, {"type": "context", "elements": [whole]}))

    async def _upload(self, channel: str, card: Card, thread: str = "") -> str:
        """Post the full text as a file; returns its address. A failed upload fails no message."""
        try:
            async with slack_errors(channel=channel):
                answer = await self._patient.files_upload_v2(
                    channel=channel,
                    thread_ts=thread or None,
                    filename=card.file,
                    content=card.full[:_FILE_MOST],
                )
        except PortError as error:
            log.warning("a full text was not uploaded: %s", error)
            return ""
        return str((answer.get("file") or {}).get("permalink", ""))

    async def _edit(self, ref: CardRef, card: Card) -> None:
        async with slack_errors(channel=ref.channel):
            await _with_fallback(
                self._client.chat_update, card, {"channel": ref.channel, "ts": ref.ts}
            )

    async def _history(
        self, channel: str, thread: str, oldest: str, cursor: str
    ) -> Mapping[str, Any]:
        arguments: dict[str, Any] = {"channel": channel, "oldest": oldest, "limit": 100}
        if cursor:
            arguments["cursor"] = cursor
        arguments["include_all_metadata"] = True
        if thread:
            return _body(await self._patient.conversations_replies(ts=thread, **arguments))
        return _body(await self._patient.conversations_history(**arguments))


class SlackPeople:
    """`bot.ports.People`: locale and user groups, asked once and kept for a while."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = _waiting_out_429(client)
        self._clock = clock
        self._languages: dict[str, tuple[datetime, str]] = {}
        self._groups: tuple[datetime, Mapping[str, frozenset[str]]] | None = None
        self._asking = asyncio.Lock()

    async def language(self, user: str) -> str:
        kept = self._languages.get(user)
        now = self._clock.now()
        if kept is not None and now - kept[0] < _LOCALE_KEPT:
            return kept[1]
        try:
            async with slack_errors():
                answer = await self._client.users_info(user=user, include_locale=True)
        except PortError as error:
            log.info("no locale for %s: %s", user, error)
            return kept[1] if kept else "en"
        locale = str((answer.get("user") or {}).get("locale") or "")
        language = "es" if locale.lower().startswith("es") else "en"
        self._languages[user] = (now, language)
        return language

    async def members(self, group: str) -> frozenset[str]:
        """Raises PortError when Slack does not say: fails closed. All groups come in one call."""
        now = self._clock.now()
        if self._groups is None or now - self._groups[0] >= _GROUP_KEPT:
            async with self._asking, slack_errors(group=group):
                if self._groups is None or now - self._groups[0] >= _GROUP_KEPT:
                    answer = await self._client.usergroups_list(include_users=True)
                    found = {
                        str(g["id"]): frozenset(g.get("users") or ()) for g in answer["usergroups"]
                    }
                    self._groups = (now, found)
        return self._groups[1].get(group, frozenset())


def _waiting_out_429(client: AsyncWebClient) -> AsyncWebClient:
    """The same client, with its session, that waits as long as Slack asks before it gives up."""
    patient = AsyncWebClient(
        token=client.token,
        base_url=client.base_url,
        session=client.session,
        timeout=client.timeout,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
    )
    patient.proxy = client.proxy  # the SDK would ask the environment again
    return patient


async def _with_fallback(method: Any, card: Card, arguments: dict[str, Any]) -> Mapping[str, Any]:
    blocks = [dict(block) for block in card.blocks]
    try:
        async with slack_errors():
            return _body(await method(text=card.text, blocks=blocks, **arguments))
    except PortError as error:
        if error.trouble is not Trouble.INVALID or card.strict:
            raise
        log.exception("Slack refused the blocks of %r; sending its sentence", card.text)
        sentence = card.text[:2900]
        plain = {"type": "section", "text": {"type": "plain_text", "text": sentence}}
        return _body(await method(text=sentence, blocks=[plain], **arguments))


def _body(answer: Any) -> Mapping[str, Any]:
    data = answer.data
    if not isinstance(data, dict):
        message = "an answer that is no JSON object"
        raise PortError("slack", Trouble.UNEXPECTED, temporary=True, values={"message": message})
    return data
