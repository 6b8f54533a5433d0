"""Rights, discovery, and requests that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes.access import Grant
from bot.sandbox.kubernetes.resources import KINDS
from bot.sandbox.kubernetes.schema import LIST_KEYS, MERGE_KEYS, TYPES, shape

AS = {"Impersonate-User": "dynamo"}
PODS = "/api/v1/namespaces/qa/pods"
ROLES = "/apis/rbac.authorization.k8s.io/v1"


async def test_rights_are_by_verb_resource_group_and_namespace(cluster: Any) -> None:
    cluster.namespace()
    cluster.rights.allow("dynamo", Grant(("list", "get"), ("pods",), ("",), ("qa",)))
    assert (await cluster.get(PODS, headers=AS)).status == 200
    for path, message in (
        (
            "/api/v1/namespaces/dev/pods",
            'pods is forbidden: User "dynamo" cannot list resource "pods" in API group "" in the '
            'namespace "dev"',
        ),
        (
            "/api/v1/pods",
            'pods is forbidden: User "dynamo" cannot list resource "pods" in API group "" at the '
            "cluster scope",
        ),
        (
            f"{PODS}/p/log",
            'pods "p" is forbidden: User "dynamo" cannot get resource "pods/log" in API group "" '
            'in the namespace "qa"',
        ),
        (
            f"{PODS}?watch=true",
            'pods is forbidden: User "dynamo" cannot watch resource "pods" in API group "" in the '
            'namespace "qa"',
        ),
    ):
        answer = await cluster.get(path, headers=AS)
        assert (answer.status, answer.message) == (403, message)


async def test_roles_and_bindings_of_the_cluster_count(cluster: Any) -> None:
    cluster.namespace()
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}]
    await cluster.ask(
        "POST", f"{ROLES}/namespaces/qa/roles", {"metadata": {"name": "r"}, "rules": rules}
    )
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "dynamo"}],
    }
    made = await cluster.ask("POST", f"{ROLES}/namespaces/qa/rolebindings", binding)
    assert made.status == 201, made.text
    user = {"Impersonate-User": "system:serviceaccount:dynamo:bot"}
    path = "/apis/apps/v1/namespaces/qa/deployments"
    assert (await cluster.get(f"{path}/x", headers=user)).status == 404
    assert (await cluster.get(path, headers=user)).status == 403


async def review(cluster: Any, headers: Any, **attributes: str) -> bool:
    answer = await cluster.ask(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {"spec": {"resourceAttributes": attributes}},
        headers=headers,
    )
    assert answer.status == 201
    return bool(answer.body["status"]["allowed"])


async def test_access_reviews_answer_for_oneself_and_for_others(cluster: Any) -> None:
    cluster.rights.allow("dynamo", Grant(("patch",), ("deployments",), ("apps",), ("qa",)))
    ask = {"verb": "patch", "group": "apps", "resource": "deployments"}
    assert await review(cluster, {}, namespace="anywhere", **ask)
    assert await review(cluster, AS, namespace="qa", **ask)
    assert not await review(cluster, AS, namespace="dev", **ask)
    assert not await review(cluster, AS, namespace="qa", subresource="scale", **ask)
    other = await cluster.ask(
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {"spec": {"user": "nobody", "resourceAttributes": {**ask, "namespace": "qa"}}},
    )
    assert other.body["status"] == {"allowed": False}


async def test_tokens_where_there_are_some(cluster: Any) -> None:
    cluster.rights.tokens = {"secret": "dynamo"}
    nobody = await cluster.get("/api/v1/namespaces")
    assert (nobody.status, nobody.body["reason"], nobody.message) == (
        401,
        "Unauthorized",
        "Unauthorized",
    )
    token = {"Authorization": "Bearer secret"}
    known = await cluster.get("/api/v1/namespaces", headers=token)
    assert known.status == 403
    other = await cluster.get("/api/v1/namespaces", headers={**token, "Impersonate-User": "root"})
    assert 'User "dynamo" cannot impersonate resource "users"' in other.message


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/api/v1/namespaces/qa/unicorns", 404, "NotFound"),
        ("GET", "/apis/apps/v1/namespaces/qa/deployments/a/b/c", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/qa/pods/p/unicorn", 404, "NotFound"),
        ("PUT", "/api/v1/namespaces/qa/pods", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/namespaces/qa/pods/p", 405, "MethodNotAllowed"),
        ("DELETE", "/api/v1/namespaces", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/pods", 405, "MethodNotAllowed"),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405, "MethodNotAllowed"),
    ],
)
async def test_paths_and_methods_that_are_not_there(
    cluster: Any, method: str, path: str, code: int, reason: str
) -> None:
    answer = await cluster.ask(method, path)
    assert (answer.status, answer.body["reason"], answer.body["details"]) == (code, reason, {})


@pytest.mark.parametrize(
    "path", ["/nope", "/apis/unicorn.io/v1", "/apis/unicorn.io/v1/x", "/api/v2"]
)
async def test_outside_of_the_api_a_missing_page_is_plain_text(cluster: Any, path: str) -> None:
    answer = await cluster.get(path)
    assert (answer.status, answer.text) == (404, "404 page not found\n")


async def test_answers_in_yaml_and_in_nothing_that_is_known(cluster: Any) -> None:
    cluster.namespace()
    answer = await cluster.get("/api/v1/namespaces/qa", headers={"Accept": "application/yaml"})
    assert answer.text.startswith("apiVersion: v1\nkind: Namespace\nmetadata:\n")
    image = await cluster.get("/api/v1/namespaces/qa", headers={"Accept": "image/png"})
    assert (image.status, image.body["reason"]) == (406, "NotAcceptable")


async def test_both_kinds_of_discovery_list_every_kind(cluster: Any) -> None:
    for kind in KINDS:
        listed = (await cluster.get(kind.root)).body["resources"]
        found = next(one for one in listed if one["name"] == kind.plural)
        assert (found["kind"], found["namespaced"]) == (kind.kind, kind.namespaced)
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    total = 0
    for root in ("/api", "/apis"):
        answer = await cluster.get(root, headers=accept)
        assert answer.headers["Content-Type"] == accept["Accept"]
        items = answer.body["items"]
        total += sum(len(v["resources"]) for item in items for v in item["versions"])
    assert total == len(KINDS)


async def test_openapi_documents_are_there_and_refer_to_nothing_missing(cluster: Any) -> None:
    index = (await cluster.get("/openapi/v3")).body["paths"]
    assert "apis/apps/v1" in index
    for item in index.values():
        answer = await cluster.get(item["serverRelativeURL"])
        schemas = answer.body["components"]["schemas"]
        for part in answer.text.split('"$ref":"#/components/schemas/')[1:]:
            assert part.partition('"')[0] in schemas
    containers = schemas_of(await cluster.get("/openapi/v3/apis/apps/v1"), "PodSpec")["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"


def schemas_of(answer: Any, name: str) -> Any:
    return answer.body["components"]["schemas"][f"io.k8s.api.{name}"]["properties"]


def test_the_tables_beside_the_types_name_only_fields_that_there_are() -> None:
    for owner, field in (*LIST_KEYS, *MERGE_KEYS):
        its = shape(owner, field)
        assert its is not None, (owner, field)
        assert its.kind == "list"
    for (owner, field), keys in LIST_KEYS.items():
        item = TYPES[owner][field][1:-1]
        assert all(key in TYPES[item] for key in keys)


async def test_health_and_a_single_version(cluster: Any) -> None:
    assert (await cluster.get("/readyz")).text == "ok"
    assert (await cluster.get("/apis/apps")).body["preferredVersion"]["version"] == "v1"


async def test_the_old_openapi_document_is_there_in_the_form_that_kubectl_reads(
    cluster: Any,
) -> None:
    """gnostic's openapiv2/OpenAPIv2.proto: swagger is field 1, info 2, definitions 9."""
    asked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    async with cluster.session.get(
        f"{cluster.url}/openapi/v2", headers={"Accept": asked}
    ) as answer:
        data = await answer.read()
        assert answer.headers["Content-Type"].endswith("spec.v2.v1.0+protobuf")
    info = b"\x0a\x0aKubernetes\x12\x07v1.36.2"
    assert data.startswith(b"\x0a\x032.0\x12" + bytes([len(info)]) + info + b"\x4a")
    assert b"#/definitions/io.k8s.api.DeploymentSpec" in data
    assert (await cluster.get("/openapi/v2")).body["swagger"] == "2.0"
