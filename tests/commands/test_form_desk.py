"""The form's window while somebody chooses: menus that are looked up, drawings that are few."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cards.form import NOTHING, OPTIONS
from bot.cards.modal import Modal
from bot.errors import PortError, Trouble
from bot.sandbox.launcher import CONFIG
from bot.text import Texts
from commands import form
from commands.form import Draft, FormDesk, at_home, modal_of
from commands.vocabulary import VERBS
from config.catalog import Catalog, load_catalog

EN = Texts.of("en")
SAMPLE = load_catalog(CONFIG)
MANY = replace(
    SAMPLE,
    services=tuple(
        replace(SAMPLE.services[0], name=f"service-{n:03}", aliases=()) for n in range(250)
    ),
)
VERSION = "argument.version.tasks-service"


class Images:
    def __init__(self, tags: Callable[[], Any]) -> None:
        self._tags = tags

    async def tags(self, repository: str) -> Sequence[str]:
        found = self._tags()
        tags: Sequence[str] = await found if asyncio.iscoroutine(found) else found
        return tags


def desk(catalog: Catalog = SAMPLE, tags: Callable[[], Any] = lambda: ()) -> FormDesk:
    edges: Any = SimpleNamespace(catalog=catalog, images=Images(tags))
    return FormDesk(edges)


def asked(block: str, typed: str, *, optional: bool = False) -> dict[str, Any]:
    shown = {"block_id": block, "optional": optional}
    view = {"private_metadata": "tasks-service|C1", "blocks": [shown]}
    return {"block_id": block, "value": typed, "view": view}


def values(offered: Sequence[Any]) -> list[str]:
    return [option["value"] for option in offered]


def test_few_names_are_a_menu_and_many_are_looked_up() -> None:
    deploy = next(verb for verb in VERBS if verb.name == "deploy")
    for catalog, kind in ((SAMPLE, "static_select"), (MANY, "external_select")):
        shown = modal_of(Draft(deploy), "C1", catalog, EN).view["blocks"]
        service = next(b for b in shown if b.get("block_id") == "argument.service")
        assert service["element"]["type"] == kind


def test_a_channels_environment_is_chosen_when_its_field_is_new_and_not_again() -> None:
    deploy = next(verb for verb in VERBS if verb.name == "deploy")
    qa = SAMPLE.environment("qa")
    at_first = at_home(Draft(deploy), {"blocks": []}, qa)
    assert at_first.arguments == {"environment": "qa"}
    shown = modal_of(at_first, "C1", SAMPLE, EN).view["blocks"]
    menu = next(b for b in shown if b.get("block_id") == "argument.environment")["element"]
    assert menu["initial_option"]["value"] == "qa"
    chosen = Draft(deploy, {"environment": "dev"})
    assert at_home(chosen, {"blocks": []}, qa) is chosen
    emptied = Draft(deploy)
    assert at_home(emptied, {"blocks": shown}, qa) is emptied
    for draft, here in ((Draft(), qa), (Draft(deploy), None)):
        assert at_home(draft, {"blocks": []}, here) is draft


async def test_of_many_names_those_that_fit_are_offered_a_hundred_at_most() -> None:
    everything = await desk(MANY).offered(asked("argument.service", ""), EN)
    assert len(everything) <= OPTIONS
    near = await desk(MANY).offered(asked("argument.service", "ce-01"), EN)
    assert values(near) == [f"service-{n:03}" for n in range(10, 20)]
    assert await desk(MANY).offered(asked("argument.service", "payroll"), EN) == []


async def test_versions_come_newest_first_and_any_can_be_typed_or_left_out() -> None:
    there = desk(tags=lambda: ["1.9.0", "latest", "1.10.0", "1.10.0-rc1"])
    offered = await there.offered(asked(VERSION, "", optional=True), EN)
    assert values(offered) == [NOTHING, "1.10.0", "1.10.0-rc1", "1.9.0"]
    assert values(await there.offered(asked(VERSION, "", optional=False), EN))[0] == "1.10.0"
    typed = await there.offered(asked(VERSION, "1.1", optional=True), EN)
    assert values(typed) == ["1.1", "1.10.0", "1.10.0-rc1"]
    assert values(await there.offered(asked(VERSION, "1.9.0"), EN)) == ["1.9.0"]


async def test_a_registry_that_is_away_or_slow_leaves_a_version_to_be_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> None:
        raise PortError("registry", Trouble.AWAY, temporary=True)

    monkeypatch.setattr(form, "_REGISTRY", 0.01)
    for tags in (away, lambda: asyncio.Event().wait()):
        assert values(await desk(tags=tags).offered(asked(VERSION, "main"), EN)) == ["main"]


async def test_what_no_menu_of_ours_asks_gets_nothing() -> None:
    for body in ({}, asked("verb", "x"), {"block_id": VERSION, "view": {"private_metadata": ""}}):
        assert await desk().offered(body, EN) == []


class Messenger:
    def __init__(self) -> None:
        self.drawn: list[Modal] = []
        self.closed = False

    async def update_modal(self, view_id: str, modal: Modal) -> None:
        if self.closed:
            raise PortError("slack", Trouble.UNEXPECTED, temporary=False)
        self.drawn.append(modal)


def view(environment: str) -> dict[str, Any]:
    def chosen(value: str) -> dict[str, Any]:
        return {"x": {"selected_option": {"value": value}}}

    values = {"verb": chosen("lock"), "argument.environment": chosen(environment)}
    return {"id": "V1", "private_metadata": "|C1", "state": {"values": values}}


@pytest.fixture
def drawing(clock: Any) -> tuple[FormDesk, Messenger]:
    async def language(user: str) -> str:
        return "en"

    messenger = Messenger()
    edges: Any = SimpleNamespace(
        catalog=SAMPLE, messenger=messenger, clock=clock, people=SimpleNamespace(language=language)
    )
    return FormDesk(edges), messenger


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_choice_is_drawn_at_once_and_of_a_quick_lot_the_newest(
    drawing: tuple[FormDesk, Messenger], clock: Any
) -> None:
    there, messenger = drawing
    first = asyncio.create_task(there.chosen("U1", view("dev")))
    await turns()
    assert len(messenger.drawn) == 1
    for environment in ("qa", "prod", "dev", "qa"):
        await there.chosen("U1", view(environment))
    assert len(messenger.drawn) == 1, "Slack lets an app draw about a hundred times a minute"
    clock.advance(1)
    await turns()
    assert len(messenger.drawn) == 2
    assert "/dynamo lock qa`" in str(messenger.drawn[-1].view)
    clock.advance(1)
    await first
    assert len(messenger.drawn) == 2


async def test_a_window_that_was_closed_meanwhile_hurts_nobody(
    drawing: tuple[FormDesk, Messenger], clock: Any
) -> None:
    there, messenger = drawing
    messenger.closed = True
    await there.chosen("U1", view("qa"))
    messenger.closed = False
    again = asyncio.create_task(there.chosen("U1", view("prod")))
    await turns()
    assert len(messenger.drawn) == 1
    clock.advance(1)
    await again
