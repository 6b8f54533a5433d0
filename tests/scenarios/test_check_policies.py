"""Policies as a team meets them: on demand, in the way of a rollout, on its card and after it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.kubernetes.access import ADMIN, Grant
from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.scenarios.platform_files import (
    NAMESPACES,
    PATIENCE,
    QA,
    SERVICE,
    answer,
    audit,
    files,
    set_live,
    settled,
    told,
    typed,
    world,
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with world(tmp_path, files(tmp_path)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


async def test_the_sample_keeps_what_it_promises_in_both_languages(slack):
    card = await typed(slack, "ben", "/dynamo check tasks-service prod", "policies kept")
    assert "4 of 4 policies kept" in card.words
    assert "*All well*" in card.words
    assert "4 pods run here, so no autoscaler is expected" in card.words
    card = await typed(slack, "ben", "/dynamo check api-gateway prod", "An autoscaler keeps")
    assert "between 3 and 12 pods" in card.words
    card = await typed(slack, "ana", "/dynamo revisar tareas produccion", "se cumplen")
    assert "*Todo bien*" in card.words


async def checked_until_well(slack: SlackDriver) -> None:
    """Pods that an autoscaler has only just started have said too little to be judged."""

    def shown(message: Message) -> bool:
        return message.ephemeral and "Check again" in message.words

    async with asyncio.timeout(PATIENCE):
        while True:
            card = [each for each in await slack.messages("ben", QA) if shown(each)][-1]
            if "*All well*" in card.words:
                return
            await slack.click("ben", card, "Check again")
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("trouble", "service", "environment", "said"),
    [
        (
            "debug-tools",
            SERVICE,
            "prod",
            ("`--inspect=0.0.0.0:9229`", "`LOG_LEVEL` is `debug` (ConfigMap tasks-service-config)"),
        ),
        ("key-only-here", SERVICE, "qa", ("`FEATURE_X` only in qa", "/dynamo diff tasks-service")),
        ("production-database", SERVICE, "qa", ("`yourapp.supabase.co`", "prod uses")),
        ("stuck-autoscaler", "api-gateway", "prod", ("at least 12, at most 12",)),
    ],
)
async def test_each_policy_fails_with_its_evidence_and_a_way_out_and_is_kept_again(
    sandbox, slack, trouble, service, environment, said
):
    sandbox.world.set_trouble(trouble, service, environment)
    card = await typed(slack, "ben", f"/dynamo check {service} {environment}", "not kept")
    for words in said:
        assert words in card.words
    sandbox.world.set_trouble("none", service, environment)
    await checked_until_well(slack)


async def test_logs_that_no_machine_reads_are_found_after_the_fact(sandbox, slack, monkeypatch):
    cluster = sandbox.dynamo.edges.cluster
    real = cluster.log_tail

    async def in_words(*where, **how):
        tail = await real(*where, **how)
        return type(tail)(tuple(f"Handled request {n}" for n, _ in enumerate(tail.lines)))

    monkeypatch.setattr(type(cluster), "log_tail", staticmethod(in_words))
    card = await typed(slack, "ben", "/dynamo check tasks-service prod", "not kept")
    assert "can be read by machines (0 %; wanted: 90 %)" in card.words
    assert "for example: `Handled request" in card.words


async def test_a_policy_that_blocks_stops_a_rollout_and_names_what_would_help(sandbox, slack):
    sandbox.world.set_trouble("production-database", SERVICE, "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    refusal = await answer(slack, "ben", "was not started")
    assert "Policies of qa are not kept" in refusal.words
    assert "Supabase of its own: shares its instance: prod uses `yourapp.supabase.co`" in (
        refusal.words
    )
    assert await sandbox.dynamo.edges.store.recent(SERVICE, "qa") == []
    refused = [each for each in await audit(sandbox) if each.action == "refused"]
    closed = [gate for gate in refused[-1].after["gates"] if not gate["ok"]]
    assert [gate["gate"] for gate in closed] == ["POLICY"]


async def test_a_policy_that_warns_is_told_on_the_card(sandbox, slack):
    sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    card = await told(slack, "ben", "Policies of qa are not all kept")
    assert "qa and prod differ: `FEATURE_X` only in qa" in card.words
    rollout = await settled(sandbox)
    assert rollout.state == "SUCCEEDED"


async def test_what_no_summary_follows_is_told_of_policies_in_its_thread(sandbox, slack):
    sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
    await slack.say("ben", QA, "/dynamo scale tasks-service qa 4")
    reply = await slack.message(
        "ben",
        where=lambda m: m.thread_ts is not None and "After the rollout" in m.words,
        channel=QA,
        timeout=60,
    )
    assert "`FEATURE_X` only in qa" in reply.words


async def test_a_rollout_that_keeps_everything_says_nothing_of_it_in_its_thread(sandbox, slack):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    rollout = await settled(sandbox)
    assert rollout.policies is None
    assert all("After the rollout" not in m.words for m in await slack.messages("ben", QA))


async def test_production_hears_of_the_key_that_only_qa_has_before_anything_is_touched(
    sandbox, slack
):
    sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
    await slack.say("ben", QA, "/dynamo deploy tasks-service prod 1.4.0")
    refusal = await answer(slack, "ben", "was not started")
    assert "Configured like production: qa and prod differ: `FEATURE_X` only in qa" in refusal.words


async def test_operators_say_how_severe_a_policy_is(tmp_path):
    def severe(whole):
        qa = next(each for each in whole["environments"] if each["name"] == "qa")
        qa["policies"] = [{"production-parity": "block"}, {"isolated-supabase": "warn"}]

    async with world(tmp_path, files(tmp_path, severe)) as sandbox, SlackDriver(sandbox.url) as s:
        await s.watch("ben")
        sandbox.world.set_trouble("production-database", SERVICE, "qa")
        card = await typed(s, "ben", "/dynamo check tasks-service qa", "not kept")
        assert "a rollout goes on all the same" in card.words
        sandbox.world.set_trouble("key-only-here", SERVICE, "qa")
        card = await typed(s, "ben", "/dynamo check tasks-service qa", "would be stopped")
        await s.say("ben", QA, "/dynamo deploy tasks-service qa")
        await answer(s, "ben", "was not started")


async def test_what_may_not_be_read_is_not_known_and_blocks_nothing(sandbox, slack):
    sandbox.world.rights.admins = ()
    verbs = ("get", "list", "watch", "patch", "create")
    kinds = ("deployments", "replicasets", "pods", "pods/log", "horizontalpodautoscalers")
    sandbox.world.rights.allow(ADMIN, Grant(verbs, (*kinds, "selfsubjectaccessreviews")))
    card = await typed(slack, "ben", "/dynamo check tasks-service prod", "not known")
    assert "Dynamo may not get configmaps in namespace dynamo" in card.words
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    assert (await settled(sandbox)).state == "SUCCEEDED"


async def test_another_environment_that_cannot_be_reached_is_not_known_and_blocks_nothing(
    tmp_path,
):
    def elsewhere(whole):
        dev = next(each for each in whole["environments"] if each["name"] == "dev")
        dev["context"] = "another-cluster"

    async with (
        world(tmp_path, files(tmp_path, elsewhere)) as sandbox,
        SlackDriver(sandbox.url) as s,
    ):
        await s.watch("ben")
        card = await typed(s, "ben", "/dynamo check tasks-service prod", "not known")
        assert "dev: its cluster does not accept Dynamo's credentials" in card.words


async def test_an_environment_that_promises_nothing_has_nothing_to_check(tmp_path):
    def none(whole):
        whole["environments"][0]["policies"] = []

    async with world(tmp_path, files(tmp_path, none)) as sandbox, SlackDriver(sandbox.url) as s:
        await s.watch("ben")
        await typed(s, "ben", "/dynamo check tasks-service dev", "promises nothing")


async def test_a_hand_made_override_of_the_deployment_is_seen_in_what_runs(sandbox, slack):
    storage = sandbox.world.storage
    found = storage.get("deployments.apps", NAMESPACES["prod"], SERVICE)
    container = found["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["node", "--inspect-brk", "server.js"]
    storage.update("deployments.apps", found, manager="kubectl-edit")
    set_live(sandbox, "prod", LOG_LEVEL="info")
    card = await typed(slack, "ben", "/dynamo check tasks-service prod", "stops a rollout")
    assert "`--inspect-brk` in tasks-service: command" in card.words
