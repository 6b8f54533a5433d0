"""Cards as text: nothing of Slack's marks is left, and nothing steers the terminal."""

import pytest

from bot.cards.blocks import actions, button, context, header, preformatted, section, table
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, escape, link, user
from bot.cards.terminal import as_text, words


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        ("*bold* and _italic_", "bold and italic"),
        ("<@U0BEN00000> in <#C0QA>", "@U0BEN00000 in #C0QA"),
        ("<!subteam^S0RELEASERS>", "@S0RELEASERS"),
        ("<!date^1700000000^{time}|10:13>", "10:13"),
        ("<https://x.example/a?b=1&amp;c=2|the card>", "the card (https://x.example/a?b=1&c=2)"),
        ("`a_b_c *x*` &lt;b&gt;", "`a_b_c *x*` <b>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
    ],
)
def test_marks_become_words(mrkdwn: str, shown: str) -> None:
    assert words(mrkdwn) == shown


def test_a_card_is_read_from_top_to_bottom() -> None:
    blocks = (
        header("✅ tasks-service → QA"),
        section(Mrkdwn(f"*{escape('1 < 2')}* by {user('ci-tasks')}")),
        table([["service", "version"], ["tasks-service", "1.4.0"]]),
        preformatted(["one", "two"]),
        context(code("deploy"), link("https://x.example", "more")),
    )
    assert as_text(Card("text", blocks)).splitlines() == [
        "✅ tasks-service → QA",
        "1 < 2 by ci-tasks",
        "service        version",
        "tasks-service  1.4.0",
        "one",
        "two",
        "`deploy`  more (https://x.example)",
    ]


def test_of_buttons_only_lines_are_told() -> None:
    row = actions(button("/dynamo status qa", "a", "status qa"), button("Cancel", "b", "x"))
    assert as_text(Card("", (section(Mrkdwn("Did you mean")), row))) == (
        "Did you mean\n  /dynamo status qa"
    )


def test_what_was_cut_is_told_whole_and_a_card_without_blocks_is_its_sentence() -> None:
    assert as_text(Card("*all* well", ())) == "all well"
    assert as_text(Card("a", (section(Mrkdwn("b")),), full="c")) == "b\nc"


def test_foreign_text_cannot_steer_the_terminal() -> None:
    shown = as_text(Card("", ({"type": "header", "text": {"text": "a\x1b[2Jb\u202ec\r"}},)))
    assert shown == "a[2Jbc"


def test_marks_around_code_go_and_the_code_stays():
    assert words("• `replicas`: `3` → `4` _(`replicas`)_ *`a_b_c`*") == (
        "• `replicas`: `3` → `4` (`replicas`) `a_b_c`"
    )
    assert words("`a` \x00 _`b`_") == "`a`  `b`", "what holds the place of code cannot be written"


def test_code_that_holds_nothing_but_a_control_character_takes_no_word_with_it() -> None:
    assert words("see `\x01` then `x` done") == "see `` then `x` done"
