"""Response URLs: five answers within half an hour to the place where a person acted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.clock import Clock
from bot.sandbox.slack import limits
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.waiting import patience

Kind = Literal["commands", "actions"]


@dataclass(slots=True)
class ResponseUrl:
    """`source` is the message that was acted on, or the last answer to a command, by its ts."""

    path: str
    channel: str
    user: str
    until: float
    source: str | None = None
    command_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    def __init__(self, team_id: str, clock: Clock, base_url: Callable[[], str]) -> None:
        self._team_id = team_id
        self._clock = clock
        self._base_url = base_url
        self._urls: dict[str, ResponseUrl] = {}
        self._count = 0

    def issue(
        self,
        kind: Kind,
        channel: str,
        user: str,
        *,
        source: str | None = None,
        command_ts: str | None = None,
        thread_ts: str | None = None,
    ) -> ResponseUrl:
        self._count += 1
        path = f"/{kind}/{self._team_id}/{1_000_000 + self._count}/{secrets.token_urlsafe(18)}"
        until = self._clock.monotonic() + patience(self._clock, limits.RESPONSE_URL_SECONDS)
        url = ResponseUrl(path, channel, user, until, source, command_ts, thread_ts)
        self._urls[path] = url
        return url

    def kept(self) -> JSON:
        """Those that are good still, as orjson writes them."""
        now = self._clock.monotonic()
        good = [each for each in self._urls.values() if each.until > now]
        return {"count": self._count, "urls": good}

    def resume(self, kept: JSON) -> None:
        """Go on from what `kept` gave, read back."""
        self._count = kept["count"]
        self._urls = {each["path"]: ResponseUrl(**each) for each in kept["urls"]}

    def absolute(self, url: ResponseUrl) -> str:
        return f"{self._base_url()}{url.path}"

    def use(self, path: str) -> ResponseUrl:
        """Count a use; raises `used_url`, `expired_url`, or `invalid_url` for one never issued."""
        url = self._urls.get(path)
        if url is None:
            raise SlackError("invalid_url")
        if self._clock.monotonic() > url.until:
            raise SlackError("expired_url")
        if url.uses >= limits.RESPONSE_URL_USES:
            raise SlackError("used_url")
        url.uses += 1
        return url
