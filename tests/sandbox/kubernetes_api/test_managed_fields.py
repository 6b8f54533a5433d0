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
