"""`diff SERVICE ENV [VERSION]`: what a deploy would change. `diff SERVICE ENV ENV`: how two
environments differ. Both only look."""

from bot.cards.card import Card
from bot.cards.comparison import compared_card, foreseen_card
from bot.cards.pointer import notice_card
from bot.cards.signs import HAND
from bot.text import Texts
from bot.workflows.comparing_places import Compared, Foreseen, compare_places, foresee
from bot.workflows.version import NotChosen
from commands.asked import Asked
from commands.requesting import not_chosen
from commands.vocabulary import DIFF
from config.catalog import Environment

COMMAND = DIFF


async def run(asked: Asked) -> Card | None:
    place, other = asked.place, asked.invocation.arguments.get("other-environment")
    if other is None:
        found = await foresee(place, asked.invocation.version, asked.by, asked.edges)
        if isinstance(found, NotChosen):
            return not_chosen(asked, place, found, COMMAND)
        return _foreseen(asked, found)
    second = asked.edges.catalog.environment(other)
    if second.name == place.environment.name:
        names = {"environment": asked.title(place)}
        return notice_card(asked.texts, "same_environment", sign=HAND, **names)
    compared = await compare_places(place.service, place.environment, second, asked.edges)
    return _compared(asked, compared)


def _compared(asked: Asked, found: Compared) -> Card:
    texts = asked.texts
    if found.absent:
        absent = " / ".join(_title(each, texts) for each in found.absent)
        names = {"service": found.service.name, "environment": absent}
        return notice_card(texts, "runs_not_there", sign=HAND, **names)
    return compared_card(
        found.disparities,
        service=found.service.name,
        names=(found.left.name, found.right.name),
        titles=(_title(found.left, texts), _title(found.right, texts)),
        unread=found.unread,
        at=found.at,
        behind=found.behind,
        texts=texts,
    )


def _foreseen(asked: Asked, found: Foreseen) -> Card:
    place, chosen = found.place, found.chosen
    return foreseen_card(
        found.gates,
        found.differences,
        found.configs,
        service=place.service.name,
        environment=place.environment.name,
        environment_title=asked.title(place),
        version=chosen.version,
        image=chosen.image,
        before=found.before,
        texts=asked.texts,
    )


def _title(environment: Environment, texts: Texts) -> str:
    return environment.title.to(texts.language)
