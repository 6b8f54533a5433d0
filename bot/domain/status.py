"""What `status` tells: versions and health side by side, and one workload with its pods.

Made from the cluster's snapshot and the store's active rollout; pure, so that what a person is
told about a workload can be tested without a cluster. The words are in `bot/text` under `status`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.image import Image
from bot.domain.lock import Lock
from bot.domain.rollout import DRIVEN, WAITING, Rollout, RolloutState
from bot.domain.workload import Autoscaler, Container, Pod, ReplicaSet, Workload


class Health(StrEnum):
    READY = "READY"  # every wanted pod is ready
    PARTIAL = "PARTIAL"  # some are
    DOWN = "DOWN"  # none is
    ROLLING = "ROLLING"  # a rollout of Dynamo's, or of somebody else, is under way
    STUCK = "STUCK"  # a change does not come through, and nobody drives it
    PAUSED = "PAUSED"
    ZERO = "ZERO"  # scaled to zero: wanted so
    ABSENT = "ABSENT"  # never deployed there
    UNKNOWN = "UNKNOWN"  # the cluster does not answer


class PodState(StrEnum):
    READY = "READY"
    STARTING = "STARTING"  # runs, not ready yet
    PENDING = "PENDING"  # has no node, or its containers were not created yet
    FAILING = "FAILING"  # crashes, cannot pull, was evicted
    ENDING = "ENDING"
    FINISHED = "FINISHED"


@dataclass(frozen=True, slots=True)
class Cell:
    """One service in one environment. `since`: when the present version came there."""

    environment: str
    health: Health
    version: str = ""
    ready: int = 0
    desired: int = 0
    since: datetime | None = None
    towards: str = ""  # the version that an active rollout brings
    state: RolloutState | None = None  # of that rollout
    autoscaler: Autoscaler | None = None
    lock: Lock | None = None  # who holds the place


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    service: str
    cells: tuple[Cell, ...]  # in the order of the matrix's environments


@dataclass(frozen=True, slots=True)
class StatusMatrix:
    """`environments` are titles as people read them, in pipeline order; `at`: when it was read."""

    environments: tuple[str, ...]
    services: tuple[ServiceStatus, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class PodStatus:
    """`word` is Kubernetes' own reason (CrashLoopBackOff), "" where there is none."""

    name: str
    state: PodState
    word: str = ""
    restarts: int = 0
    since: datetime | None = None
    version: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """One workload in full. `warnings`: recent Warning events as redacted lines."""

    service: str
    namespace: str
    cell: Cell
    digest: str = ""
    pods: tuple[PodStatus, ...] = ()
    warnings: tuple[str, ...] = ()


def foremost(active: Iterable[Rollout]) -> Rollout | None:
    """Of the rollouts of one place the one that a cell tells of: what is driven, else what is in
    the queue, else what waits for people; the oldest of them."""
    found = list(active)
    for states in (DRIVEN, {RolloutState.QUEUED}, WAITING):
        here = [rollout for rollout in found if rollout.state in states]
        if here:
            return here[0]
    return None


def cell_of(
    environment: str, workload: Workload, *, container: str, rollout: Rollout | None = None
) -> Cell:
    """What a snapshot comes to. `container` runs the service's image; `rollout` is the active one
    there, if any."""
    found = workload.deployment
    brings = rollout is not None and rollout.kind.brings_release
    towards = rollout.version if rollout is not None and brings else ""
    state = rollout.state if rollout is not None else None
    if found is None:
        return Cell(environment, Health.ABSENT, towards=towards, state=state)
    serving = _serving(workload)
    template = version_of(found.version, found.images.get(container, ""))
    health = _health(workload, rollout)
    if serving is not None and not towards and health is Health.STUCK:
        towards = template
    return Cell(
        environment=environment,
        health=health,
        version=_version_of_set(serving, container) if serving else template,
        ready=serving.ready if serving else found.ready,
        desired=found.desired,
        since=_since(workload, serving),
        towards=towards,
        state=state,
        autoscaler=workload.autoscaler,
    )


def status_of(
    service: str,
    environment: str,
    workload: Workload,
    *,
    container: str,
    rollout: Rollout | None = None,
    warnings: tuple[str, ...] = (),
) -> WorkloadStatus:
    """The whole of one workload, its newest pods first."""
    found = workload.deployment
    newest = sorted(workload.pods, key=lambda pod: (pod.owner_uid, pod.name))
    new = {pod.uid for pod in workload.new_pods}
    newest.sort(key=lambda pod: pod.uid not in new)
    return WorkloadStatus(
        service=service,
        namespace=found.namespace if found else "",
        cell=cell_of(environment, workload, container=container, rollout=rollout),
        digest=_digest(workload, container),
        pods=tuple(_pod_status(pod, workload, container) for pod in newest),
        warnings=warnings,
    )


def version_of(version: str, reference: str) -> str:
    """What a template calls its version, or what its image's reference says."""
    image = Image.parse(reference)
    return version or image.tag or image.short_digest


def _serving(workload: Workload) -> ReplicaSet | None:
    """The older ReplicaSet that serves because no pod of the new one is ready; else None."""
    found, new = workload.deployment, workload.new_replica_set
    if found is None or (new is not None and new.ready):
        return None
    older = [
        each
        for each in workload.replica_sets
        if each.owner_uid == found.uid and each.ready and (new is None or each.uid != new.uid)
    ]
    return max(older, key=lambda each: (each.ready, each.revision), default=None)


def _version_of_set(replica_set: ReplicaSet, container: str) -> str:
    return version_of(replica_set.version, replica_set.images.get(container, ""))


def _since(workload: Workload, serving: ReplicaSet | None) -> datetime | None:
    """When the version that serves came there: its rollout's end, as the Deployment remembers it.
    A ReplicaSet's own age would be that of its first use, and a roll-back uses it again."""
    found, new = workload.deployment, workload.new_replica_set
    assert found is not None
    if serving is not None:
        return serving.created_at
    done = found.condition("Progressing")
    if done is not None and done.reason == "NewReplicaSetAvailable" and done.updated_at:
        return done.updated_at
    return (new.created_at if new else None) or found.created_at


def _digest(workload: Workload, container: str) -> str:
    found = workload.deployment
    if found is None:
        return ""
    serving = _serving(workload)
    images = serving.images if serving else found.images
    return Image.parse(images.get(container, "")).digest


def _health(workload: Workload, rollout: Rollout | None) -> Health:
    found = workload.deployment
    assert found is not None
    driven = rollout is not None and rollout.state in DRIVEN
    unfinished = found.updated < found.desired or found.replicas > found.desired
    if driven or unfinished:
        if found.paused:
            return Health.PAUSED
        return Health.STUCK if not driven and _stuck(workload) else Health.ROLLING
    if found.paused:
        return Health.PAUSED
    if not found.desired:
        return Health.ZERO
    if found.ready >= found.desired:
        return Health.READY
    return Health.PARTIAL if found.ready else Health.DOWN


def _stuck(workload: Workload) -> bool:
    """The deadline has passed, or a new pod fails: it does not come through by waiting."""
    found = workload.deployment
    progressing = found.condition("Progressing") if found else None
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return True
    return any(_pod_state(pod)[0] is PodState.FAILING for pod in workload.new_pods)


def _pod_status(pod: Pod, workload: Workload, container: str) -> PodStatus:
    state, word = _pod_state(pod)
    owner = next((rs for rs in workload.replica_sets if rs.uid == pod.owner_uid), None)
    reference = next((c.image for c in pod.containers if c.name == container), "")
    return PodStatus(
        name=pod.name,
        state=state,
        word=word,
        restarts=pod.restarts,
        since=pod.created_at,
        version=version_of(owner.version if owner else "", reference),
        node=pod.node,
    )


def _pod_state(pod: Pod) -> tuple[PodState, str]:
    """The state, and the reason in Kubernetes' own word where it is not simply well."""
    if pod.deleting:
        return PodState.ENDING, ""
    if pod.phase == "Succeeded":
        return PodState.FINISHED, pod.reason
    if pod.phase == "Failed":
        return PodState.FAILING, pod.reason
    for container in pod.containers:
        word = _failing_word(container)
        if word:
            return PodState.FAILING, word
    if pod.ready:
        return PodState.READY, ""
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return PodState.PENDING, scheduled.reason
    running = any(c.running_since for c in pod.containers if not c.init)
    return (PodState.STARTING if running else PodState.PENDING), ""


_STARTING_WORDS = frozenset({"", "ContainerCreating", "PodInitializing"})


def _failing_word(container: Container) -> str:
    if container.waiting_reason not in _STARTING_WORDS:
        return container.waiting_reason
    ended = container.terminated
    if ended is not None and (ended.exit_code or not container.init):
        return ended.reason or "Error"
    return ""
