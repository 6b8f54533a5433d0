"""The language that people chose, on both databases: kept, changed, given back to Slack."""

from bot.adapters.database import Connection
from bot.adapters.databases import connection_to
from bot.adapters.tables.preferences import PreferenceTable
from bot.errors import PortError, Trouble
from bot.workflows.languages import Readers, Speech


class Slack:
    async def language(self, user: str) -> str:
        return "en"

    async def members(self, group: str) -> frozenset[str]:
        return frozenset({group})


class Away:
    async def language(self, user: str) -> str:
        raise PortError("store", Trouble.AWAY, temporary=True)

    async def choose_language(self, user: str, language: str) -> None:
        raise AssertionError


async def test_a_choice_outlives_the_process_and_can_be_given_back(address: str):
    for chosen, then in (("es", "es"), ("en", "en"), ("", "")):
        store = connection_to(address)
        await store.open()
        preferences = PreferenceTable(store)
        await preferences.choose_language("U0BEN", chosen)
        assert await preferences.language("U0BEN") == then
        await store.close()
        store = connection_to(address)
        await store.open()
        preferences = PreferenceTable(store)
        assert await preferences.language("U0BEN") == then
        assert await preferences.language("U0ANA") == ""
        await store.close()


async def test_what_was_chosen_goes_before_what_slack_says(connection: Connection):
    readers = Readers(Slack(), PreferenceTable(connection))
    assert await readers.speech("U0BEN") == Speech("en", chosen=False, follows="en")
    await readers.choose("U0BEN", "es")
    assert await readers.language("U0BEN") == "es"
    assert await readers.speech("U0BEN") == Speech("es", chosen=True, follows="en")
    await readers.choose("U0BEN", "klingon")
    assert await readers.speech("U0BEN") == Speech("en", chosen=False, follows="en")
    assert await readers.members("S0QA") == {"S0QA"}


async def test_a_store_that_does_not_answer_costs_nobody_an_answer():
    assert await Readers(Slack(), Away()).language("U0BEN") == "en"
