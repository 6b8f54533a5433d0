"""A sandbox with a large cluster for `page.py`, in a process of its own: workspace, page and world,
with 200 services in three environments, 1,000 pods. Prints its address, and ends with its input.

    python -m tests.bench.page_server
"""

import asyncio
import sys

from bot.sandbox.launcher import Options, launch
from bot.sandbox.registry import release_table
from tests.bench.sandbox_server import ENVIRONMENTS, SERVICES, deployment


async def main() -> None:
    async with launch(Options(bot=False, speed=2)) as sandbox:
        spaces = {each.name: each.namespace for each in sandbox.world.environments}
        healthy = next(each for each in release_table.RELEASES if each.behaviour == "healthy")
        image = sandbox.world.image_of(healthy)
        for number in range(SERVICES):
            for name, pods in ENVIRONMENTS:
                manifest = deployment(f"service-{number:03}", pods)
                sandbox.world.seed(name, spaces[name], [manifest], image, "1.0.0", 1.0)
        print(sandbox.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
