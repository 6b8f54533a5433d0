"""Metrics: a Prometheus for each environment that names one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.analysis import Sample, Window


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer. Values that are NaN or infinite stand as they came."""

    labels: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()


class Metrics(Protocol):
    def serves(self, environment: str) -> bool:
        """Whether a Prometheus is named for it."""

    async def at(self, environment: str, query: str, when: datetime) -> Sequence[Series]:
        """What a query gives at one time: a sample for each series. A scalar is one series.

        Raises PortError: INVALID (the query, in the server's words), AWAY, THROTTLED,
        UNAUTHENTICATED, FORBIDDEN, NOT_FOUND (nothing like Prometheus there), UNEXPECTED."""

    async def over(
        self, environment: str, query: str, window: Window, step: timedelta
    ) -> Sequence[Series]:
        """What it gives at each step from the window's start to its end, both included; steps at
        which there was nothing are left out. Raises as `at`."""
