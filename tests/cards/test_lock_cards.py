"""Whatever stands in a reason or a name of a lock: Slack takes the card, nobody is called."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.card import Card
from bot.cards.history import history_card
from bot.cards.lock import answer_card, held_card, lifted_card, lock_card, locks_card
from bot.cards.refusal import refusal_card
from bot.cards.status import status_card
from bot.domain.audit import AuditEntry, Head, chained
from bot.domain.lock import Kept, Lifted, Lock, LockAnswer, judge_locks
from bot.domain.status import Cell, Health, ServiceStatus, StatusMatrix
from bot.sandbox.slack.blocks import check_message_blocks
from bot.text import Texts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOSTILE = (
    "<!channel> <!here|x> @channel @HERE",
    "<@U0EVIL99> <#C0EVIL99>",
    "<https://evil.example|safe.example>",
    "```\nrm -rf /\n``` `code`",
    "\u202egnp.exe\u202c \x00\x1b[31mred \ud800",
    "{service.__class__} {0} {{}} %s",
    "<" * 5_000,
    "a|b|c",
    "👩\u200d🚀" * 3_000,
)
foreign = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.just(""))
OURS = re.compile(r"<@U0ANA00000>|<@U0BEN00000>|<!date\^\d+\^[^<>|]+\|[^<>|]+>")


def cards_of(lock: Lock, title: str, texts: Texts) -> list[Card]:
    cell = Cell("qa", Health.READY, "1.4.0", 1, 1, lock=lock)
    matrix = StatusMatrix((title,), (ServiceStatus("tasks-service", (cell,)),), NOW)
    gates = (judge_locks([lock], lock.service, "qa", "U0BEN00000", NOW),)
    entry = AuditEntry(NOW, "U0ANA00000", "slash", "lock", "*/qa", after=lock.recorded)
    record = chained(entry, Head())
    named: dict[str, Any] = {"service": "s", "environment_title": title, "version": "1"}
    return [
        *(
            lock_card(LockAnswer(kept, lock, lost=lock), "U0BEN00000", title, texts, NOW)
            for kept in (Kept.NEW, Kept.RENEWED, Kept.TAKEN)
        ),
        *(
            lifted_card(lifted, lock, "U0BEN00000", title, texts, NOW)
            for lifted in (Lifted.OWN, Lifted.SYSTEM, Lifted.FORCED)
        ),
        answer_card(Kept.TAKEN, lock, lock, title, texts, NOW, told=True),
        answer_card(Lifted.FORCED, lock, lock, title, texts, NOW, told=False),
        held_card(lock, title, "take", texts, NOW),
        held_card(lock, title, "lift", texts, NOW),
        locks_card([(lock, title)] * 30, "U0ANA00000", texts, NOW),
        refusal_card(gates, **named, line="deploy s qa", texts=texts),
        status_card(matrix, line="status", texts=texts, now=NOW),
        status_card(matrix, line="status", texts=texts, now=NOW, monospace=True),
        history_card(
            [record] * 10, title=title, older="", newer="", environment_title=str, texts=texts
        ),
    ]


def mrkdwn_of(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["text"])] if node.get("type") == "mrkdwn" else []
        return own + [text for value in node.values() for text in mrkdwn_of(value)]
    return [text for item in node for text in mrkdwn_of(item)] if isinstance(node, list) else []


@settings(max_examples=40, deadline=None)
@given(reason=foreign, title=foreign, service=st.sampled_from(["", "tasks-service"]))
def test_any_reason_and_title_make_harmless_cards(
    language: str, reason: str, title: str, service: str
) -> None:
    lock = Lock("qa", "U0ANA00000", NOW - timedelta(hours=1), service, reason, NOW)
    lasting = Lock("qa", "U0ANA00000", NOW, service, reason, NOW + timedelta(days=3))
    for card in (
        *cards_of(lock, title, Texts.of(language)),
        *cards_of(lasting, title, Texts.of(language)),
    ):
        blocks = json.loads(json.dumps(list(card.blocks)))
        check_message_blocks(blocks, lambda _: False)
        for text in (card.text, *mrkdwn_of(blocks)):
            text.encode()
            assert "<" not in OURS.sub("", text), text[:300]
            assert not re.search(r"@(channel|here|everyone)", text, re.IGNORECASE), text[:300]
