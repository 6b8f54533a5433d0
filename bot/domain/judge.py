"""The judgement of a rollout: one look at the cluster, and what it means. Pure: no clock, no I/O.

    what became of our change?      gone, overtaken, nothing to do
    how far is it?                  completion.py, kubectl's own order
    what is wrong with new pods?    start_troubles, running_troubles, placing_troubles
    put together                    findings (pods with the same trouble), then one verdict

The rules are research/rollouts.md §1, the numbers `patience.py`. A verdict depends on the look and
the memory alone, so it does not matter in which order the events of one instant came, nor how
often. The engine calls it whenever something changed and at `again_at`; the replay calls it over
recordings.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.completion import Standing, counters, standing_of
from bot.domain.findings import findings_of, verdict_values
from bot.domain.judgement import Change, Judgement, Memory
from bot.domain.patience import UNSEEN_IS_DELETED
from bot.domain.placing_troubles import (
    admission_troubles,
    autoscaler_troubles,
    disruption_troubles,
    node_troubles,
    old_pods_leave,
    scheduling_troubles,
    taken_away,
)
from bot.domain.recall import Recall
from bot.domain.running_troubles import (
    ending_troubles,
    gate_troubles,
    note_started,
    readiness_troubles,
    restarts_since,
    wants_kill_events,
)
from bot.domain.start_troubles import (
    asks_why_creating,
    config_troubles,
    image_troubles,
    mount_troubles,
    start_troubles,
    stuck_creating,
)
from bot.domain.trouble import Scene, Trouble
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.domain.workload import Deployment, Event, Pod, Workload

_UID, _TEMPLATE = "deployment:uid", "change:template"

_EXPLAINED_BY_EVENTS = frozenset(
    {Reason.READINESS_PROBE, Reason.UNSCHEDULABLE, Reason.IMAGE_PULL_FAILED}
)


def judge_rollout(seen: Workload, change: Change, memory: Memory, now: datetime) -> Judgement:
    """What Dynamo holds of the change `change`, having seen `seen` at `now`.

    `memory` is that of the judgement before (empty at first), kept with the rollout.
    """
    recall = Recall(memory, now)
    known_uid = recall.keep(_UID, "")
    deployment = seen.deployment
    if deployment is None or known_uid not in {"", deployment.uid}:
        return _gone(recall, change, now, was_seen=bool(known_uid))
    recall.keep(_UID, deployment.uid)
    if change.unchanged:
        return _final(recall, Outcome.PASS, Reason.UNCHANGED, deployment)
    if _overtaken(deployment, change, recall):
        return _final(recall, Outcome.SUPERSEDED, Reason.SUPERSEDED, deployment)

    standing = standing_of(deployment, seen.new_replica_set, change)
    if deployment.generation < (change.generation or 0):
        recall.hold()  # a look from before the write: what it shows is the version before
        return Judgement(Verdict(Outcome.WAIT, standing.reason, standing.values), recall.memory())
    scene = Scene(change, now, recall, deployment, _by_uid(seen.events))
    live = [pod for pod in seen.new_pods if not taken_away(pod)]
    troubles = list(_troubles(scene, seen, live))
    verdict = _verdict(standing, troubles, len(live))
    asks, ask_at = _events_wanted(scene, live, troubles)
    settled = verdict.outcome in {Outcome.FAIL, Outcome.SUPERSEDED}
    times = [t for t in (*(t.again_at for t in troubles), *ask_at) if t is not None and t > now]
    return Judgement(
        verdict,
        recall.memory(),
        again_at=None if settled else min(times, default=None),
        wants_events=asks,
    )


# --- what became of our change ------------------------------------------------------------------


def _gone(recall: Recall, change: Change, now: datetime, *, was_seen: bool) -> Judgement:
    """No Deployment, or another of the same name: deleted. Right after a first deploy the watch
    may not have brought it yet, so one that was never seen gets its time."""
    shows_up_until = change.at + timedelta(seconds=UNSEEN_IS_DELETED)
    if was_seen or now >= shows_up_until:
        return Judgement(Verdict(Outcome.FAIL, Reason.DELETED), recall.memory())
    waiting = Verdict(Outcome.WAIT, Reason.UNOBSERVED)
    return Judgement(waiting, recall.memory(), again_at=shows_up_until)


def _overtaken(deployment: Deployment, change: Change, recall: Recall) -> bool:
    """Someone else's template replaced ours; a new generation alone (an autoscaler, a scaling, a
    pause) does not. A scaling is overtaken by another number of pods, and by nothing else.
    Source: research/rollouts.md §1.2 ("Superseded")."""
    if change.generation is None:
        return False
    if change.scales:
        newer = deployment.generation > change.generation
        return newer and change.span is None and not change.reached(deployment.desired)
    first = deployment.template if deployment.generation == change.generation else ""
    ours = change.template or recall.keep(_TEMPLATE, first)
    newer = deployment.generation > change.generation
    return newer and bool(ours) and deployment.template != ours


def _final(recall: Recall, outcome: Outcome, reason: Reason, of: Deployment) -> Judgement:
    values = counters(of)
    values["image"] = next(iter(of.images.values()), "")
    values["revision"] = of.revision
    return Judgement(Verdict(outcome, reason, values), recall.memory())


# --- what is wrong ------------------------------------------------------------------------------


def _troubles(scene: Scene, seen: Workload, live: Sequence[Pod]) -> Iterator[Trouble]:
    new = seen.new_replica_set
    old = [r for r in seen.replica_sets if new is None or r.uid != new.uid]
    yield from admission_troubles(scene, new, leaving=old_pods_leave(old, seen.pods))
    yield from disruption_troubles(scene, seen.new_pods)
    yield from autoscaler_troubles(scene)
    for pod in live:
        yield from _pod_troubles(scene, pod)


def _pod_troubles(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    yield from scheduling_troubles(scene, pod)
    yield from mount_troubles(scene, pod)
    yield from gate_troubles(scene, pod)
    yield from node_troubles(scene, pod)
    for container in pod.containers:
        restarts = restarts_since(scene, pod, container)
        note_started(scene, pod, container)
        yield from image_troubles(scene, pod, container)
        yield from config_troubles(scene, pod, container)
        yield from start_troubles(scene, pod, container, restarts)
        yield from ending_troubles(scene, pod, container, restarts)
        yield from readiness_troubles(scene, pod, container)


def _by_uid(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Newest first; what is equally new in an order that does not depend on how it came."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.about_uid].append(event)
    for about in found.values():
        about.sort(
            key=lambda e: (e.last_at.timestamp() if e.last_at else 0, e.message), reverse=True
        )
    return found


def _events_wanted(
    scene: Scene, live: Sequence[Pod], troubles: Sequence[Trouble]
) -> tuple[tuple[str, ...], list[datetime]]:
    """The pods whose Events would say more than their status, and when more will be asked."""
    told = [t for t in troubles if t.outcome is not Outcome.WAIT]
    puzzling = {t.pod for t in told if t.reason in _EXPLAINED_BY_EVENTS}
    asks, later = [], []
    for pod in live:
        ask = pod.name in puzzling or any(
            wants_kill_events(pod, c, restarts_since(scene, pod, c)) for c in pod.containers
        )
        if stuck_creating(pod):
            at = asks_why_creating(scene, pod)
            ask = ask or scene.now >= at
            later.append(at)
        if ask:
            asks.append(pod.uid)
    return tuple(asks), later


# --- one verdict --------------------------------------------------------------------------------


def _verdict(standing: Standing, troubles: Sequence[Trouble], of: int) -> Verdict:
    """The worst finding speaks, the most causal of the worst; without one, how far it is."""
    findings = findings_of(troubles, of)
    worst = findings[0] if findings else None
    if worst is not None and worst.outcome is Outcome.FAIL:
        return _spoken(standing, worst, findings)
    if standing.reason is Reason.DEADLINE_EXCEEDED:
        return _at_the_deadline(standing, troubles, findings, of)
    blocking = any(t.blocking and t.outcome is Outcome.WARN for t in troubles)
    if worst is not None and (blocking or not standing.done):
        return _spoken(standing, worst, findings)
    return Verdict(_outcome(standing), standing.reason, standing.values, findings)


def _outcome(standing: Standing) -> Outcome:
    return Outcome.PASS if standing.done else Outcome.WAIT


def _spoken(standing: Standing, by: Finding, findings: tuple[Finding, ...]) -> Verdict:
    return Verdict(by.outcome, by.reason, verdict_values(standing.values, by), findings)


def _at_the_deadline(
    standing: Standing, troubles: Sequence[Trouble], findings: tuple[Finding, ...], of: int
) -> Verdict:
    """The controller gave up: what holds the pods back is why, even what was only watched yet."""
    held = [replace(t, outcome=Outcome.FAIL) for t in troubles if t.blocking]
    causes = findings_of(held, of, together=1)
    if not causes:
        return Verdict(Outcome.FAIL, standing.reason, standing.values, findings)
    others = tuple(f for f in findings if f.reason is not causes[0].reason)
    return _spoken(standing, causes[0], (causes[0], *others))
