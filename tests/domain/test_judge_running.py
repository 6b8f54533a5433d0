"""Containers that ran and ended, or run and are not ready: the rows of rollouts.md §1.4."""

from typing import Any

import pytest

EXEC = {"exec": {"command": ["/bin/check"]}}
PROBE = {**EXEC, "periodSeconds": 1, "failureThreshold": 3, "timeoutSeconds": 1}
READINESS = {"readinessProbe": PROBE}


# --- crashes ------------------------------------------------------------------------------------


def test_the_first_crash_warns_with_its_exit_code(world: Any, api: Any) -> None:
    world.pod(state=api.ended(1))
    assert world.at(1) == ("warn", "CRASHED")
    assert world.verdict.values["exit_code"] == 1
    world.pod(state=api.running(2), last=api.ended(1), restarts=1)
    assert world.at(2) == ("warn", "CRASHED")


def test_crash_loop_back_off_fails(world: Any, api: Any) -> None:
    world.pod(state=api.backing_off(), last=api.ended(1), restarts=1)
    assert world.at(3) == ("fail", "CRASHED")


def test_two_restarts_fail_also_while_it_runs_between_crashes(world: Any, api: Any) -> None:
    """The waiting reason is only there between two runs: a look at the wrong time misses it."""
    world.pod(state=api.running(13), last=api.ended(1), restarts=2)
    assert world.at(13) == ("fail", "CRASHED")


def test_a_failure_stays_one_through_the_loop(world: Any, api: Any) -> None:
    last = api.ended(1)
    for second, state, restarts in (
        (3, api.backing_off(), 1),
        (13, api.running(13), 2),
        (14, api.ended(1), 2),
        (15, api.backing_off(), 2),
        (40, api.running(40), 3),
    ):
        world.pod(state=state, last=last, restarts=restarts)
        assert world.at(second) == ("fail", "CRASHED")


def test_one_pod_that_loops_is_enough(world: Any, api: Any) -> None:
    world.pod("new-1", api.running(), ready=True)
    world.pod("new-2", api.running(), ready=True)
    world.pod("new-3", api.backing_off(), last=api.ended(3), restarts=1)
    assert world.at(5) == ("fail", "CRASHED")
    assert (world.verdict.values["pods"], world.verdict.values["of"]) == (1, 3)


def test_pods_that_each_crashed_once_may_have_waited_for_a_database(world: Any, api: Any) -> None:
    for name in ("new-1", "new-2", "new-3"):
        world.pod(name, api.running(2), last=api.ended(1), restarts=1, ready=True)
    world.done()
    assert world.through(2, 11.9, 12) == [
        ("warn", "CRASHED"),
        ("warn", "CRASHED"),
        ("pass", "COMPLETE"),
    ]
    assert world.finding.pods == ("new-1", "new-2", "new-3")


def test_a_restart_after_completion_is_news_until_it_has_been_quiet(world: Any, api: Any) -> None:
    world.pod(state=api.running(), ready=True)
    world.done()
    assert world.at(2) == ("pass", "COMPLETE")
    world.pod(state=api.running(40), last=api.ended(1), restarts=1, ready=True)
    assert world.at(40) == ("warn", "CRASHED")
    assert world.again_in == 50
    assert world.at(50) == ("pass", "COMPLETE")
    world.pod(state=api.running(90), last=api.ended(1), restarts=2, ready=True)
    assert world.at(90) == ("fail", "CRASHED")


def test_a_process_that_ends_without_error_has_ended_all_the_same(world: Any, api: Any) -> None:
    world.pod(state=api.ended(0, "Completed"))
    assert world.at(1) == ("warn", "CRASHED")
    assert world.verdict.values["exit_code"] == 0
    world.pod(state=api.backing_off(), last=api.ended(0, "Completed"), restarts=1)
    assert world.at(2) == ("fail", "CRASHED")


def test_a_loop_without_any_trace_of_its_end_fails_too(world: Any, api: Any) -> None:
    world.pod(state=api.backing_off(), restarts=2)
    assert world.at(2) == ("fail", "CRASHED")
    assert "exit_code" not in world.verdict.values


def test_pods_with_the_same_crash_share_a_finding_others_do_not(world: Any, api: Any) -> None:
    for name in ("new-1", "new-2"):
        world.pod(name, api.backing_off(), last=api.ended(1), restarts=1)
    world.pod("new-3", api.backing_off(), last=api.ended(139), restarts=3)
    world.at(5)
    assert [(f.exit_code, len(f.pods)) for f in world.verdict.findings] == [(1, 2), (139, 1)]


def test_the_pod_that_restarted_most_is_asked_for_its_log_first(world: Any, api: Any) -> None:
    for name, restarts in (("new-1", 1), ("new-2", 4)):
        world.pod(name, api.backing_off(), last=api.ended(1), restarts=restarts)
    world.at(5)
    assert world.finding.pods == ("new-2", "new-1")


def test_secrets_in_a_last_message_are_not_repeated(world: Any, api: Any) -> None:
    world.pod(state=api.ended(1, message="connect failed, password=hunter2"))
    world.at(1)
    assert "connect failed" in world.finding.message
    assert "hunter2" not in world.finding.message


def test_a_node_that_lost_a_container_is_no_crash_of_the_application(world: Any, api: Any) -> None:
    world.pod(state=api.running(9), last=api.ended(137, "ContainerStatusUnknown"), restarts=1)
    assert world.at(9) == ("warn", "NODE_TROUBLE")


# --- memory -------------------------------------------------------------------------------------


def limited(memory: str = "32Mi") -> dict[str, Any]:
    return {"resources": {"limits": {"memory": memory}}}


def test_the_first_kill_for_memory_is_named_with_the_limit(world: Any, api: Any) -> None:
    world.pod(state=api.ended(137, "OOMKilled"), container=limited())
    assert world.at(2) == ("warn", "OOM_KILLED")
    assert world.verdict.values["limit"] == "32Mi"


def test_the_second_kill_for_memory_fails(world: Any, api: Any) -> None:
    killed = api.ended(137, "OOMKilled")
    world.pod(state=killed, last=killed, restarts=1, container=limited())
    assert world.at(5) == ("fail", "OOM_KILLED")


def test_killed_for_memory_after_completion_the_rollout_is_not_well(world: Any, api: Any) -> None:
    killed = api.ended(137, "OOMKilled")
    world.pod(state=api.running(), ready=True, container=limited())
    world.done()
    assert world.at(2) == ("pass", "COMPLETE")
    world.pod(state=killed, container=limited())
    world.done(available=2)
    assert world.at(3) == ("warn", "OOM_KILLED")
    world.pod(state=api.running(3), last=killed, restarts=1, ready=True, container=limited())
    world.done()
    assert world.at(4) == ("warn", "OOM_KILLED")
    world.pod(state=api.backing_off(), last=killed, restarts=1, container=limited())
    assert world.at(6) == ("fail", "OOM_KILLED")


def test_137_without_the_clusters_word_for_memory_is_a_kill(world: Any, api: Any) -> None:
    world.pod(state=api.ended(137), container=limited())
    assert world.at(2) == ("warn", "CRASHED")


# --- init containers ----------------------------------------------------------------------------


def with_init(world: Any, api: Any, status: dict[str, Any], **spec: Any) -> None:
    init = {"name": "migrate", "image": "r/migrate", **spec}
    world.pod(
        state=api.waiting("PodInitializing"),
        inits=[(init, {"name": "migrate", "lastState": {}, "restartCount": 0, **status})],
    )


def test_an_init_container_that_fails_is_named(world: Any, api: Any) -> None:
    with_init(world, api, {"state": api.ended(1)})
    assert world.at(1) == ("warn", "INIT_FAILED")
    assert world.verdict.values["container"] == "migrate"
    looping = {"state": api.backing_off(), "lastState": api.ended(1), "restartCount": 1}
    with_init(world, api, looping)
    assert world.at(3) == ("fail", "INIT_FAILED")


def test_an_init_container_that_is_done_is_no_trouble(world: Any, api: Any) -> None:
    done = {"state": api.ended(0, "Completed"), "lastState": api.ended(1), "restartCount": 1}
    with_init(world, api, done)
    assert world.at(1) == ("wait", "UPDATING")


def test_a_sidecar_that_runs_for_ever_is_no_trouble_and_one_that_crashes_is(
    world: Any, api: Any
) -> None:
    with_init(world, api, {"state": api.running(), "started": True}, restartPolicy="Always")
    assert world.at(1) == ("wait", "UPDATING")
    looping = {"state": api.backing_off(), "lastState": api.ended(1), "restartCount": 1}
    with_init(world, api, looping, restartPolicy="Always")
    assert world.at(3) == ("fail", "CRASHED")


# --- kills by a probe ---------------------------------------------------------------------------

LIVENESS = {"livenessProbe": PROBE}
STARTUP = {"startupProbe": PROBE}
KILLS = {
    "LIVENESS_PROBE": (LIVENESS, "liveness"),
    "STARTUP_PROBE": (STARTUP, "startup"),
}


@pytest.mark.parametrize("reason", KILLS)
def test_the_event_tells_a_probes_kill_from_a_crash(world: Any, api: Any, reason: str) -> None:
    container, probe = KILLS[reason]
    words = f"Container tasks failed {probe} probe, will be restarted"
    world.event("new-1", "Killing", words, first=3, at=3)
    world.pod(state=api.running(5), last=api.ended(143, at=4), restarts=1, container=container)
    assert world.at(5) == ("warn", reason)
    assert world.verdict.values["probe"] == "exec /bin/check"
    world.pod(state=api.running(9), last=api.ended(143, at=8), restarts=2, container=container)
    assert world.at(9) == ("fail", reason)


def test_a_graceful_end_after_a_liveness_kill_is_one_too(world: Any, api: Any) -> None:
    words = "Container tasks failed liveness probe, will be restarted"
    world.event("new-1", "Killing", words, at=3)
    world.pod(state=api.running(5), last=api.ended(0, at=4), restarts=1, container=LIVENESS)
    assert world.at(5) == ("warn", "LIVENESS_PROBE")


def test_what_the_event_said_is_remembered_when_it_is_not_at_hand(world: Any, api: Any) -> None:
    words = "Container tasks failed liveness probe, will be restarted"
    world.event("new-1", "Killing", words, at=3)
    world.pod(state=api.running(5), last=api.ended(0, at=4), restarts=1, container=LIVENESS)
    world.at(5)
    world.no_events()
    world.pod(state=api.backing_off(), last=api.ended(0, at=9), restarts=1, container=LIVENESS)
    assert world.at(10) == ("fail", "LIVENESS_PROBE")


def test_what_the_event_said_of_one_end_is_not_said_of_another(world: Any, api: Any) -> None:
    words = "Container tasks failed liveness probe, will be restarted"
    world.event("new-1", "Killing", words, at=3)
    world.pod(state=api.running(5), last=api.ended(0, at=4), restarts=1, container=LIVENESS)
    world.at(5)
    world.no_events()
    world.pod(state=api.backing_off(), last=api.ended(1, at=9), restarts=1, container=LIVENESS)
    assert world.at(10) == ("fail", "CRASHED")


def test_without_events_a_kill_after_the_probes_time_is_the_probes(world: Any, api: Any) -> None:
    killed = api.ended(137, started=0, at=4)
    world.pod(state=api.running(5), last=killed, restarts=1, container=LIVENESS)
    assert world.at(5) == ("warn", "LIVENESS_PROBE")
    assert world.wants_events == ("new-1",)
    at_once = api.ended(137, started=0, at=1)
    world.pod(state=api.running(5), last=at_once, restarts=1, container=LIVENESS)
    assert world.at(6) == ("warn", "CRASHED")


def test_what_the_startup_probe_killed_is_no_crash_once_the_next_run_has_started(
    world: Any, api: Any
) -> None:
    killed = api.ended(137, started=0, at=4)
    world.pod(state=api.running(5), started=True, last=killed, restarts=1, container=STARTUP)
    assert world.through(5, 6, 7) == [("warn", "STARTUP_PROBE")] * 3


def test_a_run_that_had_started_was_not_killed_by_its_startup_probe(world: Any, api: Any) -> None:
    world.pod(state=api.running(0), started=True, container=STARTUP)
    world.at(3)
    killed = api.ended(137, started=0, at=9)
    world.pod(state=api.running(10), started=True, last=killed, restarts=1, container=STARTUP)
    assert world.through(10, 11) == [("warn", "CRASHED")] * 2


def test_a_crash_of_its_own_after_a_probes_kill_is_a_crash(world: Any, api: Any) -> None:
    words = "Container tasks failed liveness probe, will be restarted"
    world.event("new-1", "Killing", words, at=3)
    crashed = api.ended(1, started=5, at=9)
    world.pod(state=api.backing_off(), last=crashed, restarts=1, container=LIVENESS)
    assert world.at(10) == ("fail", "CRASHED")


def test_a_kill_for_another_container_is_not_this_ones(world: Any, api: Any) -> None:
    words = "Container proxy failed liveness probe, will be restarted"
    world.event("new-1", "Killing", words, at=1)
    world.pod(state=api.ended(1), container=LIVENESS)
    assert world.at(2) == ("warn", "CRASHED")


def test_once_started_a_kill_is_the_liveness_probes(world: Any, api: Any) -> None:
    both = {**LIVENESS, **STARTUP}
    world.pod(state=api.running(), started=True, container=both)
    world.at(1)
    killed = api.ended(137, started=0, at=9)
    world.pod(state=api.running(10), last=killed, restarts=1, started=False, container=both)
    assert world.at(10) == ("warn", "LIVENESS_PROBE")


# --- readiness ----------------------------------------------------------------------------------


def test_not_ready_warns_after_the_probes_window_and_fails_after_60_s(world: Any, api: Any) -> None:
    """kubedog's window: (3 + 1 - 3) · 1 + 1/2 + 2 · 1 = 3.5 s after the start."""
    world.pod(state=api.running(1), container=READINESS)
    world.event("new-1", "Unhealthy", "Readiness probe failed: HTTP 503", at=3)
    assert world.through(1, 4.4, 4.5, 60.9, 61)[1:] == [
        ("wait", "UPDATING"),
        ("warn", "READINESS_PROBE"),
        ("warn", "READINESS_PROBE"),
        ("fail", "READINESS_PROBE"),
    ]
    assert world.finding.message == "HTTP 503"
    assert world.verdict.values["probe"] == "exec /bin/check"


def test_events_are_asked_for_only_once_a_pod_is_overdue(world: Any, api: Any) -> None:
    world.pod(state=api.running(1), container=READINESS)
    world.at(1)
    assert world.wants_events == ()
    world.at(5)
    assert world.wants_events == ("new-1",)


def test_a_slow_probe_gets_twice_its_window(world: Any, api: Any) -> None:
    slow = {"readinessProbe": {**PROBE, "initialDelaySeconds": 60}}
    world.pod(state=api.running(0), container=slow)
    assert world.through(0, 63.4, 63.5, 126.9, 127)[1:] == [
        ("wait", "UPDATING"),
        ("warn", "READINESS_PROBE"),
        ("warn", "READINESS_PROBE"),
        ("fail", "READINESS_PROBE"),
    ]


def test_the_progress_deadline_caps_the_patience(world: Any, api: Any) -> None:
    world.deployment(deadline=30)
    world.pod(state=api.running(1), container=READINESS)
    assert world.through(1, 30.9, 31)[1:] == [
        ("warn", "READINESS_PROBE"),
        ("fail", "READINESS_PROBE"),
    ]


def test_one_unready_pod_beside_ready_ones_only_warns(world: Any, api: Any) -> None:
    world.pod("new-1", api.running(), ready=True, container=READINESS)
    world.pod("new-2", api.running(), container=READINESS)
    assert world.at(200) == ("warn", "READINESS_PROBE")
    world.pod("new-3", api.running(), container=READINESS)
    world.at(201)
    assert world.at(400) == ("fail", "READINESS_PROBE")


def test_a_pod_that_becomes_ready_is_progress(world: Any, api: Any) -> None:
    world.pod(state=api.running(), container=READINESS)
    assert world.at(18) == ("warn", "READINESS_PROBE")
    world.pod(state=api.running(), ready=True, container=READINESS)
    assert world.at(19) == ("wait", "UPDATING")


def test_a_pod_that_was_ready_and_is_not_gets_its_window_anew(world: Any, api: Any) -> None:
    world.pod(state=api.running(), ready=True, container=READINESS)
    world.done()
    world.at(100)
    world.pod(state=api.running(), container=READINESS)
    world.done(available=2)
    assert world.through(200, 203.4, 203.5) == [
        ("wait", "AVAILABILITY"),
        ("wait", "AVAILABILITY"),
        ("warn", "READINESS_PROBE"),
    ]


def test_while_the_startup_probe_has_not_passed_readiness_is_no_question(
    world: Any, api: Any
) -> None:
    both = {**READINESS, **STARTUP}
    world.pod(state=api.running(), started=False, container=both)
    assert world.at(100) == ("wait", "UPDATING")
    world.pod(state=api.running(), started=True, container=both)
    assert world.through(101, 104.4, 104.5)[1:] == [
        ("wait", "UPDATING"),
        ("warn", "READINESS_PROBE"),
    ]


def test_a_bot_that_was_away_knows_what_lasted_meanwhile(world: Any, api: Any) -> None:
    world.pod(state=api.running(1), container=READINESS)
    assert world.at(100) == ("fail", "READINESS_PROBE")


def test_a_readiness_gate_that_stays_false_fails_after_120_s(world: Any, api: Any) -> None:
    gate = "target-health.elbv2.k8s.aws/tasks"
    world.pod(
        state=api.running(),
        ready=True,
        gates=[gate],
        conditions=[
            api.condition("ContainersReady"),
            api.condition("Ready", "False"),
            api.condition(gate, "False", "Target.Registering", "registration in progress"),
        ],
    )
    assert world.through(1, 11, 120.9, 121) == [
        ("wait", "UPDATING"),
        ("warn", "READINESS_PROBE"),
        ("warn", "READINESS_PROBE"),
        ("fail", "READINESS_PROBE"),
    ]
    assert world.verdict.values["gate"] == gate
    assert world.finding.message == "registration in progress"


# --- the deadline -------------------------------------------------------------------------------


def past_deadline(world: Any, api: Any) -> None:
    words = 'ReplicaSet "new" has timed out progressing.'
    condition = api.condition("Progressing", "False", "ProgressDeadlineExceeded", words, at=31)
    world.deployment(conditions=[condition], deadline=30)


def test_at_the_deadline_what_holds_the_pods_back_is_the_cause(world: Any, api: Any) -> None:
    world.pod(state=api.running(25), container=READINESS)
    past_deadline(world, api)
    assert world.at(31) == ("fail", "READINESS_PROBE")
    assert (world.verdict.values["pods"], world.verdict.values["of"]) == (1, 1)


def test_at_the_deadline_a_crash_that_is_over_is_not_the_cause(world: Any, api: Any) -> None:
    world.pod(state=api.running(2), last=api.ended(1), restarts=1, ready=True)
    world.at(2)
    past_deadline(world, api)
    assert world.at(31) == ("fail", "DEADLINE_EXCEEDED")


def test_the_most_causal_trouble_speaks_and_all_are_told(world: Any, api: Any) -> None:
    world.pod("new-1", api.running(), container=READINESS)
    world.pod("new-2", api.running(), container=READINESS)
    world.pod("new-3", api.backing_off(), last=api.ended(1), restarts=1)
    world.at(1)
    assert world.at(70) == ("fail", "CRASHED")
    assert [str(f.reason) for f in world.verdict.findings] == ["CRASHED", "READINESS_PROBE"]
