"""ConfigMaps, read and written: server-side apply with the version that somebody was shown.

What is written is what was decided on: where the object has changed since, the server refuses
(CONFLICT, temporary), and nobody's newer keys are lost. Keys that others own stay theirs.
"""

from typing import Any

from bot.adapters.kubernetes_connections import Call, Connection
from bot.adapters.kubernetes_errors import Asked, Conflict, Resource
from bot.adapters.kubernetes_writes import MANAGER, OURS
from bot.domain.belongings import Raw, mapping
from bot.errors import PortError, Trouble
from bot.ports import Manifest

_CONFIG_MAPS = Resource("", "v1", "configmaps")
_APPLY = "application/apply-patch+yaml"


async def read_config(connection: Connection, namespace: str, name: str) -> Raw | None:
    try:
        asked = Asked("get", _CONFIG_MAPS, namespace, name)
        return (await connection.call(Call(asked))).json()
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return None
        raise


async def put_config(
    connection: Connection, namespace: str, manifest: Manifest, *, seen: str, dry_run: bool
) -> dict[str, Any]:
    """See `bot.ports.Cluster.put_config`."""
    meta = mapping(manifest.get("metadata"))
    name = str(meta.get("name") or "")
    if manifest.get("kind") != "ConfigMap" or not name:
        values = {"message": "the manifest is no ConfigMap with a name"}
        raise PortError("cluster", Trouble.INVALID, temporary=False, values=values)
    if not seen and await read_config(connection, namespace, name) is not None:
        raise Conflict(f'configmaps "{name}" has been made meanwhile', ())
    kept = {key: value for key, value in meta.items() if key != "resourceVersion"}
    version = {"resourceVersion": seen} if seen else {}
    body = {**manifest, "metadata": {**kept, **version}}
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    asked = Asked("patch", _CONFIG_MAPS, namespace, name)
    try:
        return (await connection.call(Call(asked, query, body, _APPLY))).json()
    except Conflict as conflict:
        foreign = conflict.beyond(OURS)
        if conflict.temporary or not seen:
            raise
        if foreign is not None:
            raise foreign from conflict
        # Our own fields under another operation (an undo by hand): ours to take.
        return (await connection.call(Call(asked, {**query, "force": "true"}, body, _APPLY))).json()
