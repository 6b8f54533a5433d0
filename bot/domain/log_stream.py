"""From the bytes of one container's log to its lines: whole, readable and free of secrets.

Bytes come cut anywhere. A line is put together again where it was split (a chunk, the 16 KiB of a
container runtime), decoded, cleared of what a terminal obeys, and redacted before anything looks
at it: a search over what was not redacted would tell secrets to whoever searches for them. Lines
of a private key are masked although each alone looks like nothing.

A stream has a hundred thousand lines a second, so what can be asked of a whole block of lines is
not asked of each, and a line becomes a value of its own where it is shown, not before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Final, NamedTuple

from bot.domain.log_lines import Level, levels_of, split_stamp
from bot.domain.redaction import MASK, redact, suspicious, visible
from bot.domain.secret_kinds import KEY_BEGINS, KEY_ENDS

LONGEST_LINE: Final = 1 << 20
"""Bytes that are kept of one line; the rest of it is left out, with a sign."""
ELLIPSIS: Final = " …"
_BACK = 4_096
"""A line that is cut ends before its last word, which may be half a secret."""

_RUNTIME_SPLIT = 16 * 1024
"""Bytes after which container runtimes cut a line; kubelets of old put a time between the parts."""
_STAMP_WITHIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) ")

_KEY_BEGINS = re.compile(KEY_BEGINS)
_KEY_ENDS = re.compile(KEY_ENDS)
_KEY_LINES: Final = 200
"""No key has more; a beginning without an end masks no more than this."""
_KEY_LINE = re.compile(r"\s*(?:[A-Za-z0-9+/=]{4,}|[\w-]{4,30}: [\w,.()<>@ -]{0,100})\s*")
_KEY_PIECE = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_LONE_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{60,76}={0,2}")


class LogLine(NamedTuple):
    """`stamp` sorts as text (`log_lines.split_stamp`); `source` is what whoever reads several logs
    calls this one. A tuple: there are too many of them for anything slower."""

    stamp: str
    source: int
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class LogBlock:
    """Lines of one log in its order, by columns: most lines of a stream are counted or left behind,
    and one object for each would be half of the work. All columns are equally long."""

    source: int
    stamps: Sequence[str] = ()
    levels: Sequence[Level] = ()
    texts: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, wanted: Sequence[bool]) -> LogBlock:
        """The lines at whose places `wanted` is true."""
        return LogBlock(
            self.source,
            list(compress(self.stamps, wanted)),
            list(compress(self.levels, wanted)),
            list(compress(self.texts, wanted)),
        )

    def after(self, place: int) -> LogBlock:
        """The lines from this place on."""
        if not place:
            return self
        return LogBlock(self.source, self.stamps[place:], self.levels[place:], self.texts[place:])

    def by_time(self) -> LogBlock:
        """Oldest first; lines with the same time stay in their order."""
        stamps = self.stamps
        if stamps == sorted(stamps):
            return self
        order = sorted(range(len(stamps)), key=stamps.__getitem__)
        return LogBlock(
            self.source,
            [stamps[at] for at in order],
            [self.levels[at] for at in order],
            [self.texts[at] for at in order],
        )

    def lines(self) -> list[LogLine]:
        # Without a call of Python's own for each line.
        whole = zip(self.stamps, repeat(self.source), self.levels, self.texts, strict=False)
        return list(map(tuple.__new__, repeat(LogLine), whole))


class LogReader:
    """One container's log. `emails`: addresses are masked as well."""

    def __init__(self, source: int = 0, *, emails: bool = False) -> None:
        self._source = source
        self._emails = emails
        self._rest = b""
        self._skipping = False
        self._key_lines = 0  # how many more lines may belong to a private key
        self._first = True  # nothing but the inner lines of a key was seen yet
        self._stamp = ""
        self._level = Level.UNKNOWN

    def block(self, chunk: bytes) -> LogBlock:
        """The lines that are whole now."""
        if self._skipping:
            _, found, chunk = chunk.partition(b"\n")
            if not found:
                return LogBlock(self._source)
            self._skipping = False
            chunk = b"\n" + chunk
        data = self._rest + chunk
        cut = data.rfind(b"\n")
        self._rest = data[cut + 1 :]
        if len(self._rest) > LONGEST_LINE:
            self._rest = _shortened(self._rest)
            self._skipping = True
        return self._read(data[:cut]) if cut >= 0 else LogBlock(self._source)

    def last_block(self) -> LogBlock:
        """What is left when the log ends without a line end."""
        rest, self._rest, self._skipping = self._rest, b"", False
        return self._read(rest) if rest else LogBlock(self._source)

    def _read(self, block: bytes) -> LogBlock:
        lines, harmless = _readable(block)
        stamps, texts = _uniform(lines) or self._stamped(lines)
        if not texts:
            return LogBlock(self._source)
        if not harmless or self._key_lines > 0 or self._first or self._emails:
            texts = [self._redacted(text) for text in texts]
        levels = levels_of(texts, self._level)
        self._stamp, self._level = stamps[-1], levels[-1]
        return LogBlock(self._source, stamps, levels, texts)

    def _stamped(self, lines: list[str]) -> tuple[list[str], list[str]]:
        """Times and texts, where not all lines have a time of nine digits: what has none has that
        of the line before."""
        stamps: list[str] = []
        texts: list[str] = []
        last = self._stamp
        for line in lines:
            stamp, text = split_stamp(line)
            last = stamp or last
            if last or text:
                stamps.append(last)
                texts.append(text)
        return stamps, texts

    def _redacted(self, text: str) -> str:
        if self._key_lines:
            self._key_lines -= 1
            if _KEY_ENDS.search(text):
                self._key_lines = 0
                return MASK
            if _KEY_LINE.fullmatch(text):
                return MASK
            text = _KEY_PIECE.sub(MASK, text)
        elif self._first:
            # A tail may begin in the middle of a key.
            if _LONE_KEY_LINE.fullmatch(text):
                self._key_lines = _KEY_LINES
                return MASK
            self._first = False
        begins = None
        for begins in _KEY_BEGINS.finditer(text):  # noqa: B007 - the last one counts
            pass
        if begins is not None and not _KEY_ENDS.search(text, begins.end()):
            self._key_lines = _KEY_LINES
        return redact(text, emails=self._emails)


def _readable(block: bytes) -> tuple[list[str], bool]:
    """Its lines, whole and cleared, and whether no kind of secret can be in them."""
    harmless = block.isascii() and b"\r" not in block and not suspicious(block)
    if harmless:
        text = block.decode("ascii")
    else:
        text = visible(_decoded(block)).replace("\r", "")
        block = text.encode("utf-8", "surrogatepass")
    lines = text.split("\n")
    if _has_a_long_line(block):
        harmless = False  # what was cut apart is searched once it is whole
        lines = [_put_together(line) for line in lines]
        block = "\n".join(lines).encode("utf-8", "surrogatepass")
    return lines, harmless or not suspicious(block)


def _uniform(lines: list[str]) -> tuple[list[str], list[str]] | None:
    """Times and texts, where all lines have a time of nine digits: None where one has not."""
    heads = "".join([line[:31] for line in lines])
    number = len(lines)
    if (
        len(heads) != 31 * number
        or heads[19::31].count(".") != number
        or heads[29::31].count("Z") != number
        or heads[30::31].count(" ") != number
    ):
        return None
    return [line[:30] for line in lines], [line[31:] for line in lines]


def _decoded(block: bytes) -> str:
    """UTF-8; a line that is not is read as Latin-1, in which every byte means something."""
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_line_decoded(line) for line in block.split(b"\n"))


def _line_decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _shortened(line: bytes) -> bytes:
    kept = line[:LONGEST_LINE]
    blank = kept.rfind(b" ", len(kept) - _BACK)
    return kept[: blank if blank > 0 else len(kept) - _BACK] + ELLIPSIS.encode()


def _has_a_long_line(block: bytes) -> bool:
    place = 0
    while len(block) - place > _RUNTIME_SPLIT:
        end = block.rfind(b"\n", place, place + _RUNTIME_SPLIT)
        if end < 0:
            return True
        place = end + 1
    return False


def _put_together(line: str) -> str:
    """A line without the times that stand between its parts of 16 KiB."""
    if len(line) <= _RUNTIME_SPLIT:
        return line
    head = line.find(" ") + 1 if split_stamp(line)[0] else 0
    parts = [line[:head]]
    place = head
    while len(line) - place > _RUNTIME_SPLIT:
        end = place + _RUNTIME_SPLIT
        parts.append(line[place:end])
        stamp = _STAMP_WITHIN.match(line, end)
        place = stamp.end() if stamp else end
    return "".join((*parts, line[place:]))
