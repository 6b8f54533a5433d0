"""What a real API server says to odd selectors, patches and bodies, line by line.

No recording covers these either; each table names the place in Kubernetes' source that it follows.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from bot.sandbox.kubernetes import patches

APPS = "/apis/apps/v1/namespaces/qa/deployments"
CORE = "/api/v1/namespaces/qa"
WEB = f"{APPS}/web"


@pytest.fixture
async def made(cluster: Any, deployment: Any) -> Any:
    """A namespace with a Deployment."""
    cluster.namespace()
    assert (await cluster.ask("POST", APPS, deployment())).status == 201
    return cluster


async def patched(cluster: Any, kind: str, body: Any, more: str = "") -> Any:
    return await cluster.ask("PATCH", f"{WEB}?dryRun=All{more}", body, content_type=kind)


def told(answer: Any) -> tuple[int, str | None, str]:
    return answer.status, answer.body.get("reason"), answer.message


@pytest.mark.parametrize(
    ("selector", "complaint"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        (
            "a>b",
            "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' "
            "operators, the value must be an integer",
        ),
        ("a=1 2", "found '2', expected: ',' or 'end of string'"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a,", "found '', expected: identifier after ','"),
    ],
)
async def test_label_selectors_that_cannot_be_read(
    cluster: Any, selector: str, complaint: str
) -> None:
    """apimachinery/pkg/labels/selector.go: Parser."""
    answer = await cluster.get(f"/api/v1/pods?labelSelector={quote(selector)}")
    assert told(answer) == (400, "BadRequest", complaint)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("a in (x,y)", True),
        ("a in ()", False),
        ("a in (,x)", True),
        ("b in (,x)", False),
        ("a notin (y),!b", True),
        ("a,notin", False),
        ("a in (in,x)", True),
        ("n>4,n<6", True),
        ("n>+5", False),
    ],
)
async def test_label_selectors_that_can_be_read(cluster: Any, selector: str, found: bool) -> None:
    cluster.namespace()
    meta = {"name": "c", "labels": {"a": "x", "n": "5"}}
    await cluster.ask("POST", f"{CORE}/configmaps", {"metadata": meta})
    answer = await cluster.get(f"{CORE}/configmaps?labelSelector={quote(selector)}")
    assert len(answer.body["items"]) == found


ORDER = "$setElementOrder/containers"


def of_containers(*items: Any, **more: Any) -> Any:
    return {"spec": {"template": {"spec": {"containers": [*items], **more}}}}


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"spec": {"$patch": "frob"}},
         (500, None, "unknown patch type: frob in map: map[$patch:frob]")),
        (of_containers({"name": "web", "$patch": "frob"}),
         (500, None, "unknown patch type: frob in map: map[$patch:frob name:web]")),
        (of_containers({"name": "web", "$patch": "merge"}),
         (500, None, "merging lists cannot yet be specified in the patch")),
        ({"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}},
         (400, "BadRequest", "invalid patch format of retainKeys")),
        ({"spec": {"strategy": {"$retainKeys": "type"}}},
         (400, "BadRequest", "invalid patch format of retainKeys")),
        (of_containers({"name": "web", "image": "b:1"}, **{ORDER: [{"name": "x"}]}),
         (500, None, "The order in patch list:\n[map[image:b:1 name:web]]\n doesn't match "
          "$setElementOrder list:\n[map[name:x]]\n")),
        (of_containers({"name": "web"}, **{ORDER: "web"}),
         (500, None, "expected a []interface {}, but received a string")),
        ([], (400, "BadRequest", "json: cannot unmarshal array into Go value of type "
              "map[string]interface {}")),
    ],
)  # fmt: skip
async def test_strategic_patches_whose_directives_are_none(
    made: Any, patch: Any, answer: Any
) -> None:
    """apimachinery/pkg/util/strategicpatch/patch.go, handlers/patch.go."""
    assert told(await patched(made, patches.STRATEGIC, patch)) == answer


async def test_no_patch_at_all_is_no_change_except_to_a_merge_patch(made: Any) -> None:
    """handlers/patch.go: strategicPatchObject, applyJSPatch."""
    for kind in (patches.STRATEGIC, patches.JSON):
        answer = await patched(made, kind, "null")
        assert (answer.status, answer.body["metadata"]["generation"]) == (200, 1)
    refused = await patched(made, patches.MERGE, "null")
    assert told(refused) == (400, "BadRequest", "Invalid JSON Patch")


async def test_a_json_patch_is_read_strictly_unless_that_is_ignored(made: Any) -> None:
    """handlers/patch.go: applyJSPatch."""
    kind = patches.JSON
    of_op = "error decoding patch: json: cannot unmarshal number into Go struct field "
    for body, complaint in (
        ({}, "error decoding patch: json: cannot unmarshal object into Go value of type "
         "[]handlers.jsonPatchOp"),
        ([1], "error decoding patch: json: cannot unmarshal number into Go value of type "
         "handlers.jsonPatchOp"),
        ([{"op": 1}], f"{of_op}jsonPatchOp.op of type string"),
    ):  # fmt: skip
        assert told(await patched(made, kind, body)) == (400, "BadRequest", complaint)
    ignored = await patched(made, kind, {}, "&fieldValidation=Ignore")
    whole = "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
    assert told(ignored) == (400, "BadRequest", whole)
    odd = [{"op": "test", "path": "/kind", "value": "Deployment", "note": "mine"}]
    warned = await patched(made, kind, odd)
    assert warned.status == 200
    assert warned.headers["Warning"] == '299 - "json patch unknown field \\"[0].note\\""'
    assert (await patched(made, kind, odd, "&fieldValidation=Strict")).status == 422
    assert "Warning" not in (await patched(made, kind, odd, "&fieldValidation=Ignore")).headers


async def test_of_several_yaml_documents_the_first_is_applied(made: Any, deployment: Any) -> None:
    """sigs.k8s.io/yaml reads one document."""
    two = f"{json.dumps(deployment(replicas=4))}\n---\nkind: Pod\n"
    answer = await made.apply(WEB, two, more="&dryRun=All&force=true")
    assert (answer.status, answer.body["spec"]["replicas"]) == (200, 4)


async def test_what_is_applied_for_the_first_time_may_say_a_version(
    made: Any, deployment: Any
) -> None:
    """registry/store.go: Update holds a version against what is there, and nothing is."""
    first = deployment("first")
    first["metadata"]["resourceVersion"] = "7"
    answer = await made.apply(f"{APPS}/first", first)
    assert answer.status == 201
    assert answer.body["metadata"]["resourceVersion"] != "7"


async def test_a_quantity_that_is_none_names_the_object_as_it_was_applied(
    made: Any, deployment: Any
) -> None:
    """managedfields/structuredmerge.go: objectGVKNN."""
    resources = {"limits": {"cpu": "many"}}
    odd = deployment("new", containers=[{"name": "a", "image": "a:1", "resources": resources}])
    answer = await made.apply(f"{APPS}/new", odd)
    assert answer.status == 500
    assert answer.message.startswith(
        "failed to convert new object (/new; apps/v1, Kind=Deployment)"
    )


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("limit=1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ("limit=9223372036854775808",
         'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
        ("continue=abc", "invalid continue token: continue key is not valid: invalid character 'i' "
         "looking for beginning of value"),
    ],
)  # fmt: skip
async def test_list_options_that_are_none(made: Any, query: str, complaint: str) -> None:
    """apimachinery/pkg/runtime/conversion.go; storage/continue.go."""
    assert told(await made.get(f"{CORE}/pods?{query}")) == (400, "BadRequest", complaint)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (".", "must not be '.'"),
        ("..", "must not be '..'"),
        ("..data", "must not start with '..'"),
    ],
)
async def test_keys_that_would_lead_out_of_a_directory(made: Any, key: str, problem: str) -> None:
    """util/validation: IsConfigMapKey."""
    body = {"metadata": {"name": "c"}, "data": {key: "1"}}
    answer = await made.ask("POST", f"{CORE}/configmaps", body)
    assert told(answer) == (
        *(422, "Invalid"),
        f'ConfigMap "c" is invalid: data[{key}]: Invalid value: "{key}": {problem}',
    )
