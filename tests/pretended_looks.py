"""A look that finds what a test says: for tests of what becomes of a finding, not of looking.

A bot in a process of its own is told by its environment (`VARIABLE`), since nothing else crosses.
"""

import os

import bot.app
from bot.domain.analysis import Part, Reading, Result, Sample, Unit
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject

VARIABLE = "DYNAMO_TESTS_PRETEND"
"""version=result, parted by commas: 1.4.0=fail. What is not named is as good as before."""

_AFTER = {Result.FAIL: 0.029, Result.WARN: 0.012}


def errors(subject: Subject, result: Result) -> Reading:
    """The error ratio of a release with this result, with its samples in both windows."""
    after = _AFTER.get(result, 0.0009)
    windows = subject.windows
    span = windows.after.end - windows.before.start
    at = [windows.before.start + span * n / 40 for n in range(41)]
    return Reading(
        Part.METRICS,
        "ERROR_RATIO",
        result,
        "ANY",
        unit=Unit.RATIO,
        before=0.0009,
        after=after,
        values={"requests_after": 4310, "threshold": 0.005},
        query='sum(rate(http_requests_total{namespace="dynamo-qa"}[1m]))',
        series=tuple(Sample(t, 0.0009 if t < windows.written else after) for t in at),
    )


def pretend_findings() -> None:
    """In the place of the real looks, where the environment says so."""
    said = os.environ.get(VARIABLE)
    if said is None:
        return
    results = dict(pair.split("=") for pair in said.split(",") if pair)

    async def baseline(place: Place, edges: Edges) -> str:
        return "as it was"

    async def read(subject: Subject, edges: Edges) -> tuple[Reading, ...]:
        found = results.get(subject.rollout.version, "pass")
        return (errors(subject, Result(found)),)

    async def no_guard(subject: Subject, edges: Edges) -> Reading | None:
        return None

    bot.app.LOOKS = (Look(Part.METRICS, read, baseline),)  # type: ignore[attr-defined]
    bot.app.fast_burn = no_guard  # type: ignore[attr-defined]
