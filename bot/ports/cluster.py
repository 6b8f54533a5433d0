"""The cluster: Kubernetes, whichever its context names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.drift import Difference
from bot.domain.kind import Span
from bot.domain.shortage import NodeRoom
from bot.domain.snapshot import Template
from bot.domain.workload import Autoscaler, Event, Workload
from bot.errors import PortError

Manifest = Mapping[str, Any]
"""A Kubernetes object as its YAML says it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the API server made of an apply (or would make of it, on a dry run).

    `changed` tells whether the pod template differs from the one before; `warnings` are the
    server's own Warning headers.
    """

    generation: int
    changed: bool
    template: str  # as Deployment.template
    version: str
    desired: int
    warnings: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()  # what would be another way in the Deployment


@dataclass(frozen=True, slots=True)
class Written:
    """What stands after a write: the Deployment's generation and its `template` (as
    Deployment.template)."""

    generation: int
    template: str


@dataclass(frozen=True, slots=True)
class LogTail:
    lines: tuple[str, ...]
    previous: bool = False


class Cluster(Protocol):
    """Kubernetes: `context` names the cluster ("" is the current one)."""

    async def workload(self, context: str, namespace: str, name: str) -> Workload:
        """One fresh look: Deployment, its ReplicaSets, pods and autoscaler; no events."""

    async def workloads(self, context: str, namespace: str) -> Sequence[Workload]:
        """All Deployments of a namespace, what belongs to them and what scales them: four lists."""

    async def events(self, context: str, namespace: str, uids: Sequence[str]) -> Sequence[Event]:
        """The Events about these objects, oldest first."""

    async def apply(
        self,
        context: str,
        namespace: str,
        manifest: Manifest,
        *,
        dry_run: bool = False,
        force: bool = False,
    ) -> Applied:
        """Server-side apply of a Deployment, field manager `dynamo`.

        Raises PortError CONFLICT (values: owners, fields), INVALID (message: the server's own,
        in full), FORBIDDEN (verb, resource, namespace), NOT_FOUND (the namespace), AWAY.
        """

    async def template(self, context: str, namespace: str, name: str) -> Template | None:
        """The pod template that stands now, to be kept or held against; None without Deployment."""

    async def replace_template(
        self,
        context: str,
        namespace: str,
        name: str,
        template: Manifest,
        *,
        seen: Template,
        version: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Put another template in the place of the one that was `seen`, of the same Deployment at
        the same generation; `version` is what its annotation says from then on.

        Raises PortError CONFLICT (temporary) where the Deployment has changed since: read and
        decide again; else as `apply`.
        """

    async def annotate_template(
        self, context: str, namespace: str, name: str, key: str, value: str
    ) -> Written:
        """One annotation of the pod template: pods are made anew. The same twice is once."""

    async def scale(
        self, context: str, namespace: str, name: str, *, replicas: int, before: int
    ) -> Written:
        """Through the scale subresource, tied to the number that was read. Where it has neither
        `before` pods nor `replicas`: PortError CONFLICT (somebody scaled it meanwhile)."""

    async def set_span(
        self, context: str, namespace: str, name: str, span: Span, *, dry_run: bool = False
    ) -> Autoscaler:
        """Other bounds for a HorizontalPodAutoscaler, tied to the resourceVersion that was read."""

    async def contents(
        self, context: str, namespace: str, names: Sequence[str]
    ) -> Mapping[str, str]:
        """A fingerprint of what each of "ConfigMap NAME", "Secret NAME" holds: "" where there is
        none, UNREADABLE where Dynamo may not look. A Secret's values are never looked at."""

    async def room(self, context: str) -> Sequence[NodeRoom]:
        """What the nodes have and what is taken of it, as far as Dynamo may look: none where it may
        not see nodes, nothing taken where it may not see all pods."""

    async def log_tail(
        self,
        context: str,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool,
        lines: int,
    ) -> LogTail:
        """The last lines of one container, undecodable bytes replaced."""

    def follow(
        self,
        context: str,
        namespace: str,
        name: str,
        on_change: Callable[[Workload], None],
        on_obstacle: Callable[[PortError | None], None],
    ) -> Callable[[], None]:
        """Call `on_change` with every new snapshot of one workload, from shared streams: three per
        (context, namespace), however many follow. `on_obstacle` hears when the cluster stops
        answering, and None when it answers again. Returns a stop; the streams end some time after
        the last follower has gone."""

    async def may(self, context: str, namespace: str, verb: str, resource: str) -> bool:
        """Whether the bot itself may do this: `resource` as "deployments.apps" or "pods/log"."""

    @property
    def streams(self) -> int:
        """How many watch connections are held now."""
