"""A server for `logs.py`, in a process of its own so that only its readers are measured.

It knows one Deployment with a number of pods, and pours the same prepared log for each of them into
whoever asks, as fast as it is taken; what kubectl asks before it reads is answered too. Prints its
port, and ends with its standard input.

    python -m tests.bench.logs_server PODS LINES
"""

import asyncio
import json
import random
import sys
from typing import Any

NAME = "tasks-service"
NAMESPACE = "dynamo-qa"
_WRITE = 64 * 1024

Object = dict[str, Any]


def log(lines: int, seed: int = 1) -> bytes:
    """Half JSON and half logfmt, with levels as services have them."""
    dice = random.Random(seed)
    levels = ["info"] * 40 + ["warn"] * 2 + ["error"]
    written = []
    for number in range(lines):
        level = dice.choice(levels)
        stamp = f"2026-11-24T05:{number // 60_000 % 60:02}:{number // 1000 % 60:02}"
        stamp += f".{number % 1000:03}{seed:06}Z"
        path, took, word = dice.randrange(9_999), dice.randrange(900), dice.getrandbits(96)
        if number % 2:
            said = f'{{"time":"{stamp}","level":"{level}","msg":"request","method":"GET",'
            said += f'"path":"/tasks/{path}","status":200,"ms":{took},"id":"{word:024x}"}}'
        else:
            said = f'{stamp} level={level} msg="request" method=GET path=/tasks/{path} '
            said += f"status=200 ms={took} id={word:024x} version=1.4.0"
        written.append(f"{stamp} {said}\n")
    return "".join(written).encode()


def deployment(pods: int) -> Object:
    meta = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": "d",
        "resourceVersion": "10",
        "annotations": {"deployment.kubernetes.io/revision": "1"},
    }
    spec = {"replicas": pods, "selector": {"matchLabels": {"app": NAME}}, "template": {}}
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta, "spec": spec}


def replica_set() -> Object:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME, "uid": "d"}
    meta: Object = {"name": "r", "namespace": NAMESPACE, "uid": "r", "labels": {"app": NAME}}
    revision = {"deployment.kubernetes.io/revision": "1"}
    meta |= {"ownerReferences": [{**owner, "controller": True}], "annotations": revision}
    return {"metadata": meta, "spec": {}, "status": {}}


def pod(number: int) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "r"}
    meta: Object = {"name": f"{NAME}-r-{number:05}", "namespace": NAMESPACE, "uid": f"p{number}"}
    meta |= {"labels": {"app": NAME}, "ownerReferences": [{**owner, "controller": True}]}
    running = {"running": {"startedAt": "2026-11-24T05:00:00Z"}}
    state = {"name": NAME, "ready": True, "restartCount": 0, "state": running}
    spec = {"containers": [{"name": NAME, "image": "x"}], "nodeName": "n"}
    status = {"phase": "Running", "containerStatuses": [state]}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": status}


class Server:
    def __init__(self, pods: int, lines: int) -> None:
        self._pods = [pod(number) for number in range(pods)]
        self._logs = {
            each["metadata"]["name"]: log(lines, seed) for seed, each in enumerate(self._pods)
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode().partition("?")[0]
                await self._answer(path, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        name, _, last = path.rpartition("/")
        if last == "log":
            body, kind = self._logs[name.rpartition("/")[2]], b"text/plain"
        else:
            found = self._object(path, last)
            body, kind = json.dumps(found).encode(), b"application/json"
        size = str(len(body)).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: " + size
            + b"\r\n\r\n"
        )  # fmt: skip
        for start in range(0, len(body), _WRITE):
            writer.write(body[start : start + _WRITE])
            await writer.drain()

    def _object(self, path: str, last: str) -> Object:
        collections = {"pods": self._pods, "replicasets": [replica_set()]}
        if path in ("/api", "/apis", "/api/v1", "/apis/apps/v1"):
            return _discovery(path)
        if last == NAME:
            return deployment(len(self._pods))
        if "/pods/" in path:
            return next(each for each in self._pods if each["metadata"]["name"] == last)
        return {"metadata": {"resourceVersion": "100"}, "items": collections.get(last, [])}


def _discovery(path: str) -> Object:
    """As much as kubectl asks for before it reads a pod's log."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
    pods = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod"}
    resources = [{**pods, "verbs": ["get", "list", "watch"]}]
    group = path.removeprefix("/apis/").removeprefix("/api/")
    return {"kind": "APIResourceList", "groupVersion": group, "resources": resources}


async def main(pods: int, lines: int) -> None:
    served = await asyncio.start_server(Server(pods, lines).serve, "127.0.0.1", 0)
    print(served.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    served.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
