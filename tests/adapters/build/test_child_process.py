"""One program and all that it started: ended together, read in lines, and kept from our secrets."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.adapters import child_process
from bot.adapters.child_process import LONGEST_LINE, WatchedError, run

PYTHON = "/usr/bin/python3"
ENV = {"PATH": os.environ["PATH"]}

_ASKED = """
import os, subprocess, sys
{keep}
done = subprocess.run(["cat", f"/proc/{{os.getpid()}}/environ"], capture_output=True)
sys.stdout.buffer.write(done.stdout)
"""


async def test_lines_are_cut_and_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    script = "import sys; sys.stdout.buffer.write(b'a\\xff\\n' + b'x' * 5000 + b'\\rend')"
    argv = [sys.executable, "-c", script]
    assert await run(argv, cwd=tmp_path, env=ENV, seconds=20, on_line=said.append) == 0
    assert said[0] == "a\ufffd"
    assert max(map(len, said)) <= LONGEST_LINE
    assert said[-1] == "end"


async def test_output_without_end_costs_the_time_it_is_given_and_no_more(tmp_path: Path) -> None:
    count = 0

    def hear(_: str) -> None:
        nonlocal count
        count += 1

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await run(["yes"], cwd=tmp_path, env=ENV, seconds=1, on_line=hear)
    assert count > 0
    assert time.monotonic() - began < 20


async def test_whoever_is_cancelled_takes_the_program_along(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"echo $$ > {mark}; sleep 98770"
    task = asyncio.create_task(
        run(["sh", "-c", script], cwd=tmp_path, env=ENV, seconds=60, on_line=lambda _: None)
    )
    async with asyncio.timeout(20):
        while not mark.exists() or not mark.read_text().strip():
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_watch_ends_it(tmp_path: Path) -> None:
    with pytest.raises(WatchedError):
        await run(
            ["sleep", "98771"],
            cwd=tmp_path,
            env=ENV,
            seconds=60,
            on_line=lambda _: None,
            watch=lambda: True,
        )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("kept", [True, False])
def test_another_process_of_the_same_user_cannot_read_what_we_were_started_with(kept: bool) -> None:
    """The same without `keep_to_ourselves` shows that there is something to keep."""
    if os.geteuid() != 0 or not Path(PYTHON).exists():
        pytest.skip("root, and a Python that every user may run, are needed")
    source = Path(child_process.__file__).read_text()
    keep = f"exec(compile({source!r}, 'child_process', 'exec'))\nkeep_to_ourselves()"
    asked = _ASKED.format(keep=keep if kept else "")
    # A process that becomes another user can be read only after it has executed something anew.
    become = (
        "import os; os.setgid(65534); os.setuid(65534);"
        f"os.execve({PYTHON!r}, [{PYTHON!r}, '-c', {asked!r}], os.environ)"
    )
    done = subprocess.run(
        [PYTHON, "-c", become],
        env={**ENV, "SLACK_BOT_TOKEN": "xoxb-never-seen"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("never-seen" in done.stdout) is not kept
