"""The metrics that there are, by their names: of the services themselves, a mesh, an ingress
controller, cAdvisor and kube-state-metrics.

A family gives series: labels, and for counters how much they grew in a span of slots, for gauges
what they were. The same traffic is told under several names, so that each preset has something to
ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.sandbox.prometheus.pods import PodHistory, Record
from bot.sandbox.prometheus.traffic import BUCKETS, SLOT, Slot, Traffic

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Counter:
    """`grows` tells by how much in one slot; None: it says nothing at that time."""

    labels: Labels
    pod: Record
    grows: Callable[[Slot], float | None]
    appears_late: bool = False  # not there before its first event


@dataclass(frozen=True, slots=True)
class Gauge:
    labels: Labels
    pod: Record
    value: Callable[[float], float | None]


Series = Counter | Gauge


class Families:
    def __init__(self, history: PodHistory, traffic: Traffic) -> None:
        self._history = history
        self.traffic = traffic

    def series(self, name: str) -> Iterator[Series]:
        """Of all pods that ever were; nothing for a name that there is not."""
        make = _FAMILIES.get(name)
        if make is None:
            return
        for pod in self._history.all():
            yield from make(pod, self.traffic)


Make = Callable[[Record, Traffic], Iterator[Series]]


def _requests(labels: Callable[[Record], Labels], status: str) -> Make:
    def make(pod: Record, _traffic: Traffic) -> Iterator[Series]:
        def told(count: Callable[[Slot], float]) -> Callable[[Slot], float | None]:
            return lambda slot: None if slot.silent else count(slot)

        well = told(lambda slot: slot.requests - slot.failed - slot.not_found)
        yield Counter({**labels(pod), status: "200"}, pod, well)
        yield Counter({**labels(pod), status: "404"}, pod, told(lambda slot: slot.not_found))
        failed = told(lambda slot: slot.failed)
        yield Counter({**labels(pod), status: "500"}, pod, failed, appears_late=True)

    return make


def _buckets(labels: Callable[[Record], Labels], factor: float = 1.0) -> Make:
    def make(pod: Record, _traffic: Traffic) -> Iterator[Series]:
        for bound in BUCKETS:
            yield Counter({**labels(pod), "le": f"{bound * factor:g}"}, pod, _within(bound))
        yield Counter({**labels(pod), "le": "+Inf"}, pod, _all)

    return make


def _within(bound: float) -> Callable[[Slot], float | None]:
    return lambda slot: None if slot.silent else slot.within(bound)


def _all(slot: Slot) -> float | None:
    return None if slot.silent else slot.requests


def _of_pod(pod: Record) -> Labels:
    return {"namespace": pod.namespace, "pod": pod.name, "job": pod.service}


def _of_mesh(pod: Record) -> Labels:
    return {
        "reporter": "destination",
        "namespace": pod.namespace,
        "pod": pod.name,
        "destination_workload": pod.service,
    }


def _of_ingress(pod: Record) -> Labels:
    """Of the controller: it knows services; the pod label would be its own."""
    return {
        "exported_namespace": pod.namespace,
        "exported_service": pod.service,
        "upstream": pod.uid,
    }


def _of_container(pod: Record) -> Labels:
    return {"namespace": pod.namespace, "pod": pod.name, "container": pod.container}


def _counter(grows: Callable[[Slot], float | None]) -> Make:
    def make(pod: Record, _traffic: Traffic) -> Iterator[Series]:
        yield Counter(_of_container(pod), pod, grows)

    return make


def _memory(pod: Record, traffic: Traffic) -> Iterator[Series]:
    yield Gauge(_of_container(pod), pod, lambda at: traffic.memory(pod, at))


def _limits(pod: Record, _traffic: Traffic) -> Iterator[Series]:
    for resource, value in (("cpu", pod.cpu_limit), ("memory", pod.memory_limit)):
        if value:
            yield Gauge({**_of_container(pod), "resource": resource}, pod, _always(value))


def _always(value: float) -> Callable[[float], float]:
    return lambda _at: value


def _restarts(pod: Record, traffic: Traffic) -> Iterator[Series]:
    yield Gauge(_of_container(pod), pod, lambda at: float(traffic.restarts(pod, at)))


def _up(pod: Record, _traffic: Traffic) -> Iterator[Series]:
    yield Gauge(_of_pod(pod), pod, _always(1.0))


_FAMILIES: Mapping[str, Make] = {
    "up": _up,
    "http_requests_total": _requests(_of_pod, "status"),
    "http_request_duration_seconds_bucket": _buckets(_of_pod),
    "http_server_request_duration_seconds_count": _requests(_of_pod, "http_response_status_code"),
    "http_server_request_duration_seconds_bucket": _buckets(_of_pod),
    "istio_requests_total": _requests(_of_mesh, "response_code"),
    "istio_request_duration_milliseconds_bucket": _buckets(_of_mesh, 1000),
    "nginx_ingress_controller_requests": _requests(_of_ingress, "status"),
    "nginx_ingress_controller_request_duration_seconds_bucket": _buckets(_of_ingress),
    "container_cpu_usage_seconds_total": _counter(lambda slot: slot.cpu),
    "container_cpu_cfs_periods_total": _counter(lambda slot: slot.periods),
    "container_cpu_cfs_throttled_periods_total": _counter(lambda slot: slot.throttled),
    "container_memory_working_set_bytes": _memory,
    "kube_pod_container_resource_limits": _limits,
    "kube_pod_container_status_restarts_total": _restarts,
}


def grown(series: Counter, traffic: Traffic, start: float, end: float) -> float | None:
    """By how much a counter grew, stretched to the whole span as Prometheus does; None where fewer
    than two scrapes saw it."""
    first, last = int(-(-start // SLOT)), int(end // SLOT)
    total, seen = 0.0, 0
    for number in range(first, last):
        if not series.pod.exists(number * SLOT) or not series.pod.exists((number + 1) * SLOT):
            continue
        grew = series.grows(traffic.slot(series.pod, number))
        if grew is not None:
            total += grew
            seen += 1
    if not seen or (series.appears_late and not total):
        return None
    return total * min(1.1, (end - start) / (seen * SLOT))
