"""One program and all that it started: ended together, read in lines, and kept from our secrets."""

import asyncio
import os
import signal
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
    async with asyncio.timeout(60):
        while not mark.exists() or not mark.read_text().strip():
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def pids_in(mark: Path, count: int) -> list[int]:
    async with asyncio.timeout(60):
        while not mark.exists() or len(mark.read_text().split()) < count:
            await asyncio.sleep(0.02)
    return [int(each) for each in mark.read_text().split()]


async def all_gone(pids: list[int]) -> None:
    async with asyncio.timeout(30):
        while any(map(alive, pids)):
            await asyncio.sleep(0.02)


BOT = """
import asyncio, os, sys
from pathlib import Path
from bot.adapters.child_process import run
argv = ["sh", "-c", sys.argv[1]]
work = run(argv, cwd=Path("/"), env={"PATH": os.environ["PATH"]}, seconds=60, on_line=print)
asyncio.run(work)
"""
FAMILY = """
echo $$ >> {mark}
setsid sh -c 'echo $$ >> {mark}; trap "" TERM HUP; sleep 98772; sleep 98772' &
( ( sleep 98773 & echo $! >> {mark} ) & )
sleep 98774; wait
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
async def test_a_bot_that_is_killed_takes_along_all_that_it_started(tmp_path: Path) -> None:
    """The program itself, a child in a session of its own, and one whose parent is gone."""
    mark = tmp_path / "pids"
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BOT, FAMILY.format(mark=mark)), cwd=Path(__file__).parents[3]
    )
    pids = await pids_in(mark, 3)
    assert all(map(alive, pids))
    bot.send_signal(signal.SIGKILL)
    assert await bot.wait() == -signal.SIGKILL
    await all_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
async def test_what_a_program_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    script = FAMILY.format(mark=mark).replace("sleep 98774; wait", "sleep 0.2; exit 4")
    ended = await run(
        ["sh", "-c", script], cwd=tmp_path, env=ENV, seconds=60, on_line=lambda _: None
    )
    assert ended == 4
    await all_gone(await pids_in(mark, 3))


async def test_a_program_that_signals_its_whole_group_ends_as_what_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    script = "kill -INT 0; trap : TERM; kill -TERM 0; echo on; kill -KILL $$"
    argv = ["sh", "-c", f"trap : INT; {script}"]
    ended = await run(argv, cwd=tmp_path, env=ENV, seconds=60, on_line=said.append)
    assert (ended, said) == (-signal.SIGKILL, ["on"])


async def test_a_program_gets_the_environment_that_it_is_given_and_no_file_of_ours(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    env = {**ENV, "LC_ALL": "C", "ODD": "a b\udcff"}
    shown = "sorted(map(ascii, os.environ.items()))", "os.listdir('/proc/self/fd')"
    script = f"import os; print({shown[0]}); print({shown[1]})"
    argv = [sys.executable, "-S", "-c", script]
    assert await run(argv, cwd=tmp_path, env=env, seconds=20, on_line=said.append) == 0
    assert said[0] == str(sorted(map(ascii, env.items())))
    assert said[1] == "['0', '1', '2', '3']"  # the last is the directory that it reads


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        await run(["no-such-program"], cwd=tmp_path, env=ENV, seconds=20, on_line=lambda _: None)


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
    keep = f"__file__ = 'child_process.py'\nexec({source!r})\nkeep_to_ourselves()"
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
