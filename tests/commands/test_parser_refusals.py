"""Lines that are not understood: which code, which values, and what is offered instead."""

from dataclasses import replace

import pytest

from commands.command import Argument, Command, Kind, Option, UsageCode, UsageError
from commands.parser import parse
from commands.suggest import MOST_TRIES, Refusal, suggestions
from commands.typed import Word
from commands.vocabulary import VERBS
from config.catalog import Catalog

GROW = Command(
    "grow",
    arguments=(
        Argument("service", Kind.SERVICE),
        Argument("environment", Kind.ENVIRONMENT),
        Argument("count", Kind.COUNT),
    ),
    options=(Option("for", kind=Kind.DURATION), Option("like", kind=Kind.SERVICE)),
)


def refused(text: str, catalog: Catalog, *more: Command) -> UsageError:
    answer = parse(text, catalog, (*VERBS, *more))
    assert isinstance(answer, UsageError), answer
    return answer


@pytest.mark.parametrize(
    ("text", "code", "word", "suggestions"),
    [
        ("deploy tasks-servce qa", "unknown-service", "tasks-servce", "deploy tasks-service qa"),
        ("deploy taks qa", "unknown-service", "taks", "deploy tasks-service qa"),
        ("deploy qa taks 1.4.0", "unknown-service", "taks", "deploy tasks-service qa 1.4.0"),
        ("deploy taks@1.4.0 qa", "unknown-service", "taks", "deploy tasks-service qa 1.4.0"),
        ("deploy tasks prdo", "unknown-environment", "prdo", "deploy tasks-service prod"),
        ("deploy tasks qq", "unknown-environment", "qq", "deploy tasks-service qa"),
        (
            "deploy tasks produccoin",
            "unknown-environment",
            "produccoin",
            "deploy tasks-service prod",
        ),
        ("deplyo tasks qa", "unknown-command", "deplyo", "deploy tasks-service qa"),
        ("desplegr tasks qa", "unknown-command", "desplegr", "deploy tasks-service qa"),
        ("deplyo tasks-servce qq", "unknown-command", "deplyo", "deploy tasks-service qa"),
        ("deplyo", "unknown-command", "deplyo", "help deploy"),
        ("please deploy tasks qa", "unknown-command", "please", "deploy tasks-service qa"),
        ("tasks deploy qa", "unknown-command", "tasks", "deploy tasks-service qa"),
        ("help deplyo", "unknown-command", "deplyo", "help deploy"),
        ("status tsks", "unknown-service", "tsks", "status tasks-service"),
        ("deploy tasks qa 1.4.0!", "invalid-version", "1.4.0!", "deploy tasks-service qa 1.4.0"),
    ],
)
def test_a_typo_is_offered_as_the_line_that_was_meant(
    sample: Catalog, text: str, code: str, word: str, suggestions: str
) -> None:
    error = refused(text, sample)
    assert (error.code, error.values["word"]) == (code, word)
    assert error.suggestions[0] == suggestions


def test_a_wrong_service_keeps_the_options_of_its_line(sample: Catalog) -> None:
    error = refused("deploy taks qa --dry-run --reason “a b”", sample)
    assert error.suggestions == ('deploy tasks-service qa --dry-run --reason "a b"',)
    assert error.command == "deploy"


def test_names_without_a_verb_suggest_what_changes_nothing(sample: Catalog) -> None:
    suggestions = refused("tasks qa", sample).suggestions
    assert suggestions[0] == "status tasks-service qa"
    reading = {verb.name for verb in VERBS if verb.reads}
    assert {line.partition(" ")[0] for line in suggestions} <= reading


def test_nothing_alike_lists_what_there_is(sample: Catalog) -> None:
    error = refused("deploy tasks xyzzy", sample)
    assert error.code == UsageCode.UNKNOWN_ENVIRONMENT
    assert error.values["choices"] == ("dev", "qa", "prod")
    assert error.suggestions == ()


def test_a_word_that_could_be_anything_is_told_as_that(sample: Catalog) -> None:
    error = refused("status xyzzy", sample)
    assert (error.code, error.values["word"]) == (UsageCode.UNKNOWN_WORD, "xyzzy")


def test_an_ambiguous_name_lists_its_candidates(sample: Catalog) -> None:
    error = refused("deploy service qa 1.4.0", sample)
    assert error.code == UsageCode.AMBIGUOUS_SERVICE
    assert error.values["choices"] == (
        "auth-service",
        "projects-service",
        "forms-service",
        "tasks-service",
        "notifications-service",
    )
    assert error.suggestions[0] == "deploy auth-service qa 1.4.0"


def test_an_ambiguous_environment_is_never_guessed(sample: Catalog) -> None:
    second = replace(sample.environments[2], name="prod-eu", title=sample.environments[0].title)
    both = replace(sample, environments=(*sample.environments[1:], second))
    error = refused("deploy tasks pro", both)
    assert error.code == UsageCode.AMBIGUOUS_ENVIRONMENT
    assert error.values["choices"] == ("prod", "prod-eu")


def test_short_for_a_service_and_an_environment_at_once_is_ambiguous(sample: Catalog) -> None:
    error = refused("status pro", sample)
    assert error.code == UsageCode.AMBIGUOUS_WORD
    assert error.suggestions == ("status projects-service", "status prod")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("deploy", ("service", "environment")),
        ("deploy tasks", ("environment",)),
        ("deploy qa", ("service",)),
        ("deploy qa 1.4.0", ("service",)),
        ("deploy to", ("service", "environment")),
        ("cancel tasks --reason x", ("environment",)),
    ],
)
def test_what_is_missing_is_listed(sample: Catalog, text: str, missing: tuple[str, ...]) -> None:
    error = refused(text, sample)
    assert error.code == UsageCode.MISSING_ARGUMENTS
    assert error.values["missing"] == missing
    assert error.suggestions == ()  # there is more than one to choose from


def test_what_is_missing_is_filled_in_when_there_is_just_one(sample: Catalog) -> None:
    small = replace(sample, environments=sample.environments[:1])
    assert refused("deploy tasks 1.4.0", small).suggestions == ("deploy tasks-service dev 1.4.0",)


@pytest.mark.parametrize(
    ("text", "words", "suggestions"),
    [
        (
            "deploy tasks qa prod",
            ("prod",),
            ("deploy tasks-service qa", "deploy tasks-service prod"),
        ),
        (
            "deploy tasks qa 1.4.0 1.5.0",
            ("1.5.0",),
            ("deploy tasks-service qa 1.4.0", "deploy tasks-service qa 1.5.0"),
        ),
        (
            "deploy tasks forms qa",
            ("forms",),
            ("deploy tasks-service qa", "deploy forms-service qa"),
        ),
        ("status tasks qa now", ("now",), ("status tasks-service qa",)),
        ("status tasks@1.4.0", ("1.4.0",), ("status tasks-service",)),
    ],
)
def test_one_word_too_many_is_never_dropped_in_silence(
    sample: Catalog, text: str, words: tuple[str, ...], suggestions: tuple[str, ...]
) -> None:
    error = refused(text, sample)
    assert (error.code, error.values["words"]) == (UsageCode.TOO_MANY_WORDS, words)
    assert error.suggestions == suggestions


@pytest.mark.parametrize(
    "version",
    [
        "1.4.0;reboot",
        "$(reboot)",
        ".1",
        "../1",
        "x" * 129,
        "sha256:ab12",
        "sha256:" + "AB12" * 16,
        '"1.4.0 qa"',
        "１.４.０",
        "1.4.0\x07\x1b[31m;",
    ],
)
def test_a_version_outside_of_the_tag_grammar_goes_nowhere(sample: Catalog, version: str) -> None:
    assert refused(f"deploy tasks qa {version}", sample).code == UsageCode.INVALID_VERSION


@pytest.mark.parametrize(
    ("options", "code", "suggestions"),
    [
        ("--dryrn", "unknown-option", ("deploy tasks-service qa --dry-run",)),
        ("--reasn=x", "unknown-option", ('deploy tasks-service qa --reason "x"',)),
        ("--force", "unknown-option", ()),
        ("--dry-run --dry-run", "option-twice", ("deploy tasks-service qa --dry-run",)),
        (
            "--reason=a --motivo b",
            "option-twice",
            ('deploy tasks-service qa --reason "a"', 'deploy tasks-service qa --reason "b"'),
        ),
        ("--reason", "option-needs-value", ()),
        ('--reason ""', "option-needs-value", ()),
        ("--reason --dry-run", "option-needs-value", ()),
        ("--dry-run=yes", "option-takes-no-value", ("deploy tasks-service qa --dry-run",)),
        ("--dry-run=false", "option-takes-no-value", ("deploy tasks-service qa",)),
        ("--dry-run=perhaps", "option-takes-no-value", ()),
    ],
)
def test_options_are_taken_exactly(
    sample: Catalog, options: str, code: str, suggestions: tuple[str, ...]
) -> None:
    error = refused(f"deploy tasks qa {options}", sample)
    assert (error.code, error.suggestions) == (code, suggestions)


def test_a_reason_without_quotes_never_swallows_the_version(sample: Catalog) -> None:
    error = refused("deploy tasks qa --reason urgent 1.4.0", sample)
    assert error.code == UsageCode.OPTION_NEEDS_QUOTES
    assert error.suggestions == (
        'deploy tasks-service qa --reason "urgent 1.4.0"',
        'deploy tasks-service qa 1.4.0 --reason "urgent"',
    )


@pytest.mark.parametrize("opening", list("\"'“‘«`"))
def test_a_quote_that_never_closes_is_said(sample: Catalog, opening: str) -> None:
    error = refused(f"deploy tasks qa --reason {opening}fixes", sample)
    assert error.code == UsageCode.UNBALANCED_QUOTE
    assert error.values == {"quote": opening, "rest": f"{opening}fixes"}


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "/dynamo", "<@U0DYNAMO00>"])
def test_nothing_is_not_a_command(sample: Catalog, text: str) -> None:
    assert refused(text, sample) == UsageError(UsageCode.EMPTY)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("grow tasks qa three", "invalid-count"),
        ("grow tasks qa 1000000000000", "invalid-count"),
        ("grow tasks qa 3 --for soon", "invalid-duration"),
        ("grow tasks qa 3 --like taks", "unknown-service"),
        ("grow tasks qa 3 --like service", "ambiguous-service"),
    ],
)
def test_values_are_checked_by_their_kind(sample: Catalog, text: str, code: str) -> None:
    assert refused(text, sample, GROW).code == code


def test_a_misspelt_value_of_an_option_is_offered_mended(sample: Catalog) -> None:
    error = refused("grow tasks qa 3 --like=taks", sample, GROW)
    assert error.suggestions == ("grow tasks-service qa 3 --like tasks-service",)


def test_a_long_word_is_cut_where_it_is_repeated(sample: Catalog) -> None:
    error = refused("deploy " + "x" * 5_000 + " qa", sample)
    assert len(str(error.values["word"])) == 80


def test_a_line_of_far_too_many_words_is_not_guessed_at(sample: Catalog) -> None:
    error = refused("deploy tasks qa " + "tasks " * 40, sample)
    assert (error.code, error.suggestions) == (UsageCode.TOO_MANY_WORDS, ())
    assert len(error.values["words"]) == 10


def test_the_search_for_a_suggestion_is_bounded() -> None:
    tried: list[tuple[Word, ...]] = []

    def never(line: tuple[Word, ...]) -> Refusal:
        tried.append(line)
        return Refusal(UsageError(UsageCode.EMPTY), tuple((*line, Word(x)) for x in "abcd"))

    assert suggestions(Refusal(UsageError(UsageCode.EMPTY), ((Word("a"),),) * 4), never) == ()
    assert len(tried) == MOST_TRIES


@pytest.mark.parametrize("text", ["grow tasks qa 3", "grow", "help grow"])
def test_a_verb_that_only_resembles_help_is_not_answered_with_help_about_help(
    sample: Catalog, text: str
) -> None:
    verbs = tuple(verb for verb in VERBS if verb.name != "grow")
    error = parse(text, sample, verbs)
    assert isinstance(error, UsageError)
    assert not any(line.startswith("help help") for line in error.suggestions)
    assert error.values["choices"] != ("help",)


def test_help_is_still_offered_where_help_was_misspelt(sample: Catalog) -> None:
    assert refused("hlep", sample).suggestions == ("help",)
    assert refused("hlep deploy", sample).suggestions == ("help deploy",)
