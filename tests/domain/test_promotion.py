"""What becomes of a request, when its gates are asked again, and what can be promoted where."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.gate import OVERRIDABLE, Gate, GateResult, lets_through, passed_by
from bot.domain.promotion import (
    Ahead,
    Asking,
    Runs,
    Way,
    askable,
    choose_way,
    next_look,
    same_answers,
    step_of_digest,
    steps_ahead,
    waited_for,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MET = GateResult(Gate.ORDER, True, "RAN_BEFORE")


def closed(gate: Gate, code: str = "X", **values: str | int) -> GateResult:
    return GateResult(gate, False, code, values)


APPROVALS = closed(Gate.APPROVALS, "APPROVALS_MISSING")
CHECKLIST = closed(Gate.CHECKLIST, "CHECKLIST_OPEN")
WINDOW = closed(Gate.WINDOW, "WINDOW_CLOSED")
RUNNING = closed(Gate.CI, "CI_PENDING")
RED = closed(Gate.CI, "CI_RED")
NOT_ALLOWED = closed(Gate.PERMISSION, "NOT_ALLOWED")
LOCKED = closed(Gate.LOCK, "LOCKED")
SKIPS = closed(Gate.ORDER, "NOT_RUN_BEFORE")
TOO_FEW = closed(Gate.APPROVALS, "APPROVERS_TOO_FEW")

TYPED = Asking(may_ask=True)
PRESSED = Asking(explicitly=True, may_ask=True)


@pytest.mark.parametrize(
    ("gates", "asking", "way"),
    [
        ((), TYPED, Way.START),
        ((), Asking(may_ask=True, confirm=True), Way.WAIT),
        ((APPROVALS,), TYPED, Way.WAIT),
        ((APPROVALS, CHECKLIST, WINDOW, RUNNING), TYPED, Way.WAIT),
        ((APPROVALS,), Asking(), Way.REFUSE),
        ((APPROVALS, NOT_ALLOWED), TYPED, Way.REFUSE),
        ((APPROVALS, NOT_ALLOWED), PRESSED, Way.WAIT),
        ((APPROVALS, LOCKED), TYPED, Way.REFUSE),
        ((APPROVALS, LOCKED), PRESSED, Way.WAIT),
        ((APPROVALS, SKIPS), PRESSED, Way.REFUSE),
        ((TOO_FEW,), PRESSED, Way.REFUSE),
        ((RED,), PRESSED, Way.REFUSE),
        ((RUNNING,), TYPED, Way.WAIT_AND_GO),
        ((RUNNING,), Asking(), Way.WAIT_AND_GO),
        ((RUNNING,), Asking(may_ask=True, confirm=True), Way.WAIT),
        ((RUNNING, NOT_ALLOWED), TYPED, Way.REFUSE),
        ((APPROVALS,), Asking(may_ask=True, auto=True), Way.WAIT_AND_GO),
        ((APPROVALS, NOT_ALLOWED), Asking(True, may_ask=True, auto=True), Way.WAIT),
    ],
)
def test_a_request_starts_waits_or_is_refused(gates, asking, way):
    assert choose_way((MET, *gates), asking) is way


@pytest.mark.parametrize("gate", [Gate.MANIFEST, Gate.CLUSTER, Gate.PAUSED, Gate.ORDER])
def test_nobody_is_asked_for_what_no_person_can_give(gate):
    assert not askable((closed(gate),), explicitly=True)


def test_whether_the_requester_may_deploy_matters_only_where_it_goes_by_itself():
    gates = (MET, NOT_ALLOWED)
    assert waited_for(gates, by_itself=False) == (MET,)
    assert waited_for(gates, by_itself=True) == gates


def test_an_answer_that_only_grew_older_is_the_same():
    now = closed(Gate.LOCK, "LOCKED", owner="U1", age_seconds=60)
    later = closed(Gate.LOCK, "LOCKED", owner="U1", age_seconds=90)
    other = closed(Gate.LOCK, "LOCKED", owner="U2", age_seconds=90)
    assert same_answers((MET, now), (MET, later))
    assert not same_answers((MET, now), (MET, other))
    assert not same_answers((MET, now), (MET,))


def test_the_next_look_is_at_the_earliest_time_to_come_that_a_gate_names():
    def at(minutes: int) -> str:
        return (NOW + timedelta(minutes=minutes)).isoformat()

    gates = (
        closed(Gate.WINDOW, opens_at=at(60)),
        closed(Gate.LOCK, until=at(20)),
        GateResult(Gate.APPROVALS, True, "APPROVED", {"expires_at": at(30)}),
        closed(Gate.CI, again_at=at(-1)),
        GateResult(Gate.WINDOW, True, "WINDOW_OPEN", {"closes_at": ""}),
    )
    assert next_look(gates, NOW) == NOW + timedelta(minutes=20)
    assert next_look((MET,), NOW) is None


# --- break-glass ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", list(Gate))
def test_break_glass_passes_by_what_people_agreed_on_and_never_by_facts(gate):
    facts = {Gate.PERMISSION, Gate.MANIFEST, Gate.CLUSTER, Gate.PAUSED, Gate.IMAGE}
    assert (gate in OVERRIDABLE) is (gate not in facts)
    assert lets_through((MET, closed(gate)), overriding=True) is (gate not in facts)
    assert not lets_through((MET, closed(gate)))


def test_only_what_is_closed_is_passed_by():
    assert passed_by((MET, APPROVALS, closed(Gate.PAUSED))) == (APPROVALS,)


# --- the pipeline --------------------------------------------------------------------------------


def runs(environment: str, digest: str, *, healthy: bool = True) -> Runs:
    return Runs(environment, version=digest, digest=digest, healthy=healthy)


def test_a_step_is_what_runs_healthy_and_is_not_what_runs_next():
    pipeline = (runs("dev", "3"), runs("qa", "2"), runs("prod", "1"))
    assert steps_ahead(pipeline) == (Ahead(pipeline[0], "qa"), Ahead(pipeline[1], "prod"))
    assert steps_ahead((runs("dev", "1"), runs("qa", "1"))) == ()
    assert steps_ahead((runs("dev", "2", healthy=False), runs("qa", "1"))) == ()
    assert steps_ahead((Runs("dev"), runs("qa", "1"))) == (), "nothing is promoted from nowhere"
    assert steps_ahead((runs("dev", "2"), Runs("qa"))) == (Ahead(runs("dev", "2"), "qa"),)


def test_a_digest_goes_on_from_the_last_environment_in_a_row_that_runs_it():
    pipeline = (runs("dev", "2"), runs("qa", "2"), runs("prod", "1"))
    assert step_of_digest(pipeline, "2") == Ahead(pipeline[1], "prod")
    assert step_of_digest(pipeline, "1") is None
    assert step_of_digest(pipeline, "9") is None
