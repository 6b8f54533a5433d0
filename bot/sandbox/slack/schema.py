"""A strict little schema language that complains in Slack's words, each with a JSON pointer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any, str, list[str]], None]
"""Checks a value at a pointer and appends what is wrong with it."""


def breach(message: str, pointer: str) -> str:
    return f"{message} [json-pointer:{pointer}]"


def string(most: int, least: int = 1) -> Check:
    """A text whose length is within bounds, counted in characters."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, str):
            found.append(breach("must provide a string", pointer))
        elif len(value) < least:
            found.append(breach(f"must be more than {least - 1} characters", pointer))
        elif len(value) > most:
            found.append(breach(f"must be less than {most + 1} characters", pointer))

    return check


def matching(pattern: str, words: str) -> Check:
    """A text of one form; `words` say which."""
    form = re.compile(pattern)

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, str):
            found.append(breach("must provide a string", pointer))
        elif form.fullmatch(value) is None:
            found.append(breach(words, pointer))

    return check


def boolean(value: Any, pointer: str, found: list[str]) -> None:
    if not isinstance(value, bool):
        found.append(breach("must provide a boolean", pointer))


def number(least: float | None = None, most: float | None = None, *, whole: bool = True) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        fits = isinstance(value, int) or (isinstance(value, float) and not whole)
        if isinstance(value, bool) or not fits:
            word = "an integer" if whole else "a number"
            found.append(breach(f"must provide {word}", pointer))
        elif least is not None and value < least:
            found.append(breach(f"must be greater than or equal to {least}", pointer))
        elif most is not None and value > most:
            found.append(breach(f"must be less than or equal to {most}", pointer))

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if value not in allowed:
            found.append(breach(f"must be one of: {', '.join(allowed)}", pointer))

    return check


def array(item: Check, least: int, most: int) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, list):
            found.append(breach("must provide an array", pointer))
            return
        if len(value) < least:
            found.append(breach(f"must provide at least {least} items", pointer))
        if len(value) > most:
            found.append(breach(f"no more than {most} items allowed", pointer))
            return
        for index, each in enumerate(value):
            item(each, f"{pointer}/{index}", found)

    return check


def record(
    required: dict[str, Check], optional: dict[str, Check] | None = None, *, typed: bool = False
) -> Check:
    """An object with exactly these properties; `typed`: it has a `type` besides, checked
    elsewhere.
    """
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            found.append(breach("must provide an object", pointer))
            return
        found += [
            breach(f"missing required field: {name}", pointer)
            for name in required
            if name not in value
        ]
        for name, each in value.items():
            if name in known:
                known[name](each, f"{pointer}/{name}", found)
            elif not (typed and name == "type"):
                found.append(breach(f"invalid additional property: {name}", pointer))

    return check


def by_type(kinds: dict[str, Check]) -> Check:
    """An object whose `type` chooses its schema."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            found.append(breach("must provide an object", pointer))
        elif "type" not in value:
            found.append(breach("missing required field: type", pointer))
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            found.append(breach(f"unsupported type: {value['type']}", f"{pointer}/type"))
        else:
            kinds[value["type"]](value, pointer, found)

    return check


def or_null(each: Check) -> Check:
    """A place that may be left empty."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if value is not None:
            each(value, pointer, found)

    return check


def together(*checks: Check) -> Check:
    """All checks on one value."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        for each in checks:
            each(value, pointer, found)

    return check
