"""Holds a document against a pydantic model and says each difference with its line.

Pydantic knows where in the data a difference is; the document knows in which line that stands;
the model's field descriptions know what would be right.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.lookup import NEAREST, fold, nearest
from config.mistakes import Mistake, meant
from config.reading import Document, Steps

M = TypeVar("M", bound=BaseModel)

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "names with values",
    "model_type": "names with values",
}


OWN_NAME = "{name}"
"""In the description of a field: the name under which what it belongs to is described."""


def sections_meant(document: Document, model: type[BaseModel]) -> Document:
    """The document with misspelt keys of its top level read as the sections they were meant to be.

    Else one letter would hide every mistake within the section, and make false ones of what
    points into it. The misspelling is a mistake of the document, so it is told all the same.
    """
    sections = document.value
    if not isinstance(sections, dict):
        return document
    known = tuple(_fields(model))
    missing = [name for name in known if name not in sections]
    read: dict[str, str] = {}
    for key in sections:
        near = nearest(key, missing) if key not in known and len(read) < len(known) else ()
        if near and near[0] not in read.values():
            read[key] = near[0]
    if not read:
        return document
    told = [
        document.mistake((k,), f"unknown key {_short(k)}", meant((n,))) for k, n in read.items()
    ]
    return replace(
        document,
        value={read.get(key, key): inside for key, inside in sections.items()},
        places={_read_as(steps, read): place for steps, place in document.places.items()},
        mistakes=(*document.mistakes, *told),
        doubtful=frozenset(_read_as(steps, read) for steps in document.doubtful),
    )


def _read_as(steps: Steps, read: Mapping[str, str]) -> Steps:
    if not steps or not isinstance(steps[0], str):
        return steps
    return (read.get(steps[0], steps[0]), *steps[1:])


def shape(document: Document, model: type[M]) -> tuple[M | None, tuple[Mistake, ...]]:
    """The model, or none and every difference."""
    try:
        return model.model_validate(document.value), ()
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, tuple(
            _mistake(document, model, detail)
            for detail in details
            if detail["loc"] not in document.doubtful
        )


def _mistake(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Mistake:
    steps: Steps = tuple(part for part in detail["loc"] if part != "[key]")
    kind = detail["type"]
    if kind == "missing":
        owner, name = _model_at(model, steps[:-1]), str(steps[-1])
        return document.mistake(
            steps[:-1], f"{_named(steps[:-1])} needs {name}", _example(owner, steps)
        )
    if kind == "extra_forbidden":
        owner = _model_at(model, steps[:-1])
        known = tuple(_fields(owner))
        hint = meant(_meant_key(str(steps[-1]), known)) or f"the keys here are {', '.join(known)}"
        return document.mistake(steps, f"unknown key {_short(steps[-1])}", hint)
    message, fix = _said(detail, _example(_model_at(model, steps[:-1]), steps))
    return document.mistake(steps, f"{_named(steps)} {message}", fix)


def _said(detail: ErrorDetails, example: str) -> tuple[str, str]:
    kind, given, values = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "wrong":
        return f"{values['message']}", f"{values['fix']}"
    if kind in _WANTED:
        if given is None:
            return "has no value", example
        if kind == "string_type" and isinstance(given, int | float):
            return f"must be text, not {_kind_of(given)}", f'write it between quotes: "{given}"'
        return f"must be {_WANTED[kind]}, not {_kind_of(given)}", example
    if kind == "literal_error":
        return f"cannot be {_short(given)}", f"write {values['expected']}"
    return detail["msg"].replace("Input should", "must").replace("Value should", "must"), example


def _kind_of(given: object) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, dict):
        return "names with values"
    if isinstance(given, list):
        return "a list"
    return f"the number {given}" if isinstance(given, int | float) else "text"


def _named(steps: Steps) -> str:
    """`environments[1].channel`, as people write such paths."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in steps)
    return text.lstrip(".")[:120] or "the file"


def _example(owner: type[BaseModel] | None, steps: Steps) -> str:
    """What the description of the field says that holds the value, however deep inside it."""
    fields = _fields(owner)
    at = next((at for at in reversed(range(len(steps))) if str(steps[at]) in fields), None)
    said = fields[str(steps[at])].description if at is not None else None
    if at is None or not said:
        return ""
    name = str(steps[at - 1])[:60] if at else "name"
    return f"write {said.replace(OWN_NAME, name)}"


def _meant_key(key: str, known: Iterable[str]) -> tuple[str, ...]:
    """Keys that look like it; where none does, those that it is short for: `repo`."""
    if alike := nearest(key, known):
        return alike
    short = fold(key)
    return tuple(name for name in known if len(short) > 2 and name.startswith(short))[:NEAREST]


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _fields(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """By the keys of the file: `from` is no name that Python allows."""
    known = model.model_fields if model else {}
    return {field.alias or name: field for name, field in known.items()}


def _model_at(model: type[BaseModel], steps: Steps) -> type[BaseModel] | None:
    """The model that holds the value at these steps; for an entry of a list, the list's owner."""
    owner: type[BaseModel] = model
    kind: Any = model
    for part in steps:
        kind = _inside(kind, part)
        if kind is None:
            return owner
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            owner = kind
    return owner


def _inside(kind: Any, part: str | int) -> Any:
    """The type of what stands at one step into a value of a type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = _fields(kind).get(str(part))
        return _bare(field.annotation) if field else None
    arguments = get_args(kind)
    if get_origin(kind) is list:
        return _bare(arguments[0])
    if get_origin(kind) is dict:
        return _bare(arguments[1])
    return None


def _bare(kind: Any) -> Any:
    """A type without Annotated and without `| None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _bare(next(item for item in get_args(kind) if item is not type(None)))
    return kind
