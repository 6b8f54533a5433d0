"""What is asked of Prometheus: presets of query templates, and how they are filled. Pure.

A service's own queries stand in `dynamo.yml` and take the place of the preset's, one by one;
placeholders are those of `config.metrics.PLACEHOLDERS`. The pods of a release are selected by the
name of its ReplicaSet, which no other service can have: a pattern of the service's name alone would
take `tasks-service-worker` along (research/rollouts.md §3.1, §3.2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from config.catalog import Environment, Service
from config.metrics import MetricsSource, filled

SCRAPES_IN_A_SAMPLE = 4
"""A rate needs two scrapes, and one may fail (research/rollouts.md §3.2)."""

_LONGEST_PREFIX = 58  # of a generated name of 63: what is longer is cut before the suffix


class Query(StrEnum):
    """The names of queries in `dynamo.yml`."""

    REQUESTS = "requests"
    ERRORS = "errors"
    LABELLED = "labelled"
    LATENCY = "latency"
    CPU = "cpu"
    CPU_LIMIT = "cpu_limit"
    THROTTLING = "throttling"
    MEMORY = "memory"
    RESTARTS = "restarts"


_CONTAINERS: Mapping[Query, str] = {
    Query.CPU: (
        "avg(sum by (pod) (rate("
        'container_cpu_usage_seconds_total{{{sel}},container="{{container}}"}[{{window}}])))'
    ),
    Query.CPU_LIMIT: (
        'min(kube_pod_container_resource_limits{{{sel}},container="{{container}}",resource="cpu"})'
    ),
    Query.THROTTLING: (
        "sum(increase(container_cpu_cfs_throttled_periods_total"
        '{{{sel}},container="{{container}}"}[{{window}}]))'
        " / (sum(increase(container_cpu_cfs_periods_total"
        '{{{sel}},container="{{container}}"}[{{window}}])) > 0)'
    ),
    Query.MEMORY: 'max(container_memory_working_set_bytes{{{sel}},container="{{container}}"})',
    Query.RESTARTS: (
        "sum(increase(kube_pod_container_status_restarts_total"
        '{{{sel}},container="{{container}}"}[{{window}}]))'
    ),
}
"""cAdvisor and kube-state-metrics: the same whatever the service itself tells."""


def _requests(metric: str, sel: str = "{{sel}}") -> dict[Query, str]:
    """Counts of a counter that has the status in a label. Where nothing fails the series of
    failures is not there at all, which is 0 and not nothing; `labelled` tells it from a label of
    another name."""

    def sum_of(more: str) -> str:
        return f"sum(increase({metric}{{{sel}{more}}}[{{{{window}}}}]))"

    return {
        Query.REQUESTS: sum_of(""),
        Query.ERRORS: sum_of(',{{status}}=~"5.."') + " or vector(0)",
        Query.LABELLED: sum_of(',{{status}}!=""'),
    }


def _quantile(bucket: str, sel: str = "{{sel}}", divided: str = "") -> dict[Query, str]:
    inner = f"sum by (le) (rate({bucket}{{{sel}}}[{{{{window}}}}]))"
    return {Query.LATENCY: f"histogram_quantile({{{{q}}}}, {inner}){divided}"}


_MESH = 'reporter="destination",{{sel}}'
_INGRESS = 'exported_namespace="{{namespace}}",exported_service="{{service}}"'

PRESETS: Mapping[str, Mapping[Query, str]] = {
    "http": {
        **_requests("http_requests_total"),
        **_quantile("http_request_duration_seconds_bucket"),
        **_CONTAINERS,
    },
    "opentelemetry": {
        **_requests("http_server_request_duration_seconds_count"),
        **_quantile("http_server_request_duration_seconds_bucket"),
        **_CONTAINERS,
    },
    "istio": {
        **_requests("istio_requests_total", _MESH),
        **_quantile("istio_request_duration_milliseconds_bucket", _MESH, " / 1000"),
        **_CONTAINERS,
    },
    "nginx": {
        **_requests("nginx_ingress_controller_requests", _INGRESS),
        **_quantile("nginx_ingress_controller_request_duration_seconds_bucket", _INGRESS),
        **_CONTAINERS,
    },
}
"""The ingress controller sees services and not pods: with `nginx` old and new are told apart by
time alone."""

STATUS: Mapping[str, str] = {
    "http": "status",
    "opentelemetry": "http_response_status_code",
    "istio": "response_code",
    "nginx": "status",
}


@dataclass(frozen=True, slots=True)
class Questions:
    """The queries of one service in one environment, and how long a sample is."""

    templates: Mapping[Query, str]
    values: Mapping[str, str]
    sample: timedelta

    def of(
        self,
        query: Query,
        selector: str,
        *,
        quantile: float | None = None,
        window: timedelta | None = None,
    ) -> str:
        """The query, resolved."""
        values = {
            **self.values,
            "sel": selector,
            "window": _promql_duration(window or self.sample),
            "q": f"{quantile or 0.95:g}",
        }
        return filled(self.templates[query], values)


def questions_for(service: Service, environment: Environment) -> Questions:
    """Raises ValueError where the environment names no Prometheus."""
    if environment.metrics is None:
        raise ValueError(f"{environment.name} has no metrics")
    own = {Query(name): template for name, template in service.metrics.queries.items()}
    return Questions(
        templates={**PRESETS[service.metrics.preset], **own},
        values={
            "status": service.metrics.status or STATUS[service.metrics.preset],
            "container": service.container,
            "service": service.name,
            "namespace": environment.namespace,
            "environment": environment.name,
        },
        sample=sample_length(environment.metrics),
    )


def sample_length(source: MetricsSource) -> timedelta:
    """A minute, or four scrapes where that is longer. Samples do not overlap: their window is their
    step (research/rollouts.md §3.3)."""
    return max(source.sample, SCRAPES_IN_A_SAMPLE * source.scrape)


def pods_of_replica_set(namespace: str, replica_set: str) -> str:
    """A selector of exactly its pods."""
    prefix = f"{replica_set}-"[:_LONGEST_PREFIX]
    return _selector(namespace, f"{_literally(prefix)}[a-z0-9]{{5}}")


def pods_of_deployment(namespace: str, deployment: str) -> str:
    """A selector of the pods of whichever of its ReplicaSets, for times whose ReplicaSets are gone.
    The hash of a template has up to ten letters; a name that is cut is followed by five."""
    prefix = f"{deployment}-"[:_LONGEST_PREFIX]
    return _selector(namespace, f"{_literally(prefix)}[a-z0-9]{{1,10}}-?[a-z0-9]{{5}}")


def _selector(namespace: str, pods: str) -> str:
    return f'namespace="{namespace}",pod=~"{pods}"'


def _literally(text: str) -> str:
    """A dot is the only letter of a Kubernetes name that a regular expression reads otherwise."""
    return re.sub(r"\.", "[.]", text)


def _promql_duration(length: timedelta) -> str:
    milliseconds = round(length.total_seconds() * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
