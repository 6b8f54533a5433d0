"""Putting a template back, restarting, scaling, an autoscaler's bounds: on whichever cluster is
there (`targets.py`)."""

import copy

import pytest
from kubernetes.aio import client

from bot.adapters.kubernetes_writes import adopted
from bot.domain.kind import Span
from bot.domain.snapshot import UNREADABLE, kept, referred, with_image
from bot.errors import PortError, Trouble
from tests.adapters.cluster.targets import REGISTRY, Target, autoscaler, config_map, manifest

NAME = "tasks-service"


async def seen(there: Target):
    found = await there.cluster.template("", there.namespace, NAME)
    assert found is not None
    return found


def with_env(version: str, **env: str):
    body = manifest(version)
    pairs = [{"name": name, "value": value} for name, value in env.items()]
    body["spec"]["template"]["spec"]["containers"][0]["env"] = pairs
    return body


# Templates


@pytest.mark.cluster
async def test_a_template_that_was_kept_comes_back_whole(there: Target) -> None:
    await there.cluster.apply("", there.namespace, with_env("1.0.0", OLD="yes"))
    good = await seen(there)
    await there.cluster.apply("", there.namespace, with_env("1.1.0", NEW="yes"))
    now = await seen(there)
    assert now.fingerprint != good.fingerprint
    done = await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=now, version="1.0.0"
    )
    assert done.template == good.fingerprint == (await seen(there)).fingerprint
    assert done.generation == 3


@pytest.mark.cluster
async def test_putting_it_back_twice_is_putting_it_back_once(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    good = await seen(there)
    await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    first = await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=await seen(there)
    )
    again = await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=await seen(there)
    )
    assert first == again


@pytest.mark.cluster
async def test_who_was_quicker_is_not_overwritten(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    before = await seen(there)
    await there.cluster.apply("", there.namespace, manifest("1.1.0"))
    with pytest.raises(PortError) as raised:
        await there.cluster.replace_template(
            "", there.namespace, NAME, kept(before.body), seen=before
        )
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, True)
    assert (await seen(there)).fingerprint != before.fingerprint


@pytest.mark.cluster
async def test_a_template_that_the_server_refuses_is_no_conflict(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    now = await seen(there)
    wrong = copy.deepcopy(kept(now.body))
    wrong["spec"]["containers"] = []
    with pytest.raises(PortError) as raised:
        await there.cluster.replace_template("", there.namespace, NAME, wrong, seen=now)
    assert raised.value.trouble is Trouble.INVALID


@pytest.mark.cluster
async def test_a_dry_run_of_it_changes_nothing(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    now = await seen(there)
    image = f"{REGISTRY}/dynamo/tasks-service:1.1.0"
    other = with_image(now.body, NAME, image, "1.1.0")
    await there.cluster.replace_template("", there.namespace, NAME, other, seen=now, dry_run=True)
    assert (await seen(there)).fingerprint == now.fingerprint


@pytest.mark.cluster
async def test_the_next_apply_takes_away_what_only_the_rollback_brought_back(
    there: Target,
) -> None:
    """A patch belongs to another operation of the same manager: an apply that does not name a
    field would leave it for ever."""
    await there.cluster.apply("", there.namespace, with_env("1.0.0", OLD="yes"))
    good = await seen(there)
    await there.cluster.apply("", there.namespace, with_env("1.1.0", NEW="yes"))
    await there.cluster.replace_template(
        "", there.namespace, NAME, kept(good.body), seen=await seen(there)
    )
    await there.cluster.apply("", there.namespace, with_env("1.2.0", NEW="yes"))
    container = (await there.deployment()).spec.template.spec.containers[0]
    assert [each.name for each in container.env] == ["NEW"]
    assert container.image.endswith("1.2.0")


@pytest.mark.cluster
async def test_a_restart_is_a_new_template_once_and_outlives_the_next_apply(there: Target) -> None:
    first = await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    key, when = "dynamo/restarted-at", "2026-11-24T12:00:00+00:00"
    done = await there.cluster.annotate_template("", there.namespace, NAME, key, when)
    again = await there.cluster.annotate_template("", there.namespace, NAME, key, when)
    assert done == again
    assert (done.generation, done.template != first.template) == (first.generation + 1, True)
    applied = await there.cluster.apply("", there.namespace, manifest("1.0.0"))
    assert not applied.changed, "deploying the same again is no second restart"


# Numbers


@pytest.mark.cluster
async def test_so_many_pods_and_the_template_stays(there: Target) -> None:
    first = await there.cluster.apply("", there.namespace, manifest(replicas=2))
    done = await there.cluster.scale("", there.namespace, NAME, replicas=3, before=2)
    again = await there.cluster.scale("", there.namespace, NAME, replicas=3, before=2)
    assert done == again
    assert (done.generation, done.template) == (first.generation + 1, first.template)
    assert (await there.deployment()).spec.replicas == 3


@pytest.mark.cluster
async def test_a_number_that_somebody_else_has_set_meanwhile_is_not_overwritten(
    there: Target,
) -> None:
    await there.cluster.apply("", there.namespace, manifest(replicas=2))
    with pytest.raises(PortError) as raised:
        await there.cluster.scale("", there.namespace, NAME, replicas=3, before=1)
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, False)
    assert (await there.deployment()).spec.replicas == 2


@pytest.mark.cluster
async def test_an_autoscaler_gets_other_bounds(there: Target) -> None:
    await there.cluster.apply("", there.namespace, manifest(replicas=2))
    await there.autoscaling.create_namespaced_horizontal_pod_autoscaler(
        there.namespace, autoscaler(1, 3)
    )
    tried = await there.cluster.set_span("", there.namespace, NAME, Span(2, 5), dry_run=True)
    assert (tried.minimum, tried.maximum) == (2, 5)
    read = there.autoscaling.read_namespaced_horizontal_pod_autoscaler
    assert (await read(NAME, there.namespace)).spec.max_replicas == 3
    await there.cluster.set_span("", there.namespace, NAME, Span(2, 5))
    found = (await read(NAME, there.namespace)).spec
    assert (found.min_replicas, found.max_replicas) == (2, 5)
    with pytest.raises(PortError) as raised:
        await there.cluster.set_span("", there.namespace, NAME, Span(5, 2))
    assert raised.value.trouble is Trouble.INVALID


# What is beside it


@pytest.mark.cluster
async def test_what_a_config_map_holds_has_a_fingerprint_and_a_secret_shows_nothing(
    there: Target,
) -> None:
    await there.core.create_namespaced_config_map(there.namespace, config_map(LEVEL="info"))
    secret = client.V1Secret(
        metadata=client.V1ObjectMeta(name="tasks"), string_data={"PASSWORD": "hunter2"}
    )
    await there.core.create_namespaced_secret(there.namespace, secret)
    config = config_map()["metadata"]["name"]
    names = (f"ConfigMap {config}", "Secret tasks", "ConfigMap gone")
    first = await there.cluster.contents("", there.namespace, names)
    changed = {"data": {"LEVEL": "debug"}}
    await there.core.patch_namespaced_config_map(config, there.namespace, changed)
    second = await there.cluster.contents("", there.namespace, names)
    assert first[names[0]] != second[names[0]]
    assert first[names[1]] == second[names[1]] != ""
    assert first["ConfigMap gone"] == ""
    assert "hunter2" not in str(first)
    refused = await there.nobody.contents("", there.namespace, names)
    assert set(refused.values()) == {UNREADABLE}


@pytest.mark.cluster
async def test_nodes_say_what_they_have_and_who_may_not_look_is_told_nothing(
    there: Target,
) -> None:
    nodes = await there.cluster.room("")
    assert nodes
    assert all(node.allocatable["cpu"] > 0 for node in nodes)
    assert all(node.taken is not None for node in nodes)
    assert await there.nobody.room("") == ()


@pytest.mark.cluster
async def test_no_deployment_has_no_template(there: Target) -> None:
    assert await there.cluster.template("", there.namespace, "nobody") is None


# Values


def test_what_was_written_by_patch_is_adopted_and_what_is_not_ours_stays() -> None:
    apply = {"manager": "dynamo", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}}
    update = {"manager": "dynamo", "operation": "Update", "fieldsV1": {"f:spec": {"f:b": {}}}}
    scaled = {"manager": "dynamo", "operation": "Update", "subresource": "scale", "fieldsV1": {}}
    other = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:metadata": {}}}
    fields = adopted([apply, update, scaled, other])
    assert fields is not None
    assert fields[0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}}}
    assert fields[0]["operation"] == "Apply"
    assert fields[1:] == [scaled, other]
    assert adopted([apply, scaled, other]) is None
    assert adopted([update])[0]["operation"] == "Apply"  # type: ignore[index]


def test_what_pods_read_is_found_wherever_it_stands() -> None:
    body = {
        "spec": {
            "volumes": [{"configMap": {"name": "files"}}, {"secret": {"secretName": "certs"}}],
            "containers": [
                {
                    "envFrom": [{"configMapRef": {"name": "settings"}}],
                    "env": [{"valueFrom": {"secretKeyRef": {"name": "tokens", "key": "a"}}}],
                }
            ],
            "initContainers": [
                {"env": [{"valueFrom": {"configMapKeyRef": {"name": "init", "key": "b"}}}]}
            ],
            "imagePullSecrets": [{"name": "registry"}],
        }
    }
    assert referred(body) == (
        "ConfigMap files",
        "ConfigMap init",
        "ConfigMap settings",
        "Secret certs",
        "Secret tokens",
    )
