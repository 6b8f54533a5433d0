"""The tag that people read is still the image that was asked for: else it is another release.

What is applied is the digest, so nothing else could go by mistake; but who reads "1.4.0" on a card
would think of the image that is 1.4.0 now. Asked of what has waited; a tag that is gone has not
moved.
"""

from bot.domain.gate import Gate, GateResult
from bot.domain.image import is_digest
from bot.errors import PortError, Trouble
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def tag(facts: Facts, edges: Edges) -> GateResult | None:
    """None where it has not moved."""
    version = facts.chosen.version
    if facts.since is None or is_digest(version):
        return None
    try:
        found = await edges.images.resolve(facts.place.service.image, version)
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return None
        raise
    if found.image.digest in ("", facts.chosen.image.digest):
        return None
    return GateResult(Gate.IMAGE, False, "TAG_MOVED", {"version": version})
