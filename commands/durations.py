"""A duration as it is typed, `90s`, `2h` or `1d12h`, as an amount of time."""

import re
from datetime import timedelta

_PART = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def amount_of(text: str) -> timedelta:
    """Of a text that the parser let through; at most some ten thousand years."""
    parts = _PART.findall(text)
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))
