"""What dynamo.yml says of the analysis after a deploy: when, what follows, where the graphs are."""

from datetime import timedelta

import pytest

from config.catalog import AnalysisTimes, CatalogError, OnRegression, load_catalog

TIMES = "    # analysis: { warm_up: 60s, provisional: 6m, final: 15m }\n"
FOLLOWS = "    # on_regression: ask\n"
GRAPHS = (
    "    # dashboard: https://grafana.yourapp.com/d/services?var-service={service}"
    "&from={from}&to={to}\n"
)


def first(path):
    return load_catalog(path).environments[0]


def test_what_is_not_said_is_the_default(changed):
    environment = first(changed())
    minute = timedelta(minutes=1)
    assert environment.analysis == AnalysisTimes(minute, 6 * minute, 15 * minute)
    assert environment.on_regression is OnRegression.ASK
    assert environment.dashboard == ""


def test_what_the_sample_shows_as_the_default_is_the_default(changed):
    shown = first(changed((TIMES, TIMES.replace("# ", "")), (FOLLOWS, FOLLOWS.replace("# ", ""))))
    assert shown == first(changed())


def test_a_time_can_be_said_alone(changed):
    said = first(changed((TIMES, "    analysis: { final: 1h }\n")))
    assert said.analysis == AnalysisTimes(final=timedelta(hours=1))


@pytest.mark.parametrize("wanted", list(OnRegression))
def test_what_follows_is_one_of_three(changed, wanted):
    assert first(changed((FOLLOWS, f"    on_regression: {wanted}\n"))).on_regression is wanted


def test_graphs_have_an_address_with_gaps(changed):
    shown = GRAPHS.replace("# ", "")
    assert first(changed((GRAPHS, shown))).dashboard == shown.strip().removeprefix("dashboard: ")


@pytest.mark.parametrize(
    ("old", "new", "says", "fix"),
    [
        (TIMES, "    analysis: later\n", "cannot be 'later'", "write none, or { warm_up"),
        (TIMES, "    analysis: { provisional: soon }\n", "is no duration", "write it like 30s"),
        (TIMES, "    analysis: { provisional: 20m }\n", "is out of order", "below final"),
        (TIMES, "    analysis: { warm_up: 6m }\n", "is out of order", "below provisional"),
        (TIMES, "    analysis: { first: 6m }\n", "unknown key 'first'", ""),
        (
            FOLLOWS,
            "    on_regression: panic\n",
            "cannot be 'panic'",
            "write one of: ask, rollback, hold",
        ),
        (
            FOLLOWS,
            "    analysis: none\n    on_regression: rollback\n",
            "nothing is analysed here",
            "leave out on_regression",
        ),
        (GRAPHS, "    dashboard: https://g.yourapp.com/{servce}\n", "servce", "service"),
        (GRAPHS, "    dashboard: javascript:alert(1)\n", "dashboard", "http"),
    ],
)
def test_each_mistake_is_named_with_what_to_write(changed, old, new, says, fix):
    with pytest.raises(CatalogError) as caught:
        load_catalog(changed((old, new)))
    (mistake,) = caught.value.mistakes
    assert says in str(mistake)
    assert fix in str(mistake)
