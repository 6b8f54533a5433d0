"""Logs as people read them in Slack: once, live over a rollout, and told when there are none."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.adapters.tables.follows import FollowTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.app import Dynamo
from bot.sandbox.launcher import Options, Sandbox, WorldClock, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.workflows.log_desk import LogDesk
from tests.samples import sample

QA = "#qa-deploys"
DEV = "#dev-deploys"
PATIENT = 20.0


async def private(slack: SlackDriver, user: str, words: str, after: str = "") -> Message:
    return await slack.message(
        user,
        where=lambda m: m.ephemeral and m.from_app and words in m.words,
        after=after,
        timeout=PATIENT,
    )


async def told(slack: SlackDriver, words: str, *, user: str = "ben", channel: str = QA) -> Message:
    return await slack.message(
        user,
        where=lambda m: m.from_app and not m.ephemeral and words in m.words,
        channel=channel,
        timeout=PATIENT,
    )


async def follow(
    slack: SlackDriver, line: str = "/dynamo logs tasks-service qa --follow"
) -> Message:
    await slack.say("ben", QA, line)
    return await told(slack, "· live")


async def as_file(sandbox: Sandbox, slack: SlackDriver, channel: str = QA) -> str:
    """What the newest file in a channel holds."""
    sent = await slack.message(
        "ben", where=lambda m: bool(m.body.get("files")), channel=channel, timeout=PATIENT
    )
    held = sandbox.slack.files.get(sent.body["files"][0]["id"])
    assert held.content is not None
    return held.content.decode()


def shown_pods(message: Message) -> set[str]:
    return set(re.findall(r"^\d\d:\d\d:\d\d (\w{5}) ", message.words, re.MULTILINE))


async def pods_of(sandbox: Sandbox, service: str = "tasks-service", place: str = "qa") -> list[str]:
    environment = sandbox.dynamo.edges.catalog.environment(place)
    seen = await sandbox.dynamo.edges.cluster.workload("", environment.namespace, service)
    return sorted(pod.name for pod in seen.pods)


def to_zero(sandbox: Sandbox) -> None:
    storage = sandbox.world.plane.storage
    deployment = storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    assert deployment is not None
    deployment["spec"]["replicas"] = 0
    storage.update("deployments.apps", deployment)


async def until(seen: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await seen():
            await asyncio.sleep(0.05)


# --- once ----------------------------------------------------------------------------------------


async def test_a_short_answer_is_private_merged_by_time_and_names_its_pods(sandbox, slack):
    await slack.say("ben", QA, "/dynamo logs tasks-service qa --tail 6")
    answer = await private(slack, "ben", "Logs of tasks-service → QA")
    lines = re.findall(r"^(\d\d:\d\d:\d\d) (\w{5}) (INFO|WARN)", answer.words, re.MULTILINE)
    assert len(lines) == 6
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    assert {line[1] for line in lines} <= {pod[-5:] for pod in await pods_of(sandbox)}
    assert "request method=" in answer.words
    assert "`/dynamo logs tasks-service qa --tail 6`" in answer.words


async def test_a_long_answer_is_a_file_in_a_thread_with_counts_on_top(sandbox, slack):
    await slack.say("ben", QA, "/dynamo logs forms-service qa")
    card = await told(slack, "Logs of forms-service → QA")
    assert "All 200 lines are in the thread" in card.words
    assert re.search(r"\d+ info", card.words)
    reply = await told(slack, "200 lines, as a file")
    assert reply.thread_ts == card.ts
    text = await as_file(sandbox, slack)
    sent = await slack.message("ben", where=lambda m: bool(m.body.get("files")), channel=QA)
    name = sent.body["files"][0]["name"]
    assert re.fullmatch(r"forms-service-qa-\d{8}-\d{6}\.log", name)
    assert len(text.splitlines()) == 200
    stamps = [line.split(" ")[0] for line in text.splitlines()]
    assert stamps == sorted(stamps)


async def test_the_first_error_is_quoted_in_the_thread(sandbox, slack):
    await slack.say("ben", QA, "/dynamo logs forms-service qa --level error --tail 300")
    card = await told(slack, "Logs of forms-service → QA")
    counted = re.search(r"❌ (\d+) errors", card.words)
    assert counted
    reply = await told(slack, "The first error")
    assert "answer rejected" in reply.words
    text = await as_file(sandbox, slack)
    assert all("level=error" in line for line in text.splitlines())


async def test_filters_are_those_that_were_typed_in_either_language(sandbox, slack):
    await slack.say(
        "ben", QA, '/dynamo registros tasks qa --buscar "/method=P(OST|ATCH)/" --últimas 5'
    )
    answer = await private(slack, "ben", "Logs of tasks-service → QA")
    methods = re.findall(r"request method=(\w+)", answer.words)
    assert len(methods) == 5
    assert set(methods) <= {"POST", "PATCH"}
    await slack.say("ben", QA, "/dynamo logs tasks qa --json method=GET --tail 4", None)
    answer = await private(slack, "ben", "method=GET", after=answer.ts)
    assert set(re.findall(r"request method=(\w+)", answer.words)) == {"GET"}


async def test_json_lines_are_read_as_logfmt_is(sandbox, slack):
    await slack.say("ben", QA, "/dynamo logs api-gateway qa --json method=GET --tail 3")
    answer = await private(slack, "ben", "Logs of api-gateway → QA")
    assert (
        len(re.findall(r"INFO  request method=GET path=/v1/\S+ status=200 ms=\d+", answer.words))
        == 3
    )


async def test_a_password_that_a_service_wrote_never_leaves(sandbox, slack):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")  # their first lines are there
    await told(slack, "tasks-service → QA · 1.4.0 done in")
    await slack.say("ben", QA, '/dynamo logs tasks-service qa --grep "connected to the database"')
    answer = await private(slack, "ben", "Logs of tasks-service → QA")
    assert "postgres://[redacted]@db.internal:5432/tasks" in answer.words
    await slack.say("ben", QA, '/dynamo logs tasks-service qa --grep "/tasks:[0-9a-f]+@/"')
    await private(slack, "ben", "No line fits", after=answer.ts)


async def test_one_pod_is_asked_for_by_its_short_name(sandbox, slack):
    pod = (await pods_of(sandbox))[1]
    await slack.say("ben", QA, f"/dynamo logs tasks-service qa --pod {pod[-5:]} --tail 4")
    answer = await private(slack, "ben", "Logs of tasks-service → QA")
    assert shown_pods(answer) == {pod[-5:]}


async def test_the_log_before_a_crash_is_read_with_previous(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev 1.5.0")
    await told(slack, "failed after", channel=DEV)

    async def restarted() -> bool:
        seen = await sandbox.dynamo.edges.cluster.workload("", "dynamo-dev", "tasks-service")
        return any(c.last_terminated for pod in seen.pods for c in pod.containers)

    await until(restarted)
    await slack.say("ben", DEV, "/dynamo logs tasks-service dev --previous --tail 15")
    answer = await private(slack, "ben", "Logs of tasks-service → Development")
    assert "DATABASE_URL is not set" in answer.words


async def test_the_button_of_a_rollouts_card_shows_the_logs(sandbox, slack):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    card = await told(slack, "Succeeded")
    await slack.click("ben", card, "Logs")
    await told(slack, "Logs of tasks-service → QA")


# --- what cannot be had --------------------------------------------------------------------------

WRONG = [
    ("--since yesterday", "yesterday"),
    ("--since 999d", "further back than any log"),
    ("--tail 0", "from 1 to"),
    ("--tail -3", "from 1 to"),
    ('--grep "/(a{1000}){1000}/"', "too much memory"),
    ('--grep "/(?=x)/"', "no regular expression that I can run"),
    ("--level loud", "I don't know the level"),
    ("--json status", "is no field"),
    ("--pod nobody", "No pod of *tasks-service* in *QA* is called “nobody”"),
    ("--container nginx", "There are: tasks-service"),
    ("--previous", "has not been restarted"),
    ("--previous --follow", "cannot be followed"),
]


async def test_each_mistake_is_answered_with_what_would_be_right(sandbox, slack):
    after = ""
    for options, words in WRONG:
        await slack.say("ben", QA, f"/dynamo logs tasks-service qa {options}")
        after = (await private(slack, "ben", words, after=after)).ts


async def test_a_container_that_never_started_is_told_with_its_reason(sandbox, slack):
    sandbox.world.set_trouble("bad-tag", "forms-service", "qa")
    await slack.say("ben", QA, "/dynamo deploy forms-service qa")
    await told(slack, "failed after")
    await slack.say("ben", QA, "/dynamo logs forms-service qa --tail 4")
    answer = await private(slack, "ben", "never started (")
    assert re.search(r"never started \((ErrImagePull|ImagePullBackOff)\)", answer.words)
    assert shown_pods(answer)  # those that run speak all the same


async def test_a_workload_scaled_to_zero_has_no_log(sandbox, slack):
    to_zero(sandbox)

    async def gone() -> bool:
        return not await pods_of(sandbox)

    await until(gone)
    await slack.say("ben", QA, "/dynamo logs tasks-service qa")
    await private(slack, "ben", "is scaled to zero in *QA*")


async def test_whoever_has_no_role_reads_no_logs(tmp_path: Path):
    def docs_alone(content: dict[str, Any]) -> None:
        content["roles"]["docs"] = {"title": {"en": "Docs", "es": "Docs"}, "users": ["U0ELENA000"]}

    path = sample(tmp_path, docs_alone)
    options = Options(speed=10, keep=tmp_path / "keep", config=path)
    async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
        await slack.watch("farid")
        await slack.say("farid", QA, "/dynamo logs tasks-service qa --follow")
        await private(slack, "farid", "Logs are for people with a role here")
        assert _desk(sandbox).live == 0


# --- live ----------------------------------------------------------------------------------------


async def test_a_live_log_is_one_message_that_goes_on_until_it_is_stopped(sandbox, slack):
    first = await follow(slack)
    before = first.words
    later = await slack.message(
        "ben",
        where=lambda m: m.ts == first.ts and m.words != before and len(shown_pods(m)) == 3,
        timeout=PATIENT,
    )
    assert "Stop" in later.words
    await slack.click("ben", later, "Stop")
    ended = await told(slack, "Stopped by <@U0BEN00000>")
    assert ended.ts == first.ts
    assert "· ended" in ended.words
    assert sandbox.dynamo.edges.logs.live == 0
    await slack.click("ben", ended, "Download")
    text = await as_file(sandbox, slack)
    assert "level=info" in text


async def test_a_live_log_goes_on_over_a_rollout(sandbox, slack):
    old = {pod[-5:] for pod in await pods_of(sandbox)}
    live = await follow(slack)
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await told(slack, "tasks-service → QA · 1.4.0 done in")
    new = {pod[-5:] for pod in await pods_of(sandbox)}
    assert not old & new
    seen = await slack.message(
        "ben", where=lambda m: m.ts == live.ts and shown_pods(m) & new != set(), timeout=PATIENT
    )
    await slack.click("ben", seen, "Download")
    text = await as_file(sandbox, slack)
    assert {line.split(" ")[1] for line in text.splitlines()} >= old | new
    for pod in new:
        assert f" + {pod}" in text
    for pod in old:
        assert f" - {pod}" in text
    lines = [line for line in text.splitlines() if " + " not in line and " - " not in line]
    assert len(lines) == len(set(lines))
    assert any("starting tasks-service" in line for line in lines)  # joined from its first line


async def test_a_live_log_ends_by_itself_when_its_time_is_over(sandbox, slack):
    await follow(slack)
    [live] = _desk(sandbox)._live.values()
    for _ in range(3):  # lines have to come in between, else it ends for want of them
        before = live.follower.view.total
        await slack.advance(9 * 60)

        async def more(before: int = before) -> bool:
            return bool(live.follower.view.total > before)

        await until(more)
    await slack.advance(4 * 60)
    await told(slack, "Ended after its time")


async def test_a_live_log_ends_when_nothing_new_comes(sandbox, slack):
    await follow(slack, '/dynamo logs tasks-service qa --follow --grep "nobody writes this"')
    await slack.advance(11 * 60)
    await told(slack, "nothing new had come for 10 minutes")


async def test_a_live_log_ends_when_no_pod_is_left(sandbox, slack):
    await follow(slack)
    to_zero(sandbox)

    async def gone() -> bool:
        return not await pods_of(sandbox)

    await until(gone)
    await slack.advance(3 * 60)
    await told(slack, "no pod has been left for 2 minutes")


async def test_the_same_line_twice_is_live_once(sandbox, slack):
    await follow(slack)
    await slack.say("ben", QA, "/dynamo logs tasks-service qa --follow")
    await private(slack, "ben", "That is live in this channel already")
    assert sandbox.dynamo.edges.logs.live == 1


async def test_one_person_follows_five_at_most(sandbox, slack):
    services = ("tasks", "forms", "api-gateway", "auth", "projects")
    for number, service in enumerate(services, 1):
        await slack.say("ben", QA, f"/dynamo logs {service} qa --follow")
        await until(_count(sandbox, number))
    await slack.say("ben", QA, "/dynamo logs notifications qa --follow")
    await private(slack, "ben", "You follow 5 logs already")


def _count(sandbox: Sandbox, number: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return _desk(sandbox).live == number

    return reached


async def test_whoever_did_not_start_it_stops_it_only_with_the_right_to_deploy(sandbox, slack):
    await slack.say("elena", "#production", "/dynamo logs tasks-service prod --follow")
    live = await told(slack, "· live", channel="#production")
    await slack.click("ben", live, "Stop")
    await private(slack, "ben", "who started it, or somebody who may deploy there")
    assert sandbox.dynamo.edges.logs.live == 1
    await slack.click("elena", live, "Stop")
    await told(slack, "Stopped by", channel="#production")


async def test_stopping_another_persons_live_log_is_recorded_and_told_in_the_history(
    sandbox, slack
):
    live = await follow(slack)
    await slack.click("elena", live, "Stop")
    await told(slack, "Stopped by <@U0ELENA000>")
    [record] = await sandbox.dynamo.edges.audit.page("tasks-service", "qa", limit=5)
    assert (record.entry.action, record.entry.actor) == ("stop-logs", "U0ELENA000")
    assert record.entry.before["owner"] == "U0BEN00000"
    await slack.say("ben", QA, "/dynamo history tasks-service qa")
    await private(slack, "ben", "that <@U0BEN00000> had started")


async def test_stopping_ones_own_is_no_record(sandbox, slack):
    live = await follow(slack)
    await slack.click("ben", live, "Stop")
    await told(slack, "Stopped by <@U0BEN00000>")
    assert not await sandbox.dynamo.edges.audit.page("tasks-service", "qa", limit=5)


async def test_after_a_restart_the_message_is_told_as_ended(sandbox, slack):
    live = await follow(slack)
    await sandbox.dynamo.stop()
    sandbox.bot = await Dynamo.start(sandbox.settings, clock=WorldClock(sandbox.clock))
    try:
        ended = await told(slack, "Ended: Dynamo was restarted")
        assert ended.ts == live.ts
        assert await _remembered(sandbox) == 0
        await slack.click("ben", ended, "Follow again")
        await until(_count(sandbox, 1))
    finally:
        await sandbox.bot.stop()


def _desk(sandbox: Sandbox) -> LogDesk:
    desk = sandbox.dynamo.edges.logs
    assert desk is not None
    return desk


async def _remembered(sandbox: Sandbox) -> int:
    store = sandbox.dynamo.edges.store
    assert isinstance(store, RolloutTable)
    follows = FollowTable(store.connection)
    async with asyncio.timeout(60):
        while left := len(await follows.all()):
            await asyncio.sleep(0.05)
    return left


async def test_while_the_api_server_is_away_the_message_says_so_and_goes_on_after_it(
    sandbox, slack
):
    live = await follow(slack)
    sandbox.world.set_trouble("api-away", None, None)
    away = await told(slack, "The cluster does not answer just now")
    assert away.ts == live.ts
    back = await slack.message(
        "ben", where=lambda m: m.ts == live.ts and "⏳ Live" in m.words, timeout=40
    )
    assert back.ts == live.ts


async def test_in_spanish_every_word_is_spanish(sandbox, slack):
    await slack.watch("carla")
    await slack.say("carla", QA, "/dynamo registros tasks-service qa --últimas 3")
    answer = await private(slack, "carla", "Registros de tasks-service → QA")
    assert "Las horas son UTC" in answer.words
    assert "Seguir en directo" in answer.words
