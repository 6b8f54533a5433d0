"""`/dynamo scale`, as people live through it: numbers, bounds, questions, autoscalers, no room."""

import asyncio

import pytest

from bot.domain.kind import Kind
from bot.domain.rollout import RolloutState
from tests.scenarios.passing import a_moment

DEV, QA, PRODUCTION = "#dev-deploys", "#qa-deploys", "#production"


async def scalings(sandbox):
    found = await sandbox.dynamo.edges.store.recent()
    return [each for each in found if each.kind is Kind.SCALE]


async def settled(sandbox, *, timeout=30.0):
    async with asyncio.timeout(timeout):
        while True:
            found = await scalings(sandbox)
            if found and found[0].settled:
                return found[0]
            await a_moment(sandbox)


async def card_of(slack, who, channel, rollout):
    return await slack.message(who, channel=channel, where=lambda m: m.ts == rollout.card.ts)


def private(words):
    return lambda m: m.ephemeral and m.from_app and words in m.words


def no_room(sandbox):
    """The nodes have next to nothing left: what runs stays, and nothing more finds a place."""
    storage = sandbox.world.storage
    for index in (1, 2, 3):

        def shrink(node):
            node["status"]["allocatable"] = {**node["status"]["allocatable"], "cpu": "300m"}

        storage.update_status("nodes", None, f"node-{index}", shrink)


async def desired(sandbox, namespace="dynamo-qa", name="tasks-service"):
    look = await sandbox.dynamo.edges.cluster.workload("", namespace, name)
    return look.deployment.desired


@pytest.mark.parametrize(
    ("typed", "number"),
    [("scale tasks qa 5", 5), ("escalar tareas qa +2", 5), ("scale tasks qa -1", 2)],
)
async def test_so_many_pods_run_and_are_ready(sandbox, slack, typed, number):
    before = await sandbox.dynamo.edges.cluster.template("", "dynamo-qa", "tasks-service")
    await slack.say("ben", QA, f"/dynamo {typed}")
    done = await settled(sandbox)
    assert done.state is RolloutState.SUCCEEDED
    look = await sandbox.dynamo.edges.cluster.workload("", "dynamo-qa", "tasks-service")
    assert (look.deployment.desired, look.deployment.available) == (number, number)
    after = await sandbox.dynamo.edges.cluster.template("", "dynamo-qa", "tasks-service")
    assert before.fingerprint == after.fingerprint
    card = await card_of(slack, "ben", QA, done)
    assert f"3 → {number} pods in" in card.words
    assert f"{number} of {number} available" in card.words
    thread = await slack.messages("ben", QA, thread_ts=card.ts)
    assert f"has {number} pods" in thread[-1].words


async def test_a_scaling_is_no_release_and_is_in_the_audit_log(sandbox, slack):
    await slack.say("ben", QA, '/dynamo scale tasks qa 4 --reason "load test"')
    done = await settled(sandbox)
    store = sandbox.dynamo.edges.store
    assert not await store.ran_well("tasks-service", "qa", done.image.digest)
    card = await card_of(slack, "ben", QA, done)
    assert "load test" in card.words
    await slack.say("ben", QA, "/dynamo history tasks-service qa")
    shown = await slack.message("ben", where=private("tasks-service"))
    assert "3 → 4" in shown.words or "scale" in shown.words


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("scale tasks qa -9", "may have 1 to 6 pods"),
        ("scale tasks qa 999999999", "may have 1 to 6 pods"),
        ("scale tasks qa 1000000000", "1000000000"),
        ("scale tasks qa many", "many"),
        ("scale tasks qa 10⁹", "10⁹"),
        ("scale tasks qa 3", "has 3 pods already"),
        ("scale tasks qa 0", "may have 1 to 6 pods"),
    ],
)
async def test_a_number_that_cannot_be_gets_a_clear_answer(sandbox, slack, typed, said):
    await slack.say("ben", QA, f"/dynamo {typed}")
    await slack.message("ben", where=private(said))
    assert await scalings(sandbox) == []
    assert await desired(sandbox) == 3


async def test_zero_is_asked_back_anywhere_and_said_plainly(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo scale tasks-service dev 0")
    ask = await slack.message("ben", where=private("Scale tasks-service in Development?"))
    assert "nothing of tasks-service serves" in ask.words
    assert await scalings(sandbox) == []
    await slack.click("ben", ask, ask.buttons[0])
    done = await settled(sandbox)
    assert done.state is RolloutState.SUCCEEDED
    card = await card_of(slack, "ben", DEV, done)
    assert "scaled to zero" in card.words
    assert await desired(sandbox, "dynamo-dev") == 0


async def test_production_asks_and_a_number_that_moved_meanwhile_is_told(sandbox, slack):
    await slack.say("elena", PRODUCTION, "/dynamo scale tasks-service prod +1")
    ask = await slack.message("elena", where=private("¿Escalar tasks-service en Producción?"))
    found = sandbox.world.storage.get("deployments.apps", "dynamo", "tasks-service")
    found["spec"]["replicas"] = 6
    sandbox.world.storage.update("deployments.apps", found, manager="kubectl")
    await slack.click("elena", ask, ask.buttons[0])
    await slack.message("elena", where=private("6 réplicas"))
    assert await scalings(sandbox) == []


async def test_who_may_not_deploy_there_may_not_scale(sandbox, slack):
    await slack.say("ben", PRODUCTION, "/dynamo scale tasks-service prod 5")
    answer = await slack.message("ben", where=private("You may not deploy here"))
    assert "S0RELEASERS" in str(answer.body)
    assert await scalings(sandbox) == []


async def test_an_autoscaler_owns_the_number_and_is_given_other_bounds(sandbox, slack):
    await slack.say("elena", PRODUCTION, "/dynamo scale api-gateway prod 5")
    answer = await slack.message(
        "elena", where=private("Un autoescalador decide sobre api-gateway")
    )
    await slack.click("elena", answer, "Cambiar sus límites")
    view = await slack.view("elena")
    for least, most, said in (
        ("-3", "8", "número entero"),
        ("1", "8", "al menos 2"),
        ("4", "1000000000", "número entero"),
        ("4", "31", "como mucho 30"),
        ("9", "8", "Menor que el mínimo"),
    ):
        told = await slack.submit("elena", view, {"least": least, "most": most})
        assert said in str(told), (least, most, told)
    await slack.submit("elena", view, {"least": "8", "most": "12"})
    done = await settled(sandbox, timeout=60)
    assert done.state is RolloutState.SUCCEEDED
    look = await sandbox.dynamo.edges.cluster.workload("", "dynamo", "api-gateway")
    assert (look.autoscaler.minimum, look.autoscaler.maximum) == (8, 12)
    assert look.deployment.available == look.deployment.desired >= 8
    card = await card_of(slack, "elena", PRODUCTION, done)
    assert "8–12" in card.words


async def test_pods_that_find_no_place_are_explained(sandbox, slack):
    no_room(sandbox)
    await slack.say("ben", QA, "/dynamo scale tasks-service qa 5")
    done = await settled(sandbox, timeout=60)
    assert (done.state, done.verdict.reason) == (RolloutState.FAILED, "UNSCHEDULABLE")
    card = await card_of(slack, "ben", QA, done)
    assert "each pod asks for" in card.words
    assert "short by" in card.words
    assert "Now:" in card.words


async def test_cancelling_goes_back_to_the_number_before(sandbox, slack):
    no_room(sandbox)
    await slack.say("ben", QA, "/dynamo scale tasks-service qa 5")
    card = await slack.message("ben", channel=QA, where=lambda m: "short by" in m.words)
    await slack.click("ben", card, "Cancel")
    done = await settled(sandbox)
    assert done.state is RolloutState.ROLLED_BACK
    assert await desired(sandbox) == 3
    card = await card_of(slack, "ben", QA, done)
    assert "back at 3 pods" in card.words


async def test_somebody_elses_number_overtakes_it(sandbox, slack):
    no_room(sandbox)
    await slack.say("ben", QA, "/dynamo scale tasks-service qa 5")
    await slack.message("ben", channel=QA, where=lambda m: "short by" in m.words)
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    found["spec"]["replicas"] = 4
    sandbox.world.storage.update("deployments.apps", found, manager="kubectl")
    done = await settled(sandbox)
    assert done.state is RolloutState.SUPERSEDED
    assert await desired(sandbox) == 4
