"""The audit log as `dynamo audit` reads it, beside a running bot."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.adapters.databases import reading
from bot.adapters.tables.audit import head_of, records_of
from bot.domain.audit import AuditRecord, Head, Verification, verify


def verify_log(address: str | Path, witnesses: Sequence[Head] = ()) -> Verification:
    """Of the database at an address. Raises UnreadableError."""
    with reading(str(address)) as db:
        return verify(records_of(db), head_of(db), witnesses)


def read_log(address: str | Path) -> Iterator[AuditRecord]:
    """All records, oldest first. Raises UnreadableError."""
    with reading(str(address)) as db:
        yield from records_of(db)
