"""Metrics of dynamo.yml: values in base units, defaults, placeholders."""

from datetime import timedelta

import pytest

from config.catalog import CatalogError, load_catalog
from config.metrics import MetricsSource, ServiceMetrics, filled, placeholders_of

OLD = '    metrics: { slo: "99.5%", limits: { latency_p95: 800ms } }'


def test_thresholds_are_read_in_base_units(changed):
    path = changed(
        (
            OLD,
            '    metrics: { preset: istio, status: code, slo: "99.9%", limits: { errors: "0.5%",'
            " latency_p99: 2s, cpu: 1, memory: 400Mi, throttling: 25% } }",
        )
    )
    assert load_catalog(path).service("tasks-service").metrics == ServiceMetrics(
        preset="istio",
        status="code",
        slo=0.999,
        limits={
            "errors": 0.005,
            "latency_p99": 2.0,
            "cpu": 1.0,
            "memory": 400 * 2**20,
            "throttling": 0.25,
        },
    )


def test_a_service_that_says_nothing_has_the_generic_preset(sample):
    assert sample.service("auth-service").metrics == ServiceMetrics()


def test_prometheus_inside_of_the_cluster_may_speak_http(changed):
    there = "http://prometheus.monitoring.svc:9090/api/v1"
    old = "    metrics: { url: https://prometheus.yourapp.com, scrape: 15s }"
    path = changed((old, f"    metrics: {{ url: {there}, scrape: 30s }}"))
    source = MetricsSource("http://prometheus.monitoring.svc:9090", timedelta(seconds=30))
    assert load_catalog(path).environment("dev").metrics == source


def test_an_environment_without_prometheus_says_so(changed):
    path = changed(("    metrics: { url: https://prometheus.yourapp.com, scrape: 15s }", ""))
    assert load_catalog(path).environment("dev").metrics is None


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("sum(x{{{sel}}}[{{window}}])", ("sel", "window")),
        ('x{{{ sel }},code=~"5.."}', ("sel",)),
        ('x{a="b"}', ()),
    ],
)
def test_placeholders_stand_in_double_braces_also_within_a_selector(template, names):
    assert placeholders_of(template) == names


def test_what_is_filled_keeps_the_braces_of_the_query():
    query = filled('sum(x{{{sel}},code="5"}[{{window}}])', {"sel": 'pod="a"', "window": "60s"})
    assert query == 'sum(x{pod="a",code="5"}[60s])'


_SHOWN = "    # analysis: { warm_up: 60s, provisional: 6m, final: 15m }\n"


def test_an_environment_can_go_without_analysis(changed):
    first = load_catalog(changed((_SHOWN, "    analysis: none\n"))).environments[0]
    assert first.analysis is None


def test_no_time_at_all_is_not_the_same_as_none(changed):
    with pytest.raises(CatalogError, match="analysis"):
        load_catalog(changed((_SHOWN, "    analysis: { final: 0s }\n")))
