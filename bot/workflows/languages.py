"""In which language a person is answered: the one that they chose, else the one of their Slack."""

import logging
from dataclasses import dataclass

from bot.errors import PortError
from bot.ports import People, Preferences
from bot.text import LANGUAGES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Speech:
    """How a person is spoken to, whether they chose it, and what Slack would have it be."""

    language: str
    chosen: bool
    follows: str


class Readers:
    """`bot.ports.People`, with what people chose for themselves before what Slack says."""

    def __init__(self, slack: People, preferences: Preferences) -> None:
        self._slack = slack
        self._preferences = preferences

    async def language(self, user: str) -> str:
        return await self._chosen(user) or await self._slack.language(user)

    async def speech(self, user: str) -> Speech:
        chosen, follows = await self._chosen(user), await self._slack.language(user)
        return Speech(chosen or follows, chosen=bool(chosen), follows=follows)

    async def _chosen(self, user: str) -> str:
        try:
            chosen = await self._preferences.language(user)
        except PortError as error:  # an answer in the other language is better than none
            log.warning("the language that %s chose is not known: %s", user, error)
            return ""
        return chosen if chosen in LANGUAGES else ""

    async def choose(self, user: str, language: str) -> None:
        """ "" follows Slack again. Raises PortError where it could not be kept."""
        await self._preferences.choose_language(user, language if language in LANGUAGES else "")

    async def members(self, group: str) -> frozenset[str]:
        return await self._slack.members(group)
