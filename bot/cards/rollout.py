"""The one card of a rollout, edited in place from the typed line to its end.

Reading order: what happened (header), what is the state now, what to do next; then who asked for
what and the steps. A figure that runs with the clock is never shown while it runs (a Slack date
stands for it), so an unchanged rollout is an unchanged card. The evidence of a failure stands in
`evidence.py`, the reply in the thread in `details.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.evidence import cause_of, evidence_parts, hint_of, shortage_parts
from bot.cards.hold import because
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    link,
    moment,
    plain,
    say,
    say_plain,
    user,
)
from bot.cards.operations import (
    can_be_typed_again,
    numbers,
    rollback_parts,
    unlock_button,
    way_back_button,
    worded,
)
from bot.cards.promotion import override_parts, waiting_buttons, waiting_line, waiting_parts
from bot.cards.refusal import gate_parts, told_part
from bot.domain.gate import only_waits
from bot.domain.kind import Kind
from bot.domain.promotion import OVERTAKEN
from bot.domain.rollout import Rollout, RolloutState
from bot.domain.rollout_course import soak_ends
from bot.domain.verdict import Outcome, Reason
from bot.text import Texts
from bot.text.sentences import duration, trouble_sentence

SUMMARY = 150
"""What a notification shows of `text`."""
NAME, VERSION = 40, 40
"""Longer names are cut on cards; the line that was typed has them whole."""
WORDS = 300
"""Of the requester's own reason."""

_SPARE_FACTS, _SPARE_STEPS = 2, 1
_KEEPS_STOPPING = (Reason.CRASHED, Reason.OOM_KILLED, Reason.LIVENESS_PROBE, Reason.STARTUP_PROBE)
"""Such a pod is available between two ends, so that its figure alone would comfort wrongly."""
_TOGETHER = "\u00a0"
"""No-break space: no narrow screen parts a sign from its word."""
_TENSE = {signs.OK: "done", signs.OPEN: "open", signs.SKIPPED: "open"}


def rollout_card(
    rollout: Rollout, *, environment_title: str, base_url: str, texts: Texts, now: datetime
) -> Card:
    """The card of a rollout in any state. `now` is needed only where no end was saved."""
    values = _values(rollout, environment_title, texts, now)
    parts = [
        Part(header(say_plain(texts, _key(rollout, "header", texts), 150, **values))),
        Part(section(_state_line(rollout, values, texts), limit=1_500)),
        *override_parts(rollout, texts),
        *_policy_parts(rollout, texts),
        *_trouble_parts(rollout, texts),
        *evidence_parts(rollout, texts),
        *_what_now_parts(rollout, values, texts),
        *rollback_parts(rollout, environment_title, texts),
        Part(context(_steps(rollout, texts)), spare=_SPARE_STEPS),
        Part(context(*_facts(rollout, base_url, texts)), spare=_SPARE_FACTS),
        *_button_parts(rollout, environment_title, texts),
    ]
    key = "ci.waiting.text" if waits_for_checks(rollout) else _key(rollout, "text", texts)
    summary = say(texts, key, **values)
    return fit(
        cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened"), limit=SUMMARY
    )


def _values(
    rollout: Rollout, environment_title: str, texts: Texts, now: datetime
) -> dict[str, object]:
    """What the sentences about a rollout may speak of; foreign words unescaped."""
    progress = rollout.progress
    return {
        "sign": signs.STATE[RolloutState.QUEUED if waits_for_checks(rollout) else rollout.state],
        "service": plain(rollout.service, NAME),
        "environment": plain(environment_title, NAME),
        "version": shown_version(rollout.version, rollout.image.short_digest),
        "behind": plain(rollout.behind, VERSION),
        "before": before_version(rollout),
        "elapsed": duration(elapsed(rollout, now).total_seconds(), texts),
        "stability": duration(rollout.stability_seconds, texts),
        "cause": cause_of(rollout, texts),
        "updated": progress.updated,
        "desired": progress.desired,
        "who": user(rollout.ended_by or rollout.requested_by.id),
        **numbers(rollout, texts),
        "because": because(rollout.end_reason, texts),
        "newer": plain(newer_than(rollout), VERSION),
    }


def _key(rollout: Rollout, table: str, texts: Texts) -> str:
    return worded(rollout, table, wording(rollout), texts)


def shown_version(version: str, short_digest: str = "") -> str:
    """As people call it; a digest that stands for a version is shown short."""
    return (
        short_digest if version.startswith("sha256:") and short_digest else plain(version, VERSION)
    )


def elapsed(rollout: Rollout, now: datetime) -> timedelta:
    """From the change (or the request, where nothing was changed) to the end."""
    began = rollout.applying_since or rollout.requested_at
    return (rollout.finished_at or now) - began


def waits_for_checks(rollout: Rollout) -> bool:
    """It waits for machines alone, and goes by itself."""
    waiting = rollout.state is RolloutState.AWAITING_APPROVAL and rollout.by_itself
    return waiting and only_waits(rollout.gates)


def wording(rollout: Rollout) -> str:
    """The state; apart from it the successes that showed nothing (the version was there already,
    or no pod runs), a way back that failed, and what was overtaken while it waited."""
    for reason in (Reason.UNCHANGED, Reason.SCALED_TO_ZERO):
        if _succeeded_with(rollout, reason):
            return reason.value
    if rollout.state is RolloutState.FAILED and rollout.ended_by:
        return "FAILED_BACK"
    if rollout.state is RolloutState.SUPERSEDED and rollout.refused:
        return "OVERTAKEN"
    return rollout.state.value


def newer_than(rollout: Rollout) -> str:
    """The version that came there while this one waited; "" where none did."""
    found = [gate.values["newer"] for gate in rollout.refused if gate.code == OVERTAKEN]
    return str(found[0]) if found else ""


def _succeeded_with(rollout: Rollout, reason: Reason) -> bool:
    return (
        rollout.state is RolloutState.SUCCEEDED
        and rollout.verdict is not None
        and rollout.verdict.reason is reason
    )


def _state_line(rollout: Rollout, values: Mapping[str, object], texts: Texts) -> Mrkdwn:
    said = dict(values)
    match rollout.state:
        case RolloutState.AWAITING_APPROVAL:
            return waiting_line(rollout, texts)
        case RolloutState.QUEUED if rollout.place:
            said |= {"place": rollout.place, "whom": user(rollout.behind_whom)}
            return say(texts, "promote.state.QUEUED_IN_LINE", **said)
        case RolloutState.QUEUED if rollout.behind:
            return say(texts, "rollout.state.QUEUED_BEHIND", **said)
        case RolloutState.CANCELLED if rollout.ended_by:
            return say(texts, "rollout.state.CANCELLED_BY", **said)
        case RolloutState.FAILED:
            return Mrkdwn(f"*{escape(cause_of(rollout, texts, quoting=False), 1_200)}*")
        case RolloutState.ROLLING_BACK if rollout.change is None:
            return say(texts, worded(rollout, "state", "ROLLING_BACK_APPLYING", texts), **said)
        case RolloutState.PROGRESSING | RolloutState.ROLLING_BACK:
            said["progress"] = progress_line(rollout, texts)
            said["since"] = moment(rollout.applying_since or rollout.requested_at)
        case RolloutState.SOAKING | RolloutState.SUCCEEDED | RolloutState.ROLLED_BACK:
            said["progress"] = _serving(rollout, texts)
            said["until"] = moment(soak_ends(rollout) or rollout.requested_at, "seconds")
        case _:
            pass
    return say(texts, _key(rollout, "state", texts), **said)


def progress_line(rollout: Rollout, texts: Texts) -> Mrkdwn:
    """ "2 of 3 updated · 2 available · 1 old"."""
    progress = rollout.progress
    pieces = [
        say(
            texts,
            "rollout.progress.updated",
            updated=progress.updated,
            desired=progress.desired,
            count=progress.desired,
        ),
        say(texts, "rollout.progress.available", count=progress.available),
    ]
    if progress.old:
        pieces.append(say(texts, "rollout.progress.old", count=progress.old))
    return join(pieces)


def _serving(rollout: Rollout, texts: Texts) -> Mrkdwn:
    """ "3 of 3 available"."""
    progress = rollout.progress
    return say(
        texts,
        "rollout.progress.serving",
        available=progress.available,
        count=progress.desired,
    )


def _policy_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """What the place promises and does not keep; where gates are shown, it stands among them."""
    gates = (RolloutState.AWAITING_APPROVAL, RolloutState.REJECTED)
    if rollout.policies is None or rollout.state in gates:
        return []
    return [told_part(rollout.policies, texts)]


def _trouble_parts(rollout: Rollout, texts: Texts) -> list[Part]:
    """What is not well although the rollout goes on: trouble so far, an edge that is away; and
    the edge that turned a rollout away."""
    if rollout.state.final and rollout.state is not RolloutState.REJECTED:
        return []
    parts = []
    verdict, obstacle = rollout.verdict, rollout.obstacle
    if verdict is not None and verdict.outcome is Outcome.WARN:
        cause = cause_of(rollout, texts)
        line = say(texts, "rollout.trouble.warning", sign=signs.WARNING, cause=cause)
        parts.append(Part(section(line, limit=1_500)))
        parts += shortage_parts(rollout, texts)
    if obstacle is not None:
        line = say(
            texts,
            f"rollout.trouble.{'refused' if rollout.state.final else 'obstacle'}",
            sign=signs.WARNING,
            cause=trouble_sentence(obstacle.port, obstacle.trouble, obstacle.values, texts),
            since=moment(obstacle.since),
        )
        parts.append(Part(section(line, limit=1_500)))
    return parts


def _what_now_parts(rollout: Rollout, values: Mapping[str, object], texts: Texts) -> list[Part]:
    """After an end that is not a success: what runs now, and what would help."""
    if rollout.state is RolloutState.REJECTED:
        return gate_parts(rollout.refused, texts)
    if rollout.state is RolloutState.AWAITING_APPROVAL:
        return waiting_parts(rollout, texts)
    if wording(rollout) == "OVERTAKEN":
        line = code(buttons.typed(rollout.line), 400)
        return [Part(section(say(texts, "rollout.next.overtaken", **{**values, "line": line})))]
    if rollout.state not in (RolloutState.FAILED, RolloutState.CANCELLED):
        return []
    lines = [_now_line(rollout, values, texts)]
    hint = hint_of(rollout, texts)
    if hint:
        lines.append(say(texts, "rollout.next.hint", hint=hint))
    return [Part(section(join(lines, "\n"), limit=2_000))]


def _now_line(rollout: Rollout, values: Mapping[str, object], texts: Texts) -> Mrkdwn:
    """Only what the last look at the cluster shows: which pods are left, and how many serve."""
    progress, before = rollout.progress, rollout.before
    said = {
        **values,
        "progress": progress_line(rollout, texts),
        "serving": _serving(rollout, texts),
    }
    cancelled = rollout.state is RolloutState.CANCELLED
    if rollout.kind is Kind.SCALE and rollout.change is not None:
        serving = _serving(rollout, texts)
        return say(texts, "scale.now.pods", **{**said, "progress": serving})
    if rollout.verdict is not None and rollout.verdict.reason is Reason.DELETED:
        return say(texts, "rollout.now.gone", **said)
    if cancelled or (rollout.change is None and not rollout.ended_by):
        return _untouched_line(rollout, said, texts)
    if not progress.available:
        return say(texts, "rollout.now.none_available", **said)
    if not progress.old or before is None:
        key = "back_only" if rollout.ended_by else "new_only"
        if rollout.verdict is not None and rollout.verdict.reason in _KEEPS_STOPPING:
            key = f"{key}_stopping"
        return say(texts, f"rollout.now.{key}", **said)
    # More pods available than old ones are left: some of the new ones serve too.
    still = progress.available <= progress.old and not rollout.ended_by
    return say(texts, f"rollout.now.{'still_serves' if still else 'mixed'}", **said)


def _untouched_line(rollout: Rollout, said: Mapping[str, object], texts: Texts) -> Mrkdwn:
    before = rollout.before
    if before is None:
        return say(texts, "rollout.now.untouched", **said)
    ready = say(texts, "rollout.progress.ready", ready=before.ready, count=before.desired)
    return say(texts, "rollout.now.untouched_serves", **{**said, "serving": ready})


def _steps(rollout: Rollout, texts: Texts) -> Mrkdwn:
    """Each step with a sign and a word: done, under way, failed, still to come."""
    steps = ["checks", "apply", "roll", "go_back" if _went_back(rollout) else "watch", "done"]
    never_watched = not rollout.kind.soaks and not _went_back(rollout)
    counts = {"updated": rollout.progress.updated, "desired": rollout.progress.desired}
    marked = []
    for mark, step in zip(_marks(rollout), steps, strict=True):
        if step == "watch" and never_watched:
            continue
        never = rollout.state is RolloutState.CANCELLED  # what waited was never under way
        tense = _TENSE.get(mark, "open" if never else "now")
        counted = step == "roll" and tense == "now" and rollout.progress.desired
        tense = "counted" if counted and not _went_back(rollout) else tense
        key = worded(rollout, f"step.{step}", tense, texts)
        marked.append(f"{mark}{_TOGETHER}{say(texts, key, **counts)}")
    return Mrkdwn("   ".join(marked))


def _went_back(rollout: Rollout) -> bool:
    back = (RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK)
    return rollout.state in back or wording(rollout) == "FAILED_BACK"


def _marks(rollout: Rollout) -> tuple[str, ...]:
    """One sign for each of the five steps."""
    if _went_back(rollout):
        began = (signs.OK, signs.OK, signs.STOPPED)
        ends = {
            RolloutState.ROLLING_BACK: (signs.BUSY, signs.OPEN),
            RolloutState.ROLLED_BACK: (signs.OK, signs.OK),
        }
        return (*began, *ends.get(rollout.state, (signs.BAD, signs.OPEN)))
    if wording(rollout) in (Reason.UNCHANGED, Reason.SCALED_TO_ZERO):
        return (signs.OK, signs.OK, signs.SKIPPED, signs.SKIPPED, signs.OK)
    reached = _reached(rollout)
    if rollout.state is RolloutState.QUEUED:
        here = signs.OPEN
    else:
        here = signs.STATE[rollout.state] if rollout.state.final else signs.BUSY
    return (*[signs.OK] * reached, here, *[signs.OPEN] * 5)[:5]


def _reached(rollout: Rollout) -> int:
    """How many of the five steps are behind the rollout."""
    if rollout.state is RolloutState.SUCCEEDED:
        return 5
    if rollout.state in (RolloutState.REJECTED, RolloutState.AWAITING_APPROVAL):
        return 0
    if wording(rollout) == "OVERTAKEN":
        return 0
    if rollout.change is None:
        return 1
    return 3 if rollout.completed_at else 2


def _facts(rollout: Rollout, base_url: str, texts: Texts) -> list[Mrkdwn]:
    """From → to, who and why, the line that was typed, where to look."""
    asked = say(texts, "rollout.fact.who", who=user(rollout.requested_by.id))
    if rollout.reason.strip():
        words = escape(rollout.reason, WORDS)
        asked = join([asked, say(texts, "common.quoted", words=words)])
    return [
        _change(rollout, texts),
        asked,
        code(buttons.typed(rollout.line), 400),
        link(base_url, base_url.partition("://")[2].rstrip("/") or base_url),
    ]


def _change(rollout: Rollout, texts: Texts) -> Mrkdwn:
    if rollout.kind in (Kind.SCALE, Kind.RESTART):
        version = shown_version(rollout.version, rollout.image.short_digest)
        key = worded(rollout, "fact", "change", texts)
        return say(texts, key, version=version, **numbers(rollout, texts))
    if wording(rollout) == Reason.UNCHANGED:
        kind = "target"
    elif rollout.before is not None:
        kind = "change"
    elif rollout.before_generation is not None:
        kind = "first"
    else:
        kind = "target"  # what runs there has not been looked at yet
    named_by_digest = rollout.version.startswith("sha256:")
    suffix = "_digest" if rollout.image.digest and not named_by_digest else ""
    return say(
        texts,
        f"rollout.fact.{kind}{suffix}",
        before=before_version(rollout),
        version=shown_version(rollout.version, rollout.image.short_digest),
        digest=rollout.image.short_digest,
    )


def before_version(rollout: Rollout) -> str:
    if rollout.before is None:
        return ""
    digest = rollout.before.digest
    short = f"{digest[:11]}…{digest[-4:]}" if digest else "?"
    return plain(rollout.before.version, VERSION) or short


def _button_parts(rollout: Rollout, environment_title: str, texts: Texts) -> list[Part]:
    """One line a button: a further capability adds its own."""
    row: list[Block | None] = []
    if rollout.state is RolloutState.AWAITING_APPROVAL:
        row += waiting_buttons(rollout, environment_title, texts)
    if not rollout.state.final:
        row.append(_logs(rollout, texts))
        row.append(
            buttons.cancel(
                rollout,
                environment_title,
                before_version(rollout),
                texts,
                numbers=numbers(rollout, texts),
            )
        )
    else:
        row.append(way_back_button(rollout, environment_title, texts))
        row.append(_again(rollout, environment_title, texts))
        row.append(unlock_button(rollout, texts))
        row.append(_logs(rollout, texts))
        row.append(buttons.status(rollout.service, rollout.environment, texts))
    shown = [button for button in row if button is not None]
    return [Part(actions(*shown))] if shown else []


def _logs(rollout: Rollout, texts: Texts) -> Block | None:
    """From the moment on from which pods of it may write any."""
    if rollout.before_generation is None:
        return None
    line = f"logs {rollout.service} {rollout.environment}"
    return buttons.run(line, texts("button.logs.show"), place=3)


def _again(rollout: Rollout, environment_title: str, texts: Texts) -> Block | None:
    """The same line once more; after a way back that failed, the version that should be there."""
    if rollout.state in (RolloutState.SUCCEEDED, RolloutState.SUPERSEDED):
        return None
    if not can_be_typed_again(rollout):
        return None
    if wording(rollout) == "FAILED_BACK" and rollout.before is not None:
        version = rollout.before.version
        label = say_plain(
            texts, "button.deploy", 75, version=plain(version, 30), environment=environment_title
        )
        return buttons.run(f"deploy {rollout.service} {rollout.environment} {version}", label)
    return buttons.run(rollout.line, texts("button.try_again"))
