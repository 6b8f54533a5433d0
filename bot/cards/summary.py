"""What the channel reads after a rollout: one quiet line where all is well, else a table, a chart,
the reasons and what follows. `summary_details.py` is the reply in its thread, with every reading.

Reading order: is it as good as before, what moved, why, what follows, what to press. Pure. The
pieces have files of their own: `summary_quiet.py`, `summary_findings.py`, `summary_follow.py`.
"""

from __future__ import annotations

from datetime import timedelta

from bot.cards.blocks import Part, actions, context, fit, section
from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.chart import chart_block
from bot.cards.mrkdwn import Mrkdwn, code, join, link, moment, say, user
from bot.cards.policy import verified_lines
from bot.cards.summary_findings import finding_parts
from bot.cards.summary_follow import follow_line, summary_buttons
from bot.cards.summary_quiet import quiet_pieces
from bot.cards.summary_words import SUMMARY, Shown, form_of, names_of, notice_of
from bot.domain.analysis import Analysis, Result, Stage
from bot.domain.integration import WIRING
from bot.domain.policy import ABOUT_DATA
from bot.text import Texts


def summary_card(analysis: Analysis, shown: Shown, texts: Texts) -> Card:
    """The message as it is now, in any stage that has something to say."""
    names = names_of(analysis, shown, texts)
    head = say(texts, f"summary.head.{form_of(analysis)}", **names)
    text = notice_of(analysis, names, texts)
    if is_quiet(analysis):
        line = join([head, *quiet_pieces(analysis, texts), _dashboard_link(shown, texts)])
        whole = join([line, *_broken_policies(analysis, texts)], "\n")
        return fit(text, [Part(section(whole))], shortened=say(texts, "common.shortened"))
    parts = [Part(section(head))]
    if analysis.stage is not Stage.STOPPED:
        parts += finding_parts(analysis, texts)
        broken = _broken_policies(analysis, texts)
        parts += [Part(section(join(broken, "\n")), spare=1)] if broken else []
        parts += _chart(analysis, shown)
    follow = follow_line(analysis, shown, names, texts)
    if follow:
        parts.append(Part(section(follow, limit=1_200)))
    row = summary_buttons(analysis, shown, names, texts)
    if row:
        parts.append(Part(actions(*row)))
    facts = _facts(analysis, shown, texts)
    if facts:
        parts.append(Part(context(*facts), spare=1))
    return fit(text, parts, shortened=say(texts, "common.shortened"), limit=SUMMARY)


def is_quiet(analysis: Analysis) -> bool:
    """One line says it all. Where something of it could not be judged the line says that too."""
    return analysis.result is Result.PASS and analysis.stage is not Stage.STOPPED


def wants_chart(analysis: Analysis) -> bool:
    return analysis.stage is not Stage.STOPPED and analysis.result in (Result.FAIL, Result.WARN)


def _broken_policies(analysis: Analysis, texts: Texts) -> list[Mrkdwn]:
    """A line for each policy that is not kept or not known to be. They are no part of the verdict:
    the release may be as good as ever. What the look at the wiring says is not said again."""
    wiring = {each.result for each in analysis.readings if each.name == WIRING}
    told = ABOUT_DATA if wiring & {Result.FAIL, Result.WARN} else frozenset()
    lines = verified_lines([e for e in analysis.policies if e.policy not in told], texts)
    if not lines:
        return []
    typed_line = code(typed(f"check {analysis.service} {analysis.environment}"))
    return [*lines, say(texts, "summary.policies_more", line=typed_line)]


def _chart(analysis: Analysis, shown: Shown) -> list[Part]:
    chart = shown.chart
    if chart is None:
        return []
    if shown.drawn:
        return [Part(chart_block(chart), spare=3)]
    if not analysis.chart or analysis.charted != chart.fingerprint:
        return []
    picture = {
        "type": "image",
        "slack_file": {"id": analysis.chart},
        "alt_text": chart.alt,
        "title": {"type": "plain_text", "text": chart.title},
    }
    return [Part(picture, spare=3)]


def _dashboard_link(shown: Shown, texts: Texts) -> Mrkdwn:
    label = texts("summary.button.dashboard")
    return link(shown.dashboard, label) if shown.dashboard else Mrkdwn("")


def _facts(analysis: Analysis, shown: Shown, texts: Texts) -> list[Mrkdwn]:
    windows = analysis.windows
    if windows is None or analysis.stage is Stage.STOPPED:
        return []
    before = windows.before
    facts = [
        say(
            texts,
            "summary.facts.windows",
            before_end=moment(before.end),
            before_minutes=round((before.end - before.start) / timedelta(minutes=1)),
            after_start=moment(windows.after.start),
            after_end=moment(windows.after.end),
        )
    ]
    if analysis.stage is Stage.PROVISIONAL and shown.final_at is not None:
        facts.append(say(texts, "summary.facts.provisional", final=moment(shown.final_at)))
    else:
        facts.append(say(texts, "summary.facts.final"))
    if analysis.muted_by:
        facts.append(say(texts, "summary.facts.muted", who=user(analysis.muted_by)))
    elif analysis.stage is Stage.FINAL or analysis.result in (Result.FAIL, Result.WARN):
        facts.append(say(texts, "summary.facts.thread"))
    return [join(facts)]
