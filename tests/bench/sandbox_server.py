"""A large sandbox cluster for `sandbox.py`, in a process of its own: 200 services in three
environments, 1,000 pods, its controllers and kubelet at work.

Beside the API, `POST /write?n=N` changes the status of N pods in turn, in this process and on this
event loop, as controllers and the kubelet do; `GET /same?path=…` sends the bytes that the path was
answered with once, from a bare handler: what the wire alone costs; `GET /seconds` tells the seconds
of its processor that the process has used. Prints its port, and ends with
its standard input.

    python -m tests.bench.sandbox_server
"""

import asyncio
import sys
import time
from typing import Any

import aiohttp
from aiohttp import web

from bot.__main__ import keep_for_good
from bot.sandbox.kubernetes.world import World
from bot.sandbox.registry import release_table

SERVICES = 200
ENVIRONMENTS = (("dev", 1), ("qa", 1), ("prod", 3))  # pods of each service
PODS = SERVICES * sum(pods for _, pods in ENVIRONMENTS)
_CHUNK = 100  # writes until others have their turn


def large_world() -> World:
    """Everything has been running for a day when it opens."""
    world = World(tuple((name, f"dynamo-{name}") for name, _ in ENVIRONMENTS))
    fill(world)
    return world


def fill(world: World) -> None:
    spaces = {each.name: each.namespace for each in world.environments}
    healthy = next(each for each in release_table.RELEASES if each.behaviour == "healthy")
    image = world.image_of(healthy)
    for number in range(SERVICES):
        for name, pods in ENVIRONMENTS:
            manifest = deployment(f"service-{number:03}", pods)
            world.seed(name, spaces[name], [manifest], image, "1.0.0", 1.0)


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name}
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
    container = {
        "name": name,
        "image": "localhost/placeholder:1",
        "ports": [{"containerPort": 8080}],
        "env": [{"name": f"SETTING_{index}", "value": str(index)} for index in range(8)],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "resources": resources,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def write(world: World, number: int) -> None:
    """Status writes like the kubelet's, over all pods in turn; none writes what is there."""
    keys = [stored.key for stored in world.storage.stored_list("pods")]
    start = world.storage.revision
    for index in range(number):
        namespace, name = keys[index % len(keys)]

        def touch(pod: dict[str, Any], text: str = str(start + index)) -> None:
            pod["status"]["message"] = text

        world.storage.update_status("pods", namespace, name, touch, manager="kubelet")
        if index % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)


async def main() -> None:
    world = large_world()
    same: dict[str, bytes] = {}
    port = 0

    async def on_write(request: web.Request) -> web.Response:
        await write(world, int(request.query["n"]))
        return web.Response()

    async def on_same(request: web.Request) -> web.Response:
        path = request.query["path"]
        if path not in same:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/k{path}") as answer,
            ):
                same[path] = await answer.read()
        return web.Response(body=same[path], content_type="application/json")

    async def on_seconds(request: web.Request) -> web.Response:
        return web.json_response(time.process_time())

    app = web.Application()
    app.router.add_get("/seconds", on_seconds)
    app.router.add_post("/write", on_write)
    app.router.add_get("/same", on_same)
    app.add_subapp("/k/", world.kubernetes_app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    keep_for_good()  # as every command does that stays
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    world.stop()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
