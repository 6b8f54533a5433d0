"""Refusals of the workspace server, each by the code that Slack gives for it."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


class SlackError(Exception):
    """A Web API answer `{"ok": false, "error": code, …extra}`; HTTP 200, as Slack does."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    def body(self) -> JSON:
        return {"ok": False, "error": self.code, **self.extra}


class SchemaError(SlackError):
    """Blocks or arguments that break the schema: every breach with its JSON pointer.

    `views.*` and missing arguments carry the messages in `response_metadata` only; messages repeat
    them, without their level, in `errors` (slack-contract.md §1.7).
    """

    def __init__(self, code: str, breaches: list[str]) -> None:
        extra: JSON = {"response_metadata": {"messages": [f"[ERROR] {each}" for each in breaches]}}
        if code != "invalid_arguments":
            extra = {"errors": breaches, **extra}
        super().__init__(code, **extra)
        self.breaches = breaches


class ClientError(Exception):
    """What a person cannot do on the page: HTTP 4xx with a code and a sentence."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
