"""The world as the launcher sees it: what runs when it opens, troubles, and its three apps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.troubles import KINDS
from bot.sandbox.kubernetes.world import World
from bot.sandbox.kubernetes.world_api import world_app
from bot.sandbox.services.outages import OUTAGES
from tests.serving import served

Object = dict[str, Any]
NAMESPACES = {"dev": "dynamo-dev", "qa": "dynamo-qa", "prod": "dynamo-prod"}
REPLICAS = {"dev": 1, "qa": 2, "prod": 4}
QA = "dynamo-qa"


def manifests(service: str, environment: str) -> list[Object]:
    """What config/k8s says of a service, short."""
    labels = {"app.kubernetes.io/name": service}
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 2}
    container = {
        "name": service,
        "image": f"registry.yourapp.com/dynamo/{service}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": f"{service}-config"}}],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "384Mi"}},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "initialDelaySeconds": 10},
    }
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "progressDeadlineSeconds": 120,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    if (service, environment) != ("api-gateway", "prod"):
        deployment["spec"]["replicas"] = REPLICAS[environment]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{service}-config", "labels": labels},
        "data": {"LOG_LEVEL": "info"},
    }
    return [deployment, config]


def open_world(**settings: Any) -> World:
    start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    world = World(clock=Clock(manual=True, start=start), **settings)
    world.seed_releases(manifests, [("api-gateway", "prod", 3, 12)])
    return world


@pytest.fixture
def world() -> Iterator[World]:
    made = open_world()
    yield made
    made.stop()


def deploy(world: World, service: str, environment: str, version: str) -> None:
    """Write a new image into the Deployment, as an apply does."""
    namespace = NAMESPACES[environment]
    deployment = world.storage.get("deployments.apps", namespace, service)
    assert deployment is not None
    template = deployment["spec"]["template"]
    digest = world.digests[service, version]
    template["spec"]["containers"][0]["image"] = f"registry.yourapp.com/dynamo/{service}@{digest}"
    template["metadata"]["annotations"]["dynamo/version"] = version
    world.storage.update("deployments.apps", deployment)


def workload(world: World, service: str, environment: str) -> Object:
    [place] = [each for each in world.state()["environments"] if each["name"] == environment]
    [found] = [each for each in place["workloads"] if each["service"] == service]
    return dict(found)


def words(world: World, service: str, environment: str) -> set[str]:
    pods = workload(world, service, environment)["pods"]
    return {pod["word"] for pod in pods if not pod["old"]}


def test_six_services_run_in_three_environments_when_it_opens(world: World) -> None:
    state = world.state()
    assert [each["name"] for each in state["environments"]] == ["dev", "qa", "prod"]
    for place in state["environments"]:
        assert len(place["workloads"]) == 6
        for each in place["workloads"]:
            assert each["state"] == "healthy"
            assert each["ready"] == each["desired"] == each["updated"] == len(each["pods"])
            assert "@sha256:" in each["image"]
            assert {pod["version"] for pod in each["pods"]} == {each["version"]}
            assert all(pod["age"] > 3600 for pod in each["pods"])
    assert workload(world, "tasks-service", "qa")["version"] == "1.3.2"
    assert workload(world, "tasks-service", "dev")["version"] == "1.4.0"
    assert workload(world, "api-gateway", "prod")["desired"] == 6


def test_nothing_moves_by_itself(world: World) -> None:
    world.clock.advance(1)  # the autoscaler tells its status
    before = world.storage.revision
    world.clock.advance(7200)
    assert world.storage.revision == before


def test_what_is_seeded_belongs_to_dynamo_so_that_a_later_apply_finds_it(world: World) -> None:
    deployment = world.storage.get("deployments.apps", QA, "tasks-service")
    assert deployment is not None
    [entry] = [
        each
        for each in deployment["metadata"]["managedFields"]
        if (each["manager"], each["operation"]) == ("dynamo", "Apply")
    ]
    fields = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert "f:image" in fields['k:{"name":"tasks-service"}']
    assert deployment["metadata"]["annotations"]["dynamo/version"] == "1.3.2"
    gateway = world.storage.get("deployments.apps", "dynamo-prod", "api-gateway")
    assert gateway is not None
    for each in gateway["metadata"]["managedFields"]:
        assert "f:replicas" not in each["fieldsV1"].get("f:spec", {})
    assert world.storage.get("horizontalpodautoscalers.autoscaling", "dynamo-prod", "api-gateway")


def test_a_deploy_rolls_through_and_the_state_tells_it(world: World) -> None:
    deploy(world, "tasks-service", "qa", "1.4.0")
    seen = set()
    for _ in range(20):
        world.clock.advance(1)
        seen.add(workload(world, "tasks-service", "qa")["state"])
    assert seen == {"rolling", "healthy"}
    done = workload(world, "tasks-service", "qa")
    assert (done["version"], done["ready"], done["state"]) == ("1.4.0", 2, "healthy")
    assert {pod["version"] for pod in done["pods"]} == {"1.4.0"}


EXPECTED = {
    "crash-at-start": {"CrashLoopBackOff"},
    "crash-after-ten-seconds": {"CrashLoopBackOff"},
    "bad-tag": {"ErrImagePull", "ImagePullBackOff"},
    "denied-pull": {"ErrImagePull", "ImagePullBackOff"},
    "out-of-memory": {"OOMKilled", "CrashLoopBackOff"},
    "never-ready": {"Running"},
    "slow-start": {"Running"},
    "no-capacity": {"Unschedulable"},
    "missing-configmap": {"CreateContainerConfigError"},
    "quota": set(),
}


@pytest.mark.parametrize(("kind", "expected"), EXPECTED.items())
def test_the_next_rollout_meets_the_trouble_that_was_set_and_a_roll_back_ends_it(
    world: World, kind: str, expected: set[str]
) -> None:
    before = {pod["name"] for pod in workload(world, "tasks-service", "qa")["pods"]}
    world.set_trouble(kind, "tasks-service", "qa")
    assert world.state()["trouble"] == {
        "kind": kind,
        "service": "tasks-service",
        "environment": "qa",
    }
    deploy(world, "forms-service", "qa", "0.10.0")  # not concerned
    world.clock.advance(12)
    assert workload(world, "forms-service", "qa")["state"] == "healthy"

    deploy(world, "tasks-service", "qa", "1.4.0")
    told: set[str] = set()
    states = set()
    for _ in range(50):
        world.clock.advance(1)
        told |= words(world, "tasks-service", "qa")
        states.add(workload(world, "tasks-service", "qa")["state"])
    assert world.state()["trouble"] is None
    assert expected <= told
    found = workload(world, "tasks-service", "qa")
    if kind in ("never-ready", "slow-start"):
        assert states == {"rolling"} if kind == "never-ready" else states == {"rolling", "healthy"}
    else:
        assert "failing" in states
    if kind not in ("crash-after-ten-seconds", "out-of-memory", "slow-start"):
        assert before <= {pod["name"] for pod in found["pods"]}  # the old ones serve on
        assert found["ready"] == 2

    deploy(world, "tasks-service", "qa", "1.3.2")
    world.clock.advance(60)
    back = workload(world, "tasks-service", "qa")
    assert (back["state"], back["version"], back["ready"]) == ("healthy", "1.3.2", 2)
    assert world.storage.get("configmaps", QA, "tasks-service-config") is not None
    assert world.storage.list("resourcequotas") == []


@pytest.mark.parametrize("kind", ["crash-at-start", "bad-tag", "no-capacity", "missing-configmap"])
def test_lifting_a_trouble_lets_the_rollout_finish(world: World, kind: str) -> None:
    world.set_trouble(kind, None, None)
    deploy(world, "tasks-service", "qa", "1.4.0")
    world.clock.advance(10)
    assert workload(world, "tasks-service", "qa")["state"] == "failing"
    world.set_trouble("none", None, None)
    world.clock.advance(60)
    done = workload(world, "tasks-service", "qa")
    assert (done["state"], done["version"]) == ("healthy", "1.4.0")


def test_the_api_server_is_away_for_a_minute(world: World) -> None:
    world.set_trouble("api-away", None, None)
    assert world.troubles.api_is_away
    world.clock.advance(59)
    assert world.troubles.api_is_away
    world.clock.advance(2)
    assert not world.troubles.api_is_away
    assert world.state()["trouble"] is None


def test_slack_is_rate_limited_by_the_launcher() -> None:
    calls: list[str] = []
    made = open_world(rate_limit_slack=lambda: calls.append("limited"))
    made.set_trouble("slack-rate-limited", None, None)
    made.stop()
    assert calls == ["limited"]


def test_the_version_1_5_0_of_tasks_service_crashes_for_want_of_its_database(world: World) -> None:
    deploy(world, "tasks-service", "qa", "1.5.0")
    world.clock.advance(8)
    assert words(world, "tasks-service", "qa") == {"CrashLoopBackOff"}
    [pod] = [
        pod for pod in workload(world, "tasks-service", "qa")["pods"] if pod["version"] == "1.5.0"
    ]
    stream = world.logs.lines(QA, pod["name"], "tasks-service", previous=True)
    assert "Error: DATABASE_URL is not set" in [line.text for line in stream.so_far()]  # type: ignore[union-attr]


def test_a_crash_loop_is_failing_also_while_the_container_runs_for_a_moment(world: World) -> None:
    deploy(world, "tasks-service", "qa", "1.5.0")
    world.clock.advance(5)
    for _ in range(300):
        world.clock.advance(0.1)
        assert workload(world, "tasks-service", "qa")["state"] == "failing"


def test_a_service_scaled_to_zero_is_called_that(world: World) -> None:
    deployment = world.storage.get("deployments.apps", QA, "forms-service")
    assert deployment is not None
    deployment["spec"]["replicas"] = 0
    world.storage.update("deployments.apps", deployment)
    world.clock.advance(5)
    assert workload(world, "forms-service", "qa")["state"] == "scaled to zero"


# Over HTTP


@pytest.fixture
async def session(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    app.add_subapp("/world", world_app(world))
    app.add_subapp("/v2", world.registry_app())
    app.add_subapp("/kubernetes", world.kubernetes_app)
    async with served(app) as url, aiohttp.ClientSession(url) as made:
        yield made


async def test_the_state_is_served_as_json(session: aiohttp.ClientSession) -> None:
    async with session.get("/world/state") as response:
        state = await response.json()
    assert set(state) == {"now", "speed", "environments", "trouble", "kinds"}
    assert [each["id"] for each in state["kinds"]] == [each.id for each in (*KINDS, *OUTAGES)]


async def test_what_befalls_the_surroundings_is_in_the_picture_until_it_is_lifted(
    session: aiohttp.ClientSession,
) -> None:
    async def picture() -> dict[str, list[str]]:
        async with session.get("/world/state") as response:
            state = await response.json()
        return {each["name"]: each["outages"] for each in state["environments"]}

    async def set_(kind: str, service: str = "") -> None:
        body = {"kind": kind, "service": service, "environment": "qa"}
        async with session.post("/world/trouble", json=body) as response:
            assert response.status == 200

    await set_("supabase-auth-away", "tasks-service")  # no service has it
    await set_("service-fails", "tasks-service")
    found = await picture()
    assert found["qa"] == ["Supabase auth away", "Service fails: tasks-service"]
    assert found["dev"] == []
    await set_("none")
    assert (await picture())["qa"] == []


async def test_the_stream_pushes_the_state_on_change(
    session: aiohttp.ClientSession, world: World
) -> None:
    async with session.ws_connect("/world/stream") as socket:
        first = json.loads(await asyncio.wait_for(socket.receive_str(), 5))
        assert first["trouble"] is None
        world.set_trouble("bad-tag", "tasks-service", "qa")
        second = json.loads(await asyncio.wait_for(socket.receive_str(), 5))
        assert second["trouble"]["kind"] == "bad-tag"
        world.set_trouble("none", None, None)
        third = json.loads(await asyncio.wait_for(socket.receive_str(), 30))
        assert third["trouble"] is None  # whatever it was that the trouble changed
        deploy(world, "tasks-service", "dev", "1.3.2")
        await world.clock.pass_time(1)

        async def until(seen: Callable[[Any], bool]) -> None:
            """Of tasks-service in dev, which alone is told of."""
            async with asyncio.timeout(30):
                while True:
                    for each in json.loads(await socket.receive_str())["changes"]:
                        assert (each["environment"], each["service"]) == ("dev", "tasks-service")
                        if seen(each["workload"]):
                            return

        await until(lambda workload: workload["state"] == "rolling")
        world.storage.delete("deployments.apps", "dynamo-dev", "tasks-service")
        await until(lambda workload: workload is None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"kind": "meteor"}, "There is no trouble of the kind meteor."),
        ({"kind": "quota", "environment": "moon"}, "There is no environment moon."),
        ({}, "A trouble needs a kind."),
        ({"kind": "quota", "service": 7}, "Service and environment are names."),
        ([], "A trouble needs a kind."),
    ],
)
async def test_a_trouble_that_there_is_not_is_refused(
    session: aiohttp.ClientSession, body: Any, message: str
) -> None:
    async with session.post("/world/trouble", json=body) as response:
        assert response.status == 400
        answer = await response.json()
    assert answer["message"] == message
    assert answer["error"]


async def test_a_trouble_is_set_over_http(session: aiohttp.ClientSession, world: World) -> None:
    body = {"kind": "never-ready", "service": "tasks-service", "environment": "qa"}
    async with session.post("/world/trouble", json=body) as response:
        assert response.status == 200
        assert (await response.json())["trouble"] == body
    assert world.troubles.waiting is not None
    async with session.post("/world/trouble", data=b"{") as response:
        assert response.status == 400


async def test_an_apply_through_the_api_server_rolls_out_and_its_log_can_be_read(
    session: aiohttp.ClientSession, world: World
) -> None:
    deployment, _ = manifests("tasks-service", "qa")
    image = f"registry.yourapp.com/dynamo/tasks-service@{world.digests['tasks-service', '1.5.0']}"
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
    for part in (deployment, deployment["spec"]["template"]):
        part["metadata"]["annotations"] = {"dynamo/version": "1.5.0"}
    url = f"/kubernetes/apis/apps/v1/namespaces/{QA}/deployments/tasks-service"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    params = {"fieldManager": "dynamo"}
    async with session.patch(
        url, params=params, data=json.dumps(deployment), headers=headers
    ) as response:
        assert response.status == 200, await response.text()
    world.clock.advance(8)
    pods = f"/kubernetes/api/v1/namespaces/{QA}/pods"
    selector = {"labelSelector": "app.kubernetes.io/name=tasks-service"}
    async with session.get(pods, params=selector) as response:
        items = (await response.json())["items"]
    assert len(items) == 3
    [broken] = [
        item["metadata"]["name"]
        for item in items
        if item["metadata"]["annotations"]["dynamo/version"] == "1.5.0"
    ]
    async with session.get(f"{pods}/{broken}/log", params={"previous": "true"}) as response:
        assert "Error: DATABASE_URL is not set" in await response.text()


async def test_applying_what_runs_already_changes_nothing(
    session: aiohttp.ClientSession, world: World
) -> None:
    deployment, _ = manifests("tasks-service", "qa")
    image = f"registry.yourapp.com/dynamo/tasks-service@{world.digests['tasks-service', '1.3.2']}"
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
    for part in (deployment, deployment["spec"]["template"]):
        part["metadata"]["annotations"] = {"dynamo/version": "1.3.2"}
    before = world.storage.get("deployments.apps", QA, "tasks-service")
    assert before is not None
    url = f"/kubernetes/apis/apps/v1/namespaces/{QA}/deployments/tasks-service"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    body = json.dumps(deployment)
    async with session.patch(
        url, params={"fieldManager": "dynamo"}, data=body, headers=headers
    ) as response:
        assert response.status == 200
        after = await response.json()
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_a_version_that_ran_before_gets_its_old_replica_set_back(world: World) -> None:
    def sets() -> dict[str, str]:
        return {
            each["spec"]["template"]["metadata"]["annotations"]["dynamo/version"]: each["metadata"][
                "name"
            ]
            for each in world.storage.list("replicasets.apps", QA)
            if each["metadata"]["name"].startswith("tasks-service-")
        }

    before = sets()
    assert {"1.2.0", "1.3.1", "1.3.2"} == set(before)
    deploy(world, "tasks-service", "qa", "1.3.1")
    world.clock.advance(15)
    assert sets() == before
    assert workload(world, "tasks-service", "qa")["version"] == "1.3.1"


async def test_a_client_s_pod_counts_against_a_quota(
    session: aiohttp.ClientSession, world: World
) -> None:
    quota = {
        "kind": "ResourceQuota",
        "apiVersion": "v1",
        "metadata": {"name": "full", "namespace": QA},
        "spec": {"hard": {"pods": "1"}},
    }
    world.storage.create("resourcequotas", quota)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mine"},
        "spec": {"containers": [{"name": "c", "image": "busybox:1"}]},
    }
    async with session.post(f"/kubernetes/api/v1/namespaces/{QA}/pods", json=pod) as response:
        assert response.status == 403
        message = (await response.json())["message"]
    assert message == (
        'pods "mine" is forbidden: exceeded quota: full, requested: pods=1, used: pods=12, '
        "limited: pods=1"
    )


async def test_while_the_api_server_is_away_it_answers_nothing(
    session: aiohttp.ClientSession, world: World
) -> None:
    world.set_trouble("api-away", None, None)
    with pytest.raises(aiohttp.ClientError):
        async with session.get("/kubernetes/version"):
            pass
    world.clock.advance(61)
    async with session.get("/kubernetes/version") as response:
        assert response.status == 200


@pytest.mark.parametrize("services", [50])
def test_a_thousand_pods_idle_for_nothing(services: int, make_many: Callable[[int], World]) -> None:
    world = make_many(services)
    assert len(world.plane.pods) == services * 20
    world.clock.advance(1)
    before = world.storage.revision
    world.clock.advance(86_400)
    assert world.storage.revision == before
    assert [handle for _, _, handle in world.clock._timers if not handle.cancelled] == []


@pytest.fixture
def make_many() -> Iterator[Callable[[int], World]]:
    made: list[World] = []

    def make(services: int) -> World:
        world = World(
            clock=Clock(manual=True, start=datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
            environments=(("big", "big"),),
        )
        made.append(world)
        image = (
            f"registry.yourapp.com/dynamo/tasks-service@{world.digests['tasks-service', '1.3.2']}"
        )
        for number in range(services):
            deployment, config = manifests(f"service-{number}", "qa")
            deployment["spec"]["replicas"] = 20
            world.seed("big", "big", [deployment, config], image, "1.3.2", 3.0)
        return world

    yield make
    for each in made:
        each.stop()


async def test_a_trouble_once_it_serves_belongs_to_the_release_and_ends_with_it(
    world: World,
) -> None:
    world.set_trouble("slower", "tasks-service", "qa")
    deploy(world, "tasks-service", "qa", "1.4.0")
    await world.clock.pass_time(60)
    [uid] = {owner_of(pod) for pod in running(world, "tasks-service", "qa")}
    assert world.troubles.behaviour(uid, world.clock.now()) == "slower"
    assert workload(world, "tasks-service", "qa")["behaviour"] == "Slower"
    deploy(world, "tasks-service", "qa", "1.3.2")
    await world.clock.pass_time(60)
    [other] = {owner_of(pod) for pod in running(world, "tasks-service", "qa")}
    assert other != uid
    assert world.troubles.behaviour(other, world.clock.now()) == ""
    assert world.troubles.behaviour(uid, world.clock.now()) == "slower"
    assert workload(world, "tasks-service", "qa")["behaviour"] == ""


async def test_what_runs_already_can_be_befallen_and_healed(world: World) -> None:
    [uid] = {owner_of(pod) for pod in running(world, "tasks-service", "qa")}
    before = world.clock.now()
    await world.clock.pass_time(10)
    world.set_trouble("fails-3-percent", "tasks-service", "qa", now=True)
    await world.clock.pass_time(10)
    during = world.clock.now()
    await world.clock.pass_time(10)
    world.set_trouble("none", "tasks-service", "qa")
    await world.clock.pass_time(10)
    told = [world.troubles.behaviour(uid, at) for at in (before, during, world.clock.now())]
    assert told == ["", "fails-3-percent", ""]


@pytest.mark.parametrize(
    ("kind", "service", "environment", "why"),
    [
        ("bad-tag", "tasks-service", "qa", "cannot meet"),
        ("slower", None, "qa", "needs a service"),
        ("slower", "tasks-service", None, "needs a service"),
        ("slower", "nothing", "qa", "does not run there"),
    ],
)
async def test_what_cannot_befall_what_runs_is_refused(
    world: World, kind: str, service: str | None, environment: str | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        world.set_trouble(kind, service, environment, now=True)


def running(world: World, service: str, environment: str) -> list[Any]:
    """Pods that are not on their way out."""
    namespace = next(e.namespace for e in world.environments if e.name == environment)
    found = [
        pod
        for pod in world.storage.list("pods", namespace)
        if pod["metadata"]["name"].startswith(f"{service}-")
    ]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def owner_of(pod: Any) -> str:
    return str(pod["metadata"]["ownerReferences"][0]["uid"])
