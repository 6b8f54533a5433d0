"""What an apply would change in a Deployment, in words of its paths. Pure.

The live object is held against the server's own answer to a dry run, so that defaults that the
server fills in are on both sides and show as no change. Only what decides how pods run is looked
at; status, book-keeping and the number of replicas (which a deploy never changes) are not. List
items are known by their name (`containers[app].resources.limits.memory`), and values that look
like secrets are masked before they leave this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.redaction import MASK, redact

MOST = 12
"""Differences that are kept; a card says how many more there are."""
_LONGEST = 60
_SPEC = ("strategy", "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "paused")
_IDENTITIES = ("name", "mountPath", "containerPort", "key")
_OWN = "dynamo/"
"""Annotations of Dynamo's own: the version, which the card says anyway."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` and `after` are "" where there is nothing."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Drift:
    """`of` is how many differences there are, of which the first are kept."""

    shown: tuple[Difference, ...] = ()
    of: int = 0


def differences(
    live: Mapping[str, Any] | None, wanted: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """In order of their paths. Nothing is said of a Deployment that is not there yet: all of it is
    new."""
    if live is None:
        return ()
    before, after = _leaves(live), _leaves(wanted)
    found = [
        Difference(path, _shown(path, before.get(path)), _shown(path, after.get(path)))
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    ]
    return tuple(sorted(found, key=lambda each: each.path))


def beside_the_release(found: Sequence[Difference], container: str) -> Drift:
    """Without the image of the container that the release is: that change is said anyway."""
    others = tuple(each for each in found if each.path != f"containers[{container}].image")
    return Drift(others[:MOST], len(others))


def _leaves(deployment: Mapping[str, Any]) -> dict[str, Any]:
    spec = _mapping(deployment.get("spec"))
    template = _mapping(spec.get("template"))
    meta = _mapping(template.get("metadata"))
    leaves: dict[str, Any] = {}
    for name in _SPEC:
        leaves.update(_flat(spec.get(name), name))
    for name in ("labels", "annotations"):
        for key, value in _mapping(meta.get(name)).items():
            if not str(key).startswith(_OWN):
                leaves[f"{name}[{key}]"] = value
    leaves.update(_flat(_mapping(template.get("spec")), ""))
    return leaves


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{_identity(inner, place)}]")
        if not value:
            yield path, None
    elif value is not None:
        yield path, value


def _identity(item: Any, place: int) -> str:
    if isinstance(item, Mapping):
        for name in _IDENTITIES:
            if item.get(name) not in (None, ""):
                return str(item[name])
        for inner in item.values():  # envFrom: the name is one level below
            if isinstance(inner, Mapping) and inner.get("name"):
                return str(inner["name"])
        return str(place)
    return str(item)


def _shown(path: str, value: Any) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    # An environment variable is known as a secret by its name, which stands in the path.
    name = path.removesuffix(".value").rpartition("[")[2].rstrip("]")
    if MASK in redact(f"{name}={text}"):
        return MASK
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
