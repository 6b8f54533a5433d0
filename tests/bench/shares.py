"""Shares of what was simulated, with how much of them may be chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.rows import Row

_Z = 1.96


@dataclass(frozen=True)
class Share:
    """In percent; `error` is half the 95 % interval (Wilson)."""

    found: float
    error: float

    @classmethod
    def of(cls, hits: Sequence[bool]) -> "Share":
        n, p = len(hits), sum(hits) / len(hits)
        half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
        return cls(100 * p, 100 * half)

    def row(self, what: str, aim: str) -> Row:
        return Row(what, self.found, None, "%", aim, error=self.error)
