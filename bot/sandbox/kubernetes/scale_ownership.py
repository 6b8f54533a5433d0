"""Who owns the replicas of a workload, as seen through its scale subresource and back.

Follows apimachinery/pkg/util/managedfields/scalehandler.go: a Scale shows those managers alone that
own the replicas, under the version of Scale; what a write of the Scale did to them is then done to
the workload. As there, what is newly owned through the subresource carries no time.
"""

from __future__ import annotations

from bot.sandbox.kubernetes import managed_fields, server_side_apply
from bot.sandbox.kubernetes.fields import Path
from bot.sandbox.kubernetes.managed_fields import Entries, Entry, Manager
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.stored import Object

VERSION = "autoscaling/v1"
_REPLICAS: Path = ("f:spec", "f:replicas")
_BEFORE = "before-first-apply"


def to_scale(workload: Object) -> Entries:
    """The managers of a workload's replicas, as managers of its Scale."""
    return [
        Entry(_moved(entry.manager, VERSION), frozenset({_REPLICAS}), entry.time)
        for entry in managed_fields.read(workload)
        if _REPLICAS in entry.fields
    ]


def to_parent(workload: Object, scale: Entries) -> Entries:
    """The managers of the workload after those of its Scale have become these."""
    version = workload["apiVersion"]
    left = {_moved(entry.manager, version): entry for entry in scale if _REPLICAS in entry.fields}
    kept: Entries = []
    for entry in managed_fields.read(workload):
        if _REPLICAS in entry.fields and left.pop(entry.manager, None) is None:
            entry = Entry(entry.manager, entry.fields - {_REPLICAS}, entry.time)
        kept.append(entry)
    return [*kept, *(Entry(manager, frozenset({_REPLICAS}), "") for manager in left)]


def after_write(before: Object, scale: Object, manager: str) -> Entries:
    """The managers of a Scale after a plain write; of one that nobody owned, nobody does
    (skipnonapplied.go: Update).
    """
    found = managed_fields.read(before)
    if not found:
        return []
    who = Manager(manager, "Update", VERSION, "scale")
    managed_fields.after_write("Scale", before, scale, who, "")
    return managed_fields.read(scale)


def applied(kind: Kind, before: Object, config: Object, manager: str, *, force: bool) -> Object:
    """A Scale with a configuration applied, managedFields set. What nobody owned was there before
    (skipnonapplied.go: Apply). Raises ApiError 409 for replicas that are another's.
    """
    if not managed_fields.read(before):
        owned = frozenset({_REPLICAS}) if "replicas" in before["spec"] else frozenset()
        known = [Entry(Manager(_BEFORE, "Update", VERSION, "scale"), owned, "")]
        managed_fields.write(before, known)
    who = Manager(manager, "Apply", VERSION, "scale")
    return server_side_apply.apply(kind, before, config, who, "", force=force)


def _moved(manager: Manager, version: str) -> Manager:
    return Manager(manager.name, manager.operation, version, manager.subresource)
