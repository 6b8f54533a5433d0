"""How tests are shared out among workers: `tests/scheduling.py`."""

from types import SimpleNamespace
from typing import Any

from tests.scheduling import longest_first, piece_of, workers

STORY = "tests/scenarios/test_deploy.py::test_one[a::b]"
BROWSED = "tests/sandbox/page/test_axe.py::test_one"
PURE = "tests/domain/test_window.py::test_one"


def item(nodeid: str, *marks: str) -> Any:
    return SimpleNamespace(
        nodeid=nodeid, get_closest_marker=lambda name: name if name in marks else None
    )


def test_a_story_goes_to_any_worker_and_the_tests_of_another_file_to_one():
    assert piece_of(STORY) == STORY
    assert piece_of(BROWSED) == "tests/sandbox/page/test_axe.py"
    assert piece_of("tests/domain/test_window.py::test_two[a::b]") == piece_of(PURE)


def test_the_longest_begin_first_and_the_rest_stays_in_its_order():
    later = "tests/adapters/test_later.py::test_one"
    items = [
        item(PURE), item(later), item(BROWSED), item(STORY), item(PURE, "slow"),
        item(STORY, "browser"), item(STORY, "slow"),
    ]  # fmt: skip
    longest_first(items)
    expected = [PURE, STORY, STORY, STORY, BROWSED, PURE, later]
    assert [each.nodeid for each in items] == expected
    assert [bool(each.get_closest_marker("browser")) for each in items].index(True) == 2


def test_there_are_workers_to_wait_while_others_work():
    assert workers() >= 2
