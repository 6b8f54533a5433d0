"""How far one environment is behind another, in releases. Pure.

Counted from what ended well in the one that is ahead, not from version numbers: those are words. A
release that was taken back there is none that the other one lacks.
"""

from collections.abc import Sequence

from bot.domain.rollout import Rollout, RolloutState


def releases_behind(ahead: Sequence[Rollout], digest: str) -> tuple[str, ...] | None:
    """The versions that came to run well after this digest did, the oldest first; `ahead` are the
    rollouts of the environment that is ahead, the newest first. None where this digest is not known
    to have run there: then nobody can count."""
    came = [
        each
        for each in reversed(ahead)
        if each.kind.brings_release and each.state is RolloutState.SUCCEEDED
    ]
    if not came or not digest:
        return None
    before = came[0].before
    ran = [(before.digest, before.version)] if before is not None else []
    ran += [(each.image.digest, each.version) for each in came]
    places = [place for place, (known, _) in enumerate(ran) if known == digest]
    if not places:
        return None
    later: dict[str, str] = {}
    for known, version in ran[places[-1] + 1 :]:
        if known in later:  # went back to it: what came between was taken back
            kept = [*later]
            later = {each: later[each] for each in kept[: kept.index(known) + 1]}
        else:
            later[known] = version
    return tuple(later.values())
