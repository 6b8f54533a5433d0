"""shared-supabase and isolated-supabase: which environments share an instance, and may they.

An instance is known by the host of the address that a service is given (`SUPABASE_URL` and its
kind); no key is looked at. Looked at is the same service in every environment. Sharing is allowed
where both sides say so: an instance that belongs to an environment that promises to be isolated is
nobody else's.
"""

import re
from collections.abc import Iterable

from bot.domain.policy.finding import Evidence, Judged, Peer, Scene, Standing
from bot.domain.variables import Variable
from config.catalog import Policy

_NAME = re.compile(r"(?:[A-Z0-9]+_)*SUPABASE(?:_[A-Z0-9]+)*_URL|SUPABASE_URL")
_HOST = re.compile(
    r"[a-z][a-z0-9+.-]{1,15}://(?:[^/@\s]{0,400}@)?([^/:@\s?#]{1,253})", re.IGNORECASE
)


def instances_of(variables: Iterable[Variable]) -> frozenset[str]:
    """The hosts of the Supabase addresses among these variables."""
    found = set()
    for variable in variables:
        if variable.value and _NAME.fullmatch(variable.name):
            host = _HOST.match(variable.value.strip())
            if host is not None:
                found.add(host[1].lower())
    return frozenset(found)


def isolated_supabase(scene: Scene) -> Judged:
    mine = instances_of(scene.variables)
    if not mine:
        return _nothing(scene)
    sharing = [peer for peer in scene.peers if peer.instances & mine]
    if sharing:
        return Judged(Standing.BROKEN, "NOT_ISOLATED", _said(mine), _shared(sharing, mine))
    unknown = _unknown(scene.peers)
    if unknown:
        return Judged(Standing.UNKNOWN, "PEERS_UNKNOWN", _said(mine), unknown)
    return Judged(Standing.KEPT, "ISOLATED", _said(mine))


def shared_supabase(scene: Scene) -> Judged:
    """Sharing is what the environment says it does: whom it may not share with is the question."""
    mine = instances_of(scene.variables)
    if not mine:
        return _nothing(scene)
    sharing = [peer for peer in scene.peers if peer.instances & mine]
    forbidden = [peer for peer in sharing if Policy.ISOLATED_SUPABASE in peer.environment.policies]
    if forbidden:
        evidence = _shared(forbidden, mine)
        return Judged(Standing.BROKEN, "SHARES_AN_ISOLATED_ONE", _said(mine), evidence)
    code = "SHARED" if sharing else "SHARED_WITH_NONE"
    return Judged(Standing.KEPT, code, _said(mine), _shared(sharing, mine))


def _nothing(scene: Scene) -> Judged:
    """No address among the variables: nothing is shared, unless it could not be seen."""
    for right in scene.belongings.unread:
        if right.resource == "configmaps":
            values = {"verb": right.verb, "resource": right.resource}
            return Judged(Standing.UNKNOWN, "CANNOT_READ", {**values, "namespace": right.namespace})
    if not scene.pod:
        return Judged(Standing.UNKNOWN, "NOT_RUNNING")
    return Judged(Standing.EXEMPT, "NO_INSTANCE")


def _said(mine: frozenset[str]) -> dict[str, str | int | float]:
    return {"instance": ", ".join(sorted(mine))}


def _shared(peers: Iterable[Peer], mine: frozenset[str]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            "SHARES",
            {
                "environment": peer.environment.name,
                "instance": ", ".join(sorted(peer.instances & mine)),
            },
        )
        for peer in peers
    )


def _unknown(peers: Iterable[Peer]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence("PEER_UNKNOWN", {"environment": peer.environment.name, "why": peer.unknown})
        for peer in peers
        if peer.unknown
    )
