"""What a line that was not understood is answered with: words that read as a sentence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.cards.usage import usage_card
from bot.text import Texts
from commands.vocabulary import VERBS


@dataclass(frozen=True)
class Misread:
    code: str
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()


def test_a_list_of_verbs_that_goes_on_ends_in_words(language: str, texts: Texts) -> None:
    names = tuple(f"verb-{number}" for number in range(13))
    error = Misread("unknown-command", {"word": "scael", "choices": names})
    shown = json.dumps(usage_card(error, verb=None, texts=texts).blocks)
    assert {"en": "and others.", "es": "y otros."}[language] in shown
    assert "\\u2026" not in shown


def test_nothing_between_quotes_is_shown_as_the_quotes_it_was(texts: Texts) -> None:
    deploy = next(verb for verb in VERBS if verb.name == "deploy")
    for error in (
        Misread("invalid-version", {"word": ""}),
        Misread("too-many-words", {"words": ("", "x")}),
    ):
        assert '`""`' in usage_card(error, verb=deploy, texts=texts).text
