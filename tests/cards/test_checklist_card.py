"""The checklist's message: within Slack's limits whatever people write, new block ids each time,
and evidence that calls nobody and leads only where it shows."""

import json
from datetime import UTC, datetime

import pytest

from bot.cards.blocks import BLOCKS, BUDGET, BUDGET_JSON, shown_texts
from bot.cards.checklist import checklist_card, evidence, evidence_error
from bot.cards.mrkdwn import size
from bot.domain.checklist import Checklist, Tick
from bot.sandbox.slack.blocks import check_message_blocks
from bot.text import Texts
from config.catalog import ChecklistItem, Localized

NOW = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
DIGEST = "sha256:" + "ab12" * 16
WORDS = [
    "<!channel> <@U0EVIL99> @here",
    "<https://evil.example|https://bank.example>",
    "javascript:alert(1)",
    "https://evil.example/|x>y",
    "```\ncode\n```",
    "\u202egnp.exe\x00\x1b[31m",
    "&<>" * 333,
    "👩\u200d🚀" * 300,
    "a" * 1_000,
    "note " * 150 + "https://example.com/" + "p" * 200,
]


def items(count: int) -> tuple[ChecklistItem, ...]:
    text = Localized("An item of the list", "Un punto de la lista")
    return tuple(ChecklistItem(f"item-{n}", text, role="qa") for n in range(count))


def a_list(count: int, words: str = "", revision: int = 0) -> Checklist:
    ticks = {f"item-{n}": Tick("U0CARLA000", NOW, words) for n in range(count)} if words else {}
    return Checklist("tasks-service", DIGEST, "1.4.0", NOW, ticks=ticks, revision=revision)


@pytest.mark.parametrize("count", [1, 5, 20])
@pytest.mark.parametrize("words", ["", *WORDS])
def test_slack_takes_the_message_whatever_stands_in_it(
    count: int, words: str, language: str
) -> None:
    card = checklist_card(
        a_list(count, words),
        items(count),
        {"qa": "S0QATESTER"},
        environment_title="Production",
        texts=Texts.of(language),
    )
    check_message_blocks(json.loads(json.dumps(list(card.blocks))), lambda file: False)
    assert len(card.blocks) <= BLOCKS
    assert sum(map(size, shown_texts(list(card.blocks)))) <= BUDGET
    assert len(json.dumps(list(card.blocks))) <= BUDGET_JSON
    shown = "\n".join(shown_texts(list(card.blocks)))
    assert shown.count("An item of the list") + shown.count("Un punto de la lista") == count
    for call in ("<!channel>", "<@U0EVIL99>", "@here", "|https://bank.example>", "\u202e"):
        assert call not in shown


def test_each_revision_has_block_ids_of_its_own() -> None:
    def ids(revision: int) -> set[str]:
        card = checklist_card(
            a_list(3, revision=revision),
            items(3),
            {},
            environment_title="Production",
            texts=Texts.of("en"),
        )
        return {str(block["block_id"]) for block in card.blocks}

    assert len(ids(1)) == 1 + 2 * 3 + 1
    assert not ids(1) & ids(2)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://ci/7", "<https://ci/7|evidence>"),
        ("load test: https://ci/7", "<https://ci/7|load test>"),
        ("load test\nhttps://ci/7", "<https://ci/7|load test>"),
        ("tried by hand", "“tried by hand”"),
        ("see https://ci/7 and more", "“see https://ci/7 and more”"),
        ("https://evil.example|https://bank.example", "https://evil.example|https://bank.example"),
        ("   ", ""),
    ],
)
def test_evidence_is_a_link_where_it_is_one_and_else_a_quotation(written: str, shown: str) -> None:
    found = evidence(written, Texts.of("en"))
    assert found == shown or (found == "evidence" and "|" in written)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [("x" * 1_000, False), ("x" * 1_001, True), ("x" * 10_000, True), ("", False)],
)
def test_evidence_is_refused_when_it_is_too_long(written: str, wrong: bool) -> None:
    assert bool(evidence_error(written, Texts.of("en"))) is wrong


@pytest.mark.parametrize(
    ("count", "offered"), [(12, ["dyn:tick", "dyn:evidence"]), (13, ["dyn:evidence"])]
)
def test_a_long_list_offers_one_button_for_each_item(count: int, offered: list[str]) -> None:
    card = checklist_card(
        a_list(count), items(count), {}, environment_title="Production", texts=Texts.of("en")
    )
    found = json.dumps(list(card.blocks))
    for action in ("dyn:tick", "dyn:evidence"):
        assert found.count(f'"{action}"') == count * (action in offered)
