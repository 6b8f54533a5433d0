"""The kubectl of the machine against the sandbox with its controllers and kubelet at work."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.world import World

pytestmark = [
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
    pytest.mark.slow,
]
IMAGE = "localhost:5000/dynamo/web"


def manifest(version: str = "1.0.0", **container: Any) -> str:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "web", "image": f"{IMAGE}:{version}", **container}]}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "labels": labels},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )


@dataclass
class Kubectl:
    """Runs the real program."""

    config: Path

    async def run(self, *words: str, stdin: str = "", seconds: float = 40) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *words,
            env={**os.environ, "KUBECONFIG": str(self.config), "HOME": str(self.config.parent)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(seconds):
                out, _ = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, out.decode()

    @asynccontextmanager
    async def reading(self, *words: str) -> AsyncIterator[asyncio.StreamReader]:
        """The program's output while it runs."""
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *words,
            env={**os.environ, "KUBECONFIG": str(self.config), "HOME": str(self.config.parent)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def __call__(self, *words: str, stdin: str = "", seconds: float = 40) -> str:
        code, out = await self.run(*words, stdin=stdin, seconds=seconds)
        assert code == 0, out
        return out


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    world = World((("qa", "qa"),), clock=Clock(speed=20))
    for version in ("1.0.0", "1.1.0"):
        world.registry.add_image(
            "dynamo/web",
            [version],
            created=datetime(2026, 11, 1, tzinfo=UTC),
            labels={
                "org.opencontainers.image.version": version,
                "sandbox.dynamo/behaviour": "ticks",
            },
        )
    outer = web.Application()
    outer.add_subapp("/kubernetes/", world.kubernetes_app)
    server = TestServer(outer, host="127.0.0.1")
    await server.start_server()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "s", "cluster": {"server": str(server.make_url("/kubernetes"))}}],
        "contexts": [{"name": "s", "context": {"cluster": "s", "user": "u", "namespace": "qa"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "s",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    made = Kubectl(path)
    try:
        code, out = await made.run("create", "namespace", "qa")
        assert code == 0 or "already exists" in out, out
        yield made
    finally:
        world.stop()
        await server.close()


async def test_a_rollout_from_apply_to_undo(kubectl: Kubectl) -> None:
    assert "deployment.apps/web created" in await kubectl("apply", "-f", "-", stdin=manifest())
    out = await kubectl("rollout", "status", "deployment/web")
    assert 'deployment "web" successfully rolled out' in out
    assert "deployment.apps/web unchanged" in await kubectl("apply", "-f", "-", stdin=manifest())

    assert "image updated" in await kubectl("set", "image", "deployment/web", f"web={IMAGE}:1.1.0")
    await kubectl("rollout", "status", "deployment/web")
    listed = await kubectl("get", "deployments", "-o", "wide")
    assert listed.split()[:7] == [
        *("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES"),
    ]
    assert "2/2" in listed
    assert f"{IMAGE}:1.1.0" in listed

    assert "rolled back" in await kubectl("rollout", "undo", "deployment/web")
    await kubectl("rollout", "status", "deployment/web")
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert await kubectl("get", "deployment", "web", "-o", image) == f"{IMAGE}:1.0.0"
    history = await kubectl("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["2", "3"]


async def test_scale_get_describe_and_logs(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=manifest())
    assert "scaled" in await kubectl("scale", "deployment/web", "--replicas=3")
    await kubectl("rollout", "status", "deployment/web")
    await kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=20s")
    pods = (await kubectl("get", "pods")).splitlines()
    assert pods[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert len(pods) == 4
    assert all(line.split()[1:4] == ["1/1", "Running", "0"] for line in pods[1:])

    described = await kubectl("describe", "deployment", "web")
    assert "3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in described
    assert "ScalingReplicaSet" in described
    name = pods[1].split()[0]
    assert "Started" in await kubectl("describe", "pod", name)

    lines = (await kubectl("logs", name, "--tail=2")).splitlines()
    assert len(lines) == 2
    assert all("tick" in line for line in lines)
    async with kubectl.reading("logs", "-f", name, "--tail=1") as follow:
        assert b"tick" in await follow.readline()  # it follows: from here on the pod may go
        await kubectl("delete", "pod", name, "--grace-period=1")
        async with asyncio.timeout(30):
            await follow.read()  # to its end


async def test_everything_that_get_prints_has_columns(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=manifest())
    await kubectl("create", "configmap", "cfg", "--from-literal=a=1", "--from-literal=b=2")
    await kubectl("create", "quota", "small", "--hard=pods=10,requests.cpu=2")
    hard = await kubectl("get", "quota", "small", "-o", "jsonpath={.spec.hard.requests\\.cpu}")
    assert hard == "2"
    await kubectl("autoscale", "deployment", "web", "--min=2", "--max=4", "--cpu-percent=70")
    await kubectl("rollout", "status", "deployment/web")
    assert (await kubectl("get", "cm", "cfg")).split()[:5] == ["NAME", "DATA", "AGE", "cfg", "2"]
    hpa = await kubectl("get", "hpa")
    assert hpa.split()[:7] == [
        *("NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"),
    ]
    assert "Deployment/web" in hpa
    assert "DESIRED" in await kubectl("get", "rs")
    assert "LAST SEEN" in await kubectl("get", "events")
    assert "Active" in await kubectl("get", "ns", "qa")
    assert "node-1" in await kubectl("get", "nodes")


async def test_server_side_apply_names_the_conflict(kubectl: Kubectl) -> None:
    apply = ("apply", "--server-side", "--field-manager=dynamo", "-f", "-")
    assert "serverside-applied" in await kubectl(*apply, stdin=manifest())
    await kubectl("set", "image", "deployment/web", f"web={IMAGE}:1.1.0")
    code, out = await kubectl.run(*apply, stdin=manifest())
    assert code == 1
    assert (
        'conflict with "kubectl-set" using apps/v1: '
        '.spec.template.spec.containers[name="web"].image' in out
    )
    assert "serverside-applied" in await kubectl(*apply, "--force-conflicts", stdin=manifest())


async def test_a_mistyped_field_is_refused_before_anything_is_written(kubectl: Kubectl) -> None:
    code, out = await kubectl.run("apply", "-f", "-", stdin=manifest(imaeg="x"))
    assert code == 1
    assert 'unknown field "spec.template.spec.containers[0].imaeg"' in out
    assert "No resources found" in await kubectl("get", "deployments")


async def test_delete_waits_until_it_is_gone_with_all_that_belongs_to_it(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=manifest())
    await kubectl("rollout", "status", "deployment/web")
    out = await kubectl("delete", "deployment", "web", "--cascade=foreground")
    assert 'deployment.apps "web" deleted' in out
    assert "No resources found" in await kubectl("get", "pods,replicasets")
    await kubectl("delete", "namespace", "qa")
    code, out = await kubectl.run("get", "namespace", "qa")
    assert code == 1
    assert 'namespaces "qa" not found' in out


async def test_auth_can_i_and_impersonation(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "patch", "deployments")).strip() == "yes"
    code, out = await kubectl.run("auth", "can-i", "patch", "deployments", "--as=dynamo")
    assert (code, out.strip()) == (1, "no")
    code, out = await kubectl.run("get", "pods", "--as=dynamo")
    assert 'User "dynamo" cannot list resource "pods" in API group "" in the namespace "qa"' in out


async def test_what_kubectl_makes_from_its_own_words(kubectl: Kubectl) -> None:
    create = ("create", "deployment", "made", f"--image={IMAGE}:1.0.0", "--replicas=1")
    assert "deployment.apps/made created" in await kubectl(*create)
    await kubectl("rollout", "status", "deployment/made")
    assert "restarted" in await kubectl("rollout", "restart", "deployment/made")
    await kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    await kubectl("create", "rolebinding", "jane", "--role=reader", "--user=jane")
    assert (await kubectl("auth", "can-i", "list", "pods", "--as=jane")).strip() == "yes"
    assert "pods" in await kubectl("auth", "can-i", "--list", "--as=jane")
    assert "system:admin" in await kubectl("auth", "whoami")
    code, out = await kubectl.run("top", "pods")
    assert (code, "Metrics API not available" in out) == (1, True)
    code, out = await kubectl.run("exec", "deployment/made", "--", "ls")
    assert (code, "Upgrade request required" in out) == (1, True)


async def test_explain_knows_the_types(kubectl: Kubectl) -> None:
    out = await kubectl("explain", "deployment.spec.strategy")
    assert "rollingUpdate" in out


async def test_a_list_is_applied_and_what_is_no_longer_in_it_is_pruned(kubectl: Kubectl) -> None:
    """A List, as `kubectl get` prints it, is checked by kubectl itself against `/openapi/v2`.
    `--prune` looks at every kind of its own list, volumes and controllers among them.
    """

    def maps(*names: str, **more: Any) -> str:
        metas = [{"name": name, "labels": {"set": "one"}} for name in names]
        items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": m, **more} for m in metas]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})

    words = ("apply", "--prune", "-l", "set=one", "-f", "-")
    assert "configmap/b created" in await kubectl(*words, stdin=maps("a", "b"))
    code, out = await kubectl.run("apply", "-f", "-", stdin=maps("a", dat={}))
    assert (code, 'unknown field "dat"' in out) == (1, True), out
    out = await kubectl(*words, stdin=maps("a"))
    assert "configmap/a unchanged" in out
    assert "configmap/b pruned" in out
