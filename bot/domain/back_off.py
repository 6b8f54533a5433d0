"""How long to wait before something that did not answer is asked again: longer with each try. Pure.

One rule for all that goes on by itself, so that an outage feels alike wherever it is met. A build's
patience with who is away has an end of its own (`outage.py`).
"""

from datetime import timedelta

_SECONDS = (1, 2, 4, 8, 15, 30)


def back_off(tries: int) -> timedelta:
    """The wait after so many tries have failed before this one; 30 s at most."""
    return timedelta(seconds=_SECONDS[min(tries, len(_SECONDS) - 1)])
