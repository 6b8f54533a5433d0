"""From QA to production, as people live through it: refused, asked for, decided on, let go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import Dynamo
from bot.cards.blocks import actions, button
from bot.cards.card import Card
from bot.domain.audit import Surface
from bot.domain.gate import Gate
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import CONFIG, Options, Sandbox, WorldClock, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.sandbox.slack.seed import BEN, CARLA, ELENA
from tests.scenarios.promoting import (
    PATIENCE,
    PRODUCTION,
    PRODUCTION_ID,
    QA,
    SERVICE,
    Change,
    asked_for,
    audit,
    card,
    catalog,
    private,
    production,
    running,
    until,
)


@pytest.fixture
def changes() -> tuple[Change, ...]:
    """Of the catalog, for the test that says otherwise."""
    return ()


@pytest.fixture
async def sandbox(tmp_path: Path, changes: tuple[Change, ...]) -> AsyncIterator[Sandbox]:
    """`tasks-service` 1.4.0 has been tested in QA; production runs 1.3.2."""
    config = catalog(tmp_path / "dynamo.yml", *changes)
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "carla", "elena")
        yield slack


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Of the service, as its operators edit it."""
    return tmp_path / "k8s" / SERVICE / "deployment.yaml"


@pytest.fixture
async def tested(sandbox: Sandbox, slack: SlackDriver) -> Rollout:
    """It went to QA."""
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} qa")
    return await until(sandbox, lambda r: r.environment == "qa" and r.settled)


# --- the way -------------------------------------------------------------------------------------


async def test_promote_takes_what_runs_healthy_in_the_environment_before(tested, sandbox):
    assert (tested.version, tested.state) == ("1.4.0", RolloutState.SUCCEEDED)
    assert await running(sandbox, "dynamo-qa") == "1.4.0"


async def test_the_whole_way_to_production_takes_three_people(tested, sandbox, slack):
    await slack.say("ben", PRODUCTION, f"/dynamo promote {SERVICE}")
    refusal = await private(slack, "ben", "was not started")
    for reason in ("You may not deploy here", "0 of 1 approvals", "S0RELEASERS"):
        assert reason in refusal.words
    assert await running(sandbox) == "1.3.2"

    await slack.click("ben", refusal, "Ask for approval")
    waiting = await card(slack, "4 commits")
    for said in (
        "0 of 1 approvals",
        "1.3.2 →",
        "4 commits",
        "Carla Ruiz",
        "Nothing else in the Deployment",
        "S0RELEA",
    ):
        assert said in waiting.words
    assert "Deploy to Production" not in waiting.buttons

    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    await until(sandbox, lambda r: r.told is not None and r.told.ts)
    assert "Approved by <@U0ELENA000>" in ready.words
    assert "this digest" in ready.words
    replies = await slack.messages("ben", PRODUCTION, thread_ts=ready.ts)
    assert "S0RELEASERS" in replies[-1].words
    assert await running(sandbox) == "1.3.2", "nothing goes before somebody presses"

    await slack.click("elena", ready, "Deploy to Production")
    done = await until(sandbox, lambda r: r.settled)
    assert (done.state, done.released_by, done.requested_by.id) == (
        RolloutState.SUCCEEDED,
        ELENA,
        BEN,
    )
    assert await running(sandbox) == "1.4.0"
    found = await slack.messages("ben", PRODUCTION)
    cards = [m for m in found if m.from_app and not m.ephemeral]
    assert [m.ts for m in cards] == [waiting.ts], "one card, from the question to the end"
    steps = [(e.actor, e.after["state"]) for e in reversed(await audit(sandbox, "step"))]
    assert (ELENA, "QUEUED") in steps


async def test_the_requesters_own_yes_does_not_count(sandbox, slack, tested):
    await asked_for(slack)
    # Ben becomes a release manager after he has asked.
    group = sandbox.slack.workspace.usergroups["S0RELEASERS"]
    group.users = (*group.users, BEN)
    await slack.advance(11)  # who is in a group is asked again
    waiting = await card(slack, "0 of 1 approvals")
    await slack.click("ben", waiting, "Approve")
    await private(slack, "ben", "does not count")
    shown = await card(slack, "Not counted")
    assert "0 of 1 approvals" in shown.words
    await slack.click("elena", shown, "Approve")
    await card(slack, "Ready")


async def test_rejected_with_a_reason_it_ends_and_who_asked_hears_why(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Reject")
    window = await slack.view("elena")
    await slack.submit("elena", window, {"reason": "<!channel> the migration is missing"})
    rejected = await until(sandbox, lambda r: r.settled)
    assert rejected.state is RolloutState.REJECTED
    shown = await card(slack, "the migration is missing")
    assert "Rejected by <@U0ELENA000>" in shown.words
    assert "<!channel>" not in str(shown.body["blocks"])
    reply = (await slack.messages("ben", PRODUCTION, thread_ts=shown.ts))[-1]
    assert f"<@{BEN}>" in reply.words
    assert "the migration is missing" in reply.words
    assert await running(sandbox) == "1.3.2"
    (entry,) = await audit(sandbox, "reject")
    assert (entry.actor, entry.surface) == (ELENA, Surface.MODAL)


async def test_who_said_no_may_think_again_when_it_is_asked_for_again(tested, sandbox, slack):
    await asked_for(slack)
    await slack.say("elena", PRODUCTION, f'/dynamo reject {SERVICE} prod --reason "wait"')
    first = await until(sandbox, lambda r: r.settled)
    await slack.say("ben", PRODUCTION, f"/dynamo promote {SERVICE} prod")
    refusal = await private(slack, "ben", "Rejected by")
    await slack.click("ben", refusal, "Ask for approval")
    second = await until(sandbox, lambda r: r.id != first.id)
    assert second.state is RolloutState.AWAITING_APPROVAL, "an earlier no does not end it"
    await slack.say("elena", PRODUCTION, f"/dynamo aprobar {SERVICE} producción")
    await until(sandbox, lambda r: r.open_since is not None)


async def test_a_request_that_waits_keeps_no_other_release_from_going(tested, sandbox, slack):
    await asked_for(slack)
    store = sandbox.dynamo.edges.store
    waiting = (await store.active(SERVICE, "prod"))[0]
    other = waiting.with_(
        id="other",
        state=RolloutState.QUEUED,
        image=type(waiting.image)(waiting.image.repository, "1.3.1", "sha256:" + "c" * 64),
    )
    await store.add(other)
    started = await store.start_next(SERVICE, "prod")
    assert started is not None
    assert started.id == "other"


# --- who may, and what a click meets -------------------------------------------------------------


async def test_a_click_by_someone_without_the_role_changes_nothing(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.click("carla", waiting, "Approve")
    answer = await private(slack, "carla", "S0RELEASERS")
    assert "release-managers" in answer.words
    assert await sandbox.dynamo.edges.approvals.of(SERVICE, "prod") == []
    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    await slack.click("carla", ready, "Deploy to Production")
    await private(slack, "carla", "release-managers", after=answer.ts)
    assert (await until(sandbox, lambda r: True)).state is RolloutState.AWAITING_APPROVAL
    async with asyncio.timeout(60):
        while CARLA not in {entry.actor for entry in await audit(sandbox, "refused")}:
            await asyncio.sleep(0.05)


async def test_a_double_click_is_one_approval_and_one_rollout(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await asyncio.gather(*(slack.click("elena", waiting, "Approve") for _ in range(3)))
    ready = await card(slack, "Ready")
    await asyncio.gather(*(slack.click("elena", ready, "Deploy to Production") for _ in range(3)))
    done = await until(sandbox, lambda r: r.settled)
    assert done.state is RolloutState.SUCCEEDED
    assert len(await audit(sandbox, "approve")) == 1
    went = [e for e in await audit(sandbox, "step") if e.after["state"] == "QUEUED"]
    assert len(went) == 1


async def test_a_stale_click_is_answered_with_what_became_of_it(tested, sandbox, slack):
    await asked_for(slack)
    waiting = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    await slack.say("ben", PRODUCTION, f"/dynamo cancel {SERVICE} prod")
    await until(sandbox, lambda r: r.settled)
    for number, action in enumerate(("dyn:approve", "dyn:reject", "dyn:go")):
        value = f"{waiting.id}|{waiting.covers}"
        answer = await pressed(sandbox, slack, f"Stale {number}", action, value)
        assert "ya no espera" in answer.words
    assert (await until(sandbox, lambda r: True)).state is RolloutState.CANCELLED


async def pressed(
    sandbox: Sandbox, slack: SlackDriver, label: str, action: str, value: str
) -> Message:
    """Elena presses a button that says this, as it stood on an older message or on a forged one;
    what she alone is answered."""
    row = actions(button(label, action, value))
    await sandbox.dynamo.edges.messenger.post(PRODUCTION_ID, Card(label, (row,)))
    message = await card(slack, label)
    shown = await slack.messages("elena", PRODUCTION)
    await slack.click("elena", message, label)
    return await private(slack, "elena", "", after=max(m.ts for m in shown))


async def test_forged_values_do_nothing_and_are_answered(tested, sandbox, slack):
    waiting = await asked_for(slack)
    rollout = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    digest = rollout.image.digest
    forged = (
        ("dyn:go", f"{rollout.id}|forged"),
        ("dyn:go", rollout.id),
        ("dyn:go", f"nonsense|{rollout.covers}"),
        ("dyn:approve", f"{rollout.id}|forged"),
        ("dyn:reject", "|"),
        ("dyn:ask", "deploy tasks-service prod"),
        ("dyn:ask", f"{digest}|lock prod"),
        ("dyn:ask", f"{digest}|promote ../../etc prod"),
        ("dyn:ask", f"sha256:{'0' * 64}|promote tasks-service prod"),
        ("dyn:override", f"sha256:{'0' * 64}|promote tasks-service prod"),
    )
    for number, (action, value) in enumerate(forged):
        answer = await pressed(sandbox, slack, f"Forged {number}", action, value)
        assert "dyn:" not in str(answer.body), value
    assert await sandbox.dynamo.edges.approvals.of(SERVICE, "prod") == []
    same = await until(sandbox, lambda r: r.environment == "prod")
    assert (same.id, same.state) == (rollout.id, RolloutState.AWAITING_APPROVAL)
    assert await running(sandbox) == "1.3.2"
    assert waiting.ts


async def test_an_approval_is_void_when_the_manifest_changes(sandbox, slack, tested, manifest):
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    manifest.write_text(manifest.read_text().replace("memory: 384Mi", "memory: 512Mi"))
    await slack.click("elena", ready, "Deploy to Production")
    await private(slack, "elena", "ya no es lo que mostraba")
    shown = await card(slack, "No longer counted")
    assert "512Mi" in shown.words
    assert "0 of 1 approvals" in shown.words
    assert await running(sandbox) == "1.3.2"
    await slack.click("elena", shown, "Approve")
    await card(slack, "Ready")


async def test_another_digest_needs_another_approval(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Approve")
    await card(slack, "Ready")
    first = await until(sandbox, lambda r: True)
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.3.1 --dry-run")
    info = await sandbox.dynamo.edges.images.resolve(first.image.repository, "1.3.1")
    await sandbox.dynamo.edges.store.add(
        tested.with_(
            id="older",
            image=info.image,
            version="1.3.1",
            settled=True,
            state=RolloutState.SUCCEEDED,
            revision=0,
        )
    )
    await slack.say("ben", PRODUCTION, f"/dynamo promote {SERVICE} prod 1.3.1")
    refusal = await private(slack, "ben", "1.3.1 was not started")
    assert "0 of 1 approvals" in refusal.words


async def test_a_tag_that_moved_meanwhile_is_told_and_refused(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    rollout = await until(sandbox, lambda r: r.open_since is not None)
    path = rollout.image.repository.partition("/")[2]
    repository = sandbox.world.registry.repositories[path]
    repository.tags["1.4.0"] = repository.tags["1.3.1"]
    await slack.click("elena", ready, "Deploy to Production")
    answer = await private(slack, "elena", "es ahora otra imagen")
    assert f"promote {SERVICE} prod" in answer.words
    assert await running(sandbox) == "1.3.2"
    assert (await until(sandbox, lambda r: True)).state is RolloutState.AWAITING_APPROVAL


class TestAnApprovalOfTenMinutes:
    @pytest.fixture
    def changes(self) -> tuple[Change, ...]:
        def short(content: dict[str, Any]) -> None:
            production(content)["approvals"]["valid_for"] = "10m"

        return (short,)

    async def test_it_ends_with_its_time_and_the_button_goes_with_it(self, tested, sandbox, slack):
        waiting = await asked_for(slack)
        await slack.click("elena", waiting, "Approve")
        await card(slack, "Ready")
        await slack.advance(601)
        shown = await card(slack, "Its time is over")
        assert "Deploy to Production" not in shown.buttons
        await slack.click("elena", shown, "Approve")
        await card(slack, "Ready")


async def test_who_may_deploy_there_asks_by_promoting(tested, sandbox, slack):
    group = sandbox.slack.workspace.usergroups["S0RELEASERS"]
    group.users = (*group.users, CARLA)
    await slack.advance(11)  # who is in a group is asked again
    await slack.say("elena", PRODUCTION, f"/dynamo promover {SERVICE} producción")
    waiting = await card(slack, "0 of 1 approvals")
    await slack.click("carla", waiting, "Approve")
    ready = await card(slack, "Ready")
    await slack.click("elena", ready, "Deploy to Production")
    done = await until(sandbox, lambda r: r.settled)
    assert (done.state, done.requested_by.id) == (RolloutState.SUCCEEDED, ELENA)


async def tick(slack: SlackDriver, person: str, checklist: Message, item: str) -> None:
    """The buttons of all items say the same: this one is told by what it carries."""
    rows = [block for block in checklist.blocks if f"|{item}" in str(block)]
    one = Message({**checklist.body, "blocks": rows})
    await slack.click(person, one, "dyn:tick")


class TestTheSampleAsItIs:
    """With the checks of the commit and the checklist in the way as well: five people."""

    @pytest.fixture
    def changes(self) -> tuple[Change, ...]:
        def as_it_is(content: dict[str, Any]) -> None:
            sample = yaml.safe_load(CONFIG.read_text())["environments"]
            for environment, other in zip(content["environments"], sample, strict=True):
                environment["requires"] = other.get("requires", [])

        return (as_it_is,)

    async def test_production_opens_when_checklist_and_approval_are_there(
        self, tested, sandbox, slack
    ):
        await slack.watch("dan", "farid")
        waiting = await asked_for(slack)
        assert "Checklist 1 of 5" in waiting.words
        await slack.click("elena", waiting, "Approve")
        approved = await card(slack, "Approved by")
        assert "Deploy to Production" not in approved.buttons, "the checklist is open"
        await slack.click("ben", approved, "Open the checklist")
        items = ("performance", "manual-qa", "security-review", "documentation")
        people = ("carla", "carla", "dan", "farid")
        for count, (person, item) in enumerate(zip(people, items, strict=True), start=1):
            heading = f"ready for Production? {count} of 5"
            checklist = await slack.message(
                person,
                channel=PRODUCTION,
                where=lambda m, h=heading: h in m.words,
                timeout=PATIENCE,
            )
            await tick(slack, person, checklist, item)
        ready = await card(slack, "Ready")
        await slack.click("elena", ready, "Deploy to Production")
        done = await until(sandbox, lambda r: r.settled)
        assert done.state is RolloutState.SUCCEEDED
        assert await running(sandbox) == "1.4.0"


# --- small teams, and environments that go by themselves ----------------------------------------


class TestATeamOfOne:
    @pytest.fixture
    def changes(self) -> tuple[Change, ...]:
        def small(content: dict[str, Any]) -> None:
            production(content)["approvals"]["small_team"] = True

        return (small,)

    async def test_the_requesters_own_yes_counts_and_is_said_to(self, tested, sandbox, slack):
        await slack.say("elena", PRODUCTION, f"/dynamo promote {SERVICE} prod")
        waiting = await card(slack, "0 of 1 approvals")
        await slack.click("elena", waiting, "Approve")
        ready = await card(slack, "Ready")
        assert "who asked for it: nobody else has the role" in ready.words
        (entry,) = await audit(sandbox, "approve")
        assert entry.after["alone"] is True


async def test_without_it_a_team_of_one_cannot_ask_itself(tested, sandbox, slack):
    await slack.say("elena", PRODUCTION, f"/dynamo promote {SERVICE} prod")
    refusal = await private(slack, "elena", "0 de 1 aprobaciones")
    assert "small_team" in refusal.words
    assert "dyn:ask" not in str(refusal.body)


class TestGoingByItself:
    @pytest.fixture
    def changes(self) -> tuple[Change, ...]:
        def auto(content: dict[str, Any]) -> None:
            production(content).update(auto=True, confirm=False)
            production(content)["deploy"].append("developers")
            production(content)["approvals"]["roles"] = ["qa"]

        return (auto,)

    async def test_it_goes_when_the_last_gate_opens(self, tested, sandbox, slack):
        await slack.say("ben", PRODUCTION, f"/dynamo promote {SERVICE} prod")
        waiting = await card(slack, "goes by itself")
        await slack.click("carla", waiting, "Approve")
        done = await until(sandbox, lambda r: r.settled)
        assert (done.state, done.released_by) == (RolloutState.SUCCEEDED, "")


async def test_a_lock_closes_what_was_open_and_its_end_opens_it_again(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Approve")
    await card(slack, "Ready")
    await slack.say("elena", PRODUCTION, '/dynamo lock prod --for 5m --reason "load test"')
    locked = await slack.message(
        "ben", channel=PRODUCTION, where=lambda m: m.ts == waiting.ts and "load test" in m.words
    )
    assert "Deploy to Production" not in locked.buttons
    await slack.advance(301)
    again = await until(sandbox, lambda r: r.openings == 2 and r.told is not None and r.told.ts)
    replies = await slack.messages("ben", PRODUCTION, thread_ts=again.card.ts)
    assert len(replies) == 3, "each opening is told once"


# --- break-glass ---------------------------------------------------------------------------------


async def test_an_override_is_confirmed_announced_and_marked_for_ever(tested, sandbox, slack):
    line = f'/dynamo promote {SERVICE} prod --override "users cannot log in <!channel>"'
    await slack.say("elena", PRODUCTION, line)
    question = await private(slack, "elena", "Todavía no se ha hecho nada")
    assert "1.3.2" in question.words
    assert "4 pods" in question.words
    assert await running(sandbox) == "1.3.2"
    assert len(await sandbox.dynamo.edges.store.recent()) == 1, "a question starts nothing"

    await slack.click("elena", question, "dyn:override")
    done = await until(sandbox, lambda r: r.settled and r.environment == "prod")
    assert done.state is RolloutState.SUCCEEDED
    assert done.override is not None
    assert {gate.gate for gate in done.override.gates} == {Gate.APPROVALS}
    shown = await slack.message("ben", where=lambda m: m.ts == done.card.ts)
    told = await slack.message(
        "ben",
        channel=PRODUCTION,
        where=lambda m: m.from_app and m.ts != done.card.ts and "Break-glass" in m.words,
    )
    for said in (f"<@{ELENA}>", "users cannot log in", "0 of 1 approvals"):
        assert said in shown.words
        assert said in told.words
    assert "S0RELEASERS" in told.words
    assert told.thread_ts is None, "in the channel, where everybody sees it"
    assert "<!channel>" not in str(shown.body["blocks"])
    (request,) = await audit(sandbox, "request")
    assert request.after["override"]["reason"].startswith("users cannot log in")


async def test_who_may_not_break_glass_is_told_who_may(tested, sandbox, slack):
    await slack.say("ben", PRODUCTION, f'/dynamo promote {SERVICE} prod --override "now"')
    answer = await private(slack, "ben", "You may not override here")
    assert "dyn:override" not in str(answer.body)
    assert await running(sandbox) == "1.3.2"


async def test_an_override_lets_go_what_waits_for_approval(tested, sandbox, slack):
    waiting = await asked_for(slack)
    await slack.say("elena", PRODUCTION, f'/dynamo promote {SERVICE} prod --override "now"')
    question = await private(slack, "elena", "Todavía no se ha hecho nada")
    await slack.click("elena", question, "dyn:override")
    done = await until(sandbox, lambda r: r.settled)
    assert done.card.ts == waiting.ts, "the same card"
    assert (done.state, done.requested_by.id) == (RolloutState.SUCCEEDED, BEN)
    assert done.override is not None
    assert done.override.by == ELENA
    assert done.announced is not None
    assert done.announced.ts not in ("", waiting.ts), "a message of its own: an edit calls nobody"


async def test_a_reason_of_ten_thousand_characters_is_refused(tested, sandbox, slack):
    await slack.say(
        "elena", PRODUCTION, f'/dynamo promote {SERVICE} prod --override "{"x" * 10_000}"'
    )
    await private(slack, "elena", "300 caracteres")
    await asked_for(slack)
    await slack.say("elena", PRODUCTION, f'/dynamo reject {SERVICE} prod --reason "{"x" * 9_000}"')
    await private(slack, "elena", "ese tiene 9000")
    assert (await until(sandbox, lambda r: True)).state is RolloutState.AWAITING_APPROVAL


# --- where there is nothing to promote -----------------------------------------------------------


async def test_of_two_steps_it_asks_which_and_never_guesses(tested, sandbox, slack):
    await slack.say("ben", "#dev-deploys", f"/dynamo deploy {SERVICE} dev 1.3.1")
    await until(sandbox, lambda r: r.environment == "dev" and r.settled)
    await slack.say("ben", QA, f"/dynamo promover {SERVICE}")
    question = await private(slack, "ben", "Which one?")
    assert question.buttons == [
        f"/dynamo promote {SERVICE} qa",
        f"/dynamo promote {SERVICE} prod",
    ]


async def test_what_is_not_healthy_is_not_promoted(sandbox, slack):
    sandbox.world.set_trouble("never-ready", SERVICE, "qa")
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa")
    await until(sandbox, lambda r: r.state is RolloutState.PROGRESSING)
    await slack.message("ben", channel=QA, where=lambda m: "1 of 3 updated" in m.words)
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} prod")
    await private(slack, "ben", "is not healthy in QA")


async def test_an_environment_is_not_skipped_and_the_one_that_comes_next_is_said(sandbox, slack):
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} prod 1.4.0")
    refusal = await private(slack, "ben", "1.4.0 has not run in qa yet")
    assert "Deploy to qa first" in refusal.buttons
    assert "dyn:ask" not in str(refusal.body)


async def test_the_first_environment_is_deployed_to(sandbox, slack):
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} dev")
    await private(slack, "ben", "is where releases begin")


async def test_approving_what_nobody_asked_for_says_how_to_ask(sandbox, slack):
    await slack.say("elena", PRODUCTION, f"/dynamo approve {SERVICE} prod")
    await private(slack, "elena", f"promote {SERVICE} prod")


async def test_whoami_tells_roles_their_reasons_and_what_follows(sandbox, slack):
    await slack.say("elena", QA, "/dynamo whoami")
    answer = await private(slack, "elena", "Responsables de versiones")
    assert "por tu propio id" in answer.words
    assert "S0RELEASERS" in answer.words
    await slack.say("carla", QA, "/dynamo whoami")
    answer = await private(slack, "carla", "Calidad")
    assert "➖ desplegar" in answer.words


# --- the queue -----------------------------------------------------------------------------------


async def test_in_the_queue_each_sees_its_place_behind_whom_and_can_leave(sandbox, slack):
    dev = "#dev-deploys"
    sandbox.world.set_trouble("slow-start", SERVICE, "dev")
    for version in ("1.3.1", "1.3.2", "1.5.0"):
        await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev {version}")
        await slack.message(
            "ben", channel=dev, where=lambda m, v=version: m.from_app and f"· {v}" in m.words
        )
    last = await slack.message("ben", channel=dev, where=lambda m: "number 2 in line" in m.words)
    assert f"waits until 1.3.1 by <@{BEN}>" in last.words
    middle = await slack.message("ben", channel=dev, where=lambda m: "number 1 in line" in m.words)
    await slack.click("ben", middle, "dyn:cancel")
    await slack.message(
        "ben",
        channel=dev,
        where=lambda m: m.ts == last.ts and "number 1 in line" in m.words,
    )


async def test_at_its_turn_all_gates_are_asked_again(sandbox, slack):
    dev = "#dev-deploys"
    sandbox.world.set_trouble("slow-start", SERVICE, "dev")
    await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev 1.3.1")
    await slack.message("ben", channel=dev, where=lambda m: "updated" in m.words)
    sandbox.clock.pace(0.1)  # the first one is not done before the others have asked
    await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev 1.3.2")
    queued = await slack.message("ben", channel=dev, where=lambda m: "number 1 in line" in m.words)
    await slack.say("ana", dev, '/dynamo lock dev --reason "load test"')
    await slack.message("ana", channel=dev, where=lambda m: m.from_app and "load test" in m.words)
    sandbox.clock.pace(10)
    refused = await slack.message(
        "ben",
        channel=dev,
        where=lambda m: m.ts == queued.ts and "was not started" in m.words,
        timeout=40,
    )
    assert "load test" in refused.words
    assert await running(sandbox, "dynamo-dev") == "1.3.1"


async def test_a_request_outlives_the_process_that_took_it(tested, sandbox, slack):
    """It waits through a restart, hears of what was decided meanwhile, and is told of once."""
    waiting = await asked_for(slack)
    rollout = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    first = sandbox.dynamo
    await slack.click("elena", waiting, "Approve")
    ready = await until(sandbox, lambda r: r.told is not None and r.told.ts)
    await sandbox.dynamo.stop()

    sandbox.bot = await Dynamo.start(sandbox.settings, clock=WorldClock(sandbox.clock))
    assert sandbox.dynamo is not first
    shown = await card(slack, "Ready")
    await slack.click("elena", shown, "Deploy to Production")
    done = await until(sandbox, lambda r: r.settled)
    assert (done.id, done.state) == (rollout.id, RolloutState.SUCCEEDED)
    assert done.told == ready.told
    replies = await slack.messages("ben", PRODUCTION, thread_ts=waiting.ts)
    told = [m for m in replies if "every gate is open" in m.words]
    assert len(told) == 1
    await sandbox.dynamo.stop()


async def test_an_edit_that_slack_did_not_take_is_made_again_though_nothing_changes(
    tested, sandbox, slack
):
    waiting = await asked_for(slack)
    await slack.fault(method="chat.update", status=500, error="internal_error", times=3)
    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    assert "Deploy to Production" in ready.buttons
