"""What the checks of a commit say together, and which commit and repository a release has."""

import pytest

from bot.domain.ci import Check, CheckState, CiState, judge_ci
from bot.domain.release import commit_in, hosted_name

PASSED, RUNNING, FAILED = CheckState.PASSED, CheckState.RUNNING, CheckState.FAILED


def checks(**states: CheckState) -> list[Check]:
    return [Check(name, state, f"https://ci/{name}") for name, state in states.items()]


@pytest.mark.parametrize(
    ("found", "required", "state"),
    [
        ({}, (), CiState.NONE),
        ({"unit": PASSED}, (), CiState.GREEN),
        ({"unit": PASSED, "build": RUNNING}, (), CiState.PENDING),
        ({"unit": FAILED, "build": RUNNING}, (), CiState.RED),
        ({"unit": PASSED, "lint": FAILED}, (), CiState.RED),
        ({"unit": PASSED, "lint": FAILED}, ("unit",), CiState.GREEN),
        ({"unit": PASSED}, ("unit", "build"), CiState.PENDING),
        ({"unit": FAILED}, ("unit", "build"), CiState.RED),
        ({}, ("unit",), CiState.PENDING),
        ({"lint": PASSED}, ("unit",), CiState.PENDING),
    ],
)
def test_the_checks_that_count_decide(
    found: dict[str, CheckState], required: tuple[str, ...], state: CiState
) -> None:
    assert judge_ci(checks(**found), required).state is state


def test_of_two_checks_of_one_name_the_failed_one_counts() -> None:
    answer = judge_ci([*checks(unit=PASSED), *checks(unit=FAILED)], ("unit",))
    assert answer.state is CiState.RED
    assert [check.url for check in answer.failed] == ["https://ci/unit"]


def test_what_is_waited_for_is_named() -> None:
    answer = judge_ci(checks(unit=PASSED, build=RUNNING), ("unit", "build", "deploy-preview"))
    assert [check.name for check in answer.running] == ["build"]
    assert answer.missing == ("deploy-preview",)
    assert (len(answer.passed), answer.of) == (1, 3)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/yourorg/tasks-service", "yourorg/tasks-service"),
        ("https://github.com/yourorg/tasks-service.git", "yourorg/tasks-service"),
        ("https://ghe.example.com:8443/yourorg/tasks.api/", "yourorg/tasks.api"),
        ("git@github.com:yourorg/tasks-service.git", "yourorg/tasks-service"),
        ("ssh://git@github.com/yourorg/tasks-service", "yourorg/tasks-service"),
        ("/srv/git/tasks-service.git", ""),
        ("file:///srv/git/tasks-service", ""),
        ("https://github.com/yourorg", ""),
        ("https://github.com/a/b/c", ""),
        ("https://github.com/../x", ""),
        ("https://github.com/yourorg/tasks service", ""),
        ("", ""),
    ],
)
def test_owner_and_name_are_read_from_an_address_of_a_git_host(address: str, name: str) -> None:
    assert hosted_name(address) == name


@pytest.mark.parametrize("label", ["", "main", "abc123", "A" * 40, "a" * 41, "../" + "a" * 37])
def test_only_a_full_commit_id_is_a_commit(label: str) -> None:
    assert commit_in(label) == ""
    assert commit_in("a1" * 20) == "a1" * 20
