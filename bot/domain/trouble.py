"""A trouble: one thing that is wrong with one pod, before pods with the same are put together.

What the classifiers (`pull_troubles`, `start_troubles`, …) share: how long a trouble has lasted,
what that makes of it, and the cluster's long texts cut to what a person needs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.judgement import Change
from bot.domain.patience import PATIENCE, Kind
from bot.domain.recall import Recall
from bot.domain.verdict import Outcome, Reason, Value
from bot.domain.workload import Container, Deployment, Event, Pod

_LONGEST = 400
_CUT = timedelta(seconds=1)

_PREAMBLES = re.compile(
    r'(?:Back-off pulling image "[^"]*": )?(?:ErrImagePull: |ImagePullBackOff: )?'
    r"(?:Failed to pull image \S+: )?(?:rpc error: code = \w+ desc = )?"
    r'(?:failed to pull and unpack image "[^"]*": )?(?:failed to resolve reference "[^"]*": )?'
    r"(?:failed to (?:start|create) containerd (?:task|container)[^:]*: )?"
    r"(?:failed to create shim task: )?(?:OCI runtime create failed: )?(?:runc create failed: )?"
    r"(?:unable to start container process: )?(?:error during container init: )?"
)
_CREDENTIALS = re.compile(r"(://)[^/\s@]+@")
_QUERY = re.compile(r"(https?://[^\s?\"]+)\?[^\s\"]*")
_CHANGING = re.compile(r"[0-9a-f]{8,}(?:-[0-9a-f]{4,})*|\d+")


@dataclass(frozen=True, slots=True)
class Scene:
    """What every classifier is given: one look, and what is known around it."""

    change: Change
    now: datetime
    recall: Recall
    deployment: Deployment
    events: Mapping[str, Sequence[Event]]  # by the uid of what they are about, newest first

    def about(self, uid: str, *reasons: str) -> Sequence[Event]:
        return [e for e in self.events.get(uid, ()) if e.reason in reasons]

    def since(self, key: str, said: datetime | None = None) -> datetime:
        """When a trouble began: as the cluster said, but never before the change, nor after the
        first look that saw it. So a bot that was away knows what lasted, and a clock that differs
        cannot make anything last longer than the rollout. What it says is cut to whole seconds: the
        end of that second counts, so that nothing is held against anybody too soon."""
        if said is None:
            return self.recall.since(key)
        return self.recall.since(key, max(self.change.at, said + _CUT))


@dataclass(frozen=True, slots=True)
class Trouble:
    """`outcome` is WAIT while it is too young to be told; `blocking` says that the pod cannot
    serve with it; `again_at` is when it will be told, or fail, although nothing happens."""

    reason: Reason
    outcome: Outcome
    pod: str = ""
    container: str = ""
    exit_code: int | None = None
    restarts: int = 0
    message: str = ""
    blocking: bool = True
    again_at: datetime | None = None
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def signature(self) -> tuple[object, ...]:
        """Pods with the same signature have the same trouble (rollouts.md §2, Dynamo)."""
        if self.reason is Reason.READINESS_PROBE:  # its words depend on the Events at hand
            return (self.reason, self.container, self.values.get("gate"))
        words = self.message.replace(self.pod, "") if self.pod else self.message
        return (self.reason, self.container, self.exit_code, _CHANGING.sub("#", words))


def lasting(scene: Scene, kind: Kind, since: datetime) -> tuple[Outcome, datetime | None]:
    """What a trouble of this kind is by now, and when it will become more."""
    patience = PATIENCE[kind]
    warns = since + timedelta(seconds=patience.warn)
    fails = None if patience.fail is None else since + timedelta(seconds=patience.fail)
    if fails is not None and scene.now >= fails:
        return Outcome.FAIL, None
    if scene.now >= warns:
        return Outcome.WARN, fails
    return Outcome.WAIT, warns


def container_key(topic: str, pod: Pod, container: Container) -> str:
    return f"{topic}:{pod.uid}:{container.name}"


def of_kind(
    scene: Scene,
    kind: Kind,
    reason: Reason,
    pod: Pod,
    container: Container | None = None,
    *,
    since: datetime,
    message: str = "",
    values: Mapping[str, Value] | None = None,
) -> Trouble:
    """A trouble whose outcome is only a matter of how long it has lasted."""
    outcome, again_at = lasting(scene, kind, since)
    return Trouble(
        reason,
        outcome,
        pod=pod.name,
        container=container.name if container else "",
        restarts=container.restarts if container else 0,
        message=plain(message),
        again_at=again_at,
        values=values or {},
    )


def plain(message: str) -> str:
    """The cluster's words without its layers' prefixes, and without what may be a secret.

    Registries put tokens into URLs: research/rollouts.md §2 (kubedog and Docker Hub's rate limit).
    """
    words = _PREAMBLES.sub("", message.strip(), count=1) or message
    words = _QUERY.sub(r"\1", _CREDENTIALS.sub(r"\1", words))
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
