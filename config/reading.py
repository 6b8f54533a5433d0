"""Reads one YAML file into plain values that remember their lines, and distrusts all of it.

Used for `dynamo.yml` and for the Kubernetes manifests. Size, depth and number of values are
limited while reading, so that no file can cost more than a fraction of a second. Anchors and
aliases are refused altogether: they are how a small file becomes a huge one, and no line of a
configuration should change what another line means.

YAML 1.1 and 1.2 read some plain words differently (`yes`, `12:30`, `1_000`). Such a word is a
mistake here: with quotes it means the same to every reader.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from config.mistakes import Mistake

MOST_BYTES = 512 * 1024
MOST_VALUES = 50_000
MOST_DEPTH = 40
MOST_MISTAKES = 200
MOST_DIGITS = 18

Step = str | int
Steps = tuple[Step, ...]
Place = tuple[int, int]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_OCTAL = re.compile(r"0o?([0-7]+)")  # 0644, as manifests write file modes
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_READ_DIFFERENTLY = re.compile(
    r"(?i:yes|no|on|off)"
    r"|[-+]?[0-9][0-9_]*_[0-9_]*"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"
    r"|[-+]?\.(?i:inf|nan)|0b[01]+"
)


@dataclass(frozen=True, slots=True)
class Document:
    """`value` is None, bool, int, float, str, list or dict; `places` where each of them stands."""

    path: str
    value: object
    places: dict[Steps, Place]
    mistakes: tuple[Mistake, ...]
    doubtful: frozenset[Steps] = frozenset()
    """Where a mistake left the value unknown: nothing more should be said about these."""

    def place(self, steps: Steps) -> Place:
        """Line and column of a value, or of the nearest thing around it that exists."""
        for length in range(len(steps), -1, -1):
            if (place := self.places.get(steps[:length])) is not None:
                return place
        return (1, 1)

    def mistake(self, steps: Steps, message: str, fix: str = "") -> Mistake:
        return Mistake(self.path, *self.place(steps), message, fix)


class UnreadableError(ValueError):
    """The file is no YAML document at all; `mistakes` say why."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


def read_yaml(path: Path, shown: str | None = None) -> Document:
    """Raises UnreadableError when there is no document; lesser mistakes are in the document.

    `shown` is how mistakes name the file, where that is not the path.
    """
    name = shown or str(path)
    return parse_yaml(_decode(_read(path, name), name), name)


def parse_yaml(text: str, name: str) -> Document:
    try:
        return _Builder(name).build(text)
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_from_parser(error, name)) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        raise UnreadableError(
            _at_offset(name, text, position if isinstance(position, int) else 0, "is no YAML")
        ) from None


def _read(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError(Mistake(name, 1, 1, "is not a file", "name a YAML file"))
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UnreadableError(Mistake(name, 1, 1, f"cannot be read: {why}")) from error
    except ValueError as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(Mistake(name, 1, 1, "is no name of a file")) from error
    if len(content) > MOST_BYTES:
        limit = f"is larger than {MOST_BYTES // 1024} KiB"
        raise UnreadableError(Mistake(name, 1, 1, limit, "is it the right file?"))
    return content


def _decode(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError(Mistake(name, 1, 1, "is UTF-16", "save it as UTF-8"))
    if (nul := content.find(b"\0")) >= 0:
        before = content[:nul].decode("utf-8", "replace")
        raise UnreadableError(
            _at_offset(name, before, len(before), "is binary", "is it the right file?")
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        raise UnreadableError(
            _at_offset(name, before, len(before), "is not UTF-8", "save it as UTF-8")
        ) from None
    return text


def _at_offset(name: str, text: str, offset: int, message: str, fix: str = "") -> Mistake:
    before = text[:offset]
    line = before.count("\n") + 1
    return Mistake(name, line, offset - before.rfind("\n"), message, fix)


def _from_parser(error: yaml.MarkedYAMLError, name: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = error.problem or "is no YAML"
    context = f" ({error.context})" if error.context else ""
    return Mistake(name, line, column, f"is no YAML: {problem}{context}", _advice(problem))


def _advice(problem: str) -> str:
    if "\\t" in problem or "tab" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values" in problem:
        return "check the indentation, and put text that contains ': ' between quotes"
    if "block" in problem or "expected" in problem:
        return "check the indentation and the line before"
    return ""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being filled."""

    value: list[object] | dict[str, object]
    steps: Steps
    key: str | None = None
    key_place: Place = (1, 1)
    expects_key: bool = True


@dataclass(slots=True)
class _Builder:
    """Turns the parser's events into values; not recursive, so depth costs no stack."""

    name: str
    places: dict[Steps, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    doubtful: set[Steps] = field(default_factory=set)
    stack: list[_Open] = field(default_factory=list)
    root: object = None
    documents: int = 0
    values: int = 0

    def build(self, text: str) -> Document:
        for event in self._events(text):
            self._take(event)
        doubtful = frozenset(self.doubtful)
        return Document(self.name, self.root, self.places, tuple(self.mistakes), doubtful)

    def _events(self, text: str) -> Iterator[yaml.Event]:
        yield from yaml.parse(text, Loader=_LOADER)

    def _take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._refuse(place, "holds several documents", "keep one; no line of ---")
        elif isinstance(event, yaml.AliasEvent):
            self._note(place, f"alias *{event.anchor}", "write the value out; no & and *")
            self.doubtful.add(self._add(f"*{event.anchor}", place))
        elif isinstance(event, yaml.ScalarEvent):
            self._check_node(event, place)
            self._add_scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._check_node(event, place)
            self._open([] if isinstance(event, yaml.SequenceStartEvent) else {}, place)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self.stack.pop()

    def _check_node(self, event: yaml.NodeEvent, place: Place) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            self._refuse(place, f"holds more than {MOST_VALUES} values", "is it the right file?")
        if event.anchor is not None:
            self._note(place, f"anchor &{event.anchor}", "write the value out; no & and *")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self._note(place, f"tag {tag}", "leave the tag out")

    def _open(self, value: list[object] | dict[str, object], place: Place) -> None:
        steps = self._add(value, place)
        if len(self.stack) >= MOST_DEPTH:
            self._refuse(place, f"is nested deeper than {MOST_DEPTH} levels")
        self.stack.append(_Open(value, steps))

    def _add_scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        is_key = bool(self.stack) and isinstance(self.stack[-1].value, dict)
        is_key = is_key and self.stack[-1].expects_key
        plain = event.implicit[0]
        before = len(self.mistakes)
        if plain and _READ_DIFFERENTLY.fullmatch(event.value):
            self._note(
                place,
                f"YAML readers disagree about {event.value[:40]}",
                f'write "{event.value[:40]}", or true or false where that is meant',
            )
        if is_key and plain and event.value == "<<":
            self._note(place, "merge key <<", "write the values out")
        value = event.value if is_key or not plain else self._resolve(event.value, place)
        steps = self._add(value, place)
        if len(self.mistakes) > before and not is_key:
            self.doubtful.add(steps)

    def _resolve(self, text: str, place: Place) -> object:
        if text in _NULL:
            return None
        if text in _TRUTH:
            return _TRUTH[text]
        if text[0] not in "+-.0123456789":
            return text
        if len(text) > MOST_DIGITS:
            if _FLOAT.fullmatch(text):
                self._note(place, "number is too long", "put it between quotes if it is text")
            return text
        return _number(text)

    def _add(self, value: object, place: Place) -> Steps:
        """Puts a value where it belongs and answers its steps."""
        if not self.stack:
            self.root = value
            self.places[()] = place
            return ()
        parent = self.stack[-1]
        if isinstance(parent.value, list):
            steps = (*parent.steps, len(parent.value))
            parent.value.append(value)
            self.places.setdefault(steps, place)
            return steps
        if parent.expects_key:
            return self._add_key(parent, value, place)
        parent.expects_key = True
        steps = (*parent.steps, str(parent.key))
        if str(parent.key) not in parent.value:
            parent.value[str(parent.key)] = value
            # A key says more about its place than a value that may be empty or a page long.
            self.places.setdefault(steps, parent.key_place)
        return steps

    def _add_key(self, parent: _Open, value: object, place: Place) -> Steps:
        parent.expects_key = False
        parent.key_place = place
        if not isinstance(value, str):
            self._note(place, "a key must be a plain word")
            value = f"?{len(self.mistakes)}"
        if value in parent.value:
            first = self.places.get((*parent.steps, value), place)[0]
            self._note(place, f"{_short(value)!r} is here twice", f"it is in line {first} too")
        parent.key = value
        return (*parent.steps, value)

    def _note(self, place: Place, message: str, fix: str = "") -> None:
        self.mistakes.append(Mistake(self.name, *place, message, fix))
        if len(self.mistakes) >= MOST_MISTAKES:
            raise UnreadableError(*self.mistakes)

    def _refuse(self, place: Place, message: str, fix: str = "") -> None:
        raise UnreadableError(*self.mistakes, Mistake(self.name, *place, message, fix))


def _number(text: str) -> object:
    if _INTEGER.fullmatch(text):
        return int(text)
    if octal := _OCTAL.fullmatch(text):
        return int(octal[1], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
