"""The form through the wire: `/dynamo` alone, the shortcut, each choice drawn, the line run."""

from bot.cards.form import NOTHING
from bot.sandbox.slack.driver import SlackDriver, View

QA = "#qa-deploys"
SERVICE, ENVIRONMENT = "dyn:form:argument.service", "dyn:form:argument.environment"
VERSION = "dyn:form:argument.version.tasks-service"
PATIENT = 30.0


async def drawn(slack: SlackDriver, user: str, said: str) -> View:
    return await slack.view(user, where=lambda v: said in v.words, timeout=PATIENT)


async def choose(slack: SlackDriver, user: str, form: View, said: str, *what: str) -> View:
    await slack.choose(user, form, *what)
    return await drawn(slack, user, said)


async def test_a_line_is_built_choice_by_choice_and_runs_as_it_is_shown(slack):
    await slack.say("ben", "#general", "/dynamo")
    form = await drawn(slack, "ben", "Choose, and the line below writes itself")
    form = await choose(
        slack, "ben", form, "/dynamo deploy SERVICE ENVIRONMENT", "dyn:form:verb", "deploy"
    )
    form = await choose(
        slack, "ben", form, "/dynamo deploy tasks-service ENVIRONMENT", SERVICE, "tasks-service"
    )
    form = await choose(slack, "ben", form, "/dynamo deploy tasks-service qa`", ENVIRONMENT, "qa")
    offered = (await slack.options("ben", form, VERSION, ""))["options"]
    versions = [option["value"] for option in offered]
    assert versions[0] == NOTHING, "it can be left out"
    assert "1.4.0" in versions
    found = (await slack.options("ben", form, VERSION, "1.4"))["options"]
    assert [option["value"] for option in found] == ["1.4", "1.4.0"]
    await slack.choose("ben", form, VERSION, selected_option=found[1])
    form = await drawn(slack, "ben", "/dynamo deploy tasks-service qa 1.4.0`")
    boxes = "dyn:form:options.deploy"
    form = await choose(slack, "ben", form, "still needs: *Reason*", boxes, "dry-run", "reason")
    line = 'deploy tasks-service qa 1.4.0 --dry-run --reason "it is time"'
    reason = "dyn:form:option.reason"
    await slack.choose("ben", form, reason, value="it is time")
    form = await drawn(slack, "ben", line)
    assert "This is what runs" in form.words
    await slack.submit("ben", form)
    await slack.no_view("ben")
    answer = await slack.message("ben", where=lambda m: m.ephemeral and line in m.words)
    assert answer.channel == (await slack.channel("ben", "#general"))["id"]


async def test_a_mistake_is_shown_at_its_field_and_the_window_stays(slack):
    await slack.say("ben", QA, "/dynamo")
    form = await drawn(slack, "ben", "Choose, and the line")
    form = await choose(slack, "ben", form, "/dynamo scale", "dyn:form:verb", "scale")
    form = await choose(slack, "ben", form, "scale tasks-service", SERVICE, "tasks-service")
    form = await choose(slack, "ben", form, "scale tasks-service qa", ENVIRONMENT, "qa")
    replicas = "dyn:form:argument.replicas"
    answer = await slack.submit("ben", form, {replicas: "many"})
    assert answer["response_action"] == "errors"
    assert list(answer["errors"]) == ["argument.replicas"]
    assert "“many” is no count" in answer["errors"]["argument.replicas"]
    await slack.submit("ben", form, {replicas: "+1"})
    await slack.no_view("ben")
    card = await slack.message(
        "ben", channel=QA, where=lambda m: "scale tasks-service qa +1" in m.words
    )
    assert card.from_app


async def test_the_environment_begins_with_that_of_the_channel_and_can_be_another(slack):
    await slack.say("ben", QA, "/dynamo")
    form = await drawn(slack, "ben", "Choose, and the line")
    form = await choose(slack, "ben", form, "deploy SERVICE qa`", "dyn:form:verb", "deploy")
    form = await choose(slack, "ben", form, "logs SERVICE qa`", "dyn:form:verb", "logs")
    form = await choose(slack, "ben", form, "logs SERVICE dev`", ENVIRONMENT, "dev")
    form = await choose(
        slack, "ben", form, "/dynamo logs tasks-service dev`", SERVICE, "tasks-service"
    )
    await slack.submit("ben", form)
    await slack.message("ben", where=lambda m: "logs tasks-service dev" in m.words)


async def test_the_shortcut_opens_it_in_the_readers_language_and_answers_in_messages(slack):
    await slack.shortcut("ana", "dyn_open")
    form = await drawn(slack, "ana", "la línea de abajo se escribe sola")
    form = await choose(slack, "ana", form, "/dynamo status`", "dyn:form:verb", "status")
    form = await choose(slack, "ana", form, "/dynamo status qa`", ENVIRONMENT, "qa")
    await slack.submit("ana", form)
    answer = await slack.message(
        "ana", where=lambda m: "tasks-service" in m.words, channel="@dynamo"
    )
    assert not answer.ephemeral, "what is said in one's own messages stays there"


async def test_the_gates_and_rights_are_those_of_typing(slack):
    await slack.shortcut("ben", "dyn_open")
    form = await drawn(slack, "ben", "Choose, and the line")
    form = await choose(slack, "ben", form, "/dynamo lock ENVIRONMENT", "dyn:form:verb", "lock")
    form = await choose(slack, "ben", form, "/dynamo lock prod`", ENVIRONMENT, "prod")
    await slack.submit("ben", form)
    refused = await slack.message("ben", channel="@dynamo", timeout=PATIENT)
    assert "You may not do that here" in refused.words


async def test_a_mention_that_says_nothing_is_answered_with_help_whose_button_opens_the_form(slack):
    await slack.say("ben", QA, "@dynamo")
    answer = await slack.message("ben", where=lambda m: "What you can ask me" in m.words)
    await slack.click("ben", answer, "Open the form")
    await drawn(slack, "ben", "Choose, and the line")
    again = await slack.message("ben", where=lambda m: "What you can ask me" in m.words)
    assert again.ts == answer.ts, "help stays where it is"


async def test_where_slack_opens_no_window_the_line_is_answered_with_help(slack):
    await slack.fault(method="views.open", error="expired_trigger_id", times=1)
    await slack.say("ben", QA, "/dynamo")
    await slack.message("ben", where=lambda m: m.ephemeral and "What you can ask me" in m.words)
