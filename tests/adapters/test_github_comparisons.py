"""The commits between two releases, asked of the sandbox's git host over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.adapters.github_checks import GitHubChecks
from bot.adapters.github_comparisons import GitHubComparisons
from bot.domain.promotion import Commits
from bot.errors import PortError
from bot.sandbox.github.host import GitHost
from bot.sandbox.github.server import TOKEN, github_app
from tests.serving import served

REPOSITORY = "yourorg/tasks-service"


def sha(number: int) -> str:
    return f"{number:040x}"


@pytest.fixture
def host() -> GitHost:
    host = GitHost(lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    for number in range(1, 131):
        host.add_commit(REPOSITORY, sha(number), f"Change {number}\n\nand why", checks="")
    return host


@pytest.fixture
async def comparisons(host: GitHost) -> AsyncIterator[GitHubComparisons]:
    async with served(github_app(host, {})) as url:
        checks = GitHubChecks(url, SecretStr(TOKEN))
        try:
            yield GitHubComparisons(checks)
        finally:
            await checks.close()


async def test_the_commits_between_two_come_newest_first_with_title_author_and_link(comparisons):
    found = await comparisons.between(REPOSITORY, sha(3), sha(6))
    assert [each.title for each in found.shown] == ["Change 6", "Change 5", "Change 4"]
    assert (found.of, found.unknown) == (3, "")
    assert found.shown[0].id == sha(6)
    assert found.shown[0].author
    assert found.shown[0].at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert found.shown[0].url.endswith(sha(6))
    assert f"{sha(3)}...{sha(6)}" in found.url


async def test_of_more_than_a_page_the_newest_are_kept_and_all_are_counted(comparisons):
    found = await comparisons.between(REPOSITORY, sha(1), sha(130))
    assert found.of == 129
    assert found.shown[0].title == "Change 130"
    assert len(found.shown) == 20


async def test_an_older_release_brings_nothing_and_is_said_to_go_backwards(comparisons):
    assert await comparisons.between(REPOSITORY, sha(6), sha(3)) == Commits(unknown="BACKWARDS")


async def test_the_same_commit_twice_is_no_commit_between(comparisons):
    assert (await comparisons.between(REPOSITORY, sha(6), sha(6))).of == 0


@pytest.mark.parametrize(
    ("repository", "older"), [(REPOSITORY, sha(999)), ("yourorg/nothing", sha(1))]
)
async def test_what_the_host_does_not_know_is_said_to_be_unknown(comparisons, repository, older):
    assert (await comparisons.between(repository, older, sha(6))).unknown == "NOT_FOUND"


@pytest.mark.parametrize("commit", ["", "main", "--upload-pack=x", "../../secrets"])
async def test_what_is_no_commit_is_not_asked_for(comparisons, host, commit):
    asked = host.asked
    assert (await comparisons.between(REPOSITORY, commit, sha(6))).unknown == "NO_COMMIT"
    assert host.asked == asked


async def test_a_commit_alone_has_its_time_and_one_that_nobody_has_is_unknown(comparisons, host):
    found = await comparisons.one(REPOSITORY, sha(6))
    assert ([each.title for each in found.shown], found.of) == (["Change 6"], 1)
    assert found.shown[0].at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert (await comparisons.one(REPOSITORY, sha(999))).unknown == "NOT_FOUND"
    asked = host.asked
    assert (await comparisons.one(REPOSITORY, "main")).unknown == "NO_COMMIT"
    assert host.asked == asked


async def test_a_host_that_is_away_is_an_edge_that_failed(comparisons, host):
    host.away = True
    with pytest.raises(PortError) as caught:
        await comparisons.between(REPOSITORY, sha(3), sha(6))
    assert caught.value.temporary
