"""Where a rollback goes: to what ran well, further back each time, never to what was left."""

from datetime import UTC, datetime, timedelta

from bot.domain.image import Image
from bot.domain.kind import Kind
from bot.domain.rollout import Actor, CardRef, Rollout, RolloutState, Running
from bot.domain.way_back import good_releases, ways_back

START = datetime(2026, 11, 1, tzinfo=UTC)


def digest(version: str) -> str:
    return f"sha256:{version}"


def story(*events: tuple[str, str, str]) -> list[Rollout]:
    """Of "kind version STATE", oldest first; what ran before each is what the one before left."""
    told, runs = [], ""
    for day, (kind, version, state) in enumerate(events):
        untouched = state == "REJECTED"
        told.append(
            Rollout(
                id=str(day),
                service="s",
                environment="qa",
                namespace="n",
                context="",
                image=Image("r", version, digest(version)),
                version=version,
                requested_by=Actor("U1"),
                requested_at=START + timedelta(days=day),
                line="",
                card=CardRef("C1"),
                kind=Kind(kind),
                state=RolloutState(state),
                before=Running(runs, digest(runs), ready=3, desired=3) if runs else None,
                before_generation=None if untouched else day,
                finished_at=START + timedelta(days=day, hours=1),
            )
        )
        if not untouched and state != "ROLLED_BACK":
            runs = version
    return told[::-1]


def targets(*events: tuple[str, str, str], running: str) -> list[str]:
    return [each.version for each in ways_back(good_releases(story(*events)), digest(running))]


D, R = "DEPLOY", "ROLLBACK"


def test_a_failed_release_is_no_target_however_recent() -> None:
    """`kubectl rollout undo` would go to 1.1, which failed."""
    events = [(D, "1.0", "SUCCEEDED"), (D, "1.1", "FAILED"), (D, "1.2", "FAILED")]
    assert targets(*events, running="1.2") == ["1.0"]


def test_after_a_rollback_the_next_goes_further_back_and_not_to_what_was_left() -> None:
    events = [(D, "1.0", "SUCCEEDED"), (D, "1.1", "SUCCEEDED"), (D, "1.2", "SUCCEEDED")]
    assert targets(*events, running="1.2") == ["1.1", "1.0"]
    events.append((R, "1.1", "SUCCEEDED"))
    assert targets(*events, running="1.1") == ["1.0"]
    events.append((R, "1.0", "SUCCEEDED"))
    assert targets(*events, running="1.0") == []


def test_what_was_left_is_a_target_again_once_it_was_deployed_well_again() -> None:
    events = [
        (D, "1.0", "SUCCEEDED"),
        (D, "1.1", "SUCCEEDED"),
        (R, "1.0", "SUCCEEDED"),
        (D, "1.1", "SUCCEEDED"),
        (D, "1.2", "FAILED"),
    ]
    assert targets(*events, running="1.2") == ["1.1", "1.0"]


def test_a_rollback_that_failed_makes_neither_end_a_target() -> None:
    events = [
        (D, "1.0", "SUCCEEDED"),
        (D, "1.1", "SUCCEEDED"),
        (D, "1.2", "SUCCEEDED"),
        (R, "1.1", "FAILED"),
    ]
    assert targets(*events, running="1.1") == ["1.0"]


def test_what_ran_healthy_before_dynamo_deployed_there_is_good_where_nothing_else_is_known() -> (
    None
):
    told = story((D, "0.9", "SUCCEEDED"), (D, "1.0", "FAILED"))
    assert [each.version for each in good_releases(told[:1])] == ["0.9"]


def test_what_was_refused_says_nothing_about_anything() -> None:
    events = [(D, "1.0", "SUCCEEDED"), (D, "1.1", "SUCCEEDED"), (D, "1.0", "REJECTED")]
    assert targets(*events, running="1.1") == ["1.0"]


def test_a_release_whose_analysis_failed_is_no_target() -> None:
    told = story((D, "1.0", "SUCCEEDED"), (D, "1.1", "SUCCEEDED"), (D, "1.2", "SUCCEEDED"))
    good = good_releases(told, lambda rollout: rollout.version == "1.1")
    assert [each.version for each in ways_back(good, digest("1.2"))] == ["1.0"]


def test_a_scaling_and_a_restart_say_nothing_about_releases() -> None:
    told = story(
        (D, "1.0", "SUCCEEDED"), ("SCALE", "1.1", "SUCCEEDED"), ("RESTART", "1.2", "FAILED")
    )
    assert [each.version for each in good_releases(told)] == ["1.0"]
