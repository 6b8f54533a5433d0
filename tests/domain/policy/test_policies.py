"""Each policy: kept by what is sound, broken by what it names, not known where it cannot be."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.belongings import Unread
from bot.domain.comparison import Area, Code, Disparity, Weight
from bot.domain.policy import JUDGES, OF_DYNAMO, judge_policies, parity_with, promised, worst_first
from bot.domain.policy.autoscaling import autoscaling
from bot.domain.policy.finding import Parity, PolicyFinding, Standing, packed, unpacked
from bot.domain.policy.no_debug_tools import no_debug_tools
from bot.domain.policy.parity import masked, production_parity
from bot.domain.policy.structured_logs import ENOUGH, structured_logs
from bot.domain.policy.supabase import isolated_supabase, shared_supabase
from bot.domain.redaction import MASK
from config.catalog import Policy, Severity
from tests.domain.policy.conftest import autoscaler

BARRED = {"configs": {}, "unread": (Unread("get", "configmaps", "dynamo"),)}


def test_every_policy_of_the_catalog_has_a_judge():
    assert set(JUDGES) == set(Policy) - OF_DYNAMO


# no-debug-tools


def test_a_plain_production_service_has_no_debug_tools(scene):
    said = no_debug_tools(scene({"LOG_LEVEL": "info", "DEBUG": "false", "NODE_OPTIONS": ""}))
    assert (said.standing, said.code) == (Standing.KEPT, "NO_DEBUG_TOOLS")


@pytest.mark.parametrize(
    ("data", "container", "code"),
    [
        ({"NODE_ENV": "development"}, {}, "MODE"),
        ({"NODE_ENV": "staging"}, {}, "MODE"),
        ({"RAILS_ENV": "development"}, {}, "MODE"),
        ({"DEBUG": "express:*"}, {}, "DEBUG_ON"),
        ({"FLASK_DEBUG": "1"}, {}, "DEBUG_ON"),
        ({"LOG_LEVEL": "debug"}, {}, "LOG_LEVEL"),
        ({"TASKS_LOG_LEVEL": "TRACE"}, {}, "LOG_LEVEL"),
        ({"RUST_LOG": "info,hyper=trace"}, {}, "LOG_LEVEL"),
        ({"NODE_OPTIONS": "--max-old-space-size=200 --inspect=0.0.0.0:9229"}, {}, "DEBUGGER"),
        ({"NODE_OPTIONS": "--enable-source-maps"}, {}, "SOURCE_MAPS"),
        ({"GENERATE_SOURCEMAP": "true"}, {}, "SOURCE_MAPS"),
        ({"JAVA_TOOL_OPTIONS": "-agentlib:jdwp=transport=dt_socket,address=5005"}, {}, "DEBUGGER"),
        ({}, {"command": ["node", "--inspect-brk", "server.js"]}, "DEBUGGER"),
        ({}, {"args": ["python", "-m", "debugpy", "--listen", "5678"]}, "DEBUGGER"),
        ({}, {"command": ["/bin/sh", "-c", "dlv exec ./app"]}, "DEBUGGER"),
        ({}, {"ports": [{"containerPort": 9229}]}, "PORT"),
        ({}, {"ports": [{"name": "debug", "containerPort": 4000}]}, "PORT"),
    ],
)
def test_each_debug_tool_is_found_and_named(scene, data, container, code):
    said = no_debug_tools(scene(data, container))
    assert said.standing is Standing.BROKEN
    assert [each.code for each in said.evidence] == [code]


@pytest.mark.parametrize(
    "data",
    [
        {"NODE_OPTIONS": "--inspector-gadget"},
        {"DEBUG": "0"},
        {"LOG_LEVEL": "warn"},
        {"CATALOG_LEVEL": "debug-proof"},
        {"RELEASE_NOTES": "we removed --inspect"},
    ],
)
def test_what_only_looks_like_a_debug_tool_is_none(scene, data):
    assert no_debug_tools(scene(data)).standing is Standing.KEPT


def test_a_variable_of_the_deployment_goes_over_that_of_a_config_map(scene):
    env = [{"name": "LOG_LEVEL", "value": "debug"}]
    said = no_debug_tools(scene({"LOG_LEVEL": "info"}, {"env": env}))
    (piece,) = said.evidence
    assert (piece.values["value"], piece.values["source"]) == ("debug", "")
    assert no_debug_tools(scene({"LOG_LEVEL": "debug"}, {"env": [{**env[0], "value": "info"}]}))


def test_without_the_right_to_read_config_maps_nothing_is_claimed(scene):
    said = no_debug_tools(scene(held=BARRED))
    assert (said.standing, said.code) == (Standing.UNKNOWN, "CANNOT_READ")
    assert said.values["resource"] == "configmaps"
    found = no_debug_tools(scene(None, {"command": ["node", "--inspect"]}, held=BARRED))
    assert found.standing is Standing.BROKEN, "what is seen all the same counts"


# structured-logs

JSON_LINE = json.dumps({"level": "info", "msg": "request", "ms": 12})


def test_json_and_logfmt_are_structured_and_a_few_words_of_a_runtime_do_not_matter(scene):
    logs = (*[JSON_LINE] * 30, *["level=info msg=x ms=1"] * 30, "Debugger off", "Started")
    said = structured_logs(scene(logs=logs))
    assert (said.standing, said.values["read"], said.values["of"]) == (Standing.KEPT, 60, 62)


def test_words_are_not_structured_and_one_line_is_shown_without_its_secrets(scene):
    logs = (*["listening on 8080"] * 30, "login with password=hunter22 failed")
    said = structured_logs(scene(logs=logs))
    assert said.standing is Standing.BROKEN
    (line,) = said.evidence
    assert "hunter22" not in str(line.values)
    assert MASK in str(line.values["line"])


def test_a_stack_trace_counts_as_the_line_that_it_belongs_to(scene):
    logs = tuple(line for _ in range(30) for line in (JSON_LINE, "    at x (y.js:1)"))
    assert structured_logs(scene(logs=logs)).standing is Standing.KEPT


@pytest.mark.parametrize(("logs", "code"), [(None, "LOGS_LATER"), ((), "LOGS_FEW")])
def test_too_few_lines_say_nothing(scene, logs, code):
    assert structured_logs(scene(logs=logs)).code == code
    assert structured_logs(scene(logs=("plain",) * (ENOUGH - 1))).standing is Standing.UNKNOWN


# autoscaling


def test_an_autoscaler_with_room_and_a_request_to_go_by_is_sound(scene):
    said = autoscaling(scene())
    assert (said.standing, said.code, dict(said.values)) == (
        Standing.KEPT,
        "AUTOSCALED",
        {"least": 2, "most": 6},
    )


@pytest.mark.parametrize(
    ("scaler", "container", "code"),
    [
        (autoscaler(4, 4), {}, "NO_ROOM"),
        (autoscaler(5, 3), {}, "NO_ROOM"),
        (autoscaler(2, 99), {}, "BEYOND_BOUNDS"),
        (autoscaler(metrics=[]), {}, "NO_METRICS"),
        (autoscaler(), {"resources": {}}, "NO_REQUEST"),
    ],
)
def test_an_autoscaler_in_name_only_is_told_with_what_it_lacks(scene, scaler, container, code):
    said = autoscaling(scene(None, container, held={"autoscaler": scaler}))
    assert said.standing is Standing.BROKEN
    assert [each.code for each in said.evidence] == [code]


def test_an_autoscaler_that_the_cluster_calls_inactive_is_told_with_its_words(scene):
    condition = {"type": "ScalingActive", "status": "False", "message": "no metrics server"}
    broken = {**autoscaler(), "status": {"conditions": [condition]}}
    (piece,) = autoscaling(scene(held={"autoscaler": broken})).evidence
    assert (piece.code, piece.values["why"]) == ("INACTIVE", "no metrics server")
    asleep = {**condition, "reason": "ScalingDisabled"}
    broken = {**autoscaler(), "status": {"conditions": [asleep]}}
    assert autoscaling(scene(held={"autoscaler": broken})).standing is Standing.KEPT


def test_a_limit_alone_is_a_request_too(scene):
    limited = {"resources": {"limits": {"cpu": "1"}}}
    assert autoscaling(scene(None, limited)).standing is Standing.KEPT


def test_without_an_autoscaler_it_is_broken_unless_people_said_the_number(scene, catalog):
    assert autoscaling(scene(held={"autoscaler": None})).code == "NO_AUTOSCALER"
    fixed = replace(scene(held={"autoscaler": None}), service=catalog.service("tasks-service"))
    said = autoscaling(fixed)
    assert (said.standing, said.values["count"]) == (Standing.EXEMPT, 4)


# production-parity

RISK = Disparity(Weight.RISK, Code.ONLY_LEFT, Area.VARIABLE, "FEATURE_X", of="tasks-service-config")


def test_a_key_that_only_qa_has_breaks_parity_and_is_named(scene, catalog):
    parity = Parity(catalog.environment("qa"), here_is_left=False, disparities=(RISK,))
    said = production_parity(scene(parity=parity))
    assert said.standing is Standing.BROKEN
    (piece,) = said.evidence
    assert (piece.code, piece.values["path"], piece.values["left"]) == (
        "ONLY_LEFT",
        "FEATURE_X",
        "qa",
    )


@pytest.mark.parametrize(
    ("change", "standing", "code"),
    [
        ({}, Standing.KEPT, "PARITY"),
        ({"missing": True}, Standing.UNKNOWN, "NOT_THERE"),
        ({"unknown": "AWAY"}, Standing.UNKNOWN, "NOT_COMPARED"),
        (
            {"disparities": (replace(RISK, weight=Weight.VERSION),)},
            Standing.KEPT,
            "PARITY",
        ),
    ],
)
def test_only_risks_break_parity_and_what_was_not_seen_is_not_known(
    scene, catalog, change, standing, code
):
    said = production_parity(scene(parity=Parity(catalog.environment("qa"), **change)))
    assert (said.standing, said.code) == (standing, code)


def test_a_secret_is_masked_by_its_name_and_by_its_looks():
    assert masked("containers[a].env[API_TOKEN].value", "abcdefgh") == MASK
    assert masked("URL", "https://u:p4ssw0rd@host/") == MASK
    assert masked("TTL", "30") == "30"


# Supabase


def test_an_instance_of_its_own_is_isolated_and_a_shared_one_names_who_shares_it(scene, peer):
    peers = (peer("qa", "other.supabase.co"), peer("dev", "other.supabase.co"))
    assert isolated_supabase(scene(peers=peers)).code == "ISOLATED"
    peers = (peer("qa", "mine.supabase.co"), peer("dev", "other.supabase.co"))
    said = isolated_supabase(scene(peers=peers))
    assert said.standing is Standing.BROKEN
    assert [each.values["environment"] for each in said.evidence] == ["qa"]


def test_a_peer_that_cannot_be_seen_leaves_isolation_open(scene, peer):
    said = isolated_supabase(scene(peers=(peer("qa", unknown="AWAY"), peer("dev", "x.co"))))
    assert (said.standing, said.code) == (Standing.UNKNOWN, "PEERS_UNKNOWN")


def test_sharing_is_fine_where_both_sides_share_and_not_with_an_isolated_one(scene, peer, catalog):
    together = replace(peer("prod", "mine.supabase.co"), environment=catalog.environment("dev"))
    assert shared_supabase(scene(environment="dev", peers=(together,))).code == "SHARED"
    alone = shared_supabase(scene(environment="dev", peers=(peer("qa", "x.supabase.co"),)))
    assert alone.code == "SHARED_WITH_NONE"
    taken = shared_supabase(scene(environment="dev", peers=(peer("prod", "mine.supabase.co"),)))
    assert (taken.standing, taken.code) == (Standing.BROKEN, "SHARES_AN_ISOLATED_ONE")


@pytest.mark.parametrize("name", ["SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_REST_URL"])
def test_an_instance_is_known_by_the_host_alone_whatever_stands_around_it(scene, name):
    value = "https://user:key-not-shown@Mine2.supabase.co:443/rest/v1?apikey=x"
    said = isolated_supabase(scene({"SUPABASE_URL": "", name: value}))
    assert said.values["instance"] == "mine2.supabase.co"
    assert "key-not-shown" not in str(said)


def test_a_service_without_an_address_shares_nothing(scene):
    said = isolated_supabase(scene({"SUPABASE_URL": "not an address"}))
    assert (said.standing, said.code) == (Standing.EXEMPT, "NO_INSTANCE")
    assert isolated_supabase(scene(held=BARRED)).code == "CANNOT_READ"


# Together


def test_the_sample_promises_parity_at_both_ends(catalog):
    qa, prod = catalog.environment("qa"), catalog.environment("prod")
    assert parity_with(qa, catalog) == prod
    assert parity_with(prod, catalog) == qa
    assert parity_with(catalog.environment("dev"), catalog) is None
    assert Policy.PRODUCTION_PARITY in promised(prod, catalog)
    assert Policy.PRODUCTION_PARITY not in promised(catalog.environment("dev"), catalog)


def test_the_severity_is_the_environments_and_only_what_is_known_to_be_broken_stops(scene, catalog):
    promises = {Policy.NO_DEBUG_TOOLS: Severity.WARN, Policy.AUTOSCALING: Severity.BLOCK}
    loud = scene({"LOG_LEVEL": "debug"}, held={"autoscaler": None})
    debug, scaling = judge_policies(loud, promises)
    assert (debug.warns, debug.blocks) == (True, False)
    assert (scaling.warns, scaling.blocks) == (False, True)
    barred = {**BARRED, "autoscaler": autoscaler()}
    unknown, _ = judge_policies(scene(held=barred), promises)
    assert (unknown.standing, unknown.warns, unknown.blocks) == (Standing.UNKNOWN, False, False)
    assert worst_first([debug, unknown, scaling])[0] is scaling


def test_logs_are_not_judged_before_a_rollout(scene):
    promises = {Policy.STRUCTURED_LOGS: Severity.WARN}
    assert judge_policies(replace(scene(), before=True), promises) == ()
    assert len(judge_policies(scene(), promises)) == 1


def test_findings_survive_the_way_through_a_store(scene, catalog):
    parity = Parity(catalog.environment("qa"), disparities=(RISK,))
    promises = dict.fromkeys(JUDGES, Severity.WARN)
    found: tuple[PolicyFinding, ...] = judge_policies(scene(parity=parity), promises)
    assert unpacked(packed(found)) == found
    for broken in ("", "null", "[1]", '[{"policy": "no"}]', "{}"):
        assert unpacked(broken) == ()


@pytest.mark.parametrize("judge", JUDGES.values())
@pytest.mark.parametrize("pod", [{}, {"containers": 3}, {"containers": [{"env": "x", "args": 4}]}])
def test_broken_objects_do_no_harm(scene, judge, pod: dict[str, Any]):
    judge(replace(scene(held={"autoscaler": {"spec": "x"}}), pod=pod, logs=("", "x")))
