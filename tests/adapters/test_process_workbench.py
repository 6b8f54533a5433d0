"""The workbench on real processes: calls, ends, and what happens to it when things die."""

import asyncio
import math
import operator
import os
import signal
import sys
import time

import pytest

from bot.adapters.process_workbench import ProcessWorkbench
from bot.errors import PortError, Trouble


@pytest.fixture
async def bench():
    bench = ProcessWorkbench()
    yield bench
    await bench.close()


def lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while lives(pid):
            await asyncio.sleep(0.01)


async def test_work_is_done_in_another_process_and_answers_come_back(bench):
    assert await bench.run(math.hypot, 3.0, 4.0) == 5.0
    assert await bench.run(os.getpid) != os.getpid()


async def test_one_process_serves_all_calls_in_order(bench):
    pids = await asyncio.gather(*(bench.run(os.getpid) for _ in range(20)))
    assert len(set(pids)) == 1
    sums = await asyncio.gather(*(bench.run(operator.add, n, 1) for n in range(20)))
    assert sums == list(range(1, 21))


async def test_what_the_work_raises_is_raised_here(bench):
    with pytest.raises(ZeroDivisionError):
        await bench.run(operator.truediv, 1, 0)
    assert await bench.run(abs, -1) == 1


async def test_what_the_work_prints_is_no_part_of_an_answer(bench):
    await bench.run(print, "not an answer")
    assert await bench.run(abs, -2) == 2


async def test_large_values_travel_both_ways(bench):
    body = os.urandom(5_000_000)
    assert await bench.run(bytes, body) == body


async def test_a_process_that_dies_is_told_and_the_next_call_has_a_new_one(bench):
    before = await bench.run(os.getpid)
    with pytest.raises(PortError) as caught:
        await bench.run(os._exit, 3)
    assert caught.value.trouble is Trouble.AWAY
    assert caught.value.temporary
    assert await bench.run(os.getpid) != before


async def test_a_call_that_never_ends_is_ended():
    bench = ProcessWorkbench(seconds=0.5)
    with pytest.raises(PortError, match=r"no answer in 0\.5 s"):
        await bench.run(time.sleep, 60)
    await bench.close()


async def test_a_caller_that_goes_away_does_not_shift_the_answers(bench):
    await bench.run(abs, 0)
    leaving = asyncio.ensure_future(bench.run(time.sleep, 0.2))
    await asyncio.sleep(0.05)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await bench.run(abs, -7) == 7


async def test_it_leaves_when_nothing_is_asked_and_comes_back_when_something_is():
    bench = ProcessWorkbench(idle=0.05)
    first = await bench.run(os.getpid)
    await gone(first)
    assert await bench.run(os.getpid) != first
    await bench.close()


async def test_nothing_is_left_after_the_stop(bench):
    pid = await bench.run(os.getpid)
    busy = asyncio.ensure_future(bench.run(time.sleep, 60))
    await asyncio.sleep(0.05)
    await bench.close()
    assert not lives(pid)
    with pytest.raises(asyncio.CancelledError):
        await busy
    with pytest.raises(PortError):
        await bench.run(abs, 1)


async def test_the_loop_is_free_while_heavy_work_is_done(bench):
    longest, last = 0.0, time.perf_counter()
    work = asyncio.ensure_future(bench.run(sum, range(20_000_000)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last, turns = max(longest, now - last), now, turns + 1
    assert await work == sum(range(20_000_000))
    assert turns > 20


async def test_no_secret_of_the_bot_is_in_its_environment(bench, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-not-for-others")
    assert await bench.run(os.getenv, "SLACK_BOT_TOKEN") is None
    assert await bench.run(os.getenv, "PATH") == os.environ["PATH"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_it_dies_with_a_parent_that_is_killed_while_it_works():
    code = """
import asyncio, os, time
from bot.adapters.process_workbench import ProcessWorkbench
async def main():
    bench = ProcessWorkbench()
    print(await bench.run(os.getpid), flush=True)
    await bench.run(time.sleep, 60)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = int(await parent.stdout.readline())
    assert lives(child)
    await asyncio.sleep(0.1)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await gone(child)
