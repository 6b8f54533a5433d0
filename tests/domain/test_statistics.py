"""The tests behind verdicts, against scipy's own and against what must hold for any samples."""

import math
import random
import statistics

import pytest
import scipy  # its `stats` takes a second to load: by the test that first asks for it
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.statistics import holm, mad, p_of_more, rise_of

SAMPLES = st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=2, max_size=40)


def test_many_more_errors_are_no_chance_and_few_more_are():
    assert p_of_more(1, 1000, 30, 1000) < 1e-6
    assert p_of_more(1, 1000, 2, 1000) > 0.3


@pytest.mark.parametrize(
    "counts", [(1, 1000, 30, 1000), (0, 50, 3, 40), (10, 10, 5, 5), (7, 900, 4, 1200)]
)
def test_few_errors_are_judged_by_fishers_exact_test(counts):
    wrong, before, errors, after = counts
    table = [[errors, after - errors], [wrong, before - wrong]]
    expected = scipy.stats.fisher_exact(table, alternative="greater").pvalue
    assert p_of_more(*counts) == pytest.approx(expected, rel=1e-9)


def test_many_errors_are_judged_by_proportions_with_nearly_the_same_p():
    exact = float(scipy.stats.hypergeom.sf(1599, 200_000, 3100, 100_000))
    assert p_of_more(1500, 100_000, 1600, 100_000) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("counts", [(0, 0, 5, 10), (5, 10, 0, 0), (0, 100, 0, 100), (5, 5, 5, 5)])
def test_where_there_is_nothing_to_compare_nothing_is_found(counts):
    assert p_of_more(*counts) == 1.0


def test_holm_multiplies_the_smallest_p_by_how_many_there_are():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=12))
def test_holm_never_makes_a_p_smaller_and_keeps_their_order(ps):
    adjusted = holm(ps)
    assert all(after >= before for before, after in zip(ps, adjusted, strict=True))
    ranked = [after for _, after in sorted(zip(ps, adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_the_rise_of_noise_without_a_change_is_small_and_of_a_doubling_is_plain():
    quiet = [100 + each % 7 for each in range(30)]
    same = rise_of(quiet, quiet[:12])
    doubled = rise_of(quiet, [2 * each for each in quiet[:12]])
    assert same.p > 0.4
    assert not same.stands_out(1.25)
    assert doubled.p < 1e-5
    assert doubled.ratio == pytest.approx(2, rel=0.05)
    assert doubled.stands_out(2.5)


def test_p_is_that_of_scipys_mann_whitney_and_1_where_all_samples_are_equal():
    before, after = [1.0, 2, 3, 4, 5, 6], [4.0, 5, 6, 7]
    expected = scipy.stats.mannwhitneyu(
        after, before, alternative="greater", method="asymptotic"
    ).pvalue
    assert rise_of(before, after).p == pytest.approx(expected)
    assert rise_of([5.0] * 10, [5.0] * 5).p == 1.0


def test_a_lone_spike_neither_hides_a_rise_nor_makes_one():
    quiet = [100.0 + each % 5 for each in range(29)]
    loud = [200.0 + each % 5 for each in range(14)]
    loud[3] = 5000.0
    quiet[5] = 5000.0
    assert rise_of(quiet, loud).stands_out(2.5)
    spiked = quiet[:14]
    assert rise_of(quiet[14:], spiked).ratio < 1.05


def _resembling(dice: random.Random, alike: float, length: int) -> list[float]:
    found = [dice.gauss(0, 1)]
    for _ in range(length - 1):
        found.append(alike * found[-1] + math.sqrt(1 - alike**2) * dice.gauss(0, 1))
    return [math.exp(0.3 * each) for each in found]


def test_windows_whose_minutes_resemble_each_other_stray_further_apart_by_themselves():
    dice = random.Random(5)
    found = {
        alike: statistics.median(
            rise_of(_resembling(dice, alike, 29), _resembling(dice, alike, 14)).strays
            for _ in range(60)
        )
        for alike in (0.0, 0.5, 0.8)
    }
    assert 1 < found[0.0] < 1.5 < found[0.5] < 2.5 < found[0.8]


def test_how_far_windows_stray_is_that_of_the_t_test_where_no_minute_resembles_another():
    before, after = [1.0, 2.0] * 14, [1.0, 2.0] * 7  # neighbours differ: as good as independent
    expected = scipy.stats.t.isf(0.001, 42 - 2) * math.sqrt(1 / 28 + 1 / 14)
    assert rise_of(before, after).strays == pytest.approx(expected)


def test_other_windows_make_noise_better_known_and_a_loud_one_makes_it_larger():
    before, after = [1.0, 1.5] * 14, [1.0, 1.5] * 7
    alone, together = rise_of(before, after), rise_of(before, after, [before, after])
    assert together.strays < alone.strays
    assert (together.ratio, together.p, together.mad) == (alone.ratio, alone.p, alone.mad)
    loud = [[each**3 for each in window] for window in (before, after)]
    assert rise_of(before, after, loud).noise == pytest.approx(3 * alone.noise)


@given(SAMPLES, SAMPLES)
def test_how_far_windows_stray_is_a_number_for_any_samples(before, after):
    assert 0 < rise_of(before, after).strays < math.inf


def test_nothing_before_and_something_after_is_an_endless_rise():
    rise = rise_of([0.0] * 10, [0.3] * 5)
    assert rise.ratio == math.inf
    assert rise.stands_out(2.5)
    assert rise_of([0.0] * 10, [0.0] * 5).ratio == 1.0


@given(SAMPLES, SAMPLES)
def test_scaling_both_windows_changes_neither_ratio_nor_p_nor_noise(before, after):
    rise = rise_of(before, after)
    scaled = rise_of([8 * each for each in before], [8 * each for each in after])
    assert scaled.p == pytest.approx(rise.p)
    assert scaled.ratio == pytest.approx(rise.ratio)
    assert scaled.noise == pytest.approx(rise.noise, abs=1e-9)


def test_the_median_absolute_deviation_of_normal_noise_is_its_sigma():
    noise = scipy.stats.norm.rvs(size=4000, random_state=3, scale=5).tolist()
    assert mad(noise) == pytest.approx(5, rel=0.05)
