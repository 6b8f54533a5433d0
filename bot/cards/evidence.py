"""What shows why a rollout failed: the cause in a sentence, the log's last words, the cluster's
warnings, and a hint. Short on the card, long in its thread (`details.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.cards import signs
from bot.cards.blocks import PREFORMATTED_LINES, Part, context, preformatted, section
from bot.cards.mrkdwn import Mrkdwn, code, escape, join, plain, say
from bot.domain.rollout import Diagnosis, Rollout, RolloutState
from bot.text import Texts
from bot.text.sentences import (
    cluster_words,
    hint,
    leading_finding,
    trouble_fix,
    trouble_sentence,
    verdict_sentence,
)

LOG_LINES, EVENTS = 6, 3
"""On the card; the thread has more."""
EVENT_LENGTH = 240

_SPARE_EVENTS, _SPARE_LOG = 4, 3
_WORDS = 2_800

_TELLS = re.compile(
    r"\b(?:\w*error|\w*exception|fatal|panic|traceback|failed|failure)\b", re.IGNORECASE
)
_STACK = re.compile(r"^\s*(?:at\s|File\s|\.\.\.\s|\^)")


def cause_of(rollout: Rollout, texts: Texts, *, quoting: bool = True) -> str:
    """Why it stands where it stands, as one plain sentence; "" where there is nothing to say.
    `quoting`: with the cluster's own words in it."""
    ended_by_an_edge = rollout.state is RolloutState.FAILED and rollout.obstacle is not None
    if ended_by_an_edge and rollout.obstacle is not None:
        obstacle = rollout.obstacle
        return trouble_sentence(obstacle.port, obstacle.trouble, obstacle.values, texts)
    if rollout.verdict is None:
        return ""
    return verdict_sentence(rollout.verdict, texts, quoting=quoting)


def hint_of(rollout: Rollout, texts: Texts) -> Mrkdwn:
    """What to do about it."""
    if rollout.state is not RolloutState.FAILED:
        return Mrkdwn("")
    if rollout.obstacle is not None:
        return say(texts, trouble_fix(rollout.obstacle.port, rollout.obstacle.trouble, texts))
    if rollout.verdict is None:
        return Mrkdwn("")
    leading = leading_finding(rollout.verdict)
    values = {**(leading.values if leading else {}), **rollout.verdict.values}
    if leading is not None:
        values = {"container": leading.container, **values}
    return escape(hint(rollout.verdict.reason, values, texts))


def evidence_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """The evidence as the card shows it: what the server said, the log, the warnings."""
    if rollout.state is not RolloutState.FAILED:
        return []
    parts = shortage_parts(rollout, texts)
    parts += server_parts(words_of(rollout, texts))
    if rollout.diagnosis is not None:
        parts += log_parts(rollout.diagnosis, LOG_LINES, texts)
        parts += event_parts(rollout.diagnosis.events[:EVENTS], texts)
    return parts


def shortage_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """Pods that find no place: which resource is short, and by how much."""
    lines = [
        say(
            texts,
            f"scale.short.{each.kind}",
            resource=code(each.resource),
            asks=each.asks,
            free=each.free,
            short=each.short,
            name=plain(each.name, 80),
            limit=each.limit,
        )
        for each in rollout.short or ()
    ]
    return [Part(section(join(lines, "\n"), limit=1_500))] if lines else []


def words_of(rollout: Rollout, texts: Texts) -> str:
    """What the other side said to it, in its own words."""
    if rollout.obstacle is not None:
        return rollout.obstacle.values.get("message", "")
    return cluster_words(rollout.verdict, texts) if rollout.verdict is not None else ""


def server_parts(message: str) -> list[Part]:
    """The other side's own words, in full and in fixed width; what is too long for a message is
    whole in the card's `full`."""
    if not message.strip():
        return []
    lines = message.replace("\r", "\n").split("\n")
    too_long = len(message) > _WORDS or len(lines) > PREFORMATTED_LINES
    shown = preformatted(lines[:PREFORMATTED_LINES], width=_WORDS)
    return [Part(shown, spare=_SPARE_LOG, full=message if too_long else "")]


def log_parts(diagnosis: Diagnosis, most: int, texts: Texts) -> list[Part]:
    names = {"container": plain(diagnosis.container, 80), "pod": plain(diagnosis.pod, 80)}
    if diagnosis.log:
        title = say(
            texts, f"rollout.log.{'previous' if diagnosis.previous else 'current'}", **names
        )
        return [
            Part(context(title), spare=_SPARE_LOG),
            Part(preformatted(telling(diagnosis.log, most), last=most), spare=_SPARE_LOG),
        ]
    if diagnosis.unavailable:
        why = plain(diagnosis.unavailable, EVENT_LENGTH)
        return [Part(context(say(texts, "rollout.log.none", why=why)), spare=_SPARE_LOG)]
    if diagnosis.container:
        return [Part(context(say(texts, "rollout.log.empty", **names)), spare=_SPARE_LOG)]
    return []


def telling(lines: Sequence[str], most: int) -> Sequence[str]:
    """The `most` lines that say why it ended: from the last line that names an error and is no part
    of a stack trace; else the last ones. A trace is longer than a card, its first line is not."""
    if len(lines) <= most:
        return lines
    heads = [
        index
        for index, line in enumerate(lines)
        if _TELLS.search(line[:400]) and not _STACK.match(line)
    ]
    start = heads[-1] if heads else len(lines)
    start = max(0, min(start, len(lines) - most))
    return lines[start : start + most]


def event_parts(events: Sequence[str], texts: Texts) -> list[Part]:
    if not events:
        return []
    lines = [
        say(texts, "rollout.events.line", sign=signs.WARNING, event=escape(event, EVENT_LENGTH))
        for event in events
    ]
    title = Mrkdwn(f"*{say(texts, 'rollout.events.title')}*")
    return [Part(section(join([title, *lines], "\n"), limit=2_800), spare=_SPARE_EVENTS)]
