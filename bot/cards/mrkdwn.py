"""Foreign text made harmless for Slack: names, reasons, log lines, a server's own words.

Three things can go wrong with text from outside: it can say something to Slack (a mention, a
link, a channel call), it can say something to the eye (control and direction characters, code
fences), and it can be too long. `escape` and `clean` answer the first two, `cut` the third. What
is already safe is an `Mrkdwn`; everything else is escaped when it is put into a sentence.

Source of the rules: research/slack-contract.md §6.10 and Slack's own three characters to escape.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.domain.audit import DYNAMO
from bot.text import Texts
from bot.text.sentences import slack_date

ELLIPSIS = "…"
LONGEST = 12_000
"""More of one text than any message can hold is dropped before it is looked at."""

_SLACK = 8
"""Text is cut to this many times its limit before it is cleaned: what is cleaned away may be
longer than what stays, but not without end."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_ATOM = re.compile(r"&(?:amp|lt|gt);|<[^<>\n]*>|.", re.DOTALL)
_JOINERS = "\u200c\u200d"
"""Cf characters that words and emoji are made of."""

# Without a word boundary: a cut may end the word where the text did not.
_CALL = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)
_BREAK = "\u2060"
"""Word joiner: invisible, but `@ here` calls nobody, even where Slack parses plain text."""

_MARKS = re.compile(r"(?<!\S)[*_~](?!\S)|((?<![^\W_])[*_~]+|[*_~]+(?![^\W_]))")
"""Style marks in group 1: all but one alone between blanks, and those within a word."""

_HARMLESS = re.compile(r"[A-Za-z0-9.,:;()/+-]+(?:\x20[A-Za-z0-9.,:;()/+-]+)*")
"""What comes out as it went in: most names, versions and times. Cards are full of them."""

_PEOPLE = 12

_TICK = "ˋ"
"""Looks like a backtick and opens no code."""


class Mrkdwn(str):
    """Text that may stand in a mrkdwn field as it is: ours, or escaped already."""

    __slots__ = ()


def clean(text: str, *, lines: bool = False, most: int = LONGEST) -> str:
    """Without what an eye cannot see and a terminal would obey; `lines` keeps line breaks and
    tabs, else all white space is one blank. Lone surrogates become U+FFFD. Nothing beyond the
    first `most` characters is looked at."""
    text = text[:most]
    if text.isprintable():
        return text if lines else " ".join(text.split())
    text = _TERMINAL.sub("", text)
    text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = "".join(_visible(character) for character in text)
    return text if lines else " ".join(text.split())


def _visible(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character in "\n\t":
        return character
    if character in "\r\x0b\x0c\x85":
        return "\n"
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Cf") and character not in _JOINERS:
        return ""
    return character


def escape(text: str, limit: int = 2_000) -> Mrkdwn:
    """Foreign text as one line of mrkdwn of at most `limit` characters: no mention, no link, no
    code, no bold, italic or strike. An `Mrkdwn` is returned as it is."""
    if isinstance(text, Mrkdwn):
        return text
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return Mrkdwn(text)
    return _escape(text, limit, _plain_marks)


def _plain_marks(text: str) -> str:
    """`*`, `_` and `~` where they could begin or end a style, kept apart from their neighbours. On
    both sides: Slack looks at what stands before an opening mark and after a closing one, and
    takes no mark for one that an invisible character parts from the word. Within a word
    (CONFIG_KEY) a mark styles nothing and stays as it can be copied."""
    return _MARKS.sub(lambda run: _BREAK + _BREAK.join(run[1]) + _BREAK if run[1] else run[0], text)


def _escape(text: str, limit: int, marks: Callable[[str], str]) -> Mrkdwn:
    cleaned = clean(text, most=_SLACK * limit + _SLACK)
    cleaned = marks(_CALL.sub("@" + _BREAK, cleaned).replace("`", _TICK))
    shown = "".join(_ENTITIES.get(character, character) for character in cleaned)
    return Mrkdwn(_fill(shown, _ATOM.findall(shown[: 5 * limit]), limit))


def plain(text: str, limit: int) -> str:
    """Foreign text for a `plain_text` object: one line, cut, nothing to escape."""
    return cut(clean(text, most=_SLACK * limit + _SLACK), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters as the strictest counter counts them (UTF-16 units), the last
    one "…" where something was cut; a combining mark never loses its letter."""
    return _fill(text, text, limit)


def cut_mrkdwn(text: Mrkdwn, limit: int) -> Mrkdwn:
    """As `cut`, and neither an entity (`&amp;`) nor an angle-bracketed form is cut in two."""
    return Mrkdwn(_fill(text, _ATOM.findall(text), limit))


def size(text: str) -> int:
    """Length in UTF-16 units: what a JavaScript counter says, never less than Python's."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fill(text: str, atoms: Iterable[str], limit: int) -> str:
    """`text` where it fits, else as many of its atoms as fit, with "…" for the rest."""
    if size(text) <= limit:
        return text
    used, kept = 1, []  # one is kept for the ellipsis
    for atom in atoms:
        kept.append(atom)
        used += size(atom)
        if used > limit:
            break
    while len(kept) > 1 and _belongs_to_the_one_before(kept[-1]):
        kept.pop()
    return "".join(kept[:-1]).rstrip(" \n\t" + _JOINERS) + ELLIPSIS


def _belongs_to_the_one_before(atom: str) -> bool:
    """An accent, a variation selector, a joiner."""
    return atom in _JOINERS or unicodedata.category(atom[0]).startswith("M")


def say(texts: Texts, key: str, /, **values: object) -> Mrkdwn:
    """A sentence for a mrkdwn field: every value that is not `Mrkdwn` is escaped."""
    return Mrkdwn(texts(key, **escaped(values)))


def say_plain(texts: Texts, key: str, limit: int, /, **values: object) -> str:
    """A sentence for a `plain_text` object, at most `limit` long."""
    cleaned = {k: plain(v, limit) if isinstance(v, str) else v for k, v in values.items()}
    return cut(texts(key, **cleaned), limit)


def escaped(values: Mapping[str, object]) -> dict[str, object]:
    return {name: escape(v) if isinstance(v, str) else v for name, v in values.items()}


def user(user_id: str) -> Mrkdwn:
    """A mention, from an id that Slack gave. Anything else is shown as text and calls nobody."""
    if user_id == DYNAMO:
        return Mrkdwn("Dynamo")
    return (
        Mrkdwn(f"<@{user_id}>") if re.fullmatch(r"[UW][A-Z0-9]{2,20}", user_id) else escape(user_id)
    )


def people(who: str) -> Mrkdwn:
    """Users and user groups, as ids or as mentions, parted by blanks or commas: as mentions.
    Anything else stays text and calls nobody."""
    words = [word for word in re.split(r"[\s,]+", who) if word]
    shown = [_person(word) for word in words[:_PEOPLE]]
    return join([*shown, Mrkdwn("…")] if len(words) > _PEOPLE else shown, ", ")


def _person(word: str) -> Mrkdwn:
    mention = re.fullmatch(r"<(?:@|!subteam\^)([A-Z0-9]+)>", word)
    bare = mention[1] if mention else word
    if re.fullmatch(r"S[A-Z0-9]{2,20}", bare):
        return Mrkdwn(f"<!subteam^{bare}>")
    return user(bare)


def channel(channel_id: str) -> Mrkdwn:
    known = re.fullmatch(r"[CGD][A-Z0-9]{2,20}", channel_id)
    return Mrkdwn(f"<#{channel_id}>") if known else escape(channel_id)


def link(url: str, label: str, limit: int = 300) -> Mrkdwn:
    """A link to an http(s) address; any other address is shown as text and leads nowhere."""
    shown = escape(label, limit)
    if not re.fullmatch(r"https?://[^\s<>|\"`\\]{1,2000}", url) or clean(url) != url:
        return shown
    return Mrkdwn(f"<{url.replace('&', '&amp;')}|{shown.replace('|', '¦')}>")


def code(text: str, limit: int = 300) -> Mrkdwn:
    """One line as inline code, within which Slack knows no styles."""
    shown = text if isinstance(text, Mrkdwn) else _escape(text, limit, str)
    return Mrkdwn(f"`{shown}`") if shown else Mrkdwn("")


def moment(when: datetime, style: str = "time") -> Mrkdwn:
    """A time that each reader sees in their own zone."""
    return Mrkdwn(slack_date(when, style))


def join(pieces: list[Mrkdwn], between: str = " · ") -> Mrkdwn:
    return Mrkdwn(between.join(piece for piece in pieces if piece))
