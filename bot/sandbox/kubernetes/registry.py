"""Create, update, patch, apply and delete: what happens to an object between request and store.

The order is the real one's: decode, default, field ownership, admission, preparation, validation,
store. Reading and watching need none of this and are in `reading.py` and `watch.py`.
"""

from __future__ import annotations

import random
import uuid
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import (
    defaults,
    managed_fields,
    object_bodies,
    patches,
    scale_ownership,
    scaling,
    server_side_apply,
    statuses,
    versions,
    warnings,
)
from bot.sandbox.kubernetes.admission import Admission, Admitting
from bot.sandbox.kubernetes.managed_fields import Manager
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.resources import STORED, Kind
from bot.sandbox.kubernetes.statuses import bad_request
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Conflict, Object, copy_json
from bot.sandbox.kubernetes.validation import validate, validate_update

# Strategies in pkg/registry whose AllowCreateOnUpdate is true, and AllowUnconditionalUpdate false.
_MADE_BY_PUT = frozenset(
    {
        *("leases", "events", "services", "endpoints", "limitranges"),
        *("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    }
)
_NEVER_UNCONDITIONAL = frozenset({"leases", "poddisruptionbudgets"})


class Registry:
    """Writes on behalf of clients."""

    def __init__(
        self, store: Storage, clock: Clock, admission: Admission, dice: random.Random
    ) -> None:
        self._store = store
        self._clock = clock
        self._admission = Admitting(store, admission, dice)
        self._dice = dice

    # Create

    def create(self, kind: Kind, namespace: str, raw: Any, options: WriteOptions) -> Object:
        obj = object_bodies.decoded(kind, raw, options)
        object_bodies.same_place(obj, namespace, "")
        version = obj["metadata"].get("resourceVersion") or ""
        if (
            version.isascii() and version.isdigit() and int(version)
        ):  # one that is no number is none to etcd
            raise statuses.internal("resourceVersion should not be set on objects to be created")
        return self._new(kind, namespace, obj, options)

    def _new(self, kind: Kind, namespace: str, obj: Object, options: WriteOptions) -> Object:
        """A decoded object that is not there yet, whatever it says of when it was made."""
        meta = obj["metadata"]
        for word in ("resourceVersion", "uid", "creationTimestamp", "deletionTimestamp"):
            meta.pop(word, None)
        meta.pop("deletionGracePeriodSeconds", None)
        if not meta.get("name") and meta.get("generateName"):
            suffix = "".join(self._dice.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
            meta["name"] = meta["generateName"][:58] + suffix
        defaults.apply_defaults(kind, obj)
        manager = Manager(options.manager, "Update", kind.api_version)
        managed_fields.after_write(kind.schema, None, obj, manager, self._now())
        return self._create(kind, namespace, obj, options)

    def _create(self, kind: Kind, namespace: str, obj: Object, options: WriteOptions) -> Object:
        """From here on a created and an applied object go the same way."""
        meta = obj["metadata"]
        if kind.namespaced:
            meta["namespace"] = namespace
            self._admission.open_namespace(kind, namespace, meta.get("name", ""))
        self._admission.admit(kind, obj)
        defaults.prepare_create(kind, obj)
        if kind.kind == "Service":
            self._admission.allot(obj)
        errors = validate(kind, obj)
        if errors:
            raise statuses.invalid(kind, meta.get("name", ""), errors)
        options.warnings.extend(warnings.about(kind, obj))
        obj = versions.to_stored(kind, obj)
        there = self._store.stored(kind.key, namespace or None, meta["name"])
        if there is not None:
            goes = "deletionTimestamp" in there.view["metadata"]
            raise statuses.already_exists(kind, meta["name"], goes=goes)
        if options.dry_run:
            return versions.answer(kind, self._as_if_created(kind, obj))
        return versions.answer(kind, self._store.create(kind.key, obj))

    def _as_if_created(self, kind: Kind, obj: Object) -> Object:
        """A dry run: everything but the resourceVersion."""
        scratch = Storage(self._clock, dice=random.Random(uuid.uuid4().int))
        made = scratch.create(kind.key, obj)
        made["metadata"].pop("resourceVersion", None)
        return made

    # Replace

    def replace(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        raw: Any,
        options: WriteOptions,
        subresource: str = "",
    ) -> tuple[Object, bool]:
        """Returns the object and whether it was created."""
        obj = object_bodies.decoded(kind, raw, options)
        object_bodies.same_place(obj, namespace, name)
        if self._store.stored(kind.key, namespace or None, name) is None:
            return self._missing(kind, namespace, obj, options, subresource), True
        old = self._old(kind, namespace, name)
        self._check_versions(kind, old, obj, uid_is_precondition=True)
        return self._update(kind, old, obj, options, subresource), False

    def _missing(
        self, kind: Kind, namespace: str, obj: Object, options: WriteOptions, subresource: str
    ) -> Object:
        """A PUT to what is not there: few kinds are made by it (AllowCreateOnUpdate)."""
        meta = obj["metadata"]
        if meta.get("uid"):
            nothing = {"name": meta["name"], "namespace": namespace, "uid": ""}
            raise self._wrong_uid(kind, meta["uid"], nothing)
        if subresource or kind.plural not in _MADE_BY_PUT:
            raise statuses.not_found(kind, meta["name"])
        return self._new(kind, namespace, obj, options)

    def _update(
        self, kind: Kind, old: Object, obj: Object, options: WriteOptions, subresource: str = ""
    ) -> Object:
        """From a whole new object, decoded and held against what is stored, not yet defaulted."""
        given = None if subresource else obj["metadata"].get("managedFields")
        self._keep(kind, old, obj, subresource)
        defaults.apply_defaults(kind, obj)
        manager = Manager(options.manager, "Update", kind.api_version, subresource)
        managed_fields.after_write(kind.schema, old, obj, manager, self._now(), given=given)
        return self._store_update(kind, old, obj, options)

    def _check_versions(
        self, kind: Kind, old: Object, obj: Object, *, uid_is_precondition: bool = False
    ) -> None:
        """resourceVersion and uid against what is stored. A PUT's uid is a precondition, any other
        change of it an invalid object.
        """
        meta, before = obj["metadata"], old["metadata"]
        if meta.get("uid") and meta["uid"] != before["uid"]:
            if uid_is_precondition:
                raise self._wrong_uid(kind, meta["uid"], before)
            problem = statuses.invalid_value("metadata.uid", meta["uid"], "field is immutable")
            raise statuses.invalid(kind, before["name"], [problem])
        version = meta.get("resourceVersion") or "0"
        if not version.isdigit() or not version.isascii():
            raise statuses.internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if int(version) == 0:
            if kind.plural in _NEVER_UNCONDITIONAL:
                problem = statuses.invalid_value(
                    "metadata.resourceVersion", 0, "must be specified for an update"
                )
                raise statuses.invalid_kind(
                    kind.qualified, kind.group, kind.plural, before["name"], [problem]
                )
        elif version != before["resourceVersion"]:
            raise statuses.conflict(kind, before["name"])

    def _wrong_uid(self, kind: Kind, wanted: str, meta: Object) -> statuses.ApiError:
        where = "/".join(filter(None, (kind.plural, meta.get("namespace"), meta["name"])))
        return statuses.conflict(
            kind,
            meta["name"],
            f"StorageError: invalid object, Code: 4, Key: /registry/{where}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, "
            f"UID in object meta: {meta['uid']}",
        )

    def _keep(self, kind: Kind, old: Object, obj: Object, subresource: str) -> None:
        """What a write through this endpoint does not reach stays as it was."""
        meta, before = obj["metadata"], old["metadata"]
        for word in (
            *("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"),
            *("deletionTimestamp", "deletionGracePeriodSeconds"),
        ):
            if word in before:
                meta[word] = before[word]
            else:
                meta.pop(word, None)
        if subresource == "status":
            self._copy(old, obj, "spec")
            self._copy(before, meta, "labels")
        elif kind.status:
            self._copy(old, obj, "status")
        if kind.kind == "Namespace" and subresource != "finalize":
            self._copy(old, obj, "spec")
        if kind.kind == "Service" and subresource == "":
            for word in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                if word in old["spec"]:
                    obj["spec"].setdefault(word, copy_json(old["spec"][word]))

    @staticmethod
    def _copy(old: Object, new: Object, word: str) -> None:
        if word in old:
            new[word] = copy_json(old[word])
        else:
            new.pop(word, None)

    def _store_update(self, kind: Kind, old: Object, obj: Object, options: WriteOptions) -> Object:
        name = old["metadata"]["name"]
        errors = [*validate(kind, obj), *validate_update(kind, old, obj)]
        if errors:
            raise statuses.invalid(kind, name, errors)
        options.warnings.extend(warnings.about(kind, obj))
        if _same_but_times(old, obj):
            return versions.answer(kind, versions.to_stored(kind, old))
        before = old["metadata"]["resourceVersion"]
        obj = versions.to_stored(kind, obj)
        if options.dry_run:
            return versions.answer(kind, self._as_if_updated(kind, old, obj))
        try:
            return versions.answer(kind, self._store.update(kind.key, obj, expect=before))
        except Conflict as error:
            raise statuses.conflict(kind, name) from error

    def _as_if_updated(self, kind: Kind, old: Object, obj: Object) -> Object:
        scratch = Storage(self._clock)
        scratch.load(kind.key, versions.to_stored(kind, copy_json(old)))
        made = scratch.update(kind.key, obj)
        made["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        return made

    # Patch

    def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        content_type: str,
        body: bytes,
        options: WriteOptions,
        subresource: str = "",
    ) -> tuple[Object, bool]:
        """Returns the object and whether it was created (only apply creates)."""
        if content_type == patches.APPLY:
            return self._apply(kind, namespace, name, body, options, subresource)
        old = self._old(kind, namespace, name)
        obj = object_bodies.patched(kind, old, content_type, body, options)
        object_bodies.same_place(obj, namespace, name)
        self._check_versions(kind, old, obj)
        return self._update(kind, old, obj, options, subresource), False

    def _apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        body: bytes,
        options: WriteOptions,
        subresource: str,
    ) -> tuple[Object, bool]:
        config, twice = object_bodies.applied(body, options)
        if config.get("metadata") is None:
            config["metadata"] = {}
        meta: Object = config["metadata"] if isinstance(config["metadata"], dict) else {}
        stored = self._store.stored(kind.key, namespace or None, name)
        old = None if stored is None else versions.to_version(kind, stored.copy())
        if old is None and subresource:
            raise statuses.not_found(kind, name)
        manager = Manager(options.manager, "Apply", kind.api_version, subresource)
        merged = server_side_apply.apply(
            kind, old, config, manager, self._now(), force=options.force
        )
        if twice and options.validation == "Strict":
            raise bad_request(f"error strict decoding YAML: {twice}")
        if twice and options.validation == "Warn":
            options.warnings.extend(line.strip() for line in twice.splitlines()[1:])
        if old is None and meta.get("uid"):
            why = (
                f"uid mismatch: the provided object specified uid {meta['uid']}, and no existing "
                "object was found"
            )
            raise statuses.conflict(kind, name, why)
        object_bodies.same_place(merged, namespace, name)
        obj = object_bodies.decoded_apply(kind, merged)
        if old is None:
            defaults.apply_defaults(kind, obj)
            return self._create(kind, namespace, obj, options), True
        entries = obj["metadata"].get("managedFields")
        self._check_versions(kind, old, obj)
        self._keep(kind, old, obj, subresource)
        if entries is not None:
            obj["metadata"]["managedFields"] = entries
        defaults.apply_defaults(kind, obj)
        return self._store_update(kind, old, obj, options), False

    # Scale

    def scale(
        self, kind: Kind, namespace: str, name: str, change: scaling.Change | None,
        options: WriteOptions,
    ) -> Object:  # fmt: skip
        """Read the Scale, or let `change` give a new one and store its replicas and owners."""
        old = self._old(kind, namespace, name)
        before = scaling.scale_of(old)
        if change is None:
            return before
        managed_fields.write(before, scale_ownership.to_scale(old))
        scale, managers = change(before)
        object_bodies.same_place(scale, namespace, name)
        self._check_versions(kind, old, scale, uid_is_precondition=True)
        new = copy_json(old)
        new["spec"]["replicas"] = scaling.replicas_of(scale, name)
        managed_fields.write(new, scale_ownership.to_parent(old, managers))
        return scaling.scale_of(self._store_update(kind, old, new, options))

    # Shared

    def decoded_review(self, kind: Kind, raw: Any, options: WriteOptions) -> Object:
        """An access review: decoded and owned like a new object, and never stored."""
        obj = object_bodies.decoded(kind, raw, options)
        manager = Manager(options.manager, "Update", kind.api_version)
        managed_fields.after_write(kind.schema, None, obj, manager, self._now())
        return obj

    def _now(self) -> str:
        return self._store.timestamp()

    def _old(self, kind: Kind, namespace: str, name: str) -> Object:
        stored = self._store.stored(kind.key, namespace or None, name)
        if stored is None:
            raise statuses.not_found(kind, name)
        return versions.to_version(kind, stored.copy())


def track_fields(
    resource: str, old: Object | None, new: Object, manager: str, subresource: str, now: str
) -> None:
    """managedFields of a write that goes past the API, by a controller (Storage.field_tracker)."""
    kind = STORED.get(resource)
    if kind is not None:
        who = Manager(manager, "Update", kind.api_version, subresource)
        managed_fields.after_write(kind.schema, old, new, who, now)


def _same_but_times(old: Object, new: Object) -> bool:
    """Whether an update changes nothing but times in managedFields, which is no change."""

    def bare(obj: Object) -> Object:
        meta = dict(obj["metadata"])
        meta["managedFields"] = [
            {k: v for k, v in entry.items() if k != "time"}
            for entry in meta.get("managedFields") or []
        ]
        meta["managedFields"].sort(key=lambda e: (e["operation"], e["manager"], str(e)))
        return {**obj, "metadata": meta}

    return bare(old) == bare(new)
