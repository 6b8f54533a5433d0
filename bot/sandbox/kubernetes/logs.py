"""`GET …/pods/NAME/log`: which container, which lines, and the refusals of the real kubelet.

The kubelet (`kubelet.py`) keeps the lines and hands them out as a `LogSource`. What can be judged
from the pod alone (no such container, nothing started yet, nothing before) is judged here, with the
words of pkg/registry/core/pod/strategy.go and pkg/kubelet/kubelet_pods.go.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.sandbox.kubernetes import go_time
from bot.sandbox.kubernetes.statuses import (
    WHOLE,
    ApiError,
    FieldError,
    bad_request,
    forbidden_field,
    invalid_kind,
    invalid_value,
)
from bot.sandbox.kubernetes.stored import Object


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container: when it was written (aware), and its text without the line end."""

    at: datetime
    text: str
    nanoseconds: int = 0  # beyond the microseconds of `at`, 0 to 999

    def encoded(self, *, timestamps: bool) -> bytes:
        if not timestamps:
            return self.text.encode() + b"\n"
        stamp = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return f"{stamp}{self.nanoseconds:03}Z {self.text}\n".encode()


class LogStream(Protocol):
    """The log of one run of one container."""

    def so_far(self, *, tail: int | None = None) -> Sequence[LogLine]:
        """The lines that are there now, oldest first; at least the last `tail` of them."""
        ...

    def follow(self) -> AsyncIterator[LogLine]:
        """The lines written after the call of `follow`, until the container ends."""
        ...


@dataclass(frozen=True, slots=True)
class LogError:
    """Why there is no log, as the kubelet words it; answered as 400 BadRequest by default."""

    message: str
    code: int = 400
    reason: str = "BadRequest"


class LogSource(Protocol):
    def lines(
        self, namespace: str, pod: str, container: str, *, previous: bool
    ) -> LogStream | LogError:
        """The current (or newest) run of a container, or with `previous` the run before it."""
        ...


@dataclass(frozen=True, slots=True)
class LogOptions:
    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None


def read_options(query: Mapping[str, str], pod: str, now: datetime) -> LogOptions:
    """The query parameters as PodLogOptions. Raises ApiError: 400 no number, 422 a wrong one."""
    numbers = {name: _number(query, name) for name in ("tailLines", "sinceSeconds", "limitBytes")}
    problems: list[FieldError] = []
    tail, seconds, limit = numbers["tailLines"], numbers["sinceSeconds"], numbers["limitBytes"]
    if tail is not None and tail < 0:
        problems.append(invalid_value("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        problems.append(invalid_value("limitBytes", limit, "must be greater than 0"))
    since_time = query.get("sinceTime")
    if seconds is not None and since_time:
        text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        problems.append(forbidden_field(WHOLE, text))
    elif seconds is not None and seconds < 1:
        problems.append(invalid_value("sinceSeconds", seconds, "must be greater than 0"))
    if problems:
        raise invalid_kind("PodLogOptions", "", "PodLogOptions", pod, problems)
    since = now - timedelta(seconds=seconds) if seconds is not None else None
    if since_time:
        since = _time(since_time)
    return LogOptions(
        query.get("container", ""),
        _flag(query, "follow"),
        _flag(query, "previous"),
        _flag(query, "timestamps"),
        tail,
        since,
        limit,
    )


def _flag(query: Mapping[str, str], name: str) -> bool:
    return name in query and query[name].lower() not in ("false", "0")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _time(text: str) -> datetime:
    try:
        return go_time.parse(text)
    except go_time.TimeError as error:
        raise bad_request(str(error)) from error


def choose_container(pod: Object, asked: str) -> str:
    """The container that is meant. Raises ApiError 400 for none of that name, or too many."""
    name, spec = pod["metadata"]["name"], pod.get("spec") or {}
    containers = _names(spec.get("containers"))
    first = _names(spec.get("initContainers"))
    if asked:
        if asked not in (*containers, *first, *_names(spec.get("ephemeralContainers"))):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(containers) == 1 and not first:
        return containers[0]
    default = (pod["metadata"].get("annotations") or {}).get(
        "kubectl.kubernetes.io/default-container"
    )
    if len(containers) == 1 and default is None:
        return containers[0]
    message = (
        f"a container name must be specified for pod {name}, choose one of: "
        f"[{' '.join(containers)}]"
    )
    if first:
        message += f" or one of the init containers: [{' '.join(first)}]"
    raise bad_request(message)


def _names(containers: Iterable[Object] | None) -> list[str]:
    return [container["name"] for container in containers or []]


def refuse_by_status(pod: Object, container: str, *, previous: bool) -> None:
    """Raises ApiError 400 where the container's status says that there is no such log."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    found = next(
        (
            one
            for part in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
            for one in status.get(part) or []
            if one["name"] == container
        ),
        None,
    )
    this = f'container "{container}" in pod "{name}"'
    if found is None:
        raise bad_request(f"{this} is not available")
    state, last = found.get("state") or {}, (found.get("lastState") or {}).get("terminated")
    if previous:
        if not (last or {}).get("containerID"):
            raise bad_request(f"previous terminated {this} not found")
        return
    if state.get("running") is not None or last is not None:
        return
    if "terminated" in state:
        if not state["terminated"].get("containerID"):
            raise bad_request(f"{this} is terminated")
        return
    if "waiting" not in state:
        raise bad_request(f"{this} is waiting to start - no logs yet")
    reason = state["waiting"].get("reason", "")
    told = {
        "ErrImagePull": "image can't be pulled",
        "ImagePullBackOff": "trying and failing to pull image",
    }.get(reason, reason)
    raise bad_request(f"{this} is waiting to start: {told}")


def error_of(problem: LogError) -> ApiError:
    return ApiError(problem.code, problem.reason, problem.message)


def select(lines: Sequence[LogLine], options: LogOptions) -> list[LogLine]:
    """What is there now, by time and number."""
    chosen = list(lines)
    if options.since is not None:
        chosen = [line for line in chosen if line.at >= options.since]
    if options.tail is not None:
        chosen = chosen[-options.tail :] if options.tail else []
    return chosen
