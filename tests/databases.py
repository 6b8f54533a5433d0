"""Databases for tests: `on_sqlite` is for what only a file has; an empty one on a server."""

from itertools import count

import psycopg
import pytest

on_sqlite = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
_SCHEMAS = count()


def empty_database(server: str) -> str:
    """The address of a schema of its own, which stands for a database."""
    schema = f"test_{next(_SCHEMAS)}"
    with psycopg.connect(server) as connection:
        connection.execute(f"create schema {schema}".encode())
    return f"{server}?options=-csearch_path%3D{schema}"
