"""What a line from a terminal came to, and the exit code that says so to a script.

`commands/terminal.py` decides which, `bot/do.py` exits with it. The codes are a promise to CI jobs
(docs/commands.md lists them) and never change their meaning.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.build import Build, BuildState
from bot.domain.rollout import Rollout, RolloutState


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"  # done as asked, or answered
    TROUBLE = "trouble"  # something that Dynamo needs did not answer, or a bug
    USAGE = "usage"  # the line cannot be read
    REFUSED = "refused"  # a rule says no, or people have to decide something in Slack first
    NO_RIGHTS = "no-rights"
    FAILED = "failed"  # the rollout failed
    CANCELLED = "cancelled"  # a person ended it (it went back), or a newer one took its place
    TIMEOUT = "timeout"  # it goes on; nobody waits for it any more
    UNREACHABLE = "unreachable"
    BEGUN = "begun"  # goes on in Slack, and is not followed from here
    UNCONFIRMED = "unconfirmed"  # it was shown what would be done; `--yes` does it


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
    Outcome.UNCONFIRMED: 10,
}

_END: Final = {
    RolloutState.SUCCEEDED: Outcome.SUCCEEDED,
    RolloutState.FAILED: Outcome.FAILED,
    RolloutState.ROLLED_BACK: Outcome.CANCELLED,
    RolloutState.SUPERSEDED: Outcome.CANCELLED,
    RolloutState.CANCELLED: Outcome.CANCELLED,
    RolloutState.REJECTED: Outcome.REFUSED,
}


_BUILT: Final = {
    BuildState.BUILT: Outcome.SUCCEEDED,
    BuildState.FAILED: Outcome.FAILED,
    BuildState.CANCELLED: Outcome.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class TerminalLine:
    """A line, and how whoever typed it wants to be answered. `seconds`: how long they wait for its
    end, where `follows`; `yes`: they confirm what it asks; `as_json`: a program reads."""

    text: str
    language: str = "en"
    seconds: float = 3600.0
    follows: bool = True
    yes: bool = False
    as_json: bool = False


def outcome_of_build(build: Build) -> Outcome:
    """Of a build that has ended. Raises KeyError while it has not."""
    return _BUILT[build.state]


def outcome_of(rollout: Rollout) -> Outcome:
    """Of a rollout that has ended. Raises KeyError while it has not."""
    return _END[rollout.state]
