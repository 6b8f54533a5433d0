"""In the thread of a rollout's card, where Slack allows no slash command, a mention is enough."""

from bot.domain.rollout import RolloutState
from tests.scenarios.promoting import SERVICE, running, until

QA = "#qa-deploys"


async def card_of(sandbox, slack):
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa")
    await until(sandbox, lambda r: r.settled)
    return await slack.message(
        "ben", channel=QA, where=lambda m: m.from_app and f"{SERVICE} → QA" in m.words
    )


async def told(slack, user, said, after):
    return await slack.message(
        user,
        where=lambda m: m.from_app and m.thread_ts == after.ts and said in m.words,
        timeout=60,
    )


async def test_the_thread_says_which_service_and_environment_is_meant(sandbox, slack):
    card = await card_of(sandbox, slack)
    await slack.say("ben", QA, "@dynamo status", thread_ts=card.ts)
    shown = await told(slack, "ben", "tasks-service-", card)
    assert "forms-service" not in shown.words
    await slack.say("ana", QA, "@dynamo registros", thread_ts=card.ts)
    await told(slack, "ana", f"logs {SERVICE} qa", card)

    await slack.say("ben", QA, "@dynamo status prod", thread_ts=card.ts)
    everything = await told(slack, "ben", "forms-service", card)
    assert "Production" in everything.words


async def test_a_rollback_in_the_thread_goes_back_where_the_thread_is(sandbox, slack):
    card = await card_of(sandbox, slack)
    await slack.say("ben", QA, "@dynamo rollback", thread_ts=card.ts)
    question = await told(slack, "ben", "1.3.2", card)
    await slack.click("ben", question, "dyn:rollback")
    back = await until(sandbox, lambda r: r.kind == "ROLLBACK" and r.settled)
    assert (back.environment, back.state) == ("qa", RolloutState.SUCCEEDED)
    assert await running(sandbox, "dynamo-qa") != "1.4.0"


async def test_in_another_thread_nothing_is_guessed(sandbox, slack):
    said = await slack.say("ben", QA, "what about the release?")
    parent = await slack.message("ben", channel=QA, where=lambda m: m.ts == said["ts"])
    await slack.say("ben", QA, "@dynamo logs", thread_ts=parent.ts)
    await told(slack, "ben", "That still needs", parent)
