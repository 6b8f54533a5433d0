"""What holds for every look at a cluster, whatever it shows: found by hypothesis."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.judge import judge_rollout
from bot.domain.judgement import Change, Memory
from bot.domain.patience import PATIENCE
from bot.domain.start_troubles import CREATING, IMAGE, STARTING
from bot.domain.verdict import Outcome, Reason, Verdict
from bot.domain.workload import (
    Condition,
    Container,
    Deployment,
    Event,
    Pod,
    Probe,
    ReplicaSet,
    Termination,
    Workload,
)
from bot.text import Texts
from bot.text.sentences import finding_sentence, hint, verdict_sentence


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Odd values often enough, and not so often that nothing behind them is ever reached."""
    return st.sampled_from([*[usual] * 3 * len(others), *others])


words = st.sampled_from(
    [
        "",
        "r/tasks:1: not found",
        "401 Unauthorized",
        "i/o timeout",
        'secret "s" not found',
        "couldn't find key K in ConfigMap qa/c",
        "references non-existent secret key: k",
        'exec: "/nope": no such file or directory',
        "container init was OOM-killed",
        "failed to sync secret cache",
        'pods "x" is forbidden: exceeded quota: q',
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 "
        "Preemption is not helpful for scheduling.",
        'ReplicaSet "new" has timed out progressing.',
        "Container a failed liveness probe, will be restarted",
        "Readiness probe failed: HTTP 503",
    ]
)
waiting = st.sampled_from(
    [
        "",
        "SomethingNew",
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        *sorted(IMAGE | STARTING | CREATING),
    ]
)
BASE = Change(at=datetime(2026, 11, 24, tzinfo=UTC), generation=2)
times = st.integers(-10, 200).map(lambda s: BASE.at + timedelta(seconds=s))
terminations = st.builds(
    Termination,
    exit_code=st.sampled_from([0, 1, 126, 127, 128, 137, 139, 143, 255]),
    reason=st.sampled_from(["Error", "OOMKilled", "Completed", "StartError", "Unknown", ""]),
    message=words,
    started_at=st.none() | times,
    finished_at=st.none() | times,
)
probes = st.none() | st.builds(Probe, asks=st.just("GET :80/"), period=st.integers(1, 9))
containers = st.builds(
    Container,
    name=st.sampled_from("ab"),
    image=st.sampled_from(["r/tasks:1", ""]),
    init=st.booleans(),
    sidecar=st.booleans(),
    ready=st.booleans(),
    started=st.booleans(),
    restarts=st.integers(0, 4),
    running_since=st.none() | times,
    waiting_reason=waiting,
    waiting_message=words,
    terminated=st.none() | terminations,
    last_terminated=st.none() | terminations,
    readiness=probes,
    liveness=probes,
    startup=probes,
)
conditions = st.builds(
    Condition,
    type=st.sampled_from(
        (
            *("PodScheduled", "Ready", "ContainersReady", "DisruptionTarget", "gate"),
            *("Progressing", "ReplicaFailure"),
        )
    ),
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.sampled_from(
        (
            *("", "Unschedulable", "SchedulingGated", "FailedCreate", "ProgressDeadlineExceeded"),
            *("ReplicaSetCreateError", "EvictionByEvictionAPI", "TerminationByKubelet"),
        )
    ),
    message=words,
    updated_at=st.none() | times,
)
some_conditions = st.lists(conditions, max_size=4).map(tuple)
pods = st.builds(
    Pod,
    name=st.just("pod"),
    uid=st.just("pod"),
    owner_uid=mostly("new", "old"),
    phase=mostly("Pending", "Running", "Failed", "Unknown"),
    reason=mostly("", "Evicted", "NodeLost"),
    node=st.sampled_from(["", "node-1"]),
    created_at=st.none() | times,
    deleting=mostly(False, True),
    conditions=some_conditions,
    readiness_gates=st.sampled_from([(), ("gate",)]),
    # No two have one name: an API server refuses such a pod.
    containers=st.lists(containers, max_size=2, unique_by=lambda each: each.name).map(tuple),
)
events = st.builds(
    Event,
    about_kind=st.just("Pod"),
    about_name=st.just("pod"),
    about_uid=st.sampled_from(["pod-0", "pod-1"]),
    type=st.just("Warning"),
    reason=st.sampled_from(
        (
            *("Failed", "FailedMount", "FailedCreatePodSandBox"),
            *("Killing", "Unhealthy", "TriggeredScaleUp"),
        )
    ),
    message=words,
    count=st.integers(1, 3),
    first_at=st.none() | times,
    last_at=st.none() | times,
)
counts = st.integers(0, 4)
deployments = st.builds(
    Deployment,
    name=st.just("tasks"),
    namespace=st.just("qa"),
    uid=st.just("d"),
    generation=mostly(2, 1, 3),
    observed_generation=mostly(2, 1, 3),
    revision=st.just(2),
    paused=st.booleans(),
    desired=counts,
    replicas=counts,
    updated=counts,
    available=counts,
    template=mostly("t", "", "other"),
    progress_deadline=st.sampled_from([None, 30, 600]),
    conditions=some_conditions,
)


@st.composite
def looks(draw: st.DrawFn) -> Workload:
    found = draw(st.lists(pods, max_size=3))
    sets = [
        ReplicaSet(
            name=name, uid=name, owner_uid="d", revision=revision, conditions=draw(some_conditions)
        )
        for name, revision in (("old", 1), ("new", 2))
    ]
    return Workload(
        deployment=draw(deployments) if draw(mostly(True, False)) else None,
        replica_sets=tuple(sets),
        pods=tuple(replace(p, name=f"pod-{i}", uid=f"pod-{i}") for i, p in enumerate(found)),
        events=tuple(draw(st.lists(events, max_size=4))),
    )


changes = mostly(
    BASE,
    replace(BASE, generation=None),
    replace(BASE, template="t"),
    replace(BASE, unchanged=True),
)
histories = st.lists(st.tuples(st.integers(0, 90), looks()), min_size=1, max_size=4)


def judged(history: list[tuple[int, Workload]], change: Change) -> tuple[Verdict, Memory]:
    memory = Memory()
    now = change.at
    verdict = None
    for seconds, look in history:
        now += timedelta(seconds=seconds)
        judgement = judge_rollout(look, change, memory, now)
        verdict, memory = judgement.verdict, judgement.memory
        assert judgement.again_at is None or judgement.again_at > now
    assert verdict is not None
    return verdict, memory


@given(histories, changes)
def test_no_look_breaks_it_and_every_verdict_can_be_said_in_both_languages(
    history: list[tuple[int, Workload]], change: Change
) -> None:
    verdict, _ = judged(history, change)
    for language in ("en", "es"):
        texts = Texts.of(language)
        sentences = [verdict_sentence(verdict, texts)]
        sentences += [finding_sentence(finding, texts) for finding in verdict.findings]
        hints = hint(verdict.reason, verdict.values, texts)
        for sentence in (*sentences, hints):
            assert "…" not in sentence  # a placeholder without its value
            assert not sentence.isupper()  # a reason without its sentence


@given(histories, changes, st.randoms())
def test_the_order_within_a_look_does_not_matter(
    history: list[tuple[int, Workload]], change: Change, random: Any
) -> None:
    def shuffled(look: Workload) -> Workload:
        return replace(
            look,
            pods=tuple(random.sample(look.pods, len(look.pods))),
            replica_sets=tuple(random.sample(look.replica_sets, len(look.replica_sets))),
            events=tuple(random.sample(look.events, len(look.events))),
        )

    plain = judged(history, change)
    assert judged([(s, shuffled(look)) for s, look in history], change) == plain


@given(histories, changes)
def test_looking_twice_changes_nothing(history: list[tuple[int, Workload]], change: Change) -> None:
    twice = list(itertools.chain.from_iterable(((s, look), (0, look)) for s, look in history))
    once_verdict, once_memory = judged(history, change)
    verdict, memory = judged(twice, change)
    assert (verdict.outcome, verdict.reason) == (once_verdict.outcome, once_verdict.reason)
    assert memory.first_seen.keys() == once_memory.first_seen.keys()


@given(histories, changes, st.integers(0, 100_000))
def test_a_failure_stays_one_while_the_cluster_stays_as_it_is(
    history: list[tuple[int, Workload]], change: Change, later: int
) -> None:
    verdict, _ = judged(history, change)
    again, _ = judged([*history, (later, history[-1][1])], change)
    if verdict.outcome is Outcome.FAIL:
        assert again.outcome is Outcome.FAIL
    if verdict.outcome is Outcome.SUPERSEDED:
        assert again == verdict


@given(histories, changes)
def test_nothing_changes_by_itself_before_the_time_that_was_named(
    history: list[tuple[int, Workload]], change: Change
) -> None:
    """`again_at` is all that the engine sets its alarm by: it never polls. (After a failure it
    looks no more.)"""
    verdict, memory = judged(history, change)
    assume(verdict.outcome is not Outcome.FAIL)
    now = change.at + timedelta(seconds=sum(s for s, _ in history))
    look = history[-1][1]
    again_at = judge_rollout(look, change, memory, now).again_at
    just_before = (again_at or now + timedelta(days=9)) - timedelta(milliseconds=1)
    if just_before > now:
        assert judge_rollout(look, change, memory, just_before).verdict == verdict


def test_every_threshold_warns_before_it_fails_and_names_its_source() -> None:
    for kind, patience in PATIENCE.items():
        assert patience.source, kind
        assert patience.fail is None or patience.warn <= patience.fail, kind


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reason_has_its_sentence(language: str) -> None:
    entries = Texts.of(language).entries
    for reason in Reason:
        assert any(
            key == f"verdict.{reason}" or key.startswith(f"verdict.{reason}.") for key in entries
        )


WAITED = {"UNOBSERVED", "UPDATING", "OLD_PODS", "AVAILABILITY", "COMPLETE", "UNCHANGED"}


@pytest.mark.parametrize("reason", [r for r in Reason if r not in WAITED])
def test_whatever_stops_a_rollout_has_a_hint(reason: Reason) -> None:
    assert f"hint.{reason}" in Texts.of("en")


def test_the_new_world_of_the_conftest_is_healthy(new_world: Callable[[], Any]) -> None:
    assert new_world().at(1) == ("wait", "UPDATING")
