"""What may differ between two environments without being a finding: by rule. Pure.

Two sorts of rules. Words that name an environment (its name, its namespace, the host of its base
URL) are taken for the same word on both sides: `https://yourapp-qa.supabase.co` beside
`https://yourapp.supabase.co` is no difference. And paths may be named whose values are allowed to
differ; those that `dynamo.yml` adds count also where one side lacks the thing altogether.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from config.catalog import Catalog, Differences, Environment

EXPECTED = (
    "replicas",
    "minReplicas",
    "maxReplicas",
    "*.resources.requests.*",
    "*.resources.limits.*",
    "LOG_LEVEL",
    "*_LOG_LEVEL",
)
"""How much and how loud: sizes are an environment's own (research/rollouts.md §6)."""

_PLACE = "\ufffc"  # stands for the environment; no text of a manifest has it
_BOUND = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"
_HELD_ON = re.compile(rf"[-_.]{_PLACE}|{_PLACE}[-_.]?")


@dataclass(frozen=True)
class Tokens:
    """The words that name one environment, in the text of its configuration."""

    words: tuple[str, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.words, key=len, reverse=True)
        either = "|".join(_BOUND.format(re.escape(word)) for word in longest_first)
        return re.compile(either or r"(?!)", re.IGNORECASE)

    def neutral(self, text: str) -> str:
        """The text with the environment's words replaced by one that stands for any."""
        return self._pattern.sub(_PLACE, text)


def tokens_of(environment: Environment) -> Tokens:
    host = re.sub(r"^[a-z]+://|[:/].*$", "", environment.base_url)
    words = (environment.name, *environment.aliases, environment.namespace, host)
    return Tokens(tuple(dict.fromkeys(word for word in words if len(word) > 1)))


def alike_but_for_the_place(left: str, mine: Tokens, right: str, theirs: Tokens) -> bool:
    """Whether two texts say the same of their own environments. Production is often the one that
    no word names: there the word may be missing, with the dash that holds it on."""
    one, other = mine.neutral(left), theirs.neutral(right)
    if one == other:
        return True
    bare, also = _HELD_ON.sub("", one), _HELD_ON.sub("", other)
    return (one, other) != (left, right) and bare == also


@dataclass(frozen=True)
class Rules:
    """`also` and `never` are the operator's; `never` goes before every other rule."""

    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    injected: frozenset[str] = field(default_factory=frozenset)

    def expects(self, path: str, *, both: bool) -> str:
        """The rule by which a difference at this path is expected; "" for none. `both`: both sides
        have it, with another value."""
        if _first(self._never, path):
            return ""
        return _first(self._also, path) or (_first(_BUILT_IN, path) if both else "")

    def forbids(self, path: str) -> bool:
        return bool(_first(self._never, path))

    @cached_property
    def _also(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return _compiled(self.also)

    @cached_property
    def _never(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return _compiled(self.never)


def rules_of(catalog: Catalog) -> Rules:
    said: Differences = catalog.differences
    return Rules(said.expected, said.risks, frozenset(said.injected))


def pattern_of(rule: str) -> re.Pattern[str]:
    """`*.resources.*` (a star is any text) or `/regular expression/`. Raises re.error."""
    if len(rule) > 2 and rule.startswith("/") and rule.endswith("/"):
        return re.compile(rule[1:-1])
    return re.compile(".*".join(re.escape(piece) for piece in rule.split("*")))


def _compiled(rules: Iterable[str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((rule, pattern_of(rule)) for rule in rules)


def _first(rules: Iterable[tuple[str, re.Pattern[str]]], path: str) -> str:
    return next((name for name, pattern in rules if pattern.fullmatch(path)), "")


_BUILT_IN = _compiled(EXPECTED)
