"""What belongs to a service in a cluster, and its ConfigMaps as they are read and written."""

from typing import Any, Protocol

from bot.domain.belongings import Belongings, Raw
from bot.ports.cluster import Manifest


class Inventory(Protocol):
    """On the same clusters as `Cluster`: `context` names one ("" is the current one)."""

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
        """The Deployment of this name with the ConfigMaps and Secrets that its pods read (or that
        `pod`, the spec of a pod to come, would read), its autoscaler, and with `around` the
        Services and PodDisruptionBudgets that select it. Secrets come as keys with seals under
        `salt`. What may not be read is in `unread`; raises PortError AWAY, UNAUTHENTICATED."""

    async def config(self, context: str, namespace: str, name: str) -> Raw | None:
        """A ConfigMap as it stands. Raises PortError FORBIDDEN, AWAY."""

    async def put_config(
        self, context: str, namespace: str, manifest: Manifest, *, seen: str, dry_run: bool = False
    ) -> dict[str, Any]:
        """Server-side apply of a ConfigMap onto the version that was `seen` ("": none is there);
        answers what stands then. Raises PortError CONFLICT (temporary: it has changed since; else
        values: owners, fields), INVALID (message), FORBIDDEN, NOT_FOUND (the namespace), AWAY."""
