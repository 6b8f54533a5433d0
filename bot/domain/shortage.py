"""Why a pod finds no place, in numbers: which resource is short, and by how much. Pure.

The scheduler says "3 Insufficient cpu"; a quota says what is requested, used and limited. What each
pod asks for stands in the template, what nodes have in their `allocatable`, and what is taken of it
in the requests of the pods on them, where Dynamo may look at those.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.domain.quantity import parse_quantity

Amounts = Mapping[str, Decimal]

_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+\w)")
_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[\w.-]+), requested: (?P<asked>[^\s]+), "
    r"used: (?P<used>[^\s]+), limited: (?P<limit>[^\s]+)"
)
_BINARY = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


@dataclass(frozen=True, slots=True)
class NodeRoom:
    """What a node has in all, and what is taken of it; `taken` None where that is not known."""

    name: str
    allocatable: Amounts
    taken: Amounts | None = None
    takes_pods: bool = True  # not cordoned

    def free(self, resource: str) -> Decimal:
        taken = self.taken.get(resource, Decimal(0)) if self.taken else Decimal(0)
        return max(Decimal(0), self.allocatable.get(resource, Decimal(0)) - taken)


@dataclass(frozen=True, slots=True)
class Shortage:
    """Amounts as people write them. `kind`: "each" (no node has so much free), "allocatable" (no
    node has so much in all, or only that is known), "quota" (`name`, `limit`)."""

    resource: str
    kind: str
    asks: str
    free: str
    short: str
    name: str = ""
    limit: str = ""


def requests_of(template: Mapping[str, Any]) -> dict[str, Decimal]:
    """What the scheduler counts for a pod: the sum of its containers, or its largest init
    container; limits count where no request is named."""
    spec = template.get("spec") or {}
    together: dict[str, Decimal] = {}
    for container in _each(spec, "containers"):
        for name, amount in _asked(container).items():
            together[name] = together.get(name, Decimal(0)) + amount
    for container in _each(spec, "initContainers"):
        for name, amount in _asked(container).items():
            together[name] = max(together.get(name, Decimal(0)), amount)
    return together


def amounts_of(raw: object) -> dict[str, Decimal]:
    """Of `allocatable` and the like; what is no quantity is left out."""
    if not isinstance(raw, Mapping):
        return {}
    read = {str(name): parse_quantity(value) for name, value in raw.items()}
    return {name: amount for name, amount in read.items() if amount is not None}


def shortages(message: str, asks: Amounts, nodes: Sequence[NodeRoom]) -> tuple[Shortage, ...]:
    """What the words of the scheduler or of a quota mean in numbers; nothing where they are about
    something else, or where nothing is known to hold against them."""
    return tuple(_of_quota(message)) or tuple(_of_nodes(message, asks, nodes))


def _of_nodes(message: str, asks: Amounts, nodes: Sequence[NodeRoom]) -> Iterator[Shortage]:
    open_ones = [node for node in nodes if node.takes_pods]
    for resource in dict.fromkeys(_INSUFFICIENT.findall(message)):
        asked = asks.get(resource)
        if asked is None or not open_ones:
            continue
        largest = max(node.allocatable.get(resource, Decimal(0)) for node in open_ones)
        known = all(node.taken is not None for node in open_ones)
        room = max(node.free(resource) for node in open_ones) if known else largest
        kind = "allocatable" if largest < asked or not known else "each"
        free = largest if kind == "allocatable" else room
        if free < asked:
            short = shown(resource, asked - free)
            yield Shortage(resource, kind, shown(resource, asked), shown(resource, free), short)


def _of_quota(message: str) -> Iterator[Shortage]:
    found = _QUOTA.search(message)
    if found is None:
        return
    asked, used, limit = (_listed(found[name]) for name in ("asked", "used", "limit"))
    for resource in asked:
        if resource not in limit:
            continue
        free = max(Decimal(0), limit[resource] - used.get(resource, Decimal(0)))
        yield Shortage(
            resource,
            "quota",
            shown(resource, asked[resource]),
            shown(resource, free),
            shown(resource, asked[resource] - free),
            name=found["name"],
            limit=shown(resource, limit[resource]),
        )


def _listed(text: str) -> dict[str, Decimal]:
    """ "requests.cpu=500m,pods=1"."""
    return amounts_of(dict(pair.partition("=")[::2] for pair in text.split(",")))


def shown(resource: str, amount: Decimal) -> str:
    """As people write it in a manifest: 250m, 1.5, 192Mi."""
    if resource.rpartition(".")[2] in ("memory", "ephemeral-storage", "storage"):
        for unit, size in _BINARY:
            if amount >= size:
                return f"{_short(amount / size)}{unit}"
        return _short(amount)
    if amount != amount.to_integral_value():
        return f"{_short(amount * 1000)}m" if amount < 10 else _short(amount)
    return _short(amount)


def _short(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.1')).normalize():f}"


def _each(spec: object, key: str) -> Iterable[Mapping[str, Any]]:
    found = spec.get(key) if isinstance(spec, Mapping) else None
    return [each for each in found or () if isinstance(each, Mapping)]


def _asked(container: Mapping[str, Any]) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    return {**amounts_of(resources.get("limits")), **amounts_of(resources.get("requests"))}


@dataclass(slots=True)
class Taken:
    """The requests of pods, added up by the node they are on."""

    by_node: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def add(self, pod: Mapping[str, Any]) -> None:
        spec, phase = pod.get("spec") or {}, (pod.get("status") or {}).get("phase")
        node = spec.get("nodeName")
        if not node or phase in ("Succeeded", "Failed"):
            return
        held = self.by_node.setdefault(node, {"pods": Decimal(0)})
        held["pods"] += 1
        for name, amount in requests_of(pod).items():
            held[name] = held.get(name, Decimal(0)) + amount
