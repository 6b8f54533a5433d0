"""The memory of a rollout while one judgement reads and renews it.

A judgement asks `since(key)` and `keep(key, text)`; what it does not ask for is forgotten, so the
memory holds only what is still going on and stays small. Only `carry` keeps what is over (pods
that were evicted are gone, and still count). Times are Dynamo's own clock, never the cluster's.
"""

from datetime import datetime

from bot.domain.judgement import Memory


class Recall:
    """Mutable for the length of one judgement; `memory()` is what it leaves behind."""

    def __init__(self, before: Memory, now: datetime) -> None:
        self._before = before
        self._now = now
        self._first_seen: dict[str, datetime] = {}
        self._messages: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def since(self, key: str, said: datetime | None = None) -> datetime:
        """When this was first seen, without a break until now; or earlier, if it is said so."""
        at = min(self._before.first_seen.get(key, self._now), said or self._now)
        self._first_seen[key] = at
        return at

    def seen_before(self, key: str) -> bool:
        return key in self._before.first_seen

    def keep(self, key: str, text: str) -> str:
        """The newest words under this key: `text`, or those of an earlier look where it is ""."""
        words = text or self._before.messages.get(key, "")
        if words:
            self._messages[key] = words
        return words

    def first(self, key: str, count: int) -> int:
        """The count that was given at the first look under this key."""
        self._counts[key] = self._before.counts.get(key, count)
        return self._counts[key]

    def count_of(self, key: str) -> int | None:
        """The count under this key, where this look has asked for it; None where it has not."""
        return self._counts.get(key)

    def carry(self, prefix: str) -> dict[str, str]:
        """All words under keys with this prefix, kept for good; key without prefix -> words."""
        for key, words in self._before.messages.items():
            if key.startswith(prefix):
                self._messages.setdefault(key, words)
        return {
            key[len(prefix) :]: words
            for key, words in self._messages.items()
            if key.startswith(prefix)
        }

    def hold(self) -> None:
        """Forget nothing: this look said nothing about what was going on."""
        self._first_seen = {**self._before.first_seen, **self._first_seen}
        self._messages = {**self._before.messages, **self._messages}
        self._counts = {**self._before.counts, **self._counts}

    def memory(self) -> Memory:
        return Memory(first_seen=self._first_seen, messages=self._messages, counts=self._counts)
