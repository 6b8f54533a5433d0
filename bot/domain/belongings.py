"""What belongs to one service in one environment, as its cluster has it. Pure values.

The Deployment and what it refers to (ConfigMaps, Secrets), what scales it, what leads to it and
what protects it. Objects are the server's own, raw, for `normal.py` and `variables.py` to read.
A Secret is here by its keys alone, each with a seal: a keyed hash whose key lives for one
comparison, so that two values can be told alike and nothing of them (no byte, no length) is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Raw = Mapping[str, Any]
Seals = Mapping[str, str]
"""Keys of a Secret, each with the seal of its value."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A right that Dynamo has not: what it would have told is not known, and is said so."""

    verb: str
    resource: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Belongings:
    """`None` in `configs` and `secrets` is an object that something refers to and that is not
    there; one that may not be read is in `unread` instead."""

    namespace: str = ""
    deployment: Raw | None = None
    configs: Mapping[str, Raw | None] = field(default_factory=dict)
    secrets: Mapping[str, Seals | None] = field(default_factory=dict)
    autoscaler: Raw | None = None
    services: tuple[Raw, ...] = ()
    budgets: tuple[Raw, ...] = ()
    unread: tuple[Unread, ...] = ()

    def with_(self, **changes: object) -> "Belongings":
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def pod(self) -> Raw:
        """The pod's spec of the Deployment; empty where there is none."""
        return pod_of(self.deployment)

    @property
    def blind_to(self) -> frozenset[str]:
        """The resources that could not be read."""
        return frozenset(each.resource for each in self.unread)


@dataclass(frozen=True, slots=True)
class References:
    """Names of ConfigMaps and Secrets that a pod reads, those without which it does not start
    apart from the optional ones."""

    configs: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    optional_configs: frozenset[str] = frozenset()
    optional_secrets: frozenset[str] = frozenset()

    @property
    def every_config(self) -> frozenset[str]:
        return self.configs | self.optional_configs

    @property
    def every_secret(self) -> frozenset[str]:
        return self.secrets | self.optional_secrets


def pod_of(deployment: Raw | None) -> Raw:
    spec = mapping(mapping(deployment).get("spec"))
    return mapping(mapping(spec.get("template")).get("spec"))


def references_of(pod: Raw) -> References:
    """Everything that a pod's containers and volumes name."""
    configs: dict[str, bool] = {}
    secrets: dict[str, bool] = {}
    for container in containers_of(pod):
        for source in items(container.get("envFrom")):
            _note(source.get("configMapRef"), configs)
            _note(source.get("secretRef"), secrets)
        for variable in items(container.get("env")):
            origin = mapping(variable.get("valueFrom"))
            _note(origin.get("configMapKeyRef"), configs)
            _note(origin.get("secretKeyRef"), secrets)
    for volume in items(pod.get("volumes")):
        sources = [volume, *items(mapping(volume.get("projected")).get("sources"))]
        for source in sources:
            _note(source.get("configMap"), configs)
            secret = mapping(source.get("secret"))
            _note({"name": secret.get("secretName") or secret.get("name"), **secret}, secrets)
    return References(
        configs=frozenset(name for name, needed in configs.items() if needed),
        secrets=frozenset(name for name, needed in secrets.items() if needed),
        optional_configs=frozenset(name for name, needed in configs.items() if not needed),
        optional_secrets=frozenset(name for name, needed in secrets.items() if not needed),
    )


def _note(reference: object, found: dict[str, bool]) -> None:
    """Needed by one is needed."""
    name = mapping(reference).get("name")
    if isinstance(name, str) and name:
        needed = mapping(reference).get("optional") is not True
        found[name] = found.get(name, False) or needed


def containers_of(pod: Raw) -> tuple[Raw, ...]:
    """Those that run and those that run before them."""
    return (*items(pod.get("containers")), *items(pod.get("initContainers")))


def mapping(value: object) -> Raw:
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> tuple[Raw, ...]:
    """The mappings of a list; whatever else stands there is left out."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(each for each in value if isinstance(each, Mapping))
