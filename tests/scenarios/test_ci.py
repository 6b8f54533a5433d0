"""CI as a gate, lived through in Slack: green, still running, red, away, asked too often."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import yaml

from bot.domain.rollout import RolloutState
from bot.sandbox.launcher import CONFIG, Options, launch
from bot.sandbox.registry.release_table import RELEASES
from bot.sandbox.slack.driver import SlackDriver

QA, PROD = "#qa-deploys", "#production"
SERVICE, REPOSITORY = "tasks-service", "yourorg/tasks-service"
COMMITS = {each.version: each.commit for each in RELEASES if each.service == SERVICE}


def private(message) -> bool:
    return bool(message.from_app and message.ephemeral)


def check(sandbox, name, state, version="1.4.0", kind="run"):
    sandbox.git_host.set_check(REPOSITORY, COMMITS[version], name, state, kind)


async def rollouts(sandbox):
    return await sandbox.dynamo.edges.store.recent()


async def deploy(slack, who="ben", line=f"/dynamo deploy {SERVICE} qa 1.4.0"):
    await slack.say(who, QA, line)


async def card(slack, word, timeout=60.0):
    return await slack.message(
        "ben",
        channel=QA,
        where=lambda m: m.from_app and not m.ephemeral and word in m.words,
        timeout=timeout,
    )


async def test_green_is_let_through_at_once(sandbox, slack):
    await deploy(slack)
    await card(slack, "Succeeded")


async def test_what_still_runs_is_queued_and_goes_on_by_itself_when_green(sandbox, slack):
    check(sandbox, "unit", "in_progress")
    await deploy(slack)
    waiting = await card(slack, "Queued until CI is green")
    assert "unit" in waiting.words
    assert waiting.buttons == ["Cancel rollout"]
    check(sandbox, "unit", "success")
    done = await card(slack, "Succeeded")
    assert done.ts == waiting.ts, "one card"


async def test_what_waits_asks_no_faster_than_every_fifteen_seconds(sandbox, slack):
    check(sandbox, "unit", "queued")
    await deploy(slack)
    await card(slack, "Queued until CI is green")
    asked, began = sandbox.git_host.asked, sandbox.clock.now()
    for _ in range(30):  # a minute of the sandbox's time
        await sandbox.clock.pass_time(2)
        await asyncio.sleep(0.02)
    async with asyncio.timeout(60):
        while sandbox.git_host.asked < asked + 2:
            await asyncio.sleep(0.05)
    passed = (sandbox.clock.now() - began).total_seconds()
    more = sandbox.git_host.asked - asked
    assert 2 <= more <= 2 * (passed / 15 + 1), (more, passed)  # runs and statuses: two calls


async def test_what_turns_red_while_it_waits_is_told_and_nothing_is_touched(sandbox, slack):
    check(sandbox, "unit", "in_progress")
    await deploy(slack)
    await card(slack, "Queued until CI is green")
    check(sandbox, "unit", "failure")
    red = await card(slack, "is red")
    assert "runs/" in red.words
    running = await sandbox.dynamo.edges.cluster.workload("", "dynamo-qa", SERVICE)
    assert running.deployment.version == "1.3.2"


async def test_what_waits_can_be_cancelled(sandbox, slack):
    check(sandbox, "unit", "in_progress")
    await deploy(slack)
    waiting = await card(slack, "Queued until CI is green")
    await slack.click("ben", waiting, "dyn:cancel")
    await card(slack, "Cancelled")
    (rollout,) = await rollouts(sandbox)
    assert rollout.state is RolloutState.CANCELLED


async def test_red_is_refused_with_a_link_to_each_failed_check(sandbox, slack):
    check(sandbox, "integration", "failure")
    check(sandbox, "codecov", "error", kind="status")
    await deploy(slack)
    answer = await slack.message("ben", channel=QA, where=private)
    assert "is red" in answer.words
    for name in ("integration", "codecov"):
        assert f"|{name}>" in answer.words
    assert "|unit>" not in answer.words
    assert await rollouts(sandbox) == []


async def test_a_commit_that_nothing_checked_is_refused(sandbox, slack):
    sandbox.git_host.drop_checks(REPOSITORY, COMMITS["1.4.0"])
    await deploy(slack)
    answer = await slack.message("ben", channel=QA, where=private)
    assert "No check has run" in answer.words
    assert await rollouts(sandbox) == []


async def test_a_commit_that_the_git_host_does_not_show_is_refused(sandbox, slack):
    repository = sandbox.git_host.repository(REPOSITORY)
    repository.commits = [c for c in repository.commits if c.sha != COMMITS["1.4.0"]]
    await deploy(slack)
    answer = await slack.message("ben", channel=QA, where=private)
    assert "shows no commit" in answer.words
    assert "GITHUB_TOKEN" in answer.words


async def test_a_rate_limit_is_said_and_nothing_starts(sandbox, slack):
    sandbox.git_host.limit(600)
    await deploy(slack)
    answer = await slack.message("ben", channel=QA, where=private)
    assert "asked too often" in answer.words
    assert await rollouts(sandbox) == []
    asked = sandbox.git_host.asked
    await deploy(slack)
    await slack.message("ben", channel=QA, where=private, after=answer.ts)
    assert sandbox.git_host.asked == asked, "nobody asks before the time that was named"


async def test_a_git_host_that_is_away_is_said_and_nothing_starts(sandbox, slack):
    sandbox.git_host.away = True
    await deploy(slack)
    answer = await slack.message("ben", channel=QA, where=private)
    assert "git host does not answer" in answer.words
    assert await rollouts(sandbox) == []


async def test_a_rate_limit_while_it_waits_delays_it_and_nothing_more(sandbox, slack):
    check(sandbox, "unit", "in_progress")
    await deploy(slack)
    await card(slack, "Queued until CI is green")
    sandbox.git_host.limit(40)
    await card(slack, "asked too often")
    check(sandbox, "unit", "success")
    await card(slack, "Succeeded", timeout=30)


async def test_many_who_ask_for_one_commit_cost_one_question(sandbox, slack):
    asked = sandbox.git_host.asked
    lines = [f"/dynamo deploy {SERVICE} qa 1.4.0 --dry-run" for _ in range(12)]
    await asyncio.gather(*(slack.say("ben", QA, line) for line in lines))
    async with asyncio.timeout(60):
        while len([m for m in await slack.messages("ben", QA) if private(m)]) < 12:
            await asyncio.sleep(0.05)
    assert sandbox.git_host.asked - asked <= 4  # at ten times the speed 15 s may pass once


async def test_the_checklist_follows_ci_green_red_and_green_again(sandbox, slack):
    check(sandbox, "unit", "in_progress")
    await slack.say("ben", "#general", f"/dynamo checklist {SERVICE} 1.4.0")
    first = await slack.message("ben", channel=PROD, where=lambda m: "0 of 5" in m.words)
    assert "when CI is green" in first.words
    check(sandbox, "unit", "success")
    await slack.message("ben", channel=PROD, where=lambda m: "1 of 5" in m.words)
    check(sandbox, "unit", "failure")
    sandbox.clock.advance(20)
    await slack.say("ben", "#general", f"/dynamo checklist {SERVICE} 1.4.0")
    await slack.message("ben", channel=PROD, where=lambda m: "0 of 5" in m.words)


@asynccontextmanager
async def world(tmp_path, ci):
    """The sandbox with another word about CI of the service."""
    catalog = yaml.safe_load(CONFIG.read_text())
    for name, service in catalog["services"].items():
        service["manifests"] = str(CONFIG.parent / "k8s" / name)
    catalog["services"][SERVICE]["ci"] = ci
    # Manifests are found beside the catalog.
    (tmp_path / "k8s").symlink_to(CONFIG.parent / "k8s")
    for name, service in catalog["services"].items():
        service["manifests"] = f"k8s/{name}"
    path = tmp_path / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    async with (
        launch(Options(speed=10, keep=tmp_path / "keep", config=path)) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        yield sandbox, slack


async def test_only_the_required_checks_count(tmp_path):
    async with world(tmp_path, {"required": ["unit", "build"]}) as (sandbox, slack):
        check(sandbox, "integration", "failure")
        await deploy(slack)
        await card(slack, "Succeeded")


async def test_a_required_check_that_has_not_come_yet_is_waited_for(tmp_path):
    async with world(tmp_path, {"required": ["unit", "smoke"]}) as (sandbox, slack):
        await deploy(slack)
        waiting = await card(slack, "Queued until CI is green")
        assert "smoke" in waiting.words
        check(sandbox, "smoke", "success")
        await card(slack, "Succeeded")


async def test_a_service_without_ci_says_so_where_everybody_sees_it(tmp_path):
    async with world(tmp_path, "none") as (sandbox, slack):
        asked = sandbox.git_host.asked
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0 --dry-run")
        answer = await slack.message("ben", channel=QA, where=private)
        assert "No CI" in answer.words
        assert sandbox.git_host.asked == asked


@pytest.mark.parametrize("version", ["1.4.0"])
async def test_ci_is_no_gate_where_no_line_of_dynamo_yml_requires_it(sandbox, slack, version):
    check(sandbox, "unit", "failure", version)
    await slack.say("ben", "#dev-deploys", f"/dynamo deploy {SERVICE} dev 1.3.1")
    await slack.message(
        "ben",
        channel="#dev-deploys",
        where=lambda m: m.from_app and "1.3.1" in m.words and "Succeeded" in m.words,
        timeout=60,
    )
