"""The logs of containers: the last lines for a card, few and bounded, never an error for want of a
log; and whole ones as a stream of bytes with the time before each line.
"""

import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

from bot.adapters.kubernetes_connections import Call, Connection, Connections
from bot.adapters.kubernetes_errors import Asked, Resource
from bot.errors import PortError, Trouble
from bot.ports import LogOf, LogTail

_PODS = Resource("", "v1", "pods")
_MOST_LINES = 1000
# `limitBytes` cuts the end of the tail, which is the part that matters: it is only a guard against
# a log of a few endless lines, and what is kept is counted from the end here.
_MOST_READ = 8 * 2**20
_MOST_KEPT = 256 * 2**10

_NO_PREVIOUS = re.compile(r"previous terminated container .* not found")
_NOT_STARTED = re.compile(r"is waiting to start|is not available|ContainerCreating|PodInitializing")


class KubernetesLogs:
    """`bot.ports.Logs`, on the connections that a cluster has anyway."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @asynccontextmanager
    async def log(self, of: LogOf) -> AsyncIterator[AsyncIterator[bytes]]:
        query = {"timestamps": "true"}
        if of.container:
            query["container"] = of.container
        if of.tail is not None:
            query["tailLines"] = str(of.tail)
        if of.since is not None:
            query["sinceTime"] = of.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if of.previous:
            query["previous"] = "true"
        if of.follow:
            query["follow"] = "true"
        call = Call(Asked("get", _PODS, of.namespace, of.pod, "log"), query)
        async with self._connections.to(of.context).stream(call) as chunks:
            yield chunks


async def log_tail(
    connection: Connection,
    namespace: str,
    pod: str,
    container: str,
    *,
    previous: bool,
    lines: int,
) -> LogTail:
    """Where there is no previous container the present one speaks; where none has started, nobody.

    Raises PortError: NOT_FOUND (the pod), FORBIDDEN, INVALID (no such container), AWAY.
    """
    query = {
        "container": container,
        "tailLines": str(max(1, min(lines, _MOST_LINES))),
        "limitBytes": str(_MOST_READ),
    }
    if previous:
        query["previous"] = "true"
    try:
        kept = await _read_end(connection, Call(Asked("get", _PODS, namespace, pod, "log"), query))
    except PortError as error:
        message = error.values.get("message", "")
        if previous and _NO_PREVIOUS.search(message):
            return await log_tail(
                connection, namespace, pod, container, previous=False, lines=lines
            )
        if error.trouble is Trouble.INVALID and _NOT_STARTED.search(message):
            return LogTail(())
        raise
    text = kept.decode("utf-8", "replace")
    found = [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    return LogTail(tuple(found[-lines:]), previous=previous)


async def _read_end(connection: Connection, call: Call) -> bytes:
    """The last bytes of an answer, from the start of a line where the rest was cut."""
    parts: deque[bytes] = deque()
    size = 0
    cut = False
    async with connection.stream(call) as chunks:
        async for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            while size - len(parts[0]) >= _MOST_KEPT:
                size -= len(parts.popleft())
                cut = True
    body = b"".join(parts)
    if cut:
        body = body[-_MOST_KEPT:]
        body = body.partition(b"\n")[2] or body
    return body
