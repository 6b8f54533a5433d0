"""Both languages are understood: each verb and option has a Spanish word, shown and read."""

import pytest

from bot.cards.usage import in_words, written
from bot.sandbox.launcher import CONFIG
from bot.text import LANGUAGES, Texts
from commands.command import Command, Invocation, Kind, Option
from commands.parser import parse
from commands.vocabulary import VERBS
from config.catalog import load_catalog

CATALOG = load_catalog(CONFIG)
VALUES = {Kind.TEXT: '"dos palabras"', Kind.DURATION: "15m", Kind.COUNT: "3"}
PLACES = {
    Kind.SERVICE: "tasks-service",
    Kind.ENVIRONMENT: "qa",
    Kind.VERSION: "1.4.0",
    Kind.COUNT: "3",
    Kind.COMMAND: "deploy",
}
SAME = {"pod"}
"""What is called the same in both languages."""

verbs = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)


def shortest(verb: Command) -> str:
    needed = [PLACES[argument.kind] for argument in verb.arguments if argument.required]
    if verb.name in ("lock", "unlock"):
        needed.insert(0, "tasks-service")
    return " ".join([verb.name, *needed])


def given(option: Option) -> str:
    return f"--{option.name}" + (f" {VALUES[option.kind]}" if option.kind else "")


def understood(line: str) -> Invocation:
    read = parse(line, CATALOG, VERBS)
    assert isinstance(read, Invocation), (line, read)
    return read


@verbs
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_reader_is_shown_is_a_word_of_the_verb_and_is_understood(
    verb: Command, language: str
) -> None:
    texts = Texts.of(language)
    word = texts(f"word.verb.{verb.name}")
    assert word in verb.words
    assert (word == verb.name) == (language == "en")
    shown = in_words(shortest(verb), texts)
    assert shown.split(" ")[0] == word
    assert understood(shown) == understood(shortest(verb))
    assert written(verb, texts).startswith(f"/dynamo {word}")


@verbs
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_has_a_word_of_the_readers_language_that_means_the_same(
    verb: Command, language: str
) -> None:
    texts = Texts.of(language)
    for option in verb.options:
        word = texts(f"word.option.{option.name}")
        assert word in option.words
        assert (word == option.name) == (language == "en" or option.name in SAME)
        line = f"{shortest(verb)} {given(option)}"
        shown = in_words(line, texts)
        assert f"--{word}" in shown
        assert understood(shown) == understood(line)


@verbs
def test_examples_mean_the_same_in_spanish(verb: Command) -> None:
    for example in verb.examples:
        shown = in_words(example, Texts.of("es"))
        assert understood(shown).line == understood(example).line


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("desplegar", "deploy"),
        ("promover", "promote"),
        ("escalar", "scale"),
        ("registros", "logs"),
        ("estado", "status"),
        ("revertir", "rollback"),
    ],
)
def test_the_spanish_verbs_are_understood_in_any_case_with_and_without_a_mention(
    word: str, verb: str
) -> None:
    declared = next(each for each in VERBS if each.name == verb)
    rest = shortest(declared).removeprefix(verb)
    for line in (f"{word}{rest}", f"{word.upper()}{rest}", f"<@U0DYNAMO00> {word}{rest}"):
        assert understood(line).command == verb


def test_what_stands_in_quotes_is_nobodys_option() -> None:
    line = 'logs tasks-service qa --grep "a \\"b\\" --tail 3" --tail 5'
    shown = in_words(line, Texts.of("es"))
    assert shown == 'registros tasks-service qa --buscar "a \\"b\\" --tail 3" --últimas 5'
    assert understood(shown).line == understood(line).line
