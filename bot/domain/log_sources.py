"""Which containers of a workload a log is read from, and why some, or all, have none.

By default each pod speaks through the container that the catalog names, else through all of its
own (init containers have to be asked for by name).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.log_query import Query
from bot.domain.redaction import redact
from bot.domain.workload import Container, Pod, Workload

Value = str | int


@dataclass(frozen=True, slots=True)
class Source:
    """`name` is short, and among the pods of this workload only one has it; `run` tells one run of
    a container from the next."""

    pod: str
    container: str
    name: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class Silent:
    """A container without a log, and why (`logs.silent.CODE`)."""

    code: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Sources:
    """`others`: containers of these pods that were not asked."""

    sources: tuple[Source, ...] = ()
    silent: tuple[Silent, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoSources:
    """`code` names the sentence (`logs.none.CODE`)."""

    code: str
    values: Mapping[str, Value]


def sources_of(workload: Workload, query: Query, default: str = "") -> Sources | NoSources:
    """`default` is the container that the catalog names."""
    if workload.deployment is None:
        return NoSources("not_deployed", {})
    if not workload.pods:
        scaled = workload.deployment.desired == 0
        return NoSources("scaled_to_zero" if scaled else "no_pods", {})
    pods = _asked(workload.pods, query.pod)
    if not pods:
        names = ", ".join(pod.name for pod in workload.pods[:12])
        return NoSources("no_such_pod", {"word": query.pod[:80], "pods": names})
    known = tuple(dict.fromkeys(c.name for pod in pods for c in pod.containers))
    if query.container and query.container not in known:
        names = ", ".join(known)
        return NoSources("no_such_container", {"word": query.container[:80], "containers": names})
    return _sources(workload.pods, pods, query, default, known)


def _asked(pods: Sequence[Pod], word: str) -> Sequence[Pod]:
    """By its name, or the short one that lines show; else all that begin so."""
    if not word:
        return pods
    short = short_names(pods)
    exact = [pod for pod in pods if word in (pod.name, short[pod.name])]
    return exact or [pod for pod in pods if pod.name.startswith(word)]


def _sources(
    all_pods: Sequence[Pod],
    pods: Sequence[Pod],
    query: Query,
    default: str,
    known: Sequence[str],
) -> Sources:
    short = short_names(all_pods)
    sources, silent, chosen = [], [], set()
    for pod in sorted(pods, key=lambda pod: pod.name):
        containers = _chosen(pod, query.container, default)
        for container in containers:
            chosen.add(container.name)
            why = _silent(pod, container, short[pod.name], query.previous)
            if why is not None:
                silent.append(why)
                continue
            name = short[pod.name]
            if len(containers) > 1:
                name = f"{name}/{container.name}"
            run = str(container.running_since or container.restarts)
            sources.append(Source(pod.name, container.name, name, run))
    others = tuple(name for name in known if name not in chosen)
    return Sources(tuple(sources), tuple(silent), others)


def short_names(pods: Sequence[Pod]) -> dict[str, str]:
    """The end of each pod's name that no other has: `x2k9p`."""
    ends = {pod.name: pod.name.rsplit("-", 1)[-1] for pod in pods}
    counted = Counter(ends.values())
    return {
        name: end if counted[end] == 1 else "-".join(name.rsplit("-", 2)[-2:])
        for name, end in ends.items()
    }


def _chosen(pod: Pod, asked: str, default: str) -> list[Container]:
    if asked:
        return [c for c in pod.containers if c.name == asked]
    own = [c for c in pod.containers if not c.init]
    named = [c for c in own if c.name == default]
    return named or own


def _silent(pod: Pod, container: Container, short: str, previous: bool) -> Silent | None:
    names = {"pod": short, "container": container.name}
    if previous:
        return None if container.last_terminated else Silent("no_previous", names)
    if container.running_since or container.terminated or container.last_terminated:
        return None
    reason = container.waiting_reason or pod.reason or pod.phase or "?"
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        reason = scheduled.reason or "Unschedulable"
        return Silent("never_started", {**names, "reason": reason, **_said(scheduled.message)})
    message = container.waiting_message or pod.message
    return Silent("never_started", {**names, "reason": reason, **_said(message)})


def _said(message: str) -> dict[str, str]:
    return {"message": redact(message)[:300]}
