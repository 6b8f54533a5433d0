"""Builders cut to Slack's limits whatever they get; `fit` leaves out what matters least."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.cards.blocks import (
    Part,
    actions,
    button,
    confirm,
    context,
    fields,
    fit,
    header,
    preformatted,
    section,
    shown_hash,
    table,
)
from bot.cards.card import Block, Card
from bot.cards.mrkdwn import Mrkdwn
from bot.cards.rollout import rollout_card
from bot.domain.rollout import Rollout
from bot.sandbox.slack.blocks import check_message_blocks
from bot.text import Texts

LONG = "x" * 100_000
OURS = Mrkdwn(LONG)


@pytest.mark.parametrize(
    "block",
    [
        header(LONG),
        header(""),
        section(OURS),
        section(Mrkdwn("")),
        fields([Mrkdwn("y" * 2_500)] * 3 + [Mrkdwn("z")] * 20),
        context(*[Mrkdwn("y" * 1_000)] * 30),
        actions(*[button(LONG, f"dyn:{n}", "v", spoken=LONG) for n in range(30)]),
        actions(button("", "dyn:x", "v", confirm=confirm(LONG, LONG, LONG, LONG, danger=True))),
        preformatted([LONG] * 100),
        preformatted([]),
        table([["a", ""]] * 300),
        table([["a", LONG] * 30] * 2),
    ],
    ids=lambda block: block["type"],
)
def test_a_builder_cuts_to_the_limit(block: Block) -> None:
    check_message_blocks(json.loads(json.dumps([block])), lambda file: False)


def test_a_value_that_would_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="2000"):
        button("Run", "dyn:run", LONG)


def test_the_last_lines_of_a_log_are_kept() -> None:
    block = preformatted([f"line {n}" for n in range(50)], last=3)
    text = block["elements"][0]["elements"][0]["text"]
    assert text == "line 47\nline 48\nline 49"


def test_what_matters_least_is_left_out_and_said() -> None:
    big = section(Mrkdwn("y" * 2_900))
    parts = [
        Part(header("kept")),
        *[Part(big, spare=2)] * 4,
        Part(context(Mrkdwn("near")), spare=1),
    ]
    card = fit(Mrkdwn("All."), parts, shortened=Mrkdwn("Shortened."))
    kinds = [block["type"] for block in card.blocks]
    assert kinds == ["header", "section", "section", "section", "context", "context"]
    assert card.blocks[-1]["elements"][0]["text"] == "Shortened."
    assert card.blocks[-2]["elements"][0]["text"] == "near"


def test_what_fits_is_left_alone() -> None:
    card = fit(Mrkdwn("All."), [Part(header("kept"), spare=9)], shortened=Mrkdwn("Shortened."))
    assert card == Card("All.", (header("kept"),))


def test_a_message_has_at_most_fifty_blocks() -> None:
    parts = [Part(header(str(n))) for n in range(80)]
    assert len(fit(Mrkdwn("All."), parts, shortened=Mrkdwn("Shortened.")).blocks) == 50


def test_time_alone_changes_no_card_of_a_rollout_under_way(
    rollouts: dict[str, Rollout], render: Callable[[Rollout, Texts], Card]
) -> None:
    texts = Texts.of("en")
    for name, rollout in rollouts.items():
        for now in (rollout.requested_at, rollout.requested_at + timedelta(hours=3)):
            later = rollout_card(
                rollout.with_(revision=99),
                environment_title="QA",
                base_url="https://qa.yourapp.com",
                texts=texts,
                now=now,
            )
            assert shown_hash(later) == shown_hash(render(rollout, texts)), name


def test_each_state_of_a_rollout_has_a_card_of_its_own(
    rollouts: dict[str, Rollout], render: Callable[[Rollout, Texts], Card]
) -> None:
    hashes = {shown_hash(render(rollout, Texts.of("en"))) for rollout in rollouts.values()}
    assert len(hashes) == len(rollouts)
