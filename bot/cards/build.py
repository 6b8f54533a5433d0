"""The card of a build, from the request to the image, and the reply in its thread with the log.

Where the image goes on to an environment, the rollout's card takes the place of this one in the
same message.
"""

from __future__ import annotations

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, preformatted, section
from bot.cards.card import Block, Card
from bot.cards.hold import because
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    moment,
    plain,
    say,
    say_plain,
    user,
)
from bot.domain.build import Build, BuildState, Cause
from bot.errors import Trouble
from bot.text import Texts
from bot.text.sentences import duration, trouble_sentence

SUMMARY = 150
_NAME, _REF, _WORDS = 40, 80, 200
_SERVER = 800  # characters of another program's own words

_SIGN = {
    BuildState.QUEUED: "🕒",
    BuildState.BUILDING: "🔨",
    BuildState.BUILT: signs.OK,
    BuildState.FAILED: signs.BAD,
    BuildState.CANCELLED: signs.STOPPED,
}


def build_card(build: Build, *, environment_titles: tuple[str, ...], texts: Texts) -> Card:
    values = _values(build, texts)
    parts = [
        Part(header(say_plain(texts, f"build.header.{build.state}", 150, **values))),
        Part(section(_state_line(build, values, texts), limit=1_500)),
    ]
    if build.simulated:
        line = say(texts, "build.fact.simulated", sign=signs.WARNING)
        parts.append(Part(section(line, limit=500)))
    if build.outage is not None and build.outage.message and not build.state.final:
        parts.append(Part(context(escape(build.outage.message, _WORDS * 2)), spare=1))
    if build.failure is not None:
        parts += _failure_parts(build, texts)
    parts += [
        Part(context(_steps(build, texts)), spare=1),
        Part(context(*_facts(build, environment_titles, texts)), spare=2),
    ]
    row = [_button(build, texts)]
    shown = [button for button in row if button is not None]
    if shown:
        parts.append(Part(actions(*shown)))
    summary = say(texts, f"build.text.{build.state}", **values)
    return fit(
        cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened"), limit=SUMMARY
    )


def build_ended_card(build: Build, log: str, texts: Texts) -> Card:
    """The reply in the thread. The whole log goes with it, as `Card.full`."""
    values = _values(build, texts)
    step = texts(f"build.step.{build.step}")
    said = {**values, "step": step, "who": user(build.requested_by.id)}
    line = say(texts, f"build.ended.{build.state}", **said)
    return Card(text=cut_mrkdwn(line, SUMMARY * 2), blocks=(section(line, limit=1_000),), full=log)


def cause_of(build: Build, texts: Texts) -> Mrkdwn:
    failure = build.failure
    if failure is None:
        return Mrkdwn("")
    values = {key: plain(value, _WORDS) for key, value in failure.values.items()}
    key = str(failure.cause)
    if failure.cause is Cause.TOO_LARGE:
        key = f"TOO_LARGE_{'context' if values.get('what') == 'context' else 'checkout'}"
    port = failure.values.get("port", "")
    at_once = failure.cause is Cause.AWAY and "minutes" not in values
    if at_once or failure.cause is Cause.REFUSED:
        trouble = failure.values.get("trouble", Trouble.AWAY)
        return escape(trouble_sentence(port, trouble, {"message": ""}, texts), _SERVER)
    said = say(texts, f"build.cause.{key}", **{**values, "port": _port(port, texts)})
    return Mrkdwn(said[:1].upper() + said[1:])


def _port(port: str, texts: Texts) -> str:
    key = f"trouble.port.{port}"
    return texts(key) if key in texts else plain(port, _NAME)


def _values(build: Build, texts: Texts) -> dict[str, object]:
    began = build.started_at or build.requested_at
    elapsed = ((build.finished_at or began) - began).total_seconds()
    return {
        "sign": _SIGN[build.state],
        "service": plain(build.service, _NAME),
        "version": plain(build.version, _NAME),
        "commit": build.commit[:10],
        "digest": build.result.short_digest,
        "elapsed": duration(elapsed, texts),
        "cause": cause_of(build, texts),
        "who": user(build.ended_by or build.requested_by.id),
        "because": because(build.end_reason, texts),
    }


def _state_line(build: Build, values: dict[str, object], texts: Texts) -> Mrkdwn:
    if build.state is BuildState.FAILED:
        return Mrkdwn(f"*{cause_of(build, texts)}*")
    if build.state is not BuildState.BUILDING:
        return say(texts, f"build.state.{build.state}", **values)
    if build.outage is not None:
        values = {"since": moment(build.outage.since), "until": moment(build.outage.until)}
        port = _port(build.outage.port, texts)
        return say(texts, "build.state.waits", sign=signs.WARNING, port=port, **values)
    state = say(texts, f"build.state.{build.step}")
    if not build.now:
        return state
    return say(texts, "build.state.now", state=state, now=code(build.now, _WORDS))


def _failure_parts(build: Build, texts: Texts) -> list[Part]:
    assert build.failure is not None
    message = build.failure.values.get("message", "")
    parts = [Part(section(escape(message, _SERVER), limit=_SERVER * 2), spare=1)] if message else []
    if build.failure.cause is Cause.REFUSED:
        fix = say(texts, f"trouble.fix.{build.failure.values['trouble']}")
        parts.insert(0, Part(section(fix, limit=500)))
    if build.tail:
        parts.append(Part(preformatted(build.tail), spare=1))
    return parts


def _steps(build: Build, texts: Texts) -> Mrkdwn:
    steps = build.steps
    reached = steps.index(build.step) if build.step in steps else 0
    if build.state is BuildState.BUILT:
        reached = len(steps)
    here = {
        BuildState.QUEUED: signs.OPEN,
        BuildState.BUILDING: signs.BUSY,
    }.get(build.state, _SIGN[build.state])
    marks = [*[signs.OK] * reached, here, *[signs.OPEN] * len(steps)][: len(steps)]
    named = zip(marks, steps, strict=True)
    return Mrkdwn("   ".join(f"{mark} {texts(f'build.step.{step}')}" for mark, step in named))


def _facts(build: Build, environment_titles: tuple[str, ...], texts: Texts) -> list[Mrkdwn]:
    by_commit = build.commit.startswith(build.ref)
    key = "build.fact.commit_only" if by_commit else "build.fact.commit"
    facts = [
        say(texts, key, ref=plain(build.ref, _REF), commit=build.commit[:10]),
        *(
            say(texts, "build.fact.then", environment=plain(title, _NAME))
            for title in dict.fromkeys(environment_titles)
        ),
        say(texts, "build.fact.who", who=user(build.requested_by.id)),
    ]
    return [join(facts), code(buttons.typed(build.line), 400)]


def _button(build: Build, texts: Texts) -> Block | None:
    if not build.state.final:
        return buttons.stop_build(build, texts)
    if build.state is BuildState.BUILT:
        return None
    return buttons.run(build.line, texts("button.try_again"))
