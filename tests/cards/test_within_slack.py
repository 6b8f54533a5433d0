"""Every card is one that Slack takes (checked by the sandbox's validator, which shares no code with
the cards), and reads as one sentence in a notification."""

import json
import re

from bot.cards.card import Card
from bot.sandbox.slack.blocks import check_message_blocks, check_view

SUMMARY = 150


def test_slack_takes_the_card(case: str, language: str, card: Card) -> None:
    blocks = json.loads(json.dumps(list(card.blocks)))
    if case.startswith("home-"):
        check_view({"type": "home", "blocks": blocks}, lambda _: False, surface="home")
    else:
        check_message_blocks(blocks, lambda file: file == "F0CHART0001")
    assert 0 < len(card.text) <= 4_000


def test_the_first_line_of_its_text_is_a_short_sentence(
    case: str, language: str, card: Card
) -> None:
    first = card.text.split("\n")[0]
    assert " " in first
    assert len(first) <= SUMMARY + 60 * case.startswith("thread"), first
    assert not re.search(r"[{}]", first)


def test_no_sentence_lacks_a_value(case: str, language: str, card: Card) -> None:
    """A tolerant sentence shows "…" for what is missing: none of ours may."""
    shown = json.dumps(list(card.blocks), ensure_ascii=False)
    assert "…" not in shown.replace("sha256:ab12…9f04", "")


def test_every_sign_has_a_word_beside_it(case: str, language: str, card: Card) -> None:
    for line in re.findall(r'"text": "([^"]+)"', json.dumps(list(card.blocks), ensure_ascii=False)):
        for sign in ("✅", "❌", "⏳", "⚠️", "✋", "👀", "🕒"):
            for after in line.split(sign)[1:]:
                assert re.match(r"\W*\w", after), line
