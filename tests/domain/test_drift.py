"""What an apply would change: by paths that people know, without defaults, counters and secrets."""

import copy
from typing import Any

import pytest

from bot.domain.drift import MOST, Difference, beside_the_release, differences
from bot.domain.redaction import MASK

LIVE: dict[str, Any] = {
    "metadata": {"generation": 4, "managedFields": [{"manager": "dynamo"}]},
    "spec": {
        "replicas": 4,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "template": {
            "metadata": {
                "labels": {"app": "tasks"},
                "annotations": {"dynamo/version": "1.3.2", "team": "a"},
            },
            "spec": {
                "containers": [
                    {
                        "name": "tasks-service",
                        "image": "r/tasks@sha256:old",
                        "env": [
                            {"name": "FEATURE_X", "value": "off"},
                            {"name": "API_TOKEN", "value": "abcdef123"},
                        ],
                        "envFrom": [{"configMapRef": {"name": "tasks-config"}}],
                        "resources": {"limits": {"memory": "384Mi"}},
                        "command": [],
                    }
                ],
            },
        },
    },
    "status": {"replicas": 4},
}


@pytest.fixture
def wanted() -> dict[str, Any]:
    return copy.deepcopy(LIVE)


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_same_deployment_differs_in_nothing(wanted):
    assert differences(LIVE, wanted) == ()


def test_counters_versions_and_replicas_are_no_change_of_how_pods_run(wanted):
    wanted["metadata"]["generation"] = 5
    wanted["spec"]["replicas"] = 9
    wanted["status"] = {}
    wanted["spec"]["template"]["metadata"]["annotations"]["dynamo/version"] = "1.4.0"
    assert differences(LIVE, wanted) == ()


def test_what_changes_is_said_by_its_path_with_before_and_after(wanted):
    container(wanted)["resources"]["limits"]["memory"] = "512Mi"
    container(wanted)["env"][0]["value"] = "on"
    del wanted["spec"]["strategy"]["rollingUpdate"]
    wanted["spec"]["template"]["metadata"]["labels"]["tier"] = "back"
    assert differences(LIVE, wanted) == (
        Difference("containers[tasks-service].env[FEATURE_X].value", "off", "on"),
        Difference("containers[tasks-service].resources.limits.memory", "384Mi", "512Mi"),
        Difference("labels[tier]", "", "back"),
        Difference("strategy.rollingUpdate.maxSurge", "1", ""),
    )


def test_another_order_of_named_things_is_no_change(wanted):
    container(wanted)["env"].reverse()
    assert differences(LIVE, wanted) == ()


def test_a_secret_in_an_environment_variable_never_leaves_as_it_is(wanted):
    container(wanted)["env"][1]["value"] = "uvwxyz987"
    (found,) = differences(LIVE, wanted)
    assert (found.before, found.after) == (MASK, MASK)
    assert "API_TOKEN" in found.path


def test_a_reference_is_known_by_the_name_that_it_names(wanted):
    container(wanted)["envFrom"] = [{"secretRef": {"name": "tasks-secrets"}}]
    paths = [each.path for each in differences(LIVE, wanted)]
    assert paths == [
        "containers[tasks-service].envFrom[tasks-config].configMapRef.name",
        "containers[tasks-service].envFrom[tasks-secrets].secretRef.name",
    ]


def test_the_image_of_the_release_is_said_elsewhere_and_that_of_a_sidecar_here(wanted):
    container(wanted)["image"] = "r/tasks@sha256:new"
    wanted["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "p:2"})
    drift = beside_the_release(differences(LIVE, wanted), "tasks-service")
    assert [each.path for each in drift.shown] == [
        "containers[proxy].image",
        "containers[proxy].name",
    ]
    assert drift.of == 2


def test_many_differences_are_counted_and_the_first_ones_kept(wanted):
    container(wanted)["env"] += [{"name": f"N{n:02}", "value": "x"} for n in range(20)]
    drift = beside_the_release(differences(LIVE, wanted), "tasks-service")
    assert (len(drift.shown), drift.of) == (MOST, 40)


def test_a_first_deployment_has_no_differences_and_broken_objects_do_no_harm():
    assert differences(None, LIVE) == ()
    assert differences({"spec": None}, {"spec": {"template": {"spec": {"containers": 3}}}}) == (
        Difference("containers", "", "3"),
    )
