"""The migrations of Dynamo's one database file: each table's module registers its own here."""

from sqlite_utils import Migrations

migrations = Migrations("dynamo")
