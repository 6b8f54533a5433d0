"""The card of a build in every state and both languages, with foreign words in all its places."""

import json
from datetime import UTC, datetime

import pytest

from bot.cards.build import build_card, build_ended_card
from bot.domain.build import Build, BuildState, BuildStep, Cause, Failure
from bot.domain.outage import held_up
from bot.domain.rollout import Actor, CardRef
from bot.errors import Trouble
from bot.text import Texts

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "<!channel> @here *bold* `code` <http://x|y> \u202e\x1b[31m ```"


def a_build(**changes: object) -> Build:
    build = Build(
        id="b1",
        service="tasks-service",
        ref="main",
        commit="4f2a9c1" + "0" * 33,
        version="20261124-4f2a9c1",
        image="registry.yourapp.com/dynamo/tasks-service",
        repository="https://github.com/yourorg/tasks-service",
        requested_by=Actor("U0BEN00000"),
        requested_at=NOON,
        line="build tasks-service main",
        card=CardRef("C0DEVDEPLOY"),
        command="npm ci && npm run build",
        digest="sha256:" + "ab" * 32,
        finished_at=NOON,
    )
    return build.with_(**changes)


@pytest.mark.parametrize("state", BuildState)
def test_every_state_has_its_words(state: BuildState, language: str) -> None:
    failure = Failure(Cause.COMMAND, BuildStep.COMMAND, {"exit": "3"})
    build = a_build(state=state, failure=failure if state is BuildState.FAILED else None)
    texts = Texts.of(language)
    card = build_card(build, environment_titles=("Development",), texts=texts)
    assert "…" not in card.text
    actions = [each for each in card.blocks if each["type"] == "actions"]
    verbs = [each["action_id"] for block in actions for each in block["elements"]]
    expected = {BuildState.BUILT: [], BuildState.FAILED: ["dyn:run"]}
    expected |= {BuildState.CANCELLED: ["dyn:run"]}
    assert verbs == expected.get(state, ["dyn:stop-build"])
    if state.final:
        assert build_ended_card(build, "the log", texts).full == "the log"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_a_sentence(cause: Cause, language: str) -> None:
    values = {"message": "m", "exit": "1", "what": "context", "limit": "5", "minutes": "10"}
    values |= {"version": "1.4.0", "port": "git", "trouble": "UNAUTHENTICATED"}
    build = a_build(state=BuildState.FAILED, failure=Failure(cause, BuildStep.IMAGE, values))
    card = build_card(build, environment_titles=(), texts=Texts.of(language))
    said = card.blocks[1]["text"]["text"]
    assert len(said) > 15
    assert "{" not in said
    assert "…" not in said


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.NOT_INVITED])
@pytest.mark.parametrize("port", ["git", "registry", "builder"])
def test_whoever_refused_is_named_with_what_to_do(
    port: str, trouble: Trouble, language: str
) -> None:
    values = {"port": port, "trouble": str(trouble), "message": "denied: no rights"}
    failure = Failure(Cause.REFUSED, BuildStep.PUSH, values)
    build = a_build(state=BuildState.FAILED, failure=failure)
    texts = Texts.of(language)
    shown = [
        block["text"]["text"]
        for block in build_card(build, environment_titles=(), texts=texts).blocks
        if block["type"] == "section"
    ]
    assert "{" not in "".join(shown)
    assert texts(f"trouble.port.{port}").lower() in shown[0].lower() or port == "git"
    assert texts(f"trouble.fix.{trouble}") in shown
    assert "denied: no rights" in shown


def test_who_is_waited_for_is_said_with_how_long(language: str) -> None:
    outage = held_up(None, "registry", "connection refused", NOON)
    build = a_build(state=BuildState.BUILDING, step=BuildStep.PUSH, outage=outage)
    texts = Texts.of(language)
    card = build_card(build, environment_titles=(), texts=texts)
    line = card.blocks[1]["text"]["text"]
    assert texts("trouble.port.registry") in line
    assert f"<!date^{int(NOON.timestamp()) + 300}" in line
    assert "connection refused" in json.dumps(card.blocks)
    over = build.with_(state=BuildState.CANCELLED)
    assert "connection refused" not in str(build_card(over, environment_titles=(), texts=texts))


def test_foreign_words_call_nobody_and_form_nothing() -> None:
    build = a_build(
        ref=HOSTILE,
        state=BuildState.FAILED,
        failure=Failure(Cause.IMAGE, BuildStep.IMAGE, {"message": HOSTILE}),
        tail=(HOSTILE, "x" * 10_000),
    )
    running = a_build(state=BuildState.BUILDING, step=BuildStep.IMAGE, now=HOSTILE * 50)
    for each in (build, running):
        card = build_card(each, environment_titles=(HOSTILE,), texts=Texts.of("en"))
        for block in card.blocks:
            if block["type"] == "rich_text":
                continue  # Slack reads nothing into it
            shown = json.dumps(block)
            assert "<!channel>" not in shown
            assert "<http://x" not in shown
            assert "\\u202e" not in shown
            assert "\\u001b" not in shown


def test_an_unchanged_build_is_an_unchanged_card() -> None:
    build = a_build(state=BuildState.BUILDING, now="Step 1/3 : FROM scratch")
    one = build_card(build, environment_titles=(), texts=Texts.of("en"))
    assert one == build_card(build.with_(revision=9), environment_titles=(), texts=Texts.of("en"))
