"""`bot.ports.Cluster` on Kubernetes: what Dynamo asks of an API server, and nothing more.

Requests go out through `kubernetes_connections`, news come in through `kubernetes_feeds`, objects
become values in `kubernetes_objects`, writing stands in `kubernetes_writes`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.adapters import kubernetes_operations as operations
from bot.adapters.kubernetes_connections import (
    Call,
    Connection,
    Connections,
    Objects,
    Timeouts,
)
from bot.adapters.kubernetes_errors import Asked, Resource, unexpected
from bot.adapters.kubernetes_feeds import DEPLOYMENTS, PODS, REPLICA_SETS, Feed
from bot.adapters.kubernetes_index import Index
from bot.adapters.kubernetes_logs import log_tail
from bot.adapters.kubernetes_objects import autoscaler_of, event_of, scaled_by
from bot.adapters.kubernetes_streams import Pace
from bot.adapters.kubernetes_writes import apply_deployment, autoscalers
from bot.domain.kind import Span
from bot.domain.shortage import NodeRoom
from bot.domain.snapshot import Template
from bot.domain.workload import Autoscaler, Event, Workload
from bot.errors import PortError, Trouble
from bot.ports import Applied, Clock, LogTail, Manifest, Written

_EVENTS = Resource("", "v1", "events")
_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")


class KubernetesCluster:
    """All clusters of a kubeconfig; `""` is its current context, or the cluster that Dynamo runs
    in. `impersonate` acts as another user; `pace`, `timeouts` and `dice` are for tests."""

    def __init__(
        self,
        clock: Clock,
        *,
        kubeconfig: str = "",
        impersonate: str = "",
        pace: Pace | None = None,
        timeouts: Timeouts | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._connections = Connections(kubeconfig, impersonate=impersonate, timeouts=timeouts)
        self._pace = pace or Pace()
        self._dice = dice or random.Random()
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End the streams and the connections."""
        feeds, self._feeds = [*self._feeds.values()], {}
        await asyncio.gather(*(feed.close() for feed in feeds), *self._closing)
        await self._connections.close()

    @property
    def connections(self) -> Connections:
        """For what else is asked of the same clusters."""
        return self._connections

    # Looking

    async def workload(self, context: str, namespace: str, name: str) -> Workload:
        connection = self._connections.to(context)
        try:
            deployment = (
                await connection.call(Call(Asked("get", DEPLOYMENTS, namespace, name)))
            ).json()
        except PortError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return Workload()
            raise
        query = {"labelSelector": _selector(deployment)}
        sets, pods, scalers = await _in_order(
            _objects(connection, REPLICA_SETS, namespace, query),
            _objects(connection, PODS, namespace, query),
            autoscalers(connection, namespace),
        )
        index = Index()
        index.deployments.replace([deployment])
        index.replica_sets.replace(sets)
        index.pods.replace(pods)
        index.changed()
        found = next((s for s in scalers if scaled_by(s) == ("Deployment", name)), None)
        autoscaler: Autoscaler | None = None if found is None else autoscaler_of(found)
        return replace(index.workload(name), autoscaler=autoscaler)

    async def workloads(self, context: str, namespace: str) -> Sequence[Workload]:
        connection = self._connections.to(context)
        deployments, sets, pods, scalers = await _in_order(
            _objects(connection, DEPLOYMENTS, namespace),
            _objects(connection, REPLICA_SETS, namespace),
            _objects(connection, PODS, namespace),
            autoscalers(connection, namespace),
        )
        scaled = {name: s for s in scalers for kind, name in [scaled_by(s)] if kind == "Deployment"}
        index = Index()
        index.deployments.replace(deployments)
        index.replica_sets.replace(sets)
        index.pods.replace(pods)
        index.changed()
        return [
            replace(
                index.workload(name),
                autoscaler=autoscaler_of(scaled[name]) if name in scaled else None,
            )
            for name in index.names()
        ]

    async def events(self, context: str, namespace: str, uids: Sequence[str]) -> Sequence[Event]:
        connection = self._connections.to(context)
        lists = await asyncio.gather(
            *(
                connection.list(_EVENTS, namespace, {"fieldSelector": f"involvedObject.uid={uid}"})
                for uid in dict.fromkeys(uids)
            )
        )
        events = [event for _, raws in lists for raw in raws if (event := event_of(raw))]
        return sorted(events, key=lambda event: str(event.last_at or event.first_at or ""))

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
        connection = self._connections.to(context)
        return await log_tail(connection, namespace, pod, container, previous=previous, lines=lines)

    # Writing

    async def apply(
        self,
        context: str,
        namespace: str,
        manifest: Manifest,
        *,
        dry_run: bool = False,
        force: bool = False,
    ) -> Applied:
        connection = self._connections.to(context)
        return await apply_deployment(connection, namespace, manifest, dry_run=dry_run, force=force)

    async def template(self, context: str, namespace: str, name: str) -> Template | None:
        return await operations.template_of(self._connections.to(context), namespace, name)

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
        to = self._connections.to(context)
        return await operations.replace_template(
            to, namespace, name, template, seen=seen, version=version, dry_run=dry_run
        )

    async def annotate_template(
        self, context: str, namespace: str, name: str, key: str, value: str
    ) -> Written:
        to = self._connections.to(context)
        return await operations.annotate_template(to, namespace, name, key, value)

    async def scale(
        self, context: str, namespace: str, name: str, *, replicas: int, before: int
    ) -> Written:
        to = self._connections.to(context)
        return await operations.scale(to, namespace, name, replicas=replicas, before=before)

    async def set_span(
        self, context: str, namespace: str, name: str, span: Span, *, dry_run: bool = False
    ) -> Autoscaler:
        to = self._connections.to(context)
        return await operations.set_span(to, namespace, name, span, dry_run=dry_run)

    async def contents(
        self, context: str, namespace: str, names: Sequence[str]
    ) -> Mapping[str, str]:
        return await operations.contents(self._connections.to(context), namespace, names)

    async def room(self, context: str) -> Sequence[NodeRoom]:
        return await operations.room(self._connections.to(context))

    # Following

    def follow(
        self,
        context: str,
        namespace: str,
        name: str,
        on_change: Callable[[Workload], None],
        on_obstacle: Callable[[PortError | None], None],
    ) -> Callable[[], None]:
        """Snapshots come without autoscaler and events: they are not among the three streams."""
        key = (context, namespace)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(
                self._connections.to(context),
                namespace,
                clock=self._clock,
                pace=self._pace,
                dice=self._dice,
                ended=partial(self._end, key),
            )
        return feed.follow(name, on_change, on_obstacle)

    @property
    def streams(self) -> int:
        return sum(feed.open_streams for feed in self._feeds.values())

    def _end(self, key: tuple[str, str]) -> None:
        feed = self._feeds.pop(key, None)
        if feed is not None:
            task = asyncio.create_task(feed.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    # Rights

    async def may(self, context: str, namespace: str, verb: str, resource: str) -> bool:
        kind, _, subresource = resource.partition("/")
        plural, _, group = kind.partition(".")
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": group,
            "resource": plural,
            "subresource": subresource,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
        }
        call = Call(Asked("create", _ACCESS_REVIEWS), body=review)
        status = (await self._connections.to(context).call(call)).json().get("status")
        if not isinstance(status, dict):
            raise unexpected("an access review without a status")
        return status.get("allowed") is True


async def _objects(
    connection: Connection,
    resource: Resource,
    namespace: str,
    query: Mapping[str, str] | None = None,
) -> Objects:
    return (await connection.list(resource, namespace, query))[1]


async def _in_order(*asked: Awaitable[Objects]) -> list[Objects]:
    """All at once. Of several refusals the first in order is raised, whichever came first: the same
    missing right is named each time."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _selector(deployment: dict[str, object]) -> str:
    """A Deployment's selector as a query's text; owners are compared afterwards all the same."""
    spec = deployment.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    return ",".join(f"{k}={v}" for k, v in labels.items()) if isinstance(labels, dict) else ""
