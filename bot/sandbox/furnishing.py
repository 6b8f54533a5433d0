"""The parts of the offline world as the catalog describes them: new, or as an earlier run kept.

What is kept is one whole (`keeping.py`): where one part cannot be gone on from, all begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain.release import hosted_name
from bot.sandbox.clock import Clock
from bot.sandbox.github.host import GitHost, from_releases
from bot.sandbox.keeping import Keeper, Picture, memory_of
from bot.sandbox.kubernetes.world import Kept, World
from bot.sandbox.prometheus.pods import PodHistory
from bot.sandbox.registry.release_table import RELEASES
from bot.sandbox.slack import keeping, seed
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.manifest import Manifest, read_manifest
from bot.sandbox.slack.server import MANIFEST, acme, http_mode
from bot.sandbox.slack.services import Credentials, Slack, assemble
from config.catalog import Catalog
from config.manifests import load_manifests

SUGGESTIONS = (
    ("/dynamo deploy tasks-service qa", "a rollout, followed live"),
    ("/dynamo deploy tasks-service dev 1.5.0", "a release that crashes, and why"),
    ("/dynamo deploy tasks-servce qa", "a typo, and what helps"),
)
BESIDE_A_REAL_CLUSTER = (
    SUGGESTIONS[0],
    ("/dynamo deploy tasks-service dev 1.2.0", "a release that is newer still"),
    SUGGESTIONS[2],
)
"""Its registry has what `real_cluster.py` says, and nothing that crashes."""
AUTOSCALED = (("api-gateway", "prod", 3, 12),)
_LIVED_THROUGH = 3600.0
"""Seconds, at most, of the time in which nobody ran a kept world that pass in it at the next start:
enough for every rollout, grace period and event. What is more is skipped."""


@dataclass(frozen=True, slots=True)
class App:
    """The app that is installed in the workspace, and the lines that its page suggests."""

    manifest: Manifest
    suggestions: tuple[tuple[str, str], ...] = SUGGESTIONS


@dataclass(slots=True)
class Furniture:
    """`world` is None where a real cluster is in its place; `pods` are the records that metrics of
    an earlier run had, and `history` holds those of this one."""

    clock: Clock
    slack: Slack
    world: World | None
    git: GitHost
    pods: tuple[dict[str, Any], ...] = ()
    history: PodHistory | None = None

    def picture(self, keeper: Keeper, database: Path) -> Picture:
        """All of it at this moment, with the bot's memory."""
        return Picture(
            at=self.clock.now(),
            passed=self.clock.monotonic(),
            parts={
                "workspace": keeping.kept(self.slack, keeper.put),
                "git": self.git.kept(),
                "world": self.world.kept(keeper.put) if self.world else None,
                "pods": self.history.all() if self.history else (),
            },
            memory=memory_of(database),
        )


def furnish(
    catalog: Catalog,
    keeper: Keeper | None,
    *,
    simulated: bool,
    speed: float,
    manual: bool,
    manifest: Path | None = None,
) -> Furniture:
    """Go on from what is kept; what cannot be gone on from is put aside. `manifest` is of another
    app than Dynamo. Raises ManifestError."""
    lines = SUGGESTIONS if simulated else BESIDE_A_REAL_CLUSTER
    app = _other_app(manifest) if manifest else App(read_manifest(MANIFEST), lines)
    if keeper is not None and keeper.found is not None:
        try:
            return _resumed(catalog, keeper, keeper.found, simulated, speed, manual, app)
        except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
            keeper.put_aside(error)
    clock = Clock(speed=speed, manual=manual)
    slack = _slack(clock, app)
    world = _world(clock, catalog, slack) if simulated else None
    return Furniture(clock, slack, world, _git_host(clock, catalog))


def _other_app(manifest: Path) -> App:
    """What there is to try of it are its own commands."""
    found = read_manifest(manifest)
    commands = [(f"{c.command} {c.usage_hint}".strip(), c.description) for c in found.commands]
    return App(found, tuple(commands[:3]))


def _resumed(
    catalog: Catalog,
    keeper: Keeper,
    found: Picture,
    simulated: bool,
    speed: float,
    manual: bool,
    app: App,
) -> Furniture:
    parts = found.parts
    if simulated != (parts["world"] is not None):
        raise ValueError("it was kept beside another kind of cluster")
    clock = Clock(speed, manual, found.at - timedelta(seconds=found.passed), found.passed)
    slack = _slack(clock, app)
    keeping.resume(slack, parts["workspace"], keeper.read)
    git = _git_host(clock, catalog)
    git.resume(parts["git"])
    kept = Kept(parts["world"], keeper.read)
    world = _world(clock, catalog, slack, kept) if simulated else None
    return Furniture(clock, slack, world, git, tuple(parts["pods"]))


async def live_through(clock: Clock) -> None:
    """The cluster went on while nobody looked: rollouts came to their end, back-offs grew."""
    gone = (datetime.now(UTC) - clock.now()).total_seconds()
    if gone > 0:
        await clock.pass_time(min(gone, _LIVED_THROUGH))
        clock.skip(max(0.0, gone - _LIVED_THROUGH))


def _slack(clock: Clock, app: App) -> Slack:
    return assemble(
        acme(clock, app.manifest),
        clock,
        manifest=app.manifest,
        credentials=Credentials(seed.BOT_TOKEN, seed.APP_TOKEN, seed.SIGNING_SECRET),
        http_mode=http_mode(app.manifest),
        suggestions=app.suggestions,
    )


def _world(clock: Clock, catalog: Catalog, slack: Slack, kept: Kept | None = None) -> World:
    """The cluster as the catalog describes it, with its services already running; or as kept."""

    def manifests(service: str, environment: str) -> list[dict[str, Any]]:
        found = load_manifests(catalog.service(service), catalog.environment(environment))
        return [found.deployment, *found.configs]

    def slack_is_busy() -> None:
        fault = Fault(method="chat.update", status=429, retry_after=15, times=1)
        slack.faults.order(fault)

    places = [(environment.name, environment.namespace) for environment in catalog.environments]
    world = World(places, clock=clock, rate_limit_slack=slack_is_busy, kept=kept)
    if kept is None:
        world.seed_releases(manifests, autoscaled=AUTOSCALED)
    return world


def _git_host(clock: Clock, catalog: Catalog) -> GitHost:
    """The repositories that the catalog names, with the commits that the images come from."""
    return from_releases(RELEASES, repositories(catalog), clock.now)


def repositories(catalog: Catalog) -> dict[str, str]:
    """Owner and name by service, of those that a git host has."""
    named = {each.name: hosted_name(each.repository) for each in catalog.services}
    return {service: name for service, name in named.items() if name}
