"""sqlite-utils, without numpy: where all adapters of SQLite take it from.

The library imports numpy (and pandas) wherever they are installed, only to know their types as
columns. They are installed for the workbench's process; in the bot's they would be a tenth of the
time of a start and 25 MB for nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """An import of these fails meanwhile, unless they are there already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is "not found"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _without("numpy", "pandas"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
