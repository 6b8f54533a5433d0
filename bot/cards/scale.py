"""The private answers to `scale`: the question before it, and what an autoscaler owns."""

from __future__ import annotations

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Card
from bot.cards.modal import Modal, line_input
from bot.cards.mrkdwn import code, cut_mrkdwn, plain, say, say_plain
from bot.cards.operations import pods
from bot.domain.kind import Span
from bot.domain.workload import Autoscaler
from bot.text import Texts

_NAME, _SUMMARY = 60, 150
LEAST, MOST = "least", "most"
"""The fields of the window, as `bot/domain/scaling.py: span_mistakes` names them."""


def ask_card(
    *, service: str, environment_title: str, number: int, now: int, line: str, texts: Texts
) -> Card:
    names: dict[str, object] = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "had": now,
        "had_pods": pods(now, texts),
        "wanted": pods(number, texts),
    }
    parts = [
        Part(header(say_plain(texts, "scale.ask.header", 150, sign=signs.QUESTION, **names))),
        Part(section(say(texts, "scale.ask.state", **names))),
    ]
    if number == 0:
        parts.append(Part(section(say(texts, "scale.ask.zero", **names))))
    parts.append(Part(context(code(buttons.typed(line), 400)), spare=1))
    press = buttons.scale_confirmed(number, now, line, names, texts)
    if press is not None:
        parts.append(Part(actions(press)))
    summary = say(texts, "scale.ask.text", **names)
    return fit(cut_mrkdwn(summary, _SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def owned_card(
    found: Autoscaler,
    *,
    service: str,
    environment: str,
    environment_title: str,
    line: str,
    texts: Texts,
) -> Card:
    """An autoscaler owns the number: its bounds can be changed, in a window."""
    names = _scaler(found, service, environment_title)
    parts = [
        Part(header(say_plain(texts, "scale.owned.header", 150, sign=signs.HAND, **names))),
        Part(section(say(texts, "scale.owned.state", **names))),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    press = buttons.bounds(service, environment, texts)
    if press is not None:
        parts.append(Part(actions(press)))
    summary = say(texts, "scale.owned.text", **names)
    return fit(cut_mrkdwn(summary, _SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def bounds_window(
    found: Autoscaler,
    *,
    service: str,
    environment_title: str,
    bounds: Span,
    data: str,
    texts: Texts,
) -> Modal:
    hint = texts("scale.window.hint", low=max(1, bounds.least), high=bounds.most)
    names = _scaler(found, service, environment_title)
    return Modal(
        callback=f"{buttons.PREFIX}:bounds",
        title=texts("scale.window.title"),
        submit=texts("scale.window.submit"),
        close=texts("scale.window.close"),
        blocks=[
            section(say(texts, "scale.window.intro", **names)),
            line_input(LEAST, texts("scale.window.least"), value=str(found.minimum), hint=hint),
            line_input(MOST, texts("scale.window.most"), value=str(found.maximum), hint=hint),
        ],
        data=data,
    )


def _scaler(found: Autoscaler, service: str, environment_title: str) -> dict[str, object]:
    return {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "autoscaler": plain(found.name, _NAME),
        "least": found.minimum,
        "most": found.maximum,
        "current": found.current,
    }
