"""From a commit to an image: git, a builder, and the builds that are remembered."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.build import Build, BuildStep, Failure


@dataclass(frozen=True, slots=True)
class Revision:
    """What a ref means in a repository: the full commit id, and the tag where the ref is one."""

    commit: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a `Builder` is to do with a checkout. `name` is the image's, with its version as tag;
    `command` is run first, "" for none."""

    build: str  # its id, which tells the half-done from the done
    service: str
    name: str
    version: str
    commit: str
    source: str
    created: datetime
    command: str = ""


@dataclass(frozen=True, slots=True)
class Progressing:
    """A build says where it is: `line` is of the log, as the tool wrote it; `words` is for the
    card, where there is something new to say."""

    step: BuildStep
    line: str = ""
    words: str = ""


Report = Callable[[Progressing], None]


class Git(Protocol):
    async def resolve(self, repository: str, ref: str) -> Revision | None:
        """A branch, tag or commit (abbreviated, too) of a repository; None where it has none such.
        Raises PortError AWAY, UNAUTHENTICATED, NOT_FOUND (the repository), INVALID."""

    def checkout(
        self, repository: str, revision: Revision, report: Report
    ) -> AbstractAsyncContextManager[Path | Failure]:
        """The files of a commit in a directory of their own, which is gone afterwards; shallow.
        Raises PortError as `resolve` does."""


class Builder(Protocol):
    """Makes an image in three steps, each of which may be done again when it has raised a temporary
    PortError. Nothing carries the version's tag before all is done."""

    async def simulated(self) -> bool:
        """Whether nothing real is built here. Raises PortError AWAY where no engine answers."""

    async def command(self, order: Order, checkout: Path, report: Report) -> Failure | None:
        """The service's own build command."""

    async def image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        """What the builder calls the image that it has built."""

    async def push(self, order: Order, image: str, report: Report) -> str | Failure:
        """The digest that the registry has it under."""

    async def tidy(self, order: Order, *, pushed: bool) -> None:
        """Remove what stays of a build, however it ended. Raises nothing."""


class Builds(Protocol):
    """One build per service and commit (`bot/domain/build.py`)."""

    async def open(self, wanted: Build) -> Build:
        """The stored build of this commit, or this one, stored."""

    async def save(self, build: Build) -> Build:
        """Replace the stored revision by the next. Raises StaleError when it is not ours."""

    async def get(self, build_id: str) -> Build | None: ...

    async def of(self, service: str, commit: str) -> Build | None: ...

    async def unsettled(self, service: str = "") -> Sequence[Build]:
        """Oldest first."""

    async def keep_log(self, build_id: str, log: str) -> None: ...

    async def log(self, build_id: str) -> str: ...
