"""The Home tab, as its readers see it: what waits for them, and how it follows what happens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver, View
from tests.scenarios.promoting import SERVICE, asked_for, catalog, running, until

QA = "#qa-deploys"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    config = catalog(tmp_path / "dynamo.yml")
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "carla", "elena")
        yield slack


async def home(slack: SlackDriver, user: str, said: str) -> View:
    return await slack.home(user, where=lambda v: said in v.words, timeout=60)


async def ready_for_production(sandbox: Sandbox, slack: SlackDriver) -> None:
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} qa")
    await until(sandbox, lambda r: r.environment == "qa" and r.settled)


async def published(slack: SlackDriver) -> int:
    return len(await slack.calls("views.publish"))


async def test_home_is_in_the_readers_language_and_shows_every_environment(slack):
    await slack.open_home("ben")
    english = await home(slack, "ben", "Waiting for you")
    for said in ("Nothing waits for you", "Nothing is under way", "Nothing is locked", "QA"):
        assert said in english.words
    await slack.open_home("ana")
    spanish = await home(slack, "ana", "Te espera")
    assert "No hay nada en curso" in spanish.words


async def test_an_approval_waits_for_who_may_give_it_and_is_given_there(sandbox, slack):
    await ready_for_production(sandbox, slack)
    await asked_for(slack)

    await slack.open_home("ben")
    theirs = await home(slack, "ben", "Waiting for you")
    assert "Nothing waits for you" in theirs.words, "his own yes does not count"
    assert SERVICE in theirs.words, "but his request is under way"

    await slack.open_home("elena")
    asked = await slack.home("elena", where=lambda v: "Aprobar" in v.buttons, timeout=60)
    assert "Desplegar en Producción" not in " ".join(asked.buttons)
    await slack.click("elena", asked, "Aprobar")
    opened = await slack.home(
        "elena", where=lambda v: "Desplegar" in " ".join(v.buttons), timeout=60
    )
    assert "Aprobar" not in opened.buttons
    go = next(each for each in opened.buttons if each.startswith("Desplegar"))
    await slack.click("elena", opened, go)
    await until(sandbox, lambda r: r.environment == "prod" and r.settled)
    assert await running(sandbox) == "1.4.0"
    await home(slack, "elena", "No te espera nada")
    await home(slack, "elena", "No hay nada en curso")


async def test_an_open_home_follows_what_others_do_and_is_silent_while_nothing_happens(
    sandbox, slack
):
    await slack.open_home("ben")
    await home(slack, "ben", "Nothing is locked")
    before = await published(slack)
    await slack.advance(120)
    await slack.say("ben", QA, "/dynamo whoami")
    await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert await published(slack) == before, "nothing has changed"

    await slack.say("carla", QA, '/dynamo lock qa --reason "load test"')
    shown = await home(slack, "ben", "load test")
    assert "Unlock QA" not in shown.buttons, "it is not his"


async def test_who_opened_it_long_ago_costs_nothing(sandbox, slack):
    await slack.open_home("ben")
    await home(slack, "ben", "Nothing is locked")
    await slack.advance(11 * 60)
    await slack.open_home("elena")  # the same look that finds Ben's tab too old
    await home(slack, "elena", "Te espera")
    before = [c for c in await slack.calls("views.publish") if "U0BEN00000" in str(c)]
    await slack.say("elena", QA, '/dynamo lock qa --reason "load test"')
    await home(slack, "elena", "load test")
    after = [c for c in await slack.calls("views.publish") if "U0BEN00000" in str(c)]
    assert len(after) == len(before)


async def test_the_items_of_a_checklist_wait_for_whose_role_ticks_them(sandbox, slack):
    await slack.say("ben", "#general", f"/dynamo checklist {SERVICE} 1.4.0")
    await slack.message("ben", where=lambda m: m.from_app and m.ephemeral)
    await slack.open_home("carla")
    mine = await home(slack, "carla", f"La lista de {SERVICE} 1.4.0 te necesita")
    assert "Abrir la lista" in mine.buttons
    items = sandbox.dynamo.edges.catalog.checklist
    for item in items:
        assert (item.text.es in mine.words) == (item.role == "qa")
    await slack.open_home("ben")
    await home(slack, "ben", "Nothing waits for you")


async def test_a_chosen_language_is_that_of_home_and_of_private_answers_not_of_the_channel(
    sandbox, slack
):
    await slack.open_home("ben")
    english = await home(slack, "ben", "Waiting for you")
    await slack.choose("ben", english, "dyn:language", "Español")
    spanish = await home(slack, "ben", "No te espera nada")
    await slack.say("ben", QA, "/dynamo whoami")
    await slack.message("ben", where=lambda m: m.ephemeral and "como elegiste" in m.words)
    await slack.say("ben", QA, "/dynamo bloquear qa --motivo prueba")
    told = await slack.message("carla", channel=QA, where=lambda m: "prueba" in m.words)
    assert "until it is lifted" in told.words, "the channel keeps its own"
    spanish = await home(slack, "ben", "prueba")
    await slack.choose("ben", spanish, "dyn:language", "Como en Slack (English)")
    await home(slack, "ben", "Nothing waits for you")


async def test_several_readers_share_one_look_at_the_clusters(sandbox, slack):
    reading = 0
    workloads = sandbox.dynamo.cluster.workloads

    async def counted(*place):
        nonlocal reading
        reading += 1
        return await workloads(*place)

    sandbox.dynamo.cluster.workloads = counted
    for user in ("ben", "carla", "elena"):
        await slack.open_home(user)
        await slack.home(user, where=lambda v: "api-gateway" in v.words, timeout=30)
    environments = len(sandbox.dynamo.edges.catalog.environments)
    assert reading == 3 * environments
    await slack.say("elena", QA, '/dynamo lock qa --reason "load test"')
    for user in ("ben", "carla", "elena"):
        await home(slack, user, "load test")
    languages = 2  # Ben reads English, Carla and Elena Spanish
    assert reading == (3 + languages) * environments
