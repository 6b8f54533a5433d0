"""The manifest, and what the API server makes of it: a dry run, its refusal told in full."""

import asyncio
from dataclasses import dataclass

from bot.domain.gate import Gate, GateResult
from bot.domain.verdict import Value
from bot.errors import PortError, Trouble
from bot.ports import Applied
from bot.workflows.edges import Edges, Place
from bot.workflows.gates.facts import Facts
from bot.workflows.manifest import render_deployment
from config.manifests import ManifestError


@dataclass(frozen=True, slots=True)
class DryRun:
    """`applied` is None where it did not come to that."""

    gates: tuple[GateResult, ...]
    applied: Applied | None = None


async def dry_run(facts: Facts, edges: Edges) -> DryRun:
    """Raises PortError when the cluster does not answer."""
    place, look = facts.place, facts.look
    replicas = look.deployment.desired if look.deployment else None
    try:
        manifest = await asyncio.to_thread(
            render_deployment, place, facts.chosen.image, facts.chosen.version, replicas=replicas
        )
    except ManifestError as error:
        return DryRun((_unsound(error, place),))
    found = GateResult(Gate.MANIFEST, True, "MANIFEST_FOUND")
    try:
        applied = await edges.cluster.apply(place.context, place.namespace, manifest, dry_run=True)
    except PortError as error:
        if error.temporary:
            raise
        return DryRun((found, refused_by_server(error, place)))
    return DryRun((found, GateResult(Gate.CLUSTER, True, "ACCEPTED")), applied)


def _unsound(error: ManifestError, place: Place) -> GateResult:
    missing = not place.service.manifests.exists()
    where: dict[str, Value] = {"path": str(error.path), "line": error.line}
    code = "MANIFEST_MISSING" if missing else "MANIFEST_INVALID"
    return GateResult(Gate.MANIFEST, False, code, {**where, "message": str(error)})


def refused_by_server(error: PortError, place: Place) -> GateResult:
    values: dict[str, Value] = {"namespace": place.namespace, **error.values}
    code = {
        Trouble.CONFLICT: "CONFLICT",
        Trouble.FORBIDDEN: "FORBIDDEN",
        Trouble.NOT_FOUND: "NAMESPACE_MISSING",
    }.get(error.trouble, "REFUSED")
    return GateResult(Gate.CLUSTER, False, code, values)
