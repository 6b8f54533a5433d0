"""A card: one Slack message as values, and the few pieces that all cards are built of.

Pure: no client, no clock. Every card has full blocks and a one-sentence `text` (what a screen
reader and a notification say). Limits: research/slack-contract.md §2; what does not fit is cut
here with a sign that it was, never sent to fail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """`text`: one sentence with the state. `blocks`: plain dicts. `full`: what had to be
    cut, whole ("" where nothing was); who posts the card sees to it that it can be read, as a file
    called `file`. `strict`: it holds a block that not every workspace takes, and who sends it has
    another card for those: the refusal is told (INVALID) instead of sending the sentence alone."""

    text: str
    blocks: Sequence[Block]
    full: str = ""
    file: str = "full-text.txt"
    strict: bool = False
    denied: bool = False  # a refusal for want of rights: a script is told apart
