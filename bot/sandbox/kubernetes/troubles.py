"""What goes wrong on purpose: one trouble at a time, for the next rollout of a service.

A trouble waits until the Deployment controller begins with a template that it concerns; then it
belongs to that ReplicaSet alone: pods of others never meet it. Lifting it (kind "none") heals: a
container that starts again behaves, a ConfigMap that was taken away comes back, a quota goes. The
next rollout of the same service lifts it too, so that a roll-back is a roll-back.

Some troubles show only once a release serves (`Kind.after`): it is slower, fails more, leaks. These
can also befall what runs already; the traffic of the offline world asks `behaviour` for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.api_objects import controller_of, instant, is_over
from bot.sandbox.kubernetes.node_host import PodTrouble
from bot.sandbox.kubernetes.quota import QUOTAS
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import AlreadyExists

Object = dict[str, Any]
AWAY_SECONDS = 60.0
_QUOTA_NAME = "team-quota"


@dataclass(frozen=True, slots=True)
class Kind:
    """A trouble that can be set; `hint` says what will be seen. `after`: only once it serves."""

    id: str
    label: str
    hint: str
    after: bool = False
    drift: bool = False  # a change by hand, at once (`drifts.py`)


KINDS = (
    Kind("none", "No trouble", "The next rollout meets nothing unusual; what was set is lifted."),
    Kind("crash-at-start", "Crash at start", "Containers stop with exit code 1 as they start."),
    Kind(
        "crash-after-ten-seconds",
        "Crash after ten seconds",
        "Containers become ready, and stop with exit code 1 after ten seconds.",
    ),
    Kind("bad-tag", "Bad tag", "The registry does not know the image."),
    Kind("denied-pull", "Denied pull", "The registry refuses the pull: 403."),
    Kind("out-of-memory", "Out of memory", "Containers are killed at their memory limit."),
    Kind("never-ready", "Never ready", "The readiness probe never passes."),
    Kind("slow-start", "Slow start", "Each pod needs 18 seconds until it is ready."),
    Kind("no-capacity", "No capacity", "No node has enough CPU for the new pods."),
    Kind("missing-configmap", "Missing ConfigMap", "The ConfigMap of the service is gone."),
    Kind("quota", "Quota", "The namespace may not hold one pod more."),
    Kind("api-away", "API server away", "The API server answers nothing for a minute."),
    Kind("slack-rate-limited", "Slack rate-limited", "Slack answers 429 for a while."),
    Kind("slower", "Slower", "It answers in more than twice the time.", after=True),
    Kind("fails-3-percent", "Fails 3 %", "Three of a hundred requests end in a 500.", after=True),
    Kind("leaks-memory", "Leaks memory", "Memory grows until it is at its limit.", after=True),
    Kind("drops-traffic", "Drops traffic", "Seven of ten requests never arrive.", after=True),
    Kind("no-metrics", "Emits no metrics", "It serves, and tells Prometheus nothing.", after=True),
    Kind("plain-logs", "Logs in words", "It writes sentences, which no machine reads.", after=True),
    Kind(
        "key-only-here",
        "A key only here",
        "FEATURE_X is put into its ConfigMap here, and nowhere else.",
        drift=True,
    ),
    Kind(
        "debug-tools",
        "Debug tools on",
        "Its ConfigMap opens a debugger, and sets LOG_LEVEL to debug.",
        drift=True,
    ),
    Kind(
        "production-database",
        "Production's database",
        "Its ConfigMap points at production's Supabase instance.",
        drift=True,
    ),
    Kind(
        "stuck-autoscaler",
        "Stuck autoscaler",
        "Its autoscaler gets no room: least is most.",
        drift=True,
    ),
)
AFTER = frozenset(kind.id for kind in KINDS if kind.after)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind, for a service and an environment's namespace; None means any."""

    kind: str
    service: str | None = None
    namespace: str | None = None
    environment: str | None = None

    def concerns(self, service: str, namespace: str) -> bool:
        return self.service in (None, service) and self.namespace in (None, namespace)


@dataclass(frozen=True, slots=True)
class Spell:
    """A trouble of one ReplicaSet, from when to when; it ends with its pods, or lifted."""

    kind: str
    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


class Troubles(PodTrouble):
    """Which trouble waits, and which ReplicaSets have one."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self.waiting: Trouble | None = None
        self.lifted: Callable[[], None] = lambda: None
        self.changed: Callable[[], None] = lambda: None
        self._bound: dict[str, str] = {}  # uid of a ReplicaSet: kind
        self._by_service: dict[tuple[str, str], str] = {}  # namespace, service: uid
        self._spells: dict[str, list[Spell]] = {}  # of `Kind.after`, by uid of a ReplicaSet
        self._taken: dict[tuple[str, str], list[Object]] = {}
        self._quotas: set[tuple[str, str]] = set()
        self._away_until = 0.0

    # Kept between two runs of the sandbox

    def kept(self) -> Object:
        """What waits and what has what, as orjson writes it."""
        return {
            "waiting": self.waiting,
            "bound": self._bound,
            "by_service": [[*key, uid] for key, uid in self._by_service.items()],
            "spells": self._spells,
            "taken": [[*key, configs] for key, configs in self._taken.items()],
            "quotas": [*self._quotas],
            "away_until": self._away_until,
        }

    def resume(self, kept: Object) -> None:
        self.waiting = Trouble(**kept["waiting"]) if kept["waiting"] else None
        self._bound = dict(kept["bound"])
        self._by_service = {(space, name): uid for space, name, uid in kept["by_service"]}
        self._spells = {
            uid: [
                Spell(each["kind"], instant(each["start"]), _instant(each["end"])) for each in held
            ]
            for uid, held in kept["spells"].items()
        }
        self._taken = {(space, name): configs for space, name, configs in kept["taken"]}
        self._quotas = {(space, name) for space, name in kept["quotas"]}
        self._away_until = kept["away_until"]
        if self.api_is_away:
            self._clock.call_later(self._away_until - self._clock.monotonic(), self._tell)

    # Setting

    def set(self, trouble: Trouble) -> None:
        """The next rollout that it concerns meets this. Kind "none" lifts everything there is."""
        if trouble.kind == "none":
            self.waiting = None
            for key in {*self._by_service, *self._taken, *self._quotas}:
                if trouble.concerns(key[1], key[0]):
                    self._heal(key)
                    self._lift(key)
        elif trouble.kind == "api-away":
            self._away_until = self._clock.monotonic() + AWAY_SECONDS
            self._clock.call_later(AWAY_SECONDS, self._tell)
        else:
            self.waiting = trouble
        self._tell()

    def set_now(self, kind: str, namespace: str, service: str, replica_set: str) -> None:
        """What runs already (a ReplicaSet, by its uid) meets a trouble of `Kind.after` at once."""
        key = (namespace, service)
        self._heal(key)
        self._lift(key)
        self._bind(kind, key, replica_set)
        self._tell()

    def _bind(self, kind: str, key: tuple[str, str], uid: str) -> None:
        self._bound[uid] = kind
        self._by_service[key] = uid
        if kind in AFTER:
            self._spells.setdefault(uid, []).append(Spell(kind, self._clock.now()))

    def _heal(self, key: tuple[str, str]) -> None:
        """What serves behaves again. A rollout heals nothing: old pods stay as they are."""
        spells = self._spells.get(self._by_service.get(key, ""), [])
        now = self._clock.now()
        spells[:] = [replace(each, end=each.end or now) for each in spells]

    def _tell(self) -> None:
        self.changed()

    @property
    def api_is_away(self) -> bool:
        return self._clock.monotonic() < self._away_until

    def current(self) -> Trouble | None:
        """What waits, or what is going on."""
        if self.waiting is not None:
            return self.waiting
        return Trouble("api-away") if self.api_is_away else None

    # Asked by the control plane

    def rollout_begins(self, deployment: Object, replica_set: Object) -> None:
        """The Deployment controller begins with a template: what it meets is settled now."""
        meta = deployment["metadata"]
        key = (meta["namespace"], meta["name"])
        self._lift(key)
        trouble = self.waiting
        if trouble is None or not trouble.concerns(key[1], key[0]):
            return
        self.waiting = None
        self._bind(trouble.kind, key, replica_set["metadata"]["uid"])
        if trouble.kind == "missing-configmap":
            self._take_config(key, deployment)
        elif trouble.kind == "quota":
            self._set_quota(key)
        self._tell()

    def of(self, pod: Object) -> str:
        owner = controller_of(pod)
        return self._bound.get(owner["uid"], "") if owner is not None else ""

    def while_serving(self, pod: Object, at: datetime) -> str:
        owner = controller_of(pod)
        return self.behaviour(owner["uid"], at) if owner is not None else ""

    def behaviour(self, replica_set: str, at: datetime) -> str:
        """Which trouble of `Kind.after` the pods of a ReplicaSet (by its uid) have at a time; ""
        for none. Times past are answered as well."""
        spells = self._spells.get(replica_set, ())
        return next((each.kind for each in spells if each.holds(at)), "")

    def of_service(self, namespace: str, service: str) -> str:
        """The trouble that a service has met, whichever; "" for none."""
        return self._bound.get(self._by_service.get((namespace, service), ""), "")

    def missing_resource(self, pod: Object) -> str | None:
        """For the scheduler: what no node has enough of for this pod."""
        return "cpu" if self.of(pod) == "no-capacity" else None

    # What a trouble does to the cluster, and undoes

    def _lift(self, key: tuple[str, str]) -> None:
        uid = self._by_service.pop(key, None)
        if uid is not None:
            self._bound.pop(uid, None)
        for config in self._taken.pop(key, ()):
            try:
                self._storage.create("configmaps", config)
            except AlreadyExists:
                continue
        if key in self._quotas:
            self._quotas.discard(key)
            self._storage.delete(QUOTAS, key[0], _QUOTA_NAME)
        self.lifted()

    def _take_config(self, key: tuple[str, str], deployment: Object) -> None:
        """Every ConfigMap that the template names disappears; the old pods have read theirs."""
        names = sorted(_config_names(deployment["spec"]["template"]["spec"]))
        for name in names:
            taken = self._storage.delete("configmaps", key[0], name)
            if taken is not None:
                for field in ("uid", "resourceVersion"):
                    taken["metadata"].pop(field, None)
                self._taken.setdefault(key, []).append(taken)

    def _set_quota(self, key: tuple[str, str]) -> None:
        """A quota that is full already: as many pods as the namespace has."""
        pods = sum(not is_over(pod) for pod in self._storage.views("pods", key[0]))
        quota = {
            "kind": "ResourceQuota",
            "apiVersion": "v1",
            "metadata": {"name": _QUOTA_NAME, "namespace": key[0]},
            "spec": {"hard": {"pods": str(pods)}},
        }
        try:
            self._storage.create(QUOTAS, quota)
        except AlreadyExists:
            return
        self._quotas.add(key)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _config_names(pod_spec: Object) -> set[str]:
    names = set()
    for container in [*pod_spec.get("containers", ()), *pod_spec.get("initContainers", ())]:
        for source in container.get("envFrom") or ():
            reference = source.get("configMapRef")
            if reference is not None and not reference.get("optional"):
                names.add(str(reference["name"]))
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("configMapKeyRef")
            if reference is not None and not reference.get("optional"):
                names.add(str(reference["name"]))
    for volume in pod_spec.get("volumes") or ():
        if "configMap" in volume:
            names.add(str(volume["configMap"]["name"]))
    return names
