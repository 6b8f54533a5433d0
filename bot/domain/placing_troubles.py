"""Pods that are not made, not placed, or taken away: admission, scheduling, nodes.

The rows of research/rollouts.md §1.4 that are about the cluster rather than about a container.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.domain.patience import DISRUPTED_PODS, PATIENCE, Kind
from bot.domain.trouble import Scene, Trouble, of_kind, plain
from bot.domain.verdict import Outcome, Reason, Value
from bot.domain.workload import Condition, Deployment, Pod, ReplicaSet

_QUOTA = re.compile(r"exceeded quota", re.IGNORECASE)
_DENIALS = (
    ("quota", _QUOTA),
    ("limits", re.compile(r"(?:maximum|minimum) \S+ usage per|limit to request ratio", re.I)),
    ("webhook", re.compile(r"admission webhook|ValidatingAdmissionPolicy", re.I)),
    ("security", re.compile(r"violates PodSecurity|pod security", re.I)),
    ("account", re.compile(r"serviceaccount", re.I)),
)
_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+\w)")
_NODES = re.compile(r"\b0/(\d+) nodes are available")
_HELPLESS = re.compile(r"(\d+) Preemption is not helpful for scheduling")
_MISPLACED = re.compile(
    r"didn't match Pod's node affinity/selector|didn't match node selector", re.IGNORECASE
)
_PASSING_TAINT = re.compile(r"untolerated taint[^.]*node\.(?:kubernetes\.io|cloudprovider)")
_SUMMARY = re.compile(r"\.? ?(?:no new claims to deallocate, )?preemption: .*", re.S)

EVICTED_AS = frozenset({"Evicted", "Preempting", "Preempted"})
DISRUPTIONS = frozenset(
    {"EvictionByEvictionAPI", "PreemptionByScheduler", "PreemptionByKubeScheduler"}
)
_EVICTED, _LOST = "evicted:", "lost:"


def old_pods_leave(replica_sets: Sequence[ReplicaSet], pods: Sequence[Pod]) -> bool:
    """Whether pods of these ReplicaSets, those from before, are on their way out."""
    uids = {r.uid for r in replica_sets}
    shrinking = any(r.replicas > r.desired for r in replica_sets)
    return shrinking or any(p.deleting for p in pods if p.owner_uid in uids)


def admission_troubles(scene: Scene, new: ReplicaSet | None, *, leaving: bool) -> Iterator[Trouble]:
    """No pod is made at all: quota, limits, a webhook, pod security. No pod says so, only the
    ReplicaSet's condition, which the controller copies to the Deployment."""
    refused = _refusal(scene.deployment, new)
    if refused is None:
        return
    key = f"admission:{new.uid if new else scene.deployment.uid}"
    freed = f"{key}:freed"
    values: dict[str, Value] = {"variant": _denial(refused.message)}
    message = _admission(refused)
    quota = _QUOTA.search(refused.message) is not None
    if quota and leaving:
        # They will give their share back: until they are gone the clock stands still.
        scene.recall.since(freed)
        reason = Reason.ADMISSION_DENIED
        yield Trouble(reason, Outcome.WARN, message=message, values=values)
        return
    kind = Kind.ADMISSION
    if quota and scene.recall.seen_before(freed):
        scene.recall.since(freed)
        kind = Kind.ADMISSION_FREED
    since = scene.recall.since(key)
    yield of_kind(
        scene, kind, Reason.ADMISSION_DENIED, _NO_POD, since=since, message=message, values=values
    )


_NO_POD = Pod(name="", uid="")


def _refusal(deployment: Deployment, new: ReplicaSet | None) -> Condition | None:
    own = [c for c in (new.conditions if new else ()) if c.type == "ReplicaFailure"]
    copied = [c for c in deployment.conditions if c.type == "ReplicaFailure"] if not new else []
    for condition in (*own, *copied):
        if condition.status == "True" and condition.reason in {"FailedCreate", ""}:
            return condition
    progressing = deployment.condition("Progressing")
    if progressing is not None and progressing.reason == "ReplicaSetCreateError":
        return progressing
    return None


def _denial(message: str) -> str:
    return next((name for name, pattern in _DENIALS if pattern.search(message)), "refused")


def _admission(condition: Condition) -> str:
    """`pods "tasks-7f8-x2x4k" is forbidden: …`: the pod's name changes with every try."""
    return re.sub(r'^pods "[^"]*" is forbidden: ', "", plain(condition.message))


# --- scheduling ---------------------------------------------------------------------------------


def scheduling_troubles(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    """No node takes the pod."""
    placed = pod.condition("PodScheduled")
    if placed is None or placed.status != "False" or pod.node:
        return
    since = scene.recall.since(f"unscheduled:{pod.uid}")
    kind = _kind_of_place(placed)
    values: dict[str, Value] = {"resource": _resource(placed.message)}
    if kind is Kind.GATED:
        values["variant"] = "gated"
    words = _SUMMARY.sub("", placed.message) or placed.reason
    trouble = of_kind(
        scene, kind, Reason.UNSCHEDULABLE, pod, since=since, message=words, values=values
    )
    yield _waiting_for_nodes(scene, trouble, pod)


def _kind_of_place(placed: Condition) -> Kind:
    if placed.reason == "SchedulingGated":
        return Kind.GATED
    if _PASSING_TAINT.search(placed.message):  # a node that is not ready, full, or starting
        return Kind.UNSCHEDULABLE
    nodes, helpless = _NODES.search(placed.message), _HELPLESS.search(placed.message)
    nowhere = nodes and helpless and nodes[1] == helpless[1]
    if nowhere or _MISPLACED.search(placed.message):
        return Kind.UNSCHEDULABLE_EVER
    return Kind.UNSCHEDULABLE


def _resource(message: str) -> str:
    return ", ".join(dict.fromkeys(_INSUFFICIENT.findall(message)))


def _waiting_for_nodes(scene: Scene, trouble: Trouble, pod: Pod) -> Trouble:
    """An autoscaler that makes a node gets its time."""
    scaled = next(iter(scene.about(pod.uid, "TriggeredScaleUp")), None)
    if scaled is None or trouble.outcome is Outcome.WAIT:
        return trouble
    since = scene.since(f"scaling-up:{pod.uid}", scaled.last_at)
    until = since + timedelta(seconds=PATIENCE[Kind.SCALING_UP].fail or 0)
    if scene.now >= until:
        return trouble
    return replace(trouble, outcome=Outcome.WARN, again_at=until)


# --- autoscalers ---------------------------------------------------------------------------------


def autoscaler_troubles(scene: Scene) -> Iterator[Trouble]:
    """It was given other bounds, and does not move the number of pods into them."""
    span = scene.change.span
    if span is None or scene.change.reached(scene.deployment.desired):
        return
    since = scene.recall.since("autoscaler")
    values: dict[str, Value] = {
        "least": span.least,
        "most": span.most,
        "count": scene.deployment.desired,
    }
    yield of_kind(scene, Kind.AUTOSCALER, Reason.AUTOSCALER, _NO_POD, since=since, values=values)


# --- pods that are taken away -------------------------------------------------------------------


def disruption_troubles(scene: Scene, pods: Sequence[Pod]) -> Iterator[Trouble]:
    """Pods that were evicted, preempted or lost: the cluster's doing, replaced by new ones. Only
    the number of distinct pods, gone ones too, makes it a failure."""
    for pod in pods:
        _note_disruption(scene, pod)
    evicted, lost = scene.recall.carry(_EVICTED), scene.recall.carry(_LOST)
    many = len(evicted) + len(lost) >= DISRUPTED_PODS
    for reason, gone in ((Reason.EVICTED, evicted), (Reason.NODE_TROUBLE, lost)):
        for words in gone.values():
            name, _, message = words.partition("\n")
            yield Trouble(
                reason,
                Outcome.FAIL if many else Outcome.WARN,
                pod=name,
                message=plain(message),
                blocking=many,
                values={"node": "", "variant": "gone"} if reason is Reason.NODE_TROUBLE else {},
            )


def _note_disruption(scene: Scene, pod: Pod) -> None:
    reason = _disruption(pod)
    if reason is not None:
        prefix = _EVICTED if reason is Reason.EVICTED else _LOST
        message = pod.message or pod.reason or _target(pod).message
        scene.recall.keep(f"{prefix}{pod.uid}", f"{pod.name}\n{message}")


def _disruption(pod: Pod) -> Reason | None:
    target = _target(pod)
    if pod.reason in EVICTED_AS or target.reason in DISRUPTIONS:
        return Reason.EVICTED
    if target.status == "True" and target.reason == "TerminationByKubelet":
        return Reason.EVICTED if pod.reason != "Terminated" else Reason.NODE_TROUBLE
    if pod.reason == "NodeLost" or target.reason in {"DeletionByTaintManager", "DeletionByPodGC"}:
        return Reason.NODE_TROUBLE
    # With restartPolicy Always a pod only fails when a node refuses or stops it.
    if pod.phase == "Failed" and not pod.deleting:
        return Reason.NODE_TROUBLE
    return None


def _target(pod: Pod) -> Condition:
    return pod.condition("DisruptionTarget") or Condition("DisruptionTarget", "False")


def taken_away(pod: Pod) -> bool:
    """Whether what its containers say is no evidence: it is being stopped, or was."""
    return pod.deleting or pod.phase in {"Failed", "Succeeded"} or _disruption(pod) is not None


def node_troubles(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    """The node does not report: the controller says NotReady of pods whose containers were fine."""
    ready, containers = pod.condition("Ready"), pod.condition("ContainersReady")
    if ready is None or containers is None or pod.readiness_gates:
        return
    if pod.phase == "Unknown" or (containers.status == "True" and ready.status != "True"):
        yield of_kind(
            scene,
            Kind.NODE,
            Reason.NODE_TROUBLE,
            pod,
            since=scene.recall.since(f"node:{pod.uid}"),
            message=ready.message or ready.reason,
            values={"node": pod.node, "variant": "silent"},
        )
