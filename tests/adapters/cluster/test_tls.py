"""A cluster as real ones are reached: by TLS, with the certificate of a client."""

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.wall_clock import WallClock
from tests.adapters.cluster.scripted import Seen, until

PATIENCE = 20.0  # seconds: less than the half minute for which TLS would wait for a goodbye


class Wire:
    """Carries bytes between clients and the server; `deaf`: no more of the server's."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.deaf = False
        self.port = 0
        self.open = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.open += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        answers = asyncio.create_task(self._answers(there, writer))
        try:
            while data := await reader.read(2**16):
                back.write(data)
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            answers.cancel()
            for each in (writer, back):
                each.transport.abort()
            self.tasks.discard(task)

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(2**16):
            if not self.deaf:
                writer.write(data)


async def api_server(request: web.Request) -> web.StreamResponse:
    """Knows nothing, and says nothing on watches; only to whom shows a certificate."""
    if "watch" not in request.query:
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": []})
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key."""
    home = tmp_path_factory.mktemp("tls")
    certificate, key = home / "it.crt", home / "it.key"
    words = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=dynamo", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", *words, *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
async def wire(pair: tuple[Path, Path]) -> AsyncIterator[Wire]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.load_verify_locations(pair[0])
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_get("/{path:.*}", api_server)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    between = Wire(runner.addresses[0][1])
    server = await asyncio.start_server(between.carry, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    yield between
    server.close()
    for task in [*between.tasks]:
        task.cancel()
    await asyncio.gather(*between.tasks, return_exceptions=True)
    await runner.cleanup()


@pytest.fixture
def kubeconfig(pair: tuple[Path, Path], wire: Any, tmp_path: Path) -> Path:
    certificate, key = (base64.b64encode(each.read_bytes()).decode() for each in pair)
    server = {"server": f"https://127.0.0.1:{wire.port}", "certificate-authority-data": certificate}
    user = {"client-certificate-data": certificate, "client-key-data": key}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "me", "user": user}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    return path


async def test_a_clients_certificate_opens_the_door(wire: Wire, kubeconfig: Path) -> None:
    cluster = KubernetesCluster(WallClock(), kubeconfig=str(kubeconfig))
    assert await cluster.workloads("", "qa") == []
    await cluster.close()


async def test_a_watch_that_is_left_is_hung_up_whatever_the_other_side_does(
    wire: Wire, kubeconfig: Path
) -> None:
    """TLS says goodbye and waits for an answer; of a watch nobody wants to hear more. Left to
    itself it stayed open for half a minute, and beyond the end of the loop."""
    cluster = KubernetesCluster(WallClock(), kubeconfig=str(kubeconfig))
    seen = Seen()
    stop = cluster.follow("", "qa", "tasks-service", seen.snapshots.append, seen.obstacles.append)
    await until(lambda: cluster.streams == 3, within=60)
    wire.deaf = True
    stop()
    await cluster.close()
    await until(lambda: wire.open == 0, within=PATIENCE)
