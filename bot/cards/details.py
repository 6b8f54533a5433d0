"""The reply in the card's thread when a rollout has ended: an edit notifies nobody, this does.

A success is one line. A failure has everything that was gathered: every kind of trouble, the log,
all warnings, and the command with which a person looks further.
"""

from __future__ import annotations

from bot.cards import signs
from bot.cards.blocks import Part, context, fit, preformatted, section
from bot.cards.card import Card
from bot.cards.evidence import cause_of, event_parts, hint_of, log_parts, server_parts, words_of
from bot.cards.mrkdwn import Mrkdwn, cut_mrkdwn, join, plain, say, user
from bot.cards.operations import authors_line, numbers, worded
from bot.cards.refusal import gate_sentence
from bot.cards.rollout import (
    NAME,
    SUMMARY,
    VERSION,
    before_version,
    newer_than,
    shown_version,
    wording,
)
from bot.domain.kind import Kind
from bot.domain.promotion import CALLS
from bot.domain.rollout import Rollout, RolloutState
from bot.text import Texts
from bot.text.sentences import finding_sentence

LOG_LINES = 20
FINDINGS, EVENTS = 8, 8
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@:")


def ended_card(rollout: Rollout, *, environment_title: str, texts: Texts) -> Card:
    """The thread's reply to any end; for a failure the same as `details_card`."""
    if rollout.state is RolloutState.FAILED:
        return details_card(rollout, environment_title=environment_title, texts=texts)
    no = [gate_sentence(gate, texts) for gate in rollout.refused if gate.code in CALLS]
    authors = authors_line(rollout.commits if rollout.kind is Kind.ROLLBACK else None, texts)
    told = [authors] if authors else []
    summary = join([_ended(rollout, environment_title, texts), *no], " ")
    return fit(
        cut_mrkdwn(summary, SUMMARY * 2),
        [Part(section(join([summary, *told], " ")))],
        shortened=say(texts, "common.shortened"),
    )


def details_card(rollout: Rollout, *, environment_title: str, texts: Texts) -> Card:
    """Everything that is known of a failure, for the thread of its card."""
    names = _names(rollout, environment_title)
    parts = [
        Part(section(_ended(rollout, environment_title, texts), limit=2_000)),
        *_finding_parts(rollout, texts),
    ]
    authors = authors_line(rollout.commits if rollout.kind is Kind.ROLLBACK else None, texts)
    if authors:
        parts.append(Part(section(authors, limit=1_000)))
    parts += server_parts(words_of(rollout, texts))
    if rollout.diagnosis is not None:
        parts += log_parts(rollout.diagnosis, LOG_LINES, texts)
        parts += event_parts(rollout.diagnosis.events[:EVENTS], texts)
    hint = hint_of(rollout, texts)
    if hint:
        parts.append(Part(section(say(texts, "rollout.next.hint", hint=hint), limit=1_000)))
    parts += [
        Part(context(say(texts, "rollout.details.continue")), spare=1),
        Part(preformatted(commands_to_continue(rollout), width=500), spare=1),
    ]
    key = "rollout.details.text_failed"
    if rollout.kind is not Kind.DEPLOY:
        key = worded(rollout, "text", wording(rollout), texts)
        names |= {k: str(v) for k, v in numbers(rollout, texts).items()}
    summary = say(texts, key, cause=cause_of(rollout, texts), **names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened"))


def commands_to_continue(rollout: Rollout) -> list[str]:
    """kubectl lines that a person can paste into a shell. Names that a shell could read as
    anything but names are left out: such names do not come from Kubernetes."""
    context = f" --context {rollout.context}" if rollout.context else ""
    where = f"kubectl{context} -n {rollout.namespace}"
    lines = [f"{where} describe deployment {rollout.service}"]
    found = rollout.diagnosis
    if found is not None and found.pod:
        lines.append(f"{where} describe pod {found.pod}")
        container = f" -c {found.container}" if found.container else ""
        previous = " --previous" if found.previous else ""
        lines.append(f"{where} logs {found.pod}{container}{previous}")
    return [line for line in lines if set(line) <= _SAFE | {" "}]


def _ended(rollout: Rollout, environment_title: str, texts: Texts) -> Mrkdwn:
    key = wording(rollout)
    return say(
        texts,
        worded(rollout, "ended", key, texts),
        sign=signs.STATE[rollout.state],
        who=user(rollout.requested_by.id),
        newer=plain(newer_than(rollout), VERSION),
        cause=plain(cause_of(rollout, texts, quoting=False), 1_000),
        **{**_names(rollout, environment_title), **numbers(rollout, texts)},
    )


def _names(rollout: Rollout, environment_title: str) -> dict[str, str]:
    return {
        "service": plain(rollout.service, NAME),
        "environment": plain(environment_title, NAME),
        "version": shown_version(rollout.version, rollout.image.short_digest),
        "before": before_version(rollout),
    }


def _finding_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """Each kind of trouble once, however many pods met it; nothing when the cause says it all."""
    findings = rollout.verdict.findings if rollout.verdict is not None else ()
    if len(findings) < 2:
        return []
    lines = [
        say(
            texts,
            "rollout.findings.line",
            sign=signs.BAD if finding.outcome == "fail" else signs.WARNING,
            cause=plain(finding_sentence(finding, texts), 400),
        )
        for finding in findings[:FINDINGS]
    ]
    title = Mrkdwn(f"*{say(texts, 'rollout.findings.title')}*")
    return [Part(section(join([title, *lines], "\n"), limit=2_800), spare=2)]
