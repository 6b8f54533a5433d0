"""Answers of probes as values: what is well, quantiles, addresses, certificates that run out."""

from datetime import timedelta

import pytest

from bot.domain.probing import Answer, Expiry, Reached, expiry, joined, quantile, tally

from ..conftest import NOON


@pytest.mark.parametrize(
    ("status", "well", "healthy"),
    [
        (200, True, True),
        (204, True, True),
        (304, True, False),
        (401, True, False),
        (403, True, False),
        (404, False, False),
        (405, True, False),
        (429, False, False),
        (500, False, False),
        (503, False, False),
    ],
)
def test_a_login_is_an_answer_of_a_route_and_no_health(
    status: int, well: bool, healthy: bool
) -> None:
    answer = Answer(Reached.ANSWERED, status)
    assert (answer.well, answer.healthy) == (well, healthy)


def test_a_status_counts_only_where_there_was_an_answer() -> None:
    assert not Answer(Reached.TIMED_OUT, 200).well
    assert not Answer(Reached.TIMED_OUT, 200).healthy


def test_times_are_those_of_good_answers_alone() -> None:
    found = tally(
        [
            Answer(Reached.ANSWERED, 200, 0.1),
            Answer(Reached.ANSWERED, 503, 0.001),  # quick, for it did nothing
            Answer(Reached.TIMED_OUT, 0, 3.0),
            Answer(Reached.ANSWERED, 503, 0.001),
        ]
    )
    assert (found.times, found.bad, found.worst, found.asked) == ((0.1,), 3, "503", 4)


@pytest.mark.parametrize(
    ("times", "share", "is_"),
    [
        ((), 0.5, None),
        ((3.0,), 0.95, 3.0),
        ((4.0, 1.0, 3.0, 2.0), 0.5, 2.5),
        (tuple(map(float, range(101))), 0.95, 95.0),
        ((0.0, 1.0), 0.95, 0.95),
    ],
)
def test_quantiles(times: tuple[float, ...], share: float, is_: float | None) -> None:
    assert quantile(times, share) == (pytest.approx(is_) if is_ is not None else None)


@pytest.mark.parametrize(
    ("left", "is_"),
    [
        (timedelta(days=21), Expiry.FINE),
        (timedelta(days=20, hours=23), Expiry.SOON),
        (timedelta(days=3), Expiry.SOON),
        (timedelta(days=2, hours=23), Expiry.ALMOST),
        (timedelta(seconds=1), Expiry.ALMOST),
        (timedelta(), Expiry.EXPIRED),
        (timedelta(days=-400), Expiry.EXPIRED),
    ],
)
def test_how_long_a_certificate_lasts(left: timedelta, is_: Expiry) -> None:
    assert expiry(NOON + left, NOON) is is_


@pytest.mark.parametrize(
    ("parts", "is_"),
    [
        (("https://a.test", "/tasks-service", "/healthz"), "https://a.test/tasks-service/healthz"),
        (("https://a.test/", "/", "/healthz"), "https://a.test/healthz"),
        (("https://a.test/api", "/tasks/", "/t?limit=1"), "https://a.test/api/tasks/t?limit=1"),
        (("https://a.test", "/", "/"), "https://a.test/"),
    ],
)
def test_a_path_is_put_below_a_base_url(parts: tuple[str, ...], is_: str) -> None:
    assert joined(*parts) == is_
