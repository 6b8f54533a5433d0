"""Work after the ack: in order, at a pace that leaves the loop to others, and never lost."""

import asyncio
import time

import pytest

from commands.pace import Pace


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Works:
    """`begun` and `done` by their numbers; a work takes this long of the processor."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.begun: list[int] = []
        self.done: list[int] = []
        self.held = asyncio.Event()

    async def one(self, number: int) -> None:
        self.begun.append(number)
        time.sleep(self.takes)  # noqa: ASYNC251  # what it computes
        await asyncio.sleep(0)
        self.done.append(number)

    async def hanging(self) -> None:
        await self.held.wait()


async def test_a_single_work_begins_at_once() -> None:
    pace, works = Pace(), Works()
    pace.begin(works.one(1))
    await rounds(2)
    assert works.begun == [1]


async def test_a_storm_leaves_every_round_of_the_loop_to_acks() -> None:
    """However many wait, one is begun in a round, and after a busy round there is a pause."""
    pace, works = Pace(), Works(takes=0.002)
    for number in range(300):
        pace.begin(works.one(number))
    turns = 0
    while len(works.done) < 300:
        before = len(works.begun)
        await asyncio.sleep(0)
        turns += 1
        assert len(works.begun) - before <= 1
    assert works.begun == works.done == list(range(300))
    assert turns > 600  # others have had their turns between any two
    await pace.drain(1)


async def test_what_hangs_holds_up_nobody() -> None:
    pace, works = Pace(), Works()
    for _ in range(50):
        pace.begin(works.hanging())
    pace.begin(works.one(1))
    async with asyncio.timeout(60):
        while not works.done:
            await asyncio.sleep(0.001)
    works.held.set()
    await pace.drain(5)


async def test_at_the_end_what_was_acknowledged_is_done_first() -> None:
    pace, works = Pace(), Works()
    for number in range(100):
        pace.begin(works.one(number))
    await pace.drain(10)
    assert works.done == list(range(100))


async def test_at_the_end_nothing_is_waited_for_longer_than_that() -> None:
    pace, works = Pace(), Works()
    for _ in range(3):
        pace.begin(works.hanging())
    await rounds(1)
    began = time.monotonic()
    await pace.drain(0.1)
    assert time.monotonic() - began < 5
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) == 1


async def test_a_work_that_fails_is_logged_and_the_next_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise ValueError("a bug")

    pace, works = Pace(), Works()
    pace.begin(fails())
    pace.begin(works.one(1))
    await pace.drain(5)
    assert works.done == [1]
    assert "a bug" in caplog.text
