"""Refused before anything was touched: every reason at once, each with what would meet it.

`gate_parts` is also what the card of a rollout shows that was refused at its turn, and what a dry
run answers. The words are in `bot/text` under `gate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.demands import demand_values, role_count
from bot.cards.evidence import server_parts
from bot.cards.hold import hold_values
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    people,
    plain,
    say,
    say_plain,
)
from bot.domain.gate import Gate, GateResult, all_open
from bot.domain.verdict import Value
from bot.text import Texts

SUMMARY = 150
_NAME = 60
_OF_A_LOCK = ("service", "environment", "owner", "since", "where")


def refusal_card(
    gates: Sequence[GateResult],
    *,
    service: str,
    environment_title: str,
    version: str,
    line: str,
    texts: Texts,
    ask: Block | None = None,
) -> Card:
    """The private answer to a request that was not let through. `ask`: the button that asks others
    for what is missing, where this person may."""
    names = _names(service, environment_title, version)
    failing = [gate for gate in gates if not gate.ok]
    reason = plain(gate_sentence(failing[0], texts), 90) if failing else ""
    parts = [
        Part(header(say_plain(texts, "refusal.header", 150, sign=signs.HAND, **names))),
        Part(section(say(texts, "refusal.state"))),
        *gate_parts(gates, texts),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    row = [*([ask] if ask else []), *_next_buttons(failing, service, version, line, texts)]
    if row:
        parts.append(Part(actions(*row)))
    summary = say(texts, "refusal.text", reason=reason, **names)
    note = say(texts, "common.shortened_here")
    card = fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=note)
    return replace(card, denied=any(gate.gate is Gate.PERMISSION for gate in failing))


def _next_buttons(
    failing: Sequence[GateResult], service: str, version: str, line: str, texts: Texts
) -> list[Block]:
    """The environment that comes first, where that is missing; and the same line again, unless
    only another person could have more luck with it."""
    row: list[Block | None] = []
    for gate in failing:
        if gate.code == "NOT_RUN_BEFORE":
            first = str(gate.values.get("environment", ""))
            label = say_plain(texts, "button.deploy_first", 75, environment=first)
            row.append(buttons.run(f"deploy {service} {first} {version}", label, primary=True))
        if gate.code == "CHECKLIST_OPEN":
            digest = str(gate.values.get("digest", ""))
            row.append(buttons.open_checklist(service, digest, texts, primary=len(failing) == 1))
        if gate.code == "LOCKED" and len(failing) == 1:
            row.append(_take(gate, texts))
    if all(gate.gate is not Gate.PERMISSION for gate in failing):
        place = 2 if any(row) else 1
        row.append(buttons.run(line, texts("button.try_again"), place=place))
    return [button for button in row if button is not None]


def _take(gate: GateResult, texts: Texts) -> Block | None:
    """Where another's lock alone is in the way: it can be taken over, after a question."""
    of = {name: str(gate.values.get(name, "")) for name in _OF_A_LOCK}
    return buttons.over_lock(
        of["service"], of["environment"], of["owner"], of["since"], "take", of["where"], texts
    )


def dry_run_card(
    gates: Sequence[GateResult],
    *,
    service: str,
    environment_title: str,
    version: str,
    line: str,
    deploy_line: str,
    texts: Texts,
) -> Card:
    """The private answer to `--dry-run`: what would happen, and a button that does it."""
    names = _names(service, environment_title, version)
    kind = "accepted" if all_open(gates) else "refused"
    sign = signs.OK if all_open(gates) else signs.HAND
    parts = [
        Part(header(say_plain(texts, f"dry_run.{kind}.header", 150, sign=sign, **names))),
        Part(section(say(texts, f"dry_run.{kind}.state"))),
        *gate_parts(gates, texts),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    go = buttons.run(deploy_line, say_plain(texts, "button.deploy", 75, **names), primary=True)
    if all_open(gates) and go is not None:
        parts.append(Part(actions(go)))
    summary = say(texts, f"dry_run.{kind}.text", **names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def gate_parts(gates: Sequence[GateResult], texts: Texts) -> list[Part]:
    """Failing gates first, each with what would meet it; then those that are met, in one line;
    then the server's own words in full."""
    failing = [gate for gate in gates if not gate.ok]
    parts = [Part(section(_failing(gate, texts), limit=1_500)) for gate in failing]
    parts += [told_part(gate, texts) for gate in gates if gate.ok and gate.warns]
    met = [
        Mrkdwn(f"{signs.OK} {escape(gate_sentence(gate, texts), 200)}")
        for gate in gates
        if gate.ok and not gate.warns
    ]
    if met:
        parts.append(Part(context(join(met, "   ")), spare=2))
    for gate in failing:
        message = str(gate.values.get("message", ""))
        parts += server_parts(message)
    return parts


def told_part(gate: GateResult, texts: Texts) -> Part:
    """What is told although it stops nothing, or no longer does."""
    return Part(section(_failing(gate, texts, signs.WARNING), limit=1_500), spare=2)


def gate_sentence(gate: GateResult, texts: Texts) -> Mrkdwn:
    """What one gate found, as mrkdwn; an unknown code is shown as it is."""
    return Mrkdwn(
        texts.say(f"gate.code.{gate.code}", _shown(gate.values, texts), escape(gate.code))
    )


def _failing(gate: GateResult, texts: Texts, sign: str = "") -> Mrkdwn:
    sign = sign or (signs.BUSY if gate.opens_by_itself else signs.BAD)
    line = Mrkdwn(f"{sign} *{gate_sentence(gate, texts)}*")
    fix = texts.say(f"gate.fix.{gate.code}", _shown(gate.values, texts), "")
    return join([line, Mrkdwn(fix)], "\n")


def _shown(values: Mapping[str, Value], texts: Texts) -> dict[str, object]:
    shown: dict[str, object] = {
        name: escape(value, 200) if isinstance(value, str) else value
        for name, value in values.items()
    }
    for name in ("who", "given"):
        if name in values:
            shown[name] = people(str(values[name]))
    shown |= role_count(values)
    return {**shown, **hold_values(values, texts), **demand_values(values, texts)}


def _names(service: str, environment_title: str, version: str) -> dict[str, str]:
    return {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(version, _NAME),
    }
