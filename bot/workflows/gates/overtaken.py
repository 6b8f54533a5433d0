"""No newer release came there while this one waited: it would go back, which nobody has asked for.

Whoever asks for an older release asks for it against what runs at that moment; this is about what
came since. Newer is what the git host says comes after it; where it does not say, the image that
was made later. What neither tells stays as it was asked for.
"""

from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.rollout import RolloutState, Running
from bot.workflows.comparing import commits_between
from bot.workflows.edges import Edges, Place
from bot.workflows.gates.facts import Facts
from bot.workflows.version import running_image

_ASKED = frozenset({"", "BACKWARDS"})  # `Commits.unknown` where the git host has answered


async def overtaken(facts: Facts, edges: Edges) -> GateResult | None:
    """None where nothing has overtaken it."""
    place, mine = facts.place, facts.chosen.image
    found = facts.look.deployment
    there = running_image(found, place.service.container) if found else None
    if facts.since is None or there is None or there.digest in ("", mine.digest):
        return None
    came = [
        each
        for each in await edges.store.recent(place.service.name, place.environment.name)
        if each.state is RolloutState.SUCCEEDED
        and each.kind.brings_release
        and each.image.digest == there.digest
        and each.finished_at is not None
        and each.finished_at > facts.since
    ]
    if not came or not await _is_newer(place, came[0].image, mine, edges):
        return None
    values = {
        "version": facts.chosen.version,
        "newer": came[0].version,
        "at": came[0].finished_at.isoformat() if came[0].finished_at else "",
    }
    return GateResult(Gate.ORDER, False, "OVERTAKEN", values)


async def _is_newer(place: Place, image: Image, than: Image, edges: Edges) -> bool:
    commits = await commits_between(place, Running("", than.digest), image, edges)
    if commits.unknown in _ASKED:
        return not commits.unknown
    one, other = [
        await edges.images.resolve(place.service.image, each.digest) for each in (image, than)
    ]
    if one.created_at is None or other.created_at is None:
        return False
    return one.created_at > other.created_at
