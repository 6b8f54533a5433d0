"""Two environments held against each other: names before values, and what may differ by rule."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.belongings import Belongings, Unread
from bot.domain.comparison import (
    PLACE,
    Area,
    Code,
    Disparity,
    Side,
    Weight,
    compare,
    compare_names,
)
from bot.domain.expectations import Rules, Tokens, alike_but_for_the_place
from bot.domain.normal import autoscaler_leaves, deployment_leaves

QA = Tokens(("qa", "staging", "dynamo-qa", "qa.yourapp.com"))
PROD = Tokens(("prod", "live", "dynamo", "app.yourapp.com"))

DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "tasks", "uid": "1", "resourceVersion": "7", "generation": 3},
    "spec": {
        "replicas": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "tasks", "pod-template-hash": "abc"},
                "annotations": {"kubectl.kubernetes.io/restartedAt": "x", "dynamo/version": "1"},
            },
            "spec": {
                "dnsPolicy": "ClusterFirst",
                "schedulerName": "default-scheduler",
                "containers": [
                    {
                        "name": "tasks",
                        "image": "r.io/tasks:1.4.0@sha256:" + "a" * 64,
                        "terminationMessagePath": "/dev/termination-log",
                        "envFrom": [{"configMapRef": {"name": "tasks-config"}}],
                        "env": [
                            {"name": "A", "value": "1"},
                            {
                                "name": "DB",
                                "valueFrom": {"secretKeyRef": {"name": "tasks-keys", "key": "db"}},
                            },
                        ],
                        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
                        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
                        "volumeMounts": [
                            {"name": "tmp", "mountPath": "/tmp"},
                            {"name": "kube-api-access-x1", "mountPath": "/var/run/secrets"},
                        ],
                        "args": ["serve", "--fast"],
                    },
                    {"name": "log", "image": "r.io/log:2"},
                ],
                "volumes": [
                    {"name": "tmp", "emptyDir": {}},
                    {"name": "kube-api-access-x1", "projected": {}},
                ],
            },
        },
    },
    "status": {"replicas": 3},
}


def config(**data: str) -> dict[str, Any]:
    return {"metadata": {"name": "tasks-config"}, "data": data}


def held(deployment: dict[str, Any] | None = None, **more: Any) -> Belongings:
    whole: dict[str, Any] = {
        "deployment": deployment or copy.deepcopy(DEPLOYMENT),
        "configs": {"tasks-config": config(LOG_LEVEL="info")},
        "secrets": {"tasks-keys": {"db": "seal-1"}},
        **more,
    }
    return Belongings(namespace="x", **whole)


def found(left: Belongings, right: Belongings, rules: Rules | None = None) -> list[Disparity]:
    sides = Side("qa", QA, left), Side("prod", PROD, right)
    return list(compare(*sides, rules or Rules()))


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return first


@pytest.fixture
def other() -> dict[str, Any]:
    return copy.deepcopy(DEPLOYMENT)


def real(disparities: list[Disparity]) -> list[Disparity]:
    """What is not expected; that both sides hold one secret is of no interest here."""
    dull = (Weight.EXPECTED, Code.SECRET_SAME)
    return [each for each in disparities if each.weight not in dull and each.code not in dull]


# The normal form


def test_what_servers_controllers_and_injectors_keep_is_no_difference(other):
    other["metadata"] = {"name": "tasks", "uid": "2", "resourceVersion": "99", "generation": 12}
    template = other["spec"]["template"]
    template["metadata"]["labels"]["pod-template-hash"] = "def"
    template["metadata"]["annotations"] = {"sidecar.istio.io/status": "{}"}
    pod = template["spec"]
    del pod["dnsPolicy"], pod["schedulerName"], container(other)["terminationMessagePath"]
    del container(other)["ports"][0]["protocol"]
    pod["containers"].append({"name": "istio-proxy", "image": "istio/proxy:1"})
    pod["volumes"][1]["name"] = "kube-api-access-zz"
    container(other)["volumeMounts"][1]["name"] = "kube-api-access-zz"
    assert deployment_leaves(other) == deployment_leaves(DEPLOYMENT)


def test_the_same_amount_and_the_same_port_in_other_words_are_the_same(other):
    container(other)["resources"] = {"requests": {"cpu": "0.1"}, "limits": {"memory": "1024Mi"}}
    container(other)["ports"][0]["containerPort"] = "8080"
    assert deployment_leaves(other) == deployment_leaves(DEPLOYMENT)


def test_the_order_of_a_command_line_counts(other):
    container(other)["args"].reverse()
    differing = deployment_leaves(other).items() ^ deployment_leaves(DEPLOYMENT).items()
    assert {path for path, _ in differing} == {"containers[tasks].args"}


@st.composite
def _shuffled(draw: st.DrawFn) -> dict[str, Any]:
    """The Deployment with every list whose order means nothing in another order."""
    deployment = copy.deepcopy(DEPLOYMENT)
    pod = deployment["spec"]["template"]["spec"]
    for holder, name in [(pod, "containers"), (pod, "volumes")]:
        holder[name] = draw(st.permutations(holder[name]))
    for each in pod["containers"]:
        for name in ("env", "envFrom", "ports", "volumeMounts"):
            if name in each:
                each[name] = draw(st.permutations(each[name]))
    shuffled: dict[str, Any] = json.loads(json.dumps(deployment, sort_keys=draw(st.booleans())))
    return shuffled


@given(_shuffled())
def test_the_order_of_named_things_counts_for_nothing(shuffled):
    assert deployment_leaves(shuffled) == deployment_leaves(DEPLOYMENT)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=20,
)


@given(st.lists(st.dictionaries(st.sampled_from(["name", "key", "x", "y"]), _JSON), max_size=5))
def test_lists_of_things_without_names_are_read_the_same_in_any_order(things):
    def leaves(volumes: list[Any]) -> dict[str, str]:
        return deployment_leaves({"spec": {"template": {"spec": {"tolerations": volumes}}}})

    assert leaves(things) == leaves(things[::-1])


@given(_JSON)
def test_no_object_makes_it_fail(anything):
    deployment_leaves({"spec": anything})
    deployment_leaves({"spec": {"template": {"spec": anything}}})
    autoscaler_leaves({"spec": anything})
    broken = Belongings(deployment={"spec": anything}, configs={"c": {"data": anything}})
    sides = Side("qa", QA, broken), Side("prod", PROD, held())
    compare(*sides, Rules())


def test_an_autoscalers_metrics_are_known_by_what_they_measure():
    def scaler(*names: str) -> dict[str, Any]:
        metrics = [{"type": "Resource", "resource": {"name": name}} for name in names]
        return {"spec": {"maxReplicas": 4, "metrics": metrics}}

    assert autoscaler_leaves(scaler("cpu", "memory")) == autoscaler_leaves(scaler("memory", "cpu"))


# Names that one side lacks


def test_a_key_that_only_one_side_has_is_a_risk_with_its_name_and_its_config_map():
    left = held(configs={"tasks-config": config(LOG_LEVEL="info", FEATURE_X="on")})
    (risk,) = real(found(left, held()))
    assert (risk.weight, risk.code, risk.path) == (Weight.RISK, Code.ONLY_LEFT, "FEATURE_X")
    assert (risk.area, risk.of) == (Area.VARIABLE, "tasks-config")
    (risk,) = real(found(held(), left))
    assert risk.code is Code.ONLY_RIGHT


def test_a_name_that_the_other_side_has_from_elsewhere_is_not_missing(other):
    container(other)["env"].append({"name": "FEATURE_X", "value": "on"})
    left = held(configs={"tasks-config": config(LOG_LEVEL="info", FEATURE_X="on")})
    assert Weight.RISK not in {each.weight for each in found(left, held(other))}


def test_a_key_of_a_secret_that_only_one_side_has_is_a_risk(other):
    left = held(secrets={"tasks-keys": {"db": "s1", "mail": "s2"}})
    (risk,) = real(found(left, held()))
    assert (risk.area, risk.path, risk.left) == (Area.SECRET, "mail", "")
    # and where the pod asks for it by name, it does not even start
    for each in (DEPLOYMENT, other):
        assert each
    right = held(secrets={"tasks-keys": {}})
    risks = [each.path for each in found(held(), right) if each.weight is Weight.RISK]
    assert risks == ["DB"]


def test_a_config_map_that_is_not_there_is_a_risk():
    right = held(configs={"tasks-config": None})
    risks = [(e.area, e.of) for e in found(held(), right) if e.weight is Weight.RISK]
    assert (Area.CONFIG, "tasks-config") in risks


def test_what_may_not_be_read_is_not_called_missing():
    left = held(configs={"tasks-config": config(FEATURE_X="on")})
    unread = (Unread("get", "configmaps", "x"),)
    assert real(list(compare_names(*_sides(left, held(configs={}, unread=unread)), Rules()))) == []


def test_a_secret_that_may_not_be_read_hides_no_missing_key_of_a_config_map():
    left = held(configs={"tasks-config": config(LOG_LEVEL="info", FEATURE_X="on")})
    right = held(secrets={}, unread=(Unread("get", "secrets", "x"),))
    assert [each.path for each in compare_names(*_sides(left, right), Rules())] == ["FEATURE_X"]


def _sides(left: Belongings, right: Belongings) -> tuple[Side, Side]:
    return Side("qa", QA, left), Side("prod", PROD, right)


# Values, weights and rules


def test_what_decides_how_pods_run_is_a_risk_and_what_they_are_told_is_not(other):
    container(other)["readinessProbe"]["httpGet"]["path"] = "/ready"
    container(other)["env"][0]["value"] = "2"
    weights = {each.path: each.weight for each in found(held(), held(other))}
    assert weights["containers[tasks].readinessProbe.httpGet.path"] is Weight.RISK
    assert weights["containers[tasks].env[A].value"] is Weight.INFO


def test_another_image_is_a_version_and_another_registry_a_risk(other):
    container(other)["image"] = "r.io/tasks:1.3.2@sha256:" + "b" * 64
    assert {each.weight for each in real(found(held(), held(other)))} == {Weight.VERSION}
    container(other)["image"] = "evil.io/tasks:1.4.0@sha256:" + "a" * 64
    (risk,) = real([e for e in found(held(), held(other)) if e.area is Area.DEPLOYMENT])
    assert (risk.weight, risk.path) == (Weight.RISK, "containers[tasks].image.repository")


def test_sizes_may_differ_and_a_limit_that_is_missing_may_not(other):
    container(other)["resources"]["limits"]["memory"] = "2Gi"
    other["spec"]["replicas"] = 9
    assert real(found(held(), held(other))) == real(found(held(), held()))
    del container(other)["resources"]["limits"]
    (risk,) = real([e for e in found(held(), held(other)) if e.area is Area.DEPLOYMENT])
    assert risk.path == "containers[tasks].resources.limits.memory"


def test_values_that_name_their_environment_are_expected_and_say_so():
    left = held(configs={"tasks-config": config(URL="https://qa.yourapp.com/api")})
    right = held(configs={"tasks-config": config(URL="https://app.yourapp.com/api")})
    (expected,) = [each for each in found(left, right) if each.path == "URL"]
    assert (expected.weight, expected.rule) == (Weight.EXPECTED, PLACE)


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("https://yourapp-qa.supabase.co", "https://yourapp.supabase.co", True),
        ("dynamo-qa", "dynamo", True),
        ("qa", "prod", True),
        ("redis://cache.qa:6379", "redis://cache.prod:6379", True),
        ("aqua", "aprod", False),
        ("https://yourapp-qa.supabase.co", "https://other.supabase.co", False),
        ("30", "60", False),
    ],
)
def test_only_whole_words_name_an_environment(left, right, alike):
    assert alike_but_for_the_place(left, QA, right, PROD) is alike


def test_operators_say_what_may_differ_and_what_must_not():
    left = held(configs={"tasks-config": config(LOG_LEVEL="debug", TTL="1", ONLY="x")})
    right = held(configs={"tasks-config": config(LOG_LEVEL="info", TTL="2")})
    rules = Rules(also=("TT*", "/ON.+/"), never=("LOG_LEVEL",))
    weights = {each.path: each.weight for each in found(left, right, rules)}
    assert weights["TTL"] is Weight.EXPECTED
    assert weights["ONLY"] is Weight.EXPECTED
    assert weights["LOG_LEVEL"] is Weight.RISK
    assert {e.path: e.weight for e in found(left, right)}["LOG_LEVEL"] is Weight.EXPECTED


def test_a_document_in_a_value_is_compared_line_by_line():
    left = held(configs={"tasks-config": config(C='{"a": {"b": 1, "c": 2}}')})
    right = held(configs={"tasks-config": config(C='{"a": {"c": 2, "b": 3}}')})
    (differing,) = [each for each in found(left, right) if each.area is Area.CONFIG]
    assert (differing.path, differing.left, differing.right) == ("C: a.b", "1", "3")


def test_secrets_are_told_alike_or_not_and_nothing_else_of_them():
    differing = found(held(), held(secrets={"tasks-keys": {"db": "seal-2"}}))
    (secret,) = [each for each in differing if each.area is Area.SECRET]
    assert (secret.code, secret.weight) == (Code.SECRET_DIFFERS, Weight.EXPECTED)
    (secret,) = [each for each in found(held(), held()) if each.area is Area.SECRET]
    assert (secret.code, secret.weight) == (Code.SECRET_SAME, Weight.INFO)
    assert (secret.left, secret.right) == ("", "")


def test_what_matters_most_comes_first(other):
    container(other)["readinessProbe"]["httpGet"]["path"] = "/ready"
    container(other)["image"] = "r.io/tasks:1.3.2@sha256:" + "b" * 64
    other["spec"]["replicas"] = 9
    weights = [each.weight for each in found(held(), held(other))]
    assert weights == sorted(weights, key=list(Weight).index)
    assert weights[0] is Weight.RISK
