"""A duration that the parser lets through is an amount of time."""

from datetime import timedelta

import pytest

from commands.command import Kind
from commands.durations import amount_of
from commands.words import is_valid


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta()),
        ("999999d999999d999999d999999d", timedelta(days=3_999_996)),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, amount: timedelta) -> None:
    assert is_valid(Kind.DURATION, text)
    assert amount_of(text) == amount
