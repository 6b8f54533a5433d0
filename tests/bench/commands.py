"""A slash command as Slack sends it."""

import time
from itertools import count
from urllib.parse import urlencode

from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack import seed

_NUMBERS = count()


def slash(sandbox: Sandbox, text: str, channel: str = seed.GENERAL) -> str:
    """The body of its request, by Ben."""
    urls = sandbox.slack.urls
    return urlencode(
        {
            "command": "/dynamo",
            "text": text,
            "team_id": seed.TEAM_ID,
            "team_domain": seed.TEAM_DOMAIN,
            "channel_id": channel,
            "channel_name": "general",
            "user_id": seed.BEN,
            "user_name": "ben",
            "api_app_id": seed.APP_ID,
            "trigger_id": f"{time.time_ns()}.{next(_NUMBERS)}",
            "response_url": urls.absolute(urls.issue("commands", channel, seed.BEN)),
        }
    )
