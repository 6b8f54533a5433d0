"""Containers that do not get as far as running: image, configuration, command, mounts.

One function a container or pod state, each with its row of research/rollouts.md §1.4; the times
are in `patience.py`. The texts are those of the kubelet, containerd and runc.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.patience import RESTARTS, STUCK_CREATING, Kind
from bot.domain.trouble import Scene, Trouble, container_key, of_kind
from bot.domain.verdict import Outcome, Reason, Value
from bot.domain.workload import Container, Event, Pod, Termination

PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"}
)
IMAGE = PULLING | {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
STARTING = frozenset({"CreateContainerError", "RunContainerError", "PostStartHookError"})
NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
BACKING_OFF = "CrashLoopBackOff"
CREATING = frozenset({"ContainerCreating", "PodInitializing"})
CANNOT_RUN = frozenset({126, 127})
"""What a shell says of a command that it may not run, or does not find."""

_ONLY_BACKING_OFF = re.compile(r'Back-off pulling image "[^"]*"\s*')
_DENIED = re.compile(
    r"unauthorized|denied|forbidden|no basic auth|authentication required|authorization failed"
    r"|insufficient_scope|SignatureValidationFailed",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"time[d]?[ -]?out|no such host|toomanyrequests|rate limit|connection|i/o|x509|certificate"
    r"|dial tcp|\b5\d\d\b|\b429\b|deadline exceeded|EOF|server misbehaving|does not resolve",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"not found|notfound|manifest unknown|name unknown|does not exist", re.IGNORECASE
)
_MISSING = re.compile(r'\b(configmap|secret)s? "([^"]+)" not found', re.IGNORECASE)
_MISSING_KEY = re.compile(
    r"couldn't find key (\S+) in (configmap|secret) (?:\S+/)?([^\s/]+)", re.IGNORECASE
)
_MISSING_ITEM = re.compile(r"references non-existent (config|secret) key: (\S+)", re.IGNORECASE)
_SYNCING = re.compile(r"failed to sync \w+ cache|not registered", re.IGNORECASE)
_COMMAND = re.compile(r'exec: "([^"]*)"')
_NO_COMMAND = re.compile(
    r"executable file not found|no such file|permission denied|exec format error"
    r"|no command specified|is a directory",
    re.IGNORECASE,
)
_MOUNTING = re.compile(r"error mounting|failed to mount", re.IGNORECASE)
_OOM_AT_START = re.compile(r"OOM-killed|memory limit too low", re.IGNORECASE)


def image_troubles(scene: Scene, pod: Pod, container: Container) -> Iterator[Trouble]:
    """The image cannot be had. Alternating ErrImagePull and ImagePullBackOff are one trouble, and
    the words that name the cause are kept when the back-off replaces them."""
    if container.waiting_reason not in IMAGE:
        return
    key = container_key("image", pod, container)
    words = scene.recall.keep(key, _words_of_pull(scene, pod, container))
    kind, reason = _class_of_pull(container, words)
    values: dict[str, Value] = {"image": container.image}
    if container.waiting_reason == "ErrImageNeverPull":
        values["variant"] = "never"
    trouble = of_kind(
        scene,
        kind,
        reason,
        pod,
        container,
        since=scene.recall.since(f"{key}:{kind}"),
        message=words or container.waiting_message,
        values=values,
    )
    if kind is Kind.PULL_DENIED and _refusals(scene, pod) >= 2:
        trouble = _failing(trouble)
    yield trouble


def _words_of_pull(scene: Scene, pod: Pod, container: Container) -> str:
    words = container.waiting_message
    if words and not _ONLY_BACKING_OFF.fullmatch(words):
        return words
    failed = [e.message for e in scene.about(pod.uid, "Failed") if container.image in e.message]
    return failed[0] if failed else ""


def _class_of_pull(container: Container, words: str) -> tuple[Kind, Reason]:
    match container.waiting_reason:
        case "InvalidImageName":
            return Kind.IMAGE_INVALID, Reason.INVALID_IMAGE_NAME
        case "ErrImageNeverPull":
            return Kind.IMAGE_INVALID, Reason.IMAGE_NOT_FOUND
        case "ImageInspectError":
            return Kind.IMAGE_INSPECT, Reason.IMAGE_PULL_FAILED
        case "SignatureValidationFailed":
            return Kind.PULL_DENIED, Reason.IMAGE_PULL_DENIED
    said = _without_image(words, container.image)
    if _DENIED.search(said):
        return Kind.PULL_DENIED, Reason.IMAGE_PULL_DENIED
    # "dial tcp: lookup r.example: no such host" is no missing image, whatever else it says.
    if _AWAY.search(said) and not re.search(r"manifest unknown|: not found\s*$", said):
        return Kind.PULL_FAILED, Reason.IMAGE_PULL_FAILED
    if _NOT_FOUND.search(said):
        return Kind.IMAGE_NOT_FOUND, Reason.IMAGE_NOT_FOUND
    return Kind.PULL_FAILED, Reason.IMAGE_PULL_FAILED


def _without_image(words: str, image: str) -> str:
    """An image may be called "denied": its name is no evidence. Nor is the URL that was asked."""
    return re.sub(r"https?://\S+", "", words.replace(image, "") if image else words)


def _refusals(scene: Scene, pod: Pod) -> int:
    pulls = [e.count for e in scene.about(pod.uid, "Failed") if "Failed to pull" in e.message]
    return sum(pulls)


def config_troubles(scene: Scene, pod: Pod, container: Container) -> Iterator[Trouble]:
    """A ConfigMap, Secret or key that the container's environment needs is not there."""
    if container.waiting_reason != "CreateContainerConfigError":
        return
    words = container.waiting_message
    missing = missing_config(words)
    if missing:
        kind, reason = Kind.CONFIG_MISSING, Reason.CONFIG_MISSING
    elif _SYNCING.search(words):
        kind, reason = Kind.CONFIG_SYNCING, Reason.CONFIG_MISSING
        missing = {"variant": "syncing"}
    else:
        kind, reason = Kind.CONFIG_OTHER, Reason.START_FAILED
        missing = {"variant": "refused"}
    yield of_kind(
        scene,
        kind,
        reason,
        pod,
        container,
        since=scene.recall.since(container_key(f"config:{kind}", pod, container)),
        message=words,
        values=missing,
    )


def missing_config(words: str) -> dict[str, Value]:
    """What is missing, as `config`, `kind` ("ConfigMap", "Secret") and `key`; {} if not said."""
    if found := _MISSING_KEY.search(words):
        key, kind, name = found.groups()
        return {"variant": "key", "config": name, "kind": _kind(kind), "key": key}
    if found := _MISSING.search(words):
        return {"config": found[2], "kind": _kind(found[1])}
    return {}


def _kind(word: str) -> str:
    return "Secret" if word.lower() == "secret" else "ConfigMap"


def start_troubles(
    scene: Scene, pod: Pod, container: Container, restarts: int
) -> Iterator[Trouble]:
    """The command cannot be run, or the runtime cannot start the container."""
    words, exit_code = _start_failure(container, restarts)
    if words is None:
        return
    values: dict[str, Value] = {}
    key = container_key("start", pod, container)
    words = scene.recall.keep(key, words)
    if _OOM_AT_START.search(words):
        values |= {"limit": container.memory_limit, "variant": "start"}
        kind, reason = Kind.START_ERROR, Reason.OOM_KILLED
    else:
        sure = exit_code in CANNOT_RUN or (
            _NO_COMMAND.search(words) is not None and not _MOUNTING.search(words)
        )
        kind, reason = Kind.START_IMPOSSIBLE if sure else Kind.START_ERROR, Reason.START_FAILED
        values |= _command(words, exit_code, sure=sure)
    since = scene.recall.since(f"{key}:{kind}")
    trouble = of_kind(
        scene, kind, reason, pod, container, since=since, message=words, values=values
    )
    if restarts >= RESTARTS or container.waiting_reason == BACKING_OFF:
        trouble = _failing(trouble)
    yield _with_exit(trouble, exit_code, restarts)


def _start_failure(container: Container, restarts: int) -> tuple[str | None, int | None]:
    """What is said about a start that failed and the exit code; None where none did."""
    ended = latest_end(container, restarts)
    code = ended.exit_code if ended else None
    if container.waiting_reason in STARTING:
        return container.waiting_message, code
    if ended is None or not (ended.reason in NOT_STARTED or _cannot_run(ended)):
        return None, None
    # It ran in the end: the node had a moment of trouble, which the restarts tell.
    if container.running_since is not None and ended.exit_code not in CANNOT_RUN:
        return None, None
    return ended.message or ended.reason, code


def latest_end(container: Container, restarts: int) -> Termination | None:
    """How the container's last run since the rollout ended; `restarts` are those since then."""
    if container.terminated is not None:
        return container.terminated
    counts = restarts or container.restarts == 0 or container.waiting_reason == BACKING_OFF
    return container.last_terminated if counts else None


def _cannot_run(ended: Termination) -> bool:
    return ended.exit_code in CANNOT_RUN and ended.reason != "OOMKilled"


def _command(words: str, exit_code: int | None, *, sure: bool) -> dict[str, Value]:
    if found := _COMMAND.search(words):
        return {"command": found[1]}
    return {"variant": "exit" if sure and exit_code in CANNOT_RUN else "refused"}


def mount_troubles(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    """A pod that stays in ContainerCreating: its status does not say why, its Events do."""
    if not stuck_creating(pod):
        return
    failed = scene.about(pod.uid, "FailedMount", "FailedAttachVolume", "FailedMapVolume")
    telling = next((e for e in failed if _is_missing_mount(e.message)), None) or next(
        iter(failed), None
    )
    key = f"mount:{pod.uid}"
    words = scene.recall.keep(key, telling.message if telling else "")
    if words:
        missing = _is_missing_mount(words)
        kind = Kind.MOUNT_MISSING if missing else Kind.MOUNT_OTHER
        yield of_kind(
            scene,
            kind,
            Reason.MOUNT_FAILED,
            pod,
            since=scene.since(f"{key}:{kind}", _began(telling)),
            message=words,
            values=_mounted(words) if missing else {"variant": "volume"},
        )
    yield from _sandbox_trouble(scene, pod)


def _sandbox_trouble(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    failed = next(iter(scene.about(pod.uid, "FailedCreatePodSandBox")), None)
    key = f"sandbox:{pod.uid}"
    words = scene.recall.keep(key, failed.message if failed else "")
    if words:
        yield of_kind(
            scene,
            Kind.SANDBOX,
            Reason.NODE_TROUBLE,
            pod,
            since=scene.since(f"{key}:since", _began(failed)),
            message=words,
            values={"node": pod.node, "variant": "sandbox"},
        )


def _began(event: Event | None) -> datetime | None:
    return event.first_at if event else None


def stuck_creating(pod: Pod) -> bool:
    """No container of it has got anywhere yet, and the kubelet is at work on it."""
    return bool(pod.containers) and all(
        c.waiting_reason in CREATING and c.last_terminated is None for c in pod.containers
    )


def asks_why_creating(scene: Scene, pod: Pod) -> datetime:
    """From when a pod that stays in ContainerCreating should have its Events asked for."""
    return scene.recall.since(f"creating:{pod.uid}") + timedelta(seconds=STUCK_CREATING)


def _is_missing_mount(words: str) -> bool:
    return bool(_MISSING.search(words) or _MISSING_ITEM.search(words))


def _mounted(words: str) -> dict[str, Value]:
    if found := _MISSING.search(words):
        return {"config": found[2], "kind": _kind(found[1])}
    item = _MISSING_ITEM.search(words)
    assert item is not None
    return {"variant": "key", "key": item[2], "kind": _kind(item[1])}


def _failing(trouble: Trouble) -> Trouble:
    return replace(trouble, outcome=Outcome.FAIL, again_at=None)


def _with_exit(trouble: Trouble, exit_code: int | None, restarts: int) -> Trouble:
    return replace(trouble, exit_code=exit_code, restarts=restarts)
