"""Secrets out of foreign text, before it leaves the process in a card, a thread or a log.

Conservative by design: a mask too many costs a look into the cluster, one too few costs a key.
The text is cleared of colour codes and of what nobody can see first, so that neither in the middle
of a token hides it. What secrets look like stands in `secret_kinds.py`; all of it is linear in the
length of the text (RE2). One search for all kinds at once tells the many lines that hold none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from bot.domain import secret_kinds

MASK: Final = secret_kinds.MASK.decode()

_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]?"  # colours and movements
    r"|\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?"  # titles and links
    r"|[PX^_][^\x1b\n]{0,4096}(?:\x1b\\)?|[ -/]{0,4}[0-~])?"
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_CONTROL: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"

_EMAIL = re.compile(rb"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`gate` finds out whether there is anything at all, or what has to be cleared first; `which`
    names the kinds, of a line that passed it. A set may give up for want of memory, and then says
    nothing: all kinds are tried."""

    gate: Callable[[bytes], Any]
    which: Callable[[bytes], list[int]]
    substitutes: tuple[Callable[[bytes], bytes], ...]


@cache
def _compiled() -> _Compiled:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    kinds = secret_kinds.kinds()
    chosen = re2.Set.SearchSet(options)
    substitutes = []
    for kind in kinds:
        chosen.Add(kind.pattern)
        pattern = re2.compile(kind.pattern, options)
        substitutes.append(_substitute(pattern, kind.masked))
    chosen.Compile()
    options.never_capture = True
    gate = re2.compile("|".join([*(f"(?:{kind.pattern})" for kind in kinds), _CONTROL]), options)
    return _Compiled(gate.search, chosen.Match, tuple(substitutes))


def _substitute(pattern: Any, masked: secret_kinds.Masked) -> Callable[[bytes], bytes]:
    return lambda text: pattern.sub(masked, text)


def prepare() -> None:
    """Compile what the first call would compile: a fifth of a second that no event loop has."""
    _compiled()


def redact(text: str, *, emails: bool = False) -> str:
    """The same text with what looks like a secret masked, and `emails` too where that is asked."""
    seen = visible(text)
    raw = seen.encode("utf-8", "surrogatepass")
    shown = _masked(raw) if suspicious(raw) else raw
    if emails and b"@" in shown:
        shown = _EMAIL.sub(secret_kinds.MASK, shown)
    return seen if shown is raw else shown.decode("utf-8", "surrogatepass")


def suspicious(raw: bytes) -> bool:
    """Whether any kind of secret, or a control character that may hide one, is in these bytes,
    which may be many lines: never a false no, as long as they are ASCII or `visible`."""
    return _compiled().gate(raw) is not None


def visible(text: str) -> str:
    """Without what a terminal obeys and what no eye sees; lines, tabs and joiners stay."""
    if text.isprintable():
        return text
    return _UNSEEN.sub("", _TERMINAL.sub("", text))


def _masked(raw: bytes) -> bytes:
    compiled = _compiled()
    found = compiled.which(raw)
    for index in sorted(found) if found else range(len(compiled.substitutes)):
        raw = compiled.substitutes[index](raw)
    return raw
