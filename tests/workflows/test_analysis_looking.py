"""Looks beside each other: one that hangs, is refused or has a bug breaks none of the others."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from bot.domain.analysis import DataState, Part, Reading, Result, Window, Windows
from bot.errors import PortError, Trouble
from bot.sandbox.launcher import CONFIG
from bot.workflows import analysis_looking
from bot.workflows.analysis_looking import burns, read_all, take_baselines
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject
from config.catalog import load_catalog
from tests.conftest import NOON, MakeRollout

EDGES = cast("Edges", None)  # these looks look at nothing
WELL = Reading(Part.LOGS, "ERROR_LINES", Result.PASS, "LOGS_CLEAN")


@pytest.fixture(scope="module")
def place() -> Place:
    catalog = load_catalog(CONFIG)
    return Place(catalog.service("tasks-service"), catalog.environment("qa"))


@pytest.fixture
def subject(place: Place, make_rollout: MakeRollout) -> Subject:
    window = Window(NOON, NOON)
    return Subject(place, make_rollout(), Windows(window, window, NOON, NOON))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BASELINE_SECONDS", "_LOOK_SECONDS", "_GUARD_SECONDS"):
        monkeypatch.setattr(analysis_looking, name, 0.05)


async def well(_subject: object, _edges: object) -> tuple[Reading, ...]:
    return (WELL,)


async def hangs(_subject: object, _edges: object) -> Any:
    await asyncio.sleep(3600)


async def is_refused(_subject: object, _edges: object) -> Any:
    values = {"message": "403 <who are you>"}
    raise PortError("cluster", Trouble.FORBIDDEN, temporary=False, values=values)


async def has_a_bug(_subject: object, _edges: object) -> Any:
    raise KeyError("secret-name")


Broken = Callable[[object, object], Awaitable[Any]]


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        (hangs, "LOOK_TIMED_OUT", ""),
        (is_refused, "LOOK_AWAY", "403 <who are you>"),
        (has_a_bug, "LOOK_AWAY", "KeyError"),
    ],
)
async def test_what_cannot_be_looked_at_says_so_and_the_rest_is_read(
    subject: Subject, broken: Broken, code: str, message: str
) -> None:
    looks = (Look(Part.METRICS, broken), Look(Part.LOGS, well))
    lost, found = await read_all(looks, subject, {}, EDGES)
    assert found == WELL
    assert (lost.part, lost.name, lost.result) == (Part.METRICS, "METRICS", Result.INCONCLUSIVE)
    assert (lost.code, lost.state) == (code, DataState.QUERY_ERROR)
    assert lost.values["message"] == message


async def test_each_look_gets_its_own_baseline(subject: Subject) -> None:
    given: dict[Part, str] = {}

    def look(part: Part) -> Look:
        async def read(of: Subject, _edges: Edges) -> tuple[Reading, ...]:
            given[part] = of.baseline
            return ()

        return Look(part, read)

    looks = (look(Part.LOGS), look(Part.METRICS))
    await read_all(looks, subject, {"LOGS": "as they were"}, EDGES)
    assert given == {Part.LOGS: "as they were", Part.METRICS: ""}


async def test_what_is_no_number_is_neither_stored_nor_drawn(subject: Subject) -> None:
    async def odd(_subject: Subject, _edges: Edges) -> tuple[Reading, ...]:
        reading = Reading(
            Part.METRICS,
            "CPU",
            Result.INCONCLUSIVE,
            "ANY",
            before=math.nan,
            after=math.inf,
            values={"p": math.nan, "n": 3},
        )
        return (reading,)

    (reading,) = await read_all((Look(Part.METRICS, odd),), subject, {}, EDGES)
    assert (reading.before, reading.after) == (None, None)
    assert reading.values == {"p": "nan", "n": 3}


@pytest.mark.parametrize("broken", [hangs, is_refused, has_a_bug])
async def test_a_baseline_that_cannot_be_had_is_left_out(place: Place, broken: Broken) -> None:
    async def noted(_place: Place, _edges: Edges) -> str:
        return "as it was"

    async def nothing(_place: Place, _edges: Edges) -> str:
        return ""

    looks = (
        Look(Part.METRICS, well, broken),
        Look(Part.LOGS, well, noted),
        Look(Part.INTEGRATION, well, nothing),
        Look(Part.RESPONSE_TIMES, well),
    )
    assert await take_baselines(looks, place, EDGES) == {"LOGS": "as it was"}


async def test_a_guard_that_cannot_see_ends_no_soak(subject: Subject) -> None:
    async def calm(_subject: Subject, _edges: Edges) -> Reading | None:
        return None

    async def fire(_subject: Subject, _edges: Edges) -> Reading | None:
        return Reading(Part.METRICS, "ERROR_RATIO", Result.FAIL, "METRIC_BURNING")

    assert await burns(fire, subject, EDGES)
    for guard in (calm, hangs, is_refused):
        assert not await burns(guard, subject, EDGES)
