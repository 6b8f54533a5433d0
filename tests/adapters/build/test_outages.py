"""Git host and registry that go away in the middle of a build, that come back, and that refuse:
real git, a real engine and a real registry, through all the steps of one build."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.docker_images import DockerImages
from bot.adapters.git_source import GitSource
from bot.adapters.oci_registry import OciRegistry
from bot.domain.build import Build, BuildStep, Cause, Failure
from bot.domain.outage import PATIENCE, Outage
from bot.domain.rollout import Actor, CardRef
from bot.errors import Trouble
from bot.ports import Progressing
from bot.workflows.building import Patience, build_commit
from tests.adapters.build.git_host import GitHost
from tests.adapters.build.refusing_registry import RefusingRegistry
from tests.programs import docker_registry

pytestmark = pytest.mark.engine

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class HurriedClock:
    """Whoever waits, waits no time; it passes all the same."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        return self._now

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        self._now = max(self._now, when)
        wake()
        return lambda: None


class World:
    """A build of a repository at `address`, pushed to `registry`."""

    def __init__(self, engine: str, work: Path, repository, said) -> None:
        self.engine = engine
        self.repository = repository
        self.said = said
        self.git = GitSource(work)
        self.clock = HurriedClock()
        self.outages: list[Outage | None] = []
        self.on_outage: Callable[[Outage], None] = lambda _: None
        self.on_step: Callable[[BuildStep], None] = lambda _: None

    async def build(self, address: str, registry: str) -> str | Failure:
        build = Build(
            id="b1",
            service="tasks-service",
            ref="main",
            commit=self.repository.git("rev-parse", "HEAD"),
            version="20261124-4f2a9c1",
            image=f"{registry}/dynamo/tasks-service",
            repository=address,
            requested_by=Actor("U0BEN00000"),
            requested_at=NOON,
            line="build tasks-service main",
            card=CardRef("C0DEVDEPLOY"),
            command="echo the command has run",
        )
        images = OciRegistry()
        patience = Patience(self.clock, self._held_up)
        try:
            return await build_commit(
                build, self.git, DockerImages(self.engine), images, self._report, patience
            )
        finally:
            await images.close()

    def _report(self, said: Progressing) -> None:
        self.said.append(said)
        self.on_step(said.step)

    def _held_up(self, outage: Outage | None) -> None:
        self.outages.append(outage)
        if outage is not None:
            self.on_outage(outage)

    @property
    def commands(self) -> int:
        return [each.line for each in self.said].count("the command has run")


@pytest.fixture
def world(engine, tmp_path, repository, said) -> World:
    return World(engine, tmp_path / "work", repository, said)


@pytest.fixture
async def host(tmp_path: Path):
    host = GitHost(tmp_path)
    runner = await host.start()
    yield host
    await runner.cleanup()


@pytest.fixture
async def refusing():
    registry = RefusingRegistry()
    runner = await registry.start()
    yield registry, f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the registry --------------------------------------------------------------------------------


async def test_a_registry_that_comes_back_gets_the_image_and_the_command_ran_once(
    world, repository, tmp_path
):
    """It answers at the beginning, is away when the image is pushed, and stands up again."""
    port, address = free_port(), str(repository.bare)
    with ExitStack() as registries:

        def up(_: Outage | None = None) -> None:
            registries.enter_context(docker_registry(tmp_path, port=port))

        def down_before_the_push(step: BuildStep) -> None:
            if step is BuildStep.PUSH and not world.outages:
                registries.close()

        up()
        world.on_step, world.on_outage = down_before_the_push, up
        digest = await world.build(address, f"127.0.0.1:{port}")
    assert isinstance(digest, str), digest
    assert [each.port if each else "" for each in world.outages] == ["registry", ""]
    assert "refused" in world.outages[0].message
    assert world.commands == 1


async def test_a_registry_that_stays_away_ends_the_build_when_patience_does(
    world, host, repository, tmp_path
):
    """From the first question on: nothing is built that could not be pushed."""
    ended = await world.build(str(repository.bare), f"127.0.0.1:{free_port()}")
    assert (ended.cause, ended.step) == (Cause.AWAY, BuildStep.CHECKOUT)
    assert (ended.values["port"], ended.values["minutes"]) == ("registry", "5")
    assert world.clock.now() - NOON == PATIENCE
    assert len(world.outages) > 5
    assert world.commands == 0


@pytest.mark.parametrize(
    ("status", "code", "message", "cause", "trouble"),
    [
        (403, "DENIED", "requested access is denied", Cause.REFUSED, Trouble.FORBIDDEN),
        (401, "UNAUTHORIZED", "who are you", Cause.REFUSED, Trouble.UNAUTHENTICATED),
        (404, "NAME_UNKNOWN", "repository name not known", Cause.NO_PLACE, None),
    ],
)
async def test_a_registry_that_refuses_ends_the_build_at_once(
    world, refusing, repository, status, code, message, cause, trouble
):
    registry, address = refusing
    registry.status, registry.code, registry.message = status, code, message
    ended = await world.build(str(repository.bare), address)
    assert (ended.cause, ended.step) == (cause, BuildStep.PUSH), ended
    assert ended.values.get("trouble") == trouble
    assert ended.values["message"]
    assert world.outages == []
    assert world.clock.now() == NOON


async def test_a_registry_that_wants_a_login_is_told_as_that(world, repository, tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text(f"nobody:$2y$05${'x' * 53}\n")
    more = f"auth: {{htpasswd: {{realm: tests, path: {passwords}}}}}\n"
    with docker_registry(tmp_path, more=more) as address:
        ended = await world.build(str(repository.bare), address)
    assert ended.cause is Cause.REFUSED
    assert (ended.values["port"], ended.values["trouble"]) == ("registry", "UNAUTHENTICATED")
    assert world.outages == []


async def test_a_registry_that_is_overwhelmed_is_asked_again(world, refusing, repository):
    registry, address = refusing
    registry.status, registry.code, registry.message = 429, "TOOMANYREQUESTS", "not now"

    def then_refuse(_: Outage) -> None:
        registry.status, registry.code, registry.message = 403, "DENIED", "not you"

    world.on_outage = then_refuse
    ended = await world.build(str(repository.bare), address)
    assert [each.port if each else "" for each in world.outages] == ["registry"], ended
    assert ended.cause is Cause.REFUSED
    assert world.commands == 1


# --- the git host --------------------------------------------------------------------------------


async def test_a_git_host_that_comes_back_in_the_middle_of_a_fetch_is_fetched_from_again(
    world, host, registry
):
    host.answers, host.cut = [502], 1
    digest = await world.build(f"{host.url}/origin.git", registry)
    assert isinstance(digest, str), digest
    waited = [each.message if each else "" for each in world.outages]
    assert len(waited) == 3
    assert "502" in waited[0]
    assert waited[1] != waited[0]
    assert waited[2] == ""
    assert {each.port for each in world.outages if each} == {"git"}
    assert world.commands == 1


async def test_a_git_host_that_stays_away_ends_the_build_when_patience_does(
    world, registry, tmp_path
):
    ended = await world.build(f"http://127.0.0.1:{free_port()}/origin.git", registry)
    assert (ended.cause, ended.step) == (Cause.AWAY, BuildStep.CHECKOUT)
    assert (ended.values["port"], ended.values["minutes"]) == ("git", "5")
    assert list((tmp_path / "work").iterdir()) == []
    assert world.clock.now() - NOON == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(401, Trouble.UNAUTHENTICATED), (403, Trouble.UNAUTHENTICATED), (404, Trouble.NOT_FOUND)],
)
async def test_a_git_host_that_refuses_ends_the_build_at_once(
    world, host, registry, status, trouble
):
    host.answers = [status]
    ended = await world.build(f"{host.url}/origin.git", registry)
    assert ended.cause is Cause.REFUSED, ended
    assert (ended.values["port"], ended.values["trouble"]) == ("git", trouble)
    assert world.outages == []
    assert len(host.asked) == 1
