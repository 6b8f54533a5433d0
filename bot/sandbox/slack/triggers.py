"""Trigger ids: proof that a person did something just now, good for one modal within three
seconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.sandbox.clock import Clock
from bot.sandbox.slack import limits
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.waiting import patience

_KEPT = 10_000


@dataclass(slots=True)
class Trigger:
    """Who acted, in which open modal (None outside of one), and in which conversation."""

    user: str
    view_id: str | None
    until: float
    used: bool = False
    channel: str | None = None


class Triggers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._count = 0

    def issue(self, user: str, view_id: str | None = None, channel: str | None = None) -> str:
        self._count += 1
        trigger_id = f"{self._count}.{10_000_000 + self._count}.{secrets.token_hex(16)}"
        until = self._clock.monotonic() + patience(self._clock, limits.TRIGGER_SECONDS)
        self._triggers[trigger_id] = Trigger(user, view_id, until, channel=channel)
        if len(self._triggers) > _KEPT:
            del self._triggers[next(iter(self._triggers))]
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger up; raises `SlackError` for one that is unknown, used or too old."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.monotonic() > trigger.until:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger
