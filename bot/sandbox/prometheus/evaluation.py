"""A tree of PromQL at one time: a number, or a vector of labelled values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bot.sandbox.prometheus.families import Counter, Families, Labels, Series, grown
from bot.sandbox.prometheus.promql import (
    Aggregate,
    Binary,
    Call,
    Matcher,
    Node,
    Number,
    Selector,
)

Vector = list[tuple[Labels, float]]
Value = float | Vector


class ExecutionError(ValueError):
    """The query can be read, and not be carried out: 422."""


class Evaluation:
    """One query at any number of times. `now` is the world's time: later there is nothing."""

    def __init__(self, families: Families, now: float) -> None:
        self._families = families
        self._now = now
        self._chosen: dict[int, list[Series]] = {}  # by the selector's place in the tree

    def at(self, node: Node, when: float) -> Value:
        """Raises ExecutionError."""
        match node:
            case Number(value):
                return value
            case Selector():
                return self._instant(node, when)
            case Call():
                return self._call(node, when)
            case Aggregate():
                return _aggregated(node, _vector(self.at(node.of, when)))
            case Binary():
                return _combined(
                    node.operation, self.at(node.left, when), self.at(node.right, when)
                )

    def _instant(self, node: Selector, when: float) -> Vector:
        if node.seconds:
            raise ExecutionError("invalid expression type: a range vector is no answer")
        if when > self._now:
            return []
        found: Vector = []
        for series in self._series(node):
            if not series.pod.exists(when):
                continue
            if isinstance(series, Counter):
                raise ExecutionError("a counter is known here by its rate() or increase() alone")
            value = series.value(when)
            if value is not None:
                found.append(({"__name__": node.name, **series.labels}, value))
        return found

    def _call(self, node: Call, when: float) -> Value:
        if node.function == "vector":
            return [({}, _scalar(self.at(node.arguments[0], when)))]
        if node.function == "histogram_quantile":
            quantile = _scalar(self.at(node.arguments[0], when))
            return _quantiles(quantile, _vector(self.at(node.arguments[1], when)))
        selector = node.arguments[0]
        assert isinstance(selector, Selector)
        grew = self._grown(selector, when)
        if node.function == "rate":
            return [(labels, value / selector.seconds) for labels, value in grew]
        return grew

    def _grown(self, node: Selector, when: float) -> Vector:
        start, end = when - node.seconds, min(when, self._now)
        if end <= start:
            return []
        found: Vector = []
        for series in self._series(node):
            pod = series.pod
            if pod.created > end or (pod.gone is not None and pod.gone < start):
                continue
            if isinstance(series, Counter):
                grew = grown(series, self._families.traffic, start, end)
            else:
                old, new = series.value(max(start, pod.created)), series.value(end)
                grew = None if old is None or new is None else new - old
            if grew is not None:
                found.append((series.labels, grew))
        return found

    def _series(self, node: Selector) -> list[Series]:
        found = self._chosen.get(id(node))
        if found is None:
            every = self._families.series(node.name)
            found = [each for each in every if _fits(each.labels, node.matchers)]
            self._chosen[id(node)] = found
        return found


def _fits(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    return all(each.accepts(labels.get(each.label, "")) for each in matchers)


def _scalar(value: Value) -> float:
    if isinstance(value, list):
        raise ExecutionError("expected type scalar, got instant vector")
    return value


def _vector(value: Value) -> Vector:
    if not isinstance(value, list):
        raise ExecutionError("expected type instant vector, got scalar")
    return value


_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def _aggregated(node: Aggregate, vector: Vector) -> Vector:
    groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for labels, value in vector:
        key = tuple((name, labels[name]) for name in node.by if labels.get(name))
        groups.setdefault(key, []).append(value)
    fold = _FOLDS[node.operation]
    return [(dict(key), fold(values)) for key, values in groups.items()]


def _quantiles(quantile: float, vector: Vector) -> Vector:
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for labels, value in vector:
        bound = labels.get("le")
        if bound is None:
            continue
        key = tuple(sorted((n, v) for n, v in labels.items() if n not in ("le", "__name__")))
        groups.setdefault(key, []).append((float(bound.replace("+Inf", "inf")), value))
    return [(dict(key), _quantile(quantile, sorted(found))) for key, found in groups.items()]


def _quantile(quantile: float, buckets: list[tuple[float, float]]) -> float:
    """As Prometheus: linear within a bucket; no requests, no quantile."""
    total = buckets[-1][1]
    if not total or buckets[-1][0] != math.inf or len(buckets) < 2:
        return math.nan
    rank = quantile * total
    below, lower = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if bound == math.inf:
                return buckets[-2][0]
            inside = count - below
            return lower + (bound - lower) * ((rank - below) / inside if inside else 0.0)
        below, lower = count, bound
    return buckets[-2][0]


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one)


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divide,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}


def _combined(operation: str, left: Value, right: Value) -> Value:
    if operation == "or":
        return _either(_vector(left), _vector(right))
    if operation in _COMPARISONS:
        return _filtered(_COMPARISONS[operation], _vector(left), right)
    work = _ARITHMETIC[operation]
    if isinstance(left, list) and isinstance(right, list):
        others = {_key(labels): value for labels, value in right}
        return [
            (_bare(labels), work(value, others[_key(labels)]))
            for labels, value in left
            if _key(labels) in others
        ]
    if isinstance(left, list):
        assert not isinstance(right, list)
        return [(_bare(labels), work(value, right)) for labels, value in left]
    if isinstance(right, list):
        return [(_bare(labels), work(left, value)) for labels, value in right]
    return work(left, right)


def _either(left: Vector, right: Vector) -> Vector:
    known = {_key(labels) for labels, _ in left}
    return left + [each for each in right if _key(each[0]) not in known]


def _filtered(keeps: Callable[[float, float], bool], left: Vector, right: Value) -> Vector:
    if not isinstance(right, list):
        return [(labels, value) for labels, value in left if keeps(value, right)]
    others = {_key(labels): value for labels, value in right}
    return [
        (labels, value)
        for labels, value in left
        if _key(labels) in others and keeps(value, others[_key(labels)])
    ]


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_bare(labels).items()))


def _bare(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "__name__"}
