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


def test_the_bot_loads_no_library_of_the_workbench() -> None:
    """Twenty-five megabytes and a tenth of a start, for what another process does."""
    heavy = "{'numpy', 'scipy', 'pandas', 'matplotlib', 'drain3'}"
    asked = f"import sys, bot.app; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
