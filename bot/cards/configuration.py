"""A service's configuration as people see it: the private question before it is applied, with what
would change key by key, and the line in the channel when it was.

Values come masked and cut (`bot/domain/configuration.py`). Each change has a sign and a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, button, confirm, context, fit, header, section
from bot.cards.card import Block, Card
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
from bot.cards.refusal import gate_parts, gate_sentence
from bot.domain.configuration import Become, KeyChange, ObjectPlan
from bot.domain.gate import Gate, GateResult
from bot.text import Texts

SUMMARY = 150
CHANGES, TOLD = 40, 12
"""Shown of one object before it is applied, and in the channel afterwards."""
_NAME = 60
_ON_A_LINE = 8

_SIGNS = {Become.ADDED: "+", Become.CHANGED: "≠", Become.REMOVED: "−"}


def question_card(
    objects: Sequence[ObjectPlan],
    *,
    service: str,
    environment: str,
    environment_title: str,
    file: str,
    fingerprint: str,
    restored: tuple[datetime, str] | None,
    restarts: bool,
    changed: bool,
    texts: Texts,
) -> Card:
    """What would be written, and the button that does it. `restored`: of the snapshot that would be
    put back, when it was taken and who changed it then. `changed`: the press came too late."""
    of = {"service": plain(service, _NAME), "environment": plain(environment_title, _NAME)}
    count = sum(len(each.changes) for each in objects)
    kind = "title_restore" if restored else "title"
    title = say_plain(texts, f"config.{kind}", 150, sign="⚙️", count=count, **of)
    parts = [Part(header(title))]
    if changed:
        parts.append(Part(section(say(texts, "config.changed"))))
    parts += [Part(section(_state(file, restored, texts)))]
    parts += [part for each in objects for part in _object_parts(each, CHANGES, texts)]
    after = "restarts" if restarts else "keeps"
    notes = [say(texts, f"config.{after}", **of)]
    line = f"config {service} {environment} --restore"
    notes.append(say(texts, "config.kept", line=code(buttons.typed(line), 300)))
    parts.append(Part(context(*notes), spare=1))
    press = _apply(service, environment, fingerprint, count, of, texts, restored, restarts)
    parts.append(Part(actions(*press)))
    summary = say(texts, "config.text", count=count, **of)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def refused_card(
    gates: Sequence[GateResult],
    *,
    service: str,
    environment_title: str,
    line: str,
    texts: Texts,
) -> Card:
    """Every reason at once, each with what would help."""
    of = {"service": plain(service, _NAME), "environment": plain(environment_title, _NAME)}
    failing = [gate for gate in gates if not gate.ok]
    reason = plain(gate_sentence(failing[0], texts), 90) if failing else ""
    title = say_plain(texts, "config.title_refused", 150, sign=signs.HAND, **of)
    parts = [
        Part(header(title)),
        Part(section(say(texts, "config.state_refused"))),
        *gate_parts(gates, texts),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    again = buttons.run(line, texts("button.try_again"))
    if again is not None:
        parts.append(Part(actions(again)))
    summary = say(texts, "config.text_refused", reason=reason, **of)
    shortened = say(texts, "common.shortened_here")
    card = fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=shortened)
    return replace(card, denied=any(gate.gate is Gate.PERMISSION for gate in failing))


def announced_card(
    objects: Sequence[ObjectPlan],
    *,
    who: str,
    service: str,
    environment: str,
    environment_title: str,
    restored: datetime | None,
    restarts: bool,
    texts: Texts,
) -> Card:
    """For the channel: who changed what, and how it is put back."""
    of: dict[str, object] = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "who": user(who),
    }
    key = "announced_title_restore" if restored else "announced_title"
    if restored is not None:
        of["when"] = moment(restored, "date")
    title = say(texts, f"config.{key}", sign="⚙️", **of)
    after = "restarts" if restarts else "keeps"
    parts = [
        Part(section(title)),
        *(part for each in objects for part in _object_parts(each, TOLD, texts)),
        Part(context(say(texts, f"config.announced_{after}")), spare=1),
    ]
    back = f"config {service} {environment} --restore"
    restore = buttons.run(back, texts("button.config.restore"))
    if restore is not None:
        parts.append(Part(actions(restore)))
    summary = say(texts, "config.announced_text", **of)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def change_lines(changes: Sequence[KeyChange], most: int, texts: Texts) -> list[Mrkdwn]:
    lines = [_change(each, texts) for each in changes[:most]]
    if len(changes) > most:
        lines.append(say(texts, "config.more", count=len(changes) - most))
    return lines


def _state(file: str, restored: tuple[datetime, str] | None, texts: Texts) -> Mrkdwn:
    if restored is None:
        return say(texts, "config.state", file=code(file, 120))
    when, who = restored
    return say(texts, "config.state_restore", when=moment(when, "date"), who=user(who))


def _object_parts(plan: ObjectPlan, most: int, texts: Texts) -> list[Part]:
    """A section takes 3,000 characters: the lines of a large ConfigMap are several."""
    key = "object_new" if not plan.seen else "object" if plan.changes else "object_same"
    title = say(texts, f"config.{key}", name=escape(plan.name, 120))
    lines = [title, *change_lines(plan.changes, most, texts)]
    if plan.left_alone:
        keys = join([code(name, 80) for name in plan.left_alone[:12]], ", ")
        lines.append(say(texts, "config.left_alone", keys=keys))
    return [
        Part(section(join(lines[start : start + _ON_A_LINE], "\n")), spare=0 if not start else 3)
        for start in range(0, len(lines), _ON_A_LINE)
    ]


def _change(change: KeyChange, texts: Texts) -> Mrkdwn:
    name = f"{change.key} › {change.inside}" if change.inside else change.key
    return say(
        texts,
        f"config.{change.become}",
        sign=_SIGNS[change.become],
        key=code(name, 150),
        before=_value(change.before, texts),
        after=_value(change.after, texts),
    )


def _value(value: str, texts: Texts) -> Mrkdwn:
    return code(value, 120) if value else Mrkdwn(f"_{texts('config.empty')}_")


def _apply(
    service: str,
    environment: str,
    fingerprint: str,
    count: int,
    of: dict[str, str],
    texts: Texts,
    restored: tuple[datetime, str] | None,
    restarts: bool,
) -> list[Block]:
    """Value: service, environment, fingerprint of what the reader saw, and which way it goes."""
    way = "restore" if restored else "apply"
    suffix = "_restore" if restored else ""
    then = texts(f"button.config_confirm.then.{'restarts' if restarts else 'keeps'}")
    style: Literal["primary"] = "primary"
    text = say_plain(texts, "button.config_confirm.text", 300, count=count, then=then, **of)
    press = button(
        texts(f"button.config.apply{suffix}"),
        f"{buttons.PREFIX}:configure",
        buttons.SEPARATOR.join((service, environment, fingerprint, way)),
        style=style,
        confirm=confirm(
            texts(f"button.config_confirm.title{suffix}"),
            text,
            texts(f"button.config_confirm.yes{suffix}"),
            texts("button.config_confirm.no"),
        ),
    )
    line = f"config {service} {environment}{' --restore' if restored else ''}"
    again = buttons.run(line, texts("button.config.again"))
    return [press, *([again] if again is not None else [])]
