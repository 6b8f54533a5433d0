"""What a request shows while it waits, and what break-glass leaves on its card for ever.

A part of the rollout's one card (`rollout.py`): every gate with its sign and what would meet it,
what would change (commits, manifest), and the buttons of those who decide. And two messages beside
it: the reply that calls people when the last gate has opened, and the private question before an
override.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    link,
    moment,
    people,
    plain,
    say,
    say_plain,
    user,
)
from bot.cards.refusal import gate_parts, gate_sentence
from bot.domain.drift import Drift
from bot.domain.gate import Gate, GateResult, only_waits
from bot.domain.promotion import Commits, Override
from bot.domain.rollout import Rollout, Running
from bot.text import Texts
from bot.text.sentences import listing

SUMMARY = 150
COMMITS, DIFFERENCES = 8, 8
_NAME = 60
_SPARE_CHANGES = 3


def waiting_line(rollout: Rollout, texts: Texts) -> Mrkdwn:
    """The state in one line: how many gates are closed, or that all are open and who is called."""
    closed = [gate for gate in rollout.gates if not gate.ok]
    if rollout.by_itself and only_waits(closed):
        return say(texts, "ci.waiting.state")
    if rollout.by_itself:
        return say(texts, "promote.state.BY_ITSELF", count=len(closed))
    if closed or not rollout.open_since:
        return say(texts, "promote.state.WAITING", count=len(closed), of=len(rollout.gates))
    return say(texts, "promote.state.OPEN", since=moment(rollout.open_since))


def waiting_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    return [
        *gate_parts(rollout.gates, texts),
        *_note_parts(rollout.gates, texts),
        *_commit_parts(rollout.commits, texts),
        *_drift_parts(rollout.drift, texts),
    ]


def waiting_buttons(rollout: Rollout, environment_title: str, texts: Texts) -> list[Block | None]:
    """Deploy where every gate is open; Approve and Reject where people have a say."""
    row: list[Block | None] = []
    ready = rollout.open_since is not None and not rollout.by_itself
    if ready:
        before = rollout.before.version if rollout.before else ""
        row.append(buttons.go(rollout, environment_title, before, texts))
    if any(gate.code == "CHECKLIST_OPEN" for gate in rollout.gates):
        row.append(buttons.open_checklist(rollout.service, rollout.image.digest, texts))
    if any(_people_decide(gate) for gate in rollout.gates):
        row.append(buttons.approve(rollout, texts, primary=not ready))
        row.append(buttons.reject(rollout, texts))
    return row


def _people_decide(gate: GateResult) -> bool:
    return gate.gate is Gate.APPROVALS and gate.code != "NO_APPROVAL_NEEDED"


def _note_parts(gates: Sequence[GateResult], texts: Texts) -> list[Part]:
    """About approvals that are there: until when they hold, whose do not count, and why."""
    notes = []
    for gate in gates:
        if gate.gate is not Gate.APPROVALS:
            continue
        if gate.ok and gate.values.get("expires_at"):
            until = _moment(str(gate.values["expires_at"]))
            notes.append(say(texts, "approval.note.covers", until=until))
        for why in ("void", "expired", "own"):
            who = str(gate.values.get(why, ""))
            if who and not gate.ok:
                notes.append(say(texts, f"approval.note.{why}", who=people(who)))
    return [Part(context(*notes), spare=1)] if notes else []


def _moment(iso: str) -> Mrkdwn:

    return moment(datetime.fromisoformat(iso), "date")


def _commit_parts(commits: Commits | None, texts: Texts) -> list[Part]:
    if commits is None:
        return []
    if commits.unknown:
        line = texts.say(f"promote.commits.{commits.unknown}", {}, texts("promote.commits.AWAY"))
        return [Part(context(Mrkdwn(line)), spare=_SPARE_CHANGES)]
    title = say(texts, "promote.commits.title", count=commits.of)
    lines = commit_lines(commits, title, COMMITS, texts)
    return [Part(section(join(lines, "\n"), limit=2_500), spare=_SPARE_CHANGES)]


def commit_lines(commits: Commits, title: Mrkdwn, most: int, texts: Texts) -> list[Mrkdwn]:
    """The title, at most so many commits with their authors, and how many more there are."""
    lines = [link(commits.url, title) if commits.url else Mrkdwn(f"*{title}*")]
    for each in commits.shown[:most]:
        name = link(each.url, each.id[:7]) if each.url else code(each.id[:7])
        said = say(
            texts,
            "promote.commits.line",
            commit=name,
            title=escape(each.title, 100),
            author=escape(each.author, 60),
        )
        lines.append(said)
    more = commits.of - min(len(commits.shown), most)
    if more > 0:
        lines.append(say(texts, "promote.more", count=more))
    return lines


def _drift_parts(drift: Drift, texts: Texts) -> list[Part]:
    if not drift.of:
        return [Part(context(say(texts, "promote.drift.none")), spare=_SPARE_CHANGES)]
    lines = [Mrkdwn(f"*{say(texts, 'promote.drift.title', count=drift.of)}*")]
    for each in drift.shown[:DIFFERENCES]:
        values = {
            "path": code(each.path, 120),
            "before": code(each.before, 60) or texts("promote.drift.nothing"),
            "after": code(each.after, 60) or texts("promote.drift.nothing"),
        }
        lines.append(say(texts, "promote.drift.line", **values))
    more = drift.of - min(len(drift.shown), DIFFERENCES)
    if more > 0:
        lines.append(say(texts, "promote.more", count=more))
    return [Part(section(join(lines, "\n"), limit=2_500), spare=_SPARE_CHANGES)]


# --- break-glass ---------------------------------------------------------------------------------


def override_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """The mark that stays: who, why, past which gates, and whom it calls."""
    override = rollout.override
    if override is None:
        return []
    return [Part(section(_override_line(override, texts), limit=2_000))]


def _override_line(override: Override, texts: Texts) -> Mrkdwn:
    line = say(
        texts,
        "promote.override.mark",
        sign=signs.WARNING,
        who=user(override.by),
        at=moment(override.at, "date"),
        reason=escape(override.reason, 300),
    )
    past = [str(gate_sentence(gate, texts)) for gate in override.gates]
    lines = [line]
    if past:
        gates = Mrkdwn(listing(past, texts))
        lines.append(say(texts, "promote.override.past", gates=gates))
    return join(lines, "\n")


def announcement_card(rollout: Rollout, *, environment_title: str, texts: Texts) -> Card:
    """A message of its own in the channel: an edit of the card would call nobody."""
    override = rollout.override
    assert override is not None
    names = {
        "service": plain(rollout.service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(rollout.version, _NAME),
        "who": user(override.by),
    }
    summary = say(texts, "promote.override.announced", sign=signs.WARNING, **names)
    lines = [Mrkdwn(f"*{summary}*"), _override_line(override, texts)]
    if override.told:
        lines.append(say(texts, "promote.override.told", who=people(override.told)))
    parts = [Part(section(join(lines, "\n"), limit=2_900))]
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def override_card(
    gates: Sequence[GateResult],
    *,
    service: str,
    environment_title: str,
    version: str,
    before: Running | None,
    digest: str,
    line: str,
    reason: str,
    texts: Texts,
) -> Card:
    """The private question before an override: what it passes by, and how far it reaches."""
    names = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(version, _NAME),
        "before": plain(before.version, _NAME) if before else texts("button.go_confirm.nothing"),
        "count": before.desired if before else 0,
    }
    radius = say_plain(texts, "promote.override.radius", 300, **names)
    parts = [
        Part(header(say_plain(texts, "promote.override.header", 150, sign=signs.WARNING, **names))),
        Part(section(say(texts, "promote.override.question", reason=escape(reason, 300)))),
        Part(section(escape(radius, 300))),
        *gate_parts(gates, texts),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    title = say_plain(texts, "promote.override.header", 100, sign=signs.WARNING, **names)
    press = buttons.override(digest, line, title, radius, texts)
    if press is not None:
        parts.append(Part(actions(press)))
    summary = say(texts, "promote.override.text", **names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


# --- the last gate has opened ----------------------------------------------------------------


def opened_card(rollout: Rollout, *, environment_title: str, who: str, texts: Texts) -> Card:
    """The reply in the thread; it notifies those whom it names, which an edit does not."""
    names = {
        "service": plain(rollout.service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(rollout.version, _NAME),
        "requester": user(rollout.requested_by.id),
        "who": people(who),
    }
    line = say(texts, "promote.opened", **names)
    return fit(
        cut_mrkdwn(say(texts, "promote.opened_text", **names), SUMMARY),
        [Part(section(line, limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )
