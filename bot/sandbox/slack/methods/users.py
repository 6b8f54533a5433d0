"""users.* and usergroups.*: who people are, their language, and the groups they belong to."""

from __future__ import annotations

from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.methods.places import page
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.web_api import Call, method
from bot.sandbox.slack.workspace import User, Usergroup

CREATED = 1_700_000_000
EMAIL_DOMAIN = "acme.example"


def described(slack: Slack, user: User, *, locale: bool) -> JSON:
    """The user object of Slack's API; `locale` only where it was asked for."""
    team = slack.workspace.team.id
    profile: JSON = {
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.display_name,
        "display_name_normalized": user.display_name,
        "team": team,
    }
    if "users:read.email" in slack.scopes and not user.is_bot:
        profile["email"] = _email(user)
    if user.is_bot:
        profile |= {"api_app_id": slack.workspace.app.id, "bot_id": slack.workspace.app.bot_id}
    body: JSON = {
        "id": user.id,
        "team_id": team,
        "name": user.name,
        "deleted": user.deleted,
        "color": user.color,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz_label,
        "tz_offset": user.tz_offset,
        "profile": profile,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": CREATED,
    }
    if locale:
        body["locale"] = user.locale
    return body


@method("users.info", "users:read", tier="T4")
def info(call: Call) -> JSON:
    user = call.slack.workspace.users.get(call.need("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": described(call.slack, user, locale=call.flag("include_locale"))}


def _email(user: User) -> str:
    return f"{user.name}@{EMAIL_DOMAIN}"


@method("users.lookupByEmail", "users:read.email", tier="T3")
def lookup_by_email(call: Call) -> JSON:
    wanted = call.need("email").casefold()
    for user in call.slack.workspace.users.values():
        if _email(user) == wanted and not user.is_bot:
            return {"user": described(call.slack, user, locale=False)}
    raise SlackError("users_not_found")


@method("users.list", "users:read", tier="T2")
def list_(call: Call) -> JSON:
    found, following = page(call, list(call.slack.workspace.users.values()), 1000)
    locale = call.flag("include_locale")
    members = [described(call.slack, each, locale=locale) for each in found]
    return {"members": members, "cache_ts": int(call.slack.clock.now().timestamp()), **following}


def _group(slack: Slack, group: Usergroup, *, users: bool, count: bool) -> JSON:
    body: JSON = {
        "id": group.id,
        "team_id": slack.workspace.team.id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": CREATED,
        "date_update": CREATED,
        "date_delete": 0,
        "auto_type": None,
        "prefs": {"channels": [], "groups": []},
    }
    if users:
        body["users"] = list(group.users)
    if count or users:
        body["user_count"] = len(group.users)
    return body


@method("usergroups.list", "usergroups:read", tier="T2")
def usergroups_list(call: Call) -> JSON:
    users, count = call.flag("include_users"), call.flag("include_count")
    groups = call.slack.workspace.usergroups.values()
    return {"usergroups": [_group(call.slack, each, users=users, count=count) for each in groups]}


@method("usergroups.users.list", "usergroups:read", tier="T2")
def usergroups_users_list(call: Call) -> JSON:
    group = call.slack.workspace.usergroups.get(call.need("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}
