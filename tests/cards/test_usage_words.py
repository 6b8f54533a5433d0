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


def test_one_thing_that_is_missing_is_told_in_the_singular_however_many_could_be_it(
    language: str, texts: Texts
) -> None:
    """ "Todavía faltan: entorno": the three environments to choose from were counted."""
    values = {"missing": ("environment",), "choices": ("dev", "qa", "prod")}
    said = usage_card(Misread("missing-arguments", values), verb=None, texts=texts).text
    assert {"en": "still needs", "es": "Todavía falta:"}[language] in said


def test_verbs_and_options_to_choose_from_are_named_in_the_readers_language(
    language: str, texts: Texts
) -> None:
    verbs = Misread("unknown-command", {"word": "x", "choices": ("deploy", "status")})
    options = Misread("unknown-option", {"option": "--x", "choices": ("--dry-run", "--reason")})
    shown = "".join(
        json.dumps(usage_card(error, verb=None, texts=texts).blocks, ensure_ascii=False)
        for error in (verbs, options)
    )
    words = {
        "en": ("`deploy`", "`status`", "`--dry-run`", "`--reason`"),
        "es": ("`desplegar`", "`estado`", "`--simular`", "`--motivo`"),
    }
    assert all(word in shown for word in words[language])
    needs = Misread("option-needs-value", {"option": "--reason"})
    word = {"en": "`--reason`", "es": "`--motivo`"}[language]
    assert word in usage_card(needs, verb=None, texts=texts).text
