"""What single words can mean: names of the catalog, versions, counts, durations, fillers."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from commands.command import Command, Kind, UsageCode
from commands.typed import Word
from config.catalog import Ambiguous, Catalog, Environment, Found, Service
from config.lookup import fold, rank

FILLERS = frozenset({"to", "in", "on", "into", "the", "a", "al", "en", "de", "la", "el"})
"""Said between names and never meant: deploy tasks TO qa, desplegar tasks EN qa."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
"""By the grammar of the OCI distribution specification."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,8}")
"""`feature/login`: no version of any image, but a ref that can be built."""
_LONGEST_BRANCH = 200
_COUNT = re.compile(r"[-+]?[0-9]{1,9}")
_DURATION = re.compile(r"([0-9]{1,6}[smhd]){1,4}")
_LIKE_A_VERSION = re.compile(r"[vV]?[0-9].*|sha256:.*|[0-9a-f]{7,40}", re.DOTALL)
_PINNED = re.compile(r"(?P<name>[^@:]+(:[0-9]+/[^@:]+)?)[@:](?P<version>[^/]+)")
_TAG_AND_DIGEST = re.compile(r"[^@]*@(?P<digest>sha256:.*)")
_TWO_NAMES = re.compile(r"(?P<left>[^./]+)[./](?P<right>[^./]+)")
_LONGEST_SHOWN = 80

NAMES = (Kind.SERVICE, Kind.ENVIRONMENT)
"""Kinds that are looked up in the catalog."""

UNKNOWN = {
    Kind.SERVICE: UsageCode.UNKNOWN_SERVICE,
    Kind.ENVIRONMENT: UsageCode.UNKNOWN_ENVIRONMENT,
}
AMBIGUOUS = {
    Kind.SERVICE: UsageCode.AMBIGUOUS_SERVICE,
    Kind.ENVIRONMENT: UsageCode.AMBIGUOUS_ENVIRONMENT,
}
INVALID = {
    Kind.VERSION: UsageCode.INVALID_VERSION,
    Kind.COUNT: UsageCode.INVALID_COUNT,
    Kind.DURATION: UsageCode.INVALID_DURATION,
}


def is_valid(kind: Kind, text: str) -> bool:
    """By the grammar of the kind; names are looked up instead."""
    if kind is Kind.VERSION:
        found = _TAG.fullmatch(text) or _DIGEST.fullmatch(text) or _BRANCH.fullmatch(text)
        return found is not None and len(text) <= _LONGEST_BRANCH
    if kind is Kind.COUNT:
        return _COUNT.fullmatch(text) is not None
    if kind is Kind.DURATION:
        return _DURATION.fullmatch(text) is not None
    return bool(text)


def looks_like_a_version(text: str) -> bool:
    return _LIKE_A_VERSION.fullmatch(text) is not None


def tidy(text: str) -> str:
    """A name without the punctuation of the sentence around it."""
    return text.strip(".,;:!?¡¿()[]")


def shown(text: str) -> str:
    """As an error repeats it: a line of 20,000 characters helps nobody."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def look_up(
    kind: Kind, text: str, catalog: Catalog
) -> Found[Service] | Found[Environment] | Ambiguous | None:
    """For the kinds in `NAMES`."""
    if kind is Kind.SERVICE:
        return catalog.resolve_service(tidy(text))
    return catalog.resolve_environment(tidy(text))


def nearest_names(kind: Kind, text: str, catalog: Catalog) -> tuple[str, ...]:
    """At most three names of a kind in `NAMES` that look like a word, the best first."""
    items = catalog.services if kind is Kind.SERVICE else catalog.environments
    return tuple(name for name, _ in rank(tidy(text), items))


def choices(kind: Kind, catalog: Catalog) -> tuple[str, ...]:
    """All names that a word of this kind could be."""
    if kind is Kind.SERVICE:
        return tuple(service.name for service in catalog.services)
    if kind is Kind.ENVIRONMENT:
        return tuple(environment.name for environment in catalog.environments)
    return ()


def is_name(text: str, catalog: Catalog) -> bool:
    """Whether a reader would take the word for a service or an environment."""
    return any(look_up(kind, text, catalog) is not None for kind in NAMES)


def is_filler(word: Word, catalog: Catalog) -> bool:
    if word.quoted or word.kind is not None or fold(word.text) not in FILLERS:
        return False
    return not any(_is_exactly(kind, word.text, catalog) for kind in NAMES)


def _is_exactly(kind: Kind, text: str, catalog: Catalog) -> bool:
    found = look_up(kind, text, catalog)
    return isinstance(found, Found) and found.exact


def spread(
    line: tuple[Word, ...], taken: Container[int], command: Command, catalog: Catalog
) -> tuple[tuple[Word, ...], tuple[int, ...]]:
    """Takes apart what people write together: tasks@1.4.0, tasks:1.4.0, tasks-service.qa.

    Answers the line and the places of its free words. `taken` are the places of the verb, the
    options and their values, which stay as they are: a reason may well be `fix:login`.
    """
    joins = any(argument.kind is Kind.SERVICE for argument in command.arguments)
    parts: list[Word] = []
    free: list[int] = []
    for place, word in enumerate(line):
        if place in taken:
            parts.append(word)
            continue
        whole = not joins or word.quoted or word.kind is not None
        for part in (word,) if whole else _parts(word, catalog):
            free.append(len(parts))
            parts.append(part)
    return tuple(parts), tuple(free)


def _parts(word: Word, catalog: Catalog) -> Iterator[Word]:
    if word.text.startswith("sha256:"):
        yield word
    elif pinned := _PINNED.fullmatch(word.text):
        name, version = pinned["name"], pinned["version"]
        if both := _TAG_AND_DIGEST.fullmatch(version):
            version = both["digest"]  # as Docker does: the digest says it all
        yield Word(_service_of_image(name, catalog) or name, kind=Kind.SERVICE)
        yield Word(version, kind=Kind.VERSION)
    elif (two := _TWO_NAMES.fullmatch(word.text)) and _are_service_and_environment(two, catalog):
        yield Word(two["left"], kind=Kind.SERVICE)
        yield Word(two["right"], kind=Kind.ENVIRONMENT)
    else:
        yield word


def _service_of_image(repository: str, catalog: Catalog) -> str | None:
    """People paste whole image names from elsewhere."""
    if "/" not in repository:
        return None
    return next((item.name for item in catalog.services if item.image == repository), None)


def _are_service_and_environment(two: re.Match[str], catalog: Catalog) -> bool:
    service = look_up(Kind.SERVICE, two["left"], catalog)
    environment = look_up(Kind.ENVIRONMENT, two["right"], catalog)
    return isinstance(service, Found) and isinstance(environment, Found)
