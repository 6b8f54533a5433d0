"""Codes and values become sentences in both languages, and every code has one."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.cards.demands import role_count
from bot.cards.pointer import notice_card
from bot.cards.refusal import gate_parts, gate_sentence
from bot.cards.usage import written
from bot.domain.gate import Gate, GateResult
from bot.domain.rollout import RolloutState
from bot.domain.status import Health, PodState
from bot.domain.verdict import Finding, Outcome, Reason, Value, Verdict
from bot.errors import Trouble
from bot.text import LANGUAGES, Texts
from bot.text.sentences import (
    affected,
    age,
    duration,
    exit_code_meaning,
    finding_sentence,
    hint,
    listing,
    slack_date,
    trouble_sentence,
    verdict_sentence,
)
from bot.workflows.looks.look import NO_ANSWER
from commands.command import Kind, UsageCode
from commands.vocabulary import VERBS

both = pytest.mark.parametrize("language", LANGUAGES)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (14.9, "14 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (7_201, "2 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_its_two_leading_units(seconds: float, said: str) -> None:
    assert duration(seconds, Texts.of("en")) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (719, "11 min"), (7_300, "2 h"), (273_600, "3 d")]
)
def test_an_age_has_one_unit(seconds: float, said: str) -> None:
    assert age(seconds, Texts.of("es")) == said


def test_a_time_is_seen_in_the_zone_of_its_reader_and_falls_back_to_utc() -> None:
    there = datetime(2026, 11, 24, 9, 3, tzinfo=timezone(timedelta(hours=-3)))
    same = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
    assert slack_date(there) == slack_date(same) == "<!date^1795521780^{time}|12:03 UTC>"


def test_a_list_reads_like_a_list() -> None:
    spanish = Texts.of("es")
    assert listing([], spanish) == ""
    assert listing(["a"], spanish) == "a"
    assert listing(["a", "b", "c"], spanish) == "a, b y c"


@both
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason, language: str) -> None:
    finding = Finding(reason, Outcome.FAIL, pods=("a-1", "a-2"), of=3, container="web")
    texts = Texts.of(language)
    for said in (
        finding_sentence(finding, texts),
        verdict_sentence(Verdict(Outcome.FAIL, reason, findings=(finding,)), texts),
        verdict_sentence(Verdict(Outcome.WAIT, reason), texts),
    ):
        assert said != reason.value
        assert " " in said
        assert "{" not in said


@both
@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("port", ["cluster", "registry", "slack", "store", "some new edge"])
def test_every_trouble_has_words_and_what_to_do(trouble: Trouble, port: str, language: str) -> None:
    texts = Texts.of(language)
    said = trouble_sentence(port, trouble, {}, texts)
    assert said[0].isupper() or port == "some new edge" or said.startswith("…")
    assert " " in said
    assert f"trouble.fix.{trouble}" in texts


def test_a_trouble_names_what_was_not_allowed() -> None:
    values = {"verb": "patch", "resource": "deployments.apps", "namespace": "dynamo-qa"}
    said = trouble_sentence("cluster", Trouble.FORBIDDEN, values, Texts.of("en"))
    assert said == "Dynamo may not patch deployments.apps in namespace dynamo-qa."


def test_an_unknown_trouble_of_a_stored_rollout_still_has_words() -> None:
    said = trouble_sentence("cluster", "FROM_THE_FUTURE", {}, Texts.of("en"))
    assert said == "The cluster gave an answer that Dynamo does not understand."


@both
def test_exit_codes_have_a_meaning(language: str) -> None:
    texts = Texts.of(language)
    for code in (0, 1, 2, 126, 127, 128, 134, 137, 139, 143, 255):
        assert exit_code_meaning(code, texts), code
    assert exit_code_meaning(1, texts) != exit_code_meaning(137, texts)


@both
def test_a_failure_that_people_can_mend_comes_with_a_hint(language: str) -> None:
    texts = Texts.of(language)
    for reason in (
        Reason.IMAGE_NOT_FOUND,
        Reason.CRASHED,
        Reason.OOM_KILLED,
        Reason.CONFIG_MISSING,
    ):
        assert hint(reason, {}, texts), reason


def test_how_many_pods_are_affected() -> None:
    texts = Texts.of("en")
    some = Finding(Reason.CRASHED, Outcome.FAIL, pods=("a", "b"), of=3)
    only = Finding(Reason.CRASHED, Outcome.FAIL, pods=("a",), of=1)
    none = Finding(Reason.ADMISSION_DENIED, Outcome.FAIL)
    assert affected(some, texts) == "2 of 3 new pods"
    assert affected(only, texts) == "the only new pod"
    assert affected(none, texts) == ""


@both
def test_everything_that_cards_name_has_a_word(language: str) -> None:
    texts = Texts.of(language)
    for state in RolloutState:
        for topic in ("rollout.header", "rollout.text", "status.towards"):
            assert f"{topic}.{state}" in texts
        if state.final:
            assert f"rollout.ended.{state}" in texts
            assert f"notice.state.{state}" in texts
    for health in Health:
        assert f"status.word.{health}" in texts
        assert f"status.count.{health}" in texts
    for pod_state in PodState:
        assert f"status.pod_state.{pod_state}" in texts
    for code in UsageCode:
        assert f"usage.{code}" in texts
    for kind in Kind:
        assert f"argument.{kind}" in texts
    for verb in VERBS:
        assert f"help.verb.{verb.name}" in texts
        named = written(verb, texts)
        english = set(re.findall(r"\b[A-Z]{2,}\b", verb.usage)) - {"REF"}
        left = english & set(re.findall(r"\b\w+\b", named))
        assert left == (english if language == "en" else set())


@both
def test_one_pod_is_told_in_the_singular(language: str) -> None:
    texts = Texts.of(language)
    for reason in (Reason.COMPLETE, Reason.UPDATING):
        for desired, one in ((1, True), (3, False)):
            values: dict[str, Value] = {"available": 1, "updated": 1, "desired": desired, "old": 0}
            said = verdict_sentence(Verdict(Outcome.WAIT, reason, values=values), texts)
            assert f"{desired} pod " in said if one else f"{desired} pods " in said


@both
def test_the_pods_that_are_affected_are_part_of_the_sentence(language: str) -> None:
    texts = Texts.of(language)
    image = f"r/a@sha256:{'ab' * 32}"
    some: dict[str, Any] = {"pods": ("a",), "of": 1, "container": "web", "values": {"image": image}}
    pulled = finding_sentence(Finding(Reason.IMAGE_PULL_FAILED, Outcome.FAIL, **some), texts)
    for_it = {"en": " for the only new pod.", "es": " para el único pod nuevo."}[language]
    assert "abab…abab" in pulled
    assert pulled.endswith(for_it)
    node = finding_sentence(Finding(Reason.UNSCHEDULABLE, Outcome.FAIL, **some), texts)
    assert node.endswith(for_it)
    crashed = finding_sentence(
        Finding(Reason.CRASHED, Outcome.FAIL, exit_code=1, message="main (), ended", **some), texts
    )
    in_it = {"en": "), in the only new pod: ", "es": "), en el único pod nuevo: "}[language]
    assert crashed.endswith(f"{in_it}main (), ended")
    nobody = finding_sentence(Finding(Reason.IMAGE_PULL_FAILED, Outcome.FAIL), texts)
    assert nobody[-2:] not in (" .", ",.")
    name = finding_sentence(Finding(Reason.INVALID_IMAGE_NAME, Outcome.FAIL, **some), texts)
    assert " web " in name.partition("r/a")[0]


@both
def test_a_probe_is_said_as_people_say_it(language: str) -> None:
    finding = Finding(
        Reason.READINESS_PROBE, Outcome.FAIL, pods=("a",), values={"probe": "GET :http/healthz?a=:"}
    )
    said = finding_sentence(finding, Texts.of(language))
    on = {"en": "on port", "es": "en el puerto"}[language]
    assert f"GET /healthz?a=: {on} http" in said
    assert ":http" not in said


def test_hints_in_spanish_address_nobody() -> None:
    texts = Texts.of("es")
    for key, text in texts.entries.items():
        if key.startswith("hint."):
            first = text.partition(" ")[0]
            assert first.endswith(("ar", "er", "ir", "arlo")) or first == "Al", (key, first)


@both
@pytest.mark.parametrize("possible", [0, 1, 2])
def test_too_few_approvers_read_well_in_every_number(possible: int, language: str) -> None:
    gate = GateResult(
        Gate.APPROVALS, False, "APPROVERS_TOO_FEW", {"have": 0, "need": 3, "possible": possible}
    )
    said = gate_sentence(gate, Texts.of(language))
    assert f": {possible}, " in said
    assert f"{possible} pe" not in said


@both
@pytest.mark.parametrize(
    "key", ["gate.fix.NOT_ALLOWED", "gate.fix.NOT_BREAK_GLASS", "notice.not_yours"]
)
def test_several_roles_are_a_choice(key: str, language: str) -> None:
    texts = Texts.of(language)
    wanted = {"en": ("the role ", "one of the roles "), "es": ("el rol ", "uno de los roles ")}
    for words, roles in zip(wanted[language], ("security", "developers, qa"), strict=True):
        said = texts(key, roles=roles, who="", **role_count({"roles": roles}))
        assert f"{words}{roles}" in said


@both
def test_a_notice_and_a_gate_count_the_roles_that_they_name(language: str) -> None:
    texts = Texts.of(language)
    several = {"en": "one of the roles a, b", "es": "uno de los roles a, b"}[language]
    assert several in notice_card(texts, "not_yours", roles="a, b", who="").text
    gate = GateResult(Gate.PERMISSION, False, "NOT_ALLOWED", {"roles": "a, b", "who": "U0ANA00000"})
    assert several in str(gate_parts([gate], texts)[0].block)


@both
def test_every_trouble_that_an_edge_says_no_words_about_has_some(language: str) -> None:
    texts = Texts.of(language)
    for code in (NO_ANSWER, *Trouble):
        said = texts(f"reading.why.{code}")
        assert said[0].islower() or said.startswith("Dynamo")
        assert not said.endswith(".")


@both
@pytest.mark.parametrize("code", ["NO_DEPLOYMENT", "ANOTHER_RUNS"])
def test_why_a_rollback_was_not_written_is_said_in_the_readers_language(
    code: str, language: str
) -> None:
    values = {"code": code, "name": "tasks-service", "message": "sha256:ab12"}
    said = trouble_sentence("cluster", Trouble.CONFLICT, values, Texts.of(language))
    assert said != trouble_sentence("cluster", Trouble.CONFLICT, {}, Texts.of(language))
    assert "…" not in said
