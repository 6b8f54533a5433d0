"""What a service depends on: a rollout is to blame only for what was well before it."""

import json

import pytest

from bot.domain.analysis import DataState, Result
from bot.domain.integration import (
    Check,
    Standing,
    errors_check,
    health_check,
    judge_integration,
    not_asked,
    standing_of,
    supabase_check,
    wiring_check,
    with_an_accepted_key,
    workload_check,
)
from bot.domain.probing import Answer, Reached
from bot.domain.workload import Deployment, Workload

URL = "https://qa.acme.test/auth-service/healthz"


@pytest.mark.parametrize(
    ("was", "is_", "grave", "result", "code"),
    [
        (True, True, True, Result.PASS, "X"),
        (False, True, True, Result.PASS, "X"),
        (True, False, True, Result.FAIL, "X"),
        (True, False, False, Result.WARN, "X"),
        (False, False, True, Result.WARN, "X_ALREADY"),
        (None, False, True, Result.WARN, "X"),
        (True, None, True, Result.INCONCLUSIVE, "X"),
        (None, None, True, Result.INCONCLUSIVE, "X"),
    ],
)
def test_only_what_was_well_before_is_a_fail(
    was: bool | None, is_: bool | None, grave: bool, result: Result, code: str
) -> None:
    check = Check("DEPENDENCY", "X", is_, "auth-service", grave)
    before = {} if was is None else {"DEPENDENCY auth-service": was}
    (reading,) = judge_integration([check], Standing(before))
    assert (reading.result, reading.code) == (result, code)
    assert (reading.state is DataState.OK) == (is_ is not None)


def test_what_was_looked_at_before_is_found_again() -> None:
    checks = [
        Check("DEPENDENCY", "X", False, "a"),
        Check("DEPENDENCY", "X", True, "b"),
        Check("SUPABASE_AUTH", "X", True),
        not_asked("SUPABASE_REST"),
    ]
    standing = Standing.of_json(json.loads(json.dumps(standing_of(checks).as_json())))
    assert standing.well == {"DEPENDENCY a": False, "DEPENDENCY b": True, "SUPABASE_AUTH": True}
    results = [reading.result for reading in judge_integration(checks, standing)]
    assert results == [Result.WARN, Result.PASS, Result.PASS, Result.INCONCLUSIVE]


def running(ready: int, desired: int) -> Workload:
    return Workload(Deployment("auth-service", "dynamo-qa", "u", desired=desired, ready=ready))


@pytest.mark.parametrize(
    ("workload", "code", "well", "grave"),
    [
        (running(3, 3), "DEPENDENCY_READY", True, True),
        (running(2, 3), "DEPENDENCY_PARTLY", False, False),
        (running(0, 3), "DEPENDENCY_DOWN", False, True),
        (running(0, 0), "DEPENDENCY_AT_ZERO", False, True),
        (Workload(), "DEPENDENCY_ABSENT", False, True),
    ],
)
def test_readiness_of_a_dependency(workload: Workload, code: str, well: bool, grave: bool) -> None:
    check = workload_check("auth-service", workload, "dynamo-qa")
    assert (check.code, check.well, check.grave) == (code, well, grave)
    assert check.query == "get deployment/auth-service in dynamo-qa"


@pytest.mark.parametrize(
    ("answer", "code", "well"),
    [
        (Answer(Reached.ANSWERED, 200), "HEALTH_FINE", True),
        (Answer(Reached.ANSWERED, 503), "HEALTH_STATUS", False),
        (Answer(Reached.ANSWERED, 404), "HEALTH_STATUS", False),
        (Answer(Reached.ANSWERED, 302), "HEALTH_STATUS", False),
        (Answer(Reached.ANSWERED, 401), "HEALTH_CLOSED", None),
        *[(Answer(each), f"HEALTH_{each}", False) for each in Reached if each != "ANSWERED"],
    ],
)
def test_health_of_a_dependency(answer: Answer, code: str, well: bool | None) -> None:
    check = health_check("auth-service", answer, URL)
    assert (check.code, check.well, check.query) == (code, well, f"GET {URL}")


@pytest.mark.parametrize(
    ("name", "answer", "code", "well"),
    [
        ("SUPABASE_AUTH", Answer(Reached.ANSWERED, 200), "SUPABASE_FINE", True),
        ("SUPABASE_AUTH", Answer(Reached.ANSWERED, 401), "SUPABASE_CLOSED", None),
        ("SUPABASE_AUTH", Answer(Reached.ANSWERED, 404), "SUPABASE_STATUS", False),
        ("SUPABASE_REST", Answer(Reached.ANSWERED, 404), "SUPABASE_FINE", True),
        ("SUPABASE_REST", Answer(Reached.ANSWERED, 401), "SUPABASE_CLOSED", None),
        ("SUPABASE_REST", Answer(Reached.ANSWERED, 503), "SUPABASE_STATUS", False),
        ("SUPABASE_STORAGE", Answer(Reached.TIMED_OUT), "SUPABASE_TIMED_OUT", False),
    ],
)
def test_health_of_supabase(name: str, answer: Answer, code: str, well: bool | None) -> None:
    check = supabase_check(name, answer, "https://x.supabase.co/")
    assert (check.code, check.well) == (code, well)


@pytest.mark.parametrize(("auth", "well"), [(200, True), (401, None), (503, None)])
def test_rest_that_describes_itself_to_nobody_is_well_where_auth_took_the_key(
    auth: int, well: bool | None
) -> None:
    checks = [
        supabase_check("SUPABASE_AUTH", Answer(Reached.ANSWERED, auth), "a"),
        supabase_check("SUPABASE_REST", Answer(Reached.ANSWERED, 401), "b"),
    ]
    assert with_an_accepted_key(checks)[1].well is well


@pytest.mark.parametrize(
    ("own", "wired", "other", "secret", "code", "well"),
    [
        ("qa.co", {"qa.co"}, "", False, "WIRING_OWN", True),
        ("qa.co", {"prod.co"}, "prod", False, "WIRING_OTHER_ENVIRONMENT", False),
        ("qa.co", {"qa.co", "x.co"}, "", False, "WIRING_OTHER", False),
        ("", {"x.co"}, "", False, "WIRING_UNDECLARED", None),
        ("qa.co", set(), "", True, "WIRING_SECRET", None),
    ],
)
def test_which_supabase_a_service_is_wired_to(
    own: str, wired: set[str], other: str, secret: bool, code: str, well: bool | None
) -> None:
    check = wiring_check(own, frozenset(wired), other, ["SUPABASE_URL"], secret)
    assert check is not None
    assert (check.code, check.well) == (code, well)


def test_a_service_without_supabase_has_nothing_to_say_about_it() -> None:
    assert wiring_check("qa.co", frozenset(), "", [], secret=False) is None


@pytest.mark.parametrize(
    ("before", "after", "result", "code"),
    [
        ((10, 10_000), (90, 3_000), Result.WARN, "ERRORS_MORE"),
        ((10, 10_000), (4, 3_000), Result.PASS, "ERRORS_SAME"),
        ((300, 10_000), (100, 3_000), Result.PASS, "ERRORS_SAME"),
        ((0, 10_000), (4, 100), Result.PASS, "ERRORS_SAME"),  # four may be anybody's
        (None, (90, 3_000), Result.INCONCLUSIVE, "ERRORS_ALONE"),
        ((0, 0), (90, 3_000), Result.INCONCLUSIVE, "ERRORS_ALONE"),
        ((10, 10_000), (0, 0), Result.INCONCLUSIVE, "ERRORS_NO_TRAFFIC"),
    ],
)
def test_errors_of_a_dependency_are_compared_and_never_a_fail(
    before: tuple[float, float] | None, after: tuple[float, float], result: Result, code: str
) -> None:
    known = standing_of([errors_check("auth-service", *before, "q")]) if before else Standing()
    (reading,) = judge_integration([errors_check("auth-service", *after, "q")], known)
    assert (reading.result, reading.code, reading.subject) == (result, code, "auth-service")
