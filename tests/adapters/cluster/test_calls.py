"""Single requests: warnings, pages, logs, time limits, and answers that nobody promised."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.kubernetes_connections import Timeouts
from bot.adapters.kubernetes_writes import PAUSES
from bot.errors import PortError, Trouble
from tests.adapters.cluster.scripted import ManualClock, status, write_kubeconfig

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[KubernetesCluster]]
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "tasks-service", "uid": "d", "resourceVersion": "7", "generation": 2},
    "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}},
}


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """A cluster whose API server is one handler."""
    runners: list[web.AppRunner] = []
    adapters: list[KubernetesCluster] = []

    async def start(handler: Handler) -> KubernetesCluster:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        adapter = KubernetesCluster(
            ManualClock(),
            kubeconfig=str(write_kubeconfig(tmp_path / "config", url)),
            timeouts=Timeouts(connect=1, total=0.5, idle=0.5),
        )
        adapters.append(adapter)
        return adapter

    yield start
    for adapter in adapters:
        await adapter.close()
    for runner in runners:
        await runner.cleanup()


async def tail(cluster: KubernetesCluster, *, previous: bool = False, lines: int = 3) -> Any:
    return await cluster.log_tail("", "qa", "pod", "app", previous=previous, lines=lines)


# Applying


async def test_the_servers_warnings_are_told(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.json_response(DEPLOYMENT)
        if request.method == "PATCH":
            response.headers.add("Warning", '299 - "would violate \\"restricted\\""')
            response.headers.add("Warning", '299 - "a second one"')
        return response

    applied = await (await serve(handler)).apply("", "qa", DEPLOYMENT)
    assert applied.warnings == ('would violate "restricted"', "a second one")


async def test_an_apply_is_strict_and_ours(serve: Serve) -> None:
    queries = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH":
            queries.append((dict(request.query), request.content_type))
        return web.json_response(DEPLOYMENT)

    cluster = await serve(handler)
    await cluster.apply("", "qa", DEPLOYMENT, dry_run=True)
    await cluster.apply("", "qa", DEPLOYMENT, force=True)
    always = {"fieldManager": "dynamo", "fieldValidation": "Strict"}
    kind = "application/apply-patch+yaml"
    assert queries == [({**always, "dryRun": "All"}, kind), ({**always, "force": "true"}, kind)]


async def test_our_own_field_is_taken_only_in_the_object_that_was_looked_at(serve: Serve) -> None:
    sent = []
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "dynamo" using v1',
            "field": ".",
        }
    ]

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response(DEPLOYMENT)
        version = (await request.json())["metadata"].get("resourceVersion")
        sent.append((request.query.get("force"), version))
        if len(sent) == 1:
            return status(409, "Apply failed", "Conflict", causes=causes)
        return web.json_response(DEPLOYMENT)

    body = {**DEPLOYMENT, "metadata": {"name": "tasks-service"}}
    await (await serve(handler)).apply("", "qa", body)
    assert sent == [(None, None), ("true", "7")]


async def test_being_overtaken_again_and_again_ends_as_a_temporary_conflict(serve: Serve) -> None:
    tries = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response(DEPLOYMENT)
        tries.append(1)
        return status(409, "the object has been modified", "Conflict")

    with pytest.raises(PortError) as raised:
        await (await serve(handler)).apply("", "qa", DEPLOYMENT)
    assert raised.value.trouble is Trouble.CONFLICT
    assert raised.value.temporary
    assert len(tries) == len(PAUSES)


# Lists


async def test_long_lists_are_read_page_by_page(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        number = int(request.query.get("continue", "0"))
        meta = {"resourceVersion": "5", "continue": str(number + 1) if number < 2 else ""}
        item = {"involvedObject": {"uid": "u", "name": "x"}, "reason": f"R{number}"}
        return web.json_response({"metadata": meta, "items": [item]})

    events = await (await serve(handler)).events("", "qa", ["u"])
    assert {event.reason for event in events} == {"R0", "R1", "R2"}


async def test_a_list_that_expires_between_two_pages_is_read_at_once(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if "continue" in request.query:
            return status(410, "the provided continue parameter is too old", "Expired")
        meta = {"continue": "more"} if "limit" in request.query else {}
        item = {"involvedObject": {"uid": "u", "name": "x"}, "reason": "R"}
        return web.json_response({"metadata": meta, "items": [item]})

    events = await (await serve(handler)).events("", "qa", ["u"])
    assert [event.reason for event in events] == ["R"]


# Logs


async def test_undecodable_bytes_of_a_log_are_replaced(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"caf\xe9\r\nline\x0btwo\nlast")

    found = await tail(await serve(handler))
    assert found.lines == ("caf�", "line\x0btwo", "last")


async def test_of_an_endless_log_the_end_is_kept(serve: Serve) -> None:
    queries = []

    async def handler(request: web.Request) -> web.StreamResponse:
        queries.append(dict(request.query))
        text = "\n".join(f"{number} {'x' * 1000}" for number in range(3000)) + "\nthe end\n"
        return web.Response(text=text)

    found = await tail(await serve(handler), lines=10_000)
    assert found.lines[-1] == "the end"
    assert sum(len(line) for line in found.lines) < 300_000
    assert all(line.split(" ")[0].isdigit() for line in found.lines[:-1]), "half a line was kept"
    assert int(queries[0]["tailLines"]) <= 1000
    assert int(queries[0]["limitBytes"]) > 0


async def test_without_a_previous_container_the_present_one_speaks(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.query.get("previous") == "true":
            message = 'previous terminated container "app" in pod "pod" not found'
            return status(400, message, "BadRequest")
        return web.Response(text="hello\n")

    found = await tail(await serve(handler), previous=True)
    assert (found.lines, found.previous) == (("hello",), False)


async def test_a_container_that_has_not_started_has_said_nothing(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        message = (
            'container "app" in pod "pod" is waiting to start: trying and failing to pull image'
        )
        return status(400, message, "BadRequest")

    assert (await tail(await serve(handler))).lines == ()


async def test_a_container_that_there_is_not_is_a_mistake(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return status(400, "container app is not valid for pod pod", "BadRequest")

    with pytest.raises(PortError) as raised:
        await tail(await serve(handler))
    assert raised.value.trouble is Trouble.INVALID


# Odd answers


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'{"items": 7, "metadata": {}}'])
async def test_an_answer_that_is_no_list_is_unexpected(serve: Serve, body: bytes) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    with pytest.raises(PortError) as raised:
        await (await serve(handler)).workloads("", "qa")
    assert raised.value.trouble is Trouble.UNEXPECTED


@pytest.mark.parametrize("body", ["{}", '{"metadata": 7}', '{"status": 7}', "[]"])
async def test_an_answer_to_an_apply_that_is_no_deployment_is_unexpected(
    serve: Serve, body: str
) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    cluster = await serve(handler)
    for call in (cluster.apply("", "qa", DEPLOYMENT), cluster.may("", "qa", "get", "pods")):
        with pytest.raises(PortError) as raised:
            await call
        assert raised.value.trouble is Trouble.UNEXPECTED


async def test_a_server_that_does_not_answer_in_time_is_away(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("never")

    with pytest.raises(PortError) as raised:
        await (await serve(handler)).workload("", "qa", "tasks-service")
    assert raised.value.trouble is Trouble.AWAY
    assert raised.value.temporary


@pytest.mark.parametrize(
    "content",
    ["", "7", "[]", "{", "current-context: x", "contexts: 7\ncurrent-context: x", "\x00\x01"],
)
async def test_a_broken_kubeconfig_is_no_way_in(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    cluster = KubernetesCluster(ManualClock(), kubeconfig=str(path))
    with pytest.raises(PortError) as raised:
        await cluster.workload("", "qa", "tasks-service")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    assert not raised.value.temporary
    await cluster.close()


async def test_without_kubeconfig_and_outside_of_a_cluster_there_is_no_way_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cluster = KubernetesCluster(ManualClock())
    with pytest.raises(PortError) as raised:
        await cluster.may("", "qa", "get", "pods")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    await cluster.close()
