"""The environment variables that a container gets, wherever they come from. Pure.

As the kubelet puts them together: `envFrom` in its order, then `env`, each later one over the
earlier. A value that comes from a Secret, or from what is only known when the pod runs, is not
here; its name and where it comes from are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.belongings import Belongings, Raw, items, mapping


class Origin(StrEnum):
    LITERAL = "LITERAL"  # written in the Deployment
    CONFIG = "CONFIG"  # a key of a ConfigMap
    SECRET = "SECRET"  # noqa: S105 - a key of a Secret
    RUNTIME = "RUNTIME"  # a field of the pod, a resource: known when it runs


@dataclass(frozen=True, slots=True)
class Variable:
    """`value` is None where it is not to be seen. `source` names the ConfigMap or Secret, `key` the
    key in it. `there` is False where that is missing: then the pod does not start, or it starts
    without the variable where it is optional."""

    name: str
    container: str
    origin: Origin
    value: str | None = None
    source: str = ""
    key: str = ""
    there: bool = True


def variables_of(pod: Raw, belongings: Belongings) -> tuple[Variable, ...]:
    """Of the containers that run, not of those before them; by container, then by name."""
    found: list[Variable] = []
    for container in items(pod.get("containers")):
        own: dict[str, Variable] = {}
        for variable in (*_from_sources(container, belongings), *_named(container, belongings)):
            own[variable.name] = variable
        found += [own[name] for name in sorted(own)]
    return tuple(found)


def _from_sources(container: Raw, belongings: Belongings) -> Iterator[Variable]:
    name = str(container.get("name", ""))
    for source in items(container.get("envFrom")):
        prefix = str(source.get("prefix") or "")
        config = str(mapping(source.get("configMapRef")).get("name") or "")
        for key, value in _data(belongings.configs.get(config)).items():
            yield Variable(prefix + key, name, Origin.CONFIG, value, config, key)
        secret = str(mapping(source.get("secretRef")).get("name") or "")
        for key in belongings.secrets.get(secret) or {}:
            yield Variable(prefix + key, name, Origin.SECRET, None, secret, key)


def _named(container: Raw, belongings: Belongings) -> Iterator[Variable]:
    holder = str(container.get("name", ""))
    for item in items(container.get("env")):
        name = str(item.get("name") or "")
        origin = mapping(item.get("valueFrom"))
        if not name:
            continue
        if not origin:
            yield Variable(name, holder, Origin.LITERAL, str(item.get("value") or ""))
        elif reference := mapping(origin.get("configMapKeyRef")):
            yield _of_config(name, holder, reference, belongings)
        elif reference := mapping(origin.get("secretKeyRef")):
            yield _of_secret(name, holder, reference, belongings)
        else:
            yield Variable(name, holder, Origin.RUNTIME)


def _of_config(name: str, holder: str, reference: Raw, belongings: Belongings) -> Variable:
    source, key = str(reference.get("name") or ""), str(reference.get("key") or "")
    known = source in belongings.configs
    value = _data(belongings.configs.get(source)).get(key)
    there = value is not None or not known  # not read: not known to be missing
    return Variable(name, holder, Origin.CONFIG, value, source, key, there)


def _of_secret(name: str, holder: str, reference: Raw, belongings: Belongings) -> Variable:
    source, key = str(reference.get("name") or ""), str(reference.get("key") or "")
    known = source in belongings.secrets
    there = not known or key in (belongings.secrets[source] or {})
    return Variable(name, holder, Origin.SECRET, None, source, key, there)


def _data(config: Raw | None) -> Mapping[str, str]:
    data = mapping(mapping(config).get("data"))
    return {str(key): str(value) for key, value in sorted(data.items())}
