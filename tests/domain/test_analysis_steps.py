"""The plan of an analysis, and how it goes on: every step for every state that asks for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.analysis import (
    Analysis,
    Follow,
    Part,
    Reading,
    Result,
    Stage,
    Successor,
    Window,
    Windows,
)
from bot.domain.analysis_course import (
    COUNTDOWN,
    TOO_OLD,
    Ground,
    ask_again,
    asked_instead,
    begun,
    burnt,
    caught_up,
    counting,
    follow_of,
    going_back,
    gone_back,
    keep,
    looked,
    may_be_analysed,
    mute,
    overtaken,
    stopped,
    times_of,
    will_be_summed_up,
    windows_until,
)
from bot.domain.analysis_steps import (
    GUARD_EVERY,
    LEAST_NOTICE,
    DecideFollow,
    Draw,
    EndSoak,
    Guard,
    Hold,
    Look,
    Rest,
    RollBack,
    Seen,
    Settle,
    Show,
    StartCountdown,
    Stop,
    TakeBaselines,
    TellThread,
    Wait,
    next_step,
)
from bot.domain.audit import DYNAMO
from bot.domain.kind import Kind
from bot.domain.rollout import CardRef, Rollout, RolloutState, Running
from bot.domain.verdict import Outcome, Reason, Verdict
from config.catalog import AnalysisTimes, Environment, OnRegression
from config.metrics import MetricsSource
from tests.conftest import DIGEST, NOON, MakeRollout

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DONE = NOON + 40 * SECOND
TIMES = AnalysisTimes()
SHOWN = CardRef("C0QADEPLOYS", "1764000000.000100")
WINDOWS = Windows(
    before=Window(NOON - 30 * MINUTE, NOON - MINUTE),
    after=Window(DONE + MINUTE, DONE + 6 * MINUTE),
    written=NOON,
    completed=DONE,
)


@pytest.fixture
def rollout(make_rollout: MakeRollout) -> Rollout:
    """Done, and its stability window is over."""
    return make_rollout(
        state=RolloutState.SUCCEEDED,
        before=Running(version="1.3.2", digest="sha256:" + "cd" * 32),
        before_generation=3,
        applying_since=NOON,
        completed_at=DONE,
        finished_at=DONE + 30 * SECOND,
    )


def reading(result: Result, name: str = "ERROR_RATIO") -> Reading:
    return Reading(Part.METRICS, name, result, "ANY", before=0.001, after=0.03)


def an_analysis(**changes: Any) -> Analysis:
    """One that waits for its first look."""
    analysis = Analysis(
        rollout="r1",
        service="tasks-service",
        environment="qa",
        version="1.4.0",
        digest=DIGEST,
        previous="1.3.2",
        asked_by="U0ANA00000",
        written=NOON,
        card=CardRef("C0QADEPLOYS"),
        completed=DONE,
        baselines={},
    )
    return analysis.with_(**changes)


def told(result: Result = Result.FAIL, **changes: Any) -> Analysis:
    """One whose first look is told, in its thread as well."""
    first: dict[str, Any] = {
        "card": SHOWN,
        "stage": Stage.PROVISIONAL,
        "readings": (reading(result),),
        "windows": WINDOWS,
        "looked_at": DONE + 6 * MINUTE,
        "detailed": Stage.PROVISIONAL,
    }
    return an_analysis(**{**first, **changes})


def seen(rollout: Rollout | None, **changes: Any) -> Seen:
    return Seen(**{"rollout": rollout, "times": TIMES, "shown": True, **changes})


# --- the plan ------------------------------------------------------------------------------------


def test_what_is_settled_rests(rollout):
    assert next_step(told(settled=True), seen(rollout), NOON) == Rest()


def test_baselines_are_taken_once_while_the_change_is_written(make_rollout):
    writing = make_rollout(state=RolloutState.APPLYING, applying_since=NOON, before_generation=3)
    fresh = an_analysis(completed=None, baselines=None)
    assert next_step(fresh, seen(writing), NOON) == TakeBaselines()
    assert next_step(fresh.with_(baselines={}), seen(writing), NOON) == Wait()


def test_the_guard_is_asked_at_once_and_then_every_quarter_of_a_minute(rollout):
    soaking = rollout.with_(state=RolloutState.SOAKING, finished_at=None)
    asked = DONE + SECOND
    assert next_step(an_analysis(), seen(soaking), asked) == Guard()
    plan = seen(soaking, guarded_at=asked)
    assert next_step(an_analysis(), plan, asked + SECOND) == Wait(asked + GUARD_EVERY)
    assert next_step(an_analysis(), plan, asked + GUARD_EVERY) == Guard()


def test_errors_that_burn_end_the_soak_and_are_looked_at_at_once(rollout):
    soaking = rollout.with_(state=RolloutState.SOAKING, finished_at=None)
    burning = an_analysis(burning=True)
    assert next_step(burning, seen(soaking), DONE + SECOND) == EndSoak()
    ended = burnt(soaking, DONE + 2 * SECOND)
    assert (ended.state, ended.finished_at) == (RolloutState.FAILED, DONE + 2 * SECOND)
    assert ended.verdict == Verdict(Outcome.FAIL, Reason.ERRORS_BURN)
    step = next_step(burning, seen(ended), DONE + 2 * SECOND)
    assert step == Look(Stage.PROVISIONAL, DONE + 90 * SECOND), "half a minute of a window at least"
    late = next_step(burning, seen(ended), DONE + 3 * MINUTE)
    assert late == Look(Stage.PROVISIONAL, DONE + 3 * MINUTE)


@pytest.mark.parametrize(("early", "is_due"), [(-SECOND, False), (0 * SECOND, True)])
def test_the_first_look_comes_at_its_time_and_the_guard_until_then(rollout, early, is_due):
    now = DONE + TIMES.provisional + early
    step = next_step(an_analysis(), seen(rollout, guarded_at=now), now)
    first = DONE + TIMES.provisional
    assert step == (Look(Stage.PROVISIONAL, first) if is_due else Wait(first))
    assert next_step(an_analysis(), seen(rollout), now - MINUTE) == Guard()


def test_a_bot_that_was_away_for_both_looks_makes_the_last_one(rollout):
    step = next_step(an_analysis(), seen(rollout), DONE + timedelta(hours=2))
    assert step == Look(Stage.FINAL, DONE + TIMES.final)


def test_between_both_looks_it_waits_and_after_the_last_it_settles(rollout):
    well = told(Result.PASS)
    now = DONE + 7 * MINUTE
    assert next_step(well, seen(rollout), now) == Wait(DONE + TIMES.final)
    at_last = DONE + TIMES.final
    assert next_step(well, seen(rollout), at_last) == Look(Stage.FINAL, at_last)
    final = well.with_(stage=Stage.FINAL)
    assert next_step(final, seen(rollout), at_last) == TellThread()
    assert next_step(final.with_(detailed=Stage.FINAL), seen(rollout), at_last) == Settle()


def test_a_first_look_that_is_all_well_adds_nothing_to_the_thread(rollout):
    well = told(Result.PASS, detailed=Stage.WATCHING)
    assert isinstance(next_step(well, seen(rollout), DONE + 7 * MINUTE), Wait)
    warned = told(Result.WARN, detailed=Stage.WATCHING)
    assert next_step(warned, seen(rollout), DONE + 7 * MINUTE) == TellThread()
    muted = warned.with_(muted_by="U0BEN00000")
    assert isinstance(next_step(muted, seen(rollout), DONE + 7 * MINUTE), Wait)


def test_what_follows_is_decided_drawn_shown_and_told_in_this_order(rollout):
    now = DONE + 6 * MINUTE
    fresh = told(card=CardRef("C0QADEPLOYS"), detailed=Stage.WATCHING)
    assert next_step(fresh, seen(rollout, shown=False), now) == DecideFollow()
    decided = fresh.with_(follow=Follow.ASKED)
    plan = seen(rollout, shown=False, picture_wanted=True)
    assert next_step(decided, plan, now) == Draw()
    assert next_step(decided, seen(rollout, shown=False), now) == Show()
    posted = decided.with_(card=SHOWN)
    assert next_step(posted, seen(rollout, shown=False), now) == Show(), "Slack has not confirmed"
    assert next_step(posted, seen(rollout), now) == TellThread()


def test_the_lock_is_taken_before_the_message_says_so(rollout):
    held = told(follow=Follow.HELD)
    now = DONE + 6 * MINUTE
    assert next_step(held, seen(rollout, shown=False), now) == Hold()
    assert next_step(held.with_(locked=True), seen(rollout, shown=False), now) == Show()


def test_a_countdown_begins_ends_and_begins_anew_when_nobody_could_see_it(rollout):
    now = DONE + 6 * MINUTE
    fresh = told(follow=Follow.COUNTDOWN)
    assert next_step(fresh, seen(rollout), now) == StartCountdown()
    running = counting(fresh, now)
    assert running.acts_at == now + COUNTDOWN
    assert next_step(running, seen(rollout, shown=False), now) == Show()
    unseen = now + COUNTDOWN - LEAST_NOTICE
    assert next_step(running, seen(rollout, shown=False), unseen) == StartCountdown()
    confirmed = running.with_(warned=True)
    assert next_step(confirmed, seen(rollout), unseen) == Wait(now + COUNTDOWN)
    assert next_step(confirmed, seen(rollout), now + COUNTDOWN) == RollBack()


def test_a_way_back_that_was_meant_and_not_asked_for_is_asked_for(rollout):
    """Killed between the intent and the request."""
    meant = going_back(told(follow=Follow.COUNTDOWN, warned=True), DYNAMO)
    assert next_step(meant, seen(rollout), DONE + 8 * MINUTE) == RollBack()
    assert next_step(meant.with_(rollback="r2"), seen(rollout), DONE + 8 * MINUTE) == Stop()


@pytest.mark.parametrize(
    "state", [RolloutState.FAILED, RolloutState.ROLLED_BACK, RolloutState.CANCELLED]
)
def test_what_did_not_become_what_runs_is_not_looked_at(rollout, state):
    ended = rollout.with_(state=state)
    assert next_step(an_analysis(completed=None), seen(ended), DONE) == Stop()
    assert next_step(an_analysis(), seen(None), DONE) == Stop()


@pytest.mark.parametrize("reason", [Reason.UNCHANGED, Reason.SCALED_TO_ZERO])
def test_where_nothing_moved_there_is_nothing_to_look_at(rollout, reason):
    nothing = rollout.with_(verdict=Verdict(Outcome.PASS, reason))
    assert next_step(an_analysis(), seen(nothing), DONE) == Stop()


# --- its place is taken --------------------------------------------------------------------------


def another(rollout: Rollout, **changes: Any) -> Rollout:
    given: dict[str, Any] = {
        "id": "r2",
        "version": "1.4.1",
        "kind": Kind.DEPLOY,
        "applying_since": DONE + 2 * MINUTE,
        "before_generation": 4,
    }
    return rollout.with_(**{**given, **changes})


def test_the_first_other_rollout_that_was_written_since_takes_the_place(rollout):
    second, third = another(rollout), another(rollout, id="r3", applying_since=DONE + 3 * MINUTE)
    assert overtaken(an_analysis(), [third, second, rollout]) == second


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "r1"},  # itself
        {"kind": Kind.SCALE},
        {"before_generation": None},  # nothing of it was written
        {"applying_since": None},
        {"applying_since": NOON - SECOND},  # before it
    ],
)
def test_what_changes_nothing_about_what_runs_takes_no_place(rollout, changes):
    assert overtaken(an_analysis(), [another(rollout, **changes)]) is None


def test_a_release_that_ran_says_who_took_its_place_even_before_the_first_look(rollout):
    other = another(rollout)
    step = next_step(an_analysis(), seen(rollout, overtaken=other), DONE + 2 * MINUTE)
    assert step == Stop(other)
    ended = stopped(an_analysis(recheck=DONE, acts_at=DONE), other)
    assert (ended.stage, ended.recheck, ended.acts_at) == (Stage.STOPPED, None, None)
    assert ended.successor == Successor(Kind.DEPLOY, "1.4.1")
    assert next_step(ended, seen(rollout, shown=False), DONE + 2 * MINUTE) == Show()
    assert next_step(ended, seen(rollout), DONE + 2 * MINUTE) == Settle()


def test_what_was_overtaken_while_it_rolled_out_has_a_card_that_says_so(rollout):
    ended = stopped(an_analysis(completed=None), another(rollout))
    assert ended.successor is None
    assert next_step(ended, seen(rollout, shown=False), DONE) == Settle()


def test_a_message_that_stands_is_edited_to_its_end(rollout):
    ended = stopped(told())
    assert next_step(ended, seen(rollout, shown=False), DONE) == Show()


# --- how it goes on ------------------------------------------------------------------------------


def test_a_scaling_compares_nothing(make_rollout):
    kinds = {kind for kind in Kind if may_be_analysed(make_rollout(kind=kind))}
    assert kinds == {Kind.DEPLOY, Kind.ROLLBACK, Kind.RESTART}


def test_a_summary_tells_of_what_put_new_pods_in_the_place_of_others(make_rollout):
    deployed = make_rollout(verdict=Verdict(Outcome.PASS, Reason.COMPLETE))
    here = environment(None)
    assert will_be_summed_up(deployed, here)
    assert not will_be_summed_up(deployed, replace(here, analysis=None))
    assert not will_be_summed_up(deployed.with_(kind=Kind.SCALE), here)
    nothing = deployed.with_(verdict=Verdict(Outcome.PASS, Reason.UNCHANGED))
    assert not will_be_summed_up(nothing, here)


def test_it_begins_with_what_the_rollout_knows(rollout):
    analysis = begun(rollout)
    assert (analysis.rollout, analysis.written, analysis.completed) == ("r1", NOON, None)
    assert (analysis.version, analysis.previous) == ("1.4.0", "1.3.2")
    assert analysis.asked_by == "U0ANA00000"
    assert analysis.baselines is None
    assert analysis.card == CardRef("C0QADEPLOYS")
    assert not analysis.is_rollback
    assert begun(rollout.with_(kind=Kind.ROLLBACK)).is_rollback


@pytest.mark.parametrize(
    ("state", "completes"),
    [
        (RolloutState.PROGRESSING, False),
        (RolloutState.SOAKING, True),
        (RolloutState.SUCCEEDED, True),
        (RolloutState.ROLLING_BACK, False),
        (RolloutState.FAILED, False),
    ],
)
def test_its_window_is_counted_from_the_rollouts_completion(rollout, state, completes):
    fresh = an_analysis(completed=None, baselines=None)
    known = caught_up(fresh, rollout.with_(state=state))
    assert known.completed == (DONE if completes else None)
    assert known.baselines == ({} if completes else None), "too late for one by then"
    assert caught_up(known, None) == known


def environment(scrape: timedelta | None, **times: Any) -> Environment:
    source = MetricsSource("http://prometheus", scrape) if scrape is not None else None
    return Environment(
        name="qa",
        title=None,  # type: ignore[arg-type]
        namespace="dynamo-qa",
        base_url="https://qa.yourapp.com",
        channel=None,  # type: ignore[arg-type]
        language="en",
        analysis=AnalysisTimes(**times),
        metrics=source,
    )


@pytest.mark.parametrize(
    ("configured", "scrape", "warm_up"),
    [
        (60, None, 60),
        (1, None, 60),
        (60, 15, 60),
        (60, 30, 60),
        (60, 31, 62),
        (60, 60, 120),
        (180, 60, 180),
    ],
)
def test_a_warm_up_is_what_is_configured_a_minute_or_two_scrapes(configured, scrape, warm_up):
    """research/rollouts.md §3.3: max(60 s, 2 scrapes), and longer where somebody says so."""
    seconds = scrape * SECOND if scrape is not None else None
    times = times_of(environment(seconds, warm_up=configured * SECOND))
    assert times == AnalysisTimes(warm_up * SECOND, TIMES.provisional, TIMES.final)


def test_an_environment_without_analysis_has_no_times():
    assert times_of(replace(environment(None), analysis=None)) is None


def test_latency_can_be_judged_at_the_first_look_and_not_a_second_before():
    """Five samples of a minute, none of them while caches are cold (research/rollouts.md §3.5)."""
    times = times_of(environment(15 * SECOND))
    assert times is not None
    first = windows_until(an_analysis(), DONE + times.provisional, times).after
    assert int((first.end - first.start) / MINUTE) == 5
    sooner = windows_until(an_analysis(), DONE + times.provisional - SECOND, times).after
    assert int((sooner.end - sooner.start) / MINUTE) == 4


def test_windows_leave_out_the_rollout_and_the_warm_up():
    windows = windows_until(an_analysis(), DONE + 6 * MINUTE, TIMES)
    assert windows == WINDOWS
    assert windows_until(an_analysis(), DONE + SECOND, TIMES).after == Window(
        DONE + SECOND, DONE + SECOND
    ), "no window ends before it begins"


def test_a_look_that_finds_it_worse_no_longer_takes_back_what_would_follow():
    asked = told(follow=Follow.COUNTDOWN, acts_at=NOON, warned=True, recheck=NOON)
    well = looked(asked, Stage.FINAL, WINDOWS, (reading(Result.PASS),), (), NOON)
    assert (well.follow, well.acts_at, well.warned, well.recheck) == (
        Follow.NONE,
        None,
        False,
        None,
    )
    worse = looked(asked, Stage.FINAL, WINDOWS, (reading(Result.FAIL),), (), NOON)
    assert (worse.follow, worse.acts_at) == (Follow.COUNTDOWN, NOON)
    kept = looked(told(follow=Follow.KEPT), Stage.FINAL, WINDOWS, (reading(Result.PASS),), (), NOON)
    assert kept.follow is Follow.KEPT, "what a person decided stands"


# --- what follows --------------------------------------------------------------------------------


def ground(wanted: OnRegression = OnRegression.ROLLBACK, **changes: Any) -> Ground:
    given: dict[str, Any] = {"wanted": wanted, "target": "1.3.2", "went_back_before": False}
    return Ground(**{**given, **changes})


@pytest.mark.parametrize(
    ("wanted", "follow"),
    [
        (OnRegression.ASK, Follow.ASKED),
        (OnRegression.HOLD, Follow.HELD),
        (OnRegression.ROLLBACK, Follow.COUNTDOWN),
    ],
)
def test_what_follows_is_what_the_environment_wants(wanted, follow):
    decided = follow_of(told(), ground(wanted), DONE + 6 * MINUTE)
    assert (decided.follow, decided.target, decided.why_asked) == (follow, "1.3.2", "")


@pytest.mark.parametrize(
    ("analysis", "changes", "late", "why"),
    [
        ({"is_rollback": True}, {}, 0 * MINUTE, "ROLLBACK"),
        ({}, {"went_back_before": True}, 0 * MINUTE, "TWICE"),
        ({}, {"target": ""}, 0 * MINUTE, "NO_TARGET"),
        ({}, {}, TOO_OLD + SECOND, "OLD"),
        ({}, {}, TOO_OLD, ""),
    ],
)
def test_by_itself_it_goes_back_once_from_a_deploy_and_on_news_alone(analysis, changes, late, why):
    now = WINDOWS.after.end + late
    decided = follow_of(told(**analysis), ground(**changes), now)
    assert decided.why_asked == why
    assert decided.follow is (Follow.ASKED if why else Follow.COUNTDOWN)


def test_what_could_not_go_back_by_itself_is_asked_with_the_reason():
    meant = going_back(told(follow=Follow.COUNTDOWN), DYNAMO)
    asked = asked_instead(meant, "REFUSED:the image is gone")
    assert (asked.follow, asked.why_asked) == (Follow.ASKED, "REFUSED:the image is gone")
    assert (asked.decided_by, asked.acts_at) == ("", None)


# --- what people press ---------------------------------------------------------------------------


@pytest.mark.parametrize("follow", list(Follow))
def test_keep_decides_what_is_open_and_nothing_else(follow):
    kept = keep(told(follow=follow, acts_at=NOON, settled=True), "U0BEN00000")
    if follow in (Follow.ASKED, Follow.COUNTDOWN, Follow.HELD):
        assert kept is not None
        assert (kept.follow, kept.decided_by, kept.acts_at) == (Follow.KEPT, "U0BEN00000", None)
        assert not kept.settled, "its message has yet to say so"
    else:
        assert kept is None
    assert keep(told(follow=follow, stage=Stage.STOPPED), "U0BEN00000") is None


def test_mute_holds_once_and_stops_no_countdown():
    muted = mute(told(follow=Follow.COUNTDOWN, acts_at=NOON), "U0BEN00000")
    assert muted is not None
    assert (muted.muted_by, muted.follow, muted.acts_at) == ("U0BEN00000", Follow.COUNTDOWN, NOON)
    assert mute(muted, "U0ANA00000") is None
    assert mute(told(stage=Stage.STOPPED), "U0BEN00000") is None


@pytest.mark.parametrize("stage", list(Stage))
def test_another_look_is_made_of_what_was_looked_at(rollout, stage):
    again = ask_again(told(stage=stage, settled=True), DONE + 8 * MINUTE)
    if stage in (Stage.WATCHING, Stage.STOPPED):
        assert again is None
        return
    assert again is not None
    assert ask_again(again, DONE + 9 * MINUTE) is None, "one at a time"
    step = next_step(again, seen(rollout), DONE + 8 * MINUTE)
    assert step == Look(stage, DONE + 8 * MINUTE)


def test_another_look_that_is_asked_for_at_once_still_has_a_window(rollout):
    hasty = told(recheck=DONE + SECOND)
    assert next_step(hasty, seen(rollout), DONE + SECOND) == Look(
        Stage.PROVISIONAL, DONE + 90 * SECOND
    )


def test_a_persons_own_way_back_is_noted_with_their_name(rollout):
    gone = gone_back(told(follow=Follow.ASKED), "U0BEN00000", "r2")
    assert (gone.follow, gone.decided_by, gone.rollback) == (
        Follow.ROLLED_BACK,
        "U0BEN00000",
        "r2",
    )
    assert next_step(gone, seen(rollout), DONE + 7 * MINUTE) == Stop()
