"""What a line from a terminal came to, and the exit code that says so to a script.

`commands/terminal.py` decides which, `bot/do.py` exits with it. The codes are a promise to CI jobs
(docs/commands.md lists them) and never change their meaning.
"""

from enum import StrEnum
from typing import Final

from bot.domain.rollout import Rollout, RolloutState


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"  # done as asked, or answered
    TROUBLE = "trouble"  # something that Dynamo needs did not answer, or a bug
    USAGE = "usage"  # the line cannot be read
    REFUSED = "refused"  # a rule says no, or a person has to press something first
    NO_RIGHTS = "no-rights"
    FAILED = "failed"  # the rollout failed
    CANCELLED = "cancelled"  # a person ended it (it went back), or a newer one took its place
    TIMEOUT = "timeout"  # it goes on; nobody waits for it any more
    UNREACHABLE = "unreachable"
    BEGUN = "begun"  # goes on in Slack, and is not followed from here


EXIT: Final = {
    Outcome.SUCCEEDED: 0,
    Outcome.TROUBLE: 1,
    Outcome.USAGE: 2,
    Outcome.REFUSED: 3,
    Outcome.NO_RIGHTS: 4,
    Outcome.FAILED: 5,
    Outcome.CANCELLED: 6,
    Outcome.TIMEOUT: 7,
    Outcome.UNREACHABLE: 8,
    Outcome.BEGUN: 9,
}

_END: Final = {
    RolloutState.SUCCEEDED: Outcome.SUCCEEDED,
    RolloutState.FAILED: Outcome.FAILED,
    RolloutState.ROLLED_BACK: Outcome.CANCELLED,
    RolloutState.SUPERSEDED: Outcome.CANCELLED,
    RolloutState.CANCELLED: Outcome.CANCELLED,
    RolloutState.REJECTED: Outcome.REFUSED,
}


def outcome_of(rollout: Rollout) -> Outcome:
    """Of a rollout that has ended. Raises KeyError while it has not."""
    return _END[rollout.state]
