"""What a typed command is made of, as values.

A verb is declared once, as one `Command`; the parser, the help and the router read that
declaration, so a further verb is one declaration more. The parser answers every text with an
`Invocation` (run it) or a `UsageError` (tell the person). Neither holds a sentence: codes and
values go to the text catalogs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a word stands for, and thereby how it is recognised and checked."""

    SERVICE = "service"
    ENVIRONMENT = "environment"
    VERSION = "version"
    """A tag by the OCI grammar, a sha256 digest, or a branch that can be built."""
    COMMAND = "command"
    COUNT = "count"
    """3, +1 or -1."""
    DURATION = "duration"
    """90s, 15m, 2h, 1d, or several of them: 1h30m."""
    TEXT = "text"
    """Free text: one quoted piece, or as an argument whatever is left of the line."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A word with a place of its own; `name` is its key and stands in the usage line."""

    name: str
    kind: Kind
    required: bool = True


@dataclass(frozen=True, slots=True)
class Option:
    """Written `--name`; a flag when it has no kind, else followed by a value of that kind."""

    name: str
    aliases: tuple[str, ...] = ()
    kind: Kind | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Command:
    """One verb. `reads` says that it changes nothing, so it is safe to suggest to anybody."""

    name: str
    aliases: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    reads: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def usage(self) -> str:
        """The grammar in one line: `deploy SERVICE ENVIRONMENT [VERSION] [--dry-run]`."""
        places = [
            item.name.upper() if item.required else f"[{item.name.upper()}]"
            for item in self.arguments
        ]
        options = [
            f"[--{item.name}]" if item.kind is None else f"[--{item.name} {item.kind.upper()}]"
            for item in self.options
        ]
        return " ".join([self.name, *places, *options])


@dataclass(frozen=True, slots=True)
class Invocation:
    """A line understood. Names are the catalog's own, `command` is the verb's own name."""

    command: str
    service: str | None = None
    environment: str | None = None
    version: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The arguments of every other kind, by name; and a second environment, where one is taken."""
    options: Mapping[str, str | bool] = field(default_factory=dict)
    """Only those that were given: flags as True, values as text."""
    line: str = ""
    """The whole command in its normal form: what the card echoes, and what parses to the same."""


class UsageCode(StrEnum):
    """Why a line was not understood; `values` of the error are listed beside each."""

    EMPTY = "empty"
    TOO_LONG = "too-long"  # limit (characters)
    UNKNOWN_COMMAND = "unknown-command"  # word, choices
    UNKNOWN_SERVICE = "unknown-service"  # word, choices
    UNKNOWN_ENVIRONMENT = "unknown-environment"  # word, choices
    UNKNOWN_VERSION = "unknown-version"  # word, service: told by commands that ask the registry
    UNKNOWN_WORD = "unknown-word"  # word: neither a service nor an environment
    AMBIGUOUS_SERVICE = "ambiguous-service"  # word, choices
    AMBIGUOUS_ENVIRONMENT = "ambiguous-environment"  # word, choices
    AMBIGUOUS_WORD = "ambiguous-word"  # word, choices: short for a service and an environment
    MISSING_ARGUMENTS = "missing-arguments"  # missing (names), usage
    TOO_MANY_WORDS = "too-many-words"  # words, usage
    UNKNOWN_OPTION = "unknown-option"  # option, choices
    OPTION_TWICE = "option-twice"  # option
    OPTION_NEEDS_VALUE = "option-needs-value"  # option
    OPTION_NEEDS_QUOTES = "option-needs-quotes"  # option, value: text of several words
    OPTION_TAKES_NO_VALUE = "option-takes-no-value"  # option
    UNBALANCED_QUOTE = "unbalanced-quote"  # quote, rest
    INVALID_VERSION = "invalid-version"  # word
    INVALID_COUNT = "invalid-count"  # word
    INVALID_DURATION = "invalid-duration"  # word


@dataclass(frozen=True, slots=True)
class UsageError:
    """A line not understood: a value, not an exception.

    `suggestions` are complete lines in normal form that would run, the best first.
    """

    code: UsageCode
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    command: str | None = None
    """The verb, when it was understood: whose help would help."""
