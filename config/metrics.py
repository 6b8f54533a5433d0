"""What `dynamo.yml` says about metrics: where Prometheus is, and what is asked of it for a service.

Values first, then the shapes that are read from the file. Queries are templates; a placeholder that
Dynamo does not fill is found when the file is read, with its line. The presets that templates
override are in `bot/domain/metric_queries.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from config.checks import is_loopback, split_url, wrong
from config.lookup import nearest
from config.mistakes import meant

Preset = Literal["http", "opentelemetry", "istio", "nginx"]

PLACEHOLDERS: Mapping[str, str] = {
    "sel": 'namespace="…",pod=~"…": the pods of one ReplicaSet',
    "window": "the length of a sample, as 60s",
    "q": "the quantile, as 0.95",
    "status": "the label that holds the status code",
    "container": "the container that runs the image",
    "service": "the name of the service",
    "namespace": "the namespace of the environment",
    "environment": "the name of the environment",
}
"""What a query may hold in double braces."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "requests": ("window",),
    "errors": ("window",),
    "latency": ("window", "q"),
}
"""Without these a query would not mean what its name says."""

LONGEST_QUERY = 4_000

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}


# --- values --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MetricsSource:
    """The Prometheus of an environment, how often it scrapes, and how long a sample is that a
    release is judged by (never less than four scrapes)."""

    url: str
    scrape: timedelta = timedelta(seconds=15)
    sample: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """What is asked for a service: the queries of its preset, its own in their places, and the
    thresholds that are its own. `limits` are by the names of `LimitsShape`, in base units (shares
    of 1, seconds, cores, bytes); `slo` is the share of requests that must be well."""

    preset: Preset = "http"
    status: str = ""  # the label of status codes; "": the preset's
    slo: float = 0.995
    limits: Mapping[str, float] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


def placeholders_of(template: str) -> tuple[str, ...]:
    return tuple(_PLACEHOLDER.findall(template))


def filled(template: str, values: Mapping[str, str]) -> str:
    """The query with its values. Raises KeyError for a placeholder without one."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


# --- shapes --------------------------------------------------------------------------------------


def _metrics_url(text: str) -> str:
    """Inside of a cluster Prometheus speaks plain HTTP, and its names end in .svc."""
    fix = "write it like https://prometheus.yourapp.com or http://prometheus.monitoring.svc:9090"
    parts = split_url(text)
    if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
        raise wrong("is no URL", fix)
    if parts.username or parts.password:
        raise wrong("holds a user name or password", "leave it out; set PROMETHEUS_TOKEN")
    inside = parts.hostname.endswith((".svc", ".svc.cluster.local"))
    if parts.scheme == "http" and not inside and not is_loopback(parts.hostname):
        raise wrong("is not encrypted", fix)
    if parts.query or parts.fragment:
        raise wrong("has a query or fragment", "end it before /api/v1")
    return text.rstrip("/").removesuffix("/api/v1")


def _query(name: str) -> AfterValidator:
    def check(text: str) -> str:
        if not text.strip() or len(text) > LONGEST_QUERY:
            raise wrong("is empty or far too long", "write a PromQL query")
        for each in placeholders_of(text):
            if each not in PLACEHOLDERS:
                hint = meant(tuple(f"{{{{{n}}}}}" for n in nearest(each, tuple(PLACEHOLDERS))))
                known = ", ".join(f"{{{{{n}}}}}" for n in PLACEHOLDERS)
                raise wrong(
                    f"has the unknown placeholder {{{{{each[:40]}}}}}", hint or f"there are {known}"
                )
        rest = _PLACEHOLDER.sub("", text)
        if "{{" in rest.replace("{{{", "{") and "}}" in rest:
            raise wrong("has braces that are no placeholder", "write a placeholder like {{sel}}")
        for each in NEEDS.get(name, ()):
            if each not in placeholders_of(text):
                raise wrong(f"lacks {{{{{each}}}}}", f"it is {PLACEHOLDERS[each]}")
        return text.strip()

    return AfterValidator(check)


def _share(text: object) -> float:
    """`0.5%`: a share of 1."""
    fix = 'write it between quotes with its sign: "0.5%"'
    found = re.fullmatch(r"([0-9]{1,3}(\.[0-9]{1,6})?) ?%", text) if isinstance(text, str) else None
    if found is None or not 0 < float(found[1]) <= 100:
        raise wrong("is no percentage", fix)
    return round(float(found[1]) / 100, 10)


def _seconds(text: object) -> float:
    fix = "write it like 300ms or 2s"
    found = (
        re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)", text)
        if isinstance(text, str)
        else None
    )
    if found is None or not float(found[1]):
        raise wrong("is no duration", fix)
    return float(found[1]) * (0.001 if found[2] == "ms" else 1)


def _bytes(text: object) -> float:
    fix = "write it like 400Mi or 2Gi"
    found = re.fullmatch(r"([0-9]{1,12})(Ki|Mi|Gi|k|M|G)?", text) if isinstance(text, str) else None
    if found is None or not int(found[1]):
        raise wrong("is no size", fix)
    return float(int(found[1]) * _BYTES[found[2] or ""])


def _interval(text: object) -> timedelta:
    seconds = _seconds(text)
    if not 0.05 <= seconds <= 300:
        raise wrong("is too short or too long", "write it like 15s; at most 300s")
    return timedelta(seconds=seconds)


def _label(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", text):
        raise wrong("is no name of a label", "write it like status or code")
    return text


def _slo(text: object) -> float:
    share = _share(text)
    if not 0.5 <= share < 1:
        raise wrong("is no objective", 'write a share below 100 %: "99.5%"')
    return share


Share = Annotated[float, BeforeValidator(_share)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Bytes = Annotated[float, BeforeValidator(_bytes)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MetricsSourceShape(_Shape):
    url: Annotated[str, AfterValidator(_metrics_url)] = Field(
        description="the address of Prometheus: https://prometheus.yourapp.com"
    )
    scrape: Annotated[timedelta, BeforeValidator(_interval)] = Field(
        timedelta(seconds=15), description="how often it scrapes: 15s"
    )
    sample: Annotated[timedelta, BeforeValidator(_interval)] = Field(
        timedelta(seconds=60), description="how long a sample is: 60s"
    )

    @property
    def value(self) -> MetricsSource:
        return MetricsSource(self.url, self.scrape, self.sample)


class LimitsShape(_Shape):
    errors: Share | None = Field(None, description='a percentage: "0.5%"')
    latency_p50: Seconds | None = Field(None, description="a duration: 100ms")
    latency_p95: Seconds | None = Field(None, description="a duration: 300ms")
    latency_p99: Seconds | None = Field(None, description="a duration: 800ms")
    cpu: Annotated[float, Field(gt=0, le=1024, strict=False)] | None = Field(
        None, description="a number of cores: 0.8"
    )
    memory: Bytes | None = Field(None, description="a size: 400Mi")
    throttling: Share | None = Field(None, description='a percentage: "25%"')


class QueriesShape(_Shape):
    requests: Annotated[str, _query("requests")] | None = Field(
        None, description="how many requests there were in {{window}}"
    )
    errors: Annotated[str, _query("errors")] | None = Field(
        None, description="how many of them failed"
    )
    labelled: Annotated[str, _query("labelled")] | None = Field(
        None, description="how many of them have a status at all"
    )
    latency: Annotated[str, _query("latency")] | None = Field(
        None, description="the quantile {{q}} of the latency, in seconds"
    )
    cpu: Annotated[str, _query("cpu")] | None = Field(None, description="cores used by a pod")
    cpu_limit: Annotated[str, _query("cpu_limit")] | None = Field(
        None, description="cores that a pod may use"
    )
    throttling: Annotated[str, _query("throttling")] | None = Field(
        None, description="the share of throttled periods"
    )
    memory: Annotated[str, _query("memory")] | None = Field(None, description="bytes used by a pod")
    restarts: Annotated[str, _query("restarts")] | None = Field(
        None, description="restarts in {{window}}"
    )


class ServiceMetricsShape(_Shape):
    preset: Preset = Field("http", description="http, opentelemetry, istio or nginx")
    status: Annotated[str, AfterValidator(_label)] | None = Field(
        None, description="the label of status codes: code"
    )
    slo: Annotated[float, BeforeValidator(_slo)] = Field(
        0.995, description='the share of requests that must be well: "99.5%"'
    )
    limits: LimitsShape = Field(LimitsShape(), description="thresholds: { latency_p95: 300ms }")
    queries: QueriesShape = Field(QueriesShape(), description="queries of its own, by name")

    @property
    def value(self) -> ServiceMetrics:
        return ServiceMetrics(
            preset=self.preset,
            status=self.status or "",
            slo=self.slo,
            limits=self.limits.model_dump(exclude_none=True),
            queries=self.queries.model_dump(exclude_none=True),
        )
