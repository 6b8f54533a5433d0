"""What a service depends on, before a rollout against after it. Pure.

Each thing that was looked at is a `Check`: well, not well, or not known. A rollout is to blame only
for what was well before it; what was broken already is a WARN that says so, and what nobody had
looked at before is one as well: going back would mend neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.analysis import DataState, Part, Reading, Result, Unit
from bot.domain.probing import Answer, Reached
from bot.domain.statistics import p_of_more
from bot.domain.workload import Workload

ALREADY = "_ALREADY"


@dataclass(frozen=True, slots=True)
class Check:
    """`well` None: it could not be looked at. `grave` False: it is never more than a WARN."""

    name: str
    code: str
    well: bool | None
    subject: str = ""
    grave: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    counts: tuple[float, float] | None = None  # errors and requests, where it is about these

    @property
    def key(self) -> str:
        return f"{self.name} {self.subject}".strip()


@dataclass(frozen=True, slots=True)
class Standing:
    """How things were: by the key of a check, whether it was well (what was not known is not in
    it), and errors and requests of those that are about these."""

    well: Mapping[str, bool] = field(default_factory=dict)
    counts: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        counts = {key: list(each) for key, each in self.counts.items()}
        return {"well": dict(self.well), "counts": counts}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Standing":
        """Raises KeyError, TypeError or ValueError for anything that `as_json` did not write."""
        return cls(
            {str(key): bool(well) for key, well in found["well"].items()},
            {
                str(key): (float(errors), float(requests))
                for key, (errors, requests) in found["counts"].items()
            },
        )


def standing_of(checks: Iterable[Check]) -> Standing:
    given = list(checks)
    return Standing(
        {each.key: each.well for each in given if each.well is not None},
        {each.key: each.counts for each in given if each.counts is not None},
    )


def judge_integration(checks: Sequence[Check], before: Standing) -> tuple[Reading, ...]:
    """Loads scipy where a check is about errors: to be called on the workbench."""
    return tuple(
        _reading(_compared(check, before.counts.get(check.key)), before.well.get(check.key))
        for check in checks
    )


def _reading(check: Check, was: bool | None) -> Reading:
    result, code = Result.PASS, check.code
    if check.well is None:
        result = Result.INCONCLUSIVE
    elif not check.well:
        result = Result.FAIL if check.grave and was else Result.WARN
        if was is False:
            code += ALREADY
    return Reading(
        part=Part.INTEGRATION,
        name=check.name,
        result=result,
        code=code,
        subject=check.subject,
        state=DataState.QUERY_ERROR if check.well is None else DataState.OK,
        unit=Unit.COUNT,
        values=check.values,
        query=check.query,
    )


# Dependencies

DEPENDENCY, HEALTH, ERRORS = "DEPENDENCY", "DEPENDENCY_HEALTH", "DEPENDENCY_ERRORS"


def workload_check(service: str, workload: Workload, where: str) -> Check:
    """Whether its pods are ready. Some of them not is a WARN: a rollout of its own, perhaps."""
    of = workload.deployment
    query = f"get deployment/{service} in {where}"
    if of is None:
        return Check(DEPENDENCY, "DEPENDENCY_ABSENT", False, service, query=query)
    values = {"ready": of.ready, "desired": of.desired, "count": of.desired}
    if not of.desired:
        return Check(DEPENDENCY, "DEPENDENCY_AT_ZERO", False, service, values=values, query=query)
    if not of.ready:
        return Check(DEPENDENCY, "DEPENDENCY_DOWN", False, service, values=values, query=query)
    if of.ready < of.desired:
        return Check(
            DEPENDENCY, "DEPENDENCY_PARTLY", False, service, False, values=values, query=query
        )
    return Check(DEPENDENCY, "DEPENDENCY_READY", True, service, values=values, query=query)


def not_asked(name: str, subject: str = "") -> Check:
    """There was no time for it."""
    return Check(name, "NOT_ASKED", None, subject)


def unknown_workload(service: str, message: str, where: str) -> Check:
    values = {"message": message}
    query = f"get deployment/{service} in {where}"
    return Check(DEPENDENCY, "DEPENDENCY_UNKNOWN", None, service, values=values, query=query)


def health_check(service: str, answer: Answer, url: str) -> Check:
    """Of its health endpoint below the base URL. A login page in its place is no health: where its
    route is not open to a stranger that is not known."""
    values = {
        "status": answer.status,
        "ms": round(answer.seconds * 1000),
        "message": answer.message,
    }
    well: bool | None = answer.healthy
    code = f"HEALTH_{answer.reached}"
    if answer.reached is Reached.ANSWERED:
        code = "HEALTH_FINE" if well else "HEALTH_STATUS"
        if answer.status in (401, 403):
            well, code = None, "HEALTH_CLOSED"
    return Check(HEALTH, code, well, service, values=values, query=f"GET {url}")


def errors_check(service: str, errors: float, requests: float, query: str) -> Check:
    """Errors among its answers since the rollout; what they mean is known beside those before."""
    values = {"requests": round(requests), "percent": _percent(errors, requests)}
    if requests <= 0:
        return Check(ERRORS, "ERRORS_NO_TRAFFIC", None, service, values=values, query=query)
    counts = (errors, requests)
    return Check(ERRORS, "ERRORS_ALONE", None, service, False, values, query, counts)


def _compared(check: Check, before: tuple[float, float] | None) -> Check:
    """The rule of the service's own errors (research/rollouts.md §3.5), at most a WARN: a
    dependency has other callers and releases of its own."""
    if check.counts is None or before is None or before[1] <= 0:
        return check
    (errors, requests), (former, of) = check.counts, before
    rise = errors / requests - former / of
    values = {**check.values, "percent_before": _percent(former, of)}
    if (
        errors >= LEAST_ERRORS
        and rise >= LEAST_RISE
        and errors / requests >= TIMES * former / of
        and p_of_more(*map(round, (former, of, errors, requests))) < CHANCE
    ):
        return replace(check, code="ERRORS_MORE", well=False, values=values)
    return replace(check, code="ERRORS_SAME", well=True, values=values)


def _percent(errors: float, requests: float) -> float:
    return round(100 * errors / requests, 2) if requests > 0 else 0.0


def unknown_errors(service: str, message: str, query: str) -> Check:
    return Check(ERRORS, "ERRORS_UNKNOWN", None, service, values={"message": message}, query=query)


LEAST_ERRORS, LEAST_RISE, TIMES, CHANCE = 5, 0.005, 2.0, 0.01


# Supabase


WIRING = "SUPABASE_WIRING"
SUPABASE = (
    ("SUPABASE_AUTH", "/auth/v1/health"),
    ("SUPABASE_REST", "/rest/v1/"),
    ("SUPABASE_STORAGE", "/storage/v1/status"),
)
"""The parts of an instance that are asked, and where."""


def supabase_check(name: str, answer: Answer, url: str) -> Check:
    """A gateway in front of all parts asks for a key: without one its 401 tells nothing of what is
    behind it. The root of REST answers a publishable key with 401 or 404 of its own (PostgREST
    describes itself to nobody else), so there anything but a failure of the server is an answer."""
    values = {
        "status": answer.status,
        "ms": round(answer.seconds * 1000),
        "message": answer.message,
    }
    query = f"GET {url}"
    if answer.reached is not Reached.ANSWERED:
        return Check(name, f"SUPABASE_{answer.reached}", False, values=values, query=query)
    if answer.healthy:
        return Check(name, "SUPABASE_FINE", True, values=values, query=query)
    if answer.status in (401, 403):
        return Check(name, "SUPABASE_CLOSED", None, values=values, query=query)
    if name == "SUPABASE_REST" and answer.status < 500:
        return Check(name, "SUPABASE_FINE", True, values=values, query=query)
    return Check(name, "SUPABASE_STATUS", False, values=values, query=query)


def with_an_accepted_key(checks: Iterable[Check]) -> list[Check]:
    """Where auth took the key, REST took it as well: its 401 is its own, and an answer. Where auth
    is away, nobody can tell whether it would have."""
    given = list(checks)
    auth = next((each.well for each in given if each.name == "SUPABASE_AUTH"), None)
    if auth is None:
        return given
    code = "SUPABASE_FINE" if auth else "SUPABASE_UNSEEN"
    return [
        replace(each, code=code, well=auth or None)
        if each.name == "SUPABASE_REST" and each.code == "SUPABASE_CLOSED"
        else each
        for each in given
    ]


def wiring_check(
    own: str, wired: frozenset[str], shared_with: str, variables: Sequence[str], secret: bool
) -> Check | None:
    """Which instance the service is given (hosts; no key is looked at), against that of its
    environment. `shared_with` names the environment whose instance it is instead, where one is
    known; `secret` says that an address comes from a Secret, which is not read. None where there is
    nothing to say: the service is given none."""
    values = {
        "own": own,
        "wired": ", ".join(sorted(wired)),
        "variables": ", ".join(sorted(variables)),
        "other": shared_with,
    }
    if not wired:
        if not secret:
            return None
        return Check(WIRING, "WIRING_SECRET", None, values=values)
    if not own:
        return Check(WIRING, "WIRING_UNDECLARED", None, values=values)
    if wired == {own}:
        return Check(WIRING, "WIRING_OWN", True, values=values)
    code = "WIRING_OTHER_ENVIRONMENT" if shared_with else "WIRING_OTHER"
    return Check(WIRING, code, False, values=values)


def unknown_wiring(message: str) -> Check:
    return Check(WIRING, "WIRING_UNKNOWN", None, values={"message": message})
