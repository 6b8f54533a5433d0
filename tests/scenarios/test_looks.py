"""What the looks at logs, integration and response times find after a deploy, all on the wire: the
sandbox's base URLs (over HTTPS), its Supabase, its kubelets' logs, its API server.

Service metrics have tests of their own and are left out here. Time is the sandbox's, moved on by
hand.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

import bot.app
from bot.cards.reading_words import label_of, sentence_of
from bot.domain.analysis import Analysis, Part, Reading, Result, Stage
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from bot.text import LANGUAGES, MISSING, Texts
from bot.workflows.looks import integration, logs, response_times
from tests.samples import in_qa, sample
from tests.scenarios import releasing
from tests.scenarios.releasing import at_ease, deployed

QA = "#qa-deploys"
LOOKS = (logs.LOOK, integration.LOOK, response_times.LOOK)


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    monkeypatch.setattr(bot.app, "LOOKS", LOOKS)
    at_ease(monkeypatch)
    path = sample(tmp_path, in_qa(requires=[], policies=[]), window="3s")
    async with launch(Options(manual=True, keep=tmp_path / "keep", config=path)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ben")
        yield slack


async def looked_at(sandbox: Sandbox, rollout: Rollout, stage: Stage) -> Analysis:
    """The analysis with this summary, and those before it."""
    analysis = await releasing.looked_at(sandbox, rollout, Stage.PROVISIONAL)
    if stage is Stage.FINAL:
        analysis = await releasing.looked_at(sandbox, rollout, stage)
    said_in_full(analysis.readings)
    return analysis


def said_in_full(readings: tuple[Reading, ...]) -> None:
    """Every reading has a name and a sentence in each language, and nothing is missing in it."""
    for reading in readings:
        for language in LANGUAGES:
            texts = Texts.of(language)
            assert f"reading.code.{reading.code}" in texts, reading.code
            said = f"{label_of(reading, texts)}: {sentence_of(reading, texts)}"
            assert MISSING not in said, said


def codes(analysis: Analysis, part: Part) -> dict[str, tuple[str, Result]]:
    """By name and subject, what was found."""
    return {
        f"{each.name} {each.subject}".strip(): (each.code, each.result)
        for each in analysis.readings
        if each.part is part
    }


async def summary(slack: SlackDriver, *words: str) -> Message:
    return await slack.message(
        "ben",
        channel=QA,
        where=lambda m: m.from_app and all(word in m.words for word in words),
        timeout=60,
    )


async def test_a_good_release_is_fine_in_every_look(sandbox: Sandbox, slack: SlackDriver) -> None:
    rollout = await deployed(sandbox, slack)
    analysis = await looked_at(sandbox, rollout, Stage.PROVISIONAL)
    assert analysis.result is Result.PASS, analysis.readings
    assert codes(analysis, Part.LOGS) == {
        "ERROR_LINES": ("LOGS_CLEAN", Result.PASS),
        "NEW_ERRORS": ("NEW_ERRORS_NONE", Result.PASS),
    }
    found = codes(analysis, Part.INTEGRATION)
    for service in ("auth-service", "projects-service", "notifications-service"):
        assert found[f"DEPENDENCY {service}"] == ("DEPENDENCY_READY", Result.PASS)
        assert found[f"DEPENDENCY_HEALTH {service}"] == ("HEALTH_FINE", Result.PASS)
    for part in ("AUTH", "REST", "STORAGE"):
        assert found[f"SUPABASE_{part}"] == ("SUPABASE_FINE", Result.PASS)
    assert found["SUPABASE_WIRING"] == ("WIRING_OWN", Result.PASS)
    times = codes(analysis, Part.RESPONSE_TIMES)
    assert times.keys() >= {"ROUTE /tasks", "ROUTE /tasks?limit=1", "CERTIFICATE"}
    assert {result for _, result in times.values()} == {Result.PASS}
    said = await summary(slack, "so far as good as 1.3.2")
    for words in ("no new errors in the logs", "3 of 3 dependencies well", "2 of 2 routes"):
        assert words in said.words


async def test_a_slower_release_is_seen_from_outside(sandbox: Sandbox, slack: SlackDriver) -> None:
    sandbox.world.set_trouble("slower", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    analysis = await looked_at(sandbox, rollout, Stage.PROVISIONAL)
    found = codes(analysis, Part.RESPONSE_TIMES)
    assert found["ROUTE /tasks"] == ("ROUTE_SLOWER", Result.FAIL)
    route = next(each for each in analysis.readings if each.subject == "/tasks")
    assert route.before is not None
    assert route.after is not None
    assert 1.6 < route.after / route.before < 3.5
    assert int(route.values["before_n"]) >= 10
    await summary(slack, "worse than 1.3.2", "Slower: p50")


async def test_new_errors_are_told_with_their_count_and_an_example(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    sandbox.world.set_trouble("fails-3-percent", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    analysis = await looked_at(sandbox, rollout, Stage.FINAL)
    lines, new = (each for each in analysis.readings if each.part is Part.LOGS)
    assert (lines.code, lines.result, lines.before) == ("LOGS_MORE", Result.FAIL, 0.0)
    assert (new.code, new.result) == ("NEW_ERROR", Result.WARN)
    assert int(new.values["count"]) > 50
    assert "TypeError: cannot read properties" in str(new.values["example"])
    await summary(slack, "worse than 1.3.2", "times, only in the new pods")


async def test_what_breaks_around_a_release_is_found_and_only_what_was_well_is_blamed_on_it(
    sandbox: Sandbox, slack: SlackDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integration, "_PATIENCE", 3.0)  # storage hangs for ten seconds
    outages = sandbox.world.outages
    outages.set("service-fails", "projects-service", "qa")
    outages.set("certificate-ends", None, "qa")
    rollout = await deployed(sandbox, slack)
    outages.set("service-fails", "auth-service", "qa")
    outages.set("supabase-auth-away", None, "qa")
    outages.set("supabase-storage-slow", None, "qa")
    outages.set("redirects-for-ever", "tasks-service", "qa")
    sandbox.world.set_trouble("production-database", "tasks-service", "qa")
    analysis = await looked_at(sandbox, rollout, Stage.PROVISIONAL)
    found = codes(analysis, Part.INTEGRATION)
    assert found["DEPENDENCY_HEALTH projects-service"] == ("HEALTH_STATUS_ALREADY", Result.WARN)
    assert found["DEPENDENCY_HEALTH auth-service"] == ("HEALTH_STATUS", Result.FAIL)
    assert found["DEPENDENCY auth-service"] == ("DEPENDENCY_READY", Result.PASS)
    assert found["SUPABASE_AUTH"] == ("SUPABASE_STATUS", Result.FAIL)
    assert found["SUPABASE_STORAGE"] == ("SUPABASE_TIMED_OUT", Result.FAIL)
    assert found["SUPABASE_WIRING"] == ("WIRING_OTHER_ENVIRONMENT", Result.FAIL)
    times = codes(analysis, Part.RESPONSE_TIMES)
    assert times["ROUTE /tasks"] == ("ROUTE_REDIRECTS", Result.FAIL)
    assert times["CERTIFICATE"] == ("CERTIFICATE_ALMOST_ALREADY", Result.WARN)
    shown = await summary(slack, "worse than 1.3.2")
    assert "sb_publishable" not in str(shown.body), "no key is ever shown"


async def test_a_dependency_without_pods_is_found(sandbox: Sandbox, slack: SlackDriver) -> None:
    rollout = await deployed(sandbox, slack)
    path = "apis/apps/v1/namespaces/dynamo-qa/deployments/notifications-service"
    async with aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/merge-patch+json"}
        url, body = f"{sandbox.url}/kubernetes/{path}", b'{"spec":{"replicas":0}}'
        async with session.patch(url, data=body, headers=headers) as answer:
            assert answer.status == 200
    analysis = await looked_at(sandbox, rollout, Stage.PROVISIONAL)
    found = codes(analysis, Part.INTEGRATION)
    assert found["DEPENDENCY notifications-service"] == ("DEPENDENCY_AT_ZERO", Result.FAIL)
    assert found["DEPENDENCY_HEALTH notifications-service"] == ("HEALTH_STATUS", Result.FAIL)
