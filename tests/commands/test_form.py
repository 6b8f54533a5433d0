"""What was chosen in the form becomes a line that the parser reads as just that."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.cards.form import NOTHING, VERB, block_of_argument, block_of_option, block_of_options
from bot.sandbox.launcher import CONFIG
from bot.sandbox.slack.blocks import check_view
from bot.text import LANGUAGES, Texts
from commands import form
from commands.command import Command, Invocation, Kind
from commands.form import Draft, draft_of, modal_of, submitted, write
from commands.parser import parse
from commands.vocabulary import VERBS
from config.catalog import load_catalog

CATALOG = load_catalog(CONFIG)
EN = Texts.of("en")
VALUES = {
    Kind.SERVICE: "tasks-service",
    Kind.ENVIRONMENT: "qa",
    Kind.VERSION: "1.4.0",
    Kind.COUNT: "3",
    Kind.DURATION: "15m",
    Kind.COMMAND: "deploy",
    Kind.TEXT: 'said "so" <!here> & --dry-run',
}

verbs = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)


def chosen(value: str) -> dict[str, Any]:
    return {"selected_option": {"text": {"type": "plain_text", "text": value}, "value": value}}


def view(
    verb: str,
    arguments: Mapping[str, str] | None = None,
    ticked: tuple[str, ...] = (),
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """As Slack sends it; `arguments` by block."""
    values: dict[str, Any] = {VERB: {"x": chosen(verb)}}
    values |= {block: {"x": chosen(value)} for block, value in (arguments or {}).items()}
    values[block_of_options(verb)] = {
        "x": {"type": "checkboxes", "selected_options": [{"value": each} for each in ticked]}
    }
    values |= {block_of_option(name): {"x": {"value": v}} for name, v in (typed or {}).items()}
    return {"id": "V1", "private_metadata": "|C0QADEPLOYS", "state": {"values": values}}


def everything(verb: Command, *, optional: bool) -> dict[str, Any]:
    """Each argument filled in and, with `optional`, each option as well."""
    places = {
        argument.name: "prod" if argument.name == "other-environment" else VALUES[argument.kind]
        for argument in verb.arguments
        if argument.required or optional
    }
    service = places.get("service", "")
    blocks = {
        block_of_argument(argument.name, argument.kind, service): places[argument.name]
        for argument in verb.arguments
        if argument.name in places
    }
    options = verb.options if optional else ()
    typed = {each.name: VALUES[each.kind] for each in options if each.kind is not None}
    return view(verb.name, blocks, tuple(each.name for each in options), typed)


@verbs
@pytest.mark.parametrize("optional", [True, False], ids=["everything", "the least"])
def test_every_verb_with_all_that_it_takes_is_a_line_that_means_just_that(
    verb: Command, optional: bool
) -> None:
    line = submitted(everything(verb, optional=optional), CATALOG, EN)
    assert isinstance(line, str), line
    read = parse(line, CATALOG, VERBS)
    assert isinstance(read, Invocation)
    assert (read.command, read.line) == (verb.name, line)
    given = {name: value for name, value in read.options.items() if value is not True}
    wanted = {each.name for each in verb.options} if optional else set()
    assert set(read.options) == wanted
    assert given == {
        each.name: VALUES[each.kind] for each in verb.options if optional and each.kind
    }
    if optional and any(each.kind is Kind.VERSION for each in verb.arguments):
        assert read.version == "1.4.0"


@verbs
def test_what_is_missing_is_said_at_its_field(verb: Command) -> None:
    needed = {
        block_of_argument(argument.name, argument.kind, "")
        for argument in verb.arguments
        if argument.required
    }
    valued = [each.name for each in verb.options if each.kind is not None]
    errors = submitted(view(verb.name, {}, tuple(valued)), CATALOG, EN)
    wanted = needed | {block_of_option(name) for name in valued}
    if wanted:
        assert isinstance(errors, dict)
        assert set(errors) == wanted


def test_nothing_chosen_is_said_at_the_menu_of_verbs() -> None:
    for state in (
        {},
        {VERB: {"x": chosen("drop-tables")}},
        {VERB: {"x": {"selected_option": None}}},
    ):
        assert submitted({"state": {"values": state}}, CATALOG, EN) == {VERB: EN("form.needed")}


@pytest.mark.parametrize(
    ("sent", "block", "said"),
    [
        (
            view(
                "scale",
                {
                    "argument.service": "tasks-service",
                    "argument.environment": "qa",
                    "argument.replicas": "three",
                },
            ),
            "argument.replicas",
            "“three” is no count",
        ),
        (
            view(
                "deploy",
                {
                    "argument.service": "tasks-service",
                    "argument.environment": "qa",
                    "argument.version.tasks-service": "1.4 0",
                },
            ),
            "argument.version.tasks-service",
            "“1.4 0” cannot be a version",
        ),
        (
            view("lock", {"argument.environment": "qa"}, ("for",), {"for": "soon"}),
            "option.for",
            "“soon” is no duration",
        ),
        (
            view("deploy", {"argument.service": "payroll", "argument.environment": "qa"}),
            "argument.service",
            "I don't know the service “payroll”",
        ),
    ],
)
def test_a_mistake_is_told_at_its_field_in_plain_words(
    sent: dict[str, Any], block: str, said: str
) -> None:
    errors = submitted(sent, CATALOG, EN)
    assert isinstance(errors, dict)
    assert list(errors) == [block]
    assert errors[block].startswith(said)
    assert "`" not in errors[block]


@pytest.mark.parametrize("version", ["qa", "to", "tasks-service", "v1", "feature/login"])
def test_a_version_that_looks_like_something_else_stays_a_version(version: str) -> None:
    places = {"argument.service": "tasks-service", "argument.environment": "dev"}
    sent = view("deploy", {**places, "argument.version.tasks-service": version})
    line = submitted(sent, CATALOG, EN)
    assert isinstance(line, str), line
    read = parse(line, CATALOG, VERBS)
    assert isinstance(read, Invocation)
    assert (read.service, read.environment, read.version) == ("tasks-service", "dev", version)


def test_what_was_left_out_again_and_the_version_of_another_service_are_not_in_the_line() -> None:
    sent = view(
        "diff",
        {
            "argument.service": "forms-service",
            "argument.environment": "qa",
            "argument.other-environment": NOTHING,
            "argument.version.tasks-service": "1.4.0",
        },
    )
    assert submitted(sent, CATALOG, EN) == "diff forms-service qa"


def test_a_value_without_its_tick_is_not_in_the_line() -> None:
    places = {"argument.service": "tasks-service", "argument.environment": "qa"}
    assert draft_of(view("rollback", places, (), {"reason": "old"})).options == {}
    assert submitted(view("rollback", places), CATALOG, EN) == "rollback tasks-service qa"


def test_the_line_so_far_says_what_is_still_to_be_chosen() -> None:
    verb = next(each for each in VERBS if each.name == "deploy")
    for language, line in (("en", "deploy qa SERVICE"), ("es", "deploy qa SERVICIO")):
        draft = Draft(verb, {"environment": "qa"})
        shown = modal_of(draft, "C1", CATALOG, Texts.of(language)).view["blocks"]
        said = " ".join(str(block.get("text", {}).get("text")) for block in shown)
        service, place = line.split()[2], line.split()[1]
        assert f"/dynamo deploy {service} {place}`" in said


@verbs
@pytest.mark.parametrize("language", LANGUAGES)
def test_slack_takes_the_form_of_every_verb_with_everything_ticked(
    verb: Command, language: str
) -> None:
    texts = Texts.of(language)
    ticked = tuple(option.name for option in verb.options)
    for draft in (Draft(), Draft(verb), Draft(verb, {}, ticked)):
        shown = modal_of(draft, "C0QADEPLOYS", CATALOG, texts).view
        check_view(shown, lambda _: False, surface="modal")
        inputs = [block for block in shown["blocks"] if block["type"] == "input"]
        assert all(block["dispatch_action"] for block in inputs)
        assert len({block["block_id"] for block in inputs}) == len(inputs)


@verbs
@pytest.mark.parametrize("language", LANGUAGES)
def test_verbs_and_options_have_words_in_the_form(verb: Command, language: str) -> None:
    texts = Texts.of(language)
    assert f"form.verb.{verb.name}" in texts
    assert len(texts(f"form.verb.{verb.name}")) <= 75
    assert len(verb.options) <= 10, "check boxes: Slack shows ten at most"
    for option in verb.options:
        assert len(texts(f"form.option.{option.name}")) <= 75
        assert f"form.value.{option.name}" in texts


def test_a_line_that_would_run_is_its_normal_form() -> None:
    verb = next(each for each in VERBS if each.name == "lock")
    draft = Draft(verb, {"environment": "qa"}, ("reason",), {"reason": "load   test"})
    assert write(draft, CATALOG).line == 'lock qa --reason "load test"'


def test_a_line_that_would_be_read_otherwise_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Invocation("unlock", environment="prod", line="unlock prod")
    monkeypatch.setattr(form, "parse", lambda *_: other)
    sent = view("unlock", {"argument.environment": "qa"})
    assert submitted(sent, CATALOG, EN) == {VERB: EN("usage.unclear")}
