"""What a summary says once, and in which order."""

import pytest

from bot.cards.summary import summary_card
from bot.domain.analysis import DataState, Follow, Part, Reading, Result, Stage, Unit
from bot.domain.policy.finding import PolicyFinding, Standing
from bot.text import Texts
from config.catalog import Policy, Severity
from tests.cards.summaries import AWAY, WELL, WORSE, an_analysis, shown_of

EN = Texts.of("en")
SHARED = PolicyFinding(
    Policy.ISOLATED_SUPABASE,
    Standing.BROKEN,
    Severity.BLOCK,
    "NOT_ISOLATED",
    {"instance": "yourapp.supabase.co"},
)


def wiring(result):
    code = "WIRING_OWN" if result is Result.PASS else "WIRING_OTHER_ENVIRONMENT"
    return Reading(Part.INTEGRATION, "SUPABASE_WIRING", result, code)


def card(**changes):
    analysis = an_analysis(**changes)
    return summary_card(analysis, shown_of(analysis, EN), EN)


def words(**changes):
    blocks = card(**changes).blocks
    return [block["text"]["text"] for block in blocks if block["type"] == "section"]


@pytest.mark.parametrize(
    ("found", "said"), [(Result.PASS, True), (Result.FAIL, False), (Result.WARN, False)]
)
def test_a_wrong_instance_is_told_by_the_look_or_by_the_policy(found, said):
    text = "\n".join(words(readings=(*WELL, wiring(found)), policies=(SHARED,)))
    assert ("Policy “Supabase of its own”: not kept" in text) is said


def test_what_the_new_pods_report_no_more_is_one_sentence():
    def gone(name):
        return Reading(
            Part.METRICS,
            name,
            Result.WARN,
            "METRIC_DISAPPEARED",
            state=DataState.NO_DATA,
            unit=Unit.SECONDS,
            before=0.1,
        )

    text = "\n".join(words(readings=(gone("LATENCY_P50"), gone("LATENCY_P95"))))
    assert text.count("Do they still expose their metrics?") == 1
    assert "*p50, p95:* They were there before" in text
    alone = "\n".join(words(readings=(gone("LATENCY_P50"), *WELL)))
    assert "*p50:* It was 100 ms before" in alone


def test_the_reason_comes_before_figures_that_have_not_moved_and_after_those_that_have():
    def order(*readings):
        return [block["type"] for block in card(readings=readings).blocks][:3]

    assert order(*WELL, AWAY) == ["section", "section", "table"]
    assert order(*WORSE, AWAY) == ["section", "table", "section"]


@pytest.mark.parametrize("follow", [Follow.ASKED, Follow.COUNTDOWN])
def test_nobody_is_asked_about_what_has_been_replaced(follow):
    said = words(readings=WORSE, follow=follow, stage=Stage.STOPPED)
    assert len(said) == 1
    assert "no longer watched" in said[0]
