"""A line of the history: whatever was recorded has words, and what is foreign calls nobody."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cards.history import history_line
from bot.domain.analysis import Follow, Result
from bot.domain.approval import Decision
from bot.domain.audit import AuditEntry, Head, chained
from bot.domain.rollout import FINAL, RolloutState
from bot.domain.rollout_records import REFUSED, REQUEST
from bot.text import Texts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WORKFLOWS = Path(__file__).parents[2] / "bot" / "workflows"


def line(action: str, texts: Texts, **after: object) -> str:
    entry = AuditEntry(NOW, "U0BEN00000", "slash", action, "tasks-service/qa", after=after)
    recorded = chained(entry, Head()).entry  # as it comes back from the store
    return history_line(recorded, lambda name: name.upper(), texts)


def actions_in_the_code() -> set[str]:
    source = "".join(path.read_text("utf-8") for path in WORKFLOWS.rglob("*.py"))
    named = re.findall(
        r'action = "([a-z-]+)"|action="([a-z-]+)"'
        r'|(?<!refusal)_(?:recorded|entry|press)\([^"(){}]*"([a-z-]+)"',
        source,
    )
    return {word for words in named for word in words if word} | {
        REQUEST,
        REFUSED,
        *map(str, Decision),
    }


def test_every_action_that_is_recorded_has_a_sentence(texts: Texts) -> None:
    known = {"request", "refused", "tick", "approve", "analysed", "keep", "config"}
    assert known <= actions_in_the_code()
    lacking = {name for name in actions_in_the_code() if f"history.action.{name}" not in texts}
    assert lacking == set()


@pytest.mark.parametrize("state", sorted(FINAL | {RolloutState.ROLLING_BACK}))
def test_every_end_of_a_rollout_has_a_sentence(state: RolloutState, texts: Texts) -> None:
    assert f"history.step.{state}" in texts


def test_what_an_analysis_found_and_what_follows_is_said_in_words(
    texts: Texts, language: str
) -> None:
    for result in Result:
        told = line("analysed", texts, version="1.4.0", result=result, follow=Follow.NONE)
        assert texts(f"reading.verdict.{result.value}") in told
    for follow in Follow:
        told = line("regression", texts, version="1.4.0", result=Result.FAIL, follow=follow)
        assert texts(f"history.follow.{follow}") in told
        assert "–" not in told


def test_an_action_without_words_is_shown_by_its_name(texts: Texts) -> None:
    assert "`something-new` tasks-service → QA" in line("something-new", texts)


def test_break_glass_is_marked_with_who_and_why(texts: Texts) -> None:
    override = {"by": "U0ELENA000", "reason": "outage <!channel>"}
    told = line("step", texts, state="SUCCEEDED", version="1.4.0", override=override)
    assert "⚠️" in told
    assert "<@U0ELENA000>" in told
    assert "<!channel>" not in told


@pytest.mark.parametrize(
    "after",
    [
        {"gates": "no list"},
        {"gates": [{"ok": False}, {"ok": False, "code": "LOCKED", "values": None}, "x", None]},
        {"reason": "<!channel> <@U0EVE00000> `code`", "version": "<https://evil.example|1.4.0>"},
        {"override": "no mapping", "state": None},
        {"reason": {"nested": "value"}, "version": ["1", "2"]},
    ],
)
@pytest.mark.parametrize("action", ["request", "refused", "step", "lock"])
def test_odd_records_make_a_line_all_the_same(
    action: str, after: dict[str, object], texts: Texts
) -> None:
    """Records of an earlier or later version hold what they hold."""
    told = line(action, texts, **after)
    assert "<!channel>" not in told
    assert "U0EVE00000>" not in told
    assert "<https://evil" not in told
