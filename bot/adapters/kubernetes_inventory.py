"""`bot.ports.Inventory` on Kubernetes, over the connections of `KubernetesCluster`."""

from typing import Any

from bot.adapters.kubernetes_belongings import read_belongings
from bot.adapters.kubernetes_configs import put_config, read_config
from bot.adapters.kubernetes_connections import Connections
from bot.domain.belongings import Belongings, Raw
from bot.ports import Manifest


class KubernetesInventory:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def belongings(
        self,
        context: str,
        namespace: str,
        name: str,
        *,
        salt: bytes,
        pod: Manifest | None = None,
        around: bool = True,
    ) -> Belongings:
        to = self._connections.to(context)
        return await read_belongings(to, namespace, name, salt=salt, pod=pod, around=around)

    async def config(self, context: str, namespace: str, name: str) -> Raw | None:
        return await read_config(self._connections.to(context), namespace, name)

    async def put_config(
        self, context: str, namespace: str, manifest: Manifest, *, seen: str, dry_run: bool = False
    ) -> dict[str, Any]:
        to = self._connections.to(context)
        return await put_config(to, namespace, manifest, seen=seen, dry_run=dry_run)
