"""What a step of an analysis is done on: the case as it is at one moment, and what is held of it.

Between the desk (`analysis_desk.py`), which drives, and the effects (`analysis_effects.py`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.cards.card import Card
from bot.domain.analysis import Analysis
from bot.domain.rollout import Rollout
from bot.workflows.edges import Place
from config.catalog import AnalysisTimes


@dataclass(slots=True)
class Live:
    """What is held of one analysis while it is driven; all of it can be lost."""

    id: str
    news: bool = False
    task: asyncio.Task[None] | None = None
    cancel_alarm: Callable[[], None] | None = None
    shown: str = ""  # fingerprint of the newest card that Slack confirmed
    guarded_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One analysis at one moment, with everything that a step is done on."""

    analysis: Analysis
    rollout: Rollout | None
    place: Place
    times: AnalysisTimes
    card: Card
