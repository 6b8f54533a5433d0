"""`stats`: what was done in the channels comes back as numbers, in the reader's language."""

from datetime import timedelta

from bot.domain.delivery import delivery_of
from bot.domain.rollout import RolloutState
from bot.sandbox.slack.driver import Message, SlackDriver

PRODUCTION = "#production"
PATIENT = 20.0


async def private(slack: SlackDriver, user: str, words: str) -> Message:
    return await slack.message(
        user, where=lambda m: m.ephemeral and words in m.words, timeout=PATIENT
    )


async def remembered(sandbox, make_rollout, name, hours_ago, state, **changes):
    """A rollout of production that is over, as the store would have it."""
    edges = sandbox.dynamo.edges
    ended = edges.clock.now() - timedelta(hours=hours_ago)
    values = {
        "environment": "prod",
        "finished_at": ended,
        "applying_since": ended - timedelta(minutes=5),
        "settled": True,
        **changes,
    }
    await edges.store.add(make_rollout(id=name, state=RolloutState(state), **values))


async def test_the_numbers_of_production_come_with_their_samples_and_definitions(
    sandbox, slack, make_rollout
):
    for number in range(3):
        await remembered(sandbox, make_rollout, f"good{number}", 40 + number, "SUCCEEDED")
    await remembered(sandbox, make_rollout, "bad", 30, "ROLLED_BACK")
    await remembered(sandbox, make_rollout, "other", 20, "SUCCEEDED", service="auth-service")
    await remembered(sandbox, make_rollout, "qa", 10, "FAILED", environment="qa")

    await slack.say("ben", PRODUCTION, "/dynamo stats tasks-service")
    told = await private(slack, "ben", "Delivery of tasks-service → Production, last 30 days")
    assert "From 3 deployments that ended well" in told.words
    assert "*Change-failure rate: 25 %*" in told.words
    assert "1 of 4 deployments" in told.words
    assert "Too few to judge by" in told.words
    assert "*Recovery time of failed deployments: 5 min*" in told.words
    assert "*Lead time for changes: none yet*" in told.words
    assert "There is a record of 2 days only" in told.words

    await slack.say("ana", PRODUCTION, "/dynamo estadísticas --días 90")
    told = await private(slack, "ana", "Entrega de Producción, últimos 90 días")
    assert "De 4 despliegues que terminaron bien" in told.words
    assert "1 de 5 despliegues" in told.words


async def test_a_release_that_waited_for_nobody_counts_by_the_commits_it_brought(
    sandbox, slack, dynamo
):
    await slack.say("ben", "#qa-deploys", "/dynamo deploy tasks-service qa")
    rollout = await dynamo.settled()
    assert rollout.commits is not None
    assert (rollout.commits.unknown, len(rollout.commits.shown) > 0) == ("", True)
    now = sandbox.dynamo.edges.clock.now()
    past = await sandbox.dynamo.edges.store.past("", "qa", now - timedelta(days=1))
    lead = delivery_of(past, now - timedelta(days=1), now)
    assert (lead.lead.sample, lead.changes_of) == (len(rollout.commits.shown), 1)
    assert lead.lead.value is not None


async def test_days_that_are_none_are_refused_with_what_to_type(sandbox, slack):
    for days in ("0", "366", "+3", "99999999999999999999"):
        await slack.say("ben", PRODUCTION, f"/dynamo stats --days {days}")
    await slack.message(
        "ben",
        where=lambda m: (
            "a whole number from 1 to 365: `/dynamo stats --days 30`" in m.words
            or "a whole number from 1 to 365: `stats --days 30`" in m.words
        ),
        timeout=PATIENT,
    )
