"""What can be typed: all commands in one message, or one command with everything about it.

Read from the commands' own declarations, so a further verb is listed without a line here; its
one-sentence summary is `help.verb.NAME` in `bot/text`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, escape, join, say, say_plain
from bot.cards.usage import Named, Verb, in_words, written
from bot.text import Texts

SUMMARY = 150
ALIASES = 8


def help_card(verbs: Sequence[Verb], *, texts: Texts) -> Card:
    """Every command with what it does and how it is written."""
    parts = [
        Part(header(say_plain(texts, "help.title", 150, sign=signs.POINTER))),
        Part(section(say(texts, "help.intro"))),
        *(Part(section(_entry(verb, texts), limit=600), spare=1) for verb in verbs),
        Part(context(say(texts, "help.loose"))),
    ]
    status = buttons.run("status", texts("button.status"))
    row = [buttons.open_form(texts), *([status] if status is not None else [])]
    parts.append(Part(actions(*row)))
    names = Mrkdwn(", ".join(escape(verb.name, 30) for verb in verbs))
    summary = say(texts, "help.text", names=names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def verb_help_card(verb: Verb, *, texts: Texts) -> Card:
    """One command: how it is written, its examples, its other names. Examples that only read are
    for the reader to press; those that change something are for the reader to type."""
    summary = sentence_of(verb.name, texts)
    examples = [code(buttons.typed(in_words(example, texts)), 300) for example in verb.examples]
    lines = [say(texts, "help.examples"), *examples]
    parts = [
        Part(section(Mrkdwn(f"*{code(written(verb, texts), 300)}*\n{summary}"))),
        *([Part(section(join(lines, "\n"), limit=2_000))] if examples else []),
    ]
    if verb.options:
        offered = Mrkdwn(", ".join(_option(option) for option in verb.options))
        parts.append(Part(context(say(texts, "help.options", names=offered)), spare=1))
    if verb.aliases:
        others = Mrkdwn(", ".join(code(alias, 60) for alias in verb.aliases[:ALIASES]))
        parts.append(Part(context(say(texts, "help.aliases", names=others)), spare=1))
    text = say(texts, "help.text_verb", verb=verb.name, summary=summary)
    return fit(cut_mrkdwn(text, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def _entry(verb: Verb, texts: Texts) -> Mrkdwn:
    return join([code(written(verb, texts), 300), sentence_of(verb.name, texts)], "\n")


def _option(option: Named) -> str:
    """`--reason`/`--motivo`/`--razón`: in either language, whichever the reader types."""
    return "/".join(code(f"--{word}", 60) for word in option.words)


def sentence_of(verb: str, texts: Texts) -> Mrkdwn:
    """What a verb does."""
    return Mrkdwn(texts.say(f"help.verb.{verb}", {}, escape(verb)))
