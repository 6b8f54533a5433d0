"""What the channel reads after a rollout: one quiet line where all is well, else a table, a chart,
the reasons and what follows. `details_card` is the reply in its thread, with every reading.

Reading order: is it as good as before, what moved, why, what follows, what to press. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cards import signs
from bot.cards.blocks import (
    Part,
    actions,
    button,
    confirm,
    context,
    fit,
    link_button,
    section,
    table,
)
from bot.cards.buttons import PREFIX, typed
from bot.cards.card import Block, Card
from bot.cards.chart import Chart, chart_block
from bot.cards.figures import change, digits, figure
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    join,
    link,
    moment,
    people,
    plain,
    say,
    say_plain,
    user,
)
from bot.cards.policy import verified_lines, whole_parts
from bot.cards.reading_words import SIGNS, label_of, sentence_of, verdict_of
from bot.domain.analysis import (
    ORDER,
    Analysis,
    DataState,
    Follow,
    Reading,
    Result,
    Stage,
)
from bot.domain.analysis import (
    Part as Of,
)
from bot.domain.analysis_steps import OPEN
from bot.domain.audit import DYNAMO
from bot.domain.integration import WIRING
from bot.domain.kind import Kind
from bot.domain.policy import ABOUT_DATA
from bot.domain.policy.finding import Standing
from bot.domain.rollout import RolloutState
from bot.text import Texts

SUMMARY = 150
NAME = 40
ROWS, REASONS = 9, 6
_QUIET = ("ERROR_RATIO", "LATENCY_P95")
_REQUESTS = ("requests", "requests_after", "n_after", "n")
_ONE_SENTENCE = frozenset({"METRIC_DISAPPEARED"})
"""Codes of which several readings at once have the same cause."""

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


def summary_card(analysis: Analysis, shown: Shown, texts: Texts) -> Card:
    """The message as it is now, in any stage that has something to say."""
    names = _names(analysis, shown, texts)
    form = _form(analysis)
    head = say(texts, f"summary.head.{form}", **names)
    text = cut_mrkdwn(say(texts, f"summary.text.{form}", **names), SUMMARY)
    if is_quiet(analysis):
        line = join([head, *_quiet(analysis, texts), _dashboard_link(shown, texts)])
        whole = join([line, *_broken_policies(analysis, texts)], "\n")
        return fit(text, [Part(section(whole))], shortened=say(texts, "common.shortened"))
    parts = [Part(section(head))]
    if analysis.stage is not Stage.STOPPED:
        # Where no figure has moved the reason stands elsewhere, and comes first.
        both = (_table(analysis, texts), _reasons(analysis, texts))
        for each in both if _figures_moved(analysis) else reversed(both):
            parts += each
        broken = _broken_policies(analysis, texts)
        parts += [Part(section(join(broken, "\n")), spare=1)] if broken else []
        parts += _chart(analysis, shown)
    follow = _follow(analysis, shown, names, texts)
    if follow:
        parts.append(Part(section(follow, limit=1_200)))
    row = _buttons(analysis, shown, names, texts)
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


def _form(analysis: Analysis) -> str:
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


def _names(analysis: Analysis, shown: Shown, texts: Texts) -> dict[str, object]:
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


# --- all is well ---------------------------------------------------------------------------------


def _quiet(analysis: Analysis, texts: Texts) -> list[Mrkdwn]:
    pieces = []
    windows = analysis.windows
    if windows is not None:
        minutes = round((windows.after.end - windows.completed) / timedelta(minutes=1))
        pieces.append(say(texts, "summary.quiet.minutes", minutes=minutes))
    requests = _requests(analysis.readings)
    if requests:
        pieces.append(say(texts, "summary.quiet.requests", requests=digits(requests, texts)))
    pieces += [_measured(each, texts) for each in _named(analysis.readings, _QUIET)]
    logs = [each for each in analysis.readings if each.part is Of.LOGS]
    if logs and all(each.result is Result.PASS for each in logs):
        pieces.append(say(texts, "summary.quiet.logs"))
    for part, key in ((Of.INTEGRATION, "dependencies"), (Of.RESPONSE_TIMES, "routes")):
        known = _subjects(analysis.readings, part)
        if known:
            values = {"well": sum(known.values()), "count": len(known)}
            pieces.append(say(texts, f"summary.quiet.{key}", **values))
    kept = [each for each in analysis.policies if each.standing is not Standing.EXEMPT]
    if kept and all(each.standing is Standing.KEPT for each in kept):
        pieces.append(say(texts, "summary.quiet.policies", count=len(kept)))
    return [*pieces, *_not_judged(analysis, texts)]


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


def _not_judged(analysis: Analysis, texts: Texts) -> list[Mrkdwn]:
    """What a PASS says nothing about: too early for it at the first look, or not to be known."""
    pieces = []
    unjudged = [each for each in analysis.readings if each.result is Result.INCONCLUSIVE]
    early = [
        each
        for each in unjudged
        if analysis.stage is Stage.PROVISIONAL and each.state is DataState.LOW
    ]
    rest = [each for each in unjudged if each not in early]
    for key, readings in (("too_early", early), ("not_judged", rest)):
        if readings:
            what = ", ".join(dict.fromkeys(label_of(each, texts) for each in readings))
            pieces.append(say(texts, f"summary.quiet.{key}", what=plain(what, 200)))
    return pieces


def _measured(reading: Reading, texts: Texts) -> Mrkdwn:
    key = "measured" if reading.before is not None else "measured_only"
    return say(
        texts,
        f"summary.quiet.{key}",
        what=label_of(reading, texts),
        before=figure(reading.before, reading.unit, texts),
        after=figure(reading.after, reading.unit, texts),
    )


def _named(readings: Sequence[Reading], names: Sequence[str]) -> list[Reading]:
    judged = [e for e in readings if e.result is not Result.INCONCLUSIVE and e.after is not None]
    return [each for name in names for each in judged if each.name == name]


def _requests(readings: Sequence[Reading]) -> float:
    for reading in readings:
        if reading.name == "ERROR_RATIO":
            for name in _REQUESTS:
                found = reading.values.get(name)
                if isinstance(found, int | float):
                    return float(found)
    return 0.0


def _subjects(readings: Sequence[Reading], part: Of) -> dict[str, bool]:
    """Of this part, each subject and whether all readings of it are well."""
    well: dict[str, bool] = {}
    for each in readings:
        if each.part is part and each.subject and each.result is not Result.INCONCLUSIVE:
            well[each.subject] = well.get(each.subject, True) and each.result is Result.PASS
    return well


# --- something moved -----------------------------------------------------------------------------


def _sorted(readings: Sequence[Reading]) -> list[Reading]:
    """The worst first, and what is alike in the order in which it was looked at."""
    return sorted(readings, key=lambda each: ORDER.index(each.result))


def _measured_ones(analysis: Analysis) -> list[Reading]:
    return [
        each
        for each in _sorted(analysis.readings)
        if each.part is not Of.INTEGRATION and (each.before, each.after) != (None, None)
    ]


def _figures_moved(analysis: Analysis) -> bool:
    return any(each.result in (Result.FAIL, Result.WARN) for each in _measured_ones(analysis))


def _table(analysis: Analysis, texts: Texts) -> list[Part]:
    if analysis.result not in (Result.FAIL, Result.WARN):
        return []
    measured = _measured_ones(analysis)
    if not measured:
        return []
    columns = ("what", "before", "after", "change", "verdict")
    rows = [[texts(f"summary.table.{column}") for column in columns]]
    rows += [
        [
            label_of(each, texts),
            figure(each.before, each.unit, texts),
            figure(each.after, each.unit, texts),
            change(each.before, each.after, texts),
            verdict_of(each, texts),
        ]
        for each in measured[:ROWS]
    ]
    return [Part(table(rows, wrapped=[0]), spare=2)]


def _reasons(analysis: Analysis, texts: Texts) -> list[Part]:
    """A sentence for everything that is not well, and for what could not be judged."""
    parts = []
    if analysis.burning:
        parts.append(Part(section(say(texts, "summary.why.burning"))))
    if not analysis.readings:
        return [*parts, Part(section(say(texts, "summary.why.none")))]
    moved = _alike([each for each in _sorted(analysis.readings) if each.result is not Result.PASS])
    lines = [
        say(
            texts,
            "summary.why.line",
            sign=SIGNS[first.result],
            what=", ".join(label_of(each, texts) for each in (first, *others)),
            sentence=cut_mrkdwn(
                say(texts, f"reading.several.{first.code}")
                if others
                else sentence_of(first, texts),
                500,
            ),
        )
        for first, *others in moved[:REASONS]
    ]
    if len(moved) > REASONS:
        lines.append(say(texts, "summary.why.more", count=len(moved) - REASONS))
    if lines:
        parts.append(Part(section(join(lines, "\n")), spare=1))
    return parts


def _alike(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Those that one sentence speaks for stand together, where the first of them stood."""
    groups: dict[object, list[Reading]] = {}
    for each in readings:
        key = each.code if each.code in _ONE_SENTENCE else id(each)
        groups.setdefault(key, []).append(each)
    return list(groups.values())


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


# --- what follows --------------------------------------------------------------------------------


def _follow(analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts) -> Mrkdwn:
    said: dict[str, object] = dict(names)
    follow = analysis.follow
    key = follow.value
    if analysis.stage is Stage.STOPPED and follow in (Follow.ASKED, Follow.COUNTDOWN):
        return Mrkdwn("")  # somebody has acted, in whatever way
    match follow:
        case Follow.NONE:
            return Mrkdwn("")
        case Follow.COUNTDOWN if analysis.acts_at is None:
            return Mrkdwn("")
        case Follow.COUNTDOWN if analysis.acts_at is not None:
            said["at"] = moment(analysis.acts_at, "seconds")
        case Follow.ASKED:
            said["who"] = people(_called(analysis, shown))
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


def _called(analysis: Analysis, shown: Shown) -> str:
    return " ".join(dict.fromkeys([analysis.asked_by, *shown.called.split()]))


def _buttons(
    analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts
) -> list[Block]:
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


# --- the thread ----------------------------------------------------------------------------------


def details_card(analysis: Analysis, shown: Shown, texts: Texts) -> Card:
    """Every reading with its sentence and the query that was asked, and every policy with its
    evidence; whoever decides is called."""
    names = _names(analysis, shown, texts)
    stage = "final" if analysis.stage is Stage.FINAL else "provisional"
    head = say(texts, f"summary.thread.{stage}", **names)
    parts = []
    call = _call(analysis, shown, names, texts)
    if call:
        parts.append(Part(section(call)))
    parts.append(Part(section(head)))
    for part in Of:
        readings = [each for each in analysis.readings if each.part is part]
        if readings:
            title = Mrkdwn(f"*{texts(f'reading.part.{part.value}')}*")
            parts.append(Part(section(title), spare=1))
            parts += _in_full(readings, texts)
    if analysis.policies:
        title = Mrkdwn(f"*{texts('summary.thread.policies')}*")
        parts.append(Part(section(title), spare=1))
        parts += whole_parts(
            analysis.policies,
            service=analysis.service,
            environment=analysis.environment,
            pair=shown.pair,
            texts=texts,
            spare=2,
        )
    text = cut_mrkdwn(say(texts, f"summary.text.{_form(analysis)}", **names), SUMMARY)
    return fit(text, parts, shortened=say(texts, "common.shortened_here"))


def _in_full(readings: Sequence[Reading], texts: Texts) -> list[Part]:
    parts = []
    for each in _sorted(readings):
        both = (each.before, each.after) != (None, None)
        line = say(
            texts,
            "summary.thread.reading" if both else "summary.thread.reading_plain",
            sign=SIGNS[each.result],
            what=label_of(each, texts),
            before=figure(each.before, each.unit, texts),
            after=figure(each.after, each.unit, texts),
            sentence=sentence_of(each, texts),
        )
        asked = code(each.query, 1_500)
        if each.query:
            line = join([line, say(texts, "summary.thread.query", query=asked)], "\n")
        full = ""
        if len(each.query) > 1_400:
            full = f"{label_of(each, texts)}\n{each.query}"
        parts.append(Part(section(line), spare=2 + ORDER.index(each.result), full=full))
    return parts


def _call(analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts) -> Mrkdwn:
    keys = {Follow.ASKED: "calls", Follow.COUNTDOWN: "countdown", Follow.HELD: "held"}
    key = keys.get(analysis.follow)
    if key is None or analysis.muted_by:
        return Mrkdwn("")
    at = moment(analysis.acts_at, "seconds") if analysis.acts_at else ""
    who = people(_called(analysis, shown))
    return say(texts, f"summary.thread.{key}", **{**names, "who": who, "at": at})
