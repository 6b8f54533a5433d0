"""What a lock blocks, and what becomes of it when somebody asks for it or gives it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.audit import DYNAMO
from bot.domain.gate import OVERRIDABLE, Gate, GateResult
from bot.domain.lock import (
    Kept,
    Lifted,
    Lock,
    ask_for,
    ask_to_lift,
    judge_locks,
    lock_on,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ANA, BEN = "U0ANA00000", "U0BEN00000"


def a_lock(**changes: object) -> Lock:
    lock = Lock("qa", ANA, NOW - timedelta(hours=2), reason="load test")
    return replace(lock, **changes)  # type: ignore[arg-type]


def judged(
    *locks: Lock, user: str = BEN, service: str = "tasks-service", now: datetime = NOW
) -> GateResult:
    return judge_locks(locks, service, "qa", user, now)


def test_another_persons_lock_blocks_and_says_who_why_how_long_and_until_when() -> None:
    gate = judged(a_lock(until=NOW + timedelta(hours=1)))
    assert (gate.gate, gate.ok, gate.code) == (Gate.LOCK, False, "LOCKED")
    assert gate.values["who"] == ANA
    assert gate.values["reason"] == "load test"
    assert gate.values["age_seconds"] == 7_200
    assert gate.values["until"] == "2026-11-24T13:00:00+00:00"
    assert gate.values["where"] == "qa"


def test_a_lock_without_an_end_says_so() -> None:
    assert judged(a_lock()).values["until"] == ""


def test_ones_own_lock_never_blocks_its_owner() -> None:
    gate = judged(a_lock(), user=ANA)
    assert (gate.ok, gate.code) == (True, "OWN_LOCK")


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=1), timedelta(days=9)])
def test_a_lock_whose_time_is_over_counts_for_nothing(ago: timedelta) -> None:
    assert judged(a_lock(until=NOW - ago)).code == "NO_LOCK"


def test_a_lock_holds_until_its_very_last_moment() -> None:
    assert not judged(a_lock(until=NOW + timedelta(microseconds=1))).ok


@pytest.mark.parametrize(
    ("lock", "blocks"),
    [
        (a_lock(), True),
        (a_lock(service="tasks-service"), True),
        (a_lock(service="auth-service"), False),
        (a_lock(environment="prod"), False),
        (a_lock(environment="prod", service="tasks-service"), False),
    ],
)
def test_a_lock_blocks_its_environment_or_its_service_there_and_nothing_else(
    lock: Lock, blocks: bool
) -> None:
    assert judged(lock).ok is not blocks


def test_ones_own_lock_of_the_service_does_not_open_anothers_of_the_environment() -> None:
    gate = judged(a_lock(), a_lock(service="tasks-service", owner=BEN))
    assert gate.code == "LOCKED"
    assert gate.values["who"] == ANA


def test_two_that_block_are_both_named_the_environments_first() -> None:
    gate = judged(a_lock(service="tasks-service", owner="U0ELENA000"), a_lock(), user=BEN)
    assert gate.values["who"] == f"{ANA} U0ELENA000"
    assert gate.values["where"] == "qa"


@pytest.mark.parametrize("user", [ANA, BEN, DYNAMO])
def test_a_lock_of_dynamos_own_blocks_everybody(user: str) -> None:
    lock = a_lock(owner=DYNAMO, service="tasks-service", reason="rolled back 1.5.0")
    gate = judged(lock, user=user)
    assert lock.locked_by_system
    assert (gate.ok, gate.code) == (False, "LOCKED_BY_DYNAMO")
    assert gate.values["where"] == "tasks-service qa"


def test_locks_and_windows_are_what_break_glass_may_pass() -> None:
    assert frozenset({Gate.LOCK, Gate.WINDOW}) <= OVERRIDABLE
    assert Gate.PERMISSION not in OVERRIDABLE
    assert Gate.CLUSTER not in OVERRIDABLE


def test_a_free_scope_is_locked() -> None:
    wanted = a_lock(owner=BEN)
    answer = ask_for(None, wanted, take=False, now=NOW)
    assert (answer.kept, answer.lock, answer.lost) == (Kept.NEW, wanted, None)


def test_an_expired_lock_is_nobodys_loss() -> None:
    answer = ask_for(a_lock(until=NOW), a_lock(owner=BEN), take=False, now=NOW)
    assert (answer.kept, answer.lost) == (Kept.NEW, None)


def test_locking_again_renews_and_the_age_goes_on() -> None:
    held = a_lock(until=NOW + timedelta(hours=1))
    wanted = Lock("qa", ANA, NOW, until=NOW + timedelta(hours=4))
    answer = ask_for(held, wanted, take=False, now=NOW)
    assert answer.kept is Kept.RENEWED
    assert answer.lock == replace(held, until=wanted.until)


@pytest.mark.parametrize("owner", [ANA, DYNAMO])
def test_anothers_lock_is_left_alone_unless_it_is_taken_explicitly(owner: str) -> None:
    held, wanted = a_lock(owner=owner), a_lock(owner=BEN)
    refused = ask_for(held, wanted, take=False, now=NOW)
    assert (refused.kept, refused.lock) == (Kept.HELD, held)
    taken = ask_for(held, wanted, take=True, now=NOW)
    assert (taken.kept, taken.lock, taken.lost) == (Kept.TAKEN, wanted, held)


@pytest.mark.parametrize(
    ("held", "force", "lifted"),
    [
        (None, True, Lifted.NOTHING),
        (a_lock(until=NOW), True, Lifted.NOTHING),
        (a_lock(owner=BEN), False, Lifted.OWN),
        (a_lock(), False, Lifted.HELD),
        (a_lock(), True, Lifted.FORCED),
        (a_lock(owner=DYNAMO), False, Lifted.SYSTEM),
    ],
)
def test_what_a_request_to_unlock_comes_to(held: Lock | None, force: bool, lifted: Lifted) -> None:
    assert ask_to_lift(held, BEN, force=force, now=NOW) is lifted


def test_a_place_shows_its_services_own_lock_before_the_environments() -> None:
    whole, own = a_lock(), a_lock(service="tasks-service", owner=BEN)
    assert lock_on([whole, own], "tasks-service", "qa", NOW) == own
    assert lock_on([whole, own], "auth-service", "qa", NOW) == whole
    assert lock_on([whole], "tasks-service", "prod", NOW) is None
    assert lock_on([a_lock(until=NOW)], "tasks-service", "qa", NOW) is None
