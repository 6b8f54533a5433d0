"""Somebody outside does not answer in the middle of work: when to try again, and when to give up.

Pure. The waits double up to half a minute, and end at a time that was fixed by the first failure,
so that a person can be told it: what is away for longer than that needs people, not patience.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.back_off import back_off

PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Outage:
    """`port` is who is away, `message` its last word. The last try is made at `until`."""

    port: str
    message: str
    since: datetime
    until: datetime
    again_at: datetime
    tries: int = 1


def held_up(
    before: Outage | None, port: str, message: str, now: datetime, retry_after: float | None = None
) -> Outage | None:
    """After one more failure; None where it is given up. `retry_after` is in seconds, where the
    other side named them."""
    since = before.since if before else now
    until = before.until if before else now + PATIENCE
    if now >= until:
        return None
    tries = before.tries if before else 0
    wait = max(back_off(tries + 1).total_seconds(), retry_after or 0)
    again_at = min(now + timedelta(seconds=wait), until)
    return Outage(port, message, since, until, again_at, tries + 1)
