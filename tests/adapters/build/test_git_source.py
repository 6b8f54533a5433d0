"""git against real bare repositories: what a ref means, its files, and words that are no refs."""

import asyncio
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters.git_source import GitSource, token_host_of
from bot.domain.build import BuildStep, Cause, Failure
from bot.errors import PortError, Trouble
from bot.ports import Revision
from tests.serving import served


def head(repository) -> str:
    return str(repository.git("rev-parse", "HEAD"))


async def files_of(git, address, revision, said) -> dict[str, str]:
    async with git.checkout(str(address), revision, said.append) as files:
        assert isinstance(files, Path), files
        return {
            path.name: path.read_text()
            for path in files.iterdir()
            if path.suffix == ".txt" or path.name == "Dockerfile"
        }


async def test_a_branch_a_tag_and_a_commit_come_to_the_same_commit(git, repository):
    repository.git("tag", "v1.4.0")
    repository.git("tag", "--annotate", "v1.4.1", "--message", "annotated")
    repository.git("branch", "feature/login")
    commit = repository.commit("more")
    first = repository.git("rev-parse", "v1.4.0")
    at = str(repository.bare)
    assert await git.resolve(at, "main") == Revision(commit)
    assert await git.resolve(at, "feature/login") == Revision(first)
    assert await git.resolve(at, "v1.4.0") == Revision(first, "v1.4.0")
    assert await git.resolve(at, "v1.4.1") == Revision(first, "v1.4.1")
    assert await git.resolve(f"file://{at}", commit) == Revision(commit)


async def test_a_commit_that_is_no_tip_is_found_in_full_and_abbreviated(git, repository):
    old = head(repository)
    repository.commit("more")
    at = f"file://{repository.bare}"
    assert await git.resolve(at, old) == Revision(old)
    assert await git.resolve(at, old[:8]) == Revision(old)


async def test_what_is_no_ref_is_none(git, repository):
    at = f"file://{repository.bare}"
    assert await git.resolve(at, "no-such-branch") is None
    assert await git.resolve(at, "abcdef0") is None
    assert await git.resolve(at, "a" * 40) is None


async def test_the_files_of_that_commit_are_there_and_gone_afterwards(
    git, repository, said, tmp_path
):
    first = head(repository)
    repository.write("app.txt", "two\n")
    repository.commit("the second")
    found = await files_of(git, f"file://{repository.bare}", Revision(first), said)
    assert found["app.txt"] == "one\n"
    assert list((tmp_path / "work").iterdir()) == []


async def test_a_checkout_is_shallow_and_has_no_git_directory(git, repository, said):
    for number in range(5):
        repository.commit(f"commit {number}")
    revision = await git.resolve(f"file://{repository.bare}", "main")
    async with git.checkout(f"file://{repository.bare}", revision, said.append) as files:
        assert not (files / ".git").exists()


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch /tmp/pwned",
        "-x",
        "a..b",
        "x;id",
        "$(id)",
        "a b",
        "",
        "../../etc",
        "@{1}",
        "main\nx",
        "x" * 300,
    ],
)
async def test_a_ref_that_git_could_take_for_something_else_reaches_no_git(
    git, repository, ref, tmp_path
):
    if ref in ("x;id", "$(id)"):  # a shell's words, not git's: a name like any other, that is none
        assert await git.resolve(str(repository.bare), ref) is None
        return
    with pytest.raises(PortError) as raised:
        await git.resolve(str(repository.bare), ref)
    assert raised.value.trouble is Trouble.INVALID
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    "address",
    [
        "--upload-pack=touch /tmp/pwned",
        "https://host/x --upload-pack=y",
        "ext::sh -c id",
        "ssh://-oProxyCommand=id/x",
        "https://user:password@host/x",
        "-u@host:x",
        "/srv/../etc",
        "https://host",
    ],
)
async def test_an_address_with_an_option_or_a_password_in_it_reaches_no_git(git, address, tmp_path):
    with pytest.raises(PortError) as raised:
        await git.resolve(address, "main")
    assert raised.value.trouble is Trouble.INVALID
    assert not (tmp_path / "work").exists()


async def test_a_repository_that_is_not_there_is_told(git, tmp_path):
    with pytest.raises(PortError) as raised:
        await git.resolve(f"file://{tmp_path}/none.git", "main")
    assert raised.value.trouble is Trouble.NOT_FOUND


async def test_hooks_and_filters_of_the_repository_do_not_run(git, repository, said, tmp_path):
    mark = tmp_path / "ran"
    hook = repository.bare / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(hook.stat().st_mode | stat.S_IEXEC)
    repository.write(".gitattributes", "*.txt filter=evil\n")
    commit = repository.commit("filters")
    await files_of(git, f"file://{repository.bare}", Revision(commit), said)
    assert not mark.exists()


async def test_submodules_are_not_fetched(git, repository, said):
    repository.write(".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = file:///etc\n')
    commit = repository.commit("a submodule")
    found = await files_of(git, f"file://{repository.bare}", Revision(commit), said)
    assert found["app.txt"] == "one\n"


async def test_a_checkout_over_the_limit_is_stopped_and_removed(repository, said, tmp_path):
    (repository.files / "big").write_bytes(os.urandom(30_000_000))
    commit = repository.commit("big")
    git = GitSource(tmp_path / "work", most=5_000_000)
    async with git.checkout(f"file://{repository.bare}", Revision(commit), said.append) as found:
        expected = Failure(Cause.TOO_LARGE, BuildStep.CHECKOUT, {"what": "checkout", "limit": "5"})
        assert found == expected
    assert list((tmp_path / "work").iterdir()) == []


async def test_a_commit_that_is_gone_by_now_is_told(git, repository, said):
    async with git.checkout(f"file://{repository.bare}", Revision("b" * 40), said.append) as found:
        assert found.cause is Cause.NO_COMMIT


async def test_a_full_disk_is_told_as_such(repository, said, small_disk):
    (repository.files / "big").write_bytes(os.urandom(6_000_000))
    commit = repository.commit("big")
    git = GitSource(small_disk)
    async with git.checkout(f"file://{repository.bare}", Revision(commit), said.append) as found:
        assert found == Failure(Cause.DISK_FULL, BuildStep.CHECKOUT)


# --- over HTTP -----------------------------------------------------------------------------------


class Asked:
    """A git host that wants credentials, and answers nobody."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.authorizations: list[str] = []
        self.hangs = hangs

    async def answer(self, request: web.Request) -> web.Response:
        self.authorizations.append(request.headers.get("Authorization", ""))
        if self.hangs:
            await asyncio.sleep(60)
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=x"})


@pytest.fixture
async def host():
    asked = Asked()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", asked.answer)
    async with served(app) as url:
        yield asked, f"{url}/org/x.git"


async def test_a_host_that_wants_a_password_gets_no_question_and_no_token_of_another(
    host, tmp_path
):
    asked, address = host
    git = GitSource(tmp_path / "work", token=SecretStr("ghp_" + "x" * 30))
    with pytest.raises(PortError) as raised:
        await git.resolve(address, "main")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    assert set(asked.authorizations) == {""}


async def test_a_host_that_does_not_answer_costs_a_bounded_time(host, tmp_path, monkeypatch):
    asked, address = host
    asked.hangs = True
    monkeypatch.setattr("bot.adapters.git_source._ASK", 1.0)
    began = time.monotonic()
    with pytest.raises(PortError) as raised:
        await GitSource(tmp_path / "work").resolve(address, "main")
    assert raised.value.trouble is Trouble.AWAY
    assert time.monotonic() - began < 20


def test_the_token_goes_to_its_own_host_by_the_environment_alone(tmp_path):
    token = "ghp_" + "s" * 30
    git = GitSource(tmp_path / "work", token=SecretStr(token), token_host="git.corp.example")
    own = git._environment("https://git.corp.example/org/x.git")
    assert own["DYNAMO_GIT_TOKEN"] == token
    assert [name for name, value in own.items() if token in value] == ["DYNAMO_GIT_TOKEN"]
    asked = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=git.corp.example\n\n",
        env=own,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"password={token}" in asked.stdout
    for other in ("https://github.com/o/x", "ssh://git.corp.example/x", "https://corp.example/x"):
        assert token not in str(git._environment(other))


def test_the_public_hosts_token_is_for_its_git_address():
    assert token_host_of("https://api.github.com") == "github.com"
    assert token_host_of("https://git.corp.example/api/v3") == "git.corp.example"


async def test_what_a_killed_process_left_is_removed(git, tmp_path):
    (tmp_path / "work" / "checkout-left" / "files").mkdir(parents=True)
    git.clear()
    assert list((tmp_path / "work").iterdir()) == []
