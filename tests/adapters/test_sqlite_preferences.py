"""The language that people chose, on a real SQLite file: kept, changed, given back to Slack."""

from pathlib import Path

from bot.adapters.sqlite_preferences import SqlitePreferences
from bot.adapters.sqlite_store import SqliteStore
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


async def test_a_choice_outlives_the_process_and_can_be_given_back(tmp_path: Path):
    path = str(tmp_path / "dynamo.db")
    for chosen, then in (("es", "es"), ("en", "en"), ("", "")):
        store = SqliteStore(path)
        await store.open()
        preferences = SqlitePreferences(store)
        await preferences.choose_language("U0BEN", chosen)
        assert await preferences.language("U0BEN") == then
        await store.close()
        store = SqliteStore(path)
        await store.open()
        preferences = SqlitePreferences(store)
        assert await preferences.language("U0BEN") == then
        assert await preferences.language("U0ANA") == ""
        await store.close()


async def test_what_was_chosen_goes_before_what_slack_says(tmp_path: Path):
    store = SqliteStore(str(tmp_path / "dynamo.db"))
    await store.open()
    readers = Readers(Slack(), SqlitePreferences(store))
    assert await readers.speech("U0BEN") == Speech("en", chosen=False, follows="en")
    await readers.choose("U0BEN", "es")
    assert await readers.language("U0BEN") == "es"
    assert await readers.speech("U0BEN") == Speech("es", chosen=True, follows="en")
    await readers.choose("U0BEN", "klingon")
    assert await readers.speech("U0BEN") == Speech("en", chosen=False, follows="en")
    assert await readers.members("S0QA") == {"S0QA"}
    await store.close()


async def test_a_store_that_does_not_answer_costs_nobody_an_answer():
    assert await Readers(Slack(), Away()).language("U0BEN") == "en"
