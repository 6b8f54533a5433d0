"""Routes before and after: slower, the same, broken, broken already; and the certificate."""

import json
import random
from datetime import timedelta

import pytest

from bot.domain.analysis import DataState, Reading, Result
from bot.domain.probing import Certificate, Reached, Tally
from bot.domain.response_times import Asked, Spell, judge

from ..conftest import NOON


def around(milliseconds: float, *, n: int = 12, spread: float = 0.1, seed: int = 1) -> Tally:
    dice = random.Random(seed)
    return Tally(tuple(milliseconds / 1000 * dice.lognormvariate(0, spread) for _ in range(n)))


def judged(before: Tally | None, after: Tally) -> Reading:
    (reading,) = judge(
        Asked(
            before=Spell({"/tasks": before}) if before is not None else None,
            after=Spell({"/tasks": after}),
            targets={"/tasks": "https://qa.acme.test/tasks"},
            host="qa.acme.test",
            now=NOON,
        )
    )
    return reading


def found(before: Tally | None, after: Tally) -> tuple[Result, str]:
    reading = judged(before, after)
    return reading.result, reading.code


def test_what_takes_as_long_as_before_is_fine() -> None:
    reading = judged(around(40), around(42, seed=2))
    assert (reading.result, reading.code, reading.state) == (
        Result.PASS,
        "ROUTE_SAME",
        DataState.OK,
    )
    assert reading.before == pytest.approx(0.040, rel=0.2)
    assert reading.query == "GET https://qa.acme.test/tasks ×12"
    assert {"p", "before_p95", "after_p95", "before_n", "after_n"} <= reading.values.keys()


def test_twice_as_long_is_worse() -> None:
    assert found(around(80), around(160, seed=2)) == (Result.FAIL, "ROUTE_SLOWER")


def test_a_third_longer_is_something_to_look_at() -> None:
    assert found(around(100), around(138, seed=2)) == (Result.WARN, "ROUTE_SLOWER")


def test_twice_as_long_is_nothing_where_nobody_feels_it() -> None:
    """2 ms and 4 ms: under the floor."""
    assert found(around(2), around(4, seed=2)) == (Result.PASS, "ROUTE_SAME")


def test_half_again_as_long_within_its_own_noise_is_no_fail() -> None:
    noisy = around(100, spread=0.6)
    result, _ = found(noisy, around(165, spread=0.6, seed=5))
    assert result is not Result.FAIL


def test_what_became_faster_is_said() -> None:
    assert found(around(300), around(100, seed=2)) == (Result.PASS, "ROUTE_FASTER")


def test_unchanged_routes_hardly_ever_fail() -> None:
    """400 pairs of spells of one distribution: none fails, and few warn."""
    results = [
        judged(around(60, spread=0.3, seed=seed), around(60, spread=0.3, seed=seed + 50_000)).result
        for seed in range(400)
    ]
    assert results.count(Result.FAIL) == 0
    assert results.count(Result.WARN) <= 4


def test_a_route_that_fails_now_and_did_not_before_is_a_fail() -> None:
    broken = Tally((0.04,) * 2, 10, "503")
    reading = judged(around(40), broken)
    assert (reading.result, reading.code) == (Result.FAIL, "ROUTE_STATUS")
    assert (reading.values["bad"], reading.values["asked"], reading.values["worst"]) == (
        10,
        12,
        "503",
    )


def test_one_bad_answer_of_a_dozen_is_a_warning() -> None:
    assert found(around(40), Tally((0.04,) * 11, 1, "500")) == (Result.WARN, "ROUTE_STATUS")


def test_what_was_broken_before_is_not_its_fault() -> None:
    broken = Tally((), 3, "TIMED_OUT")
    assert found(broken, broken) == (Result.WARN, "ROUTE_TIMED_OUT_ALREADY")


def test_what_nobody_had_asked_before_is_never_a_fail() -> None:
    assert found(None, Tally((), 3, "404")) == (Result.WARN, "ROUTE_STATUS")


@pytest.mark.parametrize(
    "reached", [each for each in Reached if each is not Reached.ANSWERED], ids=str
)
def test_every_way_to_misbehave_has_a_finding_of_its_own(reached: Reached) -> None:
    assert found(around(40), Tally((), 3, str(reached))) == (Result.FAIL, f"ROUTE_{reached}")


@pytest.mark.parametrize(
    ("before", "after", "code", "state"),
    [
        (None, around(40), "ROUTE_NO_BEFORE", DataState.LOW),
        (Tally(()), around(40), "ROUTE_NO_BEFORE", DataState.LOW),
        (around(40, n=9), around(40), "ROUTE_FEW", DataState.LOW),
        (around(40), around(40, n=4), "ROUTE_FEW", DataState.LOW),
        (around(40), Tally(()), "ROUTE_NOT_ASKED", DataState.QUERY_ERROR),
    ],
)
def test_too_little_is_neither_fine_nor_worse(
    before: Tally | None, after: Tally, code: str, state: DataState
) -> None:
    reading = judged(before, after)
    assert (reading.result, reading.code, reading.state) == (Result.INCONCLUSIVE, code, state)


# The certificate


def lasting(days: float) -> Certificate:
    return Certificate(Reached.ANSWERED, NOON + timedelta(days=days))


BAD = Certificate(Reached.BAD_CERTIFICATE, None, "self-signed certificate")
UNSEEN = Certificate(Reached.TIMED_OUT)


@pytest.mark.parametrize(
    ("before", "after", "result", "code"),
    [
        (None, lasting(60), Result.PASS, "CERTIFICATE_FINE"),
        (lasting(60), lasting(20), Result.WARN, "CERTIFICATE_SOON"),
        (lasting(60), lasting(2), Result.FAIL, "CERTIFICATE_ALMOST"),
        (None, lasting(2), Result.FAIL, "CERTIFICATE_ALMOST"),
        (lasting(2), lasting(2), Result.WARN, "CERTIFICATE_ALMOST_ALREADY"),
        (lasting(60), lasting(-1), Result.FAIL, "CERTIFICATE_EXPIRED"),
        (lasting(60), BAD, Result.FAIL, "CERTIFICATE_BAD"),
        (BAD, BAD, Result.WARN, "CERTIFICATE_BAD_ALREADY"),
        (lasting(60), UNSEEN, Result.INCONCLUSIVE, "CERTIFICATE_UNSEEN"),
    ],
)
def test_a_certificate_that_runs_out_is_told_and_nothing_goes_back_for_an_old_one(
    before: Certificate | None, after: Certificate, result: Result, code: str
) -> None:
    (reading,) = judge(
        Asked(
            before=Spell({}, before) if before else None,
            after=Spell({}, after),
            targets={},
            host="qa.acme.test",
            now=NOON,
        )
    )
    assert (reading.result, reading.code) == (result, code)


@pytest.mark.parametrize("certificate", [None, lasting(5), BAD])
def test_a_spell_comes_back_from_text_as_it_went(certificate: Certificate | None) -> None:
    spell = Spell({"/a": Tally((0.25, 0.5), 1, "503")}, certificate)
    back = Spell.of_json(json.loads(json.dumps(spell.as_json())))
    assert back.routes == spell.routes
    assert (back.certificate is None) == (certificate is None)
    if certificate is not None and back.certificate is not None:
        assert (back.certificate.reached, back.certificate.expires_at) == (
            certificate.reached,
            certificate.expires_at,
        )
