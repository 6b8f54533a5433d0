"""What `bot/domain/delivery.py` counts, read from the rollouts and their analyses.

Only the few values that are counted leave the file, never whole rollouts; the index by the end
keeps the query as long as the time that is asked about, however much is remembered.
"""

import json
from datetime import UTC, datetime

from bot.adapters.database import Database
from bot.adapters.tables import analyses  # noqa: F401  # its table is read here
from bot.domain.delivery import Delivered, Past
from bot.domain.kind import Kind
from bot.domain.rollout import RolloutState

END = "json_extract(body, '$.finished_at')"
RELEASING = ", ".join(repr(str(kind)) for kind in Kind if kind.brings_release)


def past_of(db: Database, service: str, environment: str, since: datetime) -> Past:
    """Ends are stored as text with as many digits as they have: whole seconds sort rightly."""
    start = since.astimezone(UTC).isoformat()[:19]
    first = db.execute(
        f"select min({END}) from rollouts where environment = ?",  # noqa: S608
        [environment],
    ).fetchone()[0]
    rows = db.execute(
        "select service, kind, state, finished_at, touched_at, commits, worse from ("  # noqa: S608
        f"select rollouts.service, kind, state, {END.replace('body', 'rollouts.body')}"
        " as finished_at, json_extract(rollouts.body, '$.applying_since') as touched_at,"
        " json_extract(rollouts.body, '$.commits.shown') as commits,"
        " case when failed = 1 and json_extract(analyses.body, '$.follow') <> 'KEPT' then 1 else 0"
        " end as worse"
        " from rollouts left join analyses on analyses.rollout = rollouts.id"
        " where rollouts.environment = :environment"
        f" and {END.replace('body', 'rollouts.body')} >= :start"
        f" and (:service = '' or rollouts.service = :service) and kind in ({RELEASING})"
        ") as ends order by finished_at",
        {"environment": environment, "start": start, "service": service},
    ).fetchall()
    return Past(_time(first), [found for row in rows if (found := _delivered(row)) is not None])


def _delivered(row: tuple[str, str, str, str, str | None, str | None, int]) -> Delivered | None:
    service, kind, state, finished, touched, commits, worse = row
    ended = _time(finished)
    if ended is None:
        return None
    times = (_time(commit.get("at")) for commit in json.loads(commits or "[]"))
    return Delivered(
        service,
        Kind(kind),
        RolloutState(state),
        ended,
        _time(touched),
        bool(worse),
        tuple(at for at in times if at is not None),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
