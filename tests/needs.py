"""A test that needs what a machine lacks is skipped with the reason; where nothing may be skipped
(DYNAMO_TESTS_NEVER_SKIP=1, as .ci/run says) it fails."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn, TypeVar

import pytest

from tests.programs import MissingError

_T = TypeVar("_T")


def need(thing: str) -> NoReturn:
    if os.environ.get("DYNAMO_TESTS_NEVER_SKIP") == "1":
        pytest.fail(f"{thing}, and DYNAMO_TESTS_NEVER_SKIP=1")
    pytest.skip(thing)


@contextmanager
def needed(started: AbstractContextManager[_T]) -> Iterator[_T]:
    """What a test stands on, or its skip."""
    try:
        thing = started.__enter__()
    except MissingError as missing:
        need(str(missing))
    try:
        yield thing
    finally:
        started.__exit__(None, None, None)
