"""What follows from an analysis, and what may be pressed about it. Pure.

What follows is decided in `bot/domain/analysis_course.py`; each button is checked at its press.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.cards.blocks import button, confirm, link_button
from bot.cards.buttons import PREFIX, typed
from bot.cards.card import Block
from bot.cards.mrkdwn import Mrkdwn, code, join, moment, people, plain, say, say_plain, user
from bot.cards.summary_words import Shown, called_people
from bot.domain.analysis import Analysis, Follow, Result, Stage
from bot.domain.analysis_course import OPEN
from bot.domain.audit import DYNAMO
from bot.text import Texts


def follow_line(
    analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts
) -> Mrkdwn:
    """What happens now, or whom it waits for; empty where nothing follows."""
    said: dict[str, object] = dict(names)
    follow = analysis.follow
    key = follow.value
    if analysis.stage is Stage.STOPPED and follow in (Follow.ASKED, Follow.COUNTDOWN):
        return Mrkdwn("")  # somebody has acted, in whatever way
    match follow:
        case Follow.NONE:
            return Mrkdwn("")
        case Follow.COUNTDOWN:
            if analysis.acts_at is None:
                return Mrkdwn("")  # it counts once it was shown
            said["at"] = moment(analysis.acts_at, "seconds")
        case Follow.ASKED:
            said["who"] = people(called_people(analysis, shown))
        case Follow.KEPT | Follow.ROLLED_BACK:
            said["who"] = user(analysis.decided_by)
            if analysis.decided_by == DYNAMO:
                key = "ROLLED_BACK_BY_ITSELF"
        case Follow.HELD:
            said["line"] = code(typed(f"unlock {analysis.service} {analysis.environment}"))
    line = say(texts, f"summary.follow.{key}", **said)
    if follow is Follow.ASKED and analysis.why_asked:
        line = join([line, _why_asked(analysis, texts)], "\n")
    return line


def _why_asked(analysis: Analysis, texts: Texts) -> Mrkdwn:
    reason, _, message = analysis.why_asked.partition(":")
    return say(texts, f"summary.why_asked.{reason}", message=plain(message, 300))


def summary_buttons(
    analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts
) -> list[Block]:
    """Keep it or go back while that is open; the graphs, another look and silence besides."""
    row: list[Block] = []
    stopped = analysis.stage is Stage.STOPPED
    moved = analysis.result in (Result.FAIL, Result.WARN) and not stopped
    if moved and analysis.follow in OPEN:
        keep = say_plain(texts, "summary.button.keep", 75, **names)
        row.append(button(keep, f"{PREFIX}:keep", analysis.rollout, style="primary"))
    if moved and analysis.previous and analysis.follow is not Follow.ROLLED_BACK:
        row.append(_roll_back(analysis, names, texts))
    if shown.dashboard:
        label = texts("summary.button.dashboard")
        row.append(link_button(label, f"{PREFIX}:dashboard", shown.dashboard))
    if not stopped and analysis.follow is not Follow.ROLLED_BACK:
        row.append(button(texts("summary.button.recheck"), f"{PREFIX}:recheck", analysis.rollout))
        if not analysis.muted_by:
            row.append(button(texts("summary.button.mute"), f"{PREFIX}:mute", analysis.rollout))
    return row


def _roll_back(analysis: Analysis, names: Mapping[str, object], texts: Texts) -> Block:
    now = analysis.follow is Follow.COUNTDOWN
    key = "roll_back_now" if now else "roll_back"
    return button(
        say_plain(texts, f"summary.button.{key}", 75, **names),
        f"{PREFIX}:undo",
        analysis.rollout,
        style="danger",
        confirm=None
        if now
        else confirm(
            texts("summary.confirm.title"),
            say_plain(texts, "summary.confirm.text", 300, **names),
            texts("summary.confirm.yes"),
            texts("summary.confirm.no"),
            danger=True,
        ),
    )
