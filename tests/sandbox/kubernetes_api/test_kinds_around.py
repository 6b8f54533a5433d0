"""The kinds that stand around a deploy: stored, defaulted, validated, printed as the real ones."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes import patches

CORE = "/api/v1/namespaces/qa"
VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = f"{CORE}/persistentvolumeclaims"
CONTROLLERS = f"{CORE}/replicationcontrollers"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
PRIORITIES = "/apis/scheduling.k8s.io/v1/priorityclasses"
INGRESS = "/apis/networking.k8s.io/v1/ingressclasses"
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/qa/endpointslices"
REVISIONS = "/apis/apps/v1/namespaces/qa/controllerrevisions"

POD = {"containers": [{"name": "a", "image": "a:1"}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
VOLUME = {"capacity": {"storage": "1024Mi"}, "accessModes": ["ReadWriteOnce"], "nfs": {
    "server": "s", "path": "/"}}  # fmt: skip
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def named(**body: Any) -> Any:
    return {"metadata": {"name": "x"}, **body}


@pytest.fixture
def cluster(cluster: Any) -> Any:
    cluster.namespace()
    return cluster


@pytest.mark.parametrize(
    ("path", "body", "filled", "cells"),
    [
        (STORAGE, named(provisioner="example.com/disk"),
         {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
         ["x", "example.com/disk", "Delete", "Immediate", False, "0s"]),
        (VOLUMES, named(spec=VOLUME), {"status": {"phase": "Pending"}},
         ["x", "1Gi", "RWO", "Retain", "Pending", "", "", "<unset>", "", "0s", "Filesystem"]),
        (CLAIMS, named(spec=CLAIM), {"status": {"phase": "Pending"}},
         ["x", "Pending", "", "", "", "", "<unset>", "0s", "Filesystem"]),
        (INGRESS, named(spec={"controller": "k8s.io/ingress-nginx"}), {},
         ["x", "k8s.io/ingress-nginx", "<none>", "0s"]),
        (PRIORITIES, named(value=5), {"preemptionPolicy": "PreemptLowerPriority"},
         ["x", 5, False, "0s", "PreemptLowerPriority"]),
        (RUNTIMES, named(handler="runsc"), {}, ["x", "runsc", "0s"]),
        (SLICES, named(addressType="IPv4", endpoints=[{"addresses": ["10.0.0.1"]}],
                       ports=[{"port": 80}]),
         {"ports": [{"name": "", "port": 80, "protocol": "TCP"}]},
         ["x", "IPv4", "80", "10.0.0.1", "0s"]),
        (SLICES, named(addressType="FQDN"), {"endpoints": None, "ports": None},
         ["x", "FQDN", "<unset>", "<unset>", "0s"]),
        (REVISIONS, named(data={"a": 1}, revision=2), {}, ["x", "<none>", 2, "0s"]),
        (CONTROLLERS, named(spec={"template": TEMPLATE}), {"status": {"replicas": 0}},
         ["x", 1, 0, 0, "0s", "a", "a:1", "a=b"]),
    ],
)  # fmt: skip
async def test_what_is_filled_in_and_printed(
    cluster: Any, path: str, body: Any, filled: Any, cells: list[Any]
) -> None:
    """pkg/apis/*/v1/defaults.go, registry strategies, pkg/printers/internalversion."""
    made = await cluster.ask("POST", path, body)
    assert made.status == 201, made.text
    assert {key: made.body[key] for key in filled} == filled
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    table = (await cluster.get(f"{path}/x", headers=headers)).body
    assert table["rows"][0]["cells"] == cells
    assert len(table["columnDefinitions"]) == len(cells)


async def test_a_replication_controller_takes_its_selector_from_its_pods(cluster: Any) -> None:
    made = (await cluster.ask("POST", CONTROLLERS, named(spec={"template": TEMPLATE}))).body
    assert made["spec"]["selector"] == made["metadata"]["labels"] == {"a": "b"}
    assert (made["spec"]["replicas"], made["metadata"]["generation"]) == (1, 1)


@pytest.mark.parametrize(
    ("path", "body", "complaints"),
    [
        (STORAGE, named(reclaimPolicy="Keep"),
         ["provisioner: Required value",
          'reclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Retain"']),
        (PRIORITIES, {"metadata": {"name": "system-mine"}, "value": 1},
         ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
          "system use only. error: system-mine is not a known system priority class"]),
        (PRIORITIES, named(value=1_000_000_001),
         ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]),
        (INGRESS, named(spec={"controller": "nginx"}),
         ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as '
          '"acme.io/foo")']),
        (SLICES, named(addressType="IPv4", endpoints=[{"addresses": ["::1"]}, {}]),
         ['endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
          "endpoints[1].addresses: Required value: must contain at least 1 address"]),
        (SLICES, named(addressType="Post"),
         ['addressType: Unsupported value: "Post": supported values: "FQDN", "IPv4", "IPv6"']),
        (VOLUMES, named(spec={}),
         ["spec.accessModes: Required value", "spec.capacity: Required value",
          'spec.capacity: Unsupported value: {}: supported values: "storage"',
          "spec: Required value: must specify a volume type"]),
        (CLAIMS, named(spec={"accessModes": ["Often"]}),
         ['spec.accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", '
          '"ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
          "spec.resources[storage]: Required value"]),
        (CONTROLLERS, named(spec={"selector": {"a": "c"}, "template": TEMPLATE}),
         ['spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match '
          "template `labels`"]),
        (CONTROLLERS, named(spec={}),
         ["spec.selector: Required value", "spec.template: Required value"]),
        (REVISIONS, named(), ["data: Required value: data is mandatory"]),
    ],
)  # fmt: skip
async def test_what_is_refused(cluster: Any, path: str, body: Any, complaints: list[str]) -> None:
    """pkg/apis/{core,storage,scheduling,networking,discovery,apps}/validation."""
    answer = await cluster.ask("POST", path, body)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid"), answer.text
    causes = answer.body["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == complaints


@pytest.mark.parametrize(
    ("path", "body", "change", "complaint"),
    [
        (STORAGE, named(provisioner="a/b"), {"provisioner": "a/c"},
         "provisioner: Forbidden: updates to provisioner are forbidden."),
        (PRIORITIES, named(value=1), {"value": 2},
         "value: Forbidden: may not be changed in an update."),
        (INGRESS, named(spec={"controller": "a.b/c"}), {"spec": {"controller": "a.b/d"}},
         'spec.controller: Invalid value: "a.b/d": field is immutable'),
        (RUNTIMES, named(handler="runc"), {"handler": "runsc"},
         'handler: Invalid value: "runsc": field is immutable'),
        (SLICES, named(addressType="IPv4"), {"addressType": "IPv6"},
         'addressType: Invalid value: "IPv6": field is immutable'),
    ],
)  # fmt: skip
async def test_what_may_not_change(
    cluster: Any, path: str, body: Any, change: Any, complaint: str
) -> None:
    assert (await cluster.ask("POST", path, body)).status == 201
    answer = await cluster.ask("PATCH", f"{path}/x", change, content_type=patches.MERGE)
    assert answer.status == 422
    assert answer.message.endswith(f'"x" is invalid: {complaint}')


async def test_a_pod_has_the_priority_of_its_class(cluster: Any) -> None:
    """plugin/pkg/admission/priority."""

    async def pod(name: str, wanted: str) -> Any:
        spec = {"priorityClassName": wanted, **POD}
        return await cluster.ask("POST", f"{CORE}/pods", {"metadata": {"name": name}, "spec": spec})

    quiet = named(value=7, preemptionPolicy="Never")
    assert (await cluster.ask("POST", PRIORITIES, quiet)).status == 201
    spec = (await pod("a", "x")).body["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (7, "Never")
    critical = (await pod("b", "system-node-critical")).body["spec"]
    assert critical["priority"] == 2_000_001_000
    unknown = await pod("c", "none")
    assert (unknown.status, unknown.message) == (
        403,
        'pods "c" is forbidden: no PriorityClass with name none was found',
    )
