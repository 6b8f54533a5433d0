"""`bot.ports.Comparisons` on the GitHub REST API: the commits between two, with their authors.

The API lists them oldest first and in pages; people read the newest. So the last page is asked for
where there are several. What it answers is checked by pydantic, and every text of it is foreign.
"""

from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from bot.adapters.github_checks import GitHubChecks
from bot.domain.promotion import Commit, Commits
from bot.domain.release import commit_in
from bot.errors import PortError, Trouble

_PAGE = 100
_KEPT = 20
_UNKNOWN = frozenset({Trouble.NOT_FOUND, Trouble.UNAUTHENTICATED, Trouble.FORBIDDEN})
_Shape = TypeVar("_Shape", bound=BaseModel)


class _Person(BaseModel):
    name: str | None = None
    login: str | None = None


class _Stamp(BaseModel):
    date: AwareDatetime | None = None


class _Inner(BaseModel):
    message: str = ""
    author: _Person | None = None
    committer: _Stamp | None = None  # when it came where it is, after any rebase


class _Commit(BaseModel):
    sha: str
    html_url: str | None = None
    commit: _Inner
    author: _Person | None = None  # the account, where the host knows one

    @property
    def said(self) -> Commit:
        account = self.author.login if self.author else None
        name = self.commit.author.name if self.commit.author else None
        lines = self.commit.message.strip().splitlines()
        title = lines[0] if lines else ""
        at = self.commit.committer.date if self.commit.committer else None
        return Commit(self.sha, title, name or account or "", self.html_url or "", at)


class _Comparison(BaseModel):
    html_url: str | None = None
    status: str
    total_commits: int = 0
    commits: list[_Commit]


class GitHubComparisons:
    """Asks through the same session, limits and token as `GitHubChecks`."""

    def __init__(self, host: GitHubChecks) -> None:
        self._host = host

    async def between(self, repository: str, older: str, newer: str) -> Commits:
        if not commit_in(older) or not commit_in(newer):
            return Commits(unknown="NO_COMMIT")
        try:
            first = await self._page(repository, older, newer, 1)
            last = -(-first.total_commits // _PAGE)
            newest = first if last <= 1 else await self._page(repository, older, newer, last)
        except PortError as error:
            if error.trouble in _UNKNOWN:
                return Commits(unknown="NOT_FOUND")
            raise
        if first.status == "behind":
            return Commits(unknown="BACKWARDS")
        shown = tuple(each.said for each in reversed(newest.commits[-_KEPT:]))
        return Commits(shown, first.total_commits, first.html_url or "")

    async def one(self, repository: str, commit: str) -> Commits:
        if not commit_in(commit):
            return Commits(unknown="NO_COMMIT")
        try:
            body = await self._host.get(
                f"repos/{repository}/commits/{commit}", 1, repository, commit
            )
        except PortError as error:
            if error.trouble in _UNKNOWN:
                return Commits(unknown="NOT_FOUND")
            raise
        found = _read(_Commit, body).said
        return Commits((found,), 1, found.url)

    async def _page(self, repository: str, older: str, newer: str, page: int) -> _Comparison:
        path = f"repos/{repository}/compare/{older}...{newer}"
        return _read(_Comparison, await self._host.get(path, page, repository, newer))


def _read(shape: type[_Shape], body: bytes) -> _Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        values = {"message": "an answer of another shape"}
        raise PortError("git-host", Trouble.UNEXPECTED, temporary=True, values=values) from error
