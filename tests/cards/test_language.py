"""Words are in `bot/text`, never in a card's code; and each gate's code has its words."""

import ast
import re
from pathlib import Path

import pytest

import bot.cards
from bot.cards.refusal import gate_sentence
from bot.domain import gate
from bot.domain.gate import Gate, GateResult
from bot.text import Texts

SOURCES = sorted(Path(bot.cards.__file__).parent.glob("*.py"))
FOR_SHELLS_AND_BUGS = {"kubectl", "describe", "logs", "deploy", "button carries at most"}


def literals(source: str) -> list[str]:
    """String constants that a reader might see: no docstrings."""
    tree = ast.parse(source)
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    ]


def is_sentence(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", text)
    return " " in text.strip() and bool(words) and not any(w in text for w in FOR_SHELLS_AND_BUGS)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_card_holds_a_sentence_of_its_own(source: Path) -> None:
    assert [text for text in literals(source.read_text("utf-8")) if is_sentence(text)] == []


def test_a_sentence_would_be_found() -> None:
    found = literals('"""Docs are fine."""\nx = f"Hello {y}, how are you"\nz = "dyn:cancel"')
    assert [text for text in found if is_sentence(text)] == [", how are you"]


def test_every_code_of_a_gate_has_words_and_a_failing_one_its_remedy(texts: Texts) -> None:
    document = str(GateResult.__doc__) + Path(str(gate.__file__)).read_text("utf-8")
    codes = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", str(GateResult.__doc__)))
    assert {"NOT_ALLOWED", "PAUSED", "CONFLICT"} <= codes, document
    for code in codes:
        assert gate_sentence(GateResult(Gate.CLUSTER, False, code), texts) != code
    met = {
        "ALLOWED",
        "MANIFEST_FOUND",
        "FIRST_ENVIRONMENT",
        "RAN_BEFORE",
        "RAN_HERE",
        "NOT_PAUSED",
        "ACCEPTED",
        "NO_LOCK",
        "OWN_LOCK",
        "ALWAYS_OPEN",
        "WINDOW_OPEN",
        "CI_GREEN",
        "CI_SWITCHED_OFF",
        "CI_RAN_HERE",
        "CHECKLIST_COMPLETE",
        "CHECKLIST_RAN_HERE",
        "NO_APPROVAL_NEEDED",
        "APPROVED",
        "APPROVED_ALONE",
        "BREAK_GLASS",
        "POLICIES_KEPT",
        "IMAGE_RUNS",
        "IMAGE_THERE",
        "IMAGE_NOT_ASKED",
        "ACTS_BY_ITSELF",
        "ANALYSIS_PASSED",
        "ANALYSIS_OPEN",
        "ANALYSIS_KEPT",
    }
    for code in codes - met:
        assert f"gate.fix.{code}" in texts, code
