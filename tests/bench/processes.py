"""Processes that benches start, and what the operating system says of them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bot.sandbox.launcher import Sandbox

ROOT = Path(__file__).parents[2]


def bot_environment(sandbox: Sandbox, port: int, **more: str) -> dict[str, str]:
    """The settings of a bot in a process of its own, in this world."""
    settings = sandbox.settings
    return {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_API_URL": settings.slack_api_url,
        "DYNAMO_CONFIG": str(settings.dynamo_config),
        "DYNAMO_DATABASE": settings.dynamo_database.get_secret_value(),
        "DYNAMO_PORT": str(port),
        "DYNAMO_REGISTRY_URL": str(settings.dynamo_registry_url),
        "GITHUB_API_URL": settings.github_api_url,
        "KUBECONFIG": str(settings.kubeconfig),
        **more,
    }


@asynccontextmanager
async def running(
    *command: str, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=dict(environment),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until_answers(url: str, seconds: float = 30) -> None:
    """Wait until a GET is answered with 200."""
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.005)


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
