"""no-debug-tools: no debugger listens, nothing says more than it should.

Looked at: the variables that runtimes read (Node.js, the JVM, Python and others), the command line,
and the ports of the containers that run. Facts of the runtimes: Node's `--inspect` and its port
9229, the JVM's JDWP agent and 5005, debugpy and 5678, Delve and its `dlv`.
"""

import re
from collections.abc import Iterator

from bot.domain.belongings import Raw, items
from bot.domain.policy.finding import Evidence, Judged, Scene, Standing
from bot.domain.redaction import redact
from bot.domain.variables import Variable

_MODES = frozenset({"NODE_ENV", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "APP_ENV"})
_FOR_DEVELOPERS = frozenset({"development", "dev", "debug", "local", "test"})
_FLAGS = frozenset({"DEBUG", "NODE_DEBUG", "FLASK_DEBUG", "DJANGO_DEBUG", "APP_DEBUG"})
_OFF = frozenset({"", "0", "false", "no", "off", "none", "disabled"})
_LEVEL = re.compile(r"(?:.*_)?LOG_?LEVEL|RUST_LOG|LOGGING_LEVEL.*")
_LOUD = re.compile(r"(?i)\b(?:trace|debug|silly|verbose|all|finest)\b")
_OPTIONS = frozenset({"NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "JAVA_OPTS", "JDK_JAVA_OPTIONS"})
_DEBUGGER = re.compile(
    r"--inspect(?:-brk|-wait)?(?:=\S*)?(?=[\s\"',\]]|$)|--debug-brk\b|-agentlib:jdwp\S*|-Xrunjdwp\S*"
    r"|-Xdebug\b|\bdebugpy\b|\bptvsd\b|(?:^|[\s/])dlv(?=\s|$)|\bpdb\b"
)
_SOURCE_MAPS = re.compile(r"--enable-source-maps\b")
_SOURCE_MAP_FLAGS = frozenset({"GENERATE_SOURCEMAP", "SOURCE_MAPS", "ENABLE_SOURCE_MAPS"})
_PORTS = frozenset({9229, 9230, 5005, 5678})
_PORT_NAME = re.compile(r"debug|inspect|jdwp")


def no_debug_tools(scene: Scene) -> Judged:
    if not scene.pod:
        return Judged(Standing.UNKNOWN, "NOT_RUNNING")
    found = tuple(dict.fromkeys(_key(each) for each in _all(scene)))
    evidence = tuple(Evidence(code, dict(values)) for code, values in found)
    if evidence:
        return Judged(Standing.BROKEN, "DEBUG_TOOLS", {"count": len(evidence)}, evidence)
    if "configmaps" in scene.belongings.blind_to:
        return Judged(Standing.UNKNOWN, "CANNOT_READ", _right(scene))
    return Judged(Standing.KEPT, "NO_DEBUG_TOOLS")


def _right(scene: Scene) -> dict[str, str | int | float]:
    right = next(each for each in scene.belongings.unread if each.resource == "configmaps")
    return {"verb": right.verb, "resource": right.resource, "namespace": right.namespace}


def _key(evidence: Evidence) -> tuple[str, tuple[tuple[str, str | int | float], ...]]:
    return evidence.code, tuple(evidence.values.items())


def _all(scene: Scene) -> Iterator[Evidence]:
    for variable in scene.variables:
        yield from _of_variable(variable)
    for container in items(scene.pod.get("containers")):
        yield from _of_container(container)


def _of_variable(variable: Variable) -> Iterator[Evidence]:
    name, value = variable.name, variable.value
    if value is None:  # of a Secret: not to be seen
        return
    said = {"name": name, "value": redact(value)[:60], "source": variable.source}
    word = value.strip().lower()
    # Node's libraries take whatever is not "production" for development.
    if (name == "NODE_ENV" and word != "production") or (
        name in _MODES and word in _FOR_DEVELOPERS
    ):
        yield Evidence("MODE", said)
    elif name in _FLAGS and word not in _OFF:
        yield Evidence("DEBUG_ON", said)
    elif _LEVEL.fullmatch(name) and _LOUD.search(value):
        yield Evidence("LOG_LEVEL", said)
    elif name in _SOURCE_MAP_FLAGS and word not in _OFF:
        yield Evidence("SOURCE_MAPS", {"what": f"{name}={said['value']}"})
    if name in _OPTIONS:
        where = f"{name} ({variable.source})" if variable.source else name
        yield from _of_words(value, where)


def _of_container(container: Raw) -> Iterator[Evidence]:
    name = str(container.get("name", ""))
    for part in ("command", "args"):
        words = container.get(part)
        if isinstance(words, list):
            yield from _of_words(" ".join(map(str, words)), f"{name}: {part}")
    for port in items(container.get("ports")):
        number, named = port.get("containerPort"), str(port.get("name") or "")
        if number in _PORTS or _PORT_NAME.search(named):
            yield Evidence("PORT", {"port": str(number), "container": name})


def _of_words(words: str, where: str) -> Iterator[Evidence]:
    if (debugger := _DEBUGGER.search(words)) is not None:
        yield Evidence("DEBUGGER", {"what": debugger[0].strip()[:60], "where": where})
    if (maps := _SOURCE_MAPS.search(words)) is not None:
        yield Evidence("SOURCE_MAPS", {"what": f"{maps[0]} ({where})"})
