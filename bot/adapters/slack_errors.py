"""The one place that turns what Slack and its SDK answer into PortError.

Codes and their meaning: research/slack-contract.md §3.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import PortError, Trouble

_NOT_INVITED = {"not_in_channel", "channel_not_found", "is_archived", "posting_to_channel_denied"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"}
_TOKEN = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
_RIGHTS = {"missing_scope", "not_allowed_token_type", "no_permission", "access_denied"}
_AWAY = {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
}
_BLOCKS = {"invalid_blocks", "msg_blocks_too_long", "msg_too_long", "invalid_arguments", "no_text"}


@asynccontextmanager
async def slack_errors(**values: str) -> AsyncIterator[None]:
    """Whatever the call inside raises leaves as PortError; `values` go into its sentence."""
    try:
        yield
    except SlackApiError as e:
        raise _answered(e, values) from e
    except (TimeoutError, aiohttp.ClientError, OSError, SlackClientError) as e:
        kept = {**values, "message": str(e) or type(e).__name__}
        raise PortError("slack", Trouble.AWAY, temporary=True, values=kept) from e


def _answered(e: SlackApiError, values: dict[str, str]) -> PortError:
    status = getattr(e.response, "status_code", 200)
    headers = getattr(e.response, "headers", {})
    code = str(e.response.get("error", "")) if status != 429 else "ratelimited"
    kept = {**values, "message": code}
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        wait = float(headers.get("Retry-After", 1))
        return PortError("slack", Trouble.THROTTLED, temporary=True, retry_after=wait, values=kept)
    if status >= 500 or code in _AWAY:
        return PortError("slack", Trouble.AWAY, temporary=True, values=kept)
    if code == "missing_scope":
        kept["needed"] = str(e.response.get("needed", ""))
    for codes, trouble in (
        (_NOT_INVITED, Trouble.NOT_INVITED),
        (_GONE, Trouble.NOT_FOUND),
        (_TOKEN, Trouble.UNAUTHENTICATED),
        (_RIGHTS, Trouble.FORBIDDEN),
        (_BLOCKS, Trouble.INVALID),
    ):
        if code in codes or (trouble is Trouble.NOT_INVITED and code.startswith("restricted_")):
            return PortError("slack", trouble, temporary=False, values=kept)
    return PortError("slack", Trouble.UNEXPECTED, temporary=False, values=kept)
