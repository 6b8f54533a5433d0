"""What a process that serves does once it has started."""

import subprocess
import sys

SERVES = """
import asyncio, gc, os, signal
from bot.__main__ import _until_told_to_stop

async def serve():
    made = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    waiting = asyncio.create_task(_until_told_to_stop())
    await asyncio.sleep(0)
    print(gc.get_freeze_count() - before > len(made))
    os.kill(os.getpid(), signal.SIGTERM)
    await waiting

asyncio.run(serve())
"""


def test_no_collection_walks_through_what_the_start_has_made() -> None:
    """It held the event loop for 80 ms, in the middle of a summary."""
    done = subprocess.run(
        [sys.executable, "-c", SERVES], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
