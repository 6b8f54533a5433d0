"""A server for `watch_events.py`, in a process of its own so that only the client is measured.

It lists one Deployment, one ReplicaSet and a number of pods, and pours a prepared stream of pod
events into whoever watches pods. The pods are recorded ones (tests/recordings/success.jsonl), with
names of their own. Prints its port, and ends with its standard input.

    python -m tests.bench.events_server EVENTS PODS
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

RECORDING = Path(__file__).parents[1] / "recordings" / "success.jsonl"
LAST = "Last"
_CHUNK = 64  # events written at once
_NAME = "tasks-service"

Object = dict[str, Any]


def recorded_pods() -> list[Object]:
    """The states that a pod of the recorded rollout went through, without its start."""
    events = [json.loads(line) for line in RECORDING.read_text().splitlines()[1:]]
    pods = [e["object"] for e in events if e["kind"] == "Pod" and e["type"] == "MODIFIED"]
    return [pod for pod in pods if pod["status"].get("containerStatuses")]


def pod(states: list[Object], number: int, version: int, phase: str = "") -> Object:
    state = states[version % len(states)]
    meta = {
        **state["metadata"],
        "name": f"{_NAME}-{number}",
        "uid": f"pod-{number}",
        "resourceVersion": str(version),
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "r",
                "uid": "r",
                "controller": True,
            }
        ],
    }
    status = {**state["status"], "phase": phase or state["status"]["phase"]}
    kind = {"kind": "Pod", "apiVersion": "v1"}  # first, as real servers write it
    return {**kind, **state, "metadata": meta, "status": status}


def chunks(events: int, pods: int) -> list[bytes]:
    """The stream; its very last event has the phase `LAST`."""
    states = recorded_pods()
    lines = []
    for index in range(events):
        phase = LAST if index == events - 1 else ""
        obj = pod(states, index % pods, 1000 + index, phase)
        lines.append(json.dumps({"type": "MODIFIED", "object": obj}, separators=(",", ":")))
    encoded = [line.encode() + b"\n" for line in lines]
    return [b"".join(encoded[i : i + _CHUNK]) for i in range(0, events, _CHUNK)]


def items(kind: str) -> list[Object]:
    """One Deployment and its ReplicaSet; the pods come by the stream."""
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": _NAME, "uid": "d"}
    revision = {"deployment.kubernetes.io/revision": "1"}
    meta: Object = {"annotations": revision, "resourceVersion": "10"}
    if kind == "deployments":
        return [{"metadata": {**meta, "name": _NAME, "uid": "d"}, "spec": {"replicas": 1}}]
    if kind == "replicasets":
        owners = [{**owner, "controller": True}]
        return [{"metadata": {**meta, "name": "r", "uid": "r", "ownerReferences": owners}}]
    return []


async def serve(events: int, pods: int) -> None:
    prepared = chunks(events, pods)

    async def collection(request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        if request.query.get("watch", "").lower() != "true":
            meta = {"resourceVersion": "100"}
            return web.json_response({"metadata": meta, "items": items(kind)})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for chunk in prepared if kind == "pods" else ():
            await response.write(chunk)
        await asyncio.Event().wait()
        return response

    app = web.Application()
    app.router.add_get("/{root:api.*}/namespaces/{namespace}/{kind}", collection)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
