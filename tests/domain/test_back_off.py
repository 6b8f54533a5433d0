"""The waits between tries."""

from itertools import pairwise

from bot.domain.back_off import back_off


def test_each_wait_is_longer_than_the_one_before_until_half_a_minute():
    waits = [back_off(tries).total_seconds() for tries in range(6)]
    assert waits[0] == 1
    assert all(before < after for before, after in pairwise(waits))
    assert waits[-1] == 30


def test_who_tries_for_hours_still_asks_twice_a_minute():
    assert back_off(1_000) == back_off(5)
