"""Locks as people see them: a line in the channel, a private answer, and the list of all.

In the channel whoever loses a lock is mentioned: it is how they hear of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, fit, header, section
from bot.cards.card import Card
from bot.cards.hold import lock_values
from bot.cards.mrkdwn import Mrkdwn, cut_mrkdwn, escape, plain, say, say_plain, user
from bot.domain.lock import Kept, Lifted, Lock, LockAnswer
from bot.text import Texts

SUMMARY = 150
LISTED = 20
_NAME = 60


def lock_card(
    answer: LockAnswer, actor: str, environment_title: str, texts: Texts, now: datetime
) -> Card:
    """For the channel: who locked what, until when, why; and from whom it was taken."""
    lost = answer.lost
    values = {
        **lock_values(answer.lock, now, texts),
        "who": user(actor),
        "where": where(answer.lock, environment_title, texts),
        "lost": _owner(lost) if lost is not None else Mrkdwn(""),
    }
    return _line(signs.LOCKED, f"lock.channel.{answer.kept}", answer.kept, values, texts)


def lifted_card(
    lifted: Lifted, held: Lock, actor: str, environment_title: str, texts: Texts, now: datetime
) -> Card:
    """For the channel: who unlocked what, and whose it was."""
    values = {
        **lock_values(held, now, texts),
        "who": user(actor),
        "where": where(held, environment_title, texts),
        "lost": _owner(held),
    }
    return _line(signs.UNLOCKED, f"lock.channel.{lifted}", lifted, values, texts)


def answer_card(
    outcome: Kept | Lifted,
    lock: Lock,
    lost: Lock | None,
    environment_title: str,
    texts: Texts,
    now: datetime,
    *,
    told: bool,
) -> Card:
    """Private: what it came to, for who typed it elsewhere or pressed a private button."""
    values = {
        **lock_values(lock, now, texts),
        "where": where(lock, environment_title, texts),
        "lost": _owner(lost) if lost is not None else Mrkdwn(""),
    }
    if not told:
        line = f"{_text(f'lock.text.{outcome}', values, texts)} {texts('lock.answer.untold')}"
    else:
        line = str(say(texts, f"lock.answer.{outcome}", **values))
    sign = signs.LOCKED if isinstance(outcome, Kept) else signs.UNLOCKED
    return fit(
        _text(f"lock.text.{outcome}", values, texts),
        [Part(section(Mrkdwn(f"{sign} {line}"), limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )


def held_card(held: Lock, environment_title: str, wanted: str, texts: Texts, now: datetime) -> Card:
    """Private: somebody else holds it. `wanted` is "take" or "lift": what a button offers, after
    a question."""
    values = {
        **lock_values(held, now, texts),
        "where": where(held, environment_title, texts),
    }
    parts = [
        Part(section(Mrkdwn(f"{signs.HAND} {say(texts, 'lock.held.line', **values)}"))),
        Part(section(say(texts, f"lock.held.{wanted}", **values))),
    ]
    spot = _spot(held, environment_title, texts)
    button = buttons.over_lock(
        held.service, held.environment, held.owner, held.since.isoformat(), wanted, spot, texts
    )
    if button is not None:
        parts.append(Part(actions(button)))
    summary = _text("lock.held.text", values, texts)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def locks_card(held: Sequence[tuple[Lock, str]], reader: str, texts: Texts, now: datetime) -> Card:
    """Private: all locks with the titles of their environments; one's own with a button."""
    title = say_plain(texts, "lock.list.title", 150, sign=signs.LOCKED)
    parts = [Part(header(title))]
    parts += lock_parts(held, reader, texts, now)
    if not held:
        parts.append(Part(section(say(texts, "lock.list.nothing"))))
    if len(held) > LISTED:
        parts.append(Part(section(say(texts, "lock.list.more", count=len(held) - LISTED))))
    summary = say(texts, "lock.list.text", count=len(held))
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def lock_parts(
    held: Sequence[tuple[Lock, str]], reader: str, texts: Texts, now: datetime
) -> list[Part]:
    """A line for each lock; one's own, and Dynamo's, with the button that lifts it."""
    parts = []
    for place, (lock, environment_title) in enumerate(held[:LISTED], start=1):
        values = {
            **lock_values(lock, now, texts),
            "where": where(lock, environment_title, texts),
        }
        line = say(texts, "lock.list.line", **values)
        spot = _spot(lock, environment_title, texts)
        label = say_plain(texts, "button.lock.again", 75, where=spot)
        own = lock.owner == reader or lock.locked_by_system
        button = buttons.run(f"unlock {lock.scope}", label, place=place) if own else None
        parts.append(Part(section(line, limit=1_000, accessory=button)))
    return parts


def where(lock: Lock, environment_title: str, texts: Texts) -> Mrkdwn:
    """ "QA", or "tasks-service in QA"."""
    return escape(_spot(lock, environment_title, texts))


def _spot(lock: Lock, environment_title: str, texts: Texts) -> str:
    """As `where`, for a `plain_text`."""
    names = {"service": plain(lock.service, _NAME), "environment": plain(environment_title, _NAME)}
    return texts(f"lock.where_{'service' if lock.service else 'environment'}", **names)


def _line(
    sign: str, key: str, outcome: Kept | Lifted, values: dict[str, object], texts: Texts
) -> Card:
    line = Mrkdwn(f"{sign} {say(texts, key, **values)}")
    return fit(
        _text(f"lock.text.{outcome}", values, texts),
        [Part(section(line, limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )


def _text(key: str, values: dict[str, object], texts: Texts) -> Mrkdwn:
    return cut_mrkdwn(say(texts, key, **values), SUMMARY)


def _owner(lock: Lock) -> Mrkdwn:
    return Mrkdwn("Dynamo") if lock.locked_by_system else user(lock.owner)
