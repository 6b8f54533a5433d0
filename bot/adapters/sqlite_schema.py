"""The migrations of Dynamo's one database file: each table's module registers its own here."""

from bot.adapters.sqlite_tables import Migrations

migrations = Migrations("dynamo")
