"""Response times of routes, before a rollout against after it. Pure; heavy (scipy): to be called on
the workbench.

Each side is a short spell of probes, so it is one moment: whatever slows everything down for a
minute looks like a slow release. Hence the same three questions as of metrics (`statistics.py`:
chance, size, noise), and wider gaps than minutes of traffic need. What already was so
before the rollout is never its fault: that is WARN, and says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.analysis import DataState, Part, Reading, Result, Unit
from bot.domain.probing import Certificate, Expiry, Reached, Tally, expiry, quantile
from bot.domain.statistics import Rise, rise_of

WARN_RATIO, WARN_SECONDS, WARN_NOISE = 1.35, 0.020, 1.25
FAIL_RATIO, FAIL_SECONDS, FAIL_NOISE = 1.5, 0.050, 2.5
FAIL_MADS = 3.0
CHANCE = 0.01
LEAST_BEFORE, LEAST_AFTER = 10, 5
"""As for metrics (research/rollouts.md §3.5): below these nothing is tested."""

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Spell:
    """What one spell of probes found: of each route, and of the host's certificate (None: plain
    http, or not looked at)."""

    routes: Mapping[str, Tally] = field(default_factory=dict)
    certificate: Certificate | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "routes": {
                route: {
                    "times": [round(seconds, 6) for seconds in each.times],
                    "bad": each.bad,
                    "worst": each.worst,
                }
                for route, each in self.routes.items()
            }
        }
        if self.certificate is not None:
            expires = self.certificate.expires_at
            found["certificate"] = {
                "reached": str(self.certificate.reached),
                "expires": expires.isoformat() if expires else "",
            }
        return found

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Spell":
        """Raises KeyError, TypeError or ValueError for anything that `as_json` did not write."""
        routes = {
            route: Tally(tuple(map(float, each["times"])), int(each["bad"]), str(each["worst"]))
            for route, each in found["routes"].items()
        }
        held = found.get("certificate")
        if held is None:
            return cls(routes)
        expires = datetime.fromisoformat(held["expires"]) if held["expires"] else None
        return cls(routes, Certificate(Reached(held["reached"]), expires))


@dataclass(frozen=True, slots=True)
class Asked:
    """`before` is None where there was nothing to ask, or no time: a first deploy, a bot that was
    away. `targets` are the addresses of the routes, `host` whose certificate it is."""

    before: Spell | None
    after: Spell
    targets: Mapping[str, str]
    host: str
    now: datetime


def judge(asked: Asked) -> tuple[Reading, ...]:
    return (*_routes(asked), *_certificate(asked))


# Routes


def _routes(asked: Asked) -> Iterator[Reading]:
    for route, after in asked.after.routes.items():
        before = asked.before.routes.get(route) if asked.before is not None else None
        query = f"GET {asked.targets.get(route, route)} ×{after.asked}"
        yield _route(route, before, after, query)


def _route(route: str, before: Tally | None, after: Tally, query: str) -> Reading:
    values: dict[str, Any] = {
        "asked": after.asked,
        "bad": after.bad,
        "worst": after.worst,
        "before_n": len(before.times) if before else 0,
        "after_n": len(after.times),
        **_quantiles("before", before),
        **_quantiles("after", after),
    }

    def reading(result: Result, code: str, state: DataState = DataState.OK) -> Reading:
        return Reading(
            part=Part.RESPONSE_TIMES,
            name="ROUTE",
            result=result,
            code=code,
            subject=route,
            state=state,
            unit=Unit.SECONDS,
            before=quantile(before.times, 0.5) if before else None,
            after=quantile(after.times, 0.5),
            values=values,
            query=query[:_LONGEST],
        )

    if not after.asked:
        return reading(Result.INCONCLUSIVE, "ROUTE_NOT_ASKED", DataState.QUERY_ERROR)
    if after.bad:
        return reading(*_of_bad(before, after))
    if before is None or not before.asked:
        return reading(Result.INCONCLUSIVE, "ROUTE_NO_BEFORE", DataState.LOW)
    if len(before.times) < LEAST_BEFORE or len(after.times) < LEAST_AFTER:
        return reading(Result.INCONCLUSIVE, "ROUTE_FEW", DataState.LOW)
    rise = rise_of(before.times, after.times)
    values.update(p=rise.p, ratio=round(rise.ratio, 3))
    return reading(*_of_rise(rise))


def _of_bad(before: Tally | None, after: Tally) -> tuple[Result, str]:
    """Most answers bad that were not before is a FAIL; one of several can be anybody's."""
    code = "ROUTE_STATUS" if after.worst.isdigit() else f"ROUTE_{after.worst}"
    known = before is not None and before.asked > 0
    if known and before is not None and 2 * before.bad > before.asked:
        return Result.WARN, f"{code}_ALREADY"
    most = 2 * after.bad > after.asked
    return (Result.FAIL if known and most else Result.WARN), code


def _of_rise(rise: Rise) -> tuple[Result, str]:
    large = rise.ratio >= WARN_RATIO and rise.difference >= WARN_SECONDS
    if not (large and rise.p < CHANCE and rise.stands_out(WARN_NOISE)):
        faster = rise.after > 0 and rise.before / rise.after >= FAIL_RATIO
        better = faster and -rise.difference >= FAIL_SECONDS
        return Result.PASS, "ROUTE_FASTER" if better else "ROUTE_SAME"
    fails = (
        rise.ratio >= FAIL_RATIO
        and rise.difference >= max(FAIL_SECONDS, FAIL_MADS * rise.mad)
        and rise.stands_out(FAIL_NOISE)
    )
    return (Result.FAIL if fails else Result.WARN), "ROUTE_SLOWER"


def _quantiles(side: str, given: Tally | None) -> dict[str, float]:
    """p50 and p95 in milliseconds; none where nothing answered."""
    if given is None or not given.times:
        return {}
    return {
        f"{side}_p{share}": round(1000 * (quantile(given.times, share / 100) or 0.0), 1)
        for share in (50, 95)
    }


# The certificate


_CODES = {
    Expiry.FINE: (Result.PASS, "CERTIFICATE_FINE"),
    Expiry.SOON: (Result.WARN, "CERTIFICATE_SOON"),
    Expiry.ALMOST: (Result.FAIL, "CERTIFICATE_ALMOST"),
    Expiry.EXPIRED: (Result.FAIL, "CERTIFICATE_EXPIRED"),
}


def _certificate(asked: Asked) -> Iterator[Reading]:
    held = asked.after.certificate
    if held is None:
        return
    before = asked.before.certificate if asked.before is not None else None
    days = _days(held, asked.now)
    values: dict[str, Any] = {"host": asked.host, "message": held.message}
    if days is not None:
        values.update(days=int(days), count=int(days))
    result, code = _of_certificate(held, asked.now)
    if result is Result.FAIL and before is not None:
        was, _ = _of_certificate(before, asked.now)
        if was is Result.FAIL:  # nothing that going back would mend
            result, code = Result.WARN, f"{code}_ALREADY"
    yield Reading(
        part=Part.RESPONSE_TIMES,
        name="CERTIFICATE",
        result=result,
        code=code,
        state=DataState.QUERY_ERROR if result is Result.INCONCLUSIVE else DataState.OK,
        values=values,
        query=f"TLS {asked.host}",
    )


def _of_certificate(held: Certificate, now: datetime) -> tuple[Result, str]:
    if held.reached is Reached.BAD_CERTIFICATE:
        return Result.FAIL, "CERTIFICATE_BAD"
    if held.expires_at is None:
        return Result.INCONCLUSIVE, "CERTIFICATE_UNSEEN"
    return _CODES[expiry(held.expires_at, now)]


def _days(held: Certificate | None, now: datetime) -> float | None:
    if held is None or held.expires_at is None:
        return None
    return round((held.expires_at - now).total_seconds() / 86_400, 1)
