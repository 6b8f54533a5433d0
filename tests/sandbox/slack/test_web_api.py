"""The Web API's manners: arguments, tokens, scopes, headers, unknown methods."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.refused import refusal_of as error_of

AUTH = {"Authorization": f"Bearer {seed.BOT_TOKEN}"}


async def test_auth_test_tells_who_the_app_is(office: Any) -> None:
    answer = await office.bot.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (
        seed.TEAM_ID,
        seed.BOT_USER_ID,
        seed.BOT_ID,
    )
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_arguments_come_from_query_form_and_json_by_get_and_post(office: Any) -> None:
    place = {"channel": seed.DEV_DEPLOYS, "text": "hello"}
    url = f"{office.url}/api/chat.postMessage"
    session = office.session
    answers = [
        await (await session.get(url, params=place, headers=AUTH)).json(),
        await (await session.post(url, params=place, headers=AUTH)).json(),
        await (await session.post(url, data=place, headers=AUTH)).json(),
        await (await session.post(url, json=place, headers=AUTH)).json(),
        await (await session.post(url, data={**place, "token": seed.BOT_TOKEN})).json(),
    ]
    assert [each["ok"] for each in answers] == [True] * 5
    blocks = json.dumps([{"type": "divider"}])
    form = await session.post(url, data={**place, "blocks": blocks}, headers=AUTH)
    assert (await form.json())["message"]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        (None, "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        (seed.APP_TOKEN, "chat.postMessage", "not_allowed_token_type"),
        (seed.BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
        (seed.BOT_TOKEN, "chat.meMessage", "unknown_method"),
    ],
)
async def test_a_wrong_token_or_method_is_refused_by_name(
    office: Any, token: str | None, method: str, error: str
) -> None:
    response = await error_of(office.client(token).api_call(method))
    assert response.status_code == 200
    assert response.data == {"ok": False, "error": error} | (
        {"req_method": method} if error == "unknown_method" else {}
    )


async def test_a_scope_that_the_manifest_lacks_is_named_with_those_it_has(
    open_office: Any,
) -> None:
    manifest = replace(read_manifest(MANIFEST), scopes=("chat:write", "commands"))
    office = await open_office(manifest=manifest)
    response = await error_of(office.bot.users_info(user=seed.ANA))
    assert response.data == {
        "ok": False,
        "error": "missing_scope",
        "needed": "users:read",
        "provided": "chat:write,commands",
    }
    assert response.headers["x-accepted-oauth-scopes"] == "users:read"
    assert response.headers["x-oauth-scopes"] == "chat:write,commands"


async def test_a_missing_argument_is_named(office: Any) -> None:
    response = await error_of(office.bot.api_call("users.info"))
    assert response["error"] == "invalid_arguments"
    assert response["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]


async def test_broken_json_is_refused(office: Any) -> None:
    headers = {**AUTH, "Content-Type": "application/json"}
    url = f"{office.url}/api/chat.postMessage"
    answer = await office.session.post(url, data="{", headers=headers)
    assert await answer.json() == {"ok": False, "error": "invalid_json"}
