"""What the message of an analysis and the reply in its thread share: whom and what they name, in
which words they begin, whom they call.

`summary.py` is the message, `summary_details.py` the reply. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cards import signs
from bot.cards.chart import Chart
from bot.cards.mrkdwn import Mrkdwn, cut_mrkdwn, plain, say
from bot.cards.reading_words import SIGNS, label_of
from bot.domain.analysis import ORDER, Analysis, Follow, Reading, Result, Stage
from bot.domain.kind import Kind
from bot.domain.rollout import RolloutState
from bot.text import Texts

SUMMARY = 150
NAME = 40
_HEAD_SIGNS = {
    Result.PASS: signs.BETTER,
    Result.WARN: signs.CHARTED,
    Result.FAIL: signs.WORSE,
    Result.INCONCLUSIVE: signs.CHARTED,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the card says beside the analysis itself: the environment in the channel's words, where
    its graphs are, who is called, when the last look comes, and the chart. `drawn` says whether
    Slack draws that itself; else the picture `analysis.chart` is shown."""

    environment_title: str
    dashboard: str = ""
    called: str = ""  # ids of users and groups, parted by blanks
    final_at: datetime | None = None
    chart: Chart | None = None
    drawn: bool = True
    pair: tuple[str, str] | None = None  # the environments whose parity is promised


def names_of(analysis: Analysis, shown: Shown, texts: Texts) -> dict[str, object]:
    """What the sentences under `summary` may name; escaped and cut."""
    worst = [each for each in analysis.readings if each.result is analysis.result]
    labels = list(dict.fromkeys(label_of(each, texts) for each in worst))
    result = analysis.result
    stopped = analysis.stage is Stage.STOPPED
    successor = analysis.successor
    went_back = successor is not None and successor.kind is Kind.ROLLBACK
    back = stopped and (analysis.follow is Follow.ROLLED_BACK or went_back)
    sign = (signs.STATE[RolloutState.ROLLED_BACK] if back else signs.OVERTAKEN) if stopped else ""
    return {
        "sign": sign or _HEAD_SIGNS[result],
        "mark": SIGNS[result],
        "service": plain(analysis.service, NAME),
        "version": plain(analysis.version, NAME),
        "previous": plain(analysis.previous, NAME),
        "target": plain(analysis.target or analysis.previous, NAME),
        "environment": plain(shown.environment_title, NAME),
        "successor": plain(successor.version if successor else "", NAME),
        "what": plain(", ".join(labels[:3]) + (" …" if len(labels) > 3 else ""), 120),
        "result": texts(f"summary.result.{result.value}"),
    }


def form_of(analysis: Analysis) -> str:
    """Which of the sentences under `summary.head` and `summary.text` it is."""
    if analysis.stage is Stage.STOPPED:
        return _form_of_end(analysis)
    result = analysis.result.name
    if analysis.result is Result.INCONCLUSIVE:
        return result
    if analysis.result is Result.PASS and analysis.is_rollback:
        return "PASS_back"
    if not analysis.previous:
        return f"{result}_first"
    if analysis.result is Result.PASS and analysis.stage is Stage.PROVISIONAL:
        return "PASS_so_far"
    return result


def _form_of_end(analysis: Analysis) -> str:
    if analysis.follow is Follow.ROLLED_BACK:
        return "STOPPED_BACK"
    successor = analysis.successor
    if successor is None:
        return "STOPPED"
    return f"STOPPED_{'seen' if analysis.windows else 'unseen'}_{successor.kind.name}"


def called_people(analysis: Analysis, shown: Shown) -> str:
    """Ids, parted by blanks: who asked for the rollout first, each once."""
    return " ".join(dict.fromkeys([analysis.asked_by, *shown.called.split()]))


def worst_first(readings: Sequence[Reading]) -> list[Reading]:
    """The worst first, and what is alike in the order in which it was looked at."""
    return sorted(readings, key=lambda each: ORDER.index(each.result))


def notice_of(analysis: Analysis, names: Mapping[str, object], texts: Texts) -> Mrkdwn:
    """The text of the notification, within `SUMMARY`."""
    return cut_mrkdwn(say(texts, f"summary.text.{form_of(analysis)}", **names), SUMMARY)
