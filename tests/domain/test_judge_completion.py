"""How far a rollout is, and what became of it: kubectl's order, the traps of rollouts.md §1.2."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.judgement import Change

OTHER = {"spec": {"containers": [{"name": "tasks", "image": "r/tasks:9.0.0"}]}}
DEADLINE = "ProgressDeadlineExceeded"


# --- kubectl's order ----------------------------------------------------------------------------


def test_counters_of_before_the_controller_looked_are_not_believed(world: Any) -> None:
    world.done(observed=1)
    assert world.at(0) == ("wait", "UNOBSERVED")


def test_a_look_from_before_the_write_is_not_believed(world: Any) -> None:
    world.done(generation=1, revision=1)
    assert world.at(0) == ("wait", "UNOBSERVED")


def test_first_all_pods_must_be_updated(world: Any) -> None:
    world.deployment(updated=2, replicas=3)
    assert world.at(1) == ("wait", "UPDATING")
    assert (world.verdict.values["updated"], world.verdict.values["desired"]) == (2, 3)


def test_then_the_old_pods_must_be_gone(world: Any) -> None:
    world.deployment(updated=3, replicas=5)
    assert world.at(1) == ("wait", "OLD_PODS")
    assert world.verdict.values["old"] == 2


def test_then_all_must_be_available(world: Any) -> None:
    world.done(available=2)
    assert world.at(1) == ("wait", "AVAILABILITY")


def test_then_it_is_complete(world: Any) -> None:
    world.done()
    assert world.at(1) == ("pass", "COMPLETE")
    assert world.again_in is None


def test_missing_counters_are_zero_not_done(world: Any) -> None:
    world.deployment(updated=0, replicas=0, available=0)
    assert world.at(1) == ("wait", "UPDATING")


def test_the_deadline_comes_before_the_counters(world: Any, api: Any) -> None:
    world.done(conditions=[api.condition("Progressing", "False", DEADLINE, at=600)], deadline=30)
    assert world.at(601) == ("fail", "DEADLINE_EXCEEDED")
    assert world.verdict.values["seconds"] == 30


# --- traps --------------------------------------------------------------------------------------


def test_a_write_that_changed_nothing_claims_no_deploy(world: Any) -> None:
    world.change = Change(at=world.change.at, generation=2, unchanged=True)
    world.done()
    assert world.at(0) == ("pass", "UNCHANGED")


def test_the_deadline_of_the_rollout_before_is_not_ours(world: Any, api: Any) -> None:
    stale = api.condition("Progressing", "False", DEADLINE, at=-100)
    world.deployment(conditions=[stale])
    assert world.at(1) == ("wait", "UPDATING")


def test_a_deadline_that_names_another_replica_set_is_not_ours(world: Any, api: Any) -> None:
    words = 'ReplicaSet "old" has timed out progressing.'
    world.deployment(conditions=[api.condition("Progressing", "False", DEADLINE, words, at=1)])
    assert world.at(1) == ("wait", "UPDATING")


def test_a_deadline_that_names_the_new_replica_set_is_ours_whatever_the_clocks(
    world: Any, api: Any
) -> None:
    words = 'ReplicaSet "new" has timed out progressing.'
    world.deployment(conditions=[api.condition("Progressing", "False", DEADLINE, words, at=-9)])
    assert world.at(31) == ("fail", "DEADLINE_EXCEEDED")


def test_somebody_elses_template_supersedes(world: Any) -> None:
    world.at(1)
    world.deployment(generation=3, revision=3, template=OTHER)
    assert world.at(2) == ("superseded", "SUPERSEDED")
    assert world.verdict.values["image"] == "r/tasks:9.0.0"


def test_our_template_is_known_from_the_write_even_if_no_look_saw_it(world: Any) -> None:
    template = world.seen().deployment.template
    world.change = Change(at=world.change.at, generation=2, template=template)
    world.deployment(generation=3, revision=3, template=OTHER)
    assert world.at(2) == ("superseded", "SUPERSEDED")


def test_superseded_is_said_before_the_controller_has_looked(world: Any) -> None:
    world.at(1)
    world.deployment(generation=3, observed=2, template=OTHER)
    assert world.at(2) == ("superseded", "SUPERSEDED")


def test_an_autoscaler_that_scales_meanwhile_does_not_supersede(world: Any) -> None:
    world.at(1)
    world.deployment(generation=3, desired=5, updated=3, replicas=5)
    assert world.at(2) == ("wait", "UPDATING")
    assert world.verdict.values["desired"] == 5
    world.deployment(generation=4, desired=4, updated=4, replicas=4, available=4)
    assert world.at(3) == ("pass", "COMPLETE")


def test_a_paused_deployment_waits_and_says_so(world: Any) -> None:
    world.deployment(paused=True, updated=0, replicas=3, revision=1)
    assert world.at(1) == ("wait", "PAUSED")


def test_paused_after_it_was_complete_it_is_complete(world: Any) -> None:
    world.done(paused=True)
    assert world.at(1) == ("pass", "COMPLETE")


def test_scaled_to_zero_is_done_with_nothing_verified(world: Any) -> None:
    world.deployment(desired=0, updated=0, replicas=0, available=0)
    assert world.at(1) == ("pass", "SCALED_TO_ZERO")


def test_scaled_to_zero_and_paused_is_paused(world: Any) -> None:
    world.deployment(desired=0, updated=0, replicas=0, available=0, paused=True)
    assert world.at(1) == ("wait", "PAUSED")


def test_a_deployment_that_was_there_and_is_gone_was_deleted(world: Any) -> None:
    world.at(1)
    world.no_deployment()
    assert world.at(2) == ("fail", "DELETED")
    assert world.at(3) == ("fail", "DELETED")


def test_deleted_and_made_anew_is_deleted(world: Any) -> None:
    world.at(1)
    world.done(uid="another", generation=1)
    assert world.at(2) == ("fail", "DELETED")


def test_right_after_a_first_deploy_the_watch_may_not_have_brought_it_yet(world: Any) -> None:
    world.no_deployment()
    assert world.at(0.01) == ("wait", "UNOBSERVED")
    assert world.again_in == pytest.approx(30)
    assert world.at(30) == ("fail", "DELETED")


def test_without_a_deadline_it_waits_on(world: Any) -> None:
    world.deployment(deadline=None)
    assert world.at(86_400) == ("wait", "UPDATING")


# --- which pods are ours ------------------------------------------------------------------------


def test_old_pods_that_end_with_137_are_no_trouble(world: Any, api: Any) -> None:
    world.pod("old-1", api.ended(137), of="old", phase="Failed", deleting=True)
    world.pod("old-2", api.backing_off(), last=api.ended(1), restarts=7, of="old")
    assert world.at(1) == ("wait", "UPDATING")
    assert world.verdict.findings == ()


def test_new_pods_that_are_being_deleted_are_no_trouble(world: Any, api: Any) -> None:
    world.pod("new-1", api.ended(137), deleting=True, phase="Failed")
    world.pod("new-2", api.ended(143), deleting=True)
    assert world.at(1) == ("wait", "UPDATING")


def test_with_recreate_the_old_pods_are_not_taken_for_new_ones(world: Any, api: Any) -> None:
    """The fix for a crash loop is deployed with the strategy Recreate: until the old pods are
    gone there is no new ReplicaSet, and the Deployment bears the old revision, observed."""
    world.pod("old-1", api.backing_off(), last=api.ended(1), restarts=9, of="old")
    world.deployment(revision=1, replicas=1, updated=0, available=0)
    assert world.at(1) == ("wait", "UPDATING")
    world.deployment(replicas=1, updated=1, available=1, desired=1)
    world.no_pod("old-1")
    assert world.at(2) == ("pass", "COMPLETE")


# --- scaling ------------------------------------------------------------------------------------


def scaling(world: Any) -> None:
    world.change = Change(at=world.change.at, generation=None)


def test_scaling_up_is_done_when_all_are_available(world: Any) -> None:
    scaling(world)
    world.deployment(desired=5, updated=3, replicas=3, available=3)
    assert world.at(0.1) == ("wait", "UPDATING")
    world.deployment(desired=5, updated=5, replicas=5, available=3)
    assert world.at(0.2) == ("wait", "AVAILABILITY")
    world.deployment(desired=5, updated=5, replicas=5, available=5)
    assert world.at(0.3) == ("pass", "COMPLETE")


def test_scaling_down_is_done_when_the_pods_are_gone(world: Any) -> None:
    scaling(world)
    world.deployment(desired=1, updated=3, replicas=3, available=3)
    assert world.at(0.1) == ("wait", "OLD_PODS")
    assert world.verdict.values["old"] == 2
    world.deployment(desired=1, updated=1, replicas=1, available=1)
    assert world.at(0.2) == ("pass", "COMPLETE")


def test_restarts_from_before_a_scaling_do_not_count(world: Any, api: Any) -> None:
    scaling(world)
    world.pod(
        "new-1",
        api.running(-900),
        last=api.ended(1, at=-901),
        restarts=4,
        ready=True,
        created=-3600,
    )
    world.done()
    assert world.through(0.1, 5) == [("pass", "COMPLETE")] * 2
    world.pod(
        "new-1", api.running(6), last=api.ended(1, at=5), restarts=5, ready=True, created=-3600
    )
    assert world.at(6) == ("warn", "CRASHED")
    assert world.finding.restarts == 1


# --- memory and time ----------------------------------------------------------------------------


def test_a_memory_from_a_clock_that_ran_ahead_makes_nothing_older(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("CreateContainerConfigError", 'secret "s" not found'))
    world.at(100)
    world.change = Change(at=world.change.at - timedelta(seconds=100), generation=2)
    assert world.at(1) == ("warn", "CONFIG_MISSING")


def test_a_look_that_comes_late_forgets_nothing(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("CreateContainerConfigError", 'secret "s" not found'))
    world.at(1)
    world.done(generation=1, revision=1)
    assert world.at(5) == ("wait", "UNOBSERVED")
    world.deployment()
    assert world.at(11) == ("fail", "CONFIG_MISSING")


def test_what_is_over_is_forgotten(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("CreateContainerConfigError", 'secret "s" not found'))
    world.at(1)
    world.pod(state=api.running(2), ready=True)
    world.at(2)
    assert not [key for key in world.memory.first_seen if key.startswith("config")]
    world.pod(state=api.waiting("CreateContainerConfigError", 'secret "s" not found'))
    assert world.at(12) == ("warn", "CONFIG_MISSING")
