"""What the engine holds of one rollout while it drives it, and what it needs of others for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.cards.card import Card
from bot.domain.gate import GateResult
from bot.domain.promotion import Commits
from bot.domain.rollout import Diagnosis, Rollout
from bot.domain.rollout_course import Ground, Outlook
from bot.domain.shortage import Shortage
from bot.domain.workload import Event, Workload
from bot.ports import Written


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine needs of the workflows and cards beside it, handed in by the app."""

    write: Callable[[Rollout], Awaitable[Written]]
    prepare: Callable[[Rollout, Workload], Awaitable[Ground]]
    outlook: Callable[[Rollout], Awaitable[Outlook]]
    recheck: Callable[[Rollout], Awaitable[tuple[GateResult, ...]]]
    hold: Callable[[Rollout], Awaitable[None]]
    commits: Callable[[Rollout], Awaitable[Commits]]
    keep: Callable[[Rollout], Awaitable[None]]
    explain: Callable[[Rollout], Awaitable[tuple[Shortage, ...]]]
    diagnose: Callable[[Rollout, Workload], Awaitable[Diagnosis]]
    card: Callable[[Rollout, datetime], Card]
    details: Callable[[Rollout, datetime], Card]
    opened: Callable[[Rollout, datetime], Card]
    announcement: Callable[[Rollout, datetime], Card]
    posted: Callable[[Rollout], Awaitable[None]]
    turned_away: Callable[[Rollout], Awaitable[None]]
    ended: Callable[[Rollout], Coroutine[Any, Any, None]]
    moved: Callable[[Rollout], None]  # another state, or about to be written; returns at once


@dataclass(slots=True)
class Driver:
    """What is held of one rollout; all of it can be lost."""

    rollout: Rollout
    woken: bool = False
    reread: bool = False
    task: asyncio.Task[None] | None = None
    seen: Workload | None = None
    fresh: bool = False  # `seen` came after the last judgement
    events: tuple[Event, ...] = ()
    events_at: datetime | None = None
    stop_following: Callable[[], None] | None = None
    cancel_alarm: Callable[[], None] | None = None
    offered: str = ""  # fingerprint of the newest card handed to Slack
    shown: str = ""  # fingerprint of the newest card that Slack confirmed
    tries: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: bool = False

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside the steps; nobody waits for it, and stopping ends it."""
        if self.stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
