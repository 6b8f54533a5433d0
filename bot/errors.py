"""What may go wrong at an edge, in one tree.

    DynamoError
    ├── PortError        the world outside did not do what was asked (cluster, registry, Slack)
    └── StaleError       somebody else saved this rollout first: read it again and decide again

A refusal is a value (`Verdict`, `Refusal`); an exception is a broken world or a bug. Adapters turn
their library's errors into `PortError` at one place each, `from` the original, and say whether
trying again can help.
"""

from collections.abc import Mapping
from enum import StrEnum


class Trouble(StrEnum):
    """Stable codes of what an edge met; the words are in `bot/text` under `trouble`."""

    AWAY = "AWAY"  # no answer: connection refused, timed out, 5xx
    THROTTLED = "THROTTLED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"  # values: verb, resource, namespace
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"  # values: owners, fields
    INVALID = "INVALID"  # the server's own refusal, in full: values: message
    NOT_INVITED = "NOT_INVITED"  # the bot is not in the channel
    UNEXPECTED = "UNEXPECTED"  # an answer that its protocol does not know


class DynamoError(Exception):
    """The root: catch this where a boundary turns anything of ours into words."""


class PortError(DynamoError):
    """An edge did not do what was asked.

    `port` names the edge (cluster, registry, slack, store); `values` fill the sentence of
    `trouble`; `temporary` tells whether the same call may go through later, `retry_after` in how
    many seconds at the earliest, where the other side said so.
    """

    def __init__(
        self,
        port: str,
        trouble: Trouble,
        *,
        temporary: bool,
        retry_after: float | None = None,
        values: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.trouble = trouble
        self.temporary = temporary
        self.retry_after = retry_after
        self.values: Mapping[str, str] = dict(values or {})
        super().__init__(f"{port}: {trouble}: {self.values.get('message', '')}".rstrip(": "))


class StaleError(DynamoError):
    """The stored revision is newer than the one that was to be replaced."""
