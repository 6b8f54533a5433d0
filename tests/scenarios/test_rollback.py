"""`/dynamo rollback` and its buttons, as people live through it."""

import asyncio

from bot.domain.audit import DYNAMO, Surface
from bot.domain.kind import Kind
from bot.domain.rollout import Actor, RolloutState
from bot.workflows.edges import Place
from bot.workflows.operating import Closed
from bot.workflows.rollback import request_rollback
from bot.workflows.rollout import Request, Started
from tests.scenarios.passing import a_moment

DEV, QA, PRODUCTION = "#dev-deploys", "#qa-deploys", "#production"


async def settled(sandbox, *, of=Kind.ROLLBACK, timeout=30.0):
    """The newest rollout of this kind, once Slack has confirmed its end."""
    async with asyncio.timeout(timeout):
        while True:
            found = [each for each in await recent(sandbox) if each.kind is of]
            if found and found[0].settled:
                return found[0]
            await a_moment(sandbox)


async def recent(sandbox):
    return await sandbox.dynamo.edges.store.recent()


async def deployed(sandbox, slack, who, channel, line):
    """Type it, and wait for its end."""
    before = len(await recent(sandbox))
    await slack.say(who, channel, line)
    async with asyncio.timeout(30):
        while len(await recent(sandbox)) == before or not (await recent(sandbox))[0].settled:
            await a_moment(sandbox)
    return (await recent(sandbox))[0]


async def card_of(slack, who, channel, rollout):
    return await slack.message(who, channel=channel, where=lambda m: m.ts == rollout.card.ts)


async def workload(sandbox, namespace="dynamo-qa"):
    return await sandbox.dynamo.edges.cluster.workload("", namespace, "tasks-service")


def private(words):
    return lambda m: m.ephemeral and m.from_app and words in m.words


async def test_a_failed_release_goes_back_to_what_ran_well_by_the_button_on_its_card(
    sandbox, slack
):
    failed = await deployed(sandbox, slack, "ben", DEV, "/dynamo deploy tasks-service dev 1.5.0")
    assert failed.state is RolloutState.FAILED
    card = await card_of(slack, "ben", DEV, failed)
    assert "Roll back to 1.4.0" in card.buttons
    await slack.click("ben", card, "Roll back to 1.4.0")

    back = await settled(sandbox)
    assert (back.state, back.version) == (RolloutState.SUCCEEDED, "1.4.0")
    assert back.template_kept, "the template was kept before the deploy"
    found = (await workload(sandbox, "dynamo-dev")).deployment
    assert (found.version, found.updated, found.available) == ("1.4.0", 1, 1)

    card = await card_of(slack, "ben", DEV, back)
    for said in ("rolled back to 1.4.0", "Comes back", "migrations", "Locked", "unlock"):
        assert said in card.words, said
    locks = await sandbox.dynamo.edges.locks.all("dev")
    assert [(lock.service, lock.owner) for lock in locks] == [("tasks-service", DYNAMO)]


async def test_all_of_the_template_comes_back_and_not_the_image_alone(sandbox, slack):
    """The variables and limits that ran well are those that run again, also what nobody's manifest
    holds."""
    cluster = sandbox.dynamo.edges.cluster
    before = await cluster.template("", "dynamo-qa", "tasks-service")
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    container = found["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [*container.get("env", []), {"name": "TRIED", "value": "by hand"}]
    sandbox.world.storage.update("deployments.apps", found, manager="kubectl-edit")

    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
    back = await settled(sandbox)
    assert (back.state, back.version) == (RolloutState.SUCCEEDED, "1.3.2")
    after = await cluster.template("", "dynamo-qa", "tasks-service")
    assert after.fingerprint == before.fingerprint


async def test_the_next_rollback_goes_further_back_and_never_to_what_was_left(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")  # 1.3.2 → 1.4.0
    await deployed(sandbox, slack, "ben", QA, "/dynamo rollback tasks-service qa")
    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
    answer = await slack.message("ben", where=private("Nothing else"))
    assert "1.3.2" not in answer.words
    assert (await workload(sandbox)).deployment.version == "1.3.2"


async def test_the_place_stays_locked_until_somebody_lifts_it(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    back = await deployed(sandbox, slack, "ben", QA, "/dynamo rollback tasks-service qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa 1.4.0")
    refusal = await slack.message("ben", where=private("locked"))
    assert "after a rollback" in refusal.words
    card = await card_of(slack, "ben", QA, back)
    await slack.click("ben", card, "Lift the lock")
    await slack.message("ana", channel=QA, where=lambda m: "lifted the lock" in m.words)
    assert await sandbox.dynamo.edges.locks.all("qa") == []


async def test_it_needs_neither_approval_nor_checklist_and_production_asks_once_more(
    sandbox, slack
):
    """The sample's production wants CI, a checklist and an approval of a deploy."""
    place = _place(sandbox, "prod")
    good = await workload(sandbox, "dynamo")
    await _ran_once(sandbox, place, good.deployment)
    await slack.say("elena", PRODUCTION, "/dynamo revertir tasks-service producción")
    ask = await slack.message("elena", where=private("¿Volver atrás tasks-service en Producción?"))
    assert len(await recent(sandbox)) == 2, "nothing was started"
    await slack.click("elena", ask, ask.buttons[0])
    back = await settled(sandbox)
    assert (back.state, back.version) == (RolloutState.SUCCEEDED, "1.3.1")
    assert not back.template_kept, "no snapshot: the image alone"
    card = await card_of(slack, "elena", PRODUCTION, back)
    assert "the image of 1.3.1 alone" in card.words
    assert (await workload(sandbox, "dynamo")).deployment.version == "1.3.1"


async def test_who_may_not_deploy_there_may_not_roll_back(sandbox, slack):
    place = _place(sandbox, "prod")
    await _ran_once(sandbox, place, (await workload(sandbox, "dynamo")).deployment)
    await slack.say("ben", PRODUCTION, "/dynamo rollback tasks-service prod")
    answer = await slack.message("ben", where=private("You may not deploy here"))
    assert "S0RELEASERS" in str(answer.body)
    assert len(await recent(sandbox)) == 2


async def test_a_target_whose_image_is_gone_is_refused_and_nothing_is_touched(sandbox, slack):
    place = _place(sandbox, "qa")
    await _ran_once(sandbox, place, (await workload(sandbox)).deployment)
    repository = sandbox.world.registry.repository("dynamo/tasks-service")
    digest = sandbox.world.digests["tasks-service", "1.3.1"]
    repository.manifests.pop(digest)
    generation = (await workload(sandbox)).deployment.generation
    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
    answer = await slack.message("ben", where=private("no longer in the registry"))
    assert "1.3.1" in answer.words
    assert (await workload(sandbox)).deployment.generation == generation
    assert await sandbox.dynamo.edges.locks.all("qa") == []


async def test_what_changed_beside_the_template_is_named(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    storage = sandbox.world.storage
    config = storage.get("configmaps", "dynamo-qa", "tasks-service-config")
    config["data"]["LOG_LEVEL"] = "changed"
    storage.update("configmaps", config, manager="kubectl-edit")
    back = await deployed(sandbox, slack, "ben", QA, "/dynamo rollback tasks-service qa")
    assert back.stays == ("ConfigMap tasks-service-config",)
    card = await card_of(slack, "ben", QA, back)
    assert "Does not come back" in card.words
    assert "ConfigMap tasks-service-config" in card.words


async def test_a_rollback_that_fails_stops_and_says_so(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    sandbox.world.set_trouble("crash-after-ten-seconds", "tasks-service", "qa")
    sandbox.world.set_trouble("never-ready", "tasks-service", "qa")
    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
    back = await settled(sandbox, timeout=60)
    assert back.state is RolloutState.FAILED
    card = await card_of(slack, "ben", QA, back)
    assert "Now it stops" in card.words
    assert not [label for label in card.buttons if "Roll back" in label]
    assert len(await recent(sandbox)) == 2, "nothing else was begun"


async def test_its_authors_are_told_in_the_thread(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    back = await deployed(sandbox, slack, "ben", QA, "/dynamo rollback tasks-service qa")
    thread = await slack.messages("ben", QA, thread_ts=back.card.ts)
    names = {commit.author for commit in back.commits.shown}
    assert names
    assert all(name in thread[-1].words for name in names)


async def test_a_button_of_a_release_that_no_longer_runs_does_nothing(sandbox, slack):
    failed = await deployed(sandbox, slack, "ben", DEV, "/dynamo deploy tasks-service dev 1.5.0")
    card = await card_of(slack, "ben", DEV, failed)
    await slack.click("ben", card, "Roll back to 1.4.0")
    await settled(sandbox)
    await slack.click("ben", card, "Roll back to 1.4.0")
    await slack.message("ben", where=private("does not run in"))
    assert len(await recent(sandbox)) == 2


async def test_a_version_that_did_not_run_well_here_is_no_rollback(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    await slack.say("ben", QA, "/dynamo rollback tasks-service qa 1.5.0")
    answer = await slack.message("ben", where=private("is not known to have run well"))
    assert "1.3.2" in answer.words


async def test_while_a_release_rolls_out_its_cancel_is_the_way_back(sandbox, slack):
    sandbox.world.set_trouble("never-ready", "tasks-service", "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: "In progress" in m.words)
    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
    await slack.message("ben", where=private("Cancel it there"))


async def test_the_bot_itself_rolls_back_only_where_the_environment_lets_it(sandbox, slack):
    await deployed(sandbox, slack, "ben", QA, "/dynamo deploy tasks-service qa")
    place = _place(sandbox, "qa")
    request = Request(
        place=place,
        version=None,
        actor=Actor(DYNAMO),
        asked_in="",
        line="rollback tasks-service qa",
        surface=Surface.ENGINE,
        reason="errors",
        confirmed=True,
    )
    edges = sandbox.dynamo.edges
    answer = await request_rollback(request, edges)
    assert isinstance(answer, Closed)
    assert [gate.code for gate in answer.gates if not gate.ok] == ["ACTS_NOT_BY_ITSELF"]

    lets = _letting(place)
    answer = await request_rollback(_for(request, lets), edges)
    assert isinstance(answer, Started)
    sandbox.dynamo.engine.wake(answer.rollout)
    back = await settled(sandbox)
    assert back.state is RolloutState.SUCCEEDED
    card = await card_of(slack, "ben", QA, back)
    assert "asked for by Dynamo" in card.words


# --- what the stories begin with -----------------------------------------------------------------


def _place(sandbox, environment):
    catalog = sandbox.dynamo.edges.catalog
    return Place(catalog.service("tasks-service"), catalog.environment(environment))


def _letting(place):
    from dataclasses import replace

    from config.catalog import OnRegression

    environment = replace(place.environment, on_regression=OnRegression.ROLLBACK)
    return Place(place.service, environment)


def _for(request, place):
    from dataclasses import replace

    return replace(request, place=place)


async def _ran_once(sandbox, place, runs):
    """The store knows that 1.3.1 ran well here, and that what runs now came after it: as after
    months of deploys, without their snapshots."""
    from datetime import timedelta

    from bot.domain.image import Image
    from bot.domain.rollout import CardRef, Rollout

    edges = sandbox.dynamo.edges
    image = Image.parse(runs.images["tasks-service"])
    digest = sandbox.world.digests["tasks-service", "1.3.1"]
    now = edges.clock.now()
    for index, (version, of) in enumerate((("1.3.1", digest), (runs.version, image.digest))):
        when = now - timedelta(days=10 - index)
        await edges.store.add(
            Rollout(
                id=f"old{index}",
                service=place.service.name,
                environment=place.environment.name,
                namespace=place.namespace,
                context="",
                image=Image(place.service.image, version, of),
                version=version,
                requested_by=Actor("U0ELENA000"),
                requested_at=when,
                line=f"deploy tasks-service {place.environment.name} {version}",
                card=CardRef(place.environment.channel.id, ts=f"1.{index}"),
                state=RolloutState.SUCCEEDED,
                before_generation=1,
                finished_at=when,
                settled=True,
            )
        )
