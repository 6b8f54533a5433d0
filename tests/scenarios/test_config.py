"""A configuration is shown, confirmed, applied, put back: typed and pressed in Slack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Dynamo
from bot.domain.audit import AuditEntry, By, Surface
from bot.domain.configuration import Stage
from bot.sandbox.launcher import Sandbox, WorldClock
from bot.sandbox.slack.driver import SlackDriver
from bot.workflows.configuring import Planned, apply_config, plan_config
from bot.workflows.edges import Place
from tests.scenarios.platform_files import (
    CONFIG_MAP,
    QA,
    SERVICE,
    answer,
    audit,
    config_file,
    edit_config,
    files,
    live_config,
    set_live,
    settled,
    told,
    typed,
    until,
    world,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return files(tmp_path)


@pytest.fixture
async def sandbox(tmp_path: Path, config: Path) -> AsyncIterator[Sandbox]:
    async with world(tmp_path, config) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


async def test_what_would_change_is_shown_key_by_key_and_applied_when_confirmed(
    sandbox, slack, config
):
    edit_config(config, FEATURE_X="true", LOG_LEVEL="warn", LOG_FORMAT=None)
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    for said in (
        "3 keys",
        "added `FEATURE_X`: `true`",
        "changed `LOG_LEVEL`: `info` → `warn`",
        "removed `LOG_FORMAT`, it was `json`",
        "Nothing was touched yet",
        "restarted, one by one",
    ):
        assert said in question.words
    assert "FEATURE_X" not in live_config(sandbox)

    await slack.click("ben", question, "Apply")
    line = await told(slack, "ana", "applied the configuration of *tasks-service* in *QA*")
    assert "<@U0BEN00000>" in line.words
    assert "added `FEATURE_X`" in line.words
    assert live_config(sandbox)["LOG_LEVEL"] == "warn"
    assert "LOG_FORMAT" not in live_config(sandbox)
    rollout = await settled(sandbox)
    assert (rollout.kind, rollout.state, rollout.requested_by.id) == (
        "RESTART",
        "SUCCEEDED",
        "U0BEN00000",
    )
    records = [r for r in await audit(sandbox) if r.action.startswith("config")]
    assert [r.action for r in records] == ["config-begun", "config"]
    assert records[-1].after["keys"] == {
        f"{CONFIG_MAP}/FEATURE_X": "ADDED",
        f"{CONFIG_MAP}/LOG_LEVEL": "CHANGED",
        f"{CONFIG_MAP}/LOG_FORMAT": "REMOVED",
    }
    assert "warn" not in str(records[-1].after), "the log has names, not values"


async def test_what_stood_before_is_put_back(sandbox, slack, config):
    before = live_config(sandbox)
    edit_config(config, LOG_LEVEL="warn", FEATURE_X="true")
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    await slack.click("ben", question, "Apply")
    line = await told(slack, "ben", "applied the configuration")
    await settled(sandbox)
    await slack.click("ben", line, "Put back what stood before")
    question = await answer(slack, "ben", "would be put back")
    assert "removed `FEATURE_X`, it was `true`" in question.words
    await slack.click("ben", question, "Put back")
    await told(slack, "ana", "put back the configuration")
    assert live_config(sandbox) == before
    await typed(slack, "ben", "/dynamo config tasks-service qa --restore", "would be put back")


async def test_what_changed_between_showing_and_pressing_is_told_and_not_written(
    sandbox, slack, config
):
    edit_config(config, LOG_LEVEL="warn")
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    set_live(sandbox, "qa", CACHE="on")
    await slack.click("ben", question, "Apply")
    again = await answer(slack, "ben", "another change by now")
    assert live_config(sandbox)["LOG_LEVEL"] == "info"
    assert "left alone" in again.words
    assert "`CACHE`" in again.words
    edit_config(config, LOG_LEVEL="error")
    await slack.click("ben", again, "Apply")
    third = await answer(slack, "ben", "`error`")
    assert "another change by now" in third.words
    assert live_config(sandbox)["LOG_LEVEL"] == "info"
    await slack.click("ben", third, "Apply")
    await told(slack, "ben", "applied the configuration")
    assert live_config(sandbox)["LOG_LEVEL"] == "error"
    assert live_config(sandbox)["CACHE"] == "on", "another's key stays"


async def test_who_may_not_deploy_may_not_apply_and_is_told_also_at_the_press(
    sandbox, slack, config
):
    edit_config(config, "config.prod.yaml", LOG_LEVEL="warn")
    refusal = await typed(slack, "ben", "/dynamo config tasks-service prod", "was not applied")
    assert "may not deploy here" in refusal.words
    managers = sandbox.slack.workspace.usergroups["S0RELEASERS"]
    managers.users = ("U0BEN00000",)
    await slack.advance(400)  # who is in a group is remembered for five minutes
    question = await typed(slack, "ben", "/dynamo config tasks-service prod", "would change")
    managers.users = ()
    await slack.advance(400)
    await slack.click("ben", question, "Apply")

    async def refused() -> list[AuditEntry] | None:
        found = [each for each in await audit(sandbox) if each.action == "refused"]
        return found if len(found) == 2 else None

    typed_refusal, pressed_refusal = await until(refused)
    assert (typed_refusal.surface, pressed_refusal.surface) == ("slash", "button")
    assert live_config(sandbox, "prod")["LOG_LEVEL"] == "info"


async def test_a_lock_of_somebody_else_is_in_the_way_also_at_the_press(sandbox, slack, config):
    edit_config(config, LOG_LEVEL="warn")
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    await slack.say("ana", QA, "/dynamo lock qa")
    await told(slack, "ben", "locked *QA*")
    await slack.click("ben", question, "Apply")
    refusal = await answer(slack, "ben", "was not applied")
    assert "qa has been locked" in refusal.words
    assert live_config(sandbox)["LOG_LEVEL"] == "info"
    refused = [r for r in await audit(sandbox) if r.action == "refused"]
    assert refused[-1].after["wanted"] == "config"


async def test_a_key_that_is_there_twice_is_refused_with_its_line(sandbox, slack, config):
    path = config_file(config)
    path.write_text(path.read_text() + '  LOG_LEVEL: "debug"\n')
    line = len(path.read_text().splitlines())
    refusal = await typed(slack, "ben", "/dynamo config tasks-service qa", "was not applied")
    assert "'LOG_LEVEL' is here twice" in refusal.words
    assert f"line {line}" in refusal.words


async def test_a_value_that_is_a_secret_by_its_name_is_never_shown(sandbox, slack, config):
    edit_config(config, STRIPE_API_KEY="hunter22-not-for-eyes", DB="postgres://u:pa55@h/db")
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    assert "added `STRIPE_API_KEY`: `[redacted]`" in question.words
    await slack.click("ben", question, "Apply")
    await told(slack, "ben", "applied the configuration")
    everything = str(await slack.transcript()) + str(await audit(sandbox))
    assert "hunter22" not in everything
    assert "pa55" not in everything
    assert live_config(sandbox)["STRIPE_API_KEY"] == "hunter22-not-for-eyes"


async def test_what_stands_already_is_nothing_to_do_and_in_spanish_too(sandbox, slack):
    await typed(slack, "ben", "/dynamo config tasks-service qa", "stands there already")
    await typed(slack, "ana", "/dynamo configurar tareas calidad", "no hay nada que hacer")
    await typed(
        slack, "ben", "/dynamo config tasks-service qa --restore", "no former configuration"
    )


async def test_a_config_map_that_is_gone_is_made_anew(sandbox, slack):
    sandbox.world.storage.delete("configmaps", "dynamo-qa", CONFIG_MAP)
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    assert "— new" in question.words
    await slack.click("ben", question, "Apply")
    await told(slack, "ben", "applied the configuration")
    assert live_config(sandbox)["NODE_ENV"] == "production"


async def test_a_document_in_a_value_is_shown_by_what_changes_in_it(sandbox, slack, config):
    edit_config(config, LIMITS='{"tasks": {"most": 10, "page": 50}}')
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
    await slack.click("ben", question, "Apply")
    await told(slack, "ben", "applied the configuration")
    await settled(sandbox)
    edit_config(config, LIMITS='{"tasks": {"most": 20, "page": 50}}')
    question = await typed(slack, "ben", "/dynamo config tasks-service qa", "LIMITS › tasks.most")
    assert "`10` → `20`" in question.words


async def test_a_service_may_be_left_alone_by_its_configuration(tmp_path):
    def leave(whole):
        whole["services"][SERVICE]["on_config"] = "keep"

    config = files(tmp_path, leave)
    async with world(tmp_path, config) as sandbox, SlackDriver(sandbox.url) as slack:
        await slack.watch("ben")
        edit_config(config, LOG_LEVEL="warn")
        question = await typed(slack, "ben", "/dynamo config tasks-service qa", "would change")
        assert "on_config: keep" in question.words
        await slack.click("ben", question, "Apply")
        await answer(slack, "ben", "read it when they start next")
        assert await sandbox.dynamo.edges.store.recent(SERVICE, "qa") == []


async def test_what_a_killed_process_began_is_finished_at_the_next_start(
    sandbox, slack, config, monkeypatch
):
    """Killed between the write and the record of it: the cluster knows what became of it."""
    edges = sandbox.dynamo.edges
    place = Place(edges.catalog.service(SERVICE), edges.catalog.environment("qa"))
    by = By("U0BEN00000", Surface.BUTTON)
    edit_config(config, LOG_LEVEL="warn")
    plan = await plan_config(place, by, edges)
    assert isinstance(plan, Planned)
    await die_after_the_write(edges, plan, place, by, monkeypatch)
    (kept,) = await edges.configurations.of(SERVICE, "qa")
    assert (kept.stage, live_config(sandbox)["LOG_LEVEL"]) == (Stage.BEGUN, "warn")

    await sandbox.dynamo.stop()
    sandbox.bot = await Dynamo.start(sandbox.settings, clock=WorldClock(sandbox.clock))
    try:
        await told(slack, "ben", "applied the configuration")
        (kept,) = await sandbox.dynamo.edges.configurations.of(SERVICE, "qa")
        assert kept.stage is Stage.APPLIED
        rollout = await settled(sandbox)
        assert (rollout.kind, rollout.state) == ("RESTART", "SUCCEEDED")
        actions = [r.action for r in await audit(sandbox) if r.action.startswith("config")]
        assert actions == ["config-begun", "config"]
    finally:
        await sandbox.dynamo.stop()


async def die_after_the_write(edges, plan, place, by, monkeypatch):
    real = edges.inventory.put_config

    async def write_and_die(*where, dry_run=False, **how):
        done = await real(*where, dry_run=dry_run, **how)
        if not dry_run:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(type(edges.inventory), "put_config", staticmethod(write_and_die))
    with pytest.raises(KeyboardInterrupt):
        await apply_config(place, by, edges, seen=plan.fingerprint)
    monkeypatch.undo()
