"""ConfigMaps, read and written: server-side apply with the version that somebody was shown.

What is written is what was decided on: where the object has changed since, the server refuses
(CONFLICT, temporary), and nobody's newer keys are lost. Keys that others own stay theirs.
"""

from typing import Any

from bot.adapters.kubernetes_connections import Connection
from bot.adapters.kubernetes_errors import Conflict
from bot.adapters.kubernetes_writes import CONFIG_MAPS, apply, name_of, read
from bot.domain.belongings import Raw, mapping
from bot.ports import Manifest


async def read_config(connection: Connection, namespace: str, name: str) -> Raw | None:
    return await read(connection, CONFIG_MAPS, namespace, name)


async def put_config(
    connection: Connection, namespace: str, manifest: Manifest, *, seen: str, dry_run: bool
) -> dict[str, Any]:
    """See `bot.ports.Inventory.put_config`."""
    name = name_of(manifest, "ConfigMap")
    if not seen and await read_config(connection, namespace, name) is not None:
        raise Conflict(f'configmaps "{name}" has been made meanwhile', ())
    meta = mapping(manifest.get("metadata"))
    kept = {key: value for key, value in meta.items() if key != "resourceVersion"}
    version = {"resourceVersion": seen} if seen else {}
    body = {**manifest, "metadata": {**kept, **version}}
    live = {"metadata": version} if seen else None
    answer = await apply(
        connection, CONFIG_MAPS, namespace, body, live, dry_run=dry_run, force=False
    )
    return answer.json()
