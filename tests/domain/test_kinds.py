"""What differs between a deploy, a rollback, a scaling and a restart: gates, ends, ways back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.gate import Gate
from bot.domain.image import Image
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Judgement, Memory
from bot.domain.kind import GoodRelease, Kind, Scaling, Span
from bot.domain.promotion import Commits
from bot.domain.rollout import Actor, CardRef, Diagnosis, Rollout, RolloutState, Running
from bot.domain.rollout_course import Ground, advance, cancel, in_line, prepared, written
from bot.domain.rollout_steps import (
    Apply,
    Credit,
    Explain,
    Hold,
    Keep,
    Observe,
    Rest,
    TellThread,
    next_step,
)
from bot.domain.scaling import Asked, bounds_of, needs_question, span_mistakes
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.domain.workload import Autoscaler, Deployment, Workload

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOOD, BAD = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def rollout(kind: Kind = Kind.DEPLOY, **more: object) -> Rollout:
    made = Rollout(
        id="x",
        service="tasks-service",
        environment="qa",
        namespace="dynamo-qa",
        context="",
        image=Image("registry/tasks-service", "1.4.0", GOOD),
        version="1.4.0",
        requested_by=Actor("U1"),
        requested_at=NOW,
        line="deploy tasks-service qa",
        card=CardRef("C1", ts="1.0"),
        kind=kind,
        before=Running("1.5.0", BAD, ready=3, desired=3),
    )
    return made.with_(**more)


def workload(desired: int = 3, *, generation: int = 5, autoscaler: Autoscaler | None = None):
    deployment = Deployment(
        name="tasks-service",
        namespace="dynamo-qa",
        uid="d",
        generation=generation,
        observed_generation=generation,
        desired=desired,
        replicas=desired,
        updated=desired,
        ready=desired,
        available=desired,
        template="t",
    )
    return Workload(deployment, autoscaler=autoscaler)


# Gates


def test_a_release_meets_every_gate_and_what_brings_nothing_new_only_those_of_its_right() -> None:
    assert Kind.DEPLOY.gates == frozenset(Gate)
    proofs = {Gate.ORDER, Gate.CI, Gate.CHECKLIST, Gate.APPROVALS, Gate.WINDOW, Gate.POLICY}
    for kind in (Kind.ROLLBACK, Kind.SCALE, Kind.RESTART):
        assert not kind.gates & proofs
        assert {Gate.PERMISSION, Gate.LOCK, Gate.CLUSTER} <= kind.gates


def test_a_paused_deployment_can_be_scaled_and_not_restarted() -> None:
    assert Gate.PAUSED not in Kind.SCALE.gates
    assert Gate.PAUSED in Kind.RESTART.gates


# Steps


def test_a_rollback_locks_its_place_before_it_is_written() -> None:
    applying = rollout(Kind.ROLLBACK, state=RolloutState.APPLYING, before_generation=4)
    assert isinstance(next_step(applying, end_shown=False), Hold)
    assert isinstance(next_step(applying.with_(held=True), end_shown=False), Apply)
    assert isinstance(next_step(applying.with_(kind=Kind.DEPLOY), end_shown=False), Apply)


def test_a_rollback_that_ended_names_authors_tells_the_thread_and_keeps_its_template() -> None:
    ended = rollout(
        Kind.ROLLBACK, state=RolloutState.SUCCEEDED, before_generation=4, finished_at=NOW
    )
    steps = []
    for change in ({}, {"commits": Commits()}, {"details": CardRef("C1", "2.0")}, {"kept": True}):
        ended = ended.with_(**change)
        steps.append(type(next_step(ended, end_shown=True)))
    assert steps == [Credit, TellThread, Keep, Rest]


def test_a_release_that_runs_tells_the_thread_first_and_then_asks_which_commits_it_brought() -> (
    None
):
    ended = rollout(Kind.DEPLOY, state=RolloutState.SUCCEEDED, before_generation=4, finished_at=NOW)
    steps = []
    for change in ({}, {"details": CardRef("C1", "2.0")}, {"kept": True}, {"commits": Commits()}):
        ended = ended.with_(**change)
        steps.append(type(next_step(ended, end_shown=True)))
    assert steps == [TellThread, Keep, Credit, Rest]
    failed = ended.with_(state=RolloutState.FAILED, commits=None, diagnosis=Diagnosis())
    assert isinstance(next_step(failed, end_shown=True), Rest)


def test_nothing_is_kept_of_what_failed_nor_of_a_scaling() -> None:
    told = {"details": CardRef("C1", "2.0"), "finished_at": NOW}
    scaled = rollout(Kind.SCALE, state=RolloutState.SUCCEEDED, **told)
    assert isinstance(next_step(scaled, end_shown=True), Rest)


def test_pods_without_a_place_are_explained_once_while_it_goes_on() -> None:
    finding = Finding(Reason.UNSCHEDULABLE, Outcome.WARN)
    verdict = Verdict(Outcome.WARN, Reason.UNSCHEDULABLE, findings=(finding,))
    going = written(
        rollout(state=RolloutState.APPLYING, before_generation=4, applying_since=NOW), 5, "t"
    ).with_(verdict=verdict)
    assert isinstance(next_step(going, end_shown=True), Explain)
    assert isinstance(next_step(going.with_(short=()), end_shown=True), Observe)


def test_a_way_back_goes_before_all_that_is_queued() -> None:
    first = rollout(id="a", requested_at=NOW)
    second = rollout(id="b", requested_at=NOW + timedelta(minutes=1))
    back = rollout(Kind.ROLLBACK, id="c", requested_at=NOW + timedelta(minutes=2))
    assert [each.id for each in in_line([second, back, first])] == ["c", "a", "b"]


# Ends


def judged(of: Rollout, seen: Workload, *, after: float = 0) -> Rollout:
    assert of.change is not None
    at = NOW + timedelta(seconds=after)
    return advance(of, seen, judge_rollout(seen, of.change, of.memory, at), at)


def begun(of: Rollout, seen: Workload, generation: int) -> Rollout:
    ready = prepared(of, seen, Ground(of.before), NOW)
    return written(ready, generation, "t")


def test_a_rollback_is_done_when_it_is_complete_and_a_deploy_is_watched() -> None:
    passed = Judgement(Verdict(Outcome.PASS, Reason.COMPLETE), Memory())
    for kind, state in ((Kind.ROLLBACK, "SUCCEEDED"), (Kind.DEPLOY, "SOAKING")):
        going = begun(rollout(kind), workload(generation=4), 5)
        assert advance(going, workload(), passed, NOW).state == state


def scaling(to: int, now: int = 3) -> Rollout:
    return begun(rollout(Kind.SCALE, scaling=Scaling(replicas=to)), workload(now, generation=4), 5)


def test_a_look_from_before_the_write_does_not_end_a_scaling() -> None:
    """The number that stood there before is "complete", too."""
    going = scaling(5)
    assert going.scaling is not None
    assert going.scaling.before == 3
    assert judged(going, workload(3, generation=4)).state is RolloutState.PROGRESSING
    assert judged(going, workload(5)).state is RolloutState.SUCCEEDED


def test_a_scaling_is_overtaken_by_another_number_and_not_by_another_template() -> None:
    going = scaling(5)
    assert judged(going, workload(4, generation=6)).state is RolloutState.SUPERSEDED
    seen = workload(5, generation=6)
    assert seen.deployment is not None
    other = replace(seen, deployment=replace(seen.deployment, template="another"))
    assert judged(going, other).state is RolloutState.SUCCEEDED


def test_a_scaling_is_not_done_while_pods_are_missing_or_still_to_go() -> None:
    up = workload(5)
    assert up.deployment is not None
    missing = replace(up, deployment=replace(up.deployment, available=4))
    assert judged(scaling(5), missing).state is RolloutState.PROGRESSING
    down = workload(2)
    assert down.deployment is not None
    leaving = replace(down, deployment=replace(down.deployment, replicas=3))
    assert judged(scaling(2), leaving).state is RolloutState.PROGRESSING
    assert judged(scaling(2), down).state is RolloutState.SUCCEEDED


def bounds(least: int, most: int, now: int = 3) -> Rollout:
    seen = workload(now, generation=4, autoscaler=Autoscaler("hpa", 2, 8))
    wanted = Scaling(autoscaler="hpa", span=Span(least, most))
    return begun(rollout(Kind.SCALE, scaling=wanted), seen, 4)


def test_other_bounds_are_done_when_the_number_is_within_them() -> None:
    assert judged(bounds(2, 5), workload(3, generation=4)).state is RolloutState.SUCCEEDED
    going = judged(bounds(5, 9), workload(3, generation=4))
    assert (going.state, going.verdict and going.verdict.reason) == (
        RolloutState.PROGRESSING,
        Reason.AUTOSCALER,
    )
    assert judged(going, workload(5, generation=5)).state is RolloutState.SUCCEEDED


def test_an_autoscaler_that_never_moves_is_said_and_then_fails() -> None:
    seen = workload(3, generation=4)
    going = judged(bounds(5, 9), seen)
    slow = judged(going, seen, after=60)
    assert slow.verdict is not None
    assert slow.verdict.outcome is Outcome.WARN
    assert judged(slow, seen, after=200).state is RolloutState.FAILED


# Ways back


def test_a_cancelled_scaling_goes_back_to_the_number_before() -> None:
    back = cancel(scaling(5), "U1", NOW)
    assert back is not None
    assert back.pods == Scaling(replicas=3, before=5)
    again = written(back, 6, "t")
    assert judged(again, workload(3, generation=6)).state is RolloutState.ROLLED_BACK


@pytest.mark.parametrize("kind", [Kind.ROLLBACK, Kind.RESTART])
def test_what_has_no_way_back_cannot_be_cancelled_once_it_was_touched(kind: Kind) -> None:
    assert cancel(rollout(kind), "U1", NOW) is not None
    assert cancel(begun(rollout(kind), workload(generation=4), 5), "U1", NOW) is None


def test_asking_for_the_same_twice_is_told_by_what_is_asked_for() -> None:
    five, six = (rollout(Kind.SCALE, scaling=Scaling(replicas=n)) for n in (5, 6))
    span = rollout(Kind.SCALE, scaling=Scaling(span=Span(2, 5)))
    about = {each.about for each in (rollout(), rollout(Kind.ROLLBACK), five, six, span)}
    assert len({*about, rollout(Kind.RESTART).about}) == 6


def test_a_way_back_stands_on_a_deploy_from_its_preparation() -> None:
    to = GoodRelease(BAD, "1.3.2", NOW)
    assert prepared(rollout(), workload(), Ground(None, to), NOW).way_back == to


# What may be asked for


@pytest.mark.parametrize(
    ("typed", "number"), [("5", 5), ("+2", 5), ("-1", 2), ("-9", -6), ("0", 0)]
)
def test_an_amount_is_a_number_or_a_difference(typed: str, number: int) -> None:
    assert Asked.read(typed).from_(3) == number


def test_zero_and_environments_that_confirm_are_asked_back() -> None:
    assert needs_question(0, confirm=False)
    assert needs_question(4, confirm=True)
    assert not needs_question(4, confirm=False)


@pytest.mark.parametrize(
    ("least", "most", "wrong"),
    [
        ("2", "8", {}),
        (" 2 ", "8", {}),
        ("0", "8", {"least": "TOO_FEW"}),
        ("-3", "8", {"least": "NO_NUMBER"}),
        ("two", "10⁹", {"least": "NO_NUMBER", "most": "NO_NUMBER"}),
        ("2", "99999", {"most": "TOO_MANY"}),
        ("2", "9999999999", {"most": "NO_NUMBER"}),
        ("8", "2", {"most": "CROSSED"}),
        ("", "", {"least": "NO_NUMBER", "most": "NO_NUMBER"}),
    ],
)
def test_bounds_that_cannot_be_are_told_beside_their_field(
    least: str, most: str, wrong: dict[str, str]
) -> None:
    assert span_mistakes(least, most, bounds_of(0, 30)) == wrong


def test_where_an_environment_says_nothing_a_thousand_is_the_most() -> None:
    assert bounds_of(None, None) == Span(0, 1000)
