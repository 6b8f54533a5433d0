"""The time, passed in."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, passed in: real in production, scaled in the sandbox, moved by hand in tests."""

    def now(self) -> datetime: ...  # aware UTC

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at that time, or as soon as possible when it is past; returns a cancel."""
