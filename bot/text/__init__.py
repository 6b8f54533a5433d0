"""Every sentence that a person reads, in each language: `Texts.of("es")("rollout.state.QUEUED")`.

A language is a folder, a topic is a TOML file in it; all files of a folder are one catalog of
dotted keys. Placeholders are named (`{service}`); a key with the sub-keys `one` and `other` is a
plural, chosen by the value `count`. What is wrong with the files (a key or placeholder that one
language lacks) is told once, all at once, when they are loaded at the start: after that every
sentence exists in every language. Values are put in as they are: escaping is the cards' part.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter

LANGUAGES = ("en", "es")
FALLBACK = "en"
"""For readers of any other language."""

PLURAL = ("one", "other")
MISSING = "…"
"""Stands where a tolerant sentence has no value for a placeholder."""


class TextError(LookupError):
    """The catalogs disagree, or a sentence was asked for that does not exist: a bug of ours."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language."""

    language: str
    entries: Mapping[str, str]

    @classmethod
    def of(cls, language: str) -> Texts:
        """The catalog of `language` ("es", "es-MX"); English for one that Dynamo does not speak.

        Raises TextError, naming every disagreement, when the files are broken.
        """
        short = language[:2].lower()
        return _catalogs()[short if short in LANGUAGES else FALLBACK]

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence `key` with its values. Raises TextError for an unknown key or a value that
        is missing: both are mistakes of the code that asks, and tests find them."""
        template = self.template(key, values)
        try:
            return template.format_map(values)
        except KeyError as missing:
            raise TextError(f"{self.language}: {key} needs the value {missing}") from None

    def say(self, key: str, values: Mapping[str, object], otherwise: str) -> str:
        """For codes and values that come from outside (a stored rollout of another version): an
        unknown key gives `otherwise`, a value that is missing shows as "…". Never raises."""
        if key not in self:
            return otherwise
        return self.template(key, values).format_map(_Lenient(values))

    def __contains__(self, key: object) -> bool:
        return key in self.entries or f"{key}.other" in self.entries

    def template(self, key: str, values: Mapping[str, object]) -> str:
        """The sentence before its values are put in; `count` among them chooses a plural."""
        form = "one" if values.get("count") == 1 else "other"
        template = self.entries.get(key) or self.entries.get(f"{key}.{form}")
        if template is None:
            raise TextError(f"{self.language}: there is no text {key}")
        return template


class _Lenient(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return MISSING


def placeholders(template: str) -> frozenset[str]:
    """The names in braces. Raises TextError for braces that are more than a name."""
    names = set()
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise TextError(f"{error}: {template!r}") from None
    for _, name, specification, conversion in pieces:
        if name is None:
            continue
        if not name.isidentifier() or specification or conversion:
            raise TextError(f"only plain names may stand in braces: {template!r}")
        names.add(name)
    return frozenset(names)


def disagreements(catalogs: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What the languages do not have in common: keys, and the placeholders of each key."""
    problems = []
    shapes = {language: _shape(entries) for language, entries in catalogs.items()}
    for key in sorted(set().union(*shapes.values())):
        lacking = [language for language, shape in shapes.items() if key not in shape]
        problems += [f"{language}: {key} is missing" for language in lacking]
        if not lacking and len({shape[key] for shape in shapes.values()}) > 1:
            names = "; ".join(f"{lang} {sorted(shape[key])}" for lang, shape in shapes.items())
            problems.append(f"{key} has different placeholders: {names}")
    for language, entries in catalogs.items():
        problems += [f"{language}: {key} lacks a plural form" for key in _half_plurals(entries)]
    return problems


@cache
def _catalogs() -> Mapping[str, Texts]:
    """All languages, read once."""
    root = files(__name__)
    catalogs = {language: read(root / language) for language in LANGUAGES}
    problems = disagreements(catalogs)
    if problems:
        raise TextError("\n".join(problems))
    return {language: Texts(language, entries) for language, entries in catalogs.items()}


def read(folder: Traversable) -> dict[str, str]:
    """One language: all its files, merged to dotted keys. Raises TextError for a key said twice."""
    entries: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise TextError(f"{folder.name}/{file.name}: {error}") from error
        for key, text in _flat(content, ""):
            if key in entries:
                raise TextError(f"{folder.name}/{file.name}: {key} is said twice")
            entries[key] = text
    return entries


def _flat(node: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str) and value:
            yield f"{prefix}{name}", value
        else:
            raise TextError(f"{prefix}{name} is no text")


def _shape(entries: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Each key with its placeholders; the forms of a plural count as one key, and a form may
    leave a placeholder out ("one pod" needs no figure)."""
    shape: dict[str, frozenset[str]] = {}
    for key, template in entries.items():
        stem = key.rpartition(".")[0] if _is_form(key, entries) else key
        shape[stem] = shape.get(stem, frozenset()) | placeholders(template)
    return shape


def _is_form(key: str, entries: Mapping[str, str]) -> bool:
    stem, _, form = key.rpartition(".")
    return form in PLURAL and any(f"{stem}.{other}" in entries for other in PLURAL)


def _half_plurals(entries: Mapping[str, str]) -> list[str]:
    stems = {key.rpartition(".")[0] for key in entries if _is_form(key, entries)}
    return sorted(s for s in stems if any(f"{s}.{form}" not in entries for form in PLURAL))
