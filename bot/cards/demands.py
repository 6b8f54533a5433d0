"""What cards say of the gates that a release has to meet: its checks as links, its checklist as
items with who may tick them. For gates (`refusal.py`) and whatever else shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.cards.mrkdwn import Mrkdwn, code, escape, join, link, people, say
from bot.cards.policy import finding_lines
from bot.domain.policy.finding import unpacked
from bot.domain.verdict import Value
from bot.text import Texts

_NAME = 80
_SHOWN = 20


def role_count(values: Mapping[str, object]) -> dict[str, object]:
    """How many roles a sentence names: "the role a", "one of the roles a, b"."""
    return {"count": len(str(values["roles"]).split(","))} if "roles" in values else {}


def demand_values(values: Mapping[str, Value], texts: Texts) -> dict[str, object]:
    """Of a gate's values those that a sentence needs in words: `checks`, `waiting`, `commit`."""
    shown: dict[str, object] = {}
    if "checks" in values:
        shown["checks"] = _checks(values["checks"])
    if "waiting" in values:
        shown["waiting"] = _waiting(values["waiting"], texts)
    if "findings" in values:
        shown["findings"] = finding_lines(unpacked(str(values["findings"])), texts)
    if "commit" in values:
        shown["commit"] = code(str(values["commit"]), _NAME)
    return shown


def _checks(value: Value) -> Mrkdwn:
    pairs = [pair for pair in _list(value) if isinstance(pair, list) and len(pair) == 2]
    return join([link(str(url), str(name), _NAME) for name, url in pairs[:_SHOWN]], ", ")


def _waiting(value: Value, texts: Texts) -> Mrkdwn:
    items = [item for item in _list(value) if isinstance(item, dict)]
    return join([_item(item, texts) for item in items[:_SHOWN]], ", ")


def _item(item: Mapping[str, Any], texts: Texts) -> Mrkdwn:
    name = escape(str(item.get(texts.language) or item.get("id", "")), _NAME)
    who = people(str(item.get("who", "")))
    return say(texts, "checklist.item_who", item=name, who=who) if who else name


def _list(value: Value) -> list[Any]:
    try:
        found = json.loads(str(value))
    except ValueError:
        return []
    return found if isinstance(found, list) else []
