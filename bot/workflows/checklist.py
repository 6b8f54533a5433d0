"""The checklist of a release: opened, ticked, unticked, held against CI, closed in production.

Who may tick is asked of Slack at the moment of the click; what stands on the list is decided by
`bot/domain/checklist.py` inside the store's transaction; the message follows by itself
(`checklist_messages.py`). Every change and every refused click goes into the audit log.

Its message stands in the channel of the environment that requires it: there people decide about
that environment, and there its refusals, approvals and cards are.
"""

import logging
from datetime import datetime

from bot.domain.audit import ENGINE, AuditEntry, By, subject_of
from bot.domain.checklist import (
    Checklist,
    No,
    Person,
    Refusal,
    Tick,
    compared,
    left_behind,
    settle_automatic,
    tick,
    to_compare,
    untick,
)
from bot.domain.gate import GateResult
from bot.domain.image import Image
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState, Running
from bot.errors import PortError
from bot.ports import Decide, Record
from bot.workflows.ci import ask_ci, evidence_of
from bot.workflows.comparing import commits_between
from bot.workflows.edges import Edges, Place
from bot.workflows.people import groups_of
from bot.workflows.release import release_of
from config.catalog import Catalog, Environment, Requirement, UnknownNameError

log = logging.getLogger(__name__)


def goal_of(catalog: Catalog) -> Environment:
    """The environment that the list is about: the first that requires it, else the last."""
    for environment in catalog.environments:
        if Requirement.CHECKLIST in environment.requires:
            return environment
    return catalog.environments[-1]


async def open_list(service: str, digest: str, version: str, by: By, edges: Edges) -> Checklist:
    """The list of this release, made the service's current one, with what CI says on it. Its
    message is posted or brought up to date by itself."""
    items = edges.catalog.checklist
    wanted = Checklist(service, digest, version, edges.clock.now(), by.actor)
    record = _recorded("checklist-open", by, edges.clock.now(), {"version": version})
    opened, former = await edges.checklists.open(
        wanted, lambda before: left_behind(before, items), record
    )
    if former is not None:
        edges.lists.show(former.service, former.digest)
    settled = await look_at_ci(opened, edges)
    if await _in_production(settled, edges):
        settled = await close_list(service, digest, edges) or settled
    edges.lists.show(service, digest)
    if to_compare(settled) is not None:  # nobody waits for the git host here
        edges.lists.look_again(service, digest, edges.clock.now())
    return settled


async def press_tick(
    service: str, digest: str, item: str, by: By, edges: Edges, evidence: str = ""
) -> Checklist | Refusal:
    now = edges.clock.now()
    person = await _person(by.actor, item, edges)
    items = edges.catalog.checklist
    record = _recorded("tick", by, now, {"item": item})
    return await _press(
        service,
        digest,
        lambda held: tick(held, items, item, person, now, evidence),
        record,
        by,
        edges,
    )


async def press_untick(
    service: str, digest: str, item: str, seen: datetime | None, by: By, edges: Edges
) -> Checklist | Refusal:
    person = await _person(by.actor, item, edges)
    items = edges.catalog.checklist
    record = _recorded("untick", by, edges.clock.now(), {"item": item})
    return await _press(
        service, digest, lambda held: untick(held, items, item, person, seen), record, by, edges
    )


async def could_tick(
    service: str, digest: str, item: str, by: By, edges: Edges
) -> Checklist | Refusal:
    """Whether a tick would be taken now: asked before a person is made to write its evidence."""
    held = await edges.checklists.get(service, digest)
    if held is None:
        return Refusal(No.NO_LIST)
    person = await _person(by.actor, item, edges)
    decided = tick(held, edges.catalog.checklist, item, person, edges.clock.now())
    return decided if isinstance(decided, Refusal) else held


async def look_at_ci(checklist: Checklist, edges: Edges) -> Checklist:
    """The list once its automatic items were held against their evidence, stored where it is. When
    the git host does not say, they stay as they are. While checks run, it looks again by itself."""
    automatic = [item for item in edges.catalog.checklist if item.automatic == "ci"]
    if not automatic or checklist.closed_at is not None:
        return checklist
    try:
        gate = await ci_of(checklist, edges)
    except PortError as error:
        if error.temporary:
            edges.lists.look_again(checklist.service, checklist.digest, None)
        return checklist
    again = gate.values.get("again_at")
    if again:
        due = datetime.fromisoformat(str(again))
        edges.lists.look_again(checklist.service, checklist.digest, due)
        return checklist  # a tick stays until its checks have ended otherwise
    now, evidence = edges.clock.now(), evidence_of(gate)

    def settle(held: Checklist) -> Checklist | Refusal:
        for item in automatic:
            held = settle_automatic(held, item, holds=gate.ok, now=now, evidence=evidence)
        return held

    action = "tick" if gate.ok else "untick"
    record = _recorded(action, ENGINE, now, {"item": " ".join(item.id for item in automatic)})
    settled = await edges.checklists.change(checklist.service, checklist.digest, settle, record)
    if isinstance(settled, Refusal):  # there is no list yet: what it would be
        fresh = settle(checklist)
        return checklist if isinstance(fresh, Refusal) else fresh
    if settled.ticks != checklist.ticks:
        edges.lists.changed(checklist.service, checklist.digest)
    return settled


async def look_at_ci_of(edges: Edges, service: str, digest: str) -> None:
    """The same for a stored list, by its name: what an alarm calls. Once it has what changed."""
    held = await edges.checklists.get(service, digest)
    if held is not None:
        await _compare(held, edges)
        await look_at_ci(held, edges)


async def _compare(checklist: Checklist, edges: Edges) -> None:
    """Ask the git host what changed since the list before, and store it with the list."""
    before = to_compare(checklist)
    if before is None:
        return
    service = edges.catalog.service(checklist.service)
    commits = await commits_between(
        Place(service, goal_of(edges.catalog)),
        Running(before.version, before.digest),
        Image(service.image, digest=checklist.digest),
        edges,
    )
    if commits == before.commits:
        return
    held = await edges.checklists.change(
        checklist.service,
        checklist.digest,
        lambda held: compared(held, commits),
        lambda _, __: None,  # nobody did anything: no deed to record
    )
    if not isinstance(held, Refusal):
        edges.lists.show(checklist.service, checklist.digest)


async def ci_of(checklist: Checklist, edges: Edges) -> GateResult:
    """Raises PortError where the registry or the git host do not say just now."""
    service = edges.catalog.service(checklist.service)
    release = await release_of(service, checklist.digest, checklist.version, edges)
    return await ask_ci(release, service, edges.ci)


async def close_list(service: str, digest: str, edges: Edges) -> Checklist | None:
    """The release came into production: what was ticked stays for the record."""
    now = edges.clock.now()

    def close(held: Checklist) -> Checklist | Refusal:
        return held if held.closed_at is not None else held.with_(closed_at=now)

    record = _recorded("checklist-close", ENGINE, now, {})
    closed = await edges.checklists.change(service, digest, close, record)
    if isinstance(closed, Refusal):
        return None
    edges.lists.show(service, digest)
    return closed


async def close_if_there(rollout: Rollout, edges: Edges) -> None:
    """A rollout has ended: where it brought the release to its goal, the list has done its work.
    Best effort: the next click closes it, too."""
    goal = goal_of(edges.catalog)
    brought = rollout.state is RolloutState.SUCCEEDED and rollout.kind.brings_release
    if not brought or rollout.environment != goal.name:
        return
    try:
        await close_list(rollout.service, rollout.image.digest, edges)
    except PortError as error:
        log.warning("the checklist of %s was not closed: %s", rollout.service, error)


async def open_when_tested(rollout: Rollout, edges: Edges) -> None:
    """A release has succeeded in the environment before the one that requires its list: people can
    begin to tick, without anybody typing for it. Doing it again opens nothing twice."""
    goal = goal_of(edges.catalog)
    before = edges.catalog.before(goal)
    if (
        before is None
        or Requirement.CHECKLIST not in goal.requires
        or rollout.environment != before.name
        or rollout.state is not RolloutState.SUCCEEDED
        or rollout.kind is not Kind.DEPLOY
        or await edges.store.ran_well(rollout.service, goal.name, rollout.image.digest)
    ):
        return
    await open_list(rollout.service, rollout.image.digest, rollout.version, ENGINE, edges)


async def ended(rollout: Rollout, edges: Edges) -> None:
    """What the end of a rollout means to checklists. Never raises PortError: what was missed is
    made good at the next start (`make_good`), or by the next click."""
    try:
        await open_when_tested(rollout, edges)
    except PortError as error:
        log.warning("the checklist of %s was not opened: %s", rollout.service, error)
    await close_if_there(rollout, edges)


async def make_good(edges: Edges) -> None:
    """What a process missed that died in the moment in which a rollout ended: lists of what has
    come into production are closed; of each service, what was deployed last before it gets its
    list. One that has a list keeps it as it is."""
    for name, digest in await edges.checklists.live():
        held = await edges.checklists.get(name, digest)
        if held is not None and await _in_production(held, edges):
            await close_list(name, digest, edges)
    before = edges.catalog.before(goal_of(edges.catalog))
    if before is None:
        return
    for service in edges.catalog.services:
        recent = await edges.store.recent(service.name, before.name)
        for rollout in [each for each in recent if each.kind is Kind.DEPLOY][:1]:
            if await edges.checklists.get(service.name, rollout.image.digest) is None:
                await open_when_tested(rollout, edges)


def who_may(catalog: Catalog) -> dict[str, str]:
    """The people of each role, as Slack ids parted by blanks."""
    return {role.name: " ".join([*role.groups, *role.users]) for role in catalog.roles}


async def _press(
    service: str, digest: str, decide: Decide, record: Record, by: By, edges: Edges
) -> Checklist | Refusal:
    held = await edges.checklists.get(service, digest)
    if held is not None and held.closed_at is None and await _in_production(held, edges):
        await close_list(service, digest, edges)
    decided = await edges.checklists.change(service, digest, decide, record)
    if isinstance(decided, Refusal):
        await _record_refusal(service, digest, decided, by, edges)
    else:
        edges.lists.changed(service, digest)
    return decided


async def _person(user: str, item_id: str, edges: Edges) -> Person:
    """The person with the item's role, if they have it now. Raises PortError: fails closed."""
    item = next((each for each in edges.catalog.checklist if each.id == item_id), None)
    if item is None or item.role is None:
        return Person(user)
    try:
        role = edges.catalog.role(item.role)
    except UnknownNameError:
        return Person(user)
    has = user in role.users or bool(await groups_of(user, (role,), edges.people))
    return Person(user, frozenset({role.name}) if has else frozenset())


async def _in_production(checklist: Checklist, edges: Edges) -> bool:
    goal = goal_of(edges.catalog)
    return await edges.store.ran_well(checklist.service, goal.name, checklist.digest)


def _recorded(action: str, by: By, at: datetime, about: dict[str, str]) -> Record:
    def record(before: Checklist, after: Checklist) -> AuditEntry:
        return AuditEntry(
            at=at,
            actor=by.actor,
            surface=by.surface,
            action=action,
            subject=subject_of(after.service, ""),
            before={"ticks": _ticks(before)},
            after={**about, "digest": after.digest, "ticks": _ticks(after), **_new(before, after)},
        )

    return record


def _ticks(checklist: Checklist) -> dict[str, str]:
    return {item: held.by or "automatic" for item, held in checklist.ticks.items()}


def _new(before: Checklist, after: Checklist) -> dict[str, str]:
    """The evidence of what was ticked now."""
    made: list[Tick] = [held for item, held in after.ticks.items() if item not in before.ticks]
    return {"evidence": made[0].evidence} if made and made[0].evidence else {}


async def _record_refusal(
    service: str, digest: str, refusal: Refusal, by: By, edges: Edges
) -> None:
    if refusal.list is None:  # a forged value may name anything: it becomes no subject
        service, digest = "", ""
    about = {"why": refusal.why, "digest": digest, "item": refusal.item.id if refusal.item else ""}
    await edges.audit.record(
        AuditEntry(
            at=edges.clock.now(),
            actor=by.actor,
            surface=by.surface,
            action="tick-refused",
            subject=subject_of(service, ""),
            after=about,
        )
    )
