"""A git host over HTTP: git's own `http-backend` behind a door that can be shut in several ways."""

import asyncio
import os
import subprocess
from pathlib import Path

from aiohttp import web


class GitHost:
    """`answers` are the status codes of the next requests, 200 for a real answer; `cut` hangs up
    in the middle of the next pack."""

    def __init__(self, root: Path) -> None:
        self._root = root
        where = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
        self._backend = Path(where.stdout.strip()) / "git-http-backend"
        self.answers: list[int] = []
        self.cut = 0
        self.asked: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> web.AppRunner:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.port = runner.addresses[0][1]
        return runner

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        status = self.answers.pop(0) if self.answers else 200
        if status != 200:
            return web.Response(status=status)
        head, _, body = (await self._backend_says(request)).partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        kind = fields.get("Content-Type", "text/plain")
        answer = web.StreamResponse(headers={"Content-Type": kind})
        answer.content_length = len(body)
        await answer.prepare(request)
        if self.cut and request.path.endswith("upload-pack") and len(body) > 10_000:
            self.cut -= 1
            await answer.write(body[: len(body) // 2])
            assert request.transport is not None
            request.transport.close()
            return answer
        await answer.write(body)
        return answer

    async def _backend_says(self, request: web.Request) -> bytes:
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        process = await asyncio.create_subprocess_exec(
            self._backend, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate(await request.read())
        return said
