"""The Home tab in the states that it has: nothing, a busy day, and far too much of everything."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.cards.card import Card
from bot.cards.home import home_card
from bot.domain.checklist import Checklist
from bot.domain.lock import Lock
from bot.domain.rollout import CardRef, Rollout
from bot.domain.status import Cell, Health, ServiceStatus, StatusMatrix
from bot.domain.waiting import WaitingItems, WaitingRollout
from bot.text import Texts
from config.catalog import ChecklistItem, Localized

TITLES = {"dev": "Development *<!here>*", "qa": "QA", "prod": "Production"}
READER = "U0LEAD"
ITEMS = tuple(
    ChecklistItem(name, Localized(f"{english} <!here>", f"{spanish} <!here>"), role="qa")
    for name, english, spanish in (
        ("manual-qa", "Manual QA approved", "QA manual aprobada"),
        ("docs", "Documentation updated", "Documentación al día"),
    )
)


def cases(
    waiting: Rollout, under_way: Rollout, checklist: Checklist, matrix: StatusMatrix, now: datetime
) -> Mapping[str, Callable[[Texts], Card]]:
    at = CardRef("C0QADEPLOYS", "1795518675.000001")
    waiting, under_way = replace(waiting, card=at), replace(under_way, card=at)
    own = Lock("qa", READER, now - timedelta(minutes=12), reason="load test <!here>")
    other = Lock("prod", "U0ANA00000", now - timedelta(hours=3), service="tasks-service")
    busy = [WaitingRollout(waiting, approve=True), WaitingRollout(waiting, release=True)]
    return {
        "home-nothing": _home(now, replace(matrix, services=matrix.services[:1])),
        "home-busy": _home(
            now,
            matrix,
            waiting=busy,
            lists=[WaitingItems(checklist, ITEMS)],
            active=[under_way, waiting],
            locks=[own, other],
            chosen=True,
        ),
        "home-much": _home(
            now,
            _many(matrix),
            waiting=[WaitingRollout(waiting, approve=True, release=True)] * 40,
            lists=[WaitingItems(checklist, ITEMS * 3)] * 30,
            active=[under_way] * 60,
            locks=[own] * 30,
        ),
    }


def _many(matrix: StatusMatrix) -> StatusMatrix:
    """200 services in ten environments, of which every fifth is down somewhere."""
    titles = tuple(f"Environment {number}" for number in range(10))

    def cells(number: int) -> tuple[Cell, ...]:
        health = Health.DOWN if number % 5 == 0 else Health.READY
        return tuple(Cell(title, health, f"1.{number}.0", 2, 3) for title in titles)

    services = tuple(ServiceStatus(f"service-{n}", cells(n)) for n in range(200))
    return StatusMatrix(titles, services, matrix.at)


def _home(
    now: datetime, matrix: StatusMatrix, *, chosen: bool = False, **shown: Any
) -> Callable[[Texts], Card]:
    nothing: dict[str, Any] = {"waiting": (), "lists": (), "active": (), "locks": ()}

    def card(texts: Texts) -> Card:
        return home_card(
            matrix=matrix,
            reader=READER,
            chosen=texts.language if chosen else "",
            follows="en",
            title_of=lambda name: TITLES.get(name, name),
            texts=texts,
            now=now,
            **{**nothing, **shown},
        )

    return card
