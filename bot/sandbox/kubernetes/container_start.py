"""Brings a container up: restart policy and back-off, image, configuration, create, start.

What keeps it from starting is told as an event, remembered as the reason for the next status, and
brings the pod back later (pkg/kubelet/kuberuntime, pkg/kubelet/images).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.sandbox.kubernetes.container_logs import ContainerLog
from bot.sandbox.kubernetes.container_run import Backoff, ContainerRun, Incarnation
from bot.sandbox.kubernetes.containers import Behaviour, behaviour_of
from bot.sandbox.kubernetes.images import Image, ImageName, InvalidName, parse_image, pull_refusal
from bot.sandbox.kubernetes.pod_config import MissingReference, environment, pull_credentials
from bot.sandbox.kubernetes.pod_context import PodContext
from bot.sandbox.kubernetes.work_queue import key_of

_CANNOT_START = 128
_PAST_KEPT = 2


class ContainerStarter:
    """Starts containers of one pod. `started` is told of each that is up; `come_back` syncs the pod
    again, after so many seconds or (None) with the next tick."""

    def __init__(
        self,
        pod: PodContext,
        *,
        started: Callable[[ContainerRun, Incarnation], None],
        come_back: Callable[[float | None], None],
    ) -> None:
        self._pod = pod
        self._tell_started = started
        self._come_back = come_back

    def attempt(self, run: ContainerRun, *, fresh: bool) -> None:
        """Try to start a container. `fresh`: something changed since the last sync: the next
        tick looks again; otherwise the next try is after the usual wait.
        """
        if not self._may_start(run, fresh=fresh):
            return
        try:
            name = parse_image(run.spec["image"])
        except InvalidName as error:
            self._pod.warn(run, "InspectFailed", str(error))
            self._refuse(run, "InvalidImageName", str(error), "InvalidImageName", fresh=fresh)
            return
        if self._present(run):
            self._use(run, name, fresh=fresh)
        elif _pull_policy(run) == "Never":
            message = (
                f'Container image "{run.spec["image"]}" is not present with pull policy of Never'
            )
            self._pod.warn(run, "ErrImageNeverPull", message)
            self._refuse(run, "ErrImageNeverPull", message, "ErrImageNeverPull", fresh=fresh)
        else:
            self._pull(run, name, fresh=fresh)

    def _may_start(self, run: ContainerRun, *, fresh: bool) -> bool:
        """Does the restart policy allow it, and is its back-off over?"""
        last = run.current
        if last is None or last.ended is None:
            return True
        policy = self._pod.stored["spec"].get("restartPolicy", "Always")
        if run.init and policy == "Always":
            policy = "OnFailure"
        if policy == "Never" or (policy == "OnFailure" and last.exit_code == 0):
            return False
        now = self._pod.monotonic()
        ended = now - self._pod.since(last.ended)
        if run.backoff.holds(now, ended):
            seconds = _duration(run.backoff.seconds)
            namespace, pod = key_of(self._pod.stored)
            whole = f"{pod}_{namespace}({self._pod.uid})"
            self._pod.warn(
                run, "BackOff", f"Back-off restarting failed container {run.name} in pod {whole}"
            )
            run.reason = (
                "CrashLoopBackOff",
                f"back-off {seconds} restarting failed container={run.name} pod={whole}",
            )
            self._come_back(None if fresh else run.backoff.seconds)
            return False
        run.backoff.failed(ended)
        return True

    def _refuse(
        self, run: ContainerRun, reason: str, message: str, error: str, *, fresh: bool
    ) -> None:
        """The container cannot start: an event, a reason, another try."""
        run.reason = (reason, message)
        run.busy = False
        self._pod.warn(run, "Failed", f"Error: {error}")
        self._come_back(None if fresh else self._pod.times.retry)

    # Images

    def _present(self, run: ContainerRun) -> bool:
        if self._pod.trouble in ("bad-tag", "denied-pull"):
            return False
        image = run.spec["image"]
        return _pull_policy(run) != "Always" and self._pod.host.has_image(self._pod.node, image)

    def _use(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        found = self._pod.host.images.find_image(name.path, name.reference)
        if isinstance(found, Image):
            run.image = found
        self._pod.tell(
            run,
            "Pulled",
            f'Container image "{run.spec["image"]}" already present on machine and can be accessed '
            "by the pod",
        )
        self._configure(run, name, fresh=fresh)

    def _pull(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        image = run.spec["image"]
        if run.pull_backoff.holds(self._pod.monotonic(), run.pull_backoff.since):
            self._pod.tell(run, "BackOff", f'Back-off pulling image "{image}"')
            message = f'Back-off pulling image "{image}": ErrImagePull: {run.pull_error}'
            self._refuse(run, "ImagePullBackOff", message, "ImagePullBackOff", fresh=fresh)
            return
        self._pod.tell(run, "Pulling", f'Pulling image "{image}"')
        found = self._ask_registry(name)
        run.busy = True
        if isinstance(found, Image):
            seconds = _pull_seconds(found)
            self._pod.later(seconds, partial(self._pulled, run, name, found, seconds, fresh=fresh))
        else:
            self._pod.later(
                self._pod.times.refused_pull,
                lambda: self._not_pulled(run, pull_refusal(image, name, found), fresh=fresh),
            )

    def _ask_registry(self, name: ImageName) -> Image | int:
        trouble = self._pod.trouble
        if trouble == "bad-tag":
            return 404
        if trouble == "denied-pull":
            return 403
        keys = pull_credentials(self._pod.stored, name.host, self._pod.lookup())
        return self._pod.host.images.find_image(name.path, name.reference, keys)

    def _pulled(
        self, run: ContainerRun, name: ImageName, image: Image, seconds: float, *, fresh: bool
    ) -> None:
        run.image = image
        run.pull_backoff = Backoff()
        self._pod.host.keep_image(self._pod.node, run.spec["image"])
        took = f"{seconds:.3f}s" if seconds >= 1 else f"{seconds * 1000:.0f}ms"
        self._pod.tell(
            run,
            "Pulled",
            f'Successfully pulled image "{run.spec["image"]}" in {took} ({took} including '
            f"waiting). Image size: {image.size} bytes.",
        )
        self._configure(run, name, fresh=fresh)

    def _not_pulled(self, run: ContainerRun, error: str, *, fresh: bool) -> None:
        run.pull_backoff.failed(self._pod.monotonic())
        run.pull_error = error
        self._pod.warn(run, "Failed", f'Failed to pull image "{run.spec["image"]}": {error}')
        self._refuse(run, "ErrImagePull", error, "ErrImagePull", fresh=fresh)

    # Create and start

    def _configure(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        try:
            env = environment(run.spec, self._pod.stored, self._pod.lookup())
        except MissingReference as missing:
            words = str(missing)
            self._refuse(run, "CreateContainerConfigError", words, words, fresh=fresh)
            return
        digest = run.image.digest if run.image is not None else _unknown_digest(run)
        run.image_id = f"{name.host}/{name.path}@{digest}"
        run.busy = True
        image_env = dict(run.image.env) if run.image is not None else {}
        self._pod.later(self._pod.times.create, lambda: self._created(run, {**image_env, **env}))

    def _created(self, run: ContainerRun, env: Mapping[str, str]) -> None:
        self._pod.tell(run, "Created", "Container created")
        self._pod.later(self._pod.times.start, lambda: self._started(run, env))

    def _started(self, run: ContainerRun, env: Mapping[str, str]) -> None:
        labels = run.image.labels if run.image is not None else {}
        trouble = "" if run.init else self._pod.trouble
        behaviour = behaviour_of(run.spec, labels, env, trouble)
        if run.init and behaviour.lives == float("inf") and not run.spec.get("restartPolicy"):
            behaviour = replace(behaviour, lives=0.8, exit_code=0, says=(), style="quiet")
        if run.current is not None:
            run.past = [*run.past, run.current][-_PAST_KEPT:]
            run.restarts += 1
        run.current = new_incarnation(self._pod, run, behaviour, self._pod.now())
        run.busy = False
        run.reason = run.told = None
        if behaviour.start_error:
            self._cannot_start(run, behaviour.start_error)
            return
        self._tell_started(run, run.current)

    def _cannot_start(self, run: ContainerRun, error: str) -> None:
        self._pod.warn(run, "Failed", f"Error: {error}")
        run.reason = ("RunContainerError", error)
        current = run.current
        if current is not None:
            current.ended, current.exit_code = current.started, _CANNOT_START
            current.reason, current.message = "StartError", error
            current.noticed = True
        self._come_back(None)


def new_incarnation(
    pod: PodContext, run: ContainerRun, behaviour: Behaviour, started: datetime
) -> Incarnation:
    """The container's next run, with an id and a log of its own."""
    number = run.restarts
    identity = hashlib.sha256(f"{pod.uid}/{run.name}/{number}".encode()).hexdigest()
    labels = pod.stored["metadata"].get("labels") or {}
    service = labels.get("app.kubernetes.io/name") or run.name
    log = ContainerLog(
        service, identity, started, behaviour, run.port, trouble=pod.trouble_while_serving
    )
    return Incarnation(number, identity, started, behaviour, log)


def _pull_policy(run: ContainerRun) -> str:
    policy = run.spec.get("imagePullPolicy")
    if policy:
        return str(policy)
    image = str(run.spec["image"])
    tagged = "@" in image or (":" in image.rpartition("/")[2] and not image.endswith(":latest"))
    return "IfNotPresent" if tagged else "Always"


def _pull_seconds(image: Image) -> float:
    """Between 0.8 and 2.3 s, the same for the same image."""
    return 0.8 + int(hashlib.sha256(image.digest.encode()).hexdigest()[:4], 16) % 1500 / 1000


def _unknown_digest(run: ContainerRun) -> str:
    return "sha256:" + hashlib.sha256(str(run.spec["image"]).encode()).hexdigest()


def _duration(seconds: float) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
