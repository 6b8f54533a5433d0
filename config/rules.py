"""What must hold between several places of `dynamo.yml`.

These rules look at the plain values and skip whatever has the wrong shape, so that they can be
told together with the mistakes of shape, in one round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from config.lookup import fold, nearest
from config.mistakes import Mistake, meant
from config.reading import Document, Steps


@dataclass(frozen=True, slots=True)
class _Each:
    """In a pattern of steps: every entry of a list or mapping."""


@dataclass(frozen=True, slots=True)
class _Key:
    """In a pattern of steps: every key of a mapping, as a value of its own."""


EACH, KEY = _Each(), _Key()
Pattern = tuple[str | _Each | _Key, ...]

REFERENCES: tuple[tuple[Pattern, str], ...] = (
    (("environments", EACH, "channel"), "channels"),
    (("environments", EACH, "deploy", EACH), "roles"),
    (("environments", EACH, "approvals", "roles", EACH), "roles"),
    (("environments", EACH, "break_glass", EACH), "roles"),
    (("services", EACH, "owners", EACH), "roles"),
    (("services", EACH, "depends_on", EACH), "services"),
    (("services", EACH, "replicas", KEY), "environments"),
    (("checklist", EACH, "role"), "roles"),
)
"""Where a name points at something that is described elsewhere in the file."""

_ONE_OF = {
    "channels": "channel",
    "roles": "role",
    "services": "service",
    "environments": "environment",
}


def broken_rules(document: Document) -> Iterator[Mistake]:
    yield from _dangling_references(document)
    yield from _words_with_two_meanings(document)
    yield from _names_given_twice(document)
    yield from _shared_namespaces(document)
    yield from _bounds_upside_down(document)
    yield from _replicas_out_of_bounds(document)
    yield from _checklist_without_ticker(document)
    yield from _checklist_required_but_empty(document)
    yield from _services_depending_on_themselves(document)
    yield from _routes_of_the_hidden(document)
    yield from _windows_without_length(document)
    yield from _freezes_upside_down(document)
    yield from _asking_nobody(document)
    yield from _following_from_nothing(document)
    yield from _small_teams_without_need(document)


def _dangling_references(document: Document) -> Iterator[Mistake]:
    for pattern, kind in REFERENCES:
        if not isinstance(_within(document.value, (kind,)), dict | list):
            continue  # the section itself is the mistake, and it is told already
        known = _names(document.value, kind)
        for steps, word in _texts(document.value, pattern):
            if word not in known:
                hint = meant(nearest(word, known)) or _choices(known, kind)
                yield document.mistake(steps, f"there is no {_ONE_OF[kind]} {word[:60]!r}", hint)


def _choices(known: tuple[str, ...], kind: str) -> str:
    return f"{kind} has {', '.join(known[:12])}" if known else f"describe it under {kind}"


def _words_with_two_meanings(document: Document) -> Iterator[Mistake]:
    """A typed word must mean one thing, whether service or environment."""
    meanings: dict[str, tuple[str, int]] = {}
    for steps, word, owner in _spoken_words(document.value):
        line = document.place(steps)[0]
        other, first = meanings.setdefault(fold(word), (owner, line))
        if other != owner:
            yield document.mistake(
                steps, f"{word[:60]!r} means {other} already (line {first})", "choose another word"
            )


def _spoken_words(value: object) -> Iterator[tuple[Steps, str, str]]:
    for pattern in (("environments", EACH, "name"), ("services", KEY)):
        for steps, name in _texts(value, pattern):
            kind = "environment" if pattern[-1] == "name" else "service"
            base = steps[:-1] if kind == "environment" else steps
            owner = f"the {kind} {name}"
            yield steps, name, owner
            inside = _within(value, base)
            for more, word in _texts(inside, ("aliases", EACH)):
                yield (*base, *more), word, owner
            for language in ("en", "es"):
                for more, word in _texts(inside, ("title", language)):
                    yield (*base, *more), word, owner


def _names_given_twice(document: Document) -> Iterator[Mistake]:
    for pattern in (("environments", EACH, "name"), ("checklist", EACH, "id")):
        seen: dict[str, int] = {}
        for steps, name in _texts(document.value, pattern):
            line = document.place(steps)[0]
            first = seen.setdefault(name, line)
            if first != line:
                yield document.mistake(
                    steps, f"{name[:60]!r} is in line {first} already", "choose another name"
                )


def _shared_namespaces(document: Document) -> Iterator[Mistake]:
    """Two environments in one place would overwrite each other's workloads."""
    seen: dict[tuple[object, str], int] = {}
    for steps, namespace in _texts(document.value, ("environments", EACH, "namespace")):
        environment = _within(document.value, steps[:-1])
        context = environment.get("context") if isinstance(environment, dict) else None
        line = document.place(steps)[0]
        first = seen.setdefault((str(context), namespace), line)
        if first != line:
            yield document.mistake(
                steps,
                f"namespace {namespace[:60]!r} is used in line {first} already",
                "give each environment a namespace or a context of its own",
            )


def _replicas_out_of_bounds(document: Document) -> Iterator[Mistake]:
    bounds = dict(_bounds(document))
    for steps, environment in _texts(document.value, ("services", EACH, "replicas", KEY)):
        count = _within(document.value, steps)
        if environment not in bounds or not _is_count(count):
            continue
        least, most = bounds[environment]
        if least <= most and not least <= count <= most:
            yield document.mistake(
                steps,
                f"{count} pods are outside the bounds of {environment}",
                f"write {least} to {most}, or change the bounds of the environment",
            )


def _bounds(document: Document) -> Iterator[tuple[str, tuple[int, int]]]:
    for steps, name in _texts(document.value, ("environments", EACH, "name")):
        least = _within(document.value, (*steps[:-1], "replicas", "least"))
        most = _within(document.value, (*steps[:-1], "replicas", "most"))
        if isinstance(least, int) and isinstance(most, int):
            yield name, (least, most)


def _bounds_upside_down(document: Document) -> Iterator[Mistake]:
    for name, (least, most) in _bounds(document):
        if least > most:
            places = _texts(document.value, ("environments", EACH, "name"))
            steps = next(steps for steps, other in places if other == name)
            yield document.mistake(
                (*steps[:-1], "replicas"), f"least {least} is more than most {most}", "swap them"
            )


def _checklist_without_ticker(document: Document) -> Iterator[Mistake]:
    items = _within(document.value, ("checklist",))
    for place, item in enumerate(items if isinstance(items, list) else ()):
        if not isinstance(item, dict):
            continue
        if (item.get("role") is None) == (item.get("automatic") is None):
            yield document.mistake(
                ("checklist", place),
                "an item is ticked either by a role or by itself",
                "give it role: or automatic: ci",
            )


def _checklist_required_but_empty(document: Document) -> Iterator[Mistake]:
    """A gate that nothing can close is no gate."""
    if _within(document.value, ("checklist",)):
        return
    for steps, required in _texts(document.value, ("environments", EACH, "requires", EACH)):
        if required == "checklist":
            yield document.mistake(steps, "there is no checklist", "write its items: checklist:")


def _services_depending_on_themselves(document: Document) -> Iterator[Mistake]:
    for steps, other in _texts(document.value, ("services", EACH, "depends_on", EACH)):
        if steps[1] == other:
            yield document.mistake(steps, f"{other[:60]} depends on itself", "leave it out")


def _routes_of_the_hidden(document: Document) -> Iterator[Mistake]:
    """What is not reached from outside has no routes that could be asked there."""
    for steps, path in _texts(document.value, ("services", EACH, "path")):
        if path == "none" and _within(document.value, (*steps[:-1], "routes")):
            message = "has routes and is not reached below the base URL"
            yield document.mistake((*steps[:-1], "routes"), message, "leave out routes or path")


def _windows_without_length(document: Document) -> Iterator[Mistake]:
    for steps, opens in _texts(document.value, ("environments", EACH, "windows", EACH, "from")):
        if _within(document.value, (*steps[:-1], "to")) == opens:
            fix = 'write another time; a whole day is from "00:00" to "24:00"'
            message = f"the window closes when it opens, {opens[:40]}"
            yield document.mistake(steps[:-1], message, fix)


def _freezes_upside_down(document: Document) -> Iterator[Mistake]:
    for steps, first in _texts(document.value, ("environments", EACH, "freezes", EACH, "from")):
        last = _within(document.value, (*steps[:-1], "to"))
        if isinstance(last, str) and len(last) == len(first) and last < first:
            message = f"the freeze ends on {last[:40]}, before it begins on {first[:40]}"
            yield document.mistake(steps[:-1], message, "swap them")


def _asking_nobody(document: Document) -> Iterator[Mistake]:
    for steps, _ in _texts(document.value, ("environments", EACH, "name")):
        environment = _within(document.value, steps[:-1])
        assert isinstance(environment, dict)
        if environment.get("auto") is True and environment.get("confirm") is True:
            yield document.mistake(
                (*steps[:-1], "auto"),
                "what goes by itself cannot ask a person once more",
                "leave out auto or confirm",
            )


def _following_from_nothing(document: Document) -> Iterator[Mistake]:
    """Nothing can follow from an analysis that is not made."""
    for steps, _ in _texts(document.value, ("environments", EACH, "name")):
        environment = _within(document.value, steps[:-1])
        assert isinstance(environment, dict)
        if environment.get("analysis") == "none" and "on_regression" in environment:
            yield document.mistake(
                (*steps[:-1], "on_regression"),
                "nothing is analysed here, so nothing follows",
                "leave out on_regression, or analysis: none",
            )


def _small_teams_without_need(document: Document) -> Iterator[Mistake]:
    for steps, _ in _texts(document.value, ("environments", EACH, "name")):
        policy = _within(document.value, (*steps[:-1], "approvals"))
        if not isinstance(policy, dict):
            continue
        if policy.get("small_team") is True and policy.get("requester_counts") is True:
            yield document.mistake(
                (*steps[:-1], "approvals", "small_team"),
                "the requester counts already, in a team of any size",
                "leave out small_team or requester_counts",
            )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _names(value: object, kind: str) -> tuple[str, ...]:
    pattern: Pattern = (kind, EACH, "name") if kind == "environments" else (kind, KEY)
    return tuple(name for _, name in _texts(value, pattern))


def _texts(value: object, pattern: Pattern, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Every text at the places that the pattern describes; what has another shape is skipped."""
    if not pattern:
        if isinstance(value, str):
            yield steps, value
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(head, _Key):
        if isinstance(value, dict):
            for key in value:
                yield (*steps, key), key
    elif isinstance(head, _Each):
        for key, inner in _entries(value):
            yield from _texts(inner, rest, (*steps, key))
    elif isinstance(value, dict) and head in value:
        yield from _texts(value[head], rest, (*steps, head))


def _entries(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _within(value: object, steps: Steps) -> object:
    """What stands at these steps, or none."""
    for part in steps:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
