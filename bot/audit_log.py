"""`dynamo audit verify` and `export`: the audit log at a terminal, beside a running bot.

The database is opened for reading alone. The chain and its limits: `bot/domain/audit.py`.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.adapters.audit_reading import read_log, verify_log
from bot.adapters.databases import UnreadableError, place_of
from bot.domain.audit import Broken, Flaw, Head

_SAID = {
    Broken.EDITED: "record {number} was edited: its hash does not cover what it says",
    Broken.MISSING: "record {number} is missing: records were removed",
    Broken.OUT_OF_PLACE: "record {number} is out of its place: reordered or repeated",
    Broken.UNLINKED: "record {number} does not follow the one before: one of the two was replaced",
    Broken.TRUNCATED: "record {number} is missing: the end of the log was cut off",
    Broken.BEYOND_HEAD: "record {number} was written beside the log's own head",
    Broken.OTHER_HEAD: "record {number} is not the one that the log's head names",
    Broken.OTHER_WITNESS: "record {number} is not the one that was noted",
}


def verify(database: Path | None, noted: Sequence[str]) -> int:
    """`noted`: heads written down earlier, as COUNT:HASH. 0 when the chain is whole."""
    witnesses = [head for text in noted if (head := _head(text)) is not None]
    if len(witnesses) < len(noted):
        sys.stderr.write("--expect is COUNT:HASH, as `dynamo audit verify` says it\n")
        return 2
    address = str(database or "") or database_of_the_environment()
    try:
        found = verify_log(address, witnesses)
    except UnreadableError as error:
        return _unreadable(address, error)
    for flaw in found.flaws:
        sys.stdout.write(f"{_sentence(flaw)}\n")
    ends = f"{found.head.count}:{found.head.hash}"
    verdict = "is NOT whole" if found.flaws else "is whole"
    sys.stdout.write(f"{place_of(address)}: the audit log {verdict}; it ends with {ends}\n")
    return 1 if found.flaws else 0


def export(database: Path | None) -> int:
    """JSON lines to the standard output, oldest first, each with its hash."""
    address = str(database or "") or database_of_the_environment()
    try:
        for record in read_log(address):
            sys.stdout.write(f"{record.line}\n")
        sys.stdout.flush()
    except UnreadableError as error:
        return _unreadable(address, error)
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def database_of_the_environment() -> str:
    """As the bot itself would open it; only this setting is read, so no token is needed."""
    return os.environ.get("DYNAMO_DATABASE", "").strip() or "sqlite:///dynamo.db"


def _head(text: str) -> Head | None:
    found = re.fullmatch(r"([0-9]{1,15}):([0-9a-f]{64})", text.strip())
    return Head(int(found[1]), found[2]) if found else None


def _sentence(flaw: Flaw) -> str:
    return _SAID[flaw.broken].format(number=flaw.number)


def _unreadable(address: str, error: UnreadableError) -> int:
    sys.stderr.write(f"{place_of(address)}: no audit log can be read there: {error}\n")
    return 1
