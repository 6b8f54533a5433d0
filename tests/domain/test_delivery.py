"""The four numbers of delivery: what counts, what does not, and when a sample is too small."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.delivery import Delivered, Delivery, Past, delivery_of
from bot.domain.kind import Kind
from bot.domain.rollout import RolloutState

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)


def ended(hours_ago: float, state: str = "SUCCEEDED", **changes: Any) -> Delivered:
    """A deploy that took a minute in the cluster."""
    at = NOW - timedelta(hours=hours_ago)
    values: dict[str, Any] = {"service": "tasks", "kind": Kind.DEPLOY, "finished_at": at}
    values["touched_at"] = at - timedelta(minutes=1)
    return Delivered(state=RolloutState(state), **{**values, **changes})


def counted(*delivered: Delivered, first: datetime | None = None) -> Delivery:
    return delivery_of(Past(first, delivered), SINCE, NOW)


def test_nothing_gives_no_numbers_and_no_zeroes():
    found = counted()
    for measure in (found.frequency, found.lead, found.failures, found.recovery):
        assert (measure.value, measure.sample) == (None, 0)


def test_only_good_ends_of_deploys_are_counted_as_frequency():
    found = counted(
        *(ended(hours) for hours in (10, 200, 300)),
        ended(5, "FAILED"),
        ended(30, kind=Kind.ROLLBACK),
        ended(40, "CANCELLED"),
    )
    assert (found.frequency.value, found.frequency.sample) == (pytest.approx(3 / 30), 3)


def test_a_young_record_is_not_a_time_without_deployments():
    first = NOW - timedelta(days=4)
    found = counted(ended(10), ended(20), first=first)
    assert (found.days, found.frequency.value) == (4, 0.5)
    assert counted(ended(1), first=NOW - timedelta(hours=1)).frequency.value == 1.0
    assert counted(ended(1), first=NOW - timedelta(days=400)).days == 30


def test_lead_time_is_the_median_over_commits_and_a_commit_of_the_future_is_none():
    at = NOW - timedelta(hours=10)
    found = counted(
        ended(10, committed=(at - timedelta(hours=1), at - timedelta(hours=3))),
        ended(10, committed=(at - timedelta(hours=2), at + timedelta(hours=5)), service="auth"),
        ended(10, "FAILED", committed=(at - timedelta(days=9),), service="forms"),
        ended(10, service="notify"),
    )
    assert (found.lead.value, found.lead.sample, found.changes_of) == (7_200, 3, 2)
    assert not found.lead.enough


def test_what_never_reached_the_cluster_is_no_failed_change():
    found = counted(
        ended(3),
        ended(4, "FAILED", touched_at=None),
        ended(5, "REJECTED", touched_at=None),
        ended(6, "SUPERSEDED"),
    )
    assert (found.failures.value, found.failures.sample) == (0, 1)


def test_a_deployment_fails_by_its_end_by_its_analysis_or_by_being_rolled_back_within_a_day():
    by_end = counted(ended(50), ended(40, "FAILED"), ended(30, "ROLLED_BACK"))
    assert (by_end.failed, by_end.failures.sample) == (2, 3)
    assert counted(ended(40, worse=True)).failed == 1
    assert counted(ended(40), ended(17, kind=Kind.ROLLBACK)).failed == 1


def test_a_late_rollback_or_one_of_another_service_makes_no_failed_change():
    assert counted(ended(40), ended(15, kind=Kind.ROLLBACK)).failed == 0
    assert counted(ended(40), ended(39, kind=Kind.ROLLBACK, service="auth")).failed == 0
    assert counted(ended(40), ended(39, "FAILED", kind=Kind.ROLLBACK)).failed == 0
    # The rollback took back the second of the two.
    assert counted(ended(40), ended(39), ended(38, kind=Kind.ROLLBACK)).failed == 1


def test_recovery_runs_from_the_cluster_until_a_good_release_runs_again():
    back = ended(30, "ROLLED_BACK", touched_at=NOW - timedelta(hours=30, minutes=4))
    assert counted(back).recovery.value == 240
    failed = ended(20, "FAILED", touched_at=NOW - timedelta(hours=21))
    mended = counted(failed, ended(19, "FAILED"), ended(18, worse=True), ended(16))
    assert mended.recovery.sample == 3  # all three of them by the last
    assert mended.recovery.value == pytest.approx((3 + 1 / 60) * 3_600)
    assert mended.unrecovered == 0


def test_what_has_not_recovered_is_no_zero_in_the_median():
    found = counted(ended(20, "FAILED"), ended(10, service="auth"))
    assert (found.recovery.value, found.recovery.sample, found.unrecovered) == (None, 0, 1)


def test_what_ended_before_the_time_asked_about_does_not_count():
    assert counted(ended(31 * 24)).frequency.sample == 0


@pytest.mark.parametrize(("number", "enough"), [(9, False), (10, True)])
def test_ten_deployments_are_enough_for_a_share(number, enough):
    found = counted(*(ended(hours + 1) for hours in range(number)))
    assert found.failures.enough is enough
