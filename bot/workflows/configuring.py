"""Applies a service's configuration, or puts a former one back: shown first, then confirmed.

A deploy never applies configuration: a ConfigMap is shared by all pods of a workload, those of the
version before among them, and is not undone by going back. So it is an act of its own, with its own
gates (permission, locks, windows), its own confirmation and its own way back.

The press of the button is bound to what was shown: file and cluster are read again, and what has
another fingerprint by then is refused. Intent is kept before the effect (`Configurations.begin`),
so that a process that is killed in between finds out at its next start what became of it.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cards.card import Card
from bot.cards.configuration import announced_card
from bot.domain.audit import AuditEntry, By, Surface, subject_of
from bot.domain.configuration import (
    ConfigSnapshot,
    ObjectPlan,
    Stage,
    changes_between,
    content_of,
    fingerprint,
    keys_left_alone,
    keys_of,
    version_of,
)
from bot.domain.gate import Gate, GateResult, all_open
from bot.domain.lock import judge_locks
from bot.domain.rollout import Actor, Rollout
from bot.domain.rollout_records import refusal_entry
from bot.domain.verdict import Value
from bot.domain.window import judge_window
from bot.errors import PortError, Trouble
from bot.ports import Announcement, Manifest
from bot.text import Texts
from bot.workflows.edges import Edges, Place
from bot.workflows.gates.dry_run import refused_by_server
from bot.workflows.operating import Closed, NotRunning
from bot.workflows.people import permission
from bot.workflows.restarting import request_restart
from bot.workflows.rollout import AlreadyUnderway, Started
from config.catalog import OnConfig, UnknownNameError
from config.manifests import ManifestError, load_manifests

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NoFile:
    """The service has no configuration here."""


@dataclass(frozen=True, slots=True)
class NothingKept:
    """There is no former state to put back that differs from what stands."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be written. `restored`: the snapshot that is put back, None for the files."""

    place: Place
    objects: tuple[ObjectPlan, ...]
    gates: tuple[GateResult, ...]
    restored: ConfigSnapshot | None = None

    @property
    def unchanged(self) -> bool:
        return all(each.seen and not each.changes for each in self.objects)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.objects)

    @property
    def restarts(self) -> bool:
        return self.place.service.on_config is OnConfig.RESTART


@dataclass(frozen=True, slots=True)
class Refused:
    plan: Planned


@dataclass(frozen=True, slots=True)
class Changed:
    """Between the showing and the press, the file or the cluster became another: nothing was
    written; `plan` is how it is now."""

    plan: Planned


Restart = Started | AlreadyUnderway | Closed | NotRunning | PortError | None
"""What became of the pods; None where nothing was to become of them."""


@dataclass(frozen=True, slots=True)
class Applied:
    plan: Planned
    restart: Restart = None
    told: bool = True


async def plan_config(
    place: Place, by: By, edges: Edges, *, restore: bool = False
) -> Planned | NoFile | NothingKept:
    """Raises PortError when an edge does not answer."""
    if restore:
        return await _plan_restore(place, by, edges)
    try:
        manifests = await asyncio.to_thread(load_manifests, place.service, place.environment)
    except ManifestError as error:
        where: dict[str, Value] = {"path": str(error.path), "line": error.line}
        unsound = GateResult(
            Gate.MANIFEST, False, "CONFIG_INVALID", {**where, "message": str(error)}
        )
        return Planned(place, (), (*await _gates(place, by, edges), unsound))
    if not manifests.configs:
        return NoFile()
    return await _plan(place, by, manifests.configs, edges)


async def apply_config(
    place: Place,
    by: By,
    edges: Edges,
    *,
    seen: str,
    restore: bool = False,
    asked_in: str = "",
) -> Applied | Refused | Changed | NoFile | NothingKept:
    """Carry out what was shown under the fingerprint `seen`. Raises PortError when an edge does not
    answer; what was written by then is found out at the next start."""
    plan = await plan_config(place, by, edges, restore=restore)
    if not isinstance(plan, Planned):
        return plan
    if not all_open(plan.gates):
        await record_refusal(plan, by, edges)
        return Refused(plan)
    if plan.fingerprint != seen:
        return Changed(plan)
    snapshot = await _begin(plan, by, edges)
    try:
        for each in plan.objects:
            await edges.inventory.put_config(
                place.context, place.namespace, each.manifest, seen=each.seen
            )
    except PortError as error:
        await _failed(snapshot, error, by, edges)
        if error.trouble is Trouble.CONFLICT and error.temporary:
            again = await plan_config(place, by, edges, restore=restore)
            return Changed(again) if isinstance(again, Planned) else again
        raise
    restart = await _restart(place, plan.objects, by, edges, asked_in)
    card = _announced(place, plan.objects, by, edges, plan.restored)
    return Applied(plan, restart, await _ended(snapshot, card, by, edges))


async def finish_unfinished(edges: Edges) -> tuple[Rollout, ...]:
    """At the start: what a killed process began is looked at in the cluster; what was written is
    finished as it would have been. The restarts that this asks for. Where a cluster does not say,
    the next start asks again; what `dynamo.yml` no longer has is given up."""
    restarts = []
    for snapshot in await edges.configurations.unfinished():
        try:
            restart = await _finish(snapshot, edges)
        except (PortError, UnknownNameError) as error:
            log.warning("what became of configuration %s is not known: %s", snapshot.id, error)
        else:
            restarts += [restart.rollout] if isinstance(restart, Started) else []
    return tuple(restarts)


async def _finish(snapshot: ConfigSnapshot, edges: Edges) -> Restart:
    place = Place(
        edges.catalog.service(snapshot.service), edges.catalog.environment(snapshot.environment)
    )
    by = By(snapshot.by, Surface.ENGINE)
    stands = {
        name: content_of(await edges.inventory.config(place.context, place.namespace, name))
        for name in snapshot.after
    }
    if not all(_says(stands[name], wanted) for name, wanted in snapshot.after.items()):
        settled = snapshot.with_(stage=Stage.FAILED)
        await edges.configurations.end(settled, _entry(settled, by, "config-failed", edges))
        return None
    objects = tuple(
        ObjectPlan(name, wanted, "?", changes_between(snapshot.before.get(name), wanted))
        for name, wanted in snapshot.after.items()
    )
    restart = await _restart(place, objects, by, edges, "")
    kept = await edges.configurations.of(snapshot.service, snapshot.environment)
    restored = next((each for each in kept if each.id == snapshot.restored), None)
    await _ended(snapshot, _announced(place, objects, by, edges, restored), by, edges)
    return restart


# --- gathering -----------------------------------------------------------------------------------


async def _plan_restore(place: Place, by: By, edges: Edges) -> Planned | NothingKept:
    """To the newest state that was kept and is not what stands: pressed twice, it goes back and
    forth between the last two, as an undo does."""
    kept = await edges.configurations.of(place.service.name, place.environment.name)
    for snapshot in kept:
        wanted = [dict(content) for content in snapshot.before.values() if content is not None]
        if not wanted or snapshot.stage is Stage.FAILED:
            continue
        plan = await _plan(place, by, wanted, edges, restored=snapshot)
        if not plan.unchanged:
            return plan
    return NothingKept()


async def _plan(
    place: Place,
    by: By,
    manifests: Sequence[Manifest],
    edges: Edges,
    restored: ConfigSnapshot | None = None,
) -> Planned:
    gates, looked = await asyncio.gather(
        _gates(place, by, edges),
        asyncio.gather(*(_object(place, each, edges) for each in manifests)),
    )
    objects = tuple(each for each in looked if isinstance(each, ObjectPlan))
    refused = [each for each in looked if isinstance(each, GateResult)]
    answered = refused or [GateResult(Gate.CLUSTER, True, "ACCEPTED")]
    return Planned(place, objects, (*gates, *answered), restored)


async def _gates(place: Place, by: By, edges: Edges) -> tuple[GateResult, ...]:
    """As for a deploy: who, whether somebody else holds the place, whether it is the time."""
    may, held = await asyncio.gather(
        permission(by.actor, place, edges), edges.locks.all(place.environment.name)
    )
    now = edges.clock.now()
    locks = judge_locks(held, place.service.name, place.environment.name, by.actor, now)
    return may, locks, judge_window(place.environment, now)


async def _object(place: Place, manifest: Manifest, edges: Edges) -> ObjectPlan | GateResult:
    """One ConfigMap, by the server's own answer to a dry run."""
    name = str(manifest["metadata"]["name"])
    try:
        live = await edges.inventory.config(place.context, place.namespace, name)
        seen = version_of(live)
        after = await edges.inventory.put_config(
            place.context, place.namespace, manifest, seen=seen, dry_run=True
        )
    except PortError as error:
        if error.temporary:
            raise
        return refused_by_server(error, place)
    return ObjectPlan(
        name,
        manifest,
        seen,
        changes_between(live, after),
        keys_left_alone(live, after, manifest),
    )


# --- carrying out ------------------------------------------------------------------------------


async def _begin(plan: Planned, by: By, edges: Edges) -> ConfigSnapshot:
    place = plan.place
    stood = await asyncio.gather(
        *(
            edges.inventory.config(place.context, place.namespace, each.name)
            for each in plan.objects
        )
    )
    before: dict[str, Mapping[str, Any] | None] = {}
    for each, live in zip(plan.objects, stood, strict=True):
        before[each.name] = content_of(live)
    snapshot = ConfigSnapshot(
        id=secrets.token_hex(6),
        service=place.service.name,
        environment=place.environment.name,
        taken_at=edges.clock.now(),
        by=by.actor,
        before=before,
        after={each.name: dict(each.manifest) for each in plan.objects},
        keys=keys_of(plan.objects),
        restored=plan.restored.id if plan.restored else "",
    )
    await edges.configurations.begin(snapshot, _entry(snapshot, by, "config-begun", edges))
    return snapshot


async def _failed(snapshot: ConfigSnapshot, error: PortError, by: By, edges: Edges) -> None:
    """Unless nobody knows what became of it: an answer that never came may have been a yes."""
    if error.trouble is Trouble.AWAY:
        return
    settled = snapshot.with_(stage=Stage.FAILED)
    entry = _entry(settled, by, "config-failed", edges, trouble=str(error.trouble))
    await edges.configurations.end(settled, entry)


async def _restart(
    place: Place, objects: Sequence[ObjectPlan], by: By, edges: Edges, asked_in: str
) -> Restart:
    """What pods read from variables they read when they start. Before it is noted as done: asked
    for twice it is one restart, and none is forgotten."""
    if place.service.on_config is not OnConfig.RESTART:
        return None
    names = ", ".join(each.name for each in objects)
    try:
        return await request_restart(
            place,
            Actor(by.actor),
            edges,
            line=f"config {place.service.name} {place.environment.name}",
            reason=f"ConfigMap {names}",
            asked_in=asked_in,
            surface=by.surface,
        )
    except PortError as error:
        return error


def _announced(
    place: Place,
    objects: Sequence[ObjectPlan],
    by: By,
    edges: Edges,
    restored: ConfigSnapshot | None,
) -> Card:
    language = place.environment.language
    return announced_card(
        objects,
        who=by.actor,
        service=place.service.name,
        environment=place.environment.name,
        environment_title=place.environment.title.to(language),
        restored=restored.taken_at if restored else None,
        restarts=place.service.on_config is OnConfig.RESTART,
        texts=Texts.of(language),
    )


async def _ended(snapshot: ConfigSnapshot, card: Card, by: By, edges: Edges) -> bool:
    """Recorded and told, once; False where the channel could not be told yet."""
    environment = edges.catalog.environment(snapshot.environment)
    due = Announcement(f"config:{snapshot.id}", environment.channel.id, card, edges.clock.now())
    settled = snapshot.with_(stage=Stage.APPLIED)
    await edges.configurations.end(settled, _entry(settled, by, "config", edges), due)
    try:
        return due.key not in await edges.announcer.tell()
    except PortError:
        return False  # it stands in the outbox


async def record_refusal(plan: Planned, by: By, edges: Edges) -> None:
    """Somebody asked and did not get it."""
    place = plan.place
    subject = subject_of(place.service.name, place.environment.name)
    entry = refusal_entry("config", subject, plan.gates, by, edges.clock.now())
    await edges.audit.record(entry)


def _entry(snapshot: ConfigSnapshot, by: By, action: str, edges: Edges, **more: str) -> AuditEntry:
    """Names of keys and what became of them: never a value."""
    after: dict[str, Any] = {"snapshot": snapshot.id, "keys": dict(snapshot.keys), **more}
    if snapshot.restored:
        after["restored"] = snapshot.restored
    return AuditEntry(
        at=edges.clock.now(),
        actor=by.actor,
        surface=by.surface,
        action=action,
        subject=subject_of(snapshot.service, snapshot.environment),
        after=after,
        key=f"{action}:{snapshot.id}",
    )


def _says(stands: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Whether what stands has all that was to be written."""
    if stands is None:
        return False
    return all(
        stands.get(part, {}).get(key) == value
        for part in ("data", "binaryData")
        for key, value in (wanted.get(part) or {}).items()
    )
