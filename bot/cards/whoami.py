"""Who a person is to Dynamo: their roles with the reason for each, and what they may do where."""

from __future__ import annotations

from bot.cards import signs
from bot.cards.blocks import Part, context, fit, header, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, escape, join, people, say, user
from bot.domain.permission import RoleHeld, Standing, StandingThere
from bot.text import Texts
from bot.text.sentences import listing
from config.catalog import Localized

SUMMARY = 150
_DEEDS = ("deploy", "ask", "approve", "override")


def whoami_card(standing: Standing, person: str, texts: Texts, *, chosen: bool | None) -> Card:
    """`chosen`: whether the person chose the language of these texts; None where nobody did."""
    roles = [_role_line(role, texts) for role in standing.roles]
    places = [_place_line(there, texts) for there in standing.places]
    intro = say(texts, "whoami.roles" if roles else "whoami.no_roles", who=user(person))
    parts = [
        Part(header(texts("whoami.title"))),
        Part(section(join([intro, *roles], "\n"), limit=2_500)),
        Part(section(join([say(texts, "whoami.places"), *places], "\n"), limit=2_900)),
        *([Part(section(_speaks(texts, chosen)))] if chosen is not None else []),
        Part(context(say(texts, "whoami.when")), spare=1),
    ]
    names = listing([_in(role.title, texts) for role in standing.roles], texts)
    key = "whoami.text" if standing.roles else "whoami.text_nobody"
    summary = say(texts, key, names=names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def _role_line(role: RoleHeld, texts: Texts) -> Mrkdwn:
    reasons = [say(texts, "whoami.by_id")] if role.by_id else []
    if role.groups:
        reasons.append(say(texts, "whoami.by_group", group=people(" ".join(role.groups))))
    return say(
        texts,
        "whoami.role",
        title=escape(_in(role.title, texts), 100),
        name=code(role.name),
        why=Mrkdwn(listing([str(reason) for reason in reasons], texts)),
    )


def _place_line(there: StandingThere, texts: Texts) -> Mrkdwn:
    """Each deed with a sign and a word; below it who could, where this person cannot deploy."""
    may = {
        "deploy": there.deploy,
        "ask": there.ask,
        "approve": there.approve,
        "override": there.override,
    }
    marked = [
        Mrkdwn(f"{signs.OK if may[deed] else signs.SKIPPED} {texts(f'whoami.may.{deed}')}")
        for deed in _DEEDS
        if may[deed] is not None
    ]
    line = Mrkdwn(f"*{escape(_in(there.title, texts), 60)}*   {join(marked, '   ')}")
    if there.deploy:
        return line
    who = say(texts, "whoami.who" if there.who else "whoami.nobody", who=people(there.who))
    return join([line, who], "\n")


def _speaks(texts: Texts, chosen: bool) -> Mrkdwn:
    key = "whoami.speaks_chosen" if chosen else "whoami.speaks"
    return say(texts, key, language=texts(f"language.{texts.language}"))


def _in(title: Localized, texts: Texts) -> str:
    return title.to(texts.language)
