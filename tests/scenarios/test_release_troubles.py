"""What becomes of a release that is worse, for each way to be: from the typed line to the summary.

Everything is real and on the wire: all four looks, Prometheus' API, base URLs over HTTPS, the
kubelets' logs, Supabase, Slack. Time passes by hand, and only while nothing has to be waited for.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.analysis import Result, Stage
from bot.domain.analysis_course import COUNTDOWN
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.pacing import dripping, passing
from tests.samples import in_qa, sample
from tests.scenarios.releasing import analysis_of, at_ease, deployed, told

QA = "#qa-deploys"


@pytest.fixture
def changes() -> dict[str, object]:
    """What stands in QA's part of dynamo.yml; tests overwrite it with `parametrize`."""
    return {}


@pytest.fixture
async def sandbox(
    tmp_path: Path, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sandbox]:
    at_ease(monkeypatch)
    changes = {"requires": [], "policies": [], "stability_window": "3s", **changes}
    slo = str(changes.pop("slo", "99.5%"))

    def edit(content: dict[str, Any]) -> None:
        in_qa(**changes)(content)
        content["services"]["tasks-service"]["metrics"]["slo"] = slo

    path = sample(tmp_path, edit)
    async with launch(Options(manual=True, keep=tmp_path / "keep", config=path)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ben")
        yield slack


def kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.body["blocks"]]


async def test_a_good_release_gets_exactly_one_quiet_line(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    rollout = await deployed(sandbox, slack)
    first = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    assert "tasks-service 1.4.0 in QA: so far as good as 1.3.2" in first.words
    assert "too early" not in first.words, "latency can be judged at the first look"
    last = await told(sandbox, slack, rollout, Stage.FINAL)
    assert "tasks-service 1.4.0 in QA: as good as 1.3.2* ✅ · 15 min" in last.words
    for words in ("requests", "errors", "p95", "no new errors in the logs"):
        assert words in last.words
    assert "3 of 3 dependencies well · 2 of 2 routes answer well" in last.words
    assert "not judged" not in last.words
    assert (last.ts, kinds(last)) == (first.ts, ["section"])
    assert "\n" not in last.body["blocks"][0]["text"]["text"]
    said = [each for each in await slack.messages("ben", QA) if each.from_app]
    assert said[-1].ts == last.ts, "the card, this line, and nothing more"
    assert len(said) == 2


@dataclass(frozen=True, slots=True)
class Story:
    """What befalls the release, or what is around it once it runs; and what is said of it: the
    verdict in words, the readings that are not well, the evidence, and of which of them there is a
    chart ("" for none)."""

    trouble: str
    verdict: str
    moved: set[str]
    evidence: tuple[str, ...]
    chart: str = ""
    around: tuple[str, str | None] | None = None
    first_look_too: bool = True


WORSE, WARNED = "worse than 1.3.2* ❌ ", "not quite as 1.3.2* ⚠️ "
STORIES = (
    Story(
        "slower",
        WORSE + "p50, p95, p99 …",
        {"LATENCY_P50", "LATENCY_P95", "LATENCY_P99", "ROUTE"},
        (
            "❌ worse · p < 0.001",
            "❌ *p95:* ",
            "more than noise explains",
            "❌ */tasks:* Slower: p50 ",
            "; 12 requests.",
        ),
        "P95 of tasks-service, 1.4.0",
    ),
    Story(
        "fails-3-percent",
        WORSE + "errors, error lines a minute",
        {"ERROR_RATIO", "ERROR_LINES", "NEW_ERRORS"},
        (
            "❌ *errors:* ",
            "more than noise explains (p &lt; 0.001)",
            "error lines in 14 min; before, 0 in 30 min.",
            "times, only in the new pods: “request failed: TypeError: cannot read properties",
        ),
        "Errors of tasks-service, 1.4.0",
    ),
    Story(
        "leaks-memory",
        WARNED + "memory",
        {"MEMORY"},
        ("⚠️ *memory:* ", "MiB, before ", "not far enough beyond noise to call it a failure"),
        "Memory of tasks-service, 1.4.0",
        first_look_too=False,  # it has only begun to leak
    ),
    Story(
        "drops-traffic",
        WARNED + "requests",
        {"REQUEST_RATE"},
        ("⚠️ *requests:* ", "less than half of the requests arrive"),
        "Requests of tasks-service, 1.4.0",
    ),
    Story(
        "no-metrics",
        WARNED + "requests, errors, p50 …",
        {"REQUEST_RATE", "ERROR_RATIO", "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"},
        (
            "⚠️ *requests, errors, p50, p95, p99:* They were there before, and the new pods do not"
            " report them. Do they still expose their metrics?",
        ),
    ),
    Story(
        "dependency",
        WORSE + "health of auth-service",
        {"DEPENDENCY_HEALTH"},
        ("❌ *health of auth-service:* Its health endpoint answers 503.",),
        around=("service-fails", "auth-service"),
    ),
    Story(
        "supabase",
        WORSE + "Supabase auth",
        {"SUPABASE_AUTH"},
        ("❌ *Supabase auth:* It answers with status 503.", "❔ *Supabase REST:* "),
        around=("supabase-auth-away", None),
    ),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.trouble)
async def test_each_trouble_has_its_verdict_with_its_evidence(
    sandbox: Sandbox, slack: SlackDriver, story: Story
) -> None:
    if story.around is None:
        sandbox.world.set_trouble(story.trouble, "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    if story.around is not None:
        kind, service = story.around
        sandbox.world.outages.set(kind, service, "qa")
    first = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    if story.first_look_too:
        assert f"tasks-service 1.4.0 in QA: {story.verdict}" in first.words
        assert "first look, the last one at" in first.words
    last = await told(sandbox, slack, rollout, Stage.FINAL)
    assert last.ts == first.ts, "one message, edited"
    assert f"tasks-service 1.4.0 in QA: {story.verdict}\n" in last.words
    for words in story.evidence:
        assert words in last.words, words
    assert "table" in kinds(last)
    assert ("data_visualization" in kinds(last)) is bool(story.chart)
    assert story.chart in last.words
    asks = "👉 <@U0BEN00000>, <!subteam^S0DEVELOPR>: keep it or roll back?"
    assert (asks in last.words) is story.verdict.startswith(WORSE), "a warning asks nobody"
    analysis = await analysis_of(sandbox, rollout)
    moved = {each.name for each in analysis.readings if each.result in (Result.FAIL, Result.WARN)}
    assert moved == story.moved, "and nothing else"
    replies = await slack.messages("ben", QA, thread_ts=last.ts)
    assert "http_requests_total{namespace=" in replies[-1].words, "every reading with its query"


async def settled_rollback(sandbox: Sandbox) -> Rollout:
    """The way back of tasks-service in QA that nobody typed, once Slack has confirmed its end."""

    async def back() -> Rollout | None:
        newest = (await sandbox.dynamo.edges.store.recent("tasks-service", "qa"))[0]
        return newest if newest.kind is Kind.ROLLBACK and newest.settled else None

    return await passing(sandbox.clock, back, step=2)


@pytest.mark.parametrize("changes", [{"on_regression": "rollback"}])
async def test_a_release_that_fails_is_gone_back_from_by_itself_once(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    sandbox.world.set_trouble("fails-3-percent", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    counting = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    assert WORSE + "errors" in counting.words
    assert "⏪ *Rolls back to 1.3.2 by itself at" in counting.words
    assert counting.buttons[:2] == ["Keep 1.4.0", "Roll back now"]
    store = sandbox.dynamo.edges.store
    assert len(await store.recent("tasks-service", "qa")) == 1, "not before the countdown is over"

    gone_back = await settled_rollback(sandbox)
    assert (gone_back.state, gone_back.version) == (RolloutState.SUCCEEDED, "1.3.2")
    assert gone_back.requested_by.id == "dynamo"
    analysis = await analysis_of(sandbox, rollout)
    assert analysis.looked_at is not None
    assert gone_back.requested_at >= analysis.looked_at + COUNTDOWN
    said = await slack.messages("ben", QA)
    ended = next(each for each in said if each.ts == counting.ts)
    assert "tasks-service 1.4.0 in QA: gone back from" in ended.words
    assert "*Rolled back to 1.3.2 by itself*: the countdown ended" in ended.words
    well = await told(sandbox, slack, gone_back, Stage.PROVISIONAL)
    assert "tasks-service in QA is back on 1.3.2 and runs well* ✅" in well.words

    await slack.say("ben", QA, "/dynamo unlock tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: "lifted the lock" in m.words)
    sandbox.world.set_trouble("fails-3-percent", "tasks-service", "qa")
    again = await deployed(sandbox, slack)
    asked = await told(sandbox, slack, again, Stage.PROVISIONAL)
    assert "keep it or roll back?" in asked.words
    assert "It does not go back by itself: it did so once from this release." in asked.words


@pytest.mark.parametrize(
    "changes", [{"on_regression": "rollback", "stability_window": "10m", "slo": "99.9%"}]
)
async def test_errors_that_burn_the_budget_end_the_soak_and_the_release(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    """Three of a hundred are thirty times what 99.9 % allows: the guard asks Prometheus."""
    sandbox.world.set_trouble("fails-3-percent", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack, step=2)
    assert rollout.state is RolloutState.FAILED
    assert rollout.completed_at is not None
    assert rollout.finished_at is not None
    assert rollout.finished_at - rollout.completed_at < timedelta(minutes=5), "not after ten"
    card = await slack.message("ben", channel=QA, where=lambda m: "1.4.0 failed after" in m.words)
    assert "Too many requests fail" in card.words

    gone_back = await settled_rollback(sandbox)
    assert (gone_back.state, gone_back.version) == (RolloutState.SUCCEEDED, "1.3.2")
    ended = await slack.message("ben", channel=QA, where=lambda m: "gone back from" in m.words)
    assert "*Rolled back to 1.3.2 by itself*" in ended.words


@pytest.mark.parametrize("changes", [{"on_regression": "rollback"}])
async def test_a_release_that_is_only_warned_of_is_never_gone_back_from(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    sandbox.world.set_trouble("drops-traffic", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    last = await told(sandbox, slack, rollout, Stage.FINAL)
    assert WARNED + "requests" in last.words
    assert "by itself" not in last.words
    await sandbox.clock.pass_time(10 * 60)
    assert len(await sandbox.dynamo.edges.store.recent("tasks-service", "qa")) == 1


async def test_a_release_whose_place_is_taken_before_its_first_look_says_so(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    await deployed(sandbox, slack)
    newer = await deployed(sandbox, slack, "/dynamo deploy tasks-service qa 1.3.2")
    words = "tasks-service 1.4.0 in QA: not judged*, 1.3.2 took its place before the first look"
    said = await slack.message("ben", channel=QA, where=lambda m: words in m.words)
    assert kinds(said) == ["section"], "one line"
    last = await told(sandbox, slack, newer, Stage.PROVISIONAL)
    assert "tasks-service 1.3.2 in QA: so far as good as 1.4.0" in last.words


@pytest.mark.parametrize("changes", [{"policies": ["production-parity", "isolated-supabase"]}])
async def test_policies_are_verified_after_a_rollout_and_told_by_its_summary_alone(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    rollout = await deployed(sandbox, slack)
    kept = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    assert "so far as good as 1.3.2" in kept.words
    assert "keeps its 2 policies" in kept.words
    sandbox.world.set_trouble("key-only-here", "tasks-service", "qa")
    last = await told(sandbox, slack, rollout, Stage.FINAL)
    assert "1.4.0 in QA: as good as 1.3.2* ✅" in last.words, "people changed its surroundings"
    assert "⚠️ *Policy “Configured like production”: not kept.*" in last.words
    assert "`FEATURE_X` only in qa" in last.words
    assert "`/dynamo check tasks-service qa` shows each policy" in last.words
    assert kinds(last) == ["section"]
    replies = await slack.messages("ben", QA, thread_ts=last.ts)
    assert "*Supabase of its own* — kept" in replies[-1].words
    everything = await slack.messages("ben", QA)
    assert not any("After the rollout" in each.words for each in everything)
    card = next(each for each in everything if "1.4.0" in each.words and each.ts != last.ts)
    answers = await slack.messages("ben", QA, thread_ts=card.ts)
    assert not any("After the rollout" in each.words for each in answers)


async def test_without_prometheus_a_release_is_not_called_good_and_can_be_looked_at_again(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    rollout = await deployed(sandbox, slack)
    sandbox.world.set_trouble("prometheus-away", None, "qa")
    unknown = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    assert "tasks-service 1.4.0 in QA: cannot be judged* ❔" in unknown.words
    assert "❔ *metrics:* Prometheus does not answer" in unknown.words
    sandbox.world.set_trouble("none", None, "qa")
    await slack.click("ben", unknown, "Re-check")

    async def judged() -> bool:
        return (await analysis_of(sandbox, rollout)).result is Result.PASS

    await dripping(sandbox.clock, judged)
    better = await slack.message(
        "ben", channel=QA, where=lambda m: m.ts == unknown.ts and "so far as good as" in m.words
    )
    assert "errors" in better.words


@pytest.mark.parametrize("changes", [{"policies": ["structured-logs"]}])
async def test_a_release_that_writes_sentences_keeps_structured_logs_no_more(
    sandbox: Sandbox, slack: SlackDriver
) -> None:
    sandbox.world.set_trouble("plain-logs", "tasks-service", "qa")
    rollout = await deployed(sandbox, slack)
    told_of = await told(sandbox, slack, rollout, Stage.PROVISIONAL)
    assert "so far as good as 1.3.2" in told_of.words
    assert "*Policy “Structured logs”: not kept.*" in told_of.words
    assert "only 0 % of the lines can be read by machines" in told_of.words
