"""Prometheus' HTTP API, as far as anybody asks: `query`, `query_range`, and whether it is there.

Mounted at `/prometheus`. Answers and refusals have the real one's shape and status: 400 for what
cannot be read, 422 for what cannot be carried out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.sandbox.kubernetes.world import World
from bot.sandbox.prometheus.evaluation import Evaluation, ExecutionError, Value
from bot.sandbox.prometheus.families import Families
from bot.sandbox.prometheus.pods import PodHistory
from bot.sandbox.prometheus.promql import Node, ParseError, parse
from bot.sandbox.prometheus.traffic import Traffic
from bot.sandbox.services.outages import PROMETHEUS_AWAY

MOST_POINTS = 11_000
LEVELS = (1.5, 6.0, 24.0)
"""Requests a second of a usual service: from the first environment to the last."""


HISTORY = web.AppKey("history", PodHistory)


def prometheus_app(world: World, kept: Iterable[dict[str, Any]] = ()) -> web.Application:
    """The app to mount at /prometheus; `kept` is what its HISTORY had in an earlier run."""
    history = PodHistory(world.plane.pods, world.clock.now, kept)
    spaces = [each.namespace for each in world.environments]
    levels = {space: LEVELS[min(place, 2)] for place, space in enumerate(spaces)}
    traffic = Traffic(history, world.troubles.behaviour, levels)
    api = _Api(Families(history, traffic), world)
    app = web.Application()
    app[HISTORY] = history
    app.router.add_get("/-/healthy", api.healthy)
    app.router.add_get("/-/ready", api.healthy)
    app.router.add_get("/api/v1/status/buildinfo", api.build)
    for method in ("GET", "POST"):
        app.router.add_route(method, "/api/v1/query", api.query)
        app.router.add_route(method, "/api/v1/query_range", api.query_range)
    return app


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.answer = web.json_response(
            {"status": "error", "errorType": kind, "error": message}, status=status
        )


class _Api:
    def __init__(self, families: Families, world: World) -> None:
        self._families = families
        self._world = world

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="Prometheus Server is Healthy.\n")

    async def build(self, _request: web.Request) -> web.Response:
        return _success({"version": "2.55.1", "branch": "sandbox", "goVersion": "go1.23.2"})

    def _reached(self, form: Mapping[str, str]) -> None:
        """One server stands for that of each environment: whose it is a query's namespace says."""
        query = form.get("query", "")
        places = self._world.environments
        asked = [each.name for each in places if f'namespace="{each.namespace}"' in query]
        outages = self._world.outages
        # "": of no environment, which only an outage of all of them holds for.
        if any(outages.holds(PROMETHEUS_AWAY, name) for name in (*asked, "")):
            raise _Refused(503, "unavailable", "Service Unavailable")

    async def query(self, request: web.Request) -> web.Response:
        try:
            form = await _form(request)
            self._reached(form)
            node = _parsed(form)
            when = _time(form, "time", self._now())
            value = _carried_out(Evaluation(self._families, self._now()), node, when)
        except _Refused as refused:
            return refused.answer
        if not isinstance(value, list):
            return _success({"resultType": "scalar", "result": [when, _text(value)]})
        result = [{"metric": labels, "value": [when, _text(number)]} for labels, number in value]
        return _success({"resultType": "vector", "result": result})

    async def query_range(self, request: web.Request) -> web.Response:
        try:
            form = await _form(request)
            self._reached(form)
            node = _parsed(form)
            start, end = (_time(form, name, None) for name in ("start", "end"))
            step = _step(form)
            if end < start:
                raise _Refused(400, "bad_data", "end timestamp must not be before start time")
            if (end - start) / step > MOST_POINTS:
                raise _Refused(
                    400,
                    "bad_data",
                    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing"
                    " the query resolution (?step=XX)",
                )
            found = await self._over(node, start, end, step)
        except _Refused as refused:
            return refused.answer
        result = [{"metric": dict(key), "values": values} for key, values in found.items()]
        return _success({"resultType": "matrix", "result": result})

    async def _over(
        self, node: Node, start: float, end: float, step: float
    ) -> dict[tuple[tuple[str, str], ...], list[list[Any]]]:
        found: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
        evaluation = Evaluation(self._families, self._now())
        for number in range(int((end - start) / step + 1e-9) + 1):
            when = start + number * step
            value = _carried_out(evaluation, node, when)
            for labels, each in value if isinstance(value, list) else [({}, value)]:
                key = tuple(sorted(labels.items()))
                found.setdefault(key, []).append([when, _text(each)])
            await asyncio.sleep(0)  # the world shares its loop with others
        return found

    def _now(self) -> float:
        return self._world.clock.now().timestamp()


async def _form(request: web.Request) -> Mapping[str, str]:
    given = dict(request.query)
    if request.method == "POST":
        given |= {name: str(value) for name, value in (await request.post()).items()}
    return given


def _parsed(form: Mapping[str, str]) -> Node:
    try:
        return parse(form.get("query", ""))
    except ParseError as error:
        message = f'invalid parameter "query": {error}'
        raise _Refused(400, "bad_data", message) from error


def _carried_out(evaluation: Evaluation, node: Node, when: float) -> Value:
    try:
        return evaluation.at(node, when)
    except ExecutionError as error:
        raise _Refused(422, "execution", str(error)) from error


def _time(form: Mapping[str, str], name: str, otherwise: float | None) -> float:
    text = form.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        message = f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp'
        raise _Refused(400, "bad_data", message) from error


def _step(form: Mapping[str, str]) -> float:
    text = form.get("step", "").removesuffix("s")
    try:
        step = float(text)
    except ValueError:
        step = 0.0
    if not step > 0 or math.isinf(step):
        raise _Refused(400, "bad_data", 'invalid parameter "step": not a positive duration')
    return step


def _success(data: Any) -> web.Response:
    return web.json_response({"status": "success", "data": data})


def _text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
