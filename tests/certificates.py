"""The certificates of the offline worlds of one run: `openssl` makes each once, not for each world.

A world makes an authority when it begins and a certificate for each host that is asked for, four
starts of a program in all. Hundreds of worlds begin in a run, of which none meets another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.sandbox.services import certificates


@contextmanager
def made_once() -> Iterator[None]:
    """The first world's are its own; each later one gets copies of them in its own directory."""
    made: dict[tuple[str, ...], bytes] = {}
    openssl = certificates._openssl

    def copied(*words: str | Path) -> None:
        file = Path(words[-1])  # each command ends with the file that it writes
        command = tuple(str(word).replace(str(file.parent), "") for word in words)
        if command not in made:
            openssl(*words)
            made[command] = file.read_bytes()
        file.write_bytes(made[command])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "_openssl", copied)
        yield
