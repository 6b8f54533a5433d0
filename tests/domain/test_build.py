"""Builds as values: what a ref and an address may be, versions, following, ends, logs."""

from datetime import UTC, date, datetime

import pytest

from bot.domain.build import (
    Build,
    BuildState,
    BuildStep,
    Cause,
    Failure,
    Log,
    Wish,
    again,
    built,
    cancelled,
    failed,
    followed,
    is_commit,
    is_ref,
    is_repository,
    version_of,
)
from bot.domain.rollout import Actor, CardRef

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
COMMIT = "4f2a9c1" + "0" * 33


def a_build(**changes: object) -> Build:
    build = Build(
        id="b1",
        service="tasks-service",
        ref="main",
        commit=COMMIT,
        version="20261124-4f2a9c1",
        image="registry.yourapp.com/dynamo/tasks-service",
        repository="https://github.com/yourorg/tasks-service",
        requested_by=Actor("U0BEN00000"),
        requested_at=NOON,
        line="build tasks-service main",
        card=CardRef("C0DEVDEPLOY"),
    )
    return build.with_(**changes)


@pytest.mark.parametrize("ref", ["main", "feature/login", "v1.4.0", "4f2a9c1", "release_2", "é"])
def test_what_git_could_know_is_a_ref(ref: str) -> None:
    assert is_ref(ref)


@pytest.mark.parametrize(
    "ref",
    [
        *[
            "",
            "-x",
            "--upload-pack=id",
            "a..b",
            "a b",
            "a\nb",
            "a\0b",
            "x.lock",
            "a/.b",
            "/a",
            "a/",
        ],
        *["a//b", "@", "a@{1}", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a.", "x" * 201],
    ],
)
def test_what_git_could_take_for_something_else_is_no_ref(ref: str) -> None:
    assert not is_ref(ref)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/yourorg/tasks-service",
        "https://git.corp.example:8443/a/b.git",
        "ssh://git@host.example/a/b.git",
        "git@github.com:yourorg/tasks-service.git",
        "/srv/git/tasks-service.git",
        "file:///srv/git/tasks-service.git",
    ],
)
def test_https_ssh_and_paths_are_addresses(address: str) -> None:
    assert is_repository(address)


@pytest.mark.parametrize(
    "address",
    [
        "--upload-pack=id",
        "https://host/a --upload-pack=id",
        "https://user:secret@host/a",
        "ssh://-oProxyCommand=id/a",
        "-u@host:a",
        "ext::sh -c id",
        "fd::17",
        "https://host",
        "https://",
        "/srv/../etc",
        "file:///srv/../etc",
        "relative/path",
        "https://host/a\n",
    ],
)
def test_options_passwords_and_other_transports_are_none(address: str) -> None:
    assert not is_repository(address)


def test_a_version_is_the_tag_or_the_day_and_the_short_commit() -> None:
    day = date(2026, 11, 24)
    assert version_of("v1.4.0", COMMIT, day) == "v1.4.0"
    assert version_of("", COMMIT, day) == "20261124-4f2a9c1"
    assert version_of("release/1.4", COMMIT, day) == "20261124-4f2a9c1"
    assert version_of(".hidden", COMMIT, day) == "20261124-4f2a9c1"


def test_commit_ids_are_seven_to_forty_or_sixty_four_hexadecimal_digits() -> None:
    assert all(is_commit("a" * length) for length in (7, 12, 40, 64))
    assert not any(is_commit(text) for text in ("a" * 6, "a" * 41, "A" * 40, "main"))


def test_a_person_who_asks_twice_wishes_once_and_two_persons_twice() -> None:
    ben = Wish("dev", Actor("U0BEN00000"), "deploy tasks-service dev main")
    ana = Wish("dev", Actor("U0ANA00000"), "deploy tasks-service dev main")
    once = followed(a_build(), ben)
    assert followed(once, ben) == once
    assert followed(once, ana).wishes == (ben, ana)
    assert followed(once, None) == once


def test_what_is_over_cannot_be_cancelled() -> None:
    ended = built(a_build(state=BuildState.BUILDING), "sha256:" + "ab" * 32, NOON)
    assert cancelled(ended, "U0ANA00000", NOON) is None
    stopped = cancelled(a_build(), "U0ANA00000", NOON)
    assert stopped is not None
    assert (stopped.state, stopped.ended_by) == (BuildState.CANCELLED, "U0ANA00000")
    assert cancelled(stopped, "U0BEN00000", NOON) is None


def test_a_failure_keeps_the_last_lines_and_the_step() -> None:
    failure = Failure(Cause.COMMAND, BuildStep.COMMAND, {"exit": "1"})
    ended = failed(a_build(), failure, tuple(map(str, range(100))), NOON)
    assert ended.step is BuildStep.COMMAND
    assert (len(ended.tail), ended.tail[-1]) == (20, "99")


def test_built_anew_a_commit_keeps_its_version_unless_it_has_a_tag_by_now() -> None:
    before = a_build(revision=7)
    later = a_build(id="b2", version="20261125-4f2a9c1")
    assert (again(before, later).version, again(before, later).revision) == (before.version, 7)
    tagged = a_build(id="b2", ref="v1.5.0", version="v1.5.0")
    assert again(before, tagged).version == "v1.5.0"


def test_a_step_without_a_command_is_not_shown() -> None:
    assert BuildStep.COMMAND not in a_build().steps
    assert BuildStep.COMMAND in a_build(command="npm ci").steps


def test_a_log_that_is_too_long_keeps_its_beginning_and_its_end() -> None:
    log = Log(most=100, last=3)
    for number in range(1000):
        log.add(f"line {number}")
    assert log.lines[0] == "line 0"
    assert log.lines[-3:] == ["line 997", "line 998", "line 999"]
    assert sum("[… +" in line for line in log.lines) == 1
    kept = len(log.lines) - 1
    assert f"[… +{1000 - kept} …]" in log.lines
