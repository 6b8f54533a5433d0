"""Owners of fields after plain writes: the short way of a usual write gives what the long does."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest

from bot.sandbox.kubernetes import managed_fields
from bot.sandbox.kubernetes.managed_fields import Manager
from bot.sandbox.kubernetes.stored import Object, copy_json

KUBELET = Manager("kubelet", "Update", "v1", "status")
MANAGERS = (
    KUBELET,
    Manager("kubelet", "Update", "v1"),
    Manager("kubectl-edit", "Update", "v1"),
    Manager("autoscaler", "Update", "v1", "status"),
)


def pod() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "qa", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "a", "image": "b:1", "resources": {}}]},
        "status": {"phase": "Pending"},
    }


def change(obj: Object, manager: Manager, dice: random.Random) -> None:
    """Something that a writer through this endpoint may do."""
    if manager.subresource:
        status = obj["status"]
        dice.choice(
            [
                lambda: status.update(phase=dice.choice(["Pending", "Running"])),
                lambda: status.update(message=str(dice.random())),
                lambda: status.pop("message", None),
                lambda: status.update(
                    conditions=[{"type": dice.choice(["Ready", "Initialized"]), "status": "True"}]
                ),
            ]
        )()
    else:
        labels = obj["metadata"].setdefault("labels", {})
        dice.choice(
            [
                lambda: labels.update({dice.choice("ab"): dice.choice("xy")}),
                lambda: labels.pop("a", None),
                lambda: obj["spec"]["containers"][0].update(image=f"b:{dice.randint(1, 3)}"),
            ]
        )()


@pytest.mark.parametrize("seed", range(20))
def test_the_short_ways_of_usual_writes_give_what_the_long_one_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    old = pod()
    managed_fields.after_write("Pod", None, old, MANAGERS[2], "2026-11-24T00:00:00Z")
    short = {name: getattr(managed_fields, name) for name in ("_only_later", "_own_status")}
    taken = dict.fromkeys(short, 0)

    def watched(name: str, *arguments: Any) -> bool:
        way: bool = short[name](*arguments)
        taken[name] += way
        return way

    for half in range(240):
        minute, second = divmod(half // 2, 60)
        manager, now = dice.choice(MANAGERS), f"2026-11-24T00:{minute:02}:{second:02}Z"
        new = copy_json(old)
        change(new, manager, dice)
        other = copy_json(new)
        for name in short:
            monkeypatch.setattr(managed_fields, name, partial(watched, name))
        managed_fields.after_write("Pod", old, new, manager, now)
        for name in short:
            monkeypatch.setattr(managed_fields, name, lambda *arguments: False)
        managed_fields.after_write("Pod", old, other, manager, now)
        assert new == other
        old = new
    assert min(taken.values()) > 5, taken  # else this test would say nothing


def test_the_time_of_a_writer_moves_on_and_so_does_its_place() -> None:
    old = pod()
    managed_fields.after_write("Pod", None, old, MANAGERS[2], "2026-11-24T00:00:00Z")
    first = copy_json(old)
    first["status"]["phase"] = "Running"
    managed_fields.after_write("Pod", old, first, KUBELET, "2026-11-24T00:00:05Z")
    later = copy_json(first)
    later["metadata"]["labels"]["app"] = "web2"
    managed_fields.after_write("Pod", first, later, MANAGERS[2], "2026-11-24T00:00:09Z")
    listed = [(each["manager"], each["time"][-3:]) for each in later["metadata"]["managedFields"]]
    assert listed == [("kubelet", "05Z"), ("kubectl-edit", "09Z")]


def test_a_field_of_the_status_that_somebody_else_owns_as_well_is_taken_from_them() -> None:
    phase = frozenset({("f:status", "f:phase")})
    other = Manager("tool", "Apply", "v1", "status")
    old = pod()
    managed_fields.write(
        old, [managed_fields.Entry(who, phase, "2026-11-24T00:00:00Z") for who in (other, KUBELET)]
    )
    new = copy_json(old)
    new["status"]["phase"] = "Running"
    managed_fields.after_write("Pod", old, new, KUBELET, "2026-11-24T00:00:01Z")
    assert [entry.manager for entry in managed_fields.read(new)] == [KUBELET]


async def test_who_scales_owns_the_replicas_that_somebody_owned(
    cluster: Any, deployment: Any
) -> None:
    """apimachinery/pkg/util/managedfields/scalehandler.go."""
    cluster.namespace()
    path = "/apis/apps/v1/namespaces/qa/deployments/web"

    def owners(obj: Any) -> set[tuple[Any, ...]]:
        return {
            (one["manager"], one["operation"], one.get("subresource"), "time" in one)
            for one in obj["metadata"]["managedFields"]
            if "f:replicas" in one["fieldsV1"].get("f:spec", {})
        }

    async def scaled(by: str, replicas: int) -> Any:
        patch = {"spec": {"replicas": replicas}}
        where = f"{path}/scale?fieldManager={by}"
        answer = await cluster.ask(
            "PATCH", where, patch, content_type="application/merge-patch+json"
        )
        assert "managedFields" not in answer.body["metadata"]
        return (await cluster.get(path)).body

    await cluster.apply(path, deployment())
    assert owners(await scaled("kubectl", 2)) == set()  # nobody's, as recorded
    await cluster.apply(path, deployment(replicas=2))
    assert owners(await scaled("kubectl", 2)) == {("dynamo", "Apply", None, True)}
    assert owners(await scaled("kubectl", 3)) == {("kubectl", "Update", "scale", False)}
    refused = await cluster.apply(path, deployment(replicas=2))
    assert (refused.status, refused.message) == (
        409,
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using '
        "apps/v1: .spec.replicas",
    )
    shared = await cluster.apply(path, deployment(replicas=3))
    assert len(owners(shared.body)) == 2


async def test_a_scale_is_applied_as_any_object_is(cluster: Any, deployment: Any) -> None:
    cluster.namespace()
    path = "/apis/apps/v1/namespaces/qa/deployments/web"
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}}
    wanted = {**scale, "spec": {"replicas": 4}}
    await cluster.apply(path, deployment())
    refused = await cluster.apply(f"{path}/scale", wanted, manager="x")
    assert (refused.status, refused.message) == (
        409,
        'Apply failed with 1 conflict: conflict with "before-first-apply" with subresource "scale" '
        "using autoscaling/v1: .spec.replicas",
    )
    forced = await cluster.apply(f"{path}/scale", wanted, manager="x", more="&force=true")
    assert (forced.status, forced.body["spec"]) == (200, {"replicas": 4})
    listed = (await cluster.get(path)).body["metadata"]["managedFields"]
    mine = next(one for one in listed if one["manager"] == "x")
    assert (mine["operation"], mine["apiVersion"], mine["subresource"]) == (
        *("Apply", "apps/v1"),
        "scale",
    )
