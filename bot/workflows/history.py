"""One page of what was done: read from the audit log, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.audit import AuditRecord
from bot.workflows.edges import Edges

PAGE = 10


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`older` and `newer` are the numbers from which the neighbouring pages go on, None where there
    is no such page."""

    service: str
    environment: str
    records: Sequence[AuditRecord]
    older: int | None = None
    newer: int | None = None


async def newest(service: str, environment: str, edges: Edges) -> HistoryPage:
    found = await edges.audit.page(service, environment, limit=PAGE + 1, steps=False)
    return _page(service, environment, found[:PAGE], older=len(found) > PAGE, newer=False)


async def older_than(number: int, service: str, environment: str, edges: Edges) -> HistoryPage:
    found = await edges.audit.page(service, environment, before=number, limit=PAGE + 1, steps=False)
    return _page(service, environment, found[:PAGE], older=len(found) > PAGE, newer=True)


async def newer_than(number: int, service: str, environment: str, edges: Edges) -> HistoryPage:
    """The newest page itself where fewer than a page is newer."""
    found = await edges.audit.page(service, environment, after=number, limit=PAGE + 1, steps=False)
    if len(found) <= PAGE:
        return await newest(service, environment, edges)
    return _page(service, environment, found[1:], older=True, newer=True)


def _page(
    service: str, environment: str, found: Sequence[AuditRecord], *, older: bool, newer: bool
) -> HistoryPage:
    return HistoryPage(
        service,
        environment,
        found,
        older=found[-1].number if older and found else None,
        newer=found[0].number if newer and found else None,
    )
