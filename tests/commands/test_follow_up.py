"""What a line in a rollout's thread leaves out is what the thread is about."""

import pytest

from commands.command import Invocation, UsageCode, UsageError
from commands.follow_up import follow_up

SERVICE, HERE = "tasks-service", "qa"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("status", "status tasks-service qa"),
        ("logs", "logs tasks-service qa"),
        ("  logs  --follow", "logs tasks-service qa --follow"),
        ("registros", "logs tasks-service qa"),
        ("rollback", "rollback tasks-service qa"),
        ("rollback 1.3.2", "rollback tasks-service qa 1.3.2"),
        ("deploy prod", "deploy tasks-service prod"),
        ("deploy 1.4.0", "deploy tasks-service qa 1.4.0"),
        ("scale 5", "scale tasks-service qa 5"),
        ("history", "history tasks-service qa"),
        ("promote", "promote tasks-service"),
        ("promote prod", "promote tasks-service prod"),
        ("checklist", "checklist tasks-service"),
        ("build main", "build tasks-service main"),
        ("locks", "locks qa"),
        ("lock", "lock tasks-service qa"),
        ("diff prod", "diff tasks-service qa prod"),
        ('cancel --reason "not today"', 'cancel tasks-service qa --reason "not today"'),
    ],
)
def test_the_place_of_the_thread_is_filled_in(sample, said, line):
    read = follow_up(said, SERVICE, HERE, sample)
    assert isinstance(read, Invocation)
    assert read.line == line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("status prod", "status prod"),
        ("status forms-service", "status forms-service"),
        ("lock qa", "lock qa"),
        ("rollback forms-service prod", "rollback forms-service prod"),
        ("whoami", "whoami"),
        ("help", "help"),
    ],
)
def test_what_a_person_names_is_not_added_to(sample, said, line):
    read = follow_up(said, SERVICE, HERE, sample)
    assert isinstance(read, Invocation)
    assert read.line == line


@pytest.mark.parametrize(
    "said", ["", "frobnicate", "scale", "logs --tail", 'lock "', "deploy tasks-servce"]
)
def test_what_is_still_not_understood_is_told_as_it_was_said(sample, said):
    read = follow_up(said, SERVICE, HERE, sample)
    assert isinstance(read, UsageError)


def test_a_service_that_is_gone_from_the_catalog_fills_nothing_in(sample):
    read = follow_up("logs", "former-service", HERE, sample)
    assert isinstance(read, UsageError)
    assert read.code is UsageCode.MISSING_ARGUMENTS
