"""Server-side apply: merge by key, ownership, removal, conflicts, force, dry run."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/apis/apps/v1/namespaces/qa/deployments/web"


def pod(*containers: Any, **more: Any) -> Any:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [*containers], **more}}


def applied(*containers: Any, **spec: Any) -> Any:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": pod(*containers),
            **spec,
        },
    }


WEB = {"name": "web", "image": "web:1"}


@pytest.fixture
def cluster(cluster: Any) -> Any:
    cluster.namespace()
    return cluster


def owners(obj: Any) -> dict[str, Any]:
    return {f"{e['manager']} {e['operation']}": e for e in obj["metadata"]["managedFields"]}


def container_of(obj: Any, name: str) -> Any:
    found = obj["spec"]["template"]["spec"]["containers"]
    return next(one for one in found if one["name"] == name)


async def test_a_field_that_is_no_longer_applied_is_removed_and_its_default_comes_back(
    cluster: Any,
) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 3}
    web = {**WEB, "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    first = await cluster.apply(PATH, applied({**web, "readinessProbe": probe}, replicas=3))
    assert first.status == 201
    fewer = {**WEB, "env": [{"name": "B", "value": "2"}]}
    second = await cluster.apply(PATH, applied({**fewer, "readinessProbe": {**probe}}, replicas=3))
    assert container_of(second.body, "web")["env"] == [{"name": "B", "value": "2"}]
    shorter = {"exec": {"command": ["true"]}}
    third = await cluster.apply(PATH, applied({**fewer, "readinessProbe": shorter}))
    assert container_of(third.body, "web")["readinessProbe"]["periodSeconds"] == 10
    assert third.body["spec"]["replicas"] == 1
    last = await cluster.apply(PATH, applied(WEB))
    assert "readinessProbe" not in container_of(last.body, "web")
    assert "env" not in container_of(last.body, "web")


async def test_what_another_manager_owns_stays_when_it_is_dropped(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB, replicas=3))
    await cluster.apply(PATH, {**applied(WEB, replicas=3)}, manager="scaler")
    answer = await cluster.apply(PATH, applied(WEB))
    assert answer.body["spec"]["replicas"] == 3
    fields = owners(answer.body)["scaler Apply"]["fieldsV1"]["f:spec"]
    assert "f:replicas" in fields


async def test_sidecars_of_another_manager_survive_by_key(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB))
    side = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    side["spec"] = {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}]}}}
    await cluster.apply(PATH, side, manager="mesh")
    answer = await cluster.apply(PATH, applied({**WEB, "image": "web:2"}))
    names = [one["name"] for one in answer.body["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["proxy", "web"]
    gone = await cluster.apply(PATH, {**side, "spec": {"minReadySeconds": 1}}, manager="mesh")
    assert [c["name"] for c in gone.body["spec"]["template"]["spec"]["containers"]] == ["web"]


async def test_ports_merge_by_port_and_protocol_whose_default_is_tcp(cluster: Any) -> None:
    ports = [{"containerPort": 80, "name": "http"}]
    await cluster.apply(PATH, applied({**WEB, "ports": ports}))
    more = applied({**WEB, "ports": [{"containerPort": 80, "protocol": "UDP"}]})
    answer = await cluster.apply(PATH, more, manager="other")
    assert [
        (p["containerPort"], p["protocol"]) for p in container_of(answer.body, "web")["ports"]
    ] == [
        (80, "TCP"),
        (80, "UDP"),
    ]
    fields = owners(answer.body)["dynamo Apply"]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    keys = fields["f:containers"]['k:{"name":"web"}']["f:ports"]
    assert list(keys) == ['k:{"containerPort":80,"protocol":"TCP"}']


async def test_conflicts_with_two_managers_are_all_named(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB, replicas=2))
    await cluster.ask(
        "PATCH",
        f"{PATH}?fieldManager=kubectl-set",
        {"spec": {"template": {"spec": {"containers": [{**WEB, "image": "web:9"}]}}}},
        content_type="application/strategic-merge-patch+json",
    )
    await cluster.ask(
        "PATCH",
        f"{PATH}?fieldManager=hand",
        {"spec": {"replicas": 7, "minReadySeconds": 4}},
        content_type="application/merge-patch+json",
    )
    answer = await cluster.apply(PATH, applied(WEB, replicas=2, minReadySeconds=5))
    assert answer.status == 409
    assert answer.message == (
        "Apply failed with 3 conflicts: "
        'conflicts with "hand" using apps/v1:\n'
        "- .spec.minReadySeconds\n"
        "- .spec.replicas\n"
        'conflicts with "kubectl-set" using apps/v1:\n'
        '- .spec.template.spec.containers[name="web"].image'
    )
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == [
        ".spec.minReadySeconds",
        ".spec.replicas",
        '.spec.template.spec.containers[name="web"].image',
    ]
    forced = await cluster.apply(
        PATH, applied(WEB, replicas=2, minReadySeconds=5), more="&force=true"
    )
    assert forced.status == 200
    assert list(owners(forced.body)) == ["dynamo Apply"]


async def test_an_applier_is_in_conflict_with_another_applier_by_name_alone(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB))
    answer = await cluster.apply(PATH, applied({**WEB, "image": "web:2"}), manager="other")
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "dynamo": '
        '.spec.template.spec.containers[name="web"].image'
    )


async def test_the_same_value_is_shared_and_not_a_conflict(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB))
    answer = await cluster.apply(PATH, applied(WEB), manager="other")
    assert answer.status == 200
    assert set(owners(answer.body)) == {"dynamo Apply", "other Apply"}


async def test_a_dry_run_changes_nothing(cluster: Any) -> None:
    made = await cluster.apply(PATH, applied(WEB))
    before = cluster.storage.revision
    tried = await cluster.apply(PATH, applied({**WEB, "image": "web:2"}), more="&dryRun=All")
    assert tried.status == 200
    assert container_of(tried.body, "web")["image"] == "web:2"
    assert tried.body["metadata"]["generation"] == 2
    assert tried.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]
    assert cluster.storage.revision == before
    assert (await cluster.get(PATH)).body == made.body


async def test_a_no_op_bumps_nothing_even_when_time_has_passed(cluster: Any) -> None:
    made = await cluster.apply(PATH, applied(WEB))
    cluster.clock.advance(60)
    again = await cluster.apply(PATH, applied(WEB))
    assert again.body == made.body


async def test_an_atomic_list_belongs_to_one_manager(cluster: Any) -> None:
    await cluster.apply(PATH, applied({**WEB, "args": ["a", "b"]}))
    answer = await cluster.apply(PATH, applied({**WEB, "args": ["a"]}), manager="other")
    assert answer.body["details"]["causes"][0]["field"].endswith('[name="web"].args')


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"replicas": "3"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"paused": 1}, ".spec.paused: expected boolean, got &{1}"),
        (
            {"replicsa": 3, "pasued": True},
            "errors:\n  .spec.replicsa: field not declared in schema\n"
            "  .spec.pasued: field not declared in schema",
        ),
        ({"template": pod(WEB, WEB)},
         '.spec.template.spec.containers: duplicate entries for key [name="web"]'),
        ({"template": pod({"image": "x"})},
         ".spec.template.spec.containers: element 0: associative list with keys has an element "
         'that omits key field "name" (and doesn\'t have default value)'),
        ({"template": pod({**WEB, "env": [{"name": "A", "value": 1}]})},
         '.spec.template.spec.containers[name="web"].env[name="A"].value: expected string, got '
         "&value.valueUnstructured{Value:1}"),
        ({"template": pod({**WEB, "command": "x"})},
         '.spec.template.spec.containers[name="web"].command: expected list, got &{x}'),
    ],
)  # fmt: skip
async def test_what_does_not_fit_the_schema_is_named_by_path(
    cluster: Any, spec: Any, complaint: str
) -> None:
    answer = await cluster.apply(PATH, applied(WEB, **spec))
    assert answer.status == 500
    start = "failed to create typed patch object (/web; apps/v1, Kind=Deployment): "
    assert answer.message == start + complaint
    assert "reason" not in answer.body


async def test_apply_needs_a_field_manager(cluster: Any) -> None:
    answer = await cluster.ask(
        "PATCH", PATH, applied(WEB), content_type="application/apply-patch+yaml"
    )
    assert answer.status == 422
    assert answer.message == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch"
    )


async def test_yaml_is_read_as_yaml(cluster: Any) -> None:
    text = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: cfg}
    data:
      when: 2026-11-24
      "yes": "on"
    """
    answer = await cluster.apply("/api/v1/namespaces/qa/configmaps/cfg", text)
    assert answer.body["data"] == {"when": "2026-11-24", "yes": "on"}


async def test_a_key_that_is_there_twice_is_refused_when_strict_and_warned_of_when_not(
    cluster: Any,
) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata:\n  a: '1'\n  a: '2'\n"
    where = "/api/v1/namespaces/qa/configmaps/cfg"
    strict = await cluster.apply(where, text, more="&fieldValidation=Strict")
    assert (strict.status, strict.body["reason"]) == (400, "BadRequest")
    assert 'line 6: key "a" already set in map' in strict.message
    warned = await cluster.apply(where, text)
    assert warned.status == 201
    assert 'key \\"a\\" already set in map' in warned.headers["Warning"]


@pytest.mark.parametrize("text", ["a: [", "\t- x", "a: b: c", "- 1\n- 2", "&a [*a, *a]", "\0"])
async def test_no_yaml_is_a_bad_request(cluster: Any, text: str) -> None:
    answer = await cluster.apply("/api/v1/namespaces/qa/configmaps/cfg", text)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.message.startswith("error decoding YAML: ")


async def test_the_wrong_version_or_name_is_refused(cluster: Any) -> None:
    wrong = await cluster.apply(PATH, {**applied(WEB), "apiVersion": "apps/v1beta1"})
    assert wrong.message == (
        "Incorrect version specified in apply patch. Specified patch version: apps/v1beta1, "
        "expected: apps/v1"
    )
    other = await cluster.apply(PATH, {**applied(WEB), "metadata": {"name": "else"}})
    assert other.message == "the name of the object (else) does not match the name on the URL (web)"


async def test_a_stale_version_in_the_applied_object_is_a_conflict(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB))
    stale = {**applied({**WEB, "image": "web:3"})}
    stale["metadata"] = {"name": "web", "resourceVersion": "1"}
    answer = await cluster.apply(PATH, stale)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.message.startswith('Operation cannot be fulfilled on deployments.apps "web": ')


async def test_a_plain_update_takes_fields_over_and_leaves_the_rest(cluster: Any) -> None:
    await cluster.apply(PATH, applied(WEB, replicas=2))
    current = (await cluster.get(PATH)).body
    current["spec"]["replicas"] = 5
    answer = await cluster.ask("PUT", f"{PATH}?fieldManager=hand", current)
    found = owners(answer.body)
    assert found["hand Update"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found["dynamo Apply"]["fieldsV1"]["f:spec"]


async def test_an_equal_quantity_in_other_words_is_no_change(cluster: Any) -> None:
    limits = {"limits": {"cpu": "0.5"}}
    made = await cluster.apply(PATH, applied({**WEB, "resources": limits}))
    assert container_of(made.body, "web")["resources"] == {"limits": {"cpu": "500m"}}
    cluster.clock.advance(60)
    again = await cluster.apply(PATH, applied({**WEB, "resources": limits}))
    assert again.body == made.body


async def test_go_drops_zero_values_and_the_applier_owns_them_all_the_same(cluster: Any) -> None:
    config = applied({**WEB, "env": [{"name": "A", "value": ""}]}, paused=False)
    config["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    made = (await cluster.apply(PATH, config)).body
    assert "paused" not in made["spec"]
    assert container_of(made, "web")["env"] == [{"name": "A"}]
    fields = owners(made)["dynamo Apply"]["fieldsV1"]["f:spec"]
    assert fields["f:paused"] == {}
    volumes = fields["f:template"]["f:spec"]["f:volumes"]
    assert volumes == {'k:{"name":"v"}': {".": {}, "f:name": {}, "f:emptyDir": {}}}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("localhost:5000/web", "Always"),
        ("localhost:5000/web:1", "IfNotPresent"),
        ("web@sha256:" + "0" * 64, "IfNotPresent"),
        ("web:latest@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
async def test_moving_images_are_always_pulled(cluster: Any, image: str, policy: str) -> None:
    made = await cluster.apply(PATH, applied({**WEB, "image": image}), more="&dryRun=All")
    assert container_of(made.body, "web")["imagePullPolicy"] == policy
