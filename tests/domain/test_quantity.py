"""Kubernetes quantities as amounts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.quantity import parse_quantity, same_quantity


@pytest.mark.parametrize(
    ("one", "other"),
    [("1000m", "1"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1e3", "1k"), (2, "2"), ("1E", "1e18")],
)
def test_the_same_amount_in_other_words_is_the_same(one, other):
    assert same_quantity(one, other)


def test_binary_and_decimal_thousands_are_not_the_same():
    assert not same_quantity("1Gi", "1G")
    assert parse_quantity("1Gi") == Decimal(1024**3)


@pytest.mark.parametrize("text", ["", "many", "1e999999999", "1 Gi", "٣", True, None, "NaN", "1KB"])
def test_what_no_server_would_take_is_no_quantity(text):
    assert parse_quantity(text) is None


@given(st.text(max_size=40))
def test_no_text_makes_it_fail(text):
    parse_quantity(text)
