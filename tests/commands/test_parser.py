"""What people type, and what it means."""

import pytest

from commands.command import Argument, Command, Invocation, Kind, Option, UsageError
from commands.parser import parse
from commands.typed import clean, escape
from commands.vocabulary import VERBS
from config.catalog import Catalog

DIGEST = "sha256:" + "ab12" * 16


def understood(text: str, catalog: Catalog, *more: Command) -> Invocation:
    answer = parse(text, catalog, (*VERBS, *more))
    assert isinstance(answer, Invocation), answer
    return answer


def test_the_whole_of_an_invocation(sample: Catalog) -> None:
    text = 'deploy tasks-service qa 1.4.0 --dry-run --reason "fixes #231"'
    assert understood(text, sample) == Invocation(
        command="deploy",
        service="tasks-service",
        environment="qa",
        version="1.4.0",
        options={"dry-run": True, "reason": "fixes #231"},
        line=text,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("deploy tasks-service qa", "deploy tasks-service qa"),
        ("deploy tasks to production", "deploy tasks-service prod"),
        ("deploy tasks in qa", "deploy tasks-service qa"),
        ("deploy tasks on qa", "deploy tasks-service qa"),
        ("DEPLOY Tasks QA", "deploy tasks-service qa"),
        ("deploy qa tasks", "deploy tasks-service qa"),
        ("deploy 1.4.0 qa tasks", "deploy tasks-service qa 1.4.0"),
        ("deploy gateway dev", "deploy api-gateway dev"),
        ("deploy tasks_service qa", "deploy tasks-service qa"),
        ("deploy `tasks-service` qa", "deploy tasks-service qa"),
        ("deploy tasks, qa!", "deploy tasks-service qa"),
        ("ship tasks qa", "deploy tasks-service qa"),
        ("status", "status"),
        ("status qa", "status qa"),
        ("status tasks", "status tasks-service"),
        ("status qa tasks", "status tasks-service qa"),
        ("cancel tasks qa", "cancel tasks-service qa"),
        ("help", "help"),
        ("help deploy", "help deploy"),
    ],
)
def test_english(sample: Catalog, text: str, line: str) -> None:
    assert understood(text, sample).line == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("desplegar tareas en producción", "deploy tasks-service prod"),
        ("desplegar tasks a calidad", "deploy tasks-service qa"),
        ("Desplegar autenticacion en PRODUCCION", "deploy auth-service prod"),
        ("despliega formularios en desarrollo", "deploy forms-service dev"),
        ("desplegar notificaciones qa --simular", "deploy notifications-service qa --dry-run"),
        ("desplegar tareas qa --razón urgente", 'deploy tasks-service qa --reason "urgente"'),
        ("desplegar tareas qa --razon=urgente", 'deploy tasks-service qa --reason "urgente"'),
        ("estado qa", "status qa"),
        ("ayuda desplegar", "help deploy"),
        ("cancelar tareas en qa", "cancel tasks-service qa"),
    ],
)
def test_spanish(sample: Catalog, text: str, line: str) -> None:
    assert understood(text, sample).line == line


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("deploy tasks qa v1.4.0-RC.1", "v1.4.0-RC.1"),
        ("deploy tasks@1.4.0 qa", "1.4.0"),
        ("deploy tasks:1.4.0 qa", "1.4.0"),
        ("deploy qa tasks:1.4.0", "1.4.0"),
        ("deploy tasks qa main", "main"),
        ("deploy tasks qa 2026-11-24-9f04ab1", "2026-11-24-9f04ab1"),
        ("deploy tasks qa 9f04ab1", "9f04ab1"),
        (f"deploy tasks qa {DIGEST}", DIGEST),
        (f"deploy tasks@{DIGEST} qa", DIGEST),
        (f"deploy tasks:1.4.0@{DIGEST} qa", DIGEST),
        ("deploy registry.yourapp.com/dynamo/tasks-service:1.4.0 qa", "1.4.0"),
        (f"deploy qa registry.yourapp.com/dynamo/tasks-service@{DIGEST}", DIGEST),
        ("deploy tasks qa " + "x" * 128, "x" * 128),
    ],
)
def test_versions_keep_their_case_and_stand_anywhere(
    sample: Catalog, text: str, version: str
) -> None:
    found = understood(text, sample)
    assert (found.service, found.environment) == ("tasks-service", "qa")
    assert found.version == version


@pytest.mark.parametrize("tag", ["qa", "to", "tasks", "production"])
def test_a_tag_that_is_also_a_name_is_written_so_that_it_stays_a_tag(
    sample: Catalog, tag: str
) -> None:
    found = understood(f"deploy tasks-service@{tag} dev", sample)
    assert found.version == tag
    assert found.line == f"deploy tasks-service@{tag} dev"


@pytest.mark.parametrize(
    "text",
    [
        "/dynamo deploy tasks qa",
        "dynamo deploy tasks qa",
        "/dynamo /dynamo deploy tasks qa",
        "`/dynamo deploy tasks qa`",
        "<@U0DYNAMO00> deploy tasks qa",
        "<@U0DYNAMO00|deploy-bot> deploy tasks qa",
        "<@U0DYNAMO00>, deploy tasks qa",
        "Dynamo: deploy tasks qa",
        "deploy\u00a0tasks\u2009qa",
        "\ufeffdeploy ta\u200bsks qa\u200e",
        "  deploy\ttasks\r\nqa  ",
        "deploy “tasks-service” ‘qa’",
        "deploy «tasks-service» „qa“",
        "deploy <http://tasks-service.qa|tasks-service.qa>",
        "deploy tasks/qa",
        "deploy tasks‑service qa",
    ],
)
def test_what_slack_and_keyboards_do_to_a_line_is_undone(sample: Catalog, text: str) -> None:
    assert understood(text, sample).line == "deploy tasks-service qa"


@pytest.mark.parametrize("dash", ["--", "—", "–", "-", "−−", "---"])
def test_an_option_survives_every_kind_of_dash(sample: Catalog, dash: str) -> None:
    assert understood(f"deploy tasks qa {dash}dry-run", sample).options == {"dry-run": True}


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ('--reason "fixes #231"', "fixes #231"),
        ("--reason=“fixes #231”", "fixes #231"),
        ('--reason "fixes #231”', "fixes #231"),
        ("--reason 'it's broken'", "it's broken"),
        ('--reason "she said “go” twice"', "she said “go” twice"),
        (r'--reason "a \"quoted\" word"', 'a "quoted" word'),
        (r'--reason "C:\temp"', r"C:\temp"),
        ("--reason=hotfix", "hotfix"),
        ("--reason hotfix", "hotfix"),
        ("--reason fix:login", "fix:login"),
        ("--reason don't", "don't"),
        ('--reason "a &lt; b &amp;&amp; c"', "a < b && c"),
        ('--reason "for <@U0ELENA000|elena>"', "for @elena"),
        ('--reason "for <@U0ELENA000>"', "for @U0ELENA000"),
        ('--reason "see <#C0QADEPLOYS|qa-deploys>"', "see #qa-deploys"),
        ('--reason "<!channel> look"', "@channel look"),
        ('--reason "<!subteam^S0SECURITY|@security> ok"', "@security ok"),
        ('--reason "<https://x.io/1|x.io/1> and <https://x.io/2>"', "x.io/1 and https://x.io/2"),
        ('--reason "ask <mailto:ana@x.io|ana@x.io>"', "ask ana@x.io"),
        ('--reason "&lt;@U0ELENA000&gt;"', "<@U0ELENA000>"),
        ('--reason "&amp;amp; &amp;lt;"', "&amp; &lt;"),
        ('--reason "two\n lines"', "two lines"),
        ('--reason "right\u202eleft"', "rightleft"),
        ('--reason "half \ud83d"', "half \ufffd"),
        ('--reason "1.5.0 --dry-run qa"', "1.5.0 --dry-run qa"),
    ],
)
def test_reasons_arrive_as_they_were_meant(sample: Catalog, typed: str, reason: str) -> None:
    found = understood(f"deploy tasks qa 1.4.0 {typed}", sample)
    assert found.options == {"reason": reason}
    assert found.version == "1.4.0"
    assert parse(found.line, sample) == found


def test_options_stand_anywhere(sample: Catalog) -> None:
    found = understood("deploy --dry-run tasks --reason='go on' qa", sample)
    assert found.line == 'deploy tasks-service qa --dry-run --reason "go on"'


def test_a_short_form_takes_the_place_that_its_neighbours_leave(sample: Catalog) -> None:
    assert understood("deploy pro tasks", sample).line == "deploy tasks-service prod"
    assert understood("deploy pro qa", sample).line == "deploy projects-service qa"


def test_a_later_verb_is_one_declaration_more(sample: Catalog) -> None:
    grow = Command(
        "grow",
        aliases=("crecer",),
        arguments=(
            Argument("service", Kind.SERVICE),
            Argument("environment", Kind.ENVIRONMENT),
            Argument("count", Kind.COUNT),
        ),
    )
    found = understood("crecer -1 tasks en qa", sample, grow)
    assert found.arguments == {"count": "-1"}
    assert found.line == "grow tasks-service qa -1"
    assert grow.usage == "grow SERVICE ENVIRONMENT COUNT"


def test_two_environments_keep_their_order(sample: Catalog) -> None:
    diff = Command(
        "diff",
        arguments=(
            Argument("service", Kind.SERVICE),
            Argument("environment", Kind.ENVIRONMENT),
            Argument("other-environment", Kind.ENVIRONMENT),
        ),
    )
    found = understood("diff prod tasks qa", sample, diff)
    assert (found.environment, found.arguments) == ("prod", {"other-environment": "qa"})


def test_text_takes_the_rest_of_the_line(sample: Catalog) -> None:
    remark = Command(
        "remark",
        arguments=(
            Argument("environment", Kind.ENVIRONMENT),
            Argument("note", Kind.TEXT, required=False),
        ),
        options=(Option("for", kind=Kind.DURATION),),
    )
    found = understood("remark qa load test in the morning --for 2h", sample, remark)
    assert found.arguments == {"note": "load test in the morning"}
    assert found.options == {"for": "2h"}
    assert found.line == 'remark qa "load test in the morning" --for 2h'
    assert parse(found.line, sample, (remark,)) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("deploy --help", "help deploy"),
        ("deploy -h", "help deploy"),
        ("desplegar --ayuda", "help deploy"),
        ("deploy tasks-servce —help", "help deploy"),
        ("deploy tasks-service qa 1.4.0 --dry-run --help", "help deploy"),
        ("help --help", "help"),
        ("--help", "help"),
        ("-h", "help"),
    ],
)
def test_asking_for_help_as_in_a_shell_is_answered_as_help(
    sample: Catalog, text: str, line: str
) -> None:
    answer = parse(text, sample)
    assert isinstance(answer, Invocation)
    assert (answer.command, answer.line) == ("help", line)
    assert answer.arguments == ({"command": "deploy"} if "deploy" in line else {})


def test_help_between_quotes_is_a_reason_and_asks_for_nothing(sample: Catalog) -> None:
    answer = parse('deploy tasks-service qa --reason "--help"', sample)
    assert isinstance(answer, Invocation)
    assert (answer.command, answer.options) == ("deploy", {"reason": "--help"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("deploy <@U0ANA00000|ana> qa", "@ana"),
        ("deploy &lt;@U0ANA00000|ana&gt; qa", "@ana"),
        ("deploy <#C0QADEPLOYS|qa-deploys> qa", "#qa-deploys"),
        ("deploy &lt;#C0QADEPLOYS|qa-deploys&gt; qa", "#qa-deploys"),
        ("deploy &lt;@U0ANA00000|&gt; qa", "@U0ANA00000"),
    ],
)
def test_what_slack_made_of_a_name_is_read_as_the_name_even_when_it_was_pasted(
    sample: Catalog, text: str, word: str
) -> None:
    error = parse(text, sample)
    assert isinstance(error, UsageError)
    assert error.values["word"] == word


def test_a_name_within_names_costs_no_time_and_leaves_none_behind() -> None:
    text = clean("&lt;@A|" * 2_000 + "x" + "&gt;" * 2_000)
    assert "<@" not in text
    assert clean(escape(text)) == text
