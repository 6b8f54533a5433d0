"""`dynamo sandbox`: the offline world and the production bot in it, on one port.

The servers (Slack, Kubernetes, registry, page) share no code with the bot: they meet over HTTP on
loopback, as they would across the network. Only this file knows both sides. One port serves all:
`/` the page, `/api` and `/link` Slack, `/kubernetes` the API server, `/v2` the registry, `/github`
the git host, `/sites` what the base URLs lead to (by HTTPS on a second port, where the machine can
make certificates), `/supabase` the Supabase instances, `/prometheus` the metrics, `/world` the side
panel.
"""

import asyncio
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from pydantic import SecretStr

from bot.app import Dynamo, Offline
from bot.domain.release import hosted_name
from bot.sandbox.clock import Clock
from bot.sandbox.furnishing import Furniture, furnish, live_through, repositories
from bot.sandbox.github.host import GitHost
from bot.sandbox.github.server import TOKEN, github_app
from bot.sandbox.github.sources import make_sources
from bot.sandbox.keeping import UNREADABLE, Keeper, Picture
from bot.sandbox.kubernetes.world import World
from bot.sandbox.kubernetes.world_api import world_app
from bot.sandbox.page import add_page
from bot.sandbox.prometheus.server import HISTORY, prometheus_app
from bot.sandbox.registry.release_table import RELEASES
from bot.sandbox.services.sites import Route
from bot.sandbox.services.town import Address, Town
from bot.sandbox.simulated_builder import SimulatedBuilder
from bot.sandbox.slack import seed
from bot.sandbox.slack.server import add_slack
from bot.sandbox.slack.services import Slack
from config.catalog import Catalog, load_catalog
from config.settings import Settings

CONFIG = Path(__file__).resolve().parents[2] / "config" / "dynamo.yml"


@dataclass(frozen=True, slots=True)
class Options:
    """`port` 0 takes a free one; `keep` is where Dynamo's memory stays between starts, and with
    `whole` the world and the workspace, too; `kube_context` names a real cluster of the user's
    kubeconfig in place of the simulated one."""

    port: int = 0
    speed: float = 1.0
    keep: Path | None = None
    whole: bool = False  # see keeping.py
    kube_context: str | None = None
    kubeconfig: str = ""
    registry: str = "localhost:5000/dynamo"  # of the real cluster's images
    config: Path = CONFIG
    bot: bool = True  # False: only the world, for a bot that runs elsewhere
    manifest: Path | None = None  # of that bot's app; None: Dynamo's
    manual: bool = False  # time passes only where somebody moves the clock on


class WorldClock:
    """`bot.ports.Clock` on the sandbox's virtual time: the bot waits as fast as it passes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        seconds = max(0.0, (when - self._clock.now()).total_seconds())
        return self._clock.call_later(seconds, wake).cancel


@dataclass(slots=True)
class Sandbox:
    url: str
    clock: Clock
    slack: Slack
    simulated: World | None
    git_host: GitHost
    settings: Settings
    sources: Mapping[str, str] = field(default_factory=dict)  # where git finds what is built
    town: Town | None = None  # None: the cluster is a real one
    addresses: Mapping[str, str] = field(default_factory=dict)  # as Offline.addresses
    bot: Dynamo | None = None
    kept: str = ""  # a sentence on what this start goes on from

    @property
    def dynamo(self) -> Dynamo:
        """Raises LookupError where the bot runs elsewhere."""
        if self.bot is None:
            raise LookupError("no bot runs in this process")
        return self.bot

    @property
    def world(self) -> World:
        """Raises LookupError where a real cluster is in its place."""
        if self.simulated is None:
            raise LookupError("the cluster is a real one")
        return self.simulated

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment of a bot that runs elsewhere: each address can be that of a real one."""
        settings = self.settings
        return {
            "SLACK_API_URL": settings.slack_api_url,
            "SLACK_BOT_TOKEN": seed.BOT_TOKEN,
            "SLACK_APP_TOKEN": seed.APP_TOKEN,
            "KUBECONFIG": str(settings.kubeconfig),
            "DYNAMO_REGISTRY_URL": str(settings.dynamo_registry_url or ""),
            "GITHUB_API_URL": settings.github_api_url,
            "GITHUB_TOKEN": TOKEN,
        }

    @property
    def greeting(self) -> str:
        if self.bot is None:
            lines = "".join(f"    {name}={value}\n" for name, value in self.surroundings.items())
            return (
                f"\n  The world without a bot: {self.url}\n\n"
                "  Yours meets it with these settings; put the address of a real one in the place "
                f"of any:\n\n{lines}\n"
                f"  By HTTP, requests are signed with SLACK_SIGNING_SECRET={seed.SIGNING_SECRET}\n"
                f"  In its dynamo.yml, metrics are at {self.url}/prometheus.\n\n{self.kept}"
            )
        return (
            f"\n  Dynamo's sandbox: {self.url}\n\n"
            "  Open it and type  /dynamo deploy tasks-service qa\n"
            f"  Stop it with Ctrl-C.\n\n{self.kept}"
        )


@asynccontextmanager
async def launch(options: Options, middlewares: Sequence[Any] = ()) -> AsyncIterator[Sandbox]:
    """Start the world, then the bot in it; stop both in reverse. `middlewares` of aiohttp see every
    request, for tests that disturb them."""
    async with AsyncExitStack() as stack:
        catalog = load_catalog(options.config)
        home, keeper = await asyncio.to_thread(_home, options, stack)
        app = web.Application(client_max_size=64 * 1024**2, middlewares=middlewares)
        simulated = options.kube_context is None
        parts = furnish(
            catalog,
            keeper,
            simulated=simulated,
            speed=options.speed,
            manual=options.manual,
            manifest=options.manifest,
        )
        clock, slack, world, git_host = parts.clock, parts.slack, parts.world, parts.git
        add_slack(app, slack)
        add_page(app)
        app.add_subapp("/github", github_app(git_host, _commits(catalog)))
        town = None
        if world is not None:
            stack.callback(world.stop)
            app.add_subapp("/kubernetes", world.kubernetes_app)
            app.add_subapp("/v2", world.registry_app())
            app.add_subapp("/world", world_app(world))
            metrics = prometheus_app(world, parts.pods)
            app.add_subapp("/prometheus", metrics)
            parts.history = metrics[HISTORY]
            town = await asyncio.to_thread(_town, world, catalog, home / "town")
            town.add_to(app)
        else:
            # Imported here: the official client takes a second, and only this needs it.
            from bot.sandbox.real_cluster import RealCluster, services_running

            assert options.kube_context is not None
            real = RealCluster(options.kube_context, options.kubeconfig, options.registry)
            running = services_running(real, options.config, home)
            options = replace(options, config=await stack.enter_async_context(running))
        if keeper is not None and keeper.found is not None:
            await live_through(clock)
        sources = await asyncio.to_thread(_sources, home / "git", git_host, catalog)
        port, secure = await _serve(app, options.port, stack, town.tls() if town else None)
        url = f"http://127.0.0.1:{port}"
        addresses = town.addresses(url, secure) if town else {}
        if world is not None:
            named = [each.metrics.url for each in catalog.environments if each.metrics]
            addresses = {**addresses, **dict.fromkeys(named, f"{url}/prometheus")}
        slack.base_url.given = url
        settings = settings_for(url, home, options, town.keys if town else "")
        sandbox = Sandbox(url, clock, slack, world, git_host, settings, sources, town, addresses)
        keeping = _Keeping(keeper, parts, settings.database_path) if keeper else None
        if keeping is not None:
            sandbox.kept = keeping.told
            stack.push_async_callback(keeping.stop)
        if options.bot:
            builder = SimulatedBuilder(world.registry, clock) if world else None
            authority = town.authority if town else ""
            offline = Offline(builder, sources, addresses, authority)
            sandbox.bot = await Dynamo.start(settings, clock=WorldClock(clock), offline=offline)
            stack.push_async_callback(sandbox.bot.stop)
        if keeping is not None:
            keeping.start()
        yield sandbox


def _home(options: Options, stack: AsyncExitStack) -> tuple[Path, Keeper | None]:
    """Where files of this run stand. Blocks. Raises InUseError."""
    if options.keep is not None and options.whole:
        keeper = Keeper.open(options.keep)
        stack.callback(keeper.close)
        return keeper.live, keeper
    home = options.keep or Path(tempfile.mkdtemp(prefix="dynamo-sandbox-"))
    home.mkdir(parents=True, exist_ok=True)
    if options.keep is None:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
    return home, None


@dataclass(slots=True)
class _Keeping:
    """Pictures of this run, from when the bot has started to when it has stopped."""

    keeper: Keeper
    parts: Furniture
    database: Path
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.keeper.keep_on(self._picture))

    async def stop(self) -> None:
        if self.task is None:
            return  # the bot did not start: what is kept stays as it is
        self.task.cancel()
        await asyncio.wait([self.task])
        await asyncio.to_thread(self.keeper.keep, self._picture())

    def _picture(self) -> Picture:
        return self.parts.picture(self.keeper, self.database)

    @property
    def told(self) -> str:
        where = self.keeper.directory
        if self.keeper.trouble:
            aside = where / UNREADABLE
            why = self.keeper.trouble
            return (
                f"  What {where} kept cannot be gone on from ({why}).\n"
                f"  It is in {aside} now, and everything begins anew.\n\n"
            )
        if self.keeper.found is None:
            return f"  Everything is kept in {where}.\n\n"
        since = f"{self.keeper.found.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"  It goes on from {where}, as of {since}.\n\n"


def _commits(catalog: Catalog) -> dict[tuple[str, str], tuple[str, str]]:
    """By service and version: repository and commit."""
    known = repositories(catalog)
    return {
        (each.service, each.version): (known[each.service], each.commit)
        for each in RELEASES
        if each.service in known
    }


def _sources(directory: Path, host: GitHost, catalog: Catalog) -> dict[str, str]:
    """Where git finds the repositories that the catalog names, once they are made and the git host
    knows their commits."""
    directory.mkdir(parents=True, exist_ok=True)
    addresses = {
        each.name: each.repository
        for each in catalog.services
        if hosted_name(each.repository) and each.repository.startswith("https://")
    }
    made = make_sources(directory, addresses, host.now())
    for service, (_, commits) in made.items():
        for commit in commits:
            name = hosted_name(addresses[service])
            if name in host.repositories and host.repository(name).place(commit.sha) is not None:
                continue  # of an earlier run, with the checks that it has by now
            host.add_commit(name, commit.sha, commit.message, author=commit.author, at=commit.at)
    return {addresses[service]: f"file://{path}" for service, (path, _) in made.items()}


def _town(world: World, catalog: Catalog, home: Path) -> Town:
    """What the catalog's base URLs lead to. Blocks while an authority is made."""
    town = Town(
        world,
        [Address(each.name, each.base_url, each.supabase) for each in catalog.environments],
        [
            Route(each.name, each.path, each.health, each.routes)
            for each in catalog.services
            if each.path is not None
        ],
        home,
    )
    town.certificates.found()
    return town


def settings_for(url: str, home: Path, options: Options, keys: str = "") -> Settings:
    """The production bot's settings, with its addresses pointed at this world."""
    return Settings(
        slack_bot_token=SecretStr(seed.BOT_TOKEN),
        slack_app_token=SecretStr(seed.APP_TOKEN),
        slack_signing_secret=None,
        slack_api_url=f"{url}/api/",
        dynamo_config=options.config,
        dynamo_database=SecretStr(f"sqlite:///{home / 'dynamo.db'}"),
        dynamo_host="127.0.0.1",
        dynamo_port=0,
        dynamo_registry_url=None if options.kube_context else url,
        github_token=SecretStr(TOKEN),
        supabase_keys=SecretStr(keys) if keys else None,
        github_api_url=f"{url}/github",
        kubeconfig=(options.kubeconfig or None)
        if options.kube_context
        else str(_kubeconfig(url, home)),
    )


def _kubeconfig(url: str, home: Path) -> Path:
    path = home / "kubeconfig.yaml"
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": f"{url}/kubernetes"}}],
        "users": [{"name": "dynamo", "user": {}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "dynamo"}}],
        "current-context": "sandbox",
    }
    path.write_text(yaml.safe_dump(config))
    return path


async def _serve(
    app: web.Application, port: int, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> tuple[int, str | None]:
    """The port, and where the same is served by HTTPS."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    if tls is not None:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    ports = [int(address[1]) for address in runner.addresses]
    return ports[0], f"https://127.0.0.1:{ports[1]}" if tls is not None else None
