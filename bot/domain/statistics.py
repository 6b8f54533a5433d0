"""What tells after from before: the tests and sizes that verdicts on measurements rest on. Pure.

Samples are positive measurements at a fixed pace (one a minute), before and after a change. Three
questions are asked of them, and a rise counts only where all say so: could it be chance
(Mann–Whitney), is it large (ratio of the medians), does it stand out of what these samples do
anyway (`Rise.stands_out`). The last one is ours: minutes resemble their neighbours, so that
Mann–Whitney alone cries wolf in 8 to 19 of 100 unchanged releases (research/rollouts.md §3.6). How
much they do so is estimated from the samples themselves (`Rise.strays`). How the gates were set,
and the error rates that they leave, is in docs/analysis.md.

scipy loads in a second, so it is imported where it is used: in the workbench's process.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_MAD = 1.4826  # makes the median absolute deviation of normal noise its standard deviation
_DECILES = 2.5631  # that many standard deviations of normal noise lie between its outer deciles
_SMALLEST = 1e-12  # stands for 0 where a logarithm is taken
_MOST_EXACT = 2_000  # errors in both windows, up to which Fisher's test is quick
_STRAYING = 0.001  # how often a window strays so far by itself
_CLOSEST = 0.95  # of neighbours; beyond it some dozens of samples tell nothing at all


@dataclass(frozen=True, slots=True)
class Rise:
    """How much higher the samples after are. `p` is that of the one-sided Mann–Whitney test; `mad`
    the median absolute deviation before (as a standard deviation); `noise` what the logarithms
    vary by within a window, the largest of all, outer tenths left aside; `strays` how many times
    the noise two such windows lie apart in one of a thousand cases where nothing has changed."""

    before: float  # medians
    after: float
    p: float
    mad: float
    noise: float
    strays: float

    @property
    def ratio(self) -> float:
        if self.before <= 0:
            return math.inf if self.after > 0 else 1.0
        return self.after / self.before

    @property
    def difference(self) -> float:
        return self.after - self.before

    def stands_out(self, times: float) -> bool:
        """The logarithm of the ratio is so many times the noise."""
        if self.ratio <= 0:
            return False
        return math.log(self.ratio) >= times * self.noise


def load() -> None:
    """What takes long, while nobody waits for it yet."""
    import scipy.stats  # noqa: F401


def rise_of(
    before: Sequence[float], after: Sequence[float], others: Sequence[Sequence[float]] = ()
) -> Rise:
    """Neither may be empty. Equal samples throughout are no rise: p is 1. `others` are windows of
    the same signal at other times: what they vary by is noise as well."""
    logs = [_logs(window) for window in (before, after, *others)]
    return Rise(
        before=statistics.median(before),
        after=statistics.median(after),
        p=_mann_whitney(before, after),
        mad=mad(before),
        noise=max(_spread(window) for window in logs),
        strays=_strays(logs),
    )


def mad(samples: Sequence[float]) -> float:
    """The median absolute deviation, scaled so that for normal noise it is sigma."""
    middle = statistics.median(samples)
    return _MAD * statistics.median(abs(each - middle) for each in samples)


def p_of_more(errors_before: int, before: int, errors_after: int, after: int) -> float:
    """That errors are as frequent as before, one-sided: Fisher's exact test, and for many errors,
    where it is slow and no better, the test of two proportions."""
    if not before or not after or not errors_after:
        return 1.0
    if errors_before + errors_after <= _MOST_EXACT:
        from scipy.stats import hypergeom

        everything, bad = before + after, errors_before + errors_after
        return float(hypergeom.sf(errors_after - 1, everything, bad, after))
    pooled = (errors_before + errors_after) / (before + after)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / before + 1 / after))
    if not spread:
        return 1.0
    z = (errors_after / after - errors_before / before) / spread
    return 0.5 * math.erfc(z / math.sqrt(2))


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """The p of each of several tests, so that the chance of any false one stays what it says (Holm
    1979): the smallest times how many there are, the next times one less, and so on."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = highest
    return tuple(adjusted)


def _mann_whitney(before: Sequence[float], after: Sequence[float]) -> float:
    if min(*before, *after) == max(*before, *after):
        return 1.0  # all equal: the test has nothing to rank
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(after, before, alternative="greater", method="asymptotic").pvalue)


def _logs(samples: Sequence[float]) -> list[float]:
    return [math.log(max(each, _SMALLEST)) for each in samples]


def _spread(logs: Sequence[float]) -> float:
    """Interdecile, so that a lone spike neither hides a rise nor makes one."""
    ordered = sorted(logs)
    return (_quantile(ordered, 0.9) - _quantile(ordered, 0.1)) / _DECILES


def _strays(windows: Sequence[Sequence[float]]) -> float:
    """Of the first two windows, by a t-test whose samples count as many as they are worth where
    neighbours are alike (the effective sample size of Zwiers and von Storch 1995)."""
    from scipy.special import stdtrit

    alike = _likeness(windows)
    everything = sum(len(window) for window in windows)
    worth = everything * (1 - alike) / (1 + alike)
    apart = math.sqrt(sum(_variance_of_mean(alike, len(window)) for window in windows[:2]))
    return -float(stdtrit(max(1.0, worth - len(windows)), _STRAYING)) * apart


def _likeness(windows: Sequence[Sequence[float]]) -> float:
    """The correlation of neighbours over all windows, corrected for what short windows hide of it
    (Kendall 1954). Below 0, which would make every rise plainer than it is, counts as 0."""
    squares = products = 0.0
    for window in windows:
        middle = statistics.fmean(window)
        off = [each - middle for each in window]
        squares += sum(each * each for each in off)
        if len(off) > 1:
            pairs = sum(one * next_ for one, next_ in pairwise(off))
            products += pairs * len(off) / (len(off) - 1)
    found = products / squares if squares else 0.0
    length = sum(len(window) for window in windows) / len(windows)
    return min(max(found + (1 + 3 * found) / length, 0.0), _CLOSEST)


def _variance_of_mean(alike: float, length: int) -> float:
    """Of so many samples with variance 1, each of which resembles the one before."""
    if not alike:
        return 1 / length
    lost = 2 * alike * (1 - alike**length) / (length * (1 - alike) ** 2)
    return ((1 + alike) / (1 - alike) - lost) / length


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
