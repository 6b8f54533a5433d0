"""Whose log is read, under which short name, and why some have none."""

from datetime import UTC, datetime

import pytest

from bot.domain.log_query import Query
from bot.domain.log_sources import NoSources, Sources, short_names, sources_of
from bot.domain.workload import (
    Condition,
    Container,
    Deployment,
    Pod,
    Termination,
    Workload,
)

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUNS = Container("app", running_since=AT)


def pod(name: str, *containers: Container, **more: object) -> Pod:
    return Pod(name, f"uid-{name}", containers=containers or (RUNS,), **more)  # type: ignore[arg-type]


def workload(*pods: Pod, desired: int = 2) -> Workload:
    return Workload(Deployment("tasks-service", "qa", "d", desired=desired), pods=pods)


def found(asked: Query, *pods: Pod, default: str = "app") -> Sources:
    read = sources_of(workload(*pods), asked, default)
    assert isinstance(read, Sources), read
    return read


A, B = pod("tasks-service-5d8f-x2k9p"), pod("tasks-service-5d8f-a7w4z")


def test_all_pods_speak_under_the_ends_of_their_names():
    assert [s.name for s in found(Query(), A, B).sources] == ["a7w4z", "x2k9p"]


def test_names_that_end_alike_are_told_apart():
    names = ["a-1-x2k9p", "a-2-x2k9p", "b-1-other"]
    short = short_names([pod(name) for name in names])
    assert list(short.values()) == ["1-x2k9p", "2-x2k9p", "other"]


@pytest.mark.parametrize("word", ["tasks-service-5d8f-x2k9p", "x2k9p", "tasks-service-5d8f-x"])
def test_a_pod_is_asked_for_by_its_name_its_short_one_or_its_beginning(word):
    assert [s.pod for s in found(Query(pod=word), A, B).sources] == [A.name]


def test_the_container_of_the_catalog_speaks_and_the_others_are_named():
    mesh = Container("istio-proxy", running_since=AT)
    first = Container("migrate", init=True, terminated=Termination(0))
    both = pod("p-1-aaaaa", first, RUNS, mesh)
    assert [s.container for s in found(Query(), both).sources] == ["app"]
    assert found(Query(), both).others == ("migrate", "istio-proxy")
    asked = found(Query(container="migrate"), both)
    assert [s.container for s in asked.sources] == ["migrate"]


def test_without_that_container_all_of_a_pod_speak_but_not_its_init_containers():
    mesh = Container("web", running_since=AT)
    first = Container("migrate", init=True, terminated=Termination(0))
    read = found(Query(), pod("p-1-aaaaa", first, RUNS, mesh), default="other")
    assert [s.name for s in read.sources] == ["aaaaa/app", "aaaaa/web"]


def test_a_container_that_never_started_says_why():
    waits = Container(
        "app", waiting_reason="ImagePullBackOff", waiting_message="token=abcdefgh not found"
    )
    read = found(Query(), A, pod("p-1-b5c6d", waits))
    assert [s.pod for s in read.sources] == [A.name]
    (why,) = read.silent
    assert (why.code, why.values["pod"], why.values["reason"]) == (
        "never_started",
        "b5c6d",
        "ImagePullBackOff",
    )
    assert "abcdefgh" not in str(why.values["message"])


def test_a_pod_that_no_node_takes_says_so():
    unplaced = Condition("PodScheduled", "False", "Unschedulable", "0/3 nodes: too little memory")
    (why,) = found(Query(), pod("p-1-b5c6d", Container("app"), conditions=(unplaced,))).silent
    assert (why.values["reason"], why.values["message"]) == (
        "Unschedulable",
        "0/3 nodes: too little memory",
    )


def test_the_log_from_before_is_of_those_that_ran_before():
    again = Container("app", running_since=AT, restarts=2, last_terminated=Termination(1))
    read = found(Query(previous=True), A, pod("p-1-b5c6d", again))
    assert [s.name for s in read.sources] == ["b5c6d"]
    assert [(s.code, s.values["pod"]) for s in read.silent] == [("no_previous", "x2k9p")]


def test_a_container_between_two_runs_still_has_its_log():
    crashed = Container("app", waiting_reason="CrashLoopBackOff", last_terminated=Termination(1))
    assert len(found(Query(), pod("p-1-b5c6d", crashed)).sources) == 1


@pytest.mark.parametrize(
    ("seen", "asked", "code"),
    [
        (Workload(), Query(), "not_deployed"),
        (workload(desired=0), Query(), "scaled_to_zero"),
        (workload(desired=2), Query(), "no_pods"),
        (workload(A), Query(pod="gone"), "no_such_pod"),
        (workload(A), Query(container="nginx"), "no_such_container"),
    ],
)
def test_nothing_to_read_is_told_with_its_reason(seen, asked, code):
    read = sources_of(seen, asked, "app")
    assert isinstance(read, NoSources)
    assert read.code == code
