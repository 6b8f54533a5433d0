"""In which order tests run, and which of them a worker is given together (`make test`).

Stories of the offline world mostly wait, so there are more workers than cores, and each story is a
piece of work of its own. Other tests of one file stay together: they share what was started for
them. The longest begin first, so that none of them runs on alone in the end.
"""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

WORKERS_PER_CORE = 2
_STORIES = "tests/scenarios/"
_BROWSED = "tests/sandbox/page/"


class Pieces(LoadScopeScheduling):  # type: ignore[misc]
    """`--dist loadfile`, but for stories."""

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)


def piece_of(nodeid: str) -> str:
    """What runs on one worker: a story, or a file."""
    return nodeid if nodeid.startswith(_STORIES) else nodeid.split("::", 1)[0]


def workers() -> int:
    return WORKERS_PER_CORE * len(os.sched_getaffinity(0))


def longest_first(items: list[Any]) -> None:
    """Sorts in place; what is equally long stays in the order of its files."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.nodeid.split("::", 1)[0]
    if item.get_closest_marker("slow"):
        return 0
    if path.startswith(_STORIES):
        return 1 if item.get_closest_marker("browser") else 2
    return 3 if path.startswith(_BROWSED) else 4
