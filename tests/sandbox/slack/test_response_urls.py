"""Response URLs: five uses in half an hour, replacing, deleting, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack import seed

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
ROW = [{"type": "actions", "elements": [BUTTON]}]


class Answering:
    """An app that only keeps the response URLs it was given."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.urls: list[str] = []
        self.app = office.bolt()
        self.app.command("/dynamo")(self.keep)
        self.app.action("go")(self.keep)

    async def keep(self, ack: Any, body: Any) -> None:
        self.urls.append(body["response_url"])
        await ack()

    async def post(self, body: Any, url: str | None = None) -> tuple[int, str]:
        answer = await self.office.session.post(url or self.urls[-1], json=body)
        return answer.status, await answer.text()


@pytest.fixture
async def desk(office: Any) -> Any:
    desk = Answering(office)
    async with office.running(desk.app):
        yield desk


async def test_an_answer_is_for_the_person_alone_unless_in_channel(office: Any, desk: Any) -> None:
    await office.people.watch("ben")
    await office.people.say("ana", "#random", "/dynamo help")
    assert desk.urls[0].startswith(f"{office.url}/commands/{seed.TEAM_ID}/")
    assert await desk.post({"text": "secret"}) == (200, "ok")
    assert (await office.people.message("ana", where=lambda m: m.text == "secret")).ephemeral
    assert await office.people.messages("ben", "#random") == []
    assert await desk.post({"text": "open", "response_type": "in_channel"}) == (200, "ok")
    seen = [m.text for m in await office.people.messages("ben", "#random")]
    assert seen == ["/dynamo help", "open"]


async def test_five_uses_and_half_an_hour(office: Any, desk: Any) -> None:
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    answers = [await desk.post({"text": str(n)}) for n in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [404]
    assert answers[-1][1] == '{"ok": false, "error": "used_url"}'
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    await office.people.advance(30 * 60 + 1)
    assert await desk.post({"text": "late"}) == (404, '{"ok": false, "error": "expired_url"}')
    unknown = await desk.post({"text": "x"}, f"{office.url}/commands/T0/1/x")
    assert unknown == (404, '{"ok": false, "error": "invalid_url"}')


async def test_the_source_of_a_click_can_be_replaced_and_deleted(office: Any, desk: Any) -> None:
    await office.bot.chat_postEphemeral(
        channel=seed.DEV_DEPLOYS, user=seed.ANA, text="card", blocks=ROW
    )
    card = await office.people.message("ana", where=lambda m: m.text == "card")
    await office.people.click("ana", card, "Go")
    await desk.post({"text": "chosen", "replace_original": True})
    chosen = await office.people.message("ana", where=lambda m: m.text == "chosen")
    assert (chosen.ts, chosen.ephemeral, chosen.blocks) == (card.ts, True, [])
    await desk.post({"text": "aside"})
    aside = await office.people.message("ana", where=lambda m: m.text == "aside")
    assert aside.ts != card.ts
    await desk.post({"delete_original": True})
    await office.people.gone("ana", chosen)


async def test_a_command_can_replace_its_own_last_answer(office: Any, desk: Any) -> None:
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    await desk.post({"text": "working"})
    first = await office.people.message("ana", where=lambda m: m.text == "working")
    await desk.post({"text": "done", "replace_original": True})
    done = await office.people.message("ana", where=lambda m: m.text == "done")
    assert done.ts == first.ts


async def test_bad_answers_are_refused_with_404_and_the_code(office: Any, desk: Any) -> None:
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    status, text = await desk.post({"text": "x", "blocks": [{"type": "nothing"}]})
    assert (status, '"error": "invalid_blocks"' in text) == (404, True)
    assert await desk.post({}) == (404, '{"ok": false, "error": "no_text"}')
    broken = await office.session.post(desk.urls[-1], data="{")
    assert (broken.status, await broken.text()) == (400, "invalid_payload")


async def test_an_answer_in_the_ack_that_slack_refuses_is_an_error_for_the_person(
    office: Any,
) -> None:
    app = office.bolt()

    async def run(ack: Any) -> None:
        await ack(blocks=[{"type": "nothing"}], text="x")

    app.command("/dynamo")(run)
    async with office.running(app):
        said = await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert said["error"] == "invalid_command_response"
    shown = await office.people.message("ana", where=lambda m: m.error)
    assert shown.text == '/dynamo failed with the error "invalid_command_response"'


async def test_answers_have_a_pace(open_office: Any) -> None:
    office = await open_office(rate="real")
    desk = Answering(office)
    async with office.running(desk.app):
        await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert (await desk.post({"text": "1"}))[0] == 200
    hasty = await office.session.post(desk.urls[-1], json={"text": "2"})
    assert (hasty.status, hasty.headers["Retry-After"]) == (429, "1")
    await office.people.advance(1)
    assert (await desk.post({"text": "2"}))[0] == 200


async def test_an_answer_may_meet_a_fault(office: Any, desk: Any) -> None:
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    await office.people.fault(method="response_url", status=500, times=1)
    assert (await desk.post({"text": "x"}))[0] == 500
    assert (await desk.post({"text": "x"}))[0] == 200
    assert len([m for m in await office.people.messages("ana", "#dev-deploys") if m.from_app]) == 1
