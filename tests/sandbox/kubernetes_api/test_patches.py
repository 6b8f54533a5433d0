"""JSON patch, merge patch and strategic merge patch, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes import patches

PATH = "/apis/apps/v1/namespaces/qa/deployments/web"


@pytest.fixture
async def made(cluster: Any, deployment: Any) -> Any:
    cluster.namespace()
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    containers = [{"name": "web", "image": "web:1", "env": env}, {"name": "side", "image": "s:1"}]
    answer = await cluster.ask(
        "POST", PATH.rpartition("/")[0], deployment(containers=containers, replicas=2)
    )
    assert answer.status == 201, answer.text
    return cluster


async def patch(cluster: Any, kind: str, body: Any, more: str = "") -> Any:
    return await cluster.ask("PATCH", PATH + more, body, content_type=kind)


def containers(body: Any) -> Any:
    return body["spec"]["template"]["spec"]["containers"]


def template(*items: Any) -> Any:
    return {"spec": {"template": {"spec": {"containers": [*items]}}}}


async def test_strategic_merge_matches_list_items_by_key(made: Any) -> None:
    body = template(
        {"name": "web", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}
    )
    answer = await patch(made, patches.STRATEGIC, body)
    web = containers(answer.body)[0]
    assert web["image"] == "web:1"
    assert [(e["name"], e["value"]) for e in web["env"]] == [("A", "1"), ("B", "3"), ("C", "4")]


async def test_strategic_directives_delete_replace_and_reorder(made: Any) -> None:
    gone = await patch(made, patches.STRATEGIC, template({"name": "side", "$patch": "delete"}))
    assert [one["name"] for one in containers(gone.body)] == ["web"]
    env = [{"$patch": "replace"}, {"name": "Z", "value": "9"}]
    replaced = await patch(made, patches.STRATEGIC, template({"name": "web", "env": env}))
    assert containers(replaced.body)[0]["env"] == [{"name": "Z", "value": "9"}]
    order = {"$setElementOrder/env": [{"name": "Y"}, {"name": "Z"}]}
    item = {"name": "web", "env": [{"name": "Y", "value": "8"}], **order}
    ordered = await patch(made, patches.STRATEGIC, template(item))
    assert [e["name"] for e in containers(ordered.body)[0]["env"]] == ["Y", "Z"]


async def test_strategic_retain_keys_drop_the_other_union_members(made: Any) -> None:
    strategy = {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": None}
    answer = await patch(made, patches.STRATEGIC, {"spec": {"strategy": strategy}})
    assert answer.body["spec"]["strategy"] == {"type": "Recreate"}


async def test_an_item_without_its_merge_key_is_refused(made: Any) -> None:
    answer = await patch(made, patches.STRATEGIC, template({"image": "x"}))
    assert (answer.status, answer.body.get("reason")) == (500, None)  # mergepatch.ErrNoMergeKey
    assert answer.message == "map: map[image:x] does not contain declared merge key: name"


async def test_merge_patch_replaces_lists_and_null_removes(made: Any) -> None:
    body = {"metadata": {"labels": {"app": None, "tier": "1"}}, "spec": {"replicas": None}}
    answer = await patch(made, patches.MERGE, body)
    assert answer.body["metadata"]["labels"] == {"tier": "1"}
    assert answer.body["spec"]["replicas"] == 1  # the default comes back
    whole = await patch(made, patches.MERGE, template({"name": "only", "image": "o:1"}))
    assert [one["name"] for one in containers(whole.body)] == ["only"]


async def test_a_failing_test_refuses_the_whole_json_patch(made: Any) -> None:
    operations = [
        {"op": "replace", "path": "/spec/replicas", "value": 9},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
    ]
    answer = await patch(made, patches.JSON, operations)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == "the server rejected our request due to an error in our request"
    assert answer.body["details"] == {}
    assert (await made.get(PATH)).body["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "remove", "path": "/spec/nothing"}, 422),
        ({"op": "replace", "path": "/spec/template/spec/containers/7/image", "value": "x"}, 422),
        ({"op": "replace", "path": "/spec/replicas", "value": -1}, 422),
        ({"op": "test", "path": "/spec/replicas", "value": 2}, 200),
        ({"op": "test", "path": "/spec/paused", "value": None}, 200),
        ({"op": "test", "path": "/metadata/labels", "value": {"app": True}}, 422),
        ({"op": "test", "path": "/metadata/generation", "value": True}, 422),
        ({"op": "frobnicate", "path": "/spec/replicas"}, 422),
        ({"op": "add", "path": "spec", "value": 1}, 422),
        ({"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}, 200),
        ({"op": "add", "path": "/spec/template/spec/containers/-",
          "value": {"name": "n", "image": "n"}}, 200),
        ({"op": "copy", "from": "/spec/replicas", "path": "/spec/minReadySeconds"}, 200),
    ],
)  # fmt: skip
async def test_json_patch_operations(made: Any, operation: Any, code: int) -> None:
    answer = await patch(made, patches.JSON, [operation])
    assert answer.status == code, answer.text


async def test_escaped_pointers_reach_keys_with_slashes(made: Any) -> None:
    path = "/metadata/labels/example.com~1tier"
    answer = await patch(made, patches.JSON, [{"op": "add", "path": path, "value": "x"}])
    assert answer.body["metadata"]["labels"]["example.com/tier"] == "x"


async def test_unknown_patch_types_and_broken_bodies(made: Any) -> None:
    wrong = await patch(made, "application/json", {})
    assert (wrong.status, wrong.body["reason"]) == (415, "UnsupportedMediaType")
    assert wrong.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, "
        "application/strategic-merge-patch+json, application/apply-patch+yaml"
    )
    for kind in (patches.JSON, patches.MERGE, patches.STRATEGIC):
        broken = await patch(made, kind, "{nope")
        assert (broken.status, broken.body["reason"]) == (400, "BadRequest")
    no_list = await patch(made, patches.JSON, {"op": "test"})
    assert no_list.status == 400


async def test_field_validation_strict_warn_and_ignore(made: Any) -> None:
    body = {"spec": {"replicsa": 3}}
    strict = await patch(made, patches.MERGE, body, "?fieldValidation=Strict")
    assert strict.status == 422
    assert 'strict decoding error: unknown field "spec.replicsa"' in strict.message
    warned = await patch(made, patches.MERGE, body)
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.replicsa\\""'
    ignored = await patch(made, patches.MERGE, body, "?fieldValidation=Ignore")
    assert "Warning" not in ignored.headers
    assert ignored.body["metadata"]["resourceVersion"] == warned.body["metadata"]["resourceVersion"]


async def test_a_stale_resource_version_in_a_patch_is_a_conflict(made: Any) -> None:
    body = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}
    answer = await patch(made, patches.MERGE, body)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


async def test_a_wrong_type_is_refused_in_gos_words(made: Any) -> None:
    answer = await patch(made, patches.STRATEGIC, {"spec": {"replicas": "three"}})
    assert answer.status == 422
    assert answer.message == (  # no JSON between a strategic patch's map and the struct
        ' "" is invalid: patch: Invalid value: "map[spec:map[replicas:three]]": unrecognized type: '
        "int32"
    )
    answer = await patch(made, patches.MERGE, {"spec": {"replicas": "three"}})
    assert answer.status == 422
    assert answer.message.endswith(
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type "
        "int32"
    )


async def test_force_belongs_to_apply_alone(made: Any) -> None:
    answer = await patch(made, patches.MERGE, {}, "?force=true")
    assert answer.message == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for '
        "non-apply patch"
    )


async def test_patching_what_is_not_there_is_not_found(made: Any) -> None:
    answer = await made.ask("PATCH", PATH + "x", {}, content_type=patches.MERGE)
    assert answer.message == 'deployments.apps "webx" not found'


async def test_the_status_subresource_reaches_the_status_alone(made: Any) -> None:
    body = {"spec": {"replicas": 9}, "status": {"replicas": 2, "observedGeneration": 1}}
    through_main = await patch(made, patches.MERGE, body)
    assert through_main.body["status"] == {}
    assert through_main.body["metadata"]["generation"] == 2
    body["spec"]["replicas"] = 4
    through_status = await patch(made, patches.MERGE, body, "/status?fieldManager=controller")
    assert through_status.body["spec"]["replicas"] == 9
    assert through_status.body["status"] == {"replicas": 2, "observedGeneration": 1}
    assert through_status.body["metadata"]["generation"] == 2
    entry = through_status.body["metadata"]["managedFields"][-1]
    assert (entry["manager"], entry["subresource"]) == ("controller", "status")


async def test_scale_by_put_and_patch(made: Any) -> None:
    scale = (await made.get(f"{PATH}/scale")).body
    scale["spec"]["replicas"] = 0
    answer = await made.ask("PUT", f"{PATH}/scale", scale)
    assert answer.body["spec"] == {}
    assert (await made.get(PATH)).body["spec"]["replicas"] == 0
    negative = await made.ask(
        "PATCH", f"{PATH}/scale", {"spec": {"replicas": -1}}, content_type=patches.MERGE
    )
    assert negative.message == (
        'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater '
        "than or equal to 0"
    )
