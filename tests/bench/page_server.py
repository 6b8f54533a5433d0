"""A sandbox with a large cluster for `page.py`, in a process of its own: workspace, page and world,
with 200 services in three environments, 1,000 pods. Prints its address, and ends with its input.

    python -m tests.bench.page_server
"""

import asyncio
import sys

from bot.sandbox.launcher import Options, launch
from tests.bench.sandbox_server import fill


async def main() -> None:
    async with launch(Options(bot=False, speed=2)) as sandbox:
        fill(sandbox.world)
        print(sandbox.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
