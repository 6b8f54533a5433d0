"""Which releases a place can go back to: those that were seen to run well there. Pure.

Not the previous revision, which may itself have failed, and of which `kubectl rollout undo` twice
is no undo at all (research/rollouts.md §5, (a) and (b)). The newest word about a release counts:

    it was rolled out to a good end, and no analysis of it failed       good
    it ran healthy when another one took its place                      good, unless more is known
    its rollout failed, was cancelled on its way, or an analysis failed not good
    a rollback went away from it                                        not good

so that a rollback after a rollback goes further back, and never to what was left.
"""

from collections.abc import Callable, Iterable, Iterator

from bot.domain.kind import GoodRelease, Kind
from bot.domain.rollout import Rollout, RolloutState

Judged = Callable[[Rollout], bool]
"""Whether something else than the rollout itself speaks against it: an analysis that failed."""


def is_good(rollout: Rollout, failed_later: Judged = lambda _: False) -> bool:
    """Whether this rollout brought a release that ran well."""
    well = rollout.state is RolloutState.SUCCEEDED and rollout.kind.brings_release
    return well and rollout.image.digest != "" and not failed_later(rollout)


def good_releases(
    rollouts: Iterable[Rollout], failed_later: Judged = lambda _: False
) -> tuple[GoodRelease, ...]:
    """Of the rollouts of one place, newest first: what it can go back to, the latest first."""
    said: dict[str, GoodRelease | None] = {}
    guesses: dict[str, GoodRelease] = {}
    for rollout in rollouts:
        for digest, good in _words(rollout, failed_later):
            said.setdefault(digest, good)
        guess = _ran_before(rollout)
        if guess is not None:
            guesses.setdefault(guess.digest, guess)
    for digest, guess in guesses.items():
        said.setdefault(digest, guess)
    good_ones = [release for release in said.values() if release is not None]
    return tuple(sorted(good_ones, key=lambda each: each.seen_at, reverse=True))


def ways_back(good: Iterable[GoodRelease], running: str) -> tuple[GoodRelease, ...]:
    """Without the one that runs: going there is no way back."""
    return tuple(release for release in good if release.digest != running)


def _words(rollout: Rollout, failed_later: Judged) -> Iterator[tuple[str, GoodRelease | None]]:
    """What a rollout says about releases."""
    if rollout.before_generation is None or not rollout.kind.brings_release:
        return  # nothing was touched, or nothing was brought
    digest = rollout.image.digest
    if is_good(rollout, failed_later):
        seen_at = rollout.finished_at or rollout.requested_at
        yield digest, GoodRelease(digest, rollout.version, seen_at)
    elif rollout.state is not RolloutState.SUPERSEDED and rollout.state.final:
        yield digest, None
    if rollout.kind is Kind.ROLLBACK and rollout.before is not None and rollout.before.digest:
        yield rollout.before.digest, None


def _ran_before(rollout: Rollout) -> GoodRelease | None:
    """What another one took the place of, where all of it was ready."""
    before = rollout.before
    if rollout.kind is not Kind.DEPLOY or rollout.before_generation is None or before is None:
        return None
    if not before.digest or not before.ready == before.desired > 0:
        return None
    return GoodRelease(before.digest, before.version, rollout.requested_at)
