"""The git host over HTTP: the few endpoints of GitHub's REST API that Dynamo uses, and a control.

`GET /repos/O/R/commits/SHA[/check-runs|/status]`, `GET /repos/O/R/compare/A...B`, all paged, with
GitHub's refusals: 404 for what is not shown, 422 for a commit that is not there, 401 for a wrong
token, 403 with `X-RateLimit-…` when asked too often. Links of checks lead to a page here.

`POST /_control`: `{"service", "version", "state", "check"?, "kind"?}`, or `repository` and `commit`
in the place of the first two, sets a check, or all; `{"limited": seconds}` and `{"away": true}`
trouble the whole host. `GET /_control` lists commits and checks.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.sandbox.github.host import RUNNING, Check, Commit, GitHost, Repository, Unknown

TOKEN = "ghp_sandbox"  # noqa: S105 - opens nothing outside of this process
_LIMIT = 5000
_COMPARED = 250

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def github_app(
    host: GitHost, commits: Mapping[tuple[str, str], tuple[str, str]]
) -> web.Application:
    """The app to mount at /github. `commits`: repository and commit by service and version, for the
    control."""
    api = _Api(host, commits)
    app = web.Application(middlewares=[api.guard])
    app.router.add_get("/repos/{owner}/{name}", api.repository)
    app.router.add_get("/repos/{owner}/{name}/commits/{sha}", api.commit)
    app.router.add_get("/repos/{owner}/{name}/commits/{sha}/check-runs", api.check_runs)
    app.router.add_get("/repos/{owner}/{name}/commits/{sha}/status", api.status)
    app.router.add_get("/repos/{owner}/{name}/compare/{range}", api.compare)
    app.router.add_get("/_control", api.state)
    app.router.add_post("/_control", api.control)
    app.router.add_get("/{owner}/{name}/{kind}/{id}", api.page)
    return app


class _Api:
    def __init__(self, host: GitHost, commits: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        self._host = host
        self._commits = commits

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/repos/" not in request.path:
            return await handler(request)
        host = self._host
        host.asked += 1
        if host.away:
            return _refusal(503, "Service unavailable")
        given = request.headers.get("Authorization", "")
        if given and given != f"Bearer {TOKEN}":
            return _refusal(401, "Bad credentials")
        until = host.limited_until
        if until is not None and host.now() < until:
            wait = max(1, round((until - host.now()).total_seconds()))
            headers = {"X-RateLimit-Limit": str(_LIMIT), "X-RateLimit-Remaining": "0"}
            headers["Retry-After"] = str(wait)
            return _refusal(403, "API rate limit exceeded", headers)
        try:
            answer = await handler(request)
        except Unknown:
            return _refusal(404, "Not Found")
        answer.headers["X-RateLimit-Remaining"] = str(_LIMIT - host.asked % _LIMIT)
        return answer

    # -- the API ---------------------------------------------------------------------------------

    async def repository(self, request: web.Request) -> web.Response:
        found, _ = self._found(request, "")
        return web.json_response({"full_name": found.name, "private": False})

    async def commit(self, request: web.Request) -> web.Response:
        repository, found = self._found(request)
        if found is None:
            return _no_commit(request.match_info["sha"])
        return web.json_response(_commit(repository, found, _base(request)))

    async def check_runs(self, request: web.Request) -> web.Response:
        repository, found = self._found(request)
        if found is None:
            return _no_commit(request.match_info["sha"])
        runs = _of_kind(repository, found.sha, "run")
        shown = [_run(repository, found.sha, check, _base(request)) for check in runs]
        return web.json_response({"total_count": len(shown), "check_runs": _page(request, shown)})

    async def status(self, request: web.Request) -> web.Response:
        repository, found = self._found(request)
        if found is None:
            return _no_commit(request.match_info["sha"])
        statuses = _of_kind(repository, found.sha, "status")
        shown = [_status(repository, check, _base(request)) for check in statuses]
        states = {check.state for check in statuses}
        worst = next((s for s in ("failure", "error", "pending") if s in states), "success")
        return web.json_response(
            {
                "sha": found.sha,
                "state": worst if statuses else "pending",
                "total_count": len(shown),
                "statuses": _page(request, shown),
            }
        )

    async def compare(self, request: web.Request) -> web.Response:
        repository, _ = self._found(request, "")
        first, dots, second = request.match_info["range"].partition("...")
        start, end = repository.place(first), repository.place(second)
        if not dots or start is None or end is None:
            raise Unknown
        between = repository.commits[start + 1 : end + 1]
        state = "identical" if start == end else ("ahead" if end > start else "behind")
        shown = [_commit(repository, commit, _base(request)) for commit in between[:_COMPARED]]
        return web.json_response(
            {
                "html_url": f"{_base(request)}/{repository.name}/compare/{first}...{second}",
                "status": state,
                "ahead_by": max(0, end - start),
                "behind_by": max(0, start - end),
                "total_commits": len(between),
                "commits": _page(request, shown),
            }
        )

    async def page(self, request: web.Request) -> web.Response:
        """Where links of checks and commits lead."""
        words = " / ".join(request.match_info[key] for key in ("owner", "name", "kind", "id"))
        text = f"<!doctype html><title>{html.escape(words)}</title><p>{html.escape(words)}</p>"
        return web.Response(text=text, content_type="text/html")

    # -- the control -----------------------------------------------------------------------------

    async def state(self, request: web.Request) -> web.Response:
        base = _base(request)
        found = {
            name: [
                {
                    **_commit(repository, commit, base),
                    "checks": [
                        {"kind": check.kind, "name": check.name, "state": check.state}
                        for check in repository.checks.get(commit.sha, {}).values()
                    ],
                }
                for commit in repository.commits
            ]
            for name, repository in self._host.repositories.items()
        }
        return web.json_response(found)

    async def control(self, request: web.Request) -> web.Response:
        try:
            body: Any = await request.json()
            return web.json_response(self._controlled(body))
        except (ValueError, TypeError, AttributeError):
            return _refusal(400, "That is no order: see bot/sandbox/github/server.py")
        except Unknown as error:
            return _refusal(404, str(error))

    def _controlled(self, body: Any) -> dict[str, bool]:
        host = self._host
        if "limited" in body:
            host.limit(float(body["limited"]))
        elif "away" in body:
            host.away = bool(body["away"])
        else:
            repository, sha = self._meant(body)
            if body.get("check"):
                kind = str(body.get("kind", "run"))
                host.set_check(repository, sha, str(body["check"]), str(body["state"]), kind)
            else:
                host.set_checks(repository, sha, str(body["state"]))
        return {"ok": True}

    def _meant(self, body: Any) -> tuple[str, str]:
        if "service" not in body:
            return str(body.get("repository")), str(body.get("commit"))
        try:
            return self._commits[str(body["service"]), str(body.get("version"))]
        except KeyError:
            raise Unknown("there is no such release") from None

    def _found(
        self, request: web.Request, sha: str | None = None
    ) -> tuple[Repository, Commit | None]:
        info = request.match_info
        repository = self._host.repository(f"{info['owner']}/{info['name']}")
        place = repository.place(info["sha"] if sha is None else sha)
        return repository, None if place is None else repository.commits[place]


def _of_kind(repository: Repository, sha: str, kind: str) -> list[Check]:
    return [check for check in repository.checks.get(sha, {}).values() if check.kind == kind]


def _commit(repository: Repository, commit: Commit, base: str) -> dict[str, Any]:
    author = {"name": commit.author, "date": _time(commit.at)}
    return {
        "sha": commit.sha,
        "html_url": f"{base}/{repository.name}/commit/{commit.sha}",
        "commit": {"message": commit.message, "author": author, "committer": author},
        "author": {"login": commit.login},
    }


def _run(repository: Repository, sha: str, check: Check, base: str) -> dict[str, Any]:
    running = check.state in RUNNING
    return {
        "id": check.id,
        "head_sha": sha,
        "name": check.name,
        "status": check.state if running else "completed",
        "conclusion": None if running else check.state,
        "html_url": f"{base}/{repository.name}/runs/{check.id}",
        "completed_at": None if check.ended_at is None else _time(check.ended_at),
    }


def _status(repository: Repository, check: Check, base: str) -> dict[str, Any]:
    return {
        "id": check.id,
        "context": check.name,
        "state": check.state,
        "target_url": f"{base}/{repository.name}/runs/{check.id}",
        "updated_at": None if check.ended_at is None else _time(check.ended_at),
    }


def _time(when: Any) -> str:
    return str(when.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _base(request: web.Request) -> str:
    """The address of this host, as the one who asks knows it."""
    before, _, _ = request.path.partition("/repos/")
    return f"{request.url.origin()}{before.removesuffix('/_control')}"


def _page(request: web.Request, items: Sequence[Any]) -> Sequence[Any]:
    size = min(100, max(1, _number(request, "per_page", 30)))
    start = (max(1, _number(request, "page", 1)) - 1) * size
    return items[start : start + size]


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdigit() and len(text) < 9 else otherwise


def _no_commit(sha: str) -> web.Response:
    return _refusal(422, f"No commit found for SHA: {sha[:64]}")


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)
