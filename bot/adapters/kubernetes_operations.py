"""Writes beside a deploy: a template put back, a restart, a number of pods, an autoscaler's bounds.

Each is tied to what was read: a JSON patch tests uid and generation, the scale subresource and the
autoscaler are sent with their resourceVersion. Where somebody was quicker the server says 409 or
422, and it is read and decided anew, never tried again blindly (research/rollouts.md §5). Statuses
are versions too, and are written all the time while a rollout goes on: what was decided on is still
there then, and stands.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.kubernetes_connections import Answer, Call, Connection
from bot.adapters.kubernetes_errors import Asked, Conflict, Resource, unexpected
from bot.adapters.kubernetes_feeds import DEPLOYMENTS, PODS
from bot.adapters.kubernetes_objects import autoscaler_of, deployment_of, template_hash
from bot.adapters.kubernetes_writes import (
    AUTOSCALERS,
    CONFIG_MAPS,
    JSON_PATCH,
    MANAGER,
    PAUSES,
    RESTARTER,
    SECRETS,
    read,
)
from bot.domain.kind import Span
from bot.domain.shortage import NodeRoom, Taken, amounts_of
from bot.domain.snapshot import UNREADABLE, VERSION, Template
from bot.domain.workload import Autoscaler
from bot.errors import PortError, Trouble
from bot.ports import Written

_NODES = Resource("", "v1", "nodes")
_KINDS = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}
_MERGE_PATCH = "application/merge-patch+json"
_STRATEGIC_PATCH = "application/strategic-merge-patch+json"


async def template_of(connection: Connection, namespace: str, name: str) -> Template | None:
    """See `bot.ports.Cluster.template`."""
    live = await read(connection, DEPLOYMENTS, namespace, name)
    if live is None:
        return None
    body = (live.get("spec") or {}).get("template")
    if not isinstance(body, dict):
        raise unexpected(f"Deployment {name} has no template")
    meta = live["metadata"]
    uid, generation = str(meta.get("uid", "")), int(meta.get("generation") or 0)
    return Template(body, template_hash(body), uid, generation, bool(meta.get("annotations")))


async def replace_template(
    connection: Connection,
    namespace: str,
    name: str,
    template: Mapping[str, Any],
    *,
    seen: Template,
    version: str,
    dry_run: bool,
) -> Written:
    """See `bot.ports.Cluster.replace_template`."""
    body = [
        {"op": "test", "path": "/metadata/uid", "value": seen.uid},
        {"op": "test", "path": "/metadata/generation", "value": seen.generation},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    if version and seen.annotated:  # its own annotation alone: others keep what was added since
        path = f"/metadata/annotations/{VERSION.replace('/', '~1')}"
        body.append({"op": "add", "path": path, "value": version})
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    call = Call(Asked("patch", DEPLOYMENTS, namespace, name), query, body, JSON_PATCH)
    try:
        return _written(await connection.call(call))
    except PortError as error:
        # A test that fails is 422, as a template that the server refuses is: it says which.
        if error.trouble is Trouble.INVALID and await _moved(connection, namespace, name, seen):
            raise _changed_meanwhile(error.values.get("message", "")) from error
        raise


async def _moved(connection: Connection, namespace: str, name: str, seen: Template) -> bool:
    found = await template_of(connection, namespace, name)
    return found is None or (found.uid, found.generation) != (seen.uid, seen.generation)


def _changed_meanwhile(message: str) -> PortError:
    return PortError("cluster", Trouble.CONFLICT, temporary=True, values={"message": message})


async def annotate_template(
    connection: Connection, namespace: str, name: str, key: str, value: str
) -> Written:
    """See `bot.ports.Cluster.annotate_template`. By a manager of its own, so that the next apply of
    a manifest neither takes the annotation away (which would be one more restart) nor meets it."""
    body = {"spec": {"template": {"metadata": {"annotations": {key: value}}}}}
    asked = Asked("patch", DEPLOYMENTS, namespace, name)
    call = Call(asked, {"fieldManager": RESTARTER}, body, _STRATEGIC_PATCH)
    return _written(await connection.call(call))


async def scale(
    connection: Connection, namespace: str, name: str, *, replicas: int, before: int
) -> Written:
    """See `bot.ports.Cluster.scale`."""
    for attempt, pause in enumerate(PAUSES, 1):
        await asyncio.sleep(pause)
        try:
            await _scale_once(connection, namespace, name, replicas, before)
            break
        except Conflict as conflict:  # it has changed, and perhaps its number of pods has not
            if attempt == len(PAUSES) or not conflict.temporary:
                raise
    look = Asked("get", DEPLOYMENTS, namespace, name)
    return _written(await connection.call(Call(look)))


async def _scale_once(
    connection: Connection, namespace: str, name: str, replicas: int, before: int
) -> None:
    asked = Asked("get", DEPLOYMENTS, namespace, name, "scale")
    live = (await connection.call(Call(asked))).json()
    now = int((live.get("spec") or {}).get("replicas") or 0)
    if now == replicas:
        return
    if now != before:
        values = {"owners": "", "fields": "spec.replicas"}
        values["message"] = f"spec.replicas is {now} by now, not {before}"
        raise PortError("cluster", Trouble.CONFLICT, temporary=False, values=values)
    body = {
        "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
        "spec": {"replicas": replicas},
    }
    patch = Asked("patch", DEPLOYMENTS, namespace, name, "scale")
    await connection.call(Call(patch, {"fieldManager": MANAGER}, body, _MERGE_PATCH))


async def set_span(
    connection: Connection, namespace: str, name: str, span: Span, *, dry_run: bool
) -> Autoscaler:
    """See `bot.ports.Cluster.set_span`."""
    look = Asked("get", AUTOSCALERS, namespace, name)
    asked = Asked("patch", AUTOSCALERS, namespace, name)
    query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
    decided_on: tuple[int, int] | None = None
    conflict: PortError | None = None
    while True:
        live = (await connection.call(Call(look))).json()
        found = autoscaler_of(live)
        if found is not None and (found.minimum, found.maximum) == (span.least, span.most):
            return found
        bounds = (found.minimum, found.maximum) if found is not None else (0, 0)
        if conflict is not None and bounds != decided_on:
            raise conflict
        body = {
            "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
            "spec": {"minReplicas": span.least, "maxReplicas": span.most},
        }
        try:
            answer = await connection.call(Call(asked, query, body, _MERGE_PATCH))
            break
        except PortError as error:
            # Its controller writes its status all the time: only other bounds are another matter.
            if error.trouble is not Trouble.CONFLICT:
                raise
            decided_on, conflict = bounds, error
    after = autoscaler_of(answer.json())
    if after is None:
        raise unexpected("the API server answered a patch with something else")
    return after


async def contents(
    connection: Connection, namespace: str, names: Sequence[str]
) -> Mapping[str, str]:
    """See `bot.ports.Cluster.contents`."""
    return {name: await _content(connection, namespace, name) for name in names}


async def _content(connection: Connection, namespace: str, name: str) -> str:
    kind, _, plain = name.partition(" ")
    try:
        answer = await connection.call(Call(Asked("get", _KINDS[kind], namespace, plain)))
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return ""
        if error.trouble is Trouble.FORBIDDEN:
            return UNREADABLE
        raise
    live = answer.json()
    if kind == "Secret":  # its values are not looked at, not even by way of a hash
        return str(live["metadata"].get("resourceVersion", ""))
    held = {part: live.get(part) or {} for part in ("data", "binaryData")}
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:16]


async def room(connection: Connection) -> Sequence[NodeRoom]:
    """See `bot.ports.Cluster.room`."""
    try:
        _, nodes = await connection.list(_NODES, "")
    except PortError as error:
        if error.trouble is Trouble.FORBIDDEN:
            return ()
        raise
    taken = await _taken(connection)
    return [_room_of(node, taken) for node in nodes]


async def _taken(connection: Connection) -> Taken | None:
    try:
        _, pods = await connection.list(PODS, "")
    except PortError as error:
        if error.trouble is Trouble.FORBIDDEN:
            return None
        raise
    taken = Taken()
    for pod in pods:
        taken.add(pod)
    return taken


def _room_of(node: Mapping[str, Any], taken: Taken | None) -> NodeRoom:
    name = str((node.get("metadata") or {}).get("name", ""))
    status = node.get("status") or {}
    return NodeRoom(
        name,
        amounts_of(status.get("allocatable") or status.get("capacity")),
        None if taken is None else taken.by_node.get(name, {}),
        takes_pods=(node.get("spec") or {}).get("unschedulable") is not True,
    )


def _written(answer: Answer) -> Written:
    after = deployment_of(answer.json())
    if after is None:
        raise unexpected("the API server answered a write with something else")
    return Written(after.generation, after.template)
