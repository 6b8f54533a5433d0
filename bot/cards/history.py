"""What was done, a line each, newest first, with buttons to older and newer pages.

A line is the sentence `history.action.ACTION` (of a rollout's state `history.step.STATE`) with the
values of its record; a further action is one sentence more. One without is shown by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.hold import because
from bot.cards.mrkdwn import Mrkdwn, code, escape, join, moment, say, say_plain, user
from bot.cards.refusal import gate_sentence
from bot.domain.audit import DYNAMO, AuditEntry, AuditRecord, place_of
from bot.domain.gate import Gate, GateResult
from bot.text import Texts

_GATES = 3
_SIGNS: Mapping[str, str] = {
    "request": signs.POINTER,
    "refused": signs.HAND,
    "lock": signs.LOCKED,
    "take-lock": signs.LOCKED,
    "unlock": signs.UNLOCKED,
    "force-unlock": signs.UNLOCKED,
    "tick": signs.OK,
    "untick": signs.OPEN,
    "tick-refused": signs.HAND,
    "approve": signs.OK,
    "reject": signs.HAND,
    "analysed": signs.CHARTED,
    "burning": signs.WORSE,
    "regression": signs.WORSE,
    "config": signs.OK,
    "config-failed": signs.BAD,
}
_ANALYSES = frozenset({"analysed", "regression"})


def history_card(
    records: Sequence[AuditRecord],
    *,
    title: str,
    older: str,
    newer: str,
    environment_title: Callable[[str], str],
    texts: Texts,
) -> Card:
    """`title` names what was asked about, "" for everything; `older` and `newer` are the values of
    the buttons, "" where there is no such page."""
    heading = say_plain(texts, "history.title" if title else "history.title_all", 150, where=title)
    parts = [Part(header(heading))]
    lines = [history_line(record.entry, environment_title, texts) for record in records]
    parts += [Part(section(line, limit=900), spare=1) for line in lines]
    if not records:
        parts.append(Part(section(say(texts, "history.nothing"))))
    row = _pages(older, newer, texts)
    if row:
        parts.append(Part(actions(*row)))
    summary = say(texts, "history.text", count=len(records))
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def history_line(
    entry: AuditEntry, environment_title: Callable[[str], str], texts: Texts
) -> Mrkdwn:
    """ "24 Nov 12:03 · ✅ *tasks-service → QA*: 1.4.0 succeeded"."""
    values = _values(entry, environment_title, texts)
    state = str(entry.after.get("state", ""))
    step = entry.action == "step"
    key = f"history.step.{state}" if step else f"history.action.{entry.action}"
    sign = _step_sign(state) if step else _SIGNS.get(entry.action, "")
    unnamed = join([_who(entry.actor), code(entry.action), values["where"]], " ")
    sentence = Mrkdwn(texts.say(key, values, unnamed))
    told = Mrkdwn(f"{sign} {sentence}".lstrip())
    return join([moment(entry.at, "date"), told, _override(entry, texts)])


def _override(entry: AuditEntry, texts: Texts) -> Mrkdwn:
    """A rollout that passed gates by break-glass is marked so wherever it is told."""
    override = entry.after.get("override")
    if not isinstance(override, Mapping):
        return Mrkdwn("")
    said = say(
        texts,
        "history.override.line",
        who=_who(str(override.get("by", ""))),
        because=because(str(override.get("reason", "")), texts),
    )
    return Mrkdwn(f"{signs.WARNING} {said}")


def _values(
    entry: AuditEntry, environment_title: Callable[[str], str], texts: Texts
) -> dict[str, Any]:
    """Every single value of the record by its name, `after` over `before`; and those that a
    sentence needs in words."""
    flat = {**entry.before, **entry.after}
    shown: dict[str, Any] = {
        name: escape(value, 200) if isinstance(value, str) else value
        for name, value in flat.items()
        if isinstance(value, str | int | float)
    }
    kind = str(flat.get("kind", ""))
    if f"history.kind.{kind}" in texts:
        shown["version"] = Mrkdwn(texts.say(f"history.kind.{kind}", shown, ""))
    if isinstance(wanted := flat.get("wanted"), str):
        shown["wanted"] = Mrkdwn(texts.say(f"word.verb.{wanted}", {}, escape(wanted, 60)))
    if entry.action in _ANALYSES:
        shown["found"] = Mrkdwn(texts.say(f"reading.verdict.{flat.get('result')}".lower(), {}, "–"))
        shown["follows"] = Mrkdwn(texts.say(f"history.follow.{flat.get('follow')}", {}, "–"))
    lost = str(entry.before.get("owner", ""))
    return {
        **shown,
        "who": _who(entry.actor),
        "where": _where(entry.subject, environment_title),
        "because": because(str(flat.get("reason") or ""), texts),
        "lost": _who(lost) if lost else Mrkdwn(""),
        "asked_by": _who(str(flat.get("asked_by", ""))),
        "gates": _gates(entry.after.get("gates"), texts),
    }


def _gates(gates: object, texts: Texts) -> Mrkdwn:
    """What stood in the way, in the words of the gates."""
    if not isinstance(gates, list):
        return Mrkdwn("")
    failing = [
        GateResult(Gate.CLUSTER, False, str(gate.get("code", "")), dict(gate.get("values") or {}))
        for gate in gates
        if isinstance(gate, Mapping) and not gate.get("ok")
    ]
    said = [gate_sentence(gate, texts) for gate in failing[:_GATES]]
    return join([*said, Mrkdwn("…")] if len(failing) > _GATES else said, "; ")


def _where(subject: str, environment_title: Callable[[str], str]) -> Mrkdwn:
    service, environment = place_of(subject)
    names = [service, environment_title(environment) if environment else ""]
    return join([escape(name, 60) for name in names if name], " → ")


def _who(actor: str) -> Mrkdwn:
    return Mrkdwn("Dynamo") if actor == DYNAMO else user(actor)


def _step_sign(state: str) -> str:
    return next((sign for known, sign in signs.STATE.items() if known == state), "")


def _pages(older: str, newer: str, texts: Texts) -> list[Block]:
    row = [
        buttons.page("newer", newer, texts) if newer else None,
        buttons.page("older", older, texts) if older else None,
    ]
    return [button for button in row if button is not None]
