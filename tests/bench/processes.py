"""Processes that benches start, and what the operating system says of them."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from tests.adapters.cluster.scripted import write_kubeconfig

ROOT = Path(__file__).parents[2]


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


async def until_answers(url: str, seconds: float = 30, status: int = 200) -> None:
    """Wait until a GET is answered with this status."""
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == status:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.005)


@contextmanager
def api_server(module: str, *arguments: str) -> Iterator[Path]:
    """A server of Kubernetes' API in a process of its own: a kubeconfig for it."""
    with serving(module, *arguments) as port, tempfile.TemporaryDirectory() as home:
        yield write_kubeconfig(Path(home) / "kubeconfig", f"http://127.0.0.1:{port}")


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """A server in a process of its own, which ends with its input; the first line it prints."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(120)
        process.stdout.close()


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024
