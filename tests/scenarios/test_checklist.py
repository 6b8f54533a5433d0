"""The checklist of a release, as the people of a team live through it: in Slack, to production."""

import asyncio
import json
from collections import Counter

import pytest
import yaml

from bot.cards.blocks import actions, button
from bot.cards.card import Card
from bot.domain.rollout import Actor
from bot.sandbox.launcher import CONFIG, Options, launch
from bot.sandbox.slack.driver import SlackDriver
from commands.router import Router

PROD, QA, GENERAL = "#production", "#qa-deploys", "#general"
SERVICE = "tasks-service"
EVERYBODY = ("ana", "ben", "carla", "dan", "elena", "farid")


@pytest.fixture
async def people(slack):
    await slack.watch(*EVERYBODY)
    return slack


def private(message) -> bool:
    return bool(message.from_app and message.ephemeral)


def digest_of(sandbox, version="1.4.0"):
    return sandbox.world.digests[SERVICE, version]


async def stored(sandbox, version="1.4.0"):
    return await sandbox.dynamo.edges.checklists.get(SERVICE, digest_of(sandbox, version))


async def opened(people, version="1.4.0", who="ben"):
    """The list's message, as it stands in the channel of production."""
    await people.say(who, GENERAL, f"/dynamo checklist {SERVICE} {version}")
    await people.message(who, channel=GENERAL, where=private)
    return await people.message(
        who, channel=PROD, where=lambda m: m.from_app and f"{SERVICE} {version} ·" in m.words
    )


async def shows(people, count, version="1.4.0"):
    """The message, once it says "N of 5"."""
    wanted = f"{SERVICE} {version} · ready for Production? {count} of 5"
    return await people.message("ben", channel=PROD, where=lambda m: wanted in m.words)


def on(message, action, item):
    """The control of one item: several buttons of a message look alike."""
    return next(
        each
        for each in message.controls
        if each.action_id == action and f"|{item}" in each.element["value"]
    )


async def press(people, who, message, action, item):
    control = on(message, action, item)
    await people.click(who, message, control)


async def refused(people, who, word):
    return await people.message(who, where=lambda m: private(m) and word in m.words)


async def forge(sandbox, action, value, channel="C0PRODUCTN"):
    """A message with a button that carries whatever somebody wrote into it."""
    card = Card("forged", [actions(button("Press", action, value))])
    return await sandbox.dynamo.edges.messenger.post(channel, card)


async def actions_recorded(sandbox):
    records = await sandbox.dynamo.edges.audit.page(SERVICE, limit=100)
    return Counter(record.entry.action for record in records)


# --- one list, three people -----------------------------------------------------------------------


async def test_three_people_complete_the_list_and_each_item_says_who(sandbox, people):
    message = await opened(people)
    assert "1 of 5" in message.words  # CI ticked the first by itself
    assert "automatic" in message.words
    await press(people, "carla", message, "dyn:tick", "performance")
    await press(people, "carla", await shows(people, 2), "dyn:tick", "manual-qa")
    await press(people, "dan", await shows(people, 3), "dyn:tick", "security-review")
    await press(people, "farid", await shows(people, 4), "dyn:tick", "documentation")
    last = await shows(people, 5)
    assert last.ts == message.ts, "one message, edited in place"
    for said in ("<@U0CARLA000>", "<@U0DAN00000>", "<@U0FARID000>", "Complete", "sha256:"):
        assert said in last.words, said
    held = await stored(sandbox)
    assert {item: tick.by for item, tick in held.ticks.items()} == {
        "tests": "",
        "performance": "U0CARLA000",
        "manual-qa": "U0CARLA000",
        "security-review": "U0DAN00000",
        "documentation": "U0FARID000",
    }
    assert await actions_recorded(sandbox) == {"checklist-open": 1, "tick": 5}


async def test_every_rendering_has_block_ids_of_its_own(sandbox, people):
    message = await opened(people)
    await press(people, "carla", message, "dyn:tick", "performance")
    after = await shows(people, 2)
    before_ids = {block["block_id"] for block in message.blocks if block["type"] == "actions"}
    after_ids = {block["block_id"] for block in after.blocks if block["type"] == "actions"}
    assert not before_ids & after_ids


async def test_a_tick_is_taken_back_by_the_people_of_its_role(sandbox, people):
    await press(people, "carla", await opened(people), "dyn:tick", "manual-qa")
    await press(people, "carla", await shows(people, 2), "dyn:untick", "manual-qa")
    await shows(people, 1)
    assert "manual-qa" not in (await stored(sandbox)).ticks
    assert (await actions_recorded(sandbox))["untick"] == 1


async def test_the_same_line_again_is_a_link_to_the_same_message(sandbox, people):
    message = await opened(people)
    await people.say("elena", QA, f"/dynamo lista {SERVICE} 1.4.0")
    answer = await people.message("elena", channel=QA, where=private)
    assert message.ts.replace(".", "") in answer.words
    assert len([m for m in await people.messages("ben", PROD) if m.from_app]) == 1


async def test_without_a_version_it_is_what_runs_before_production(sandbox, people):
    await people.say("ben", GENERAL, f"/dynamo checklist {SERVICE}")
    answer = await people.message("ben", channel=GENERAL, where=private)
    assert "1.3.2" in answer.words


async def test_a_version_that_there_is_not_gets_those_that_there_are(sandbox, people):
    await people.say("ben", GENERAL, f"/dynamo checklist {SERVICE} 1.4.O")
    answer = await people.message("ben", channel=GENERAL, where=private)
    assert f"/dynamo checklist {SERVICE} 1.4.0" in answer.buttons


# --- evidence -------------------------------------------------------------------------------------


async def evidence(people, who, message, item, text):
    await press(people, who, message, "dyn:evidence", item)
    view = await people.view(who)
    return view, await people.submit(who, view, {"evidence": text})


async def test_a_tick_with_a_link_shows_the_link(sandbox, people):
    message = await opened(people)
    text = "load test, 400 rps https://grafana.yourapp.com/d/7?a=1&b=2"
    await evidence(people, "carla", message, "performance", text)
    await people.no_view("carla")
    after = await shows(people, 2)
    link = "<https://grafana.yourapp.com/d/7?a=1&amp;b=2|load test, 400 rps>"
    assert link in after.words
    assert (await stored(sandbox)).ticks["performance"].evidence == text


async def test_evidence_that_is_too_long_is_told_in_the_modal_and_changes_nothing(sandbox, people):
    message = await opened(people)
    view, answer = await evidence(people, "carla", message, "performance", "x" * 1_001)
    assert answer["response_action"] == "errors"
    assert "1,001" in answer["errors"]["evidence"] or "1.001" in answer["errors"]["evidence"]
    _, answer = view, await people.submit("carla", view, {"evidence": "x" * 10_000})
    assert answer["response_action"] == "errors"
    assert "performance" not in (await stored(sandbox)).ticks
    assert (await people.submit("carla", view, {"evidence": "y" * 1_000}))["ok"]
    after = await shows(people, 2)
    assert "yyy" in after.words
    assert len((await stored(sandbox)).ticks["performance"].evidence) == 1_000


async def test_evidence_calls_nobody_and_leads_only_where_it_shows(sandbox, people):
    message = await opened(people)
    text = "<!channel> @here *bold* <https://evil.example|https://bank.example> `x` <@U0BEN00000>"
    await evidence(people, "carla", message, "performance", text)
    after = await shows(people, 2)
    assert "<!channel>" not in str(after.body)
    assert "@here" not in after.words
    assert "<https://evil.example" not in after.words
    assert "<@U0BEN00000>" not in after.words
    assert "&lt;!channel&gt;" in after.words


async def test_who_may_not_tick_is_told_before_writing_evidence(sandbox, people):
    message = await opened(people)
    await press(people, "ben", message, "dyn:evidence", "performance")
    answer = await refused(people, "ben", "not yours")
    assert "S0QATESTER" in answer.words


async def test_a_modal_that_was_left_open_meets_the_tick_of_another(sandbox, people):
    message = await opened(people)
    await press(people, "carla", message, "dyn:evidence", "manual-qa")
    view = await people.view("carla")
    await press(people, "carla", message, "dyn:tick", "manual-qa")
    await shows(people, 2)
    await people.submit("carla", view, {"evidence": "too late"})
    await refused(people, "carla", "ya lo marcó")
    assert (await stored(sandbox)).ticks["manual-qa"].evidence == ""


# --- clicks that may not be ----------------------------------------------------------------------


async def test_someone_without_the_role_is_told_who_has_it(sandbox, people):
    message = await opened(people)
    await press(people, "dan", message, "dyn:tick", "documentation")
    answer = await refused(people, "dan", "not yours")
    assert "<!subteam^S0DOCSTEAM>" in answer.words
    assert [*(await stored(sandbox)).ticks] == ["tests"]
    assert (await actions_recorded(sandbox))["tick-refused"] == 1


async def test_a_role_that_was_taken_away_counts_no_more(sandbox, people):
    message = await opened(people)
    sandbox.slack.workspace.usergroups["S0SECURITY"].users = ()
    sandbox.clock.advance(11)  # the clicks of ten seconds share an answer
    await press(people, "dan", message, "dyn:tick", "security-review")
    await refused(people, "dan", "not yours")


async def test_a_double_click_is_one_tick_and_an_answer(sandbox, people):
    message = await opened(people)
    await asyncio.gather(
        press(people, "dan", message, "dyn:tick", "security-review"),
        press(people, "dan", message, "dyn:tick", "security-review"),
    )
    answer = await refused(people, "dan", "already ticked")
    assert "<@U0DAN00000>" in answer.words
    assert (await actions_recorded(sandbox))["tick"] == 2  # CI's and this one


async def test_of_two_people_at_once_one_is_recorded_and_the_other_hears_who(sandbox, people):
    sandbox.slack.workspace.usergroups["S0SECURITY"].users = ("U0DAN00000", "U0BEN00000")
    message = await opened(people)
    await asyncio.gather(
        press(people, "dan", message, "dyn:tick", "security-review"),
        press(people, "ben", message, "dyn:tick", "security-review"),
    )
    await shows(people, 2)
    by = (await stored(sandbox)).ticks["security-review"].by
    loser = {"U0DAN00000": "ben", "U0BEN00000": "dan"}[by]
    answer = await refused(people, loser, "already ticked")
    assert f"<@{by}>" in answer.words
    assert (await actions_recorded(sandbox))["tick"] == 2


async def test_a_redelivered_click_does_nothing_twice(sandbox, people):
    await press(people, "dan", await opened(people), "dyn:tick", "security-review")
    await shows(people, 2)
    await people.redeliver()
    await people.say("dan", GENERAL, "/dynamo help")  # what comes after it is answered
    await people.message("dan", channel=GENERAL, where=private)
    assert not [m for m in await people.messages("dan", PROD) if private(m)]


async def test_an_untick_never_takes_back_a_tick_that_its_reader_has_not_seen(sandbox, people):
    await press(people, "dan", await opened(people), "dyn:tick", "security-review")
    seen = await shows(people, 2)
    await press(people, "dan", seen, "dyn:untick", "security-review")
    await press(people, "dan", await shows(people, 1), "dyn:tick", "security-review")
    await shows(people, 2)
    value = on(seen, "dyn:untick", "security-review").element["value"]
    ref = await forge(sandbox, "dyn:untick", value)  # the old rendering, still on a screen
    old = await people.message("dan", channel=PROD, where=lambda m: m.ts == ref.ts)
    await people.click("dan", old, "dyn:untick")
    await refused(people, "dan", "ticked anew")
    assert "security-review" in (await stored(sandbox)).ticks


@pytest.mark.parametrize(
    ("action", "value", "word"),
    [
        ("dyn:tick", "", "no such list"),
        ("dyn:tick", "tasks-service", "no such list"),
        ("dyn:tick", "tasks-service|sha256:" + "0" * 64 + "|security-review", "no such list"),
        ("dyn:tick", "nothing|{digest}|security-review", "no such list"),
        ("dyn:tick", "tasks-service|{digest}|no-such-item", "no such item"),
        ("dyn:tick", "tasks-service|{digest}|tests", "evidence alone"),
        ("dyn:tick", "tasks-service|{digest}|documentation", "not yours"),
        ("dyn:untick", "tasks-service|{digest}|security-review|", "not ticked"),
        ("dyn:untick", "tasks-service|{digest}|security-review|yesterday", "not ticked"),
        ("dyn:evidence", "tasks-service|{digest}|' or 1=1|x|y|z", "no such item"),
        ("dyn:evidence", "||||", "no such list"),
        ("dyn:checklist", "../../etc|{digest}", "no such list"),
        ("dyn:checklist", "tasks-service|latest", "no such list"),
        ("dyn:checklist", "tasks-service|sha256:" + "0" * 64, "no such list"),
        ("dyn:checklist", "auth-service|", "no such list"),
    ],
)
async def test_a_forged_value_gets_an_answer_and_changes_nothing(
    sandbox, people, action, value, word
):
    await opened(people)
    before = await stored(sandbox)
    ref = await forge(sandbox, action, value.replace("{digest}", digest_of(sandbox)) or "|")
    message = await people.message("dan", channel=PROD, where=lambda m: m.ts == ref.ts)
    await people.click("dan", message, action)
    await refused(people, "dan", word)
    assert await stored(sandbox) == before


async def test_a_person_of_another_workspace_has_no_role_here(sandbox, people):
    message = await opened(people)
    body = {
        "type": "block_actions",
        "user": {"id": "U0STRANGER", "team_id": "T0OTHER000"},
        "team": {"id": "T0OTHER000"},
        "channel": {"id": "C0PRODUCTN"},
        "trigger_id": "1.2.3",
        "actions": [{**on(message, "dyn:tick", "security-review").element, "action_ts": "1.1"}],
    }
    acked = []

    async def ack(**kwargs):
        acked.append(kwargs)

    router = Router(sandbox.dynamo.edges, lambda _: None)
    await router._on_click(ack, body)
    assert acked == [{}]
    await router.drain(10)
    assert [*(await stored(sandbox)).ticks] == ["tests"]
    assert (await actions_recorded(sandbox))["tick-refused"] == 1


# --- other releases ------------------------------------------------------------------------------


async def test_a_new_digest_starts_a_new_list_and_says_what_does_not_carry_over(sandbox, people):
    old = await opened(people, "1.3.2")
    await press(people, "dan", old, "dyn:tick", "security-review")
    await shows(people, 2, "1.3.2")
    new = await opened(people, "1.4.0")
    assert "1 of 5" in new.words
    assert "2 of 5 of 1.3.2" in new.words
    assert "do not carry over" in new.words
    replaced = await people.message(
        "ben", channel=PROD, where=lambda m: m.ts == old.ts and "1.4.0" in m.words
    )
    assert "No longer the current list" in replaced.words
    assert replaced.buttons == ["Open the newest list"]
    await people.click("ben", replaced, "dyn:checklist")
    answer = await people.message("ben", channel=PROD, where=private)
    assert new.ts.replace(".", "") in answer.words


async def test_a_click_on_the_message_of_an_older_digest_is_told_and_changes_nothing(
    sandbox, people
):
    old = await opened(people, "1.3.2")
    value = on(old, "dyn:tick", "security-review").element["value"]
    await opened(people, "1.4.0")
    ref = await forge(sandbox, "dyn:tick", value)
    message = await people.message("dan", channel=PROD, where=lambda m: m.ts == ref.ts)
    await people.click("dan", message, "dyn:tick")
    answer = await refused(people, "dan", "current one is that of 1.4.0")
    assert answer.buttons == ["Open the newest list"]
    assert "security-review" not in (await stored(sandbox, "1.3.2")).ticks
    assert "security-review" not in (await stored(sandbox)).ticks


async def test_a_list_whose_message_was_deleted_is_posted_anew(sandbox, people):
    message = await opened(people)
    channel = sandbox.slack.workspace.channels["C0PRODUCTN"]
    await people.fault(method="chat.update", error="message_not_found", times=1)
    await press(people, "dan", message, "dyn:tick", "security-review")
    again = await people.message(
        "ben", channel=PROD, where=lambda m: m.ts != message.ts and "2 of 5" in m.words
    )
    assert (await stored(sandbox)).card.ts == again.ts
    assert channel.by_ts[again.ts]


async def test_slack_away_for_a_moment_delays_the_message_and_not_the_tick(sandbox, people):
    message = await opened(people)
    await people.fault(method="chat.update", status=500, error="internal_error", times=2)
    await press(people, "dan", message, "dyn:tick", "security-review")
    await shows(people, 2)
    assert "security-review" in (await stored(sandbox)).ticks


# --- after a stop --------------------------------------------------------------------------------


async def test_what_was_not_shown_before_a_stop_is_shown_after_the_next_start(tmp_path):
    keep = tmp_path / "keep"
    async with launch(Options(speed=10, keep=keep, config=CONFIG)) as sandbox:
        edges = sandbox.dynamo.edges
        await edges.checklists.open(_list(sandbox), lambda former: None, lambda before, after: None)
    async with (
        launch(Options(speed=10, keep=keep, config=CONFIG)) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        message = await slack.message("ben", channel=PROD, where=lambda m: m.from_app)
        assert "of 5" in message.words  # CI may have ticked its item by then
        assert len([m for m in await slack.messages("ben", PROD) if m.from_app]) == 1


def _list(sandbox):
    from bot.domain.checklist import Checklist

    return Checklist(SERVICE, digest_of(sandbox), "1.4.0", sandbox.clock.now(), "U0BEN00000")


async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_twice(sandbox, people):
    await people.fault(method="chat.postMessage", drop=True, after=True, times=1)
    await people.say("ben", GENERAL, f"/dynamo checklist {SERVICE} 1.4.0")
    answer = await people.message("ben", channel=GENERAL, where=private)
    assert "on its way" in answer.words or "archives/" in answer.words  # posted by then
    assert "did not work" not in answer.words
    async with asyncio.timeout(60):
        while True:
            held = await stored(sandbox)
            if held is not None and held.card.ts:
                break
            await asyncio.sleep(0.05)
    assert len([m for m in await people.messages("ben", PROD) if m.from_app]) == 1


# --- the gate ------------------------------------------------------------------------------------


async def complete(people, version="1.4.0"):
    await press(people, "carla", await opened(people, version), "dyn:tick", "performance")
    await press(people, "carla", await shows(people, 2, version), "dyn:tick", "manual-qa")
    await press(people, "dan", await shows(people, 3, version), "dyn:tick", "security-review")
    await press(people, "farid", await shows(people, 4, version), "dyn:tick", "documentation")
    return await shows(people, 5, version)


async def gate_of(sandbox, version="1.4.0"):
    """The checklist's answer for production, as a request gets it."""
    from bot.domain.workload import Workload
    from bot.workflows.edges import Place
    from bot.workflows.gates.checklist import checklist
    from bot.workflows.gates.facts import Facts
    from bot.workflows.version import Chosen, choose

    edges = sandbox.dynamo.edges
    place = Place(edges.catalog.service(SERVICE), edges.catalog.environment("prod"))
    chosen = await choose(place, version, edges)
    assert isinstance(chosen, Chosen)
    look = await edges.cluster.workload(place.context, place.namespace, SERVICE)
    assert isinstance(look, Workload)
    return await checklist(Facts(place, chosen, Actor("U0ELENA000").id, look), edges)


async def test_production_is_refused_while_the_list_is_open_with_what_is_missing(sandbox, people):
    await press(people, "carla", await opened(people), "dyn:tick", "performance")
    await shows(people, 2)
    await people.say("elena", PROD, f"/dynamo deploy {SERVICE} prod 1.4.0")
    answer = await people.message("elena", channel=PROD, where=private)
    assert "Lista 2 de 5" in answer.words
    for said in ("Revisión de seguridad (<!subteam^S0SECURITY>)", "<!subteam^S0DOCSTEAM>"):
        assert said in answer.words, said
    assert "Abrir la lista" in answer.buttons
    await people.click("elena", answer, "dyn:checklist")
    linked = await people.message(
        "elena", channel=PROD, where=lambda m: private(m) and "2 de 5" in m.words, after=answer.ts
    )
    assert "archives/C0PRODUCTN" in linked.words


async def test_the_gate_lets_through_when_the_list_is_complete_and_closes_again_with_an_untick(
    sandbox, people
):
    before = await gate_of(sandbox)
    assert (before.ok, before.code) == (False, "CHECKLIST_OPEN")
    assert json.loads(str(before.values["waiting"]))[0]["id"] == "performance"
    message = await complete(people)
    assert (await gate_of(sandbox)).ok
    await press(people, "dan", message, "dyn:untick", "security-review")
    await shows(people, 4)
    assert not (await gate_of(sandbox)).ok


async def test_the_list_of_one_digest_opens_nothing_for_another(sandbox, people):
    await complete(people)
    assert not (await gate_of(sandbox, "1.5.0")).ok


@pytest.fixture
def open_way(tmp_path):
    """The sample, with nothing but CI and the checklist between QA and production."""
    catalog = yaml.safe_load(CONFIG.read_text())
    (tmp_path / "k8s").symlink_to(CONFIG.parent / "k8s")
    prod = catalog["environments"][-1]
    prod |= {"confirm": False, "auto": True, "stability_window": "5s"}
    prod.pop("approvals", None)
    path = tmp_path / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


async def test_production_waits_for_the_list_goes_when_it_is_complete_and_closes_it(
    tmp_path, open_way
):
    options = Options(speed=10, keep=tmp_path / "keep", config=open_way)
    async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
        await slack.watch(*EVERYBODY)
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
        await slack.message("ben", channel=QA, where=lambda m: "Succeeded" in m.words, timeout=30)
        await slack.say("elena", PROD, f"/dynamo deploy {SERVICE} prod 1.4.0")
        waiting = await slack.message(
            "ben", channel=PROD, where=lambda m: m.from_app and "Checklist 1 of 5" in m.words
        )
        assert "Security review (<!subteam^S0SECURITY>)" in waiting.words
        running = await sandbox.dynamo.edges.cluster.workload("", "dynamo", SERVICE)
        assert running.deployment.version == "1.3.2"
        await slack.click("elena", waiting, "Open the checklist")
        linked = await slack.message("elena", channel=PROD, where=private)
        assert "1 de 5" in linked.words
        await complete(slack)
        done = await slack.message(
            "ben",
            channel=PROD,
            where=lambda m: m.ts == waiting.ts and "Succeeded" in m.words,
            timeout=40,
        )
        assert done.from_app
        closed = await slack.message(
            "ben", channel=PROD, where=lambda m: "*Closed*" in m.words and "5 of 5" in m.words
        )
        assert closed.buttons == []
        digest = digest_of(sandbox)
        ref = await forge(sandbox, "dyn:untick", f"{SERVICE}|{digest}|security-review|")
        old = await slack.message("dan", channel=PROD, where=lambda m: m.ts == ref.ts)
        await slack.click("dan", old, "dyn:untick")
        await refused(slack, "dan", "already in Production")
        assert "security-review" in (await stored(sandbox)).ticks
