"""How a container behaves: how long it lives, how it ends, what its probes see.

A behaviour comes, in this order, from the trouble that the world has set for its rollout, from its
command (a few shell phrases are understood, so that the tests of the cluster adapter can use the
same manifests here and on a real cluster), from the labels of its image, or is that of a service
that starts and serves. Everything is a function of the seconds since the container started, so a
healthy container costs no timer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.sandbox.kubernetes.api_objects import quantity

Object = dict[str, Any]
BEHAVIOUR_LABEL = "sandbox.dynamo/behaviour"
NEEDS_ENV_LABEL = "sandbox.dynamo/needs-env"
VERSION_LABEL = "org.opencontainers.image.version"
_SHELLS = ("sh", "/bin/sh", "/bin/ash", "bash", "/bin/bash")
_FOREVER = float("inf")
_SERVICE_STARTS = 1.2  # seconds until a service answers its probe
_SERVICE_STOPS = 0.6  # seconds that it takes to finish after SIGTERM


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`lives`: seconds until it ends by itself. `ready_after`: seconds until its health endpoint
    and its exec probes succeed, None for never. `stops_after`: seconds that it needs after SIGTERM,
    None when it ignores the signal. `start_error`: the runtime's words when it cannot be started.
    """

    lives: float = _FOREVER
    exit_code: int = 0
    out_of_memory: bool = False
    ready_after: float | None = 0.0
    healthy_until: float = _FOREVER
    stops_after: float | None = None
    start_error: str = ""
    says: tuple[tuple[float, str], ...] = ()
    style: str = "service"  # of its log: service, ticks, quiet
    version: str = ""

    @property
    def reason(self) -> str:
        if self.out_of_memory:
            return "OOMKilled"
        return "Completed" if self.exit_code == 0 else "Error"


SERVICE = Behaviour(ready_after=_SERVICE_STARTS, stops_after=_SERVICE_STOPS)

_DATABASE_URL = (
    "/app/dist/config/database.js:14",
    '  throw new Error("DATABASE_URL is not set");',
    "        ^",
    "",
    "Error: DATABASE_URL is not set",
    "    at readDatabaseUrl (/app/dist/config/database.js:14:9)",
    "    at Object.<anonymous> (/app/dist/server.js:9:22)",
    "    at Module._compile (node:internal/modules/cjs/loader:1554:14)",
    "    at Module.load (node:internal/modules/cjs/loader:1289:32)",
    "",
    "Node.js v22.14.0",
)
_POOL_TIMEOUT = (
    "Error: timeout exceeded when trying to connect",
    "    at /app/node_modules/pg-pool/index.js:45:11",
    "    at runMicrotasks (<anonymous>)",
    "    at async migrate (/app/dist/db/migrate.js:31:18)",
    "    at async main (/app/dist/server.js:42:3)",
    "",
    "Node.js v22.14.0",
)


def crash(words: tuple[str, ...], lives: float, service: Behaviour = SERVICE) -> Behaviour:
    """Ends with exit code 1 after `lives` seconds, its last words just before."""
    said = tuple((max(0.0, lives - 0.01), line) for line in words)
    return replace(service, lives=lives, exit_code=1, says=said)


def missing_env(name: str) -> Behaviour:
    """What a service does that finds a variable of its environment missing."""
    words = tuple(line.replace("DATABASE_URL", name) for line in _DATABASE_URL)
    return crash(words, lives=0.05)


KINDS: Mapping[str, Behaviour] = {
    "healthy": SERVICE,
    "crash-at-start": crash(_DATABASE_URL, lives=0.05),
    "crash-after-ten-seconds": crash(_POOL_TIMEOUT, lives=10.0),
    "out-of-memory": replace(SERVICE, lives=4.0, exit_code=137, out_of_memory=True),
    "never-ready": replace(SERVICE, ready_after=None),
    "slow-start": replace(SERVICE, ready_after=18.0),
    "goes-unhealthy": replace(SERVICE, healthy_until=30.0),
    "ignores-sigterm": replace(SERVICE, stops_after=None),
    "ticks": Behaviour(style="ticks"),
    "no-entrypoint": replace(
        SERVICE,
        start_error=(
            "failed to create containerd task: failed to create shim task: OCI runtime create "
            "failed: runc create failed: unable to start container process: error during container "
            'init: exec: "/app/server": stat /app/server: no such file or directory: unknown'
        ),
    ),
}


def behaviour_of(
    container: Mapping[str, Any], labels: Mapping[str, str], env: Mapping[str, str], trouble: str
) -> Behaviour:
    """The behaviour of one incarnation of a container."""
    version = labels.get(VERSION_LABEL, "")
    chosen = KINDS.get(trouble)
    if chosen is None:
        chosen = _of_command(container)
    if chosen is None:
        needed = [each for each in labels.get(NEEDS_ENV_LABEL, "").split(",") if each]
        missing = next((each for each in needed if not env.get(each)), None)
        chosen = missing_env(missing) if missing else KINDS.get(labels.get(BEHAVIOUR_LABEL, ""))
    return replace(chosen or SERVICE, version=version)


# Commands


def _of_command(container: Mapping[str, Any]) -> Behaviour | None:
    """What a command would do, as far as its text tells; None when there is none."""
    command = [*(container.get("command") or ()), *(container.get("args") or ())]
    if not container.get("command"):
        return None
    program = command[0]
    if program in ("/bin/false", "false"):
        return Behaviour(lives=0.005, exit_code=1, style="quiet")
    if program in ("/bin/true", "true"):
        return Behaviour(lives=0.005, style="quiet")
    if program in ("/bin/sleep", "sleep") and len(command) > 1:
        return Behaviour(lives=_seconds(command[1]), style="quiet")
    if program in _SHELLS and "-c" in command:
        return _of_script(command[command.index("-c") + 1], _memory_limit(container))
    if program in _SHELLS:
        return Behaviour(style="ticks")
    return _not_found(program)


def _not_found(program: str) -> Behaviour:
    words = (
        f'exec: "{program}": stat {program}: no such file or directory'
        if program.startswith("/")
        else f'exec: "{program}": executable file not found in $PATH'
    )
    return Behaviour(
        start_error=(
            "failed to create containerd task: failed to create shim task: OCI runtime create "
            "failed: runc create failed: unable to start container process: error during container "
            f"init: {words}: unknown"
        )
    )


def _memory_limit(container: Mapping[str, Any]) -> float:
    limit = (container.get("resources") or {}).get("limits", {}).get("memory")
    return float(quantity(limit)) if limit is not None else _FOREVER


_STATEMENT = re.compile(r"\s*(?:;|&&|\n)\s*")
_HOG = re.compile(r"head -c (\d+) /dev/zero")


def _of_script(script: str, memory: float) -> Behaviour:
    """echo, sleep, exit, exec, a loop, and `head -c N /dev/zero`: enough for tests of rollouts."""
    said: list[tuple[float, str]] = []
    at = 0.005
    for statement in _STATEMENT.split(script.strip()):
        word, _, rest = statement.partition(" ")
        hog = _HOG.search(statement)
        if hog is not None and float(hog[1]) > memory:
            return Behaviour(
                lives=at, exit_code=137, out_of_memory=True, says=tuple(said), style="quiet"
            )
        if word == "echo":
            said.append((at, rest.replace(">&2", "").strip().strip("'\"")))
        elif word == "sleep":
            at += _seconds(rest)
        elif word == "exit":
            code = int(rest) if rest.strip().isdigit() else 0
            return Behaviour(lives=at, exit_code=code, says=tuple(said), style="quiet")
        elif word in ("exec", "while", "trap", "/bin/sh", "sh"):
            style = "ticks" if "app.sh" in statement else "quiet"
            stops = 0.05 if word == "trap" else None
            return Behaviour(says=tuple(said), style=style, stops_after=stops)
    return Behaviour(lives=at, says=tuple(said), style="quiet")


def _seconds(text: str) -> float:
    word = text.strip().split(" ")[0]
    if word in ("infinity", "inf"):
        return _FOREVER
    try:
        return float(word)
    except ValueError:
        return _FOREVER


# Probes


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """`until`: seconds since the start up to which the answer stays; infinite: for ever."""

    ok: bool
    output: str
    until: float


def answer_probe(
    kind: str, probe: Mapping[str, Any], behaviour: Behaviour, age: float, host: str
) -> ProbeAnswer:
    """What a probe gets from a running container of this age.

    A liveness probe passes as soon as the process is up: one that is slow to be ready, or never
    is, lives all the same.
    """
    command = (probe.get("exec") or {}).get("command")
    if kind == "liveness" and not command:
        behaviour = replace(behaviour, ready_after=min(behaviour.ready_after or 1.0, 1.0))
    if command:
        ready_after = _exec_ready_after(command, behaviour)
        failure = ""
    else:
        ready_after = behaviour.ready_after
        failure = _network_failure(probe, behaviour, host)
    if ready_after is None:
        return ProbeAnswer(False, failure, _FOREVER)
    if age < ready_after:
        return ProbeAnswer(False, failure, ready_after)
    if age >= behaviour.healthy_until:
        return ProbeAnswer(False, "HTTP probe failed with statuscode: 503", _FOREVER)
    return ProbeAnswer(True, "", behaviour.healthy_until)


_OLDER_THAN = re.compile(r"-ge (\d+)")


def _exec_ready_after(command: list[str], behaviour: Behaviour) -> float | None:
    if command[0] in ("/bin/true", "true"):
        return 0.0
    if command[0] in ("/bin/false", "false"):
        return None
    if command[0] in _SHELLS and len(command) > 2:
        script = command[-1]
        if re.fullmatch(r"\s*exit [1-9]\d*\s*|\s*false\s*", script):
            return None
        if re.fullmatch(r"\s*exit 0\s*|\s*true\s*", script):
            return 0.0
        ages = [int(each) for each in _OLDER_THAN.findall(script)]
        if ages:
            return float(max(ages))
    return behaviour.ready_after


def _network_failure(probe: Mapping[str, Any], behaviour: Behaviour, host: str) -> str:
    if behaviour.ready_after is None and "httpGet" in probe:
        return "HTTP probe failed with statuscode: 503"
    return refused(probe, host)


def with_port_number(probe: Mapping[str, Any], container: Mapping[str, Any]) -> Mapping[str, Any]:
    """The probe with a port's name replaced by its number."""
    numbers = {each.get("name"): each["containerPort"] for each in container.get("ports") or ()}
    changed = dict(probe)
    for action in ("httpGet", "tcpSocket"):
        port = (probe.get(action) or {}).get("port")
        if port is not None and port in numbers:
            changed[action] = {**probe[action], "port": numbers[port]}
    return changed


def refused(probe: Mapping[str, Any], host: str) -> str:
    """The words of a connection that nobody accepts."""
    get = probe.get("httpGet")
    if get is not None:
        address = f"{get.get('host') or host}:{get.get('port')}"
        scheme = str(get.get("scheme") or "HTTP").lower()
        path = get.get("path") or "/"
        return f'Get "{scheme}://{address}{path}": dial tcp {address}: connect: connection refused'
    socket = probe.get("tcpSocket") or probe.get("grpc") or {}
    return f"dial tcp {host}:{socket.get('port')}: connect: connection refused"
