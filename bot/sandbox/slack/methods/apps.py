"""What there is to ask of the app itself: tokens, connections, its team and its bot user."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from bot.sandbox.slack.blocks import check_message_blocks
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.methods.users import CREATED, EMAIL_DOMAIN
from bot.sandbox.slack.web_api import Call, method

_POINTER = re.compile(r"^(?P<message>.*) \[json-pointer:(?P<pointer>.*)\]$", re.DOTALL)


@method("auth.test", tier=None, token="any")  # noqa: S106
def auth_test(call: Call) -> JSON:
    workspace = call.slack.workspace
    app = workspace.app
    return {
        "url": f"https://{workspace.team.domain}.slack.com/",
        "team": workspace.team.name,
        "user": workspace.users[app.bot_user_id].name,
        "team_id": workspace.team.id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "is_enterprise_install": False,
    }


@method("api.test", tier="T4", token="none")  # noqa: S106
def api_test(call: Call) -> JSON:
    """The arguments again, and the error that one of them orders."""
    args = {"args": call.args} if call.args else {}
    error = call.text("error")
    if error is not None:
        raise SlackError(error, **args)
    return args


@method("team.info", "team:read", tier="T3")
def team_info(call: Call) -> JSON:
    team = call.slack.workspace.team
    url = f"https://{team.domain}.slack.com/"
    about = {"id": team.id, "name": team.name, "domain": team.domain, "url": url}
    return {"team": {**about, "email_domain": EMAIL_DOMAIN, "icon": {"image_default": True}}}


@method("bots.info", "users:read", tier="T3")
def bots_info(call: Call) -> JSON:
    app = call.slack.workspace.app
    if call.text("bot") not in (None, app.bot_id):
        raise SlackError("bot_not_found")
    about = {"id": app.bot_id, "app_id": app.id, "user_id": app.bot_user_id, "name": app.name}
    return {"bot": {**about, "deleted": False, "updated": CREATED, "icons": {}}}


@method("apps.connections.open", "connections:write", tier="T3", token="app")  # noqa: S106
def connections_open(call: Call) -> JSON:
    if not call.is_post:
        raise SlackError("insecure_request")
    if not call.slack.manifest.socket_mode:
        raise SlackError("forbidden_team")
    query = urlencode(
        {"ticket": call.slack.socket.issue_ticket(), "app_id": call.slack.workspace.app.id}
    )
    base = call.slack.base_url().replace("http", "ws", 1)
    return {"url": f"{base}/link?{query}"}


@method("blocks.validate", tier="T3", token="none")  # noqa: S106
def blocks_validate(call: Call) -> JSON:
    """Public and without a token: every breach of the schema with its field and pointer."""
    try:
        check_message_blocks(call.structure("blocks"), call.slack.files.usable)
    except SchemaError as refusal:
        raise SlackError(
            "invalid_blocks", errors=[_explained(each) for each in refusal.breaches]
        ) from refusal
    return {}


def _explained(breach: str) -> JSON:
    found = _POINTER.match(breach)
    message, pointer = (found["message"], found["pointer"]) if found else (breach, "/blocks")
    code = "unsupported_type" if message.startswith("unsupported type") else "invalid_value"
    if message.startswith("missing required field"):
        code = "missing_field"
    if message.startswith("invalid additional property"):
        code = "additional_property"
    return {
        "code": code,
        "message": message,
        "field": pointer.rsplit("/", 1)[-1],
        "pointer": pointer,
    }
