"""The repositories of the offline world: each one line of commits, the oldest first, with checks.

`from_releases` makes them from the release table: the commits that the images name, some others
between them, and green checks. What a check says is changed by `set_check`; `server.py` answers for
it over HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.registry.release_table import Release

CHECKS = ("build", "integration", "unit")
CONCLUSIONS = (
    "success",
    "failure",
    "neutral",
    "cancelled",
    "skipped",
    "timed_out",
    "action_required",
    "stale",
)
RUNNING = ("queued", "in_progress", "waiting")
STATUSES = ("success", "pending", "failure", "error")

_AUTHORS = (
    ("ana", "Ana López"),
    ("ben", "Ben Carter"),
    ("carla", "Carla Ruiz"),
    ("dan", "Dan Novak"),
)
_WORK = (
    "Retry the upstream call once before it fails",
    "Fix the time zone of reminders",
    "Index the columns that lists sort by",
    "Show an empty list as empty, not as an error",
    "Upgrade dependencies",
    "Log the request id with every error",
    "Make the cache forget in time",
    "Translate the last three error messages",
)


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    message: str
    login: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """A check run, or a commit status where `kind` is "status". `state` is a status that is not
    over ("in_progress"; "pending"), or how it ended."""

    id: int
    name: str
    state: str
    kind: str = "run"
    ended_at: datetime | None = None


@dataclass(slots=True)
class Repository:
    name: str  # owner/name
    commits: list[Commit] = field(default_factory=list)
    checks: dict[str, dict[tuple[str, str], Check]] = field(default_factory=dict)
    """By commit, then by kind and name: a check that runs again replaces the one before."""

    def place(self, sha: str) -> int | None:
        return next((n for n, commit in enumerate(self.commits) if commit.sha == sha), None)


class Unknown(LookupError):  # noqa: N818 - an answer, not a fault
    """There is no such repository, commit or state."""


class GitHost:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.repositories: dict[str, Repository] = {}
        self.limited_until: datetime | None = None
        self.away = False
        self.asked = 0  # requests so far, for tests that count them
        self._count = 800

    def kept(self) -> dict[str, Any]:
        """As orjson writes it."""
        return {
            "limited_until": self.limited_until,
            "away": self.away,
            "count": self._count,
            "repositories": [
                [
                    each.name,
                    each.commits,
                    [[sha, [*on.values()]] for sha, on in each.checks.items()],
                ]
                for each in self.repositories.values()
            ],
        }

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Go on from what `kept` gave, in the place of what there is of these repositories."""
        self.limited_until = _moment(kept["limited_until"])
        self.away, self._count = kept["away"], kept["count"]
        for name, commits, checks in kept["repositories"]:
            found = self.repositories[name] = Repository(name)
            found.commits = [Commit(**{**each, "at": _moment(each["at"])}) for each in commits]
            for sha, on in checks:
                known = [Check(**{**each, "ended_at": _moment(each["ended_at"])}) for each in on]
                found.checks[sha] = {(each.kind, each.name): each for each in known}

    def add_commit(
        self,
        repository: str,
        sha: str,
        message: str,
        *,
        author: tuple[str, str] = _AUTHORS[0],
        at: datetime | None = None,
        checks: str = "success",
    ) -> Commit:
        """Push a commit, with every usual check in one state; "" for none."""
        found = self.repositories.setdefault(repository, Repository(repository))
        commit = Commit(sha, message, *author, at or self.now())
        if found.place(sha) is None:
            found.commits.append(commit)
        for name in CHECKS if checks else ():
            self.set_check(repository, sha, name, checks)
        return commit

    def set_check(
        self, repository: str, sha: str, name: str, state: str, kind: str = "run"
    ) -> Check:
        """Raises Unknown."""
        found = self.repository(repository)
        known = (*CONCLUSIONS, *RUNNING) if kind == "run" else STATUSES
        if found.place(sha) is None:
            raise Unknown(f"{repository} has no commit {sha}")
        if state not in known or not name:
            raise Unknown(f"a {kind} is one of {', '.join(known)}")
        self._count += 1
        ended = None if state in (*RUNNING, "pending") else self.now()
        check = Check(self._count, name, state, kind, ended)
        found.checks.setdefault(sha, {})[kind, name] = check
        return check

    def set_checks(self, repository: str, sha: str, state: str) -> None:
        """Every check of a commit at once."""
        for kind, name in [*self.repository(repository).checks.get(sha, {})]:
            self.set_check(repository, sha, name, state, kind)

    def drop_checks(self, repository: str, sha: str) -> None:
        """As of a commit on which nothing ever ran."""
        self.repository(repository).checks.pop(sha, None)

    def repository(self, name: str) -> Repository:
        try:
            return self.repositories[name]
        except KeyError:
            raise Unknown(f"there is no repository {name}") from None

    def limit(self, seconds: float) -> None:
        """Answer only with the rate limit for so long."""
        self.limited_until = self.now() + timedelta(seconds=seconds)


def from_releases(
    releases: Iterable[Release], repositories: Mapping[str, str], now: Callable[[], datetime]
) -> GitHost:
    """`repositories`: owner/name by service."""
    host = GitHost(now)
    for number, release in enumerate(releases):
        name = repositories.get(release.service)
        if name is None:
            continue
        built = now() - timedelta(days=release.days_old)
        count = 2 + int(release.commit[0], 16) % 6
        for step in range(count, 0, -1):
            seed = hashlib.sha1(f"{release.commit}{step}".encode()).hexdigest()  # noqa: S324
            _push(host, name, seed, number + step, built - timedelta(hours=step * 3))
        host.add_commit(
            name,
            release.commit,
            f"Release {release.version}",
            author=_AUTHORS[number % len(_AUTHORS)],
            at=built - timedelta(minutes=12),
        )
        _finish(host, name, release.commit, built - timedelta(minutes=5))
    return host


def _moment(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text)


def _push(host: GitHost, name: str, sha: str, number: int, at: datetime) -> None:
    author = _AUTHORS[number % len(_AUTHORS)]
    host.add_commit(name, sha, _WORK[number % len(_WORK)], author=author, at=at)
    _finish(host, name, sha, at + timedelta(minutes=7))


def _finish(host: GitHost, name: str, sha: str, at: datetime) -> None:
    """The checks ended when the commit was made, not when the world was."""
    checks = host.repository(name).checks[sha]
    for key, check in checks.items():
        checks[key] = replace(check, ended_at=at)
