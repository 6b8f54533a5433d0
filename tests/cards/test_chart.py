"""The chart of a summary: which reading it shows, and that it fits into Slack's block."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cards.chart import CATEGORIES, LABEL, chart_block, chart_of, charted
from bot.domain.analysis import Result, Sample, Unit
from bot.text import Texts
from tests.cards.summaries import WINDOWS, an_analysis, measured

EN, ES = Texts.of("en"), Texts.of("es")
WORSE = measured("ERROR_RATIO", Unit.RATIO, 0.0009, 0.029, Result.FAIL, values={"threshold": 0.005})


def chart(*readings, texts=EN, **changes):
    return chart_of(an_analysis(readings=readings, **changes), "QA", texts)


@pytest.mark.parametrize(
    ("readings", "shown"),
    [
        ((measured("ERROR_RATIO", Unit.RATIO, 0.001, 0.001),), None),  # all is well
        ((replace(WORSE, series=WORSE.series[:3]),), None),  # too few to make a line
        ((replace(WORSE, after=None),), None),  # a line that ends at the rollout
        ((replace(WORSE, result=Result.INCONCLUSIVE),), None),
        (
            (
                measured("ERROR_RATIO", Unit.RATIO, 0.001, 0.01, Result.WARN),
                measured("MEMORY", Unit.BYTES, 1e8, 3e8, Result.FAIL),
            ),
            "MEMORY",
        ),
        (
            (
                measured("CPU", Unit.CORES, 0.1, 0.3, Result.WARN),
                measured("LATENCY_P95", Unit.SECONDS, 0.1, 0.3, Result.WARN),
            ),
            "LATENCY_P95",
        ),
        ((measured("ODD", Unit.COUNT, 1, 3, Result.WARN),), "ODD"),
    ],
)
def test_it_shows_what_most_needs_to_be_seen(readings, shown):
    found = charted(readings)
    assert (found.name if found else None) == shown
    assert (chart(*readings) is None) is (shown is None)


def test_values_are_in_the_unit_of_its_axis_and_time_counts_from_the_change():
    found = chart(WORSE)
    assert found is not None
    assert found.y_label == "errors, %"
    assert found.limit == pytest.approx(0.5)
    assert found.rolled == pytest.approx(40 / 60, abs=0.01)
    assert [point.minutes for point in found.before[:2]] == [-30.0, -29.0]
    assert all(point.minutes > 0 for point in found.after)
    assert found.after[0].value == pytest.approx(2.9)


def test_what_it_shows_is_said_for_who_does_not_see_it():
    assert chart(WORSE).alt == (
        "Errors of tasks-service in QA: 0.09 % before 1.4.0 and 2.9 % after it (×32);"
        " highest 3.1 % at 12:06 UTC. The limit is 0.5 %."
    )
    assert "El límite es" in chart(WORSE, texts=ES).alt


@pytest.mark.parametrize("count", [4, 20, 44, 300])
def test_slacks_block_has_at_most_twenty_steps_each_with_its_own_label(count):
    start = WINDOWS.before.start
    span = (WINDOWS.after.end - start) / count
    series = tuple(Sample(start + span * number, 0.01) for number in range(count))
    block = chart_block(chart(replace(WORSE, series=series)))
    labels = block["chart"]["axis_config"]["categories"]
    assert 0 < len(labels) <= CATEGORIES
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= LABEL for label in labels)
    assert sum(label.startswith("▶ 1.4.0") for label in labels) == 1, "the rollout is marked"
    for each in block["chart"]["series"]:
        assert [point["label"] for point in each["data"]] == labels


def test_its_fingerprint_changes_with_what_is_to_be_seen():
    one = chart(WORSE)
    assert one.fingerprint == chart(WORSE).fingerprint
    later = replace(WORSE.series[-1], at=WORSE.series[-1].at + timedelta(minutes=1))
    assert one.fingerprint != chart(replace(WORSE, series=(*WORSE.series, later))).fingerprint
