"""Each method of the Web API with its scopes and its rate, as slack-contract.md §3 has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import seed
from bot.sandbox.slack.methods import chat  # noqa: F401 - importing registers the methods
from bot.sandbox.slack.rate_limits import RateLimits
from bot.sandbox.slack.web_api import METHODS

_READ = "channels:read,groups:read,im:read,mpim:read"
_HISTORY = "channels:history,groups:history,im:history,mpim:history"
# method: the scopes of which one is needed, and the tier (None: limited in another way or not)
TABLE: dict[str, tuple[str, str | None]] = {
    "auth.test": ("", None),
    "apps.connections.open": ("connections:write", "T3"),
    "blocks.validate": ("", "T3"),
    "chat.postMessage": ("chat:write", None),
    "chat.update": ("chat:write", "T3"),
    "chat.delete": ("chat:write", "T3"),
    "chat.postEphemeral": ("chat:write", "T4"),
    "chat.getPermalink": ("", None),
    "chat.startStream": ("chat:write", "T2"),
    "chat.appendStream": ("chat:write", "T4"),
    "chat.stopStream": ("chat:write", "T2"),
    "views.open": ("", "T4"),
    "views.push": ("", "T4"),
    "views.update": ("", "T4"),
    "views.publish": ("", "T4"),
    "files.getUploadURLExternal": ("files:write", "T4"),
    "files.completeUploadExternal": ("files:write", "T4"),
    "files.info": ("files:read", "T4"),
    "users.info": ("users:read", "T4"),
    "users.list": ("users:read", "T2"),
    "conversations.open": ("im:write", "T3"),
    "conversations.info": (_READ, "T3"),
    "conversations.members": (_READ, "T4"),
    "conversations.list": (_READ, "T2"),
    "conversations.history": (_HISTORY, "T3"),
    "conversations.replies": (_HISTORY, "T3"),
    "usergroups.list": ("usergroups:read", "T2"),
    "usergroups.users.list": ("usergroups:read", "T2"),
    "reactions.add": ("reactions:write", "T3"),
    "reactions.remove": ("reactions:write", "T2"),
    "reactions.get": ("reactions:read", "T3"),
    "api.test": ("", "T4"),
    "team.info": ("team:read", "T3"),
    "bots.info": ("users:read", "T3"),
    "users.lookupByEmail": ("users:read.email", "T3"),
    "users.conversations": (_READ, "T3"),
    "conversations.join": ("channels:join", "T3"),
}
_PER_MINUTE = {"T2": 20, "T3": 50, "T4": 100}


def test_the_workspace_has_these_methods_and_no_others() -> None:
    assert set(METHODS) == set(TABLE)


def test_the_page_for_programs_names_every_method() -> None:
    told = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"`{name}`" not in told] == []


@pytest.mark.parametrize("method", TABLE)
def test_a_method_has_its_scopes_and_its_tier(method: str) -> None:
    scopes, tier = TABLE[method]
    assert (",".join(METHODS[method].scopes), METHODS[method].tier) == (scopes, tier)


@pytest.mark.parametrize("method", [name for name, (_, tier) in TABLE.items() if tier])
def test_a_method_is_called_so_often_a_minute_and_not_once_more(method: str) -> None:
    tier = METHODS[method].tier
    rates = RateLimits(lambda: 0.0, "strict")
    allowed = _PER_MINUTE[str(tier)]
    assert [rates.take(method, tier) for _ in range(allowed)] == [None] * allowed
    assert rates.take(method, tier) == 60


async def test_an_app_without_scopes_is_told_what_each_method_needs(open_office: Any) -> None:
    office = await open_office(scopes=frozenset({"commands"}))
    for method, (scopes, _) in TABLE.items():
        if not scopes or METHODS[method].token == "app":
            continue
        with pytest.raises(SlackApiError) as caught:
            await office.bot.api_call(method)
        answer = caught.value.response
        assert answer.data == {
            "ok": False,
            "error": "missing_scope",
            "needed": scopes,
            "provided": "commands",
        }
        assert answer.headers["x-accepted-oauth-scopes"] == scopes


async def test_what_needs_no_scope_answers_an_app_that_has_none(open_office: Any) -> None:
    office = await open_office(scopes=frozenset())
    assert (await office.bot.auth_test())["ok"]
    for method in ("chat.getPermalink", "views.open", "views.publish"):
        with pytest.raises(SlackApiError) as caught:
            await office.bot.api_call(method)
        assert caught.value.response["error"] == "invalid_arguments"
    opened = await office.client(seed.APP_TOKEN).apps_connections_open(app_token=seed.APP_TOKEN)
    assert opened["url"].startswith("ws://")
