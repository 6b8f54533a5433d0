"""Two Dynamos on one database of PostgreSQL: one works, the other stands by and takes over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.audit_reading import read_log, verify_log
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from tests.bench.processes import running, until_answers
from tests.databases import empty_database
from tests.needs import needed
from tests.processes import bot_environment
from tests.programs import free_port, postgres_server

WITHIN = 60.0


@pytest.fixture
def database() -> Iterator[str]:
    with needed(postgres_server()) as server:
        yield empty_database(server)


@asynccontextmanager
async def a_dynamo(
    sandbox: Sandbox, database: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = free_port()
    environment = bot_environment(sandbox.settings, port, SLACK_APP_TOKEN=seed.APP_TOKEN)
    environment["DYNAMO_DATABASE"] = database
    async with running("-m", "bot", "run", environment=environment) as process:
        yield process, f"http://127.0.0.1:{port}"


async def test_who_stands_by_finishes_what_a_killed_one_began(
    database: str, tmp_path: Path, catalog_file: Path
):
    options = Options(keep=tmp_path / "keep", config=catalog_file, bot=False, speed=5)
    async with (
        launch(options) as sandbox,
        SlackDriver(sandbox.url) as slack,
        a_dynamo(sandbox, database) as (first, serving),
    ):
        await until_answers(f"{serving}/readyz", WITHIN)
        async with a_dynamo(sandbox, database) as (_, waiting):
            await until_answers(f"{waiting}/healthz", WITHIN)
            await until_answers(f"{waiting}/readyz", WITHIN, status=503)
            await slack.say("ben", "#qa-deploys", "/dynamo deploy tasks-service qa")
            began = await slack.message(
                "ben", where=lambda m: "Applying" in m.words or "Rolling" in m.words
            )
            first.kill()
            await until_answers(f"{waiting}/readyz", WITHIN)
            ended = await slack.message(
                "ben", where=lambda m: m.ts == began.ts and "Succeeded" in m.words, timeout=WITHIN
            )
            assert ended.channel == began.channel
            assert (await asyncio.to_thread(verify_log, database)).flaws == ()
            log = await asyncio.to_thread(lambda: list(read_log(database)))
            steps = [str(each.entry.after["state"]) for each in log if "state" in each.entry.after]
            assert steps == ["QUEUED", "APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED"]
