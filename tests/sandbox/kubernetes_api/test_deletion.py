"""Deletion: at once, in the foreground, with grace, with finalizers, many at a time."""

from __future__ import annotations

from typing import Any

import pytest

DEPLOYMENTS = "/apis/apps/v1/namespaces/qa/deployments"
PODS = "/api/v1/namespaces/qa/pods"


@pytest.fixture
async def made(cluster: Any, deployment: Any) -> Any:
    cluster.namespace()
    for name in ("web", "api"):
        await cluster.ask("POST", DEPLOYMENTS, deployment(name))
    return cluster


def pod(**spec: Any) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "qa"},
        "spec": {"containers": [{"name": "web", "image": "web:1"}], **spec},
        "status": {"phase": "Running"},
    }


async def test_in_the_background_it_is_gone_at_once_and_a_success_tells_so(made: Any) -> None:
    uid = (await made.get(f"{DEPLOYMENTS}/web")).body["metadata"]["uid"]
    answer = await made.ask("DELETE", f"{DEPLOYMENTS}/web")
    assert answer.status == 200
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "web", "group": "apps", "kind": "deployments", "uid": uid},
    }
    again = await made.ask("DELETE", f"{DEPLOYMENTS}/web")
    assert again.message == 'deployments.apps "web" not found'


async def test_in_the_foreground_it_waits_for_its_finalizer(made: Any) -> None:
    body = {"propagationPolicy": "Foreground"}
    answer = await made.ask("DELETE", f"{DEPLOYMENTS}/web", body)
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 0
    assert answer.body["metadata"]["generation"] == 2
    again = await made.ask("DELETE", f"{DEPLOYMENTS}/web", body)
    assert again.body["metadata"] == answer.body["metadata"]
    obj = answer.body
    obj["metadata"]["finalizers"] = []
    await made.ask("PUT", f"{DEPLOYMENTS}/web", obj)
    assert (await made.get(f"{DEPLOYMENTS}/web")).status == 404


async def test_a_running_pod_gets_its_grace_and_a_second_deletion_can_only_shorten_it(
    made: Any,
) -> None:
    made.storage.create("pods", pod(nodeName="n", terminationGracePeriodSeconds=30))
    first = (await made.ask("DELETE", f"{PODS}/p")).body["metadata"]
    assert (first["deletionTimestamp"], first["deletionGracePeriodSeconds"]) == (
        "2026-11-24T01:47:32Z",
        30,
    )
    longer = await made.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=60")
    assert longer.body["metadata"] == first
    shorter = (await made.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=5")).body["metadata"]
    assert (shorter["deletionTimestamp"], shorter["deletionGracePeriodSeconds"]) == (
        "2026-11-24T01:47:07Z",
        5,
    )
    now = await made.ask("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
    assert now.body["kind"] == "Pod"
    assert (await made.get(f"{PODS}/p")).status == 404


async def test_a_pod_without_a_node_goes_at_once(made: Any) -> None:
    made.storage.create("pods", pod())
    await made.ask("DELETE", f"{PODS}/p")
    assert (await made.get(f"{PODS}/p")).status == 404


async def test_preconditions_and_dry_runs(made: Any) -> None:
    wrong = await made.ask("DELETE", f"{DEPLOYMENTS}/web", {"preconditions": {"uid": "other"}})
    assert (wrong.status, wrong.body["reason"]) == (409, "Conflict")
    uid = (await made.get(f"{DEPLOYMENTS}/web")).body["metadata"]["uid"]
    assert wrong.message == (  # registry/rest/delete.go: BeforeDelete names the kind
        'Operation cannot be fulfilled on Deployment.apps "web": the UID in the precondition '
        f"(other) does not match the UID in record ({uid}). The object might have been deleted "
        "and then recreated"
    )
    tried = await made.ask("DELETE", f"{DEPLOYMENTS}/web?dryRun=All")
    assert tried.body["status"] == "Success"
    assert (await made.get(f"{DEPLOYMENTS}/web")).status == 200
    policy = await made.ask("DELETE", f"{DEPLOYMENTS}/web", {"propagationPolicy": "Sideways"})
    assert policy.status == 422


async def test_orphans_lose_their_owner(made: Any) -> None:
    uid = (await made.get(f"{DEPLOYMENTS}/web")).body["metadata"]["uid"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid}
    replica_set = {"metadata": {"name": "web-1", "namespace": "qa", "ownerReferences": [owner]}}
    made.storage.create("replicasets.apps", replica_set)
    await made.ask("DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Orphan")
    left = made.storage.get("replicasets.apps", "qa", "web-1")
    assert left["metadata"]["ownerReferences"] == []


async def test_a_collection_by_label(made: Any) -> None:
    answer = await made.ask("DELETE", f"{DEPLOYMENTS}?labelSelector=app%3Dweb")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["web"]
    left = (await made.get(DEPLOYMENTS)).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["api"]


async def test_a_namespace_under_deletion_takes_nothing_new(made: Any, deployment: Any) -> None:
    answer = await made.ask("DELETE", "/api/v1/namespaces/qa")
    assert answer.body["status"] == {"phase": "Terminating"}
    refused = await made.ask("POST", DEPLOYMENTS, deployment("late"))
    assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
    assert refused.message == (
        'deployments.apps "late" is forbidden: unable to create new content in namespace qa '
        "because it is being terminated"
    )
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    made.namespace("default")
    kept = await made.ask("DELETE", "/api/v1/namespaces/default")
    assert kept.message == 'namespaces "default" is forbidden: this namespace may not be deleted'
