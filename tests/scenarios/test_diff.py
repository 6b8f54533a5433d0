"""What differs, asked in Slack: what a deploy would change, and how two environments differ."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot.sandbox.kubernetes.access import ADMIN, Grant
from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack.driver import SlackDriver
from tests.scenarios.platform_files import (
    NAMESPACES,
    SERVICE,
    answer,
    edit_config,
    files,
    live_config,
    set_live,
    settled,
    typed,
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


def secret(sandbox: Sandbox, environment: str, **data: str) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    meta = {"name": "tasks-service-secrets", "namespace": NAMESPACES[environment]}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": encoded}
    sandbox.world.storage.create("secrets", body)


async def test_environments_that_differ_only_in_what_may_differ_are_alike(slack):
    card = await typed(slack, "ben", "/dynamo diff tasks-service prod qa", "are alike")
    assert "QA and Production" in card.words, "in pipeline order"
    assert "names its environment" in card.words


async def test_production_is_told_how_many_releases_it_is_behind(sandbox, slack):
    await slack.say("ben", "#qa-deploys", "/dynamo deploy tasks-service qa")
    await settled(sandbox)
    card = await typed(slack, "ben", "/dynamo diff tasks-service qa prod", "behind QA")
    assert "Production is *1 release* behind QA: 1.4.0" in card.words


async def test_the_key_that_qa_has_and_production_lacks_is_named_first(sandbox, slack):
    sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
    set_live(sandbox, "qa", TIMEOUT="30")
    set_live(sandbox, "prod", TIMEOUT="60")
    card = await typed(slack, "ben", "/dynamo diff tasks-service qa prod", "risk")
    assert "*1 risk*" in card.words
    assert "`FEATURE_X`: only in *QA*" in card.words
    assert "`TIMEOUT` of ConfigMap tasks-service-config: `30` → `60`" in card.words
    assert card.words.index("FEATURE_X") < card.words.index("TIMEOUT")
    assert "/dynamo config tasks-service prod" in card.words, "who lacks it is told"
    spanish = await typed(slack, "ana", "/dynamo comparar tareas calidad produccion", "riesgo")
    assert "solo en *QA*" in spanish.words


async def test_of_secrets_only_names_and_likeness_are_told(sandbox, slack):
    secret(sandbox, "qa", DB_PASSWORD="one-and-only", MAIL="same-on-both", EXTRA="x")
    secret(sandbox, "prod", DB_PASSWORD="another", MAIL="same-on-both")
    card = await typed(slack, "ben", "/dynamo diff tasks-service qa prod", "risk")
    assert "`EXTRA`: only in *QA*" in card.words
    assert "`MAIL` of Secret tasks-service-secrets: the same value on both sides" in card.words
    assert "`DB_PASSWORD` of Secret tasks-service-secrets: another value" in card.words
    everything = str(await slack.transcript())
    for value in ("one-and-only", 'another"', "same-on-both"):
        assert value not in everything


async def test_what_dynamo_may_not_read_is_named_with_its_namespace(sandbox, slack):
    """In a cluster with the rights of deploy/rights.yaml: no Secrets."""
    secret(sandbox, "qa", DB_PASSWORD="one-and-only")
    rights = yaml.safe_load_all(Path("deploy/rights.yaml").read_text())
    rules = [rule for each in rights if each["kind"] == "Role" for rule in each["rules"]]
    grants = [Grant(tuple(r["verbs"]), tuple(r["resources"]), tuple(r["apiGroups"])) for r in rules]
    sandbox.world.rights.admins = ()
    sandbox.world.rights.allow(ADMIN, *grants)
    card = await typed(slack, "ben", "/dynamo diff tasks-service qa prod", "may not")
    assert "Dynamo may not get secrets in dynamo-qa" in card.words
    assert "may not get configmaps" not in card.words


async def test_operators_decide_what_is_expected(tmp_path):
    def expect(whole):
        whole["differences"] = {"expected": ["FEATURE_*"], "risks": ["LOG_LEVEL"]}

    async with world(tmp_path, files(tmp_path, expect)) as sandbox, SlackDriver(sandbox.url) as s:
        await s.watch("ben")
        sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
        set_live(sandbox, "qa", LOG_LEVEL="warn")
        card = await typed(s, "ben", "/dynamo diff tasks-service qa prod", "risk")
        risks, _, expected = card.words.partition("*Expected*")
        assert "LOG_LEVEL" in risks
        assert "FEATURE_X" not in risks
        assert "`FEATURE_X`: only in *QA*" in expected


async def test_an_environment_is_not_compared_with_itself_or_with_nothing(sandbox, slack):
    await typed(slack, "ben", "/dynamo diff tasks-service qa calidad", "cannot be compared")
    sandbox.world.storage.delete("deployments.apps", "dynamo", SERVICE)
    await typed(slack, "ben", "/dynamo diff tasks-service qa prod", "does not run in Production")


async def test_what_a_deploy_would_change_is_the_servers_own_answer(sandbox, slack, config):
    manifest = config.parent / "k8s" / SERVICE / "deployment.yaml"
    manifest.write_text(manifest.read_text().replace("memory: 384Mi", "memory: 512Mi"))
    edit_config(config, FEATURE_X="true")
    before = sandbox.world.storage.get("deployments.apps", "dynamo-qa", SERVICE)
    card = await typed(slack, "ben", "/dynamo diff tasks-service qa 1.4.0", "what would change")
    for said in (
        "1.3.2 → 1.4.0",
        "`containers[tasks-service].resources.limits.memory`: `384Mi` → `512Mi`",
        "a deploy does not apply it",
        "added `FEATURE_X`: `true`",
    ):
        assert said in card.words
    after = sandbox.world.storage.get("deployments.apps", "dynamo-qa", SERVICE)
    assert after == before, "nothing is touched by asking"
    assert "FEATURE_X" not in live_config(sandbox)
    await slack.click("ben", card, "Deploy 1.4.0")
    await answer(slack, "ben", "Started")


async def test_what_a_deploy_would_be_stopped_by_is_told_too(sandbox, slack):
    card = await typed(slack, "ben", "/dynamo diff tasks-service prod", "would be stopped now")
    assert "You may not deploy here" in card.words


async def test_a_version_that_is_not_there_is_answered_as_a_deploy_would(slack):
    await typed(slack, "ben", "/dynamo diff tasks-service qa 9.9.9", "`9.9.9`")
