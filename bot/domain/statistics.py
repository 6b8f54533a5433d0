"""What tells after from before: the tests and sizes that verdicts on measurements rest on. Pure.

Samples are positive measurements at a fixed pace (one a minute), before and after a change. Three
questions are asked of them, and a rise counts only where all say so: could it be chance
(Mann–Whitney), is it large (ratio of the medians), does it stand out of what these samples do
anyway (`Rise.stands_out`). The last one is ours: minutes resemble their neighbours, so that
Mann–Whitney alone cries wolf in 8 to 19 of 100 unchanged releases (research/rollouts.md §3.6); how
the gates were set, and the error rates that they leave, is in docs/analysis.md.

scipy loads in a second, so it is imported where it is used: in the workbench's process.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_MAD = 1.4826  # makes the median absolute deviation of normal noise its standard deviation
_DECILES = 2.5631  # that many standard deviations of normal noise lie between its outer deciles
_SMALLEST = 1e-12  # stands for 0 where a logarithm is taken
_MOST_EXACT = 2_000  # errors in both windows, up to which Fisher's test is quick


@dataclass(frozen=True, slots=True)
class Rise:
    """How much higher the samples after are. `p` is that of the one-sided Mann–Whitney test; `mad`
    the median absolute deviation before (as a standard deviation); `noise` what the logarithms
    vary by within a window, the larger of both, outer tenths left aside."""

    before: float  # medians
    after: float
    p: float
    mad: float
    noise: float

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


def rise_of(before: Sequence[float], after: Sequence[float]) -> Rise:
    """Neither may be empty. Equal samples throughout are no rise: p is 1."""
    return Rise(
        before=statistics.median(before),
        after=statistics.median(after),
        p=_mann_whitney(before, after),
        mad=mad(before),
        noise=max(_log_spread(before), _log_spread(after)),
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


def _log_spread(samples: Sequence[float]) -> float:
    """Interdecile, so that a lone spike neither hides a rise nor makes one."""
    logs = sorted(math.log(max(each, _SMALLEST)) for each in samples)
    return (_quantile(logs, 0.9) - _quantile(logs, 0.1)) / _DECILES


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
