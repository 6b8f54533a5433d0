"""`bot.ports.Store` in Dynamo's database: rollouts, and which deliveries have been seen.

A rollout is JSON in `body`; the columns beside it are what queries and the index ask for. The
partial unique index "one driven rollout per service and environment" settles races that no check
before an insert could.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, TakenError, migration
from bot.adapters.tables.audit import append
from bot.adapters.tables.delivered import END, RELEASING, past_of
from bot.domain.audit import ENGINE, By, Surface
from bot.domain.delivery import Past
from bot.domain.rollout import ACTIVE, DRIVEN, CardRef, Rollout, RolloutState
from bot.domain.rollout_course import in_line
from bot.domain.rollout_records import step_entry
from bot.errors import StaleError

_ROLLOUT = TypeAdapter(Rollout)
_DELIVERIES_KEPT = timedelta(days=1)


def _among(states: frozenset[RolloutState]) -> str:
    return f"state in ({', '.join(repr(str(state)) for state in sorted(states))})"


_ACTIVE = _among(ACTIVE)
_CARD_TS = "json_extract(body, '$.card.ts')"
_RAN_WELL = f"""
    with there as not materialized (
        select * from rollouts where service = :service and environment = :environment
    ), own as not materialized (
        select state from there where digest = :digest and kind in ({RELEASING})
    )
    select exists (select 1 from own where state = 'SUCCEEDED')
        or not exists (select 1 from own where state in ('FAILED', 'ROLLED_BACK'))
        and exists (
            select 1 from there where kind = 'DEPLOY'
                and json_extract(body, '$.before.digest') = :digest
                and cast(json_extract(body, '$.before.ready') as integer) > 0
        )
"""  # noqa: S608 - the kinds are the program's own


@migration("0001_rollouts")
def _rollouts(db: Database) -> None:
    db.execute(
        "create table rollouts (id text primary key, service text not null,"
        " environment text not null, state text not null, revision integer not null,"
        " settled integer not null, digest text not null, requested_at text, body text not null)"
    )
    db.execute(
        "create unique index one_driven_rollout on rollouts (service, environment)"
        f" where {_among(DRIVEN)}"
    )
    # Asked for twice (a double click, a repeated command), a release goes there once.
    db.execute(
        "create unique index one_active_rollout_of_a_release"
        " on rollouts (service, environment, digest)"
        f" where {_ACTIVE}"
    )
    db.execute("create index unsettled_rollouts on rollouts (requested_at) where settled = 0")
    db.execute("create index rollouts_of_a_place on rollouts (service, environment, requested_at)")


@migration("0002_deliveries")
def _deliveries(db: Database) -> None:
    db.execute("create table deliveries (key text primary key, at text not null)")
    db.execute("create index deliveries_by_age on deliveries (at)")


@migration("0010_what_waits_is_not_driven")
def _waiting(db: Database) -> None:
    """A file from before may have the index that counted what waits for approval as driven."""
    db.execute("drop index one_driven_rollout")
    db.execute(
        "create unique index one_driven_rollout on rollouts (service, environment)"
        f" where {_among(DRIVEN)}"
    )


@migration("0021_kinds_of_rollouts")
def _kinds(db: Database) -> None:
    """Asked for twice, the same thing is done once: for a deploy that is its digest, for other
    kinds what they are about. All that an older file holds are deploys."""
    db.execute("alter table rollouts add column kind text not null default 'DEPLOY'")
    db.execute("alter table rollouts add column about text not null default ''")
    db.execute("update rollouts set about = digest")
    db.execute("drop index one_active_rollout_of_a_release")
    db.execute(
        "create unique index one_active_rollout_of_a_wish"
        " on rollouts (service, environment, about)"
        f" where {_ACTIVE}"
    )


@migration("0110_ends_of_rollouts")
def _ends(db: Database) -> None:
    db.execute(f"create index ends_of_rollouts on rollouts (environment, {END})")


@migration("0111_cards_of_rollouts")
def _cards(db: Database) -> None:
    """A mention in a card's thread asks whose card it is."""
    db.execute(f"create index rollouts_by_card on rollouts ({_CARD_TS})")


class RolloutTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection, now: Callable[[], datetime] | None = None) -> None:
        """`now` is the time that the audit log gives to what is saved here."""
        self.connection = connection
        self._now = now or (lambda: datetime.now(UTC))

    # --- rollouts ----------------------------------------------------------------------------

    async def add(self, rollout: Rollout, by: By | None = None) -> Rollout:
        who = by or By(rollout.requested_by.id, Surface.SLASH)

        def insert(db: Database) -> Rollout:
            try:
                with db.atomic():
                    _insert(db, _row(rollout))
                    append(db, step_entry(rollout, "", who, self._now()))
                return rollout
            except TakenError:
                where = f"service = ? and environment = ? and about = ? and {_ACTIVE}"
                values = [rollout.service, rollout.environment, rollout.about]
                query = f"select body from rollouts where {where}"  # noqa: S608
                underway = db.execute(query, values).fetchone()
                if underway is None:
                    raise
                return _ROLLOUT.validate_json(underway[0])

        return await self.connection.run(insert)

    async def save(self, rollout: Rollout, by: By = ENGINE) -> Rollout:
        return await self.connection.run(lambda db: _replace(db, rollout, by, self._now()))

    async def get(self, rollout_id: str) -> Rollout | None:
        rows = await self._rollouts("where id = ?", rollout_id)
        return rows[0] if rows else None

    async def unsettled(self) -> Sequence[Rollout]:
        return await self._rollouts("where settled = 0 order by requested_at, id")

    async def active(self, service: str = "", environment: str = "") -> Sequence[Rollout]:
        where = f"where settled = 0 and {_ACTIVE}"
        return await self._placed(where, service, environment, "order by requested_at, id")

    async def recent(
        self, service: str = "", environment: str = "", limit: int = 20
    ) -> Sequence[Rollout]:
        tail = f"order by requested_at desc, id desc limit {int(limit)}"
        return await self._placed("where true", service, environment, tail)

    async def with_card(self, card: CardRef) -> Rollout | None:
        where = f"where {_CARD_TS} = ? and json_extract(body, '$.card.channel') = ? limit 1"
        found = await self._rollouts(where, card.ts, card.channel)
        return found[0] if found else None

    async def past(self, service: str, environment: str, since: datetime) -> Past:
        return await self.connection.run(lambda db: past_of(db, service, environment, since))

    async def ran_well(self, service: str, environment: str, digest: str) -> bool:
        def ask(db: Database) -> bool:
            asked = {"service": service, "environment": environment, "digest": digest}
            found = db.execute(_RAN_WELL, asked).fetchone()
            return bool(found[0])

        return await self.connection.run(ask)

    async def start_next(self, service: str, environment: str) -> Rollout | None:
        def start(db: Database) -> Rollout | None:
            found = db.execute(
                "select body from rollouts where service = ? and environment = ? and state = ?",
                [service, environment, RolloutState.QUEUED],
            ).fetchall()
            line = in_line(_ROLLOUT.validate_json(row[0]) for row in found)
            if not line:
                return None
            started = line[0].with_(state=RolloutState.APPLYING)
            try:
                return _replace(db, started, ENGINE, self._now())
            except TakenError:  # the unique index: something is driven there
                return None

        return await self.connection.run(start)

    # --- deliveries --------------------------------------------------------------------------

    async def first_time(self, delivery: str, now: datetime) -> bool:
        def note(db: Database) -> bool:
            with db.atomic():
                oldest = (now - _DELIVERIES_KEPT).isoformat()
                db.execute("delete from deliveries where at < ?", [oldest])
                written = db.execute(
                    "insert into deliveries (key, at) values (?, ?) on conflict do nothing",
                    [delivery, now.isoformat()],
                )
                return written.rowcount == 1

        return await self.connection.run(note)

    # --- below -------------------------------------------------------------------------------

    async def _placed(
        self, where: str, service: str, environment: str, tail: str
    ) -> Sequence[Rollout]:
        terms = [where]
        values = []
        if service:
            terms.append("and service = ?")
            values.append(service)
        if environment:
            terms.append("and environment = ?")
            values.append(environment)
        return await self._rollouts(" ".join([*terms, tail]), *values)

    async def _rollouts(self, where: str, *values: str) -> list[Rollout]:
        def read(db: Database) -> list[Rollout]:
            rows = db.execute(f"select body from rollouts {where}", list(values))  # noqa: S608
            return [_ROLLOUT.validate_json(row[0]) for row in rows]

        return await self.connection.run(read)


def _replace(db: Database, rollout: Rollout, by: By, now: datetime) -> Rollout:
    """Revision N becomes N+1, or nothing happens and StaleError says so. A new state comes with
    its audit record, in the same transaction."""
    newer = rollout.with_(revision=rollout.revision + 1)
    row = _row(newer)
    with db.atomic():
        found = db.execute(
            "select state from rollouts where id = ? and revision = ?",
            [rollout.id, rollout.revision],
        ).fetchone()
        if found is None:
            raise StaleError(f"{rollout.id} is no longer at revision {rollout.revision}")
        db.execute(
            "update rollouts set state = :state, revision = :revision, settled = :settled,"
            " body = :body where id = :id",
            {key: row[key] for key in ("id", "state", "revision", "settled", "body")},
        )
        if found[0] != row["state"]:
            append(db, step_entry(newer, found[0], by, now))
    return newer


def _insert(db: Database, row: Mapping[str, Any]) -> None:
    columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"insert into rollouts ({columns}) values ({values})", row)  # noqa: S608


def _row(rollout: Rollout) -> dict[str, Any]:
    return {
        "id": rollout.id,
        "service": rollout.service,
        "environment": rollout.environment,
        "state": str(rollout.state),
        "revision": rollout.revision,
        "settled": int(rollout.settled),
        "digest": rollout.image.digest,
        "kind": str(rollout.kind),
        "about": rollout.about,
        "requested_at": rollout.requested_at.isoformat(),
        "body": _ROLLOUT.dump_json(rollout).decode(),
    }
