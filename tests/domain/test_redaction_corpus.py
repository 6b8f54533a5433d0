"""Every kind of secret is masked in every surrounding, and ordinary logs stay as they are."""

import time
from collections import Counter

import pytest

from bot.domain import secret_kinds
from bot.domain.redaction import MASK, redact
from tests.redaction_corpus import Planted, ordinary, secrets

PIECE = 8
"""A run of so many characters of a secret is a piece of it."""


def left_of(planted: Planted, shown: str) -> list[str]:
    size = min(PIECE, len(planted.secret))
    pieces = (planted.secret[i : i + size] for i in range(len(planted.secret) - size + 1))
    return [piece for piece in pieces if piece in shown]


def test_at_least_forty_kinds_are_masked_in_every_surrounding():
    planted = secrets()
    assert len({each.kind for each in planted}) >= 40
    missed = [each.kind for each in planted if left_of(each, redact(each.text))]
    assert missed == []


@pytest.mark.parametrize("between", ["\x1b[31m", "\x1b[0;1;38;5;9m", "\u200b", "\x00", "\u2060"])
def test_what_nobody_sees_in_the_middle_of_a_secret_does_not_hide_it(between):
    for each in secrets(seed=3):
        middle = len(each.secret) // 2
        split = each.secret[:middle] + between + each.secret[middle:]
        shown = redact(each.text.replace(each.secret, split))
        assert not left_of(each, shown), each.kind


def test_a_megabyte_of_ordinary_logs_is_left_alone():
    lines = ordinary()
    assert sum(map(len, lines)) >= 990_000 - len(lines)
    touched = Counter(line for line in lines if redact(line) != line)
    assert touched.total() <= len(lines) / 1000, touched.most_common(5)


def test_what_is_around_a_secret_can_be_read():
    for each in secrets():
        if each.text.startswith("request failed"):
            assert redact(each.text).startswith("request failed with ")


def test_all_patterns_of_the_library_are_used():
    names = Counter(kind.name for kind in secret_kinds.kinds())
    for plugin in secret_kinds._PLUGINS:
        assert names[plugin] >= 1, plugin


def test_e_mail_addresses_are_masked_where_that_is_asked():
    text = "user elena.ruiz+qa@yourapp.com logged in"
    assert redact(text) == text
    assert redact(text, emails=True) == f"user {MASK} logged in"
    assert redact("commit by git@github", emails=True) == "commit by git@github"


@pytest.mark.parametrize(
    "text",
    [
        "//:_authToken=" * 70_000,
        "aws" * 300_000,
        "eyJ" * 300_000,
        'password="' * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 40_000,
        "\x1b]" * 500_000,
        "<password>" * 100_000,
        "\u200b" * 1_000_000,
        "a@" * 500_000,
    ],
)
def test_a_megabyte_made_to_be_slow_is_not(text):
    started = time.perf_counter()
    redact(text, emails=True)
    assert time.perf_counter() - started < 5
