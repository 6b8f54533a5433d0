"""`/dynamo deploy`, as people live through it: typed in Slack, carried out on Kubernetes."""

import pytest

from bot.domain.rollout import RolloutState

QA = "#qa-deploys"


def ended(message) -> bool:
    return any(word in message.words for word in ("Succeeded", "Finalizado", "failed", "falló"))


def state(name: str):
    """The card says this state word."""
    return lambda message: message.from_app and not message.ephemeral and name in message.text


async def test_a_typed_line_becomes_a_running_release_in_one_card(slack, world, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    rollout = await dynamo.settled()
    assert rollout.state is RolloutState.SUCCEEDED
    assert (rollout.before.version, rollout.version) == ("1.3.2", "1.4.0")

    cards = [m for m in await slack.messages("ben", QA) if m.from_app]
    assert len(cards) == 1
    card = cards[0]
    assert card.ts == rollout.card.ts
    for said in ("tasks-service → QA · 1.4.0", "1.3.2 →", "sha256:", "qa.yourapp.com", "@"):
        assert said in card.words or said in str(card.body), said
    replies = await slack.messages("ben", QA, thread_ts=card.ts)
    assert len(replies) == 2
    assert "U0BEN00000" in str(replies[1].body)

    running = world.workload("tasks-service", "qa")
    assert (running["version"], running["state"]) == ("1.4.0", "healthy")
    assert running["image"].endswith(rollout.image.digest)


async def test_an_ordinary_rollout_costs_at_most_twelve_slack_calls(slack, dynamo):
    before = len([e for e in await slack.transcript() if e["direction"] == "to_slack"])
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await dynamo.settled()
    calls = [e for e in await slack.transcript() if e["direction"] == "to_slack"][before:]
    assert len(calls) <= 12, [call["method"] for call in calls]


async def test_typed_elsewhere_the_person_gets_a_private_link_to_the_card(slack):
    await slack.say("ben", "#general", "/dynamo deploy tasks-service qa")
    link = await slack.message(
        "ben", channel="#general", where=lambda m: m.ephemeral and m.from_app
    )
    card = await slack.message("ben", channel=QA, where=lambda m: m.from_app)
    assert card.ts.replace(".", "") in str(link.body)
    assert not [m for m in await slack.messages("ana", "#general") if m.from_app]


async def test_a_crashing_release_is_diagnosed_with_its_log_and_what_still_serves(slack, dynamo):
    await slack.say("ben", "#dev-deploys", "/dynamo deploy tasks-service dev 1.5.0")
    rollout = await dynamo.settled()
    assert (rollout.state, rollout.verdict.reason) == (RolloutState.FAILED, "CRASHED")
    card = (await slack.messages("ben", "#dev-deploys"))[-1]
    assert "DATABASE_URL is not set" in card.words
    assert "1.4.0" in card.words
    thread = await slack.messages("ben", "#dev-deploys", thread_ts=card.ts)
    assert "kubectl" in thread[-1].words
    assert rollout.diagnosis.previous


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("bad-tag", "IMAGE_NOT_FOUND"),
        ("denied-pull", "IMAGE_PULL_DENIED"),
        ("out-of-memory", "OOM_KILLED"),
        ("never-ready", "READINESS_PROBE"),
        ("missing-configmap", "CONFIG_MISSING"),
        ("no-capacity", "UNSCHEDULABLE"),
        ("quota", "ADMISSION_DENIED"),
        ("crash-after-ten-seconds", "CRASHED"),
    ],
)
async def test_each_trouble_is_named_on_the_card(slack, world, dynamo, trouble, reason):
    world.set_trouble(trouble, "tasks-service", "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    rollout = await dynamo.settled()
    assert (rollout.state, rollout.verdict.reason) == (RolloutState.FAILED, reason)


async def test_a_typo_is_answered_with_a_button_that_runs_what_was_meant(slack, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-servce qa")
    answer = await slack.message("ben", where=lambda m: m.from_app and "tasks-servce" in m.words)
    assert answer.buttons == ["/dynamo deploy tasks-service qa"]
    await slack.click("ben", answer, answer.buttons[0])
    rollout = await dynamo.settled()
    assert (rollout.service, rollout.state) == ("tasks-service", RolloutState.SUCCEEDED)
    assert rollout.requested_by.id == "U0BEN00000"


async def test_who_may_not_deploy_is_told_who_may_and_nothing_happens(slack, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-service production 1.3.1")
    answer = await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert "S0RELEASERS" in str(answer.body)
    assert "1.3.1 has not run in" in answer.words  # all reasons at once
    assert await dynamo.rollouts() == []


async def test_what_already_runs_needs_nothing_and_makes_no_rollout(slack, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa 1.3.2")
    answer = await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert "nothing to do" in answer.text
    assert await dynamo.rollouts() == []


async def test_a_version_that_the_registry_does_not_have_gets_those_that_it_has(slack):
    await slack.say("ben", "#dev-deploys", "/dynamo deploy tasks-service dev 1.4.O")
    answer = await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert "/dynamo deploy tasks-service dev 1.4.0" in answer.buttons


async def test_the_same_release_twice_is_one_rollout_and_a_link(slack, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message("ana", channel=QA, where=lambda m: m.from_app)
    await slack.say("ana", QA, "/dynamo deploy tasks-service qa 1.4.0")
    answer = await slack.message("ana", where=lambda m: m.ephemeral and m.from_app)
    assert "archives/C0QADEPLOYS" in str(answer.body)
    assert "nada más" in answer.words  # Ana reads Spanish: nothing more was started
    await dynamo.settled()
    assert len(await dynamo.rollouts()) == 1


async def test_cancelling_under_way_goes_back_to_what_ran(slack, world, dynamo):
    world.set_trouble("slow-start", "tasks-service", "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    card = await slack.message("ben", channel=QA, where=lambda m: "1 of 3 updated" in m.words)
    world.clock.pace(0.1)  # it is not done before somebody has pressed
    await slack.click("ben", card, "dyn:cancel")
    world.clock.pace(10)
    rollout = await dynamo.settled()
    assert rollout.state is RolloutState.ROLLED_BACK
    assert world.workload("tasks-service", "qa")["version"] == "1.3.2"


async def test_a_second_release_waits_its_turn_and_says_behind_whom(slack, world, dynamo):
    world.set_trouble("slow-start", "tasks-service", "dev")
    dev = "#dev-deploys"
    await slack.say("ben", dev, "/dynamo deploy tasks-service dev 1.3.1")
    await slack.message("ben", channel=dev, where=lambda m: "1.3.1" in m.words and m.from_app)
    world.clock.pace(0.1)  # the first one is not done before the second is asked for
    await slack.say("ben", dev, "/dynamo deploy tasks-service dev 1.3.2")
    await slack.message(
        "ben", channel=dev, where=lambda m: "waits until 1.3.1" in m.words or "espera" in m.words
    )
    world.clock.pace(10)
    rollout = await dynamo.settled()
    assert (rollout.version, rollout.state) == ("1.3.2", RolloutState.SUCCEEDED)


async def test_a_bot_that_is_not_in_the_channel_says_so_and_touches_nothing(
    slack, world, dynamo, sandbox
):
    sandbox.slack.scopes -= {"chat:write.public"}
    await slack.change_channel("remove", QA)
    await slack.say("ben", "#general", "/dynamo deploy tasks-service qa")
    answer = await slack.message("ben", where=lambda m: "/invite" in m.words)
    assert answer.from_app
    rollout = await dynamo.settled()
    assert rollout.state is RolloutState.REJECTED
    assert world.workload("tasks-service", "qa")["version"] == "1.3.2"


async def test_a_cluster_that_is_away_for_a_minute_delays_a_rollout_and_the_card_says_so(
    slack, world, dynamo
):
    world.set_trouble("slow-start", "tasks-service", "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: "1 of 3 updated" in m.words)
    world.set_trouble("api-away", None, None)
    await slack.message("ben", channel=QA, where=lambda m: "does not answer" in m.words)
    rollout = await dynamo.settled()
    assert rollout.state is RolloutState.SUCCEEDED


async def test_slack_away_delays_the_card_and_not_the_rollout(slack, dynamo):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: m.from_app)
    await slack.fault(method="chat.update", status=500, error="internal_error", times=4)
    rollout = await dynamo.settled()
    assert rollout.state is RolloutState.SUCCEEDED
    card = (await slack.messages("ben", QA))[-1]
    assert "Succeeded" in card.words


async def test_a_redelivered_mention_does_nothing_twice(slack, dynamo):
    await slack.fault(method="events_api", drop=True, after=True, times=1)
    await slack.say("ben", QA, "@dynamo deploy tasks-service qa")
    await slack.advance(5)
    await dynamo.settled()
    assert len(await dynamo.rollouts()) == 1


async def test_status_shows_versions_side_by_side_and_one_workload_with_its_pods(slack):
    await slack.say("ben", QA, "/dynamo status")
    matrix = await slack.message("ben", where=lambda m: m.ephemeral and "api-gateway" in m.words)
    for said in ("2.8.0", "2.7.4", "3–12", "1.3.2"):
        assert said in matrix.words, said
    await slack.say("ben", QA, "/dynamo status tasks-service qa")
    one = await slack.message("ben", where=lambda m: m.ephemeral and "tasks-service-" in m.words)
    assert one.words.count("tasks-service-") >= 3


async def test_a_person_is_answered_in_the_language_of_their_slack(slack):
    await slack.say("ana", QA, "/dynamo ayuda")
    answer = await slack.message("ana", where=lambda m: m.ephemeral and m.from_app)
    assert "entorno" in answer.words


async def test_a_mention_in_a_thread_is_answered_in_that_thread(slack):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    card = await slack.message("ben", channel=QA, where=lambda m: m.from_app)
    await slack.say("ben", QA, "@dynamo status tasks-service qa", thread_ts=card.ts)
    answer = await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert answer.thread_ts == card.ts
    assert "tasks-service" in answer.words
