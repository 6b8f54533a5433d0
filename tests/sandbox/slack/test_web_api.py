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


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json; charset=utf-8", "{", "invalid_json"),
        ("application/json; charset=utf-8", "[1]", "json_not_object"),
        ("application/json; charset=utf-8", "[" * 100_000, "invalid_json"),
        ("application/json; charset=klingon", "{}", "invalid_charset"),
        ("application/xml", "<a/>", "invalid_post_type"),
        ("multipart/form-data", "a=b", "invalid_form_data"),
        ("application/x-www-form-urlencoded", "channel[0]=x", "invalid_array_arg"),
        ("application/x-www-form-urlencoded", "chan nel=x", "invalid_arg_name"),
        ("application/json; charset=utf-8", '{"error": "mine"}', "mine"),
        ("application/x-www-form-urlencoded", "error=mine", "mine"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_by_its_fault(
    office: Any, content_type: str, body: str, error: str
) -> None:
    headers = {"Content-Type": content_type}
    answer = await office.session.post(f"{office.url}/api/api.test", data=body, headers=headers)
    assert ((await answer.json())["error"], answer.status) == (error, 200)


async def test_a_body_without_a_type_is_refused(office: Any) -> None:
    url = f"{office.url}/api/api.test"
    skipped = ["Content-Type"]
    answer = await office.session.post(url, data=b"a=b", skip_auto_headers=skipped)
    assert (await answer.json())["error"] == "missing_post_type"
    empty = await office.session.post(url, skip_auto_headers=skipped)
    assert await empty.json() == {"ok": True}


@pytest.mark.parametrize(
    ("content_type", "body", "warning"),
    [
        ("application/json", '{"a": 1}', "missing_charset"),
        ("application/json; charset=utf-8", '{"a": 1}', None),
        ("application/x-www-form-urlencoded", "a=1", None),
        ("application/x-www-form-urlencoded; charset=utf-8", "a=1", "superfluous_charset"),
    ],
)
async def test_a_charset_too_many_or_too_few_is_warned_of_in_every_answer(
    office: Any, content_type: str, body: str, warning: str | None
) -> None:
    headers = {**AUTH, "Content-Type": content_type}
    for method in ("api.test", "auth.test", "users.info"):
        url = f"{office.url}/api/{method}"
        answer = await (await office.session.post(url, data=body, headers=headers)).json()
        assert answer.get("warning") == warning
        warnings = answer.get("response_metadata", {}).get("warnings")
        assert warnings == ([warning] if warning else None)


async def test_warnings_of_an_answer_and_of_its_request_stand_beside_each_other(
    office: Any,
) -> None:
    body = {"channel": seed.DEV_DEPLOYS, "text": "x" * 40_001}
    url = f"{office.url}/api/chat.postMessage"
    answer = await (await office.session.post(url, json=body, headers=AUTH)).json()
    assert answer["warning"] == "message_truncated,missing_charset"
    assert answer["response_metadata"]["warnings"] == ["message_truncated", "missing_charset"]


async def test_a_token_is_seen_in_the_header_and_in_a_form_and_nowhere_else(office: Any) -> None:
    url, post = f"{office.url}/api/auth.test", office.session.post
    token = {"token": seed.BOT_TOKEN}
    answers = [
        await post(url, headers=AUTH),
        await post(url, headers={"Authorization": f"bearer {seed.BOT_TOKEN}"}),
        await post(url, data=token),
        await post(url, json=token),
        await post(url, params=token),
        await office.session.get(url, params=token),
        await post(url, headers={"Authorization": seed.BOT_TOKEN}),
    ]
    found = [(await each.json()).get("error") for each in answers]
    assert found == [None, None, None, *["not_authed"] * 4]
