"""A rollout knows its next step, and what a look at the cluster makes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.judgement import Change, Judgement, Memory
from bot.domain.rollout import ACTIVE, DRIVEN, CardRef, Diagnosis, RolloutState, Running
from bot.domain.rollout_course import (
    LONGEST_SOAK,
    Outlook,
    advance,
    cancel,
    in_line,
    let_go,
    look_again,
    said_place,
    soak_ends,
    written,
)
from bot.domain.rollout_steps import (
    Apply,
    AskGates,
    Diagnose,
    Observe,
    PostCard,
    Prepare,
    Recheck,
    Rest,
    ShowEnd,
    TakeTurn,
    TellOpen,
    TellThread,
    next_step,
)
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.domain.workload import Deployment, Workload

SEEN = Workload(
    Deployment("tasks-service", "qa", "u", desired=3, updated=2, available=1, replicas=4)
)
BEFORE = Running("1.3.2", "sha256:" + "c" * 64, 3, 3)


def judged(outcome: Outcome, reason: Reason, *findings: Finding) -> Judgement:
    return Judgement(Verdict(outcome, reason, findings=findings), Memory())


WAITING = judged(Outcome.WAIT, Reason.UPDATING)
COMPLETE = judged(Outcome.PASS, Reason.COMPLETE)
CRASHED_ONCE = judged(
    Outcome.WARN, Reason.CRASHED, Finding(Reason.CRASHED, Outcome.WARN, ("p",), 3, restarts=1)
)
FAILED = judged(Outcome.FAIL, Reason.CRASHED)


@pytest.fixture
def under_way(make_rollout, clock):
    return make_rollout(
        state=RolloutState.PROGRESSING,
        before=BEFORE,
        before_generation=1,
        applying_since=clock.now(),
        change=Change(clock.now(), 2),
    )


@pytest.fixture
def soaking(under_way, clock):
    return advance(under_way, SEEN, COMPLETE, clock.now())


def step(rollout, *, end_shown=False):
    return next_step(rollout, end_shown=end_shown)


def test_the_card_comes_before_anything_is_touched(make_rollout):
    assert step(make_rollout(card=CardRef("C1"))) == PostCard()
    assert step(make_rollout()) == TakeTurn()


def test_what_runs_is_remembered_before_the_first_write(make_rollout):
    applying = make_rollout(state=RolloutState.APPLYING)
    assert step(applying) == Prepare()
    assert step(applying.with_(before_generation=0)) == Apply()


def test_a_crash_between_the_write_and_its_saving_only_repeats_the_write(make_rollout, clock):
    prepared = make_rollout(
        state=RolloutState.APPLYING, before_generation=4, applying_since=clock.now()
    )
    once = written(prepared, 5, "t")
    clock.advance(40)
    again = written(prepared, 5, "t")
    assert again == once
    assert once.change == Change(prepared.applying_since, 5, unchanged=False, template="t")


def test_a_write_that_altered_nothing_is_known_by_its_generation(make_rollout, clock):
    prepared = make_rollout(
        state=RolloutState.APPLYING, before_generation=5, applying_since=clock.now()
    )
    change = written(prepared, 5, "t").change
    assert change is not None
    assert change.unchanged


def test_after_the_end_card_thread_and_rest_follow_in_this_order(under_way):
    failed = under_way.with_(state=RolloutState.FAILED)
    assert step(failed) == ShowEnd()
    assert step(failed, end_shown=True) == Diagnose()
    diagnosed = failed.with_(diagnosis=Diagnosis())
    assert step(diagnosed) == ShowEnd()
    assert step(diagnosed, end_shown=True) == TellThread()
    begun = diagnosed.with_(details=CardRef("C1", since=under_way.requested_at))
    assert step(begun, end_shown=True) == TellThread()
    assert step(diagnosed.with_(details=CardRef("C1", "2")), end_shown=True) == Rest()


def test_a_cancelled_rollout_tells_nobody_twice(make_rollout):
    assert step(make_rollout(state=RolloutState.CANCELLED), end_shown=True) == Rest()


def test_one_that_was_refused_a_card_ends_without_one(make_rollout):
    assert step(make_rollout(card=CardRef("C1"), state=RolloutState.REJECTED)) == Rest()


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_every_active_state_has_something_to_do(under_way, state):
    assert step(under_way.with_(state=state)) != Rest()


def test_the_counters_of_the_last_look_are_kept_for_the_card(under_way, clock):
    progress = advance(under_way, SEEN, WAITING, clock.now()).progress
    assert (progress.desired, progress.updated, progress.available, progress.old) == (3, 2, 1, 2)


def test_a_failure_ends_it_at_once(under_way, clock):
    ended = advance(under_way, SEEN, FAILED, clock.now())
    assert (ended.state, ended.finished_at) == (RolloutState.FAILED, clock.now())


def test_complete_is_not_yet_succeeded(soaking, clock):
    assert soaking.state is RolloutState.SOAKING
    assert soak_ends(soaking) == clock.now() + timedelta(seconds=30)


def test_a_quiet_stability_window_ends_in_success(soaking, clock):
    clock.advance(29)
    assert advance(soaking, SEEN, COMPLETE, clock.now()).state is RolloutState.SOAKING
    clock.advance(1)
    assert advance(soaking, SEEN, COMPLETE, clock.now()).state is RolloutState.SUCCEEDED


def test_a_crash_in_the_window_starts_it_anew(soaking, clock):
    clock.advance(20)
    crashed = advance(soaking, SEEN, CRASHED_ONCE, clock.now())
    clock.advance(11)
    well_again = advance(crashed, SEEN, COMPLETE, clock.now())
    clock.advance(29)
    assert advance(well_again, SEEN, COMPLETE, clock.now()).state is RolloutState.SOAKING
    clock.advance(1)
    assert advance(well_again, SEEN, COMPLETE, clock.now()).state is RolloutState.SUCCEEDED


def test_what_is_not_well_at_the_end_of_the_window_is_no_success(soaking, clock):
    clock.advance(1)
    troubled = advance(soaking, SEEN, CRASHED_ONCE, clock.now())
    clock.advance(60)
    assert advance(troubled, SEEN, CRASHED_ONCE, clock.now()).state is RolloutState.SOAKING
    assert soak_ends(troubled) == soaking.completed_at + timedelta(seconds=30 * LONGEST_SOAK)
    clock.advance(60)
    assert advance(troubled, SEEN, CRASHED_ONCE, clock.now()).state is RolloutState.FAILED


def test_a_failure_in_the_window_fails_what_was_complete(soaking, clock):
    clock.advance(15)
    assert advance(soaking, SEEN, FAILED, clock.now()).state is RolloutState.FAILED


def test_a_pod_that_never_comes_to_rest_does_not_hold_the_window_open_for_ever(soaking, clock):
    rollout, looks = soaking, 0
    while rollout.state is RolloutState.SOAKING:
        looks += 1
        clock.advance(10)
        rollout = advance(rollout, SEEN, (WAITING, CRASHED_ONCE)[looks % 2], clock.now())
    assert clock.now() == soaking.completed_at + timedelta(seconds=30 * LONGEST_SOAK)
    assert rollout.state is RolloutState.FAILED


def test_nothing_changed_needs_no_watching(under_way, clock):
    ended = advance(under_way, SEEN, judged(Outcome.PASS, Reason.UNCHANGED), clock.now())
    assert ended.state is RolloutState.SUCCEEDED


def test_somebody_elses_change_ends_it_as_overtaken(under_way, clock):
    overtaken = judged(Outcome.SUPERSEDED, Reason.SUPERSEDED)
    assert advance(under_way, SEEN, overtaken, clock.now()).state is RolloutState.SUPERSEDED


def test_cancelling_what_has_touched_nothing_just_ends_it(make_rollout, clock):
    for state in (RolloutState.QUEUED, RolloutState.APPLYING):
        ended = cancel(make_rollout(state=state), "U1", clock.now())
        assert ended is not None
        assert (ended.state, ended.ended_by) == (RolloutState.CANCELLED, "U1")


def test_cancelling_under_way_goes_back_to_what_ran_before(under_way, clock):
    clock.advance(5)
    back = cancel(under_way, "U1", clock.now())
    assert back is not None
    assert back.state is RolloutState.ROLLING_BACK
    assert back.wanted == Image(under_way.image.repository, "1.3.2", BEFORE.digest)
    assert step(back) == Apply()
    applied = written(back, 3, "t")
    assert step(applied) == Observe()
    assert advance(applied, SEEN, WAITING, clock.now()).state is RolloutState.ROLLING_BACK
    assert advance(applied, SEEN, COMPLETE, clock.now()).state is RolloutState.ROLLED_BACK
    assert advance(applied, SEEN, FAILED, clock.now()).state is RolloutState.FAILED


def test_there_is_no_way_back_from_a_first_deploy_an_end_or_a_way_back(under_way, clock):
    assert cancel(under_way.with_(before=None), "U1", clock.now()) is None
    assert cancel(under_way.with_(state=RolloutState.SUCCEEDED), "U1", clock.now()) is None
    assert cancel(under_way.with_(state=RolloutState.ROLLING_BACK), "U1", clock.now()) is None


# --- waiting for people, and for one's turn ------------------------------------------------------

OPEN = GateResult(Gate.ORDER, True, "RAN_BEFORE")
MISSING = GateResult(Gate.APPROVALS, False, "APPROVALS_MISSING", {"have": 0})


@pytest.fixture
def waiting(make_rollout):
    return make_rollout(state=RolloutState.AWAITING_APPROVAL, gates=(MISSING,), before=BEFORE)


def look(rollout, clock, *gates, **more):
    return look_again(rollout, Outlook(gates, before=BEFORE, **more), (), clock.now())


def test_what_waits_asks_its_gates_and_tells_once_when_all_are_open(waiting, clock):
    assert step(waiting) == AskGates()
    opened = look(waiting, clock, OPEN)
    assert (opened.open_since, opened.openings) == (clock.now(), 1)
    assert step(opened) == TellOpen()
    begun = opened.with_(told=CardRef("C1", since=clock.now()))
    assert step(begun) == TellOpen(), "an intent without an answer is not told yet"
    told = opened.with_(told=CardRef("C1", "2"))
    assert step(told) == AskGates()
    clock.advance(60)
    assert look(told, clock, OPEN) == told


def test_a_gate_that_closes_again_takes_the_button_away_and_the_next_opening_is_told(
    waiting, clock
):
    told = look(waiting, clock, OPEN).with_(told=CardRef("C1", "2"))
    closed = look(told, clock, MISSING)
    assert (closed.open_since, closed.told) == (None, None)
    again = look(closed, clock, OPEN)
    assert (again.openings, step(again)) == (2, TellOpen())


def test_a_no_to_the_request_ends_it_and_one_from_before_does_not(waiting, clock):
    said_no = {"given": "U1", "at": clock.now().isoformat()}
    no = GateResult(Gate.APPROVALS, False, "REJECTED", said_no)
    ended = look(waiting, clock, OPEN, no)
    assert (ended.state, ended.refused) == (RolloutState.REJECTED, (OPEN, no))
    assert step(ended, end_shown=True) == TellThread(), "who asked hears of it"
    later = waiting.with_(requested_at=clock.now() + timedelta(seconds=1))
    assert look(later, clock, no).state is RolloutState.AWAITING_APPROVAL


def test_what_goes_by_itself_takes_its_place_in_the_queue_when_all_are_open(waiting, clock):
    assert look(waiting.with_(by_itself=True), clock, MISSING).state is waiting.state
    clock.advance(5)
    gone = look(waiting.with_(by_itself=True), clock, OPEN)
    assert (gone.state, gone.queued_at, gone.released_by) == (
        RolloutState.QUEUED,
        clock.now(),
        "",
    )
    assert step(gone) == TakeTurn()


def test_what_was_let_go_while_a_newer_one_rolled_out_is_asked_again(make_rollout, waiting, clock):
    """Pressed in the second in which the newer one succeeded, it waited for nobody at its turn, and
    took the newer one back."""
    newer = make_rollout(id="newer", version="1.4.0", state=RolloutState.SOAKING)
    pressed = let_go(waiting, "U1", [newer, waiting], clock.now())
    by_itself = look_again(
        waiting.with_(by_itself=True), Outlook((OPEN,), before=BEFORE), [newer], clock.now()
    )
    for gone in (pressed, by_itself):
        assert (gone.state, gone.behind) == (RolloutState.QUEUED, "1.4.0")
        assert step(gone.with_(state=RolloutState.APPLYING)) == Recheck()
    alone = let_go(waiting, "U1", [waiting], clock.now())
    assert step(alone.with_(state=RolloutState.APPLYING)) == Prepare()


def test_a_pod_that_comes_or_goes_is_no_news_on_a_card_that_waits(waiting, clock):
    shaky = replace(BEFORE, ready=1)
    outlook = Outlook((MISSING,), before=shaky)
    assert look_again(waiting, outlook, (), clock.now()) == waiting
    other = Outlook((MISSING,), before=replace(BEFORE, version="1.3.9"))
    assert look_again(waiting, other, (), clock.now()).before == other.before


def test_a_request_that_waits_can_be_cancelled_and_touches_nothing(waiting, clock):
    ended = cancel(waiting, "U1", clock.now())
    assert ended is not None
    assert ended.state is RolloutState.CANCELLED
    assert step(ended, end_shown=True) == Rest()


def test_what_waited_for_its_turn_is_asked_all_gates_once_more(make_rollout):
    turn = make_rollout(state=RolloutState.APPLYING, behind="1.3.2")
    assert step(turn) == Recheck()
    assert step(turn.with_(rechecked=True)) == Prepare()
    assert step(make_rollout(state=RolloutState.APPLYING)) == Prepare()


def test_the_queue_goes_by_when_each_took_its_place_and_not_by_when_it_was_asked_for(
    make_rollout, clock
):
    def queued(name, minutes):
        return make_rollout(
            id=name, version=name, queued_at=clock.now() + timedelta(minutes=minutes)
        )

    driven = make_rollout(id="d", version="driven", state=RolloutState.SOAKING)
    late, early = queued("a-late", 9), queued("z-early", 2)
    assert in_line([late, driven, early]) == (early, late)
    said = said_place(late, [early, late, driven])
    assert (said.place, said.behind) == (2, "driven")
    assert said_place(early, [early, late]) == early, "nothing goes before it"


def test_what_waits_holds_no_place(make_rollout):
    assert not {RolloutState.AWAITING_APPROVAL, RolloutState.BUILDING} & DRIVEN
