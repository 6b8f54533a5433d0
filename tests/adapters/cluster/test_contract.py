"""What the adapter promises, on whichever cluster is there (`targets.py`).

`make test` tries it on the sandbox; `make test-cluster KUBECONFIG=PATH` on a real one.
"""

from collections.abc import Sequence

import pytest
from kubernetes.aio import client

from bot.domain.workload import Container, Event, Workload
from bot.errors import PortError, Trouble
from tests.adapters.cluster.scripted import Seen
from tests.adapters.cluster.targets import (
    Object,
    Target,
    autoscaler,
    manifest,
)

pytestmark = pytest.mark.cluster


def settled(seen: Seen, replicas: int = 1) -> bool:
    """The rollout of the present template is complete, in kubectl's sense, and its pods are seen to
    be ready: they are told of on another stream, which may be behind."""
    found = seen.last.deployment if seen.snapshots else None
    pods = [pod for pod in seen.last.new_pods if not pod.deleting] if seen.snapshots else []
    return (
        found is not None
        and found.observed_generation >= found.generation
        and found.updated == found.replicas == found.available == replicas
        and [pod.ready for pod in pods] == [True] * replicas
    )


def failures(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.reason == "Failed"]


def only_container(workload: Workload) -> Container | None:
    pods = [pod for pod in workload.new_pods if not pod.deleting]
    return pods[0].containers[0] if len(pods) == 1 and pods[0].containers else None


async def refused(call: object, there: Target, **options: object) -> PortError:
    with pytest.raises(PortError) as raised:
        await there.cluster.apply("", there.namespace, call, **options)  # type: ignore[arg-type]
    return raised.value


# Applying


async def test_applying_what_is_not_there_creates_it(there: Target) -> None:
    applied = await there.cluster.apply("", there.namespace, manifest(replicas=2))
    assert (applied.generation, applied.changed, applied.desired) == (1, True, 2)
    found = await there.cluster.workload("", there.namespace, "tasks-service")
    assert found.deployment is not None
    assert found.deployment.template == applied.template != ""
    managers = (await there.deployment()).metadata.managed_fields
    assert ("dynamo", "Apply") in {(m.manager, m.operation) for m in managers}


async def test_applying_the_same_again_changes_nothing(there: Target) -> None:
    first = await there.cluster.apply("", there.namespace, manifest())
    again = await there.cluster.apply("", there.namespace, manifest())
    assert not again.changed
    assert (again.generation, again.template) == (first.generation, first.template)


async def test_a_new_image_is_a_new_template_and_a_scaling_is_not(there: Target) -> None:
    first = await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    image = await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    assert image.changed
    assert image.generation == first.generation + 1
    assert image.template != first.template
    scaled = await there.cluster.apply("", there.namespace, manifest("1.1.0", replicas=2))
    assert not scaled.changed
    assert (scaled.generation, scaled.desired) == (first.generation + 2, 2)


async def test_a_dry_run_tells_what_would_be_and_does_nothing(there: Target) -> None:
    would = await there.cluster.apply("", there.namespace, manifest(), dry_run=True)
    assert would.changed
    assert (await there.cluster.workload("", there.namespace, "tasks-service")) == Workload()
    did = await there.cluster.apply("", there.namespace, manifest())
    assert would.template == did.template
    next_one = await there.cluster.apply("", there.namespace, manifest("1.1.0"), dry_run=True)
    assert next_one.changed
    assert next_one.generation == did.generation + 1
    assert (await there.deployment()).metadata.generation == did.generation


async def test_the_version_of_the_template_is_told(there: Target) -> None:
    body = manifest()
    body["spec"]["template"]["metadata"]["annotations"] = {"dynamo/version": "1.0.0"}
    assert (await there.cluster.apply("", there.namespace, body)).version == "1.0.0"


async def test_a_namespace_that_is_not_there_is_named(there: Target) -> None:
    with pytest.raises(PortError) as raised:
        await there.cluster.apply("", "dynamo-test-nowhere", manifest(), dry_run=True)
    assert raised.value.trouble is Trouble.NOT_FOUND
    assert raised.value.values["name"] == "dynamo-test-nowhere"
    assert raised.value.values["kind"] == "namespaces"


async def test_an_unknown_field_is_refused_by_name(there: Target) -> None:
    error = await refused(manifest(replicsa=3), there, dry_run=True)
    assert error.trouble is Trouble.INVALID
    assert "replicsa" in error.values["message"]


async def test_the_servers_own_refusal_comes_in_full(there: Target) -> None:
    body = manifest()
    body["spec"]["template"]["spec"]["containers"][0]["name"] = "Bad_Name"
    error = await refused(body, there, dry_run=True)
    assert error.trouble is Trouble.INVALID
    assert "spec.template.spec.containers[0].name" in error.values["message"]
    assert "lowercase RFC 1123 label" in error.values["message"]


@pytest.mark.parametrize(
    "body", [{}, {"kind": "Service", "metadata": {"name": "x"}}, manifest() | {"metadata": {}}]
)
async def test_what_is_no_deployment_is_not_sent(there: Target, body: Object) -> None:
    error = await refused(body, there)
    assert error.trouble is Trouble.INVALID


async def test_a_paused_deployment_says_so(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest(paused=True))
    found = await there.cluster.workload("", there.namespace, "tasks-service")
    assert found.deployment is not None
    assert found.deployment.paused


# Whose fields


async def set_image(there: Target, version: str) -> None:
    """As `kubectl set image` does."""
    image = f"localhost:5000/dynamo/tasks-service:{version}"
    containers = [{"name": "tasks-service", "image": image}]
    await there.apps.patch_namespaced_deployment(
        "tasks-service",
        there.namespace,
        {"spec": {"template": {"spec": {"containers": containers}}}},
        field_manager="kubectl-set",
        _content_type="application/strategic-merge-patch+json",
    )


async def test_another_managers_field_is_not_taken_without_force(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    await set_image(there, "1.2.0")
    error = await refused(manifest("1.1.0"), there)
    assert error.trouble is Trouble.CONFLICT
    assert not error.temporary
    assert error.values["owners"] == "kubectl-set"
    assert 'containers[name="tasks-service"].image' in error.values["fields"]
    error = await refused(manifest("1.1.0"), there, dry_run=True)
    assert error.trouble is Trouble.CONFLICT
    forced = await there.cluster.apply("", there.namespace, manifest("1.1.0"), force=True)
    assert forced.changed


async def test_our_own_field_after_an_undo_by_patch_is_not_a_conflict(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    path = "/spec/template/spec/containers/0/image"
    image = "localhost:5000/dynamo/tasks-service:1.2.0"
    await there.apps.patch_namespaced_deployment(
        "tasks-service",
        there.namespace,
        [{"op": "replace", "path": path, "value": image}],
        field_manager="dynamo",
        _content_type="application/json-patch+json",
    )
    would = await there.cluster.apply("", there.namespace, manifest("1.1.0"), dry_run=True)
    assert would.changed
    await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    [container] = (await there.deployment()).spec.template.spec.containers
    assert container.image.endswith(":1.1.0")


# Autoscalers


async def put_autoscaler(there: Target, minimum: int, maximum: int) -> None:
    await there.autoscaling.create_namespaced_horizontal_pod_autoscaler(
        there.namespace, autoscaler(minimum, maximum)
    )


async def replica_holders(there: Target) -> set[str]:
    fields = (await there.deployment()).metadata.managed_fields
    return {
        entry.manager
        for entry in fields
        if "f:replicas" in (entry.fields_v1 or {}).get("f:spec", {})
    }


async def test_an_autoscaler_is_part_of_the_workload(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest(replicas=2))
    found = await there.cluster.workload("", there.namespace, "tasks-service")
    assert found.autoscaler is None
    await put_autoscaler(there, 2, 6)
    found = await there.cluster.workload("", there.namespace, "tasks-service")
    assert found.autoscaler is not None
    assert (found.autoscaler.minimum, found.autoscaler.maximum) == (2, 6)


@pytest.mark.parametrize("replicas", [3, 5, None], ids=["as before", "another number", "none"])
async def test_replicas_that_an_autoscaler_took_over_neither_fall_to_one_nor_jump(
    there: Target, replicas: int | None
) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0", replicas=3))
    assert "dynamo" in await replica_holders(there)
    await put_autoscaler(there, 2, 6)
    body = manifest("1.1.0", replicas=replicas)
    would = await there.cluster.apply("", there.namespace, body, dry_run=True)
    assert (would.desired, would.changed) == (3, True)
    applied = await there.cluster.apply("", there.namespace, body)
    assert (applied.desired, applied.changed) == (3, True)
    assert (await there.deployment()).spec.replicas == 3
    assert "dynamo" not in await replica_holders(there)
    again = await there.cluster.apply("", there.namespace, body)
    assert (again.desired, again.generation) == (3, applied.generation)


async def test_replicas_come_back_to_the_manifest_when_the_autoscaler_goes(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest(replicas=3))
    await put_autoscaler(there, 2, 6)
    await there.cluster.apply("", there.namespace, manifest(replicas=3))
    await there.autoscaling.delete_namespaced_horizontal_pod_autoscaler(
        "tasks-service", there.namespace
    )
    applied = await there.cluster.apply("", there.namespace, manifest(replicas=4))
    assert applied.desired == 4


async def test_replicas_left_out_without_an_autoscaler_stay_what_they_are(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest(replicas=3))
    applied = await there.cluster.apply("", there.namespace, manifest(replicas=None))
    assert applied.desired == 3


# Following


async def test_a_rollout_is_followed_from_the_first_pod_to_the_last(there: Target) -> None:
    async with there.followed() as seen:
        await there.wait(lambda: seen.snapshots)
        assert seen.last == Workload()
        await there.cluster.apply("", there.namespace, manifest("1.0.0"))
        await there.wait(lambda: settled(seen))
        [first] = seen.last.new_pods
        applied = await there.cluster.apply("", there.namespace, manifest("1.1.0"))
        await there.wait(
            lambda: (
                settled(seen)
                and seen.last.deployment is not None
                and seen.last.deployment.generation >= applied.generation
                and [pod.name for pod in seen.last.pods] == [pod.name for pod in seen.last.new_pods]
            )
        )
        [second] = seen.last.new_pods
        assert second.name != first.name
        assert second.containers[0].image.endswith(":1.1.0")
        await there.wait(lambda: there.cluster.streams == 3)
        fresh = await there.cluster.workload("", there.namespace, "tasks-service")
        assert fresh.deployment is not None
        assert seen.last.deployment is not None
        assert fresh.deployment.template == seen.last.deployment.template == applied.template
        assert {pod.name for pod in fresh.pods} == {second.name}
        assert {r.name for r in fresh.replica_sets} == {r.name for r in seen.last.replica_sets}
        assert seen.obstacles == []
        await there.apps.delete_namespaced_deployment("tasks-service", there.namespace)
        await there.wait(lambda: seen.last == Workload())


async def test_a_follower_of_many_needs_no_more_streams(there: Target) -> None:
    async with there.followed() as one, there.followed("another") as other:
        await there.wait(lambda: one.snapshots and other.snapshots)
        await there.wait(lambda: there.cluster.streams == 3)


async def test_an_image_that_is_not_there_is_seen_with_its_events(there: Target) -> None:
    async with there.followed() as seen:
        await there.cluster.apply("", there.namespace, manifest("9.9.9"))

        def pulling_fails() -> bool:
            found = only_container(seen.last) if seen.snapshots else None
            return found is not None and found.waiting_reason in (
                "ErrImagePull",
                "ImagePullBackOff",
            )

        await there.wait(pulling_fails)
        [pod] = seen.last.new_pods

        async def told() -> Sequence[Event]:
            return await there.cluster.events("", there.namespace, [pod.uid, pod.uid])

        # A kubelet writes status and events apart: neither waits for the other.
        events = await there.poll(told, lambda events: bool(failures(events)))
        assert {event.about_uid for event in events} == {pod.uid}
        assert all(event.type == "Warning" for event in failures(events))
        assert any("9.9.9" in event.message for event in failures(events))
        times = [event.last_at for event in events if event.last_at]
        assert times == sorted(times)
        tail = await there.cluster.log_tail(
            "", there.namespace, pod.name, "tasks-service", previous=False, lines=5
        )
        assert tail.lines == ()


async def test_a_crash_is_seen_with_its_exit_code_and_its_last_words(there: Target) -> None:
    async with there.followed() as seen:
        crash = ["/bin/sh", "-c", "echo no database; exit 3"]
        await there.cluster.apply("", there.namespace, manifest(command=crash))

        def crashed_again() -> bool:
            found = only_container(seen.last) if seen.snapshots else None
            return found is not None and found.restarts >= 1

        await there.wait(crashed_again)
        container = only_container(seen.last)
        assert container is not None
        ended = container.last_terminated or container.terminated
        assert ended is not None
        assert ended.exit_code == 3
        [pod] = seen.last.new_pods
        tail = await there.cluster.log_tail(
            "", there.namespace, pod.name, "tasks-service", previous=True, lines=5
        )
        assert tail.previous
        assert tail.lines == ("no database",)


# Logs


async def test_the_last_lines_of_a_log_come_in_order(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    async with there.followed() as seen:
        await there.wait(lambda: settled(seen))
        [pod] = seen.last.new_pods

    async def tail(previous: bool = False) -> tuple[str, ...]:
        found = await there.cluster.log_tail(
            "", there.namespace, pod.name, "tasks-service", previous=previous, lines=2
        )
        assert not found.previous, "there is no previous container"
        return found.lines

    lines = await there.poll(tail, lambda lines: len(lines) == 2)
    assert all("level=info" in line for line in lines)
    assert lines == tuple(sorted(lines))
    assert len(await tail(previous=True)) == 2


async def test_the_log_of_a_pod_that_is_not_there_is_not_found(there: Target) -> None:
    with pytest.raises(PortError) as raised:
        await there.cluster.log_tail("", there.namespace, "nope", "x", previous=True, lines=5)
    assert raised.value.trouble is Trouble.NOT_FOUND


# Looking


async def test_all_workloads_of_a_namespace_come_with_what_they_own(there: Target) -> None:
    other = manifest(replicas=2)
    other["metadata"]["name"] = "another"
    labels = {"app.kubernetes.io/name": "another"}
    other["spec"]["selector"]["matchLabels"] = labels
    other["spec"]["template"]["metadata"]["labels"] = labels
    await there.cluster.apply("", there.namespace, manifest())
    await there.cluster.apply("", there.namespace, other)
    async with there.followed() as one, there.followed("another") as two:
        await there.wait(lambda: settled(one) and settled(two, 2))
    found = await there.cluster.workloads("", there.namespace)
    assert [w.deployment.name for w in found if w.deployment] == ["another", "tasks-service"]
    assert [len(w.new_pods) for w in found] == [2, 1]


async def test_what_is_not_there_is_an_empty_workload(there: Target) -> None:
    assert await there.cluster.workload("", there.namespace, "nothing") == Workload()
    assert await there.cluster.workloads("", there.namespace) == []
    assert await there.cluster.events("", there.namespace, []) == []


# Rights


async def test_what_one_may_is_asked_of_the_server(there: Target) -> None:
    for verb, resource in (("patch", "deployments.apps"), ("get", "pods/log"), ("list", "pods")):
        assert await there.cluster.may("", there.namespace, verb, resource)
        assert not await there.nobody.may("", there.namespace, verb, resource)


async def test_missing_rights_are_named_on_every_way(there: Target) -> None:
    ways = {
        ("get", "deployments.apps"): there.nobody.apply("", there.namespace, manifest()),
        ("list", "deployments.apps"): there.nobody.workloads("", there.namespace),
        ("list", "events"): there.nobody.events("", there.namespace, ["x"]),
        ("get", "pods/log"): there.nobody.log_tail(
            "", there.namespace, "x", "x", previous=False, lines=1
        ),
    }
    for (verb, resource), way in ways.items():
        with pytest.raises(PortError) as raised:
            await way
        assert raised.value.trouble is Trouble.FORBIDDEN
        assert raised.value.values["verb"] == verb
        assert raised.value.values["resource"].startswith(resource)
        assert raised.value.values["namespace"] == there.namespace


async def test_following_without_rights_is_an_obstacle(there: Target) -> None:
    seen = Seen()
    stop = there.nobody.follow(
        "", there.namespace, "tasks-service", seen.snapshots.append, seen.obstacles.append
    )
    await there.wait(lambda: seen.obstacles)
    assert seen.obstacles[0] is not None
    assert seen.obstacles[0].trouble is Trouble.FORBIDDEN
    assert seen.obstacles[0].values["verb"] == "list"
    stop()


async def test_a_context_that_is_not_there_is_no_way_in(there: Target) -> None:
    with pytest.raises(PortError) as raised:
        await there.cluster.workload("no-such-context", there.namespace, "tasks-service")
    assert raised.value.trouble is Trouble.UNAUTHENTICATED
    assert "no-such-context" in raised.value.values["message"]


async def test_the_cluster_is_of_the_version_that_this_was_written_for(there: Target) -> None:
    version = await client.VersionApi(there.api).get_code()
    assert (version.major, version.minor) == ("1", "36")
