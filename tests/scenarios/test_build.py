"""`/dynamo build` and `/dynamo deploy SERVICE dev REF`, as people live through them.

Without a Docker Engine: the sandbox's simulated builder, real git, real cards.
"""

import asyncio

from bot.domain.audit import By
from bot.domain.build import BuildState
from bot.domain.rollout import RolloutState
from bot.workflows.build import cancel_build
from tests.scenarios.passing import a_moment

DEV = "#dev-deploys"


async def the_build(sandbox, found=lambda build: build.settled, timeout=40.0):
    """The one build of tasks-service, once it is so."""
    builds = sandbox.dynamo.edges.builds.builds
    async with asyncio.timeout(timeout):
        while True:
            rows = await builds._connection.run(
                lambda db: [row[0] for row in db.execute("select id from builds").fetchall()]
            )
            assert len(rows) <= 1, rows
            build = await builds.get(rows[0]) if rows else None
            if build is not None and found(build):
                return build
            await asyncio.sleep(0.05)


async def the_rollout(sandbox, timeout=40.0):
    async with asyncio.timeout(timeout):
        while True:
            found = await sandbox.dynamo.edges.store.recent("tasks-service", "dev")
            if found and found[0].settled:
                return found[0]
            await a_moment(sandbox)


async def cards(slack, who="ben", channel=DEV):
    return [m for m in await slack.messages(who, channel) if m.from_app and not m.ephemeral]


async def test_a_branch_is_built_and_deployed_to_dev_in_one_card(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev main")
    rollout = await the_rollout(sandbox)
    build = await the_build(sandbox)
    assert (build.state, rollout.state) == (BuildState.BUILT, RolloutState.SUCCEEDED)
    assert build.version.endswith(f"-{build.commit[:7]}")
    assert (rollout.version, rollout.image.digest) == (build.version, build.digest)
    shown = await cards(slack)
    assert len(shown) == 1
    assert f"tasks-service → Development · {build.version}" in shown[0].words
    running = await sandbox.dynamo.edges.cluster.workload("", "dynamo-dev", "tasks-service")
    assert running.deployment.images["tasks-service"].endswith(build.digest)


async def test_the_card_shows_the_steps_as_they_run_and_says_what_is_simulated(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "Step " in m.words, timeout=30
    )
    build = await the_build(sandbox)
    card = (await cards(slack))[0]
    assert "Simulated" in card.words
    assert "no Docker Engine here" in card.words
    assert "Built" in card.words
    log = await slack.message("ben", channel=DEV, where=lambda m: bool(m.body.get("files")))
    assert log.body["files"][0]["name"] == "full-text.txt"
    assert "Step 5/5" in await sandbox.dynamo.edges.builds.builds.log(build.id)
    replies = await slack.messages("ben", DEV, thread_ts=card.ts)
    assert any(build.version in reply.words for reply in replies[1:])


async def test_two_requests_for_the_same_commit_build_once(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    await the_build(sandbox, lambda build: build.state is BuildState.BUILDING)
    await slack.say("ana", DEV, "/dynamo deploy tasks-service dev main")
    answer = await slack.message("ana", channel=DEV, where=lambda m: m.ephemeral and m.from_app)
    assert "ya se está construyendo" in answer.words  # Ana reads Spanish
    rollout = await the_rollout(sandbox)
    build = await the_build(sandbox)
    assert rollout.image.digest == build.digest
    assert rollout.requested_by.id == "U0ANA00000"
    assert len(await cards(slack)) == 1


async def test_what_is_built_already_is_told_and_deployed_at_once(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    build = await the_build(sandbox)
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    answer = await slack.message("ben", channel=DEV, where=lambda m: m.ephemeral and m.from_app)
    assert "is built already" in answer.words
    await slack.say("ben", DEV, f"/dynamo deploy tasks-service dev {build.commit[:9]}")
    assert (await the_rollout(sandbox)).image.digest == build.digest


async def test_cancel_ends_a_build_without_a_trace_in_the_registry(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev feature/faster-start")
    card = await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "is being built" in m.text, timeout=30
    )
    await slack.click("ben", card, "dyn:stop-build")
    build = await the_build(sandbox)
    assert (build.state, build.ended_by) == (BuildState.CANCELLED, "U0BEN00000")
    assert build.version not in await sandbox.dynamo.edges.images.tags(build.image)
    assert await sandbox.dynamo.edges.store.recent("tasks-service", "dev") == []
    assert "Cancelled by" in (await cards(slack))[0].words


async def test_a_word_that_is_neither_a_version_nor_a_ref_is_answered_as_ever(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev no-such-thing")
    answer = await slack.message("ben", channel=DEV, where=lambda m: m.ephemeral and m.from_app)
    assert "no-such-thing" in answer.words
    await slack.say("ben", DEV, "/dynamo build tasks-service no-such-thing")
    answer = await slack.message(
        "ben", channel=DEV, where=lambda m: m.ephemeral and "no branch" in m.words
    )
    assert await cards(slack) == []


async def test_who_may_not_deploy_there_builds_nothing_and_cancels_nothing(sandbox, slack):
    await slack.watch("farid")
    for line in ("build tasks-service main", "deploy tasks-service dev main"):
        await slack.say("farid", DEV, f"/dynamo {line}")
        refused = await slack.message(
            "farid",
            channel=DEV,
            where=lambda m, line=line: m.ephemeral and line in m.words and m.from_app,
        )
        assert "may" in refused.words
    assert await sandbox.dynamo.edges.builds.builds.unsettled() == []
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    card = await slack.message(
        "farid", channel=DEV, where=lambda m: m.from_app and "is being built" in m.text, timeout=30
    )
    await slack.click("farid", card, "dyn:stop-build")
    await slack.message("farid", channel=DEV, where=lambda m: m.ephemeral and "may" in m.words)
    assert (await the_build(sandbox)).state is BuildState.BUILT


async def test_a_forged_or_old_button_changes_nothing(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo build tasks-service main")
    card = await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "is being built" in m.text, timeout=30
    )
    build = await the_build(sandbox)
    for build_id in (build.id, "nosuchid", "x" * 500):
        forged = next(b for b in card.body["blocks"] if b["type"] == "actions")["elements"][0]
        assert forged["value"] == build.id
        outcome = await cancel_build(build_id, By("U0BEN00000"), sandbox.dynamo.edges)
        assert outcome is None
    assert (await the_build(sandbox)).state is BuildState.BUILT


async def test_bad_words_start_no_build_and_no_program(sandbox, slack):
    lines = (
        "build tasks-service -x",
        "build tasks-service --upload-pack=touch",
        "build ../../etc main",
        "build tasks-service a..b",
        "build tasks-service <!channel>",
        f"build tasks-service {'x' * 500}",
    )
    for number, line in enumerate(lines, start=1):
        await slack.say("ben", DEV, f"/dynamo {line}")
        async with asyncio.timeout(60):
            while True:
                told = [m for m in await slack.messages("ben", DEV) if m.ephemeral and m.from_app]
                if len(told) >= number:
                    break
                await asyncio.sleep(0.05)
    assert await sandbox.dynamo.edges.builds.builds.unsettled() == []
    assert await cards(slack) == []
