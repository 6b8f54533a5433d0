"""The sandbox's page: a workspace in the browser, as static files without a build step.

`add_page` hangs the files into the sandbox's own web application, which also serves `/client/…`
(bot/sandbox/slack) and `/world/…` (bot/sandbox/kubernetes); the page talks to nothing else. Its
policy forbids every foreign resource, inline script and HTML sink, so that a text that somebody
types, or that an application logs, stays text.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}

# `require-trusted-types-for` makes the browser itself refuse innerHTML and its relatives.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_files() -> dict[str, Path]:
    """Every file of the page by the path it is served at; the index answers at `/`."""
    files = {
        f"/page/{path.relative_to(STATIC).as_posix()}": path
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in CONTENT_TYPES
    }
    files["/"] = files.pop("/page/index.html")
    return files


def add_page(app: web.Application) -> None:
    """Serve the page from `app`. Only files that exist now get a route: no path is ever joined."""
    for route, path in page_files().items():
        app.router.add_get(route, _serve(path))


def page_app() -> web.Application:
    """The page alone, for a server that mounts it beside others."""
    app = web.Application()
    add_page(app)
    return app


def _serve(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    headers = HEADERS | {"Content-Type": CONTENT_TYPES[path.suffix]}

    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return serve
