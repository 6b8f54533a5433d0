"""`bot.ports.Git` with the git program: which commit a ref is, and the files of a commit.

A repository's address and a ref are foreign words. They are checked before git sees them, stand
behind `--`, and git itself may speak https, ssh and local files only (http where the catalog lets
it: to this machine). It reads nobody's configuration, runs no hooks and asks nothing. The token for
https goes through a credential helper that reads it from its environment: it is in no argument, no
address and no file, and only the git host that it belongs to is given it.
"""

import asyncio
import logging
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.adapters.child_process import WatchedError, run, size_of
from bot.domain.build import (
    BuildStep,
    Cause,
    Failure,
    is_commit,
    is_full_commit,
    is_ref,
    is_repository,
)
from bot.domain.redaction import redact
from bot.errors import PortError, Trouble
from bot.ports import Progressing, Report, Revision

log = logging.getLogger(__name__)

_ASK, _FETCH, _CHECKOUT = 30.0, 600.0, 120.0  # seconds
_MOST = 2_000_000_000  # bytes of a checkout with its git directory
_LINES = 200_000  # of a list of refs
_PREFIX = "checkout-"
_GITHUB = "github.com"
_PASSED_ON = (
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
_HELPER = (
    '!f() { test "$1" = get && '
    'printf "username=x-access-token\\npassword=%s\\n" "$DYNAMO_GIT_TOKEN"; }; f'
)
_SSH = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15"
_FULL = re.compile(r"No space left on device|[Dd]isk quota exceeded")
_SAID = (
    (re.compile(r"terminal prompts disabled|Authentication failed|Permission denied|Host key ver"
                r"|returned error: 40[13]"),
     Trouble.UNAUTHENTICATED),
    (re.compile(r"not found|does not exist|not appear to be a git repository|No such file"),
     Trouble.NOT_FOUND),
    (re.compile(r"[Cc]ertificate"), Trouble.UNEXPECTED),
    (re.compile(r"Could not resolve|unable to access|Connection|timed out|hung up|Could not read"
                r"|RPC failed|early EOF|unexpected disconnect|returned error: (?:429|5\d\d)"),
     Trouble.AWAY),
)  # fmt: skip


class GitSource:
    """`work` is a directory of this process alone: what a killed one left there is removed. `token`
    is given to `token_host` only. `instead` sends addresses that begin so elsewhere."""

    def __init__(
        self,
        work: Path,
        *,
        token: SecretStr | None = None,
        token_host: str = _GITHUB,
        instead: Mapping[str, str] | None = None,
        most: int = _MOST,
        fetch_seconds: float = _FETCH,
    ) -> None:
        self._work = work
        self._token = token
        self._token_host = token_host
        self._instead = dict(instead or {})
        self._most = most
        self._fetch_seconds = fetch_seconds

    def clear(self) -> None:
        """Remove what an earlier process left."""
        for left in self._work.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)

    # --- which commit ----------------------------------------------------------------------------

    async def resolve(self, repository: str, ref: str) -> Revision | None:
        _check(repository, ref)
        async with self._directory() as empty:
            listed = await self._refs(repository, empty)
            found = _named(listed, ref)
            if found is not None or not is_commit(ref):
                return found
            return await self._commit(repository, ref, empty)

    async def _refs(self, repository: str, cwd: Path) -> dict[str, str]:
        lines: list[str] = []
        said: list[str] = []

        def hear(line: str) -> None:
            commit, tab, _ = line.partition("\t")
            if tab and is_full_commit(commit):
                if len(lines) < _LINES:
                    lines.append(line)
            else:
                said.append(line)

        argv = ["ls-remote", "--heads", "--tags", "--", repository]
        if await self._git(argv, repository, cwd, hear, _ASK) != 0:
            raise _trouble(said)
        return {name: commit for commit, _, name in (line.partition("\t") for line in lines)}

    async def _commit(self, repository: str, ref: str, cwd: Path) -> Revision | None:
        """A commit that is no tip: in full it is asked for by itself, abbreviated it is looked for
        among all commits, fetched without their files where the host can do that."""
        await self._quietly(["init", "-q", "."], repository, cwd)
        wanted = ["--depth=1"] if is_full_commit(ref) else ["--filter=blob:none"]
        refs = [ref] if is_full_commit(ref) else ["+refs/heads/*:refs/r/*", "+refs/tags/*:refs/t/*"]
        said: list[str] = []
        argv = ["fetch", "-q", "--no-tags", *wanted, "--", repository, *refs]
        status = await self._git(argv, repository, cwd, said.append, self._fetch_seconds)
        if status != 0:
            if re.search(r"not our ref|couldn't find remote ref|no such remote ref", _text(said)):
                return None
            raise _trouble(said)
        found: list[str] = []
        argv = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
        await self._git(argv, repository, cwd, found.append, _ASK)
        return Revision(found[0]) if found and is_full_commit(found[0]) else None

    # --- its files -------------------------------------------------------------------------------

    @asynccontextmanager
    async def checkout(
        self, repository: str, revision: Revision, report: Report
    ) -> AsyncIterator[Path | Failure]:
        _check(repository, revision.commit)
        async with self._directory() as directory:
            files = directory / "files"
            files.mkdir()
            failure = await self._fill(files, repository, revision, report)
            yield failure or files

    async def _fill(
        self, files: Path, repository: str, revision: Revision, report: Report
    ) -> Failure | None:
        said: list[str] = []

        def hear(line: str) -> None:
            said.append(line)
            report(Progressing(BuildStep.CHECKOUT, redact(line)))

        wanted = f"refs/tags/{revision.tag}" if revision.tag else revision.commit
        fetch = ["fetch", "--depth=1", "--no-tags", "--no-recurse-submodules", "--"]
        steps = (
            (["init", "-q", "."], _ASK),
            ([*fetch, repository, wanted], self._fetch_seconds),
            (["checkout", "-q", "--detach", revision.commit, "--"], _CHECKOUT),
        )
        for argv, seconds in steps:
            try:
                status = await self._git(argv, repository, files, hear, seconds, watched=True)
            except WatchedError:
                limit = str(self._most // 1_000_000)
                return _failure(Cause.TOO_LARGE, what="checkout", limit=limit)
            except TimeoutError:
                return _failure(Cause.TIMED_OUT, minutes=f"{seconds / 60:.0f}")
            if status != 0:
                return _failed(said)
        await asyncio.to_thread(shutil.rmtree, files / ".git", ignore_errors=True)
        return None

    # --- git itself ------------------------------------------------------------------------------

    async def _quietly(self, argv: Sequence[str], repository: str, cwd: Path) -> None:
        said: list[str] = []
        if await self._git(argv, repository, cwd, said.append, _ASK) != 0:
            raise _trouble(said)

    async def _git(
        self,
        argv: Sequence[str],
        repository: str,
        cwd: Path,
        on_line: Callable[[str], None],
        seconds: float,
        *,
        watched: bool = False,
    ) -> int:
        """Raises PortError AWAY when it takes too long, where nobody reports it."""
        watch = (lambda: size_of(cwd, self._most)) if watched else None
        env = self._environment(repository)
        try:
            return await run(
                ["git", *argv], cwd=cwd, env=env, seconds=seconds, on_line=on_line, watch=watch
            )
        except TimeoutError as error:
            if watched:
                raise
            message = f"no answer within {seconds:.0f} seconds"
            values = {"message": message}
            raise PortError("git", Trouble.AWAY, temporary=True, values=values) from error
        except FileNotFoundError as error:
            message = "the program git is not installed where Dynamo runs"
            values = {"message": message}
            raise PortError("git", Trouble.AWAY, temporary=False, values=values) from error

    def _environment(self, repository: str) -> dict[str, str]:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        insecure = ":http" if repository.startswith("http://") else ""
        env |= {
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": _SSH,
            "GIT_ALLOW_PROTOCOL": f"https:ssh:file{insecure}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        settings = [
            ("core.hooksPath", os.devnull),
            ("core.symlinks", "true"),
            ("core.fsmonitor", "false"),
            ("init.defaultBranch", "main"),
            ("advice.detachedHead", "false"),
            ("credential.helper", ""),
            ("fetch.fsckObjects", "true"),
            ("gc.auto", "0"),
            ("http.lowSpeedLimit", "1000"),
            ("http.lowSpeedTime", "30"),
            *((f"url.{to}.insteadOf", begins) for begins, to in self._instead.items()),
        ]
        parts = urlsplit(repository)
        ours = parts.scheme == "https" and parts.hostname == self._token_host
        if self._token is not None and ours:
            env["DYNAMO_GIT_TOKEN"] = self._token.get_secret_value()
            settings.append((f"credential.https://{parts.netloc}.helper", _HELPER))
        env["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings):
            env[f"GIT_CONFIG_KEY_{number}"] = key
            env[f"GIT_CONFIG_VALUE_{number}"] = value
        return env

    @asynccontextmanager
    async def _directory(self) -> AsyncIterator[Path]:
        try:
            self._work.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._work))
        except OSError as error:
            values = {"message": error.strerror or str(error)}
            raise PortError("git", Trouble.AWAY, temporary=True, values=values) from error
        try:
            yield made
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, made, ignore_errors=True))


def token_host_of(api_url: str) -> str:
    """Whose token a `GITHUB_TOKEN` is: api.github.com serves github.com, an Enterprise server its
    own host."""
    host = urlsplit(api_url).hostname or ""
    return _GITHUB if host == "api.github.com" else host


def _check(repository: str, ref: str) -> None:
    if not is_repository(repository):
        message = "the repository's address in dynamo.yml is none that Dynamo gives to git"
    elif not is_ref(ref):
        message = "no branch, tag or commit can be called so"
    else:
        return
    raise PortError("git", Trouble.INVALID, temporary=False, values={"message": message})


def _named(refs: Mapping[str, str], ref: str) -> Revision | None:
    """A tag before a branch of the same name, as git does; an annotated tag is the commit behind
    it. A commit that is a tip needs no fetch to be known."""
    tag = f"refs/tags/{ref}"
    if tag in refs:
        return Revision(refs.get(f"{tag}^{{}}", refs[tag]), ref)
    head = refs.get(f"refs/heads/{ref}") or refs.get(ref, "")
    if head:
        return Revision(head)
    if is_full_commit(ref) and ref in refs.values():
        return Revision(ref)
    return None


def _text(said: Sequence[str]) -> str:
    lines = [line for line in said if not line.startswith("hint:")]
    return redact("\n".join(lines[-6:]))[-800:]


def _kind(text: str) -> Trouble | None:
    return next((kind for pattern, kind in _SAID if pattern.search(text)), None)


def _trouble(said: Sequence[str]) -> PortError:
    text = _text(said)
    kind = _kind(text) or Trouble.AWAY
    temporary = kind is Trouble.AWAY
    return PortError("git", kind, temporary=temporary, values={"message": text})


def _failed(said: Sequence[str]) -> Failure:
    """Why there is no checkout. Raises PortError where the host is away or does not let us in."""
    text = _text(said)
    if _FULL.search(text):
        return _failure(Cause.DISK_FULL)
    if re.search(r"not our ref|couldn't find remote ref|reference is not a tree", text):
        return _failure(Cause.NO_COMMIT)
    if _kind(text) is not None:
        raise _trouble(said)
    return _failure(Cause.CHECKOUT, message=text)


def _failure(cause: Cause, **values: str) -> Failure:
    return Failure(cause, BuildStep.CHECKOUT, values)
