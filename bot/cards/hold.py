"""What cards say of a hold on a place: how old, why, until when, and who; in text and in tables.

For gates (`refusal.py`), for locks (`lock.py`) and for cells of the status (`status.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.cards import signs
from bot.cards.card import Block
from bot.cards.mrkdwn import Mrkdwn, cut, escape, moment, plain, say, user
from bot.domain.lock import Lock
from bot.domain.verdict import Value
from bot.text import Texts
from bot.text.sentences import age

_REASON = 200
_CELL_REASON = 40


def hold_values(values: Mapping[str, Value], texts: Texts) -> dict[str, object]:
    """Of a gate's values those that a sentence needs in words: `age`, `because`, `expiry`,
    `opening`. Times in values are ISO texts."""
    shown: dict[str, object] = {}
    seconds = values.get("age_seconds")
    if isinstance(seconds, int):
        shown["age"] = age(seconds, texts)
    if "reason" in values:
        shown["because"] = because(str(values["reason"]), texts)
    if "until" in values:
        shown["expiry"] = _at("lock.until", "lock.open_ended", values["until"], texts)
    if "opens_at" in values:
        shown["opening"] = _at("window.opens", "window.far_away", values["opens_at"], texts)
    return shown


def lock_values(lock: Lock, now: datetime, texts: Texts) -> dict[str, object]:
    """Everything that a sentence about a lock may say."""
    values: dict[str, Value] = {
        "age_seconds": int((now - lock.since).total_seconds()),
        "reason": lock.reason,
        "until": lock.until.isoformat() if lock.until else "",
    }
    owner = Mrkdwn("Dynamo") if lock.locked_by_system else user(lock.owner)
    return {**hold_values(values, texts), "owner": owner}


def because(reason: str, texts: Texts) -> Mrkdwn:
    """A person's own words after a sentence: `: “load test”`, or nothing."""
    if not reason:
        return Mrkdwn("")
    return Mrkdwn(f": {say(texts, 'common.quoted', words=escape(reason, _REASON))}")


def lock_words(lock: Lock, texts: Texts) -> str:
    """For a table that knows no mentions: `🔒 “load test”`."""
    words = plain(lock.reason, _CELL_REASON)
    quoted = texts("common.quoted", words=words) if words else texts("lock.word")
    return f"{signs.LOCKED} {quoted}"


def locked_cell(text: str, lock: Lock, texts: Texts) -> Block:
    """A cell of a table with the owner as a mention: `✅ 1.3.2 · 🔒 @ana “load test”`."""
    owner: Block = {"type": "text", "text": "Dynamo"}
    if not lock.locked_by_system:
        owner = {"type": "user", "user_id": lock.owner}
    words = plain(lock.reason, _CELL_REASON)
    quoted = texts("common.quoted", words=words) if words else ""
    elements: list[Block] = [
        {"type": "text", "text": cut(f"{text} · {signs.LOCKED} ", 150)},
        owner,
        *([{"type": "text", "text": f" {quoted}"}] if quoted else []),
    ]
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "elements": [section]}


def _at(key: str, otherwise: str, when: Value, texts: Texts) -> Mrkdwn:
    if not when:
        return say(texts, otherwise)
    return say(texts, key, at=moment(datetime.fromisoformat(str(when)), "date"))
