"""How a typed word finds a name of the catalog: exactly, by alias, by a short form, or nearly.

Pure and small, because the parser calls it for every word of every command. Case, accents and
`_` for `-` never matter. `config.values` asks here for services and environments, the parser
for verbs and options.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

SHORTEST_PREFIX = 2
"""One letter is too little to choose where something is deployed."""

NEAREST = 3
"""More suggestions than this are a list to read, not a hint."""

MUCH_WORSE = 0.15
"""A candidate that is so much less like the word than the best one only distracts."""

LONGEST_COMPARED = 64
"""Comparing costs the product of both lengths; no name is this long (Kubernetes allows 63)."""


class Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that means exactly this thing: its name, aliases and titles."""
        ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """`exact` when the word is a name, alias or title; else it was an unambiguous short form."""

    item: T
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A short form of several things; `candidates` are their names."""

    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """`nearest` are at most three names that were perhaps meant, the best first."""

    nearest: tuple[str, ...]


def fold(word: str) -> str:
    """What two words must share to mean the same: no case, no accents, `_` and spaces as `-`."""
    return _fold(word) if len(word) <= LONGEST_COMPARED else _fold.__wrapped__(word)


@lru_cache(maxsize=8192)
def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain.strip().replace("_", "-").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Index(Generic[T]):
    """Named things, prepared for looking up many words; made by `index`."""

    items: tuple[T, ...]
    exact: Mapping[str, T]
    """By every word that means exactly one of them, folded; the first of two wins."""
    joined: tuple[str, ...]
    """For each item all its words in one text, so that one search finds a short form."""


def index(items: Iterable[T]) -> Index[T]:
    items = tuple(items)
    exact: dict[str, T] = {}
    for item in items:
        for word in item.words:
            exact.setdefault(fold(word), item)
    joined = tuple(" ".join(f"-{fold(word)}" for word in item.words) for item in items)
    return Index(items, exact, joined)


def find(word: str, among: Index[T]) -> Found[T] | Ambiguous | NotFound:
    """As `resolve`, and looks for what is nearest where there is nothing."""
    found = resolve(word, among)
    return found or NotFound(tuple(name for name, _ in rank(word, among.items)))


def resolve(word: str, among: Index[T]) -> Found[T] | Ambiguous | None:
    """What a word means: a name or alias, or the beginning of a part of one.

    `tasks` and `gateway` are short for tasks-service and api-gateway.
    """
    wanted = fold(word)
    if (item := among.exact.get(wanted)) is not None:
        return Found(item)
    if len(wanted) < SHORTEST_PREFIX:
        return None
    start = f"-{wanted}"
    short = [item for item, words in zip(among.items, among.joined, strict=True) if start in words]
    if len(short) == 1:
        return Found(short[0], exact=False)
    return Ambiguous(tuple(item.name for item in short)) if short else None


def nearest(word: str, names: Iterable[str]) -> tuple[str, ...]:
    """At most three of `names` that look like `word`, the best first."""
    return tuple(name for name, _ in _best([(name, likeness(word, name)) for name in names]))


def rank(word: str, items: Sequence[T]) -> list[tuple[str, float]]:
    """At most three names of items that look like `word`, with their likeness; the best first."""
    return _best(
        [(item.name, max(likeness(word, form) for form in _forms(item))) for item in items]
    )


def likeness(word: str, other: str) -> float:
    """From 0 (not alike enough to suggest) to 1 (the same)."""
    left, right = fold(word), fold(other)
    if not left or max(len(left), len(right)) > LONGEST_COMPARED:
        return 0.0
    return _likeness(left, right)


@lru_cache(maxsize=8192)
def _likeness(left: str, right: str) -> float:
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    enough = 0.5 if max(len(left), len(right)) <= 2 else 0.6
    if matcher.real_quick_ratio() < enough or matcher.quick_ratio() < enough:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= enough else 0.0


def _best(scored: list[tuple[str, float]]) -> list[tuple[str, float]]:
    least = max([score for _, score in scored], default=0.0) - MUCH_WORSE
    alike = [pair for pair in scored if pair[1] and pair[1] >= least]
    return sorted(alike, key=lambda pair: -pair[1])[:NEAREST]


def _forms(item: Named) -> set[str]:
    """The words of a thing and their beginnings, so that `taks` is near tasks-service."""
    forms = set(item.words)
    for word in item.words:
        forms.add(fold(word).split("-", 1)[0])
    return forms
