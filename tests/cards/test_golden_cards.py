"""Every card in every language, as it is. To accept a change on purpose:

    DYNAMO_WRITE_GOLDEN=1 .venv/bin/pytest tests/cards/test_golden_cards.py

and read the difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest

from bot.cards.card import Card

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("DYNAMO_WRITE_GOLDEN") == "1"


def as_json(card: Card) -> str:
    content = {"text": card.text, "blocks": list(card.blocks)}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def test_the_card_is_what_was_agreed_on(case: str, language: str, card: Card) -> None:
    file = GOLDEN / f"{case}.{language}.json"
    shown = as_json(card)
    if WRITE:
        file.write_text(shown, encoding="utf-8")
    if not file.exists():
        pytest.fail(f"{file.name} is missing: see the head of this file")
    assert shown == file.read_text(encoding="utf-8")


def test_every_golden_file_still_has_its_card(request: pytest.FixtureRequest) -> None:
    named = {
        item.name.partition("[")[2].rstrip("]")
        for item in request.session.items
        if item.name.startswith("test_the_card_is_what_was_agreed_on")
    }
    if not named:
        pytest.skip("only meaningful beside the tests of all cards")
    kept = {file.name.removesuffix(".json") for file in GOLDEN.glob("*.json")}
    assert len(kept) == len(named)
