"""What belongs to a service, read on the wire; ConfigMaps written onto the version that was seen.

Against the sandbox's API server, or a real cluster (`targets.py`).
"""

import pytest

from bot.adapters.kubernetes_inventory import KubernetesInventory
from bot.domain.belongings import Unread
from bot.domain.configuration import version_of
from bot.errors import PortError, Trouble
from tests.adapters.cluster.targets import Target, autoscaler, config_map, manifest

pytestmark = pytest.mark.cluster
SALT = b"one comparison"


def deployment():
    """Reads a ConfigMap and a Secret as variables, another one as a file, one that is not there."""
    wanted = manifest()
    container = wanted["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [
        {"configMapRef": {"name": "tasks-service-config"}},
        {"secretRef": {"name": "tasks-service-secrets"}},
        {"configMapRef": {"name": "absent", "optional": True}},
    ]
    return wanted


def inventory(there: Target) -> KubernetesInventory:
    return KubernetesInventory(there.cluster.connections)


async def read(there: Target, salt: bytes = SALT, **how):
    where = ("", there.namespace, "tasks-service")
    return await inventory(there).belongings(*where, salt=salt, **how)


async def put_secret(there: Target, **data: str) -> None:
    meta = {"name": "tasks-service-secrets"}
    await there.core.create_namespaced_secret(there.namespace, {"metadata": meta, "data": data})


async def test_a_service_is_read_with_what_it_names_and_what_selects_it(there: Target) -> None:
    await there.core.create_namespaced_config_map(there.namespace, config_map(LOG_LEVEL="info"))
    await put_secret(there, DB="b25lLWFuZC1vbmx5")
    await there.cluster.apply("", there.namespace, deployment())
    await there.autoscaling.create_namespaced_horizontal_pod_autoscaler(
        there.namespace, autoscaler(2, 4)
    )
    labels = {"app.kubernetes.io/name": "tasks-service"}
    for name, selector in (("tasks-service", labels), ("another", {"app": "another"})):
        spec = {"selector": selector, "ports": [{"port": 80}]}
        body = {"metadata": {"name": name}, "spec": spec}
        await there.core.create_namespaced_service(there.namespace, body)
    held = await read(there)
    assert held.deployment is not None
    assert set(held.configs) == {"tasks-service-config", "absent"}
    config = held.configs["tasks-service-config"]
    assert config is not None
    assert config["data"] == {"LOG_LEVEL": "info"}
    assert held.configs["absent"] is None
    assert held.autoscaler is not None
    assert held.autoscaler["spec"]["maxReplicas"] == 4
    assert [each["metadata"]["name"] for each in held.services] == ["tasks-service"]
    assert held.unread == ()
    lean = await read(there, around=False)
    assert (lean.services, lean.autoscaler is not None) == ((), True)


async def test_a_secret_comes_as_seals_that_tell_likeness_and_nothing_else(there: Target) -> None:
    values = {"A": "b25lLWFuZC1vbmx5", "B": "b25lLWFuZC1vbmx5", "C": "eA=="}
    await put_secret(there, **values)
    await there.cluster.apply("", there.namespace, deployment())
    held = await read(there)
    seals = held.secrets["tasks-service-secrets"]
    assert seals is not None
    assert seals["A"] == seals["B"] != seals["C"]
    assert len({len(seal) for seal in seals.values()}) == 1, "no length shows"
    assert "one-and-only" not in repr(held)
    assert "b25lLWFuZC1vbmx5" not in repr(held)
    other = (await read(there, salt=b"another comparison")).secrets["tasks-service-secrets"]
    assert other is not None
    assert set(other.values()).isdisjoint(seals.values()), "no seal outlives its comparison"


async def test_what_is_to_run_names_what_is_read(there: Target) -> None:
    """Before a first deploy there is no Deployment, and its ConfigMaps can be looked at."""
    await there.core.create_namespaced_config_map(there.namespace, config_map(A="1"))
    held = await read(there, pod=deployment()["spec"]["template"]["spec"])
    assert held.deployment is None
    assert held.configs["tasks-service-config"] is not None
    assert held.secrets == {"tasks-service-secrets": None}
    assert (await read(there)).configs == {}


async def test_each_right_that_is_missing_is_named_and_nothing_is_raised(there: Target) -> None:
    await there.cluster.apply("", there.namespace, deployment())
    nobody = KubernetesInventory(there.nobody.connections)
    pod = deployment()["spec"]["template"]["spec"]
    held = await nobody.belongings("", there.namespace, "tasks-service", salt=SALT, pod=pod)
    rights = {
        ("get", "deployments.apps"),
        ("get", "configmaps"),
        ("get", "secrets"),
        ("list", "horizontalpodautoscalers.autoscaling"),
        ("list", "services"),
        ("list", "poddisruptionbudgets.policy"),
    }
    assert set(held.unread) == {Unread(*right, there.namespace) for right in rights}
    assert (held.configs, held.secrets) == ({}, {})


async def test_a_cluster_that_is_not_there_is_no_answer(there: Target) -> None:
    with pytest.raises(PortError) as raised:
        await inventory(there).belongings("no-such-context", "x", "tasks-service", salt=SALT)
    assert raised.value.trouble is Trouble.UNAUTHENTICATED


# ConfigMaps


async def put(there: Target, seen: str, *, dry_run: bool = False, **data: str):
    return await inventory(there).put_config(
        "", there.namespace, config_map(**data), seen=seen, dry_run=dry_run
    )


async def stands(there: Target):
    return await inventory(there).config("", there.namespace, "tasks-service-config")


async def test_a_config_map_is_made_changed_and_shorn_of_what_the_file_lost(there: Target) -> None:
    assert await stands(there) is None
    planned = await put(there, "", dry_run=True, LOG_LEVEL="info", OLD="x")
    assert planned["data"] == {"LOG_LEVEL": "info", "OLD": "x"}
    assert await stands(there) is None, "a dry run writes nothing"
    first = await put(there, "", LOG_LEVEL="info", OLD="x")
    second = await put(there, version_of(first), LOG_LEVEL="warn")
    assert second["data"] == {"LOG_LEVEL": "warn"}
    again = await put(there, version_of(second), LOG_LEVEL="warn")
    assert version_of(again) == version_of(second), "what changes nothing writes nothing"


async def test_nobodys_newer_keys_are_lost(there: Target) -> None:
    first = await put(there, "", LOG_LEVEL="info")
    patch = {"data": {"CACHE": "on"}}
    where = ("tasks-service-config", there.namespace)
    await there.core.patch_namespaced_config_map(*where, patch)
    with pytest.raises(PortError) as raised:
        await put(there, version_of(first), LOG_LEVEL="warn")
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, True)
    now = await stands(there)
    assert now is not None
    assert now["data"] == {"LOG_LEVEL": "info", "CACHE": "on"}
    after = await put(there, version_of(now), LOG_LEVEL="warn")
    assert after["data"] == {"LOG_LEVEL": "warn", "CACHE": "on"}, "another's key stays"


async def test_one_that_was_made_meanwhile_is_not_written_over(there: Target) -> None:
    await there.core.create_namespaced_config_map(there.namespace, config_map(LOG_LEVEL="info"))
    with pytest.raises(PortError) as raised:
        await put(there, "", LOG_LEVEL="warn")
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, True)


async def test_a_key_that_another_tool_owns_is_refused_with_its_name(there: Target) -> None:
    where = (there.namespace, config_map(LOG_LEVEL="info"))
    made = await there.core.create_namespaced_config_map(*where, field_manager="helm")
    with pytest.raises(PortError) as raised:
        await put(there, made.metadata.resource_version, LOG_LEVEL="warn")
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.CONFLICT, False)
    assert raised.value.values["owners"] == "helm"
    assert "LOG_LEVEL" in raised.value.values["fields"]


async def test_who_may_not_write_is_told_which_right_is_missing(there: Target) -> None:
    nobody = KubernetesInventory(there.nobody.connections)
    with pytest.raises(PortError) as raised:
        await nobody.put_config("", there.namespace, config_map(A="1"), seen="7")
    values = raised.value.values
    assert (raised.value.trouble, values["verb"], values["resource"]) == (
        Trouble.FORBIDDEN,
        "patch",
        "configmaps",
    )
