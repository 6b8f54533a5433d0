"""What a new namespace gets by itself, and what is left of one that is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FURNITURE = (("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt"))


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def stands(cluster: Any, name: str) -> list[bool]:
    return [cluster.storage.get(resource, name, each) is not None for resource, each in FURNITURE]


def test_a_new_namespace_gets_its_account_and_the_certificate_a_moment_later(
    make_cluster: Callable[..., Any],
) -> None:
    cluster = make_cluster()
    cluster.storage.create("namespaces", namespace("new"))
    assert stands(cluster, "new") == [False, False]
    cluster.clock.advance(0.1)
    assert stands(cluster, "new") == [True, True]
    account = cluster.storage.get("serviceaccounts", "new", "default")
    cluster.storage.delete("configmaps", "new", "kube-root-ca.crt")
    cluster.clock.advance(0.1)
    assert stands(cluster, "new") == [True, True], "it comes back"
    assert cluster.storage.get("serviceaccounts", "new", "default") == account


def test_nothing_is_put_into_a_namespace_that_is_going(make_cluster: Callable[..., Any]) -> None:
    cluster = make_cluster()
    cluster.storage.create("namespaces", namespace("new"))
    cluster.clock.advance(0.1)
    going = cluster.storage.get("namespaces", None, "new")
    going["metadata"]["deletionTimestamp"] = "2026-11-24T02:00:00Z"
    going["metadata"]["finalizers"] = ["kubernetes"]
    cluster.storage.update("namespaces", going)
    cluster.clock.advance(1)
    assert cluster.storage.get("namespaces", None, "new") is None
    assert stands(cluster, "new") == [False, False]
