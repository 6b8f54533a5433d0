"""What a call that Slack refuses is answered with."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


async def refusal_of(call: Any) -> Any:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def error_of(call: Any) -> str:
    return str((await refusal_of(call))["error"])
