"""What people choose for themselves, beyond what Slack says about them."""

from typing import Protocol


class Preferences(Protocol):
    async def language(self, user: str) -> str:
        """The language that a person chose; "" where Slack's is to be followed."""

    async def choose_language(self, user: str, language: str) -> None:
        """From now on; "" follows Slack again."""
