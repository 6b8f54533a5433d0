"""The people, channels and credentials of the workspace "Acme", in one table.

Ids are constants that a launcher, a configuration or a test may name. Slack's ids have nine to
eleven characters and a letter that tells their kind.
"""

from __future__ import annotations

from bot.sandbox.slack.workspace import Channel, User, Usergroup, Workspace

TEAM_ID = "T0ACME0000"
TEAM_NAME = "Acme"
TEAM_DOMAIN = "acme"

APP_ID = "A0DYNAMO00"
BOT_USER_ID = "U0DYNAMO00"
BOT_ID = "B0DYNAMO00"
BOT_TOKEN = "xoxb-sandbox-dynamo"  # noqa: S105 - opens nothing outside of this process
APP_TOKEN = "xapp-1-A0DYNAMO00-sandbox"  # noqa: S105
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105

ANA = "U0ANA00000"
BEN = "U0BEN00000"
CARLA = "U0CARLA000"
DAN = "U0DAN00000"
ELENA = "U0ELENA000"
FARID = "U0FARID000"
SLACKBOT = "USLACKBOT"

DEV_DEPLOYS = "C0DEVDEPLOY"
QA_DEPLOYS = "C0QADEPLOYS"
PRODUCTION = "C0PRODUCTN"
GENERAL = "C0GENERAL00"
RELEASE_MANAGERS = "C0RELEASEMG"
RANDOM = "C0RANDOM000"

DEVELOPERS = "S0DEVELOPR"
QA = "S0QATESTER"
SECURITY = "S0SECURITY"
DOCS = "S0DOCSTEAM"
RELEASERS = "S0RELEASERS"

_MADRID = ("Europe/Madrid", "Central European Time", 3600)
_MEXICO = ("America/Mexico_City", "Central Standard Time", -21600)
_LONDON = ("Europe/London", "Greenwich Mean Time", 0)
_NEW_YORK = ("America/New_York", "Eastern Standard Time", -18000)
_DUBAI = ("Asia/Dubai", "Gulf Standard Time", 14400)

#    id     name     real name         title              locale   time zone   colour
_PEOPLE = (
    (ANA, "ana", "Ana López", "Developer", "es-ES", _MADRID, "9f69e7"),
    (BEN, "ben", "Ben Carter", "Developer", "en-US", _NEW_YORK, "4bbe2e"),
    (CARLA, "carla", "Carla Ruiz", "QA lead", "es-MX", _MEXICO, "e7392d"),
    (DAN, "dan", "Dan Novak", "Security engineer", "en-GB", _LONDON, "3c989f"),
    (ELENA, "elena", "Elena Sanz", "Release manager", "es-ES", _MADRID, "e96699"),
    (FARID, "farid", "Farid Haddad", "Technical writer", "en-US", _DUBAI, "5b89d5"),
)

#    id            name           topic                                     kind      members  app?
_EVERYONE = (ANA, BEN, CARLA, DAN, ELENA, FARID)
_CHANNELS = (
    (DEV_DEPLOYS, "dev-deploys", "Rollouts to dev", "channel", _EVERYONE, True),
    (QA_DEPLOYS, "qa-deploys", "Rollouts to QA", "channel", _EVERYONE, True),
    (PRODUCTION, "production", "What our users run", "channel", _EVERYONE, True),
    (GENERAL, "general", "Everybody at Acme", "channel", _EVERYONE, True),
    (
        RELEASE_MANAGERS,
        "release-managers",
        "Approvals and release plans",
        "private",
        (ELENA, CARLA),
        True,
    ),
    (RANDOM, "random", "The Dynamo app is not in here", "channel", _EVERYONE, False),
)

_USERGROUPS = (
    (DEVELOPERS, "developers", "Developers", (ANA, BEN)),
    (QA, "qa", "QA", (CARLA,)),
    (SECURITY, "security", "Security", (DAN,)),
    (DOCS, "docs", "Documentation", (FARID,)),
    (RELEASERS, "release-managers", "Release managers", (ELENA,)),
)


def furnish(workspace: Workspace) -> Workspace:
    """Give a fresh workspace its people, channels and user groups."""
    for user_id, name, real_name, title, locale, (tz, tz_label, tz_offset), color in _PEOPLE:
        workspace.add_user(
            User(
                id=user_id,
                name=name,
                real_name=real_name,
                display_name=real_name.split()[0],
                title=title,
                locale=locale,
                tz=tz,
                tz_label=tz_label,
                tz_offset=tz_offset,
                color=color,
                is_admin=user_id == ELENA,
            )
        )
    for channel_id, name, topic, kind, members, with_app in _CHANNELS:
        everyone = set(members) | ({workspace.app.bot_user_id} if with_app else set())
        workspace.add_channel(
            Channel(
                id=channel_id, name=name, topic=topic, kind=kind, members=everyone, creator=ELENA
            )
        )
    for group_id, handle, name, users in _USERGROUPS:
        workspace.add_usergroup(Usergroup(id=group_id, handle=handle, name=name, users=users))
    return workspace
