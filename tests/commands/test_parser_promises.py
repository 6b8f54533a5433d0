"""What the parser promises for every text, whatever it holds: tried with arbitrary ones."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.command import Argument, Command, Invocation, Kind, Option, UsageCode, UsageError
from commands.parser import parse
from commands.typed import LONGEST_LINE, clean, escape, quote, split
from commands.vocabulary import VERBS
from config.catalog import load_catalog

EXAMPLES = 500
CATALOG = load_catalog(Path(__file__).parents[2] / "config" / "dynamo.yml")
LATER_VERBS = (
    *VERBS,
    Command(
        "scale",
        arguments=(
            Argument("service", Kind.SERVICE),
            Argument("environment", Kind.ENVIRONMENT),
            Argument("count", Kind.COUNT),
        ),
    ),
    Command(
        "lock",
        arguments=(
            Argument("environment", Kind.ENVIRONMENT),
            Argument("note", Kind.TEXT, required=False),
        ),
        options=(Option("for", kind=Kind.DURATION), Option("only", kind=Kind.SERVICE)),
    ),
    Command(
        "diff",
        arguments=(
            Argument("service", Kind.SERVICE),
            Argument("environment", Kind.ENVIRONMENT),
            Argument("other", Kind.ENVIRONMENT, required=False),
            Argument("version", Kind.VERSION, required=False),
        ),
    ),
)

COMMON = """
deploy deplyo status help cancel scale lock diff desplegar tasks tasks-service tasks-servce forms
qa prod producción PROD pro service to en a at -- - --dry-run —dry-run -dry-run --dryrun --reason
--reason= --reason=fix:login --dry-run=no --for --only 2h 15m 3 +1 -1 1.4.0 v2 latest main
feature/x @ : tasks@1.4.0 tasks-service:1.4.0 tasks@qa tasks.qa x@y:z sha256:ab " ' “ ” ‘ « » `
\\ \\" "two “words”" &amp; &lt; &gt; &amp;lt; <@U1|ana> <@U1> <#C1|x> <!channel> <!here|x>
<http://a.b|a.b> <https://x> < > | = é 🚀 /dynamo @dynamo
"""
INVISIBLE = ("\u00a0", "\u200b", "\u202e", "\n", "\t", "\ud800", "\x00", "\u2028", "")
anything = st.text(st.characters(), max_size=200)
pieces = st.one_of(st.sampled_from(COMMON.split()), st.sampled_from(INVISIBLE))
words = st.lists(st.one_of(pieces, pieces, anything), max_size=8).map(" ".join)
glued = st.lists(pieces, max_size=7).map("".join)
verbs = st.sampled_from([word for command in LATER_VERBS for word in command.words])
deploys = st.sampled_from(["deploy tasks qa", "cancel prod auth", "scale api dev 3", "lock qa"])
typed = st.tuples(st.one_of(verbs, deploys, deploys, st.just("")), words).map(" ".join)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(anything, typed, glued))
def test_every_text_is_an_invocation_or_a_usage_error(text: str) -> None:
    answer = parse(text, CATALOG, LATER_VERBS)
    assert isinstance(answer, Invocation | UsageError)


@settings(max_examples=EXAMPLES, deadline=None)
@given(typed)
def test_a_normal_line_parses_to_the_same_again(text: str) -> None:
    answer = parse(text, CATALOG, LATER_VERBS)
    if isinstance(answer, Invocation):
        assert parse(answer.line, CATALOG, LATER_VERBS) == answer


@settings(max_examples=EXAMPLES, deadline=None)
@given(typed)
def test_every_suggestion_runs_and_is_in_normal_form(text: str) -> None:
    answer = parse(text, CATALOG, LATER_VERBS)
    if isinstance(answer, UsageError):
        assert len(answer.suggestions) <= 3
        for line in answer.suggestions:
            again = parse(line, CATALOG, LATER_VERBS)
            assert isinstance(again, Invocation)
            assert again.line == line


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(st.characters()))
def test_any_reason_survives_its_echo(reason: str) -> None:
    answer = parse(f"deploy tasks qa --reason {quote(escape(reason))}", CATALOG)
    seen = " ".join(clean(escape(reason)).split())
    if not seen:
        assert isinstance(answer, UsageError)
        return
    assert isinstance(answer, Invocation)
    assert answer.options["reason"] == seen
    assert parse(answer.line, CATALOG) == answer


@given(st.text(st.characters()))
def test_slacks_escapes_are_undone_exactly_once(text: str) -> None:
    visible = clean(escape(text))
    assert clean(escape(visible)) == visible


@given(st.text(st.characters(), min_size=1))
def test_what_is_quoted_is_one_word(text: str) -> None:
    plain = " ".join(clean(text).split())
    assert [word.text for word in split(quote(plain))] == [plain]


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}", fullmatch=True))
def test_any_tag_of_the_oci_grammar_can_be_deployed(tag: str) -> None:
    answer = parse(f"deploy tasks-service@{tag} qa", CATALOG)
    assert isinstance(answer, Invocation)
    assert (answer.service, answer.environment, answer.version) == ("tasks-service", "qa", tag)
    assert parse(answer.line, CATALOG) == answer


@given(st.permutations(["tasks-service", "qa", "1.4.0", "--dry-run"]))
def test_any_order_of_words_means_the_same(order: list[str]) -> None:
    answer = parse(" ".join(["deploy", *order]), CATALOG)
    assert isinstance(answer, Invocation)
    assert answer.line == "deploy tasks-service qa 1.4.0 --dry-run"


@pytest.mark.parametrize(
    "text",
    [
        "deploy " + "tasks " * 3_000,
        "deploy tasks qa " + "x" * 19_000,
        'deploy "' + 'a"b "' * 3_500,
        "deploy tasks qa " + "--reason=a " * 1_500,
        "deploy tasks qa " + "--x " * 4_000,
        "<" * 19_000,
        "deploy <http:" + "|" * 19_000,
        "deploy tasks qa --reason " + "word " * 3_500,
        "&amp;" * 3_900,
        "deploy " + "a@b:c/" * 3_000,
    ],
    ids=lambda text: text[:24],
)
def test_a_line_made_to_cost_time_costs_little(text: str) -> None:
    began = time.process_time()
    answer = parse(text, CATALOG, LATER_VERBS)
    assert isinstance(answer, UsageError)
    assert time.process_time() - began < 1.0  # a quadratic step would need many times that


def test_a_reason_of_four_thousand_characters_is_kept_whole() -> None:
    reason = "why " * 1_000
    answer = parse(f'deploy tasks qa --reason "{reason}"', CATALOG)
    assert isinstance(answer, Invocation)
    assert answer.options["reason"] == reason.strip()


def test_a_line_beyond_every_limit_says_the_limit() -> None:
    answer = parse("x" * (LONGEST_LINE + 1), CATALOG)
    assert answer == UsageError(UsageCode.TOO_LONG, {"limit": str(LONGEST_LINE)})
