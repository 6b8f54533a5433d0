"""A registry that takes no push, and says why in the words that the distribution specification has
for it."""

from aiohttp import web


class RefusingRegistry:
    """`status`, `code` and `message` are its answer to every upload."""

    def __init__(self) -> None:
        self.status, self.code, self.message = 403, "DENIED", "requested access is denied"
        self.uploads = 0

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/v2/", self._here)
        app.router.add_route("HEAD", "/v2/{path:.*}", self._unknown)
        app.router.add_post("/v2/{path:.*}", self._refuse)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _here(self, _: web.Request) -> web.Response:
        headers = {"Docker-Distribution-Api-Version": "registry/2.0"}
        return web.json_response({}, headers=headers)

    async def _unknown(self, _: web.Request) -> web.Response:
        return web.Response(status=404)

    async def _refuse(self, _: web.Request) -> web.Response:
        self.uploads += 1
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return web.json_response(body, status=self.status)
