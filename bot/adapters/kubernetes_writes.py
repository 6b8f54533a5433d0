"""Writing to a cluster: server-side apply as the field manager `dynamo`.

Three rules make an apply safe (research/rollouts.md §5). Nobody's field is taken without `force`;
fields that Dynamo itself holds under another operation (after an undo by patch) are its own. The
number of replicas is never sent where an autoscaler sets it. And a number of replicas that an
earlier manifest of Dynamo's set is handed to a caretaker before it is let go: else the server
would put its default, 1, in its place.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.kubernetes_connections import Answer, Call, Connection, Objects
from bot.adapters.kubernetes_errors import Asked, Conflict, Resource, unexpected
from bot.adapters.kubernetes_feeds import DEPLOYMENTS
from bot.adapters.kubernetes_objects import deployment_of, scaled_by
from bot.domain.drift import differences
from bot.domain.workload import Deployment
from bot.errors import PortError, Trouble
from bot.ports import Applied, Manifest

MANAGER = "dynamo"
CARETAKER = "dynamo-handover"
RESTARTER = "dynamo-restart"
OURS = frozenset({MANAGER, CARETAKER, RESTARTER})

AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
CONFIG_MAPS = Resource("", "v1", "configmaps")
SECRETS = Resource("", "v1", "secrets")
JSON_PATCH = "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"
PAUSES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.4)
"""Seconds before each try of a write that is tied to the version that was read. A controller writes
the status a dozen times in the first second of a rollout: often enough in between, and each time
it is a new version (client-go's retry.DefaultBackoff waits as long)."""

Body = dict[str, Any]


async def autoscalers(connection: Connection, namespace: str) -> Objects:
    """The raw HorizontalPodAutoscalers of a namespace; none where the cluster has no such kind."""
    try:
        return (await connection.list(AUTOSCALERS, namespace))[1]
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return []
        raise


async def apply_deployment(
    connection: Connection, namespace: str, manifest: Manifest, *, dry_run: bool, force: bool
) -> Applied:
    """See `bot.ports.Cluster.apply`."""
    name = name_of(manifest, "Deployment")
    wanted: Body | None = None
    for attempt, pause in enumerate(PAUSES, 1):
        await asyncio.sleep(pause)
        live = await read(connection, DEPLOYMENTS, namespace, name)
        if wanted is None:  # once: a consistent list can take seconds, in which versions go by
            wanted = await _without_replicas_of_autoscalers(connection, namespace, manifest)
        try:
            if not dry_run:
                live = await _adopt(connection, namespace, live)
            body = await _with_replicas_settled(
                connection, namespace, wanted, live, dry_run=dry_run
            )
            answer = await apply(
                connection, DEPLOYMENTS, namespace, body, live, dry_run=dry_run, force=force
            )
        except Conflict as conflict:
            if not conflict.temporary or attempt == len(PAUSES):
                raise
        else:
            return _applied(answer, live)
    raise AssertionError("the last try returns or raises")


async def _adopt(connection: Connection, namespace: str, live: Body | None) -> Body | None:
    """What Dynamo wrote by patch (a rollback) becomes part of what it applies: else the next apply
    would not take away what the rollback brought back and the manifest does not hold. As
    `csaupgrade` of client-go does it; refused (CONFLICT) when it has changed since it was read: the
    version is replaced by the one that was seen, for a test that fails would be a 422."""
    fields = adopted((live or {}).get("metadata", {}).get("managedFields") or [])
    if live is None or fields is None:
        return live
    meta = live["metadata"]
    body = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": fields},
    ]
    asked = Asked("patch", DEPLOYMENTS, namespace, str(meta["name"]))
    call = Call(asked, {"fieldManager": MANAGER}, body, JSON_PATCH)
    return (await connection.call(call)).json()


def adopted(entries: Sequence[Mapping[str, Any]]) -> list[Body] | None:
    """`managedFields` in which what `dynamo` holds by Update is held by Apply; None where there is
    nothing to move. Entries of a subresource are left alone."""

    def mine(entry: Mapping[str, Any], operation: str) -> bool:
        held = (entry.get("manager"), entry.get("operation"), entry.get("subresource", ""))
        return held == (MANAGER, operation, "")

    written = [entry for entry in entries if mine(entry, "Update")]
    if not written:
        return None
    applied = next((entry for entry in entries if mine(entry, "Apply")), None)
    fields: Body = dict((applied or {}).get("fieldsV1") or {})
    for entry in written:
        fields = _union(fields, entry.get("fieldsV1") or {})
    own = {**(applied or written[0]), "operation": "Apply", "fieldsV1": fields}
    others = [dict(e) for e in entries if not mine(e, "Update") and not mine(e, "Apply")]
    return [own, *others]


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> Body:
    """Of two trees of fields."""
    merged = dict(one)
    for key, inner in other.items():
        merged[key] = _union(merged[key], inner) if key in merged else inner
    return merged


async def _without_replicas_of_autoscalers(
    connection: Connection, namespace: str, manifest: Manifest
) -> Body:
    """The manifest without replicas, where an autoscaler sets them."""
    body = dict(manifest)
    spec = body.get("spec")
    if isinstance(spec, dict) and "replicas" in spec:
        name = name_of(manifest, "Deployment")
        scalers = await autoscalers(connection, namespace)
        if any(scaled_by(scaler) == ("Deployment", name) for scaler in scalers):
            body["spec"] = {k: v for k, v in spec.items() if k != "replicas"}
    return body


async def _with_replicas_settled(
    connection: Connection, namespace: str, body: Body, live: Body | None, *, dry_run: bool
) -> Body:
    """What may be sent: where it lets go of a number that we alone held, that is in other hands."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or "replicas" in spec:
        return body
    if live is None or not _we_alone_hold_replicas(live):
        return body
    if dry_run:  # as it will be after the handover, which a dry run must not do
        return {**body, "spec": {**spec, "replicas": _replicas(live)}}
    await _hand_over_replicas(connection, namespace, live)
    return body


async def _hand_over_replicas(connection: Connection, namespace: str, live: Body) -> None:
    """Let the caretaker apply the present number; refused (CONFLICT) when it has changed since."""
    meta = live["metadata"]
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": meta["name"], "resourceVersion": meta["resourceVersion"]},
        "spec": {"replicas": _replicas(live)},
    }
    asked = Asked("patch", DEPLOYMENTS, namespace, meta["name"])
    await connection.call(Call(asked, {"fieldManager": CARETAKER}, body, _APPLY))


async def apply(
    connection: Connection,
    resource: Resource,
    namespace: str,
    body: Body,
    live: Body | None,
    *,
    dry_run: bool,
    force: bool,
) -> Answer:
    """Apply `body`. Where fields are ours under another operation they are taken, of the version of
    `live` alone. Raises Conflict (CONFLICT) for fields of others, and where `live` is no more."""
    asked = Asked("patch", resource, namespace, str(body["metadata"]["name"]))
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    if force:
        query["force"] = "true"
    try:
        return await connection.call(Call(asked, query, body, _APPLY))
    except Conflict as conflict:
        if conflict.temporary or live is None:
            raise
        foreign = conflict.beyond(OURS)
        if foreign is not None:
            raise foreign from conflict
        # Only the object we have looked at: nobody who comes in between may be overruled. (A dry
        # run overrules nobody.)
        version = {} if dry_run else {"resourceVersion": live["metadata"]["resourceVersion"]}
        body = {**body, "metadata": {**body["metadata"], **version}}
        return await connection.call(Call(asked, {**query, "force": "true"}, body, _APPLY))


async def read(
    connection: Connection, resource: Resource, namespace: str, name: str
) -> Body | None:
    """The object as it is; None where there is none such."""
    try:
        live = (await connection.call(Call(Asked("get", resource, namespace, name)))).json()
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return None
        raise
    if not isinstance(live.get("metadata"), dict):
        raise unexpected(f"{resource.full} {name} has no metadata")
    return live


def _applied(answer: Answer, live: Body | None) -> Applied:
    after = deployment_of(answer.json())
    if after is None:
        raise unexpected("the API server answered an apply with something else")
    before: Deployment | None = deployment_of(live)
    return Applied(
        generation=after.generation,
        changed=before is None or before.template != after.template,
        template=after.template,
        version=after.version,
        desired=after.desired,
        warnings=answer.warnings,
        differences=differences(live, answer.json()),
    )


def name_of(manifest: Manifest, kind: str) -> str:
    """The name of what is to be written. Raises PortError INVALID where there is none."""
    meta = manifest.get("metadata")
    name = meta.get("name") if isinstance(meta, Mapping) else None
    if manifest.get("kind") == kind and isinstance(name, str) and name:
        return name
    message = f"the manifest is no {kind} with a name"
    raise PortError("cluster", Trouble.INVALID, temporary=False, values={"message": message})


def _replicas(live: Body) -> int:
    found = deployment_of(live)
    return 1 if found is None else found.desired


def _we_alone_hold_replicas(live: Body) -> bool:
    holders = [
        (entry.get("manager"), entry.get("operation"))
        for entry in live["metadata"].get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return holders == [(MANAGER, "Apply")]
