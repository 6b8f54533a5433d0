"""Figures as people read them, in both languages."""

import pytest

from bot.cards.figures import change, digits, figure, probability
from bot.domain.analysis import Unit
from bot.text import Texts

EN, ES = Texts.of("en"), Texts.of("es")


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [
        (0, "0", "0"),
        (3, "3", "3"),
        (4310.2, "4,310", "4.310"),
        (1_234_567, "1,234,567", "1.234.567"),
        (123.4, "123", "123"),
        (45.6, "46", "46"),
        (12.34, "12.3", "12,3"),
        (2.0, "2", "2"),
        (2.345, "2.3", "2,3"),
        (0.5, "0.5", "0,5"),
        (0.0213, "0.021", "0,021"),
        (0.00042, "0.00042", "0,00042"),
        (0.00001, "1e-05", "1e-05"),
        (-12.34, "-12.3", "-12,3"),
    ],
)
def test_two_digits_that_count_and_more_where_the_number_is_large(value, english, spanish):
    assert digits(value, EN) == english
    assert digits(value, ES) == spanish


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, Unit.RATIO, "–"),
        (0.0009, Unit.RATIO, "0.09 %"),
        (0.029, Unit.RATIO, "2.9 %"),
        (0.178, Unit.SECONDS, "178 ms"),
        (0.9994, Unit.SECONDS, "999 ms"),
        (0.9995, Unit.SECONDS, "1 s"),
        (119, Unit.SECONDS, "119 s"),
        (120, Unit.SECONDS, "2 min"),
        (512, Unit.BYTES, "512 B"),
        (1024, Unit.BYTES, "1 KiB"),
        (210 * 2**20, Unit.BYTES, "210 MiB"),
        (1.5 * 2**30, Unit.BYTES, "1.5 GiB"),
        (0.018, Unit.CORES, "0.018 CPU"),
        (3.9, Unit.PER_SECOND, "3.9/s"),
        (4310, Unit.COUNT, "4,310"),
    ],
)
def test_each_unit_has_its_sign(value, unit, shown):
    assert figure(value, unit, EN) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, 1, "–"),
        (1, None, "–"),
        (-1, 1, "–"),
        (0, 0, "="),
        (0, 3, "from 0"),
        (100, 100.4, "="),
        (100, 100.6, "+0.6 %"),
        (100, 102, "+2 %"),
        (100, 199, "+99 %"),
        (100, 200, "×2"),
        (0.0009, 0.029, "×32"),
        (100, 50, "−50 %"),
        (100, 0, "−100 %"),
    ],
)
def test_changes_are_in_percent_until_times_say_more(before, after, shown):
    assert change(before, after, EN) == shown


def test_changes_are_in_the_readers_language():
    assert change(0, 3, ES) == "desde 0"
    assert change(100, 240, ES) == "×2,4"


@pytest.mark.parametrize(
    ("p", "english", "spanish"),
    [
        (0.0001, "p < 0.001", "p < 0,001"),
        (0.001, "p = 0.001", "p = 0,001"),
        (0.02, "p = 0.02", "p = 0,02"),
        (1.0, "p = 1", "p = 1"),
    ],
)
def test_a_chance_too_small_to_matter_is_not_given_in_digits(p, english, spanish):
    assert probability(p, EN) == english
    assert probability(p, ES) == spanish
