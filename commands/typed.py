"""From what Slack sends to words: undoes Slack's escapes and what keyboards do to text.

Slack turns names and addresses into `<@U123|name>`, `<#C1|name>` and `<http://a.b|a.b>`, and
escapes `&`, `<` and `>`. Phones and word processors put in “curly quotes”, long dashes for `--`,
and spaces that are no spaces. After this module a line is a list of plain words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from commands.command import Kind

LONGEST_LINE = 20_000
"""Characters; far more than Slack's composer takes, so only something broken sends it."""

_SLACK_THING = re.compile(
    r"<(?:"
    r"(?P<sign>[@#])(?P<id>[A-Z0-9]+)(?:\|(?P<name>[^<>]*))?"
    r"|!(?P<special>[^<>|]*)(?:\|(?P<said>[^<>]*))?"
    r"|(?P<url>(?:https?|ftp|mailto|tel):[^<>|]*)(?:\|(?P<label>[^<>]*))?"
    r")>"
)
_NAME = re.compile(r"<([@#])([A-Z0-9]+)\|([^<>]*)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_DASHES = "-‐‑‒–—―−﹘﹣－"
_OPTION_DASHES = re.compile(rf"[{_DASHES}]{{1,3}}(?=[^\W\d_])")
_ANY_DASH = re.compile(f"[{_DASHES}]")

_CLOSING = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”“",
    "”": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "‘": "’‘",
    "‚": "‘’",
    "‹": "›",
}
"""Which quotes end what each of them opens."""
_ALIKE = ('"“”„«»', "'‘’‚‹›`")
"""Keyboards mix the quotes of one kind, as in "text”."""
_ESCAPE = re.compile(r"\\([\\\"“”„«»'‘’‚‹›`])")


@dataclass(frozen=True, slots=True)
class Word:
    """`quoted` words are never options or fillers; `value` is what follows the = of an option.

    `kind` is set where the way of writing says what the word is, as after @ in tasks@1.4.0.
    """

    text: str
    quoted: bool = False
    value: str | None = None
    kind: Kind | None = None

    @property
    def is_option(self) -> bool:
        return not self.quoted and self.text.startswith("--") and len(self.text) > 2


class UnbalancedQuoteError(ValueError):
    """A quote opens and never closes; `rest` is the line from there."""

    def __init__(self, quote: str, rest: str) -> None:
        super().__init__(quote)
        self.quote = quote
        self.rest = rest


def clean(text: str) -> str:
    """The text as its author saw it, without what nobody can see."""
    if "<" in text:
        text = _SLACK_THING.sub(_as_seen, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, text))
    return _names_read(text) if "<" in text else text


def _names_read(text: str) -> str:
    """Names in Slack's notation that were pasted as text, so that Slack escaped them once more.
    What is nested deeper than anybody nests loses its brackets, so nothing is left to read."""
    for _ in range(3):
        if not _NAME.search(text):
            return text
        text = _NAME.sub(lambda match: f"{match[1]}{match[3] or match[2]}", text)
    return re.sub(r"<+(?=[@#])", "", text)


def escape(text: str) -> str:
    """As Slack escapes, so that `clean` gives the text back."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quote(text: str) -> str:
    """Between quotes that `split` takes off again."""
    return '"' + re.sub(r'([\\"])', r"\\\1", text) + '"'


def split(text: str) -> tuple[Word, ...]:
    """The words of a cleaned line. Raises UnbalancedQuoteError."""
    words: list[Word] = []
    place = 0
    while (place := _skip_spaces(text, place)) < len(text):
        if text[place] in _CLOSING:
            inside, place = _quoted(text, place)
            words.append(Word(inside, quoted=True))
        else:
            word, place = _plain(text, place)
            words.append(word)
    return tuple(words)


def _as_seen(match: re.Match[str]) -> str:
    if match["sign"]:
        return f"{match['sign']}{match['name'] or match['id']}"
    if match["special"] is not None:
        return match["said"] or f"@{match['special'].partition('^')[0]}"
    return match["label"] or match["url"].removeprefix("mailto:").removeprefix("tel:")


@lru_cache(maxsize=4096)
def _visible(letter: str) -> str:
    if letter.isspace():
        return " "
    category = unicodedata.category(letter)
    if category == "Cs":
        return "\ufffd"  # half a character cannot be stored or sent
    return "" if category in ("Cc", "Cf") else letter


def _skip_spaces(text: str, place: int) -> int:
    while place < len(text) and text[place] == " ":
        place += 1
    return place


def _plain(text: str, place: int) -> tuple[Word, int]:
    end = text.find(" ", place)
    end = len(text) if end < 0 else end
    raw = text[place:end]
    dashes = _OPTION_DASHES.match(raw)
    if dashes is None:
        return Word(_ANY_DASH.sub("-", raw)), end
    name, equals, value = raw[dashes.end() :].partition("=")
    option = "--" + _ANY_DASH.sub("-", name)
    if not equals:
        return Word(option), end
    if value and value[0] in _CLOSING:
        value, end = _quoted(text, end - len(value))
    return Word(option, value=value), end


def _quoted(text: str, place: int) -> tuple[str, int]:
    """What stands between the quote at `place` and its end, and where the line goes on."""
    opening = text[place]
    alike = next(group for group in _ALIKE if opening in group)
    for closing, boundary in (
        (_CLOSING[opening], r"(?= |\Z)"),
        (_CLOSING[opening], ""),
        (alike, r"(?= |\Z)"),
    ):
        ends = re.compile(rf"{_ESCAPE.pattern}|[{closing}]{boundary}")
        for match in ends.finditer(text, place + 1):
            if not match[0].startswith("\\"):
                inside = _ESCAPE.sub(r"\1", text[place + 1 : match.start()])
                return " ".join(inside.split()), match.end()
    raise UnbalancedQuoteError(opening, text[place:])
