"""Dynamo, wired: the one place that names adapters, and the order in which things start and stop.

Start: the edges (the store first, with its lock, then Slack: who am I), who drives, the ways in,
and what the process before left; only then is it ready. Stop: the same backwards; what was begun is
let finish, and whatever is not finished the next start finishes.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from functools import partial

from bot.adapters.database import Connection
from bot.adapters.databases import connection_to
from bot.adapters.docker_images import DockerImages
from bot.adapters.git_source import GitSource, token_host_of
from bot.adapters.github_checks import GitHubChecks
from bot.adapters.github_comparisons import GitHubComparisons
from bot.adapters.http_probes import HttpProbes
from bot.adapters.http_server import HttpServer
from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.kubernetes_inventory import KubernetesInventory
from bot.adapters.kubernetes_logs import KubernetesLogs
from bot.adapters.oci_registry import OciRegistry
from bot.adapters.process_workbench import ProcessWorkbench
from bot.adapters.prometheus_metrics import PrometheusMetrics
from bot.adapters.slack_app import (
    Identity,
    SlackClient,
    bolt_app,
    check_app_token,
    http_endpoint,
    identify,
    slack_client,
    slack_session,
)
from bot.adapters.slack_messenger import SlackMessenger, SlackPeople
from bot.adapters.slack_socket import SlackSocket, socket_mode
from bot.adapters.stand_in_builder import StandInBuilder
from bot.adapters.tables.analyses import AnalysisTable
from bot.adapters.tables.approvals import ApprovalTable
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.builds import BuildTable
from bot.adapters.tables.checklists import ChecklistTable
from bot.adapters.tables.configurations import ConfigurationTable
from bot.adapters.tables.follows import FollowTable
from bot.adapters.tables.locks import LockTable
from bot.adapters.tables.outbox import OutboxTable
from bot.adapters.tables.preferences import PreferenceTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.adapters.tables.snapshots import SnapshotTable
from bot.adapters.terminal_endpoint import TerminalEndpoint
from bot.adapters.wall_clock import WallClock
from bot.domain.back_off import back_off
from bot.domain.outcome import TerminalLine
from bot.domain.rollout import Rollout
from bot.engine import Engine, Work
from bot.errors import PortError
from bot.ports import Builder, Clock
from bot.text import FALLBACK, Texts
from bot.workflows import writing
from bot.workflows.analysis_desk import AnalysisDesk
from bot.workflows.announcing import Announcer
from bot.workflows.build import deploy_built
from bot.workflows.build_desk import BuildDesk
from bot.workflows.checklist import ended, goal_of, look_at_ci_of, make_good
from bot.workflows.checklist_messages import ChecklistMessages
from bot.workflows.ci import CiDesk
from bot.workflows.configuring import finish_unfinished
from bot.workflows.diagnosis import diagnose, explain
from bot.workflows.displaced import end_displaced
from bot.workflows.edges import Edges
from bot.workflows.languages import Readers
from bot.workflows.log_desk import LogDesk
from bot.workflows.looks import LOOKS
from bot.workflows.looks.burning import fast_burn
from bot.workflows.policies import tell_policies
from bot.workflows.rollout import look_out
from bot.workflows.telling import (
    announcement_of,
    build_ended_of,
    build_of,
    card_of,
    checklist_of,
    details_of,
    opened_of,
    tell_turned_away,
    tell_where,
)
from commands.build import tell_not_deployed
from commands.router import Router
from commands.terminal import Terminal
from commands.terminal_steps import message_of
from config.catalog import Catalog, load_catalog
from config.settings import SettingMistake, Settings, SettingsError

log = logging.getLogger(__name__)

_AT_ONCE = 1.0  # seconds in which a database opens that nobody else works on
_DRAIN = 5.0  # seconds that begun answers get when stopping


@dataclass(frozen=True, slots=True)
class Offline:
    """What the sandbox has in the place of the world: a builder for where no Docker Engine is,
    where the repositories of the catalog are instead, and (`addresses`, by what they begin with)
    its base URLs, metrics and other services."""

    builder: Builder | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    authority: str = ""  # a file: who vouches for them, in the place of the system's authorities


class Dynamo:
    """One running bot. `async with Dynamo.running(settings) as dynamo: …`"""

    def __init__(self, edges: Edges, engine: Engine, cluster: KubernetesCluster) -> None:
        self.edges = edges
        self.engine = engine
        self.cluster = cluster
        self.identity: Identity | None = None
        self.displaced = asyncio.Event()
        """Set when another Dynamo works on the same database: this one has to end."""
        self.socket: SlackSocket | None = None  # None: signed HTTP
        self.port = 0
        self.ready = False
        self._stack = AsyncExitStack()

    @classmethod
    async def start(
        cls, settings: Settings, *, clock: Clock | None = None, offline: Offline | None = None
    ) -> "Dynamo":
        """Raises CatalogError or PortError (wrong token, database in use): then nothing runs."""
        clock = clock or WallClock()
        catalog = _with_tokens(load_catalog(settings.dynamo_config), settings)
        Texts.of(FALLBACK)  # reading them takes 0.1 s, which nobody's first command should wait for
        async with AsyncExitStack() as stack:
            outside = await _reach(settings, catalog, clock, offline, stack)
            engine, desk = _drivers(outside, stack)
            dynamo = cls(outside.edges, engine, outside.cluster)
            dynamo.identity, dynamo.displaced = outside.identity, outside.displaced
            await dynamo._listen(settings, outside.client, stack)
            await _take_up(outside, engine, desk)
            dynamo.ready = True
            dynamo._stack = stack.pop_all()
        log.info("Dynamo serves %s (%s)", outside.identity.team, settings.mode)
        return dynamo

    async def _listen(self, settings: Settings, client: SlackClient, stack: AsyncExitStack) -> None:
        """HTTP (health, metrics, terminals; Slack's requests where they are signed), else Slack's
        socket."""
        assert self.identity is not None
        router = Router(self.edges, self.engine.wake)
        stack.push_async_callback(partial(router.drain, _DRAIN))
        secret = settings.slack_signing_secret
        signing = secret.get_secret_value() if secret and settings.mode == "http" else None
        app = bolt_app(client, self.identity, signing)
        router.register(app)
        terminal = _terminal(settings, Terminal(self.edges, self.engine.wake))
        server = HttpServer(
            settings.dynamo_host,
            settings.dynamo_port,
            ready=lambda: self.ready,
            metrics=self.metrics,
            routes=[
                *([http_endpoint(app)] if signing else []),
                *([terminal.routes] if terminal else []),
            ],
            closes=[terminal.close] if terminal else [],
        )
        self.port = await server.start()
        stack.push_async_callback(server.stop)
        if settings.slack_app_token is not None and signing is None:
            app_token = settings.slack_app_token.get_secret_value()
            await check_app_token(client, app_token)
            self.socket = socket_mode(app, app_token, client)
            stack.push_async_callback(self.socket.close)
            await self.socket.connect()

    async def stop(self) -> None:
        self.ready = False
        await self._stack.aclose()

    def metrics(self) -> dict[str, float]:
        return {
            "dynamo_ready": float(self.ready),
            "dynamo_rollouts_driven": float(self.engine.driving),
            "dynamo_slack_reachable": float(self.socket is None or self.socket.connected),
            "dynamo_watch_streams": float(self.cluster.streams),
            "dynamo_tasks": float(len(asyncio.all_tasks())),
        }


@dataclass(frozen=True, slots=True)
class _Outside:
    """All that is outside, opened and put together as `edges`, with what only the start needs."""

    edges: Edges
    cluster: KubernetesCluster
    client: SlackClient
    identity: Identity
    builds: BuildDesk
    logs: LogDesk
    displaced: asyncio.Event


async def _reach(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    offline: Offline | None,
    stack: AsyncExitStack,
) -> _Outside:
    """Opens the edges; what was opened is closed by the stack, backwards."""
    connection = connection_to(settings.dynamo_database.get_secret_value())
    stack.push_async_callback(connection.close)
    await _opened(connection, settings)
    store = RolloutTable(connection, clock.now)
    client, identity = await _greet_slack(settings, stack)
    messenger = SlackMessenger(client, clock)
    stack.push_async_callback(messenger.close)
    cluster = KubernetesCluster(clock, kubeconfig=settings.kubeconfig or "")
    stack.push_async_callback(cluster.close)
    images = OciRegistry(registry_url=settings.dynamo_registry_url or "")
    stack.push_async_callback(images.close)
    announcer = Announcer(OutboxTable(connection), messenger, clock)
    stack.push_async_callback(announcer.stop)
    checks = GitHubChecks(settings.github_api_url, settings.github_token)
    stack.push_async_callback(checks.close)
    ci = CiDesk(checks, clock)
    stack.push_async_callback(ci.close)
    checklists = ChecklistTable(connection)
    lists = ChecklistMessages(
        checklists,
        messenger,
        clock,
        render=lambda checklist: checklist_of(checklist, catalog),
        channel=lambda: goal_of(catalog).channel.id,
    )
    stack.push_async_callback(lists.stop)
    workbench = ProcessWorkbench()
    stack.push_async_callback(workbench.close)
    metrics = _metrics(settings, catalog, offline)
    stack.push_async_callback(metrics.close)
    probes = _probes(settings, catalog, offline)
    if probes is not None:
        stack.push_async_callback(probes.close)
    audit = AuditTable(connection)
    git = _git(settings, offline)
    await asyncio.to_thread(git.clear)
    builds = BuildDesk(
        builds=BuildTable(connection),
        git=git,
        builder=_builder(settings, offline),
        images=images,
        messenger=messenger,
        audit=audit,
        clock=clock,
        render=lambda build: build_of(build, catalog),
        ended=lambda build, log: build_ended_of(build, log, catalog),
    )
    stack.push_async_callback(builds.stop)
    logs = LogDesk(
        logs=KubernetesLogs(cluster.connections),
        cluster=cluster,
        follows=FollowTable(connection),
        messenger=messenger,
        clock=clock,
        titles=catalog.title_of,
    )
    stack.push_async_callback(logs.stop)
    edges = Edges(
        catalog=catalog,
        store=store,
        cluster=cluster,
        inventory=KubernetesInventory(cluster.connections),
        images=images,
        messenger=messenger,
        people=Readers(SlackPeople(client, clock), PreferenceTable(connection)),
        clock=clock,
        audit=audit,
        locks=LockTable(connection),
        announcer=announcer,
        approvals=ApprovalTable(connection),
        snapshots=SnapshotTable(connection),
        analyses=AnalysisTable(connection),
        comparisons=GitHubComparisons(checks),
        checklists=checklists,
        configurations=ConfigurationTable(connection),
        lists=lists,
        ci=ci,
        workbench=workbench,
        metrics=metrics,
        probes=probes,
        builds=builds,
        logs=logs,
    )
    lists.on_change = edges.bell.ring
    lists.look = partial(look_at_ci_of, edges)
    return _Outside(edges, cluster, client, identity, builds, logs, connection.displaced)


async def _opened(connection: Connection, settings: Settings) -> None:
    """While another Dynamo works on the database, this one says that it is alive and not ready.
    Raises PortError."""
    opening = asyncio.create_task(connection.open())
    done, _ = await asyncio.wait({opening}, timeout=_AT_ONCE)
    if not done:
        server = HttpServer(
            settings.dynamo_host,
            settings.dynamo_port,
            ready=lambda: False,
            metrics=lambda: {"dynamo_ready": 0.0},
        )
        await server.start()
        try:
            await asyncio.wait({opening})
        finally:
            opening.cancel()
            await server.stop()
    await opening


async def _greet_slack(settings: Settings, stack: AsyncExitStack) -> tuple[SlackClient, Identity]:
    session = slack_session(trust_env=not settings.slack_needs_no_proxy)
    stack.push_async_callback(session.close)
    token = settings.slack_bot_token.get_secret_value()
    client = slack_client(token, settings.slack_api_url, session)
    return client, await _identify(client)


def _drivers(outside: _Outside, stack: AsyncExitStack) -> tuple[Engine, AnalysisDesk]:
    """Who drives rollouts and their analyses, each told of what the other does."""
    edges = outside.edges
    desk = AnalysisDesk(edges, lambda rollout: engine.wake(rollout), looks=LOOKS, guard=fast_burn)
    engine = _engine(edges, desk)
    edges.bell.listen(engine.wake_waiting)
    edges.bell.listen(desk.ring)
    stack.push_async_callback(desk.stop)
    outside.builds.deploy = partial(
        deploy_built,
        edges=edges,
        wake=engine.wake,
        answered=partial(tell_not_deployed, edges=edges, wake=engine.wake),
    )
    stack.push_async_callback(engine.stop)
    return engine, desk


async def _take_up(outside: _Outside, engine: Engine, desk: AnalysisDesk) -> None:
    """Goes on with what the process before left: the engine first, since others wake it."""
    edges = outside.edges
    await end_displaced(edges)
    await engine.start()
    for restart in await finish_unfinished(edges):
        engine.wake(restart)
    await desk.start()
    edges.announcer.start()
    head = await edges.audit.head()
    log.info("the audit log ends with %s:%s", head.count, head.hash)  # a witness elsewhere
    await edges.lists.start()
    await make_good(edges)
    await outside.builds.start()
    outside.logs.start()


def _with_tokens(catalog: Catalog, settings: Settings) -> Catalog:
    """The names of tokens are in their roles as people are. Raises SettingsError for a role that
    `dynamo.yml` does not have."""
    tokens = settings.terminal_tokens
    known = {role.name for role in catalog.roles}
    unknown = sorted({role for token in tokens for role in token.roles} - known)
    if unknown:
        fix = f"roles are {', '.join(sorted(known))}"
        message = f"names roles that dynamo.yml has not: {', '.join(unknown)}"
        raise SettingsError((SettingMistake("DYNAMO_TOKENS", message, fix),))
    roles = tuple(
        replace(role, users=(*role.users, *(t.name for t in tokens if role.name in t.roles)))
        for role in catalog.roles
    )
    return replace(catalog, roles=roles) if tokens else catalog


def _terminal(settings: Settings, terminal: Terminal) -> TerminalEndpoint | None:
    """None: nothing is served where no token is configured."""
    if not settings.terminal_tokens:
        return None

    async def do(name: str, line: TerminalLine) -> AsyncGenerator[Mapping[str, object], None]:
        async with aclosing(terminal.do(name, line)) as steps:
            async for step in steps:
                yield message_of(step)

    hashes = {token.name: token.sha256 for token in settings.terminal_tokens}
    return TerminalEndpoint(hashes, do, time.monotonic)


def _git(settings: Settings, offline: Offline | None) -> GitSource:
    return GitSource(
        settings.data_directory / "builds",
        token=settings.github_token,
        token_host=token_host_of(settings.github_api_url),
        instead=offline.sources if offline else None,
    )


def _metrics(settings: Settings, catalog: Catalog, offline: Offline | None) -> PrometheusMetrics:
    named = {each.name: each.metrics.url for each in catalog.environments if each.metrics}
    instead = offline.addresses if offline else None
    return PrometheusMetrics(named, settings.prometheus_token, instead=instead)


def _probes(settings: Settings, catalog: Catalog, offline: Offline | None) -> HttpProbes | None:
    """None in an offline world without base URLs: then nothing outside of it is asked."""
    if offline is not None and not offline.addresses:
        return None
    keys = settings.supabase_key_of
    return HttpProbes(
        offline.addresses if offline else None,
        authority=offline.authority if offline else "",
        keys={
            environment.supabase: keys[environment.name]
            for environment in catalog.environments
            if environment.supabase and environment.name in keys
        },
    )


def _builder(settings: Settings, offline: Offline | None) -> Builder:
    real = DockerImages(settings.docker_host or "", registry=settings.dynamo_registry_url or "")
    if offline is None or offline.builder is None:
        return real
    if settings.docker_host is None:
        return offline.builder
    return StandInBuilder(real, offline.builder)


def _engine(edges: Edges, desk: AnalysisDesk) -> Engine:
    catalog = edges.catalog
    work = Work(
        write=lambda rollout: writing.write(rollout, edges),
        prepare=lambda rollout, look: writing.prepare(rollout, look, edges),
        outlook=lambda rollout: look_out(rollout, edges),
        recheck=lambda rollout: writing.recheck(rollout, edges),
        hold=lambda rollout: writing.hold(rollout, edges),
        commits=lambda rollout: writing.commits(rollout, edges),
        keep=lambda rollout: writing.keep(rollout, edges),
        explain=lambda rollout: explain(rollout, edges),
        diagnose=lambda rollout, seen: diagnose(rollout, seen, edges),
        card=lambda rollout, now: card_of(rollout, catalog, now),
        details=lambda rollout, _: details_of(rollout, catalog),
        opened=lambda rollout, _: opened_of(rollout, catalog),
        announcement=lambda rollout, _: announcement_of(rollout, catalog),
        posted=lambda rollout: tell_where(rollout, edges),
        turned_away=lambda rollout: tell_turned_away(rollout, edges),
        ended=lambda rollout: _ended(rollout, edges),
        moved=desk.moved,
    )
    return Engine(
        store=edges.store,
        cluster=edges.cluster,
        messenger=edges.messenger,
        clock=edges.clock,
        work=work,
    )


async def _ended(rollout: Rollout, edges: Edges) -> None:
    await asyncio.gather(ended(rollout, edges), tell_policies(rollout, edges))


async def _identify(client: SlackClient) -> Identity:
    """Wait for a Slack that does not answer; a wrong token is told at once."""
    tries = 0
    while True:
        try:
            return await identify(client)
        except PortError as error:
            if not error.temporary:
                raise
            wait = back_off(tries).total_seconds()
            tries += 1
            log.warning("Slack does not answer (%s); trying again in %g s", error, wait)
            await asyncio.sleep(wait)
