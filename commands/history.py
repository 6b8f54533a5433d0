"""`history [SERVICE] [ENV]`: the audit log in sentences, and the buttons to its other pages."""

import re
from collections.abc import Mapping
from typing import Final

from bot.cards.buttons import SEPARATOR
from bot.cards.card import Card
from bot.cards.history import history_card
from bot.workflows.history import HistoryPage, newer_than, newest, older_than
from commands.asked import Asked
from commands.pressing import Click, Press, gone
from commands.vocabulary import HISTORY

COMMAND = HISTORY

_NUMBER = re.compile(r"[0-9]{1,15}")


async def run(asked: Asked) -> Card | None:
    invocation = asked.invocation
    service, environment = invocation.service or "", invocation.environment or ""
    return _card(asked, await newest(service, environment, asked.edges))


async def press(asked: Asked, click: Click) -> Card | None:
    """A page further: `way` is "older" or "newer" than the record of this number."""
    match click.pieces:
        case (service, environment, ("older" | "newer") as way, number) if _NUMBER.fullmatch(
            number
        ):
            turn = older_than if way == "older" else newer_than
            return _card(asked, await turn(int(number), service, environment, asked.edges))
    return gone(asked)


PRESSES: Final[Mapping[str, Press]] = {"history": press}


def _card(asked: Asked, page: HistoryPage) -> Card:
    def title(environment: str) -> str:
        return asked.edges.catalog.title_of(environment, asked.texts.language)

    def value(way: str, number: int | None) -> str:
        if number is None:
            return ""
        return SEPARATOR.join((page.service, page.environment, way, str(number)))

    names = [page.service, title(page.environment) if page.environment else ""]
    return history_card(
        page.records,
        title=" → ".join(name for name in names if name),
        older=value("older", page.older),
        newer=value("newer", page.newer),
        environment_title=title,
        texts=asked.texts,
    )
