"""What the server refuses, in the real server's words."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes import quantities

PATH = "/apis/apps/v1/namespaces/qa/deployments"
POD = "spec.template.spec"
FIRST = f"{POD}.containers[0]"


@pytest.fixture
def cluster(cluster: Any) -> Any:
    cluster.namespace()
    return cluster


def web(**more: Any) -> Any:
    return {"name": "web", "image": "web:1", **more}


CASES: list[tuple[str, Any, list[str]]] = [
    ("no containers", [], [f"{POD}.containers: Required value"]),
    ("no image", [{"name": "web"}], [f"{FIRST}.image: Required value"]),
    (
        "two of one name",
        [web(), web()],
        [f'{POD}.containers[1].name: Duplicate value: "web"'],
    ),
    (
        "a port out of range",
        [web(ports=[{"containerPort": 70000}])],
        [f"{FIRST}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, "
         "inclusive"],
    ),
    (
        "a strange protocol",
        [web(ports=[{"containerPort": 1, "protocol": "HTTP"}])],
        [f'{FIRST}.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", '
         '"UDP"'],
    ),
    (
        "a probe without a handler",
        [web(readinessProbe={"periodSeconds": 1})],
        [f"{FIRST}.readinessProbe: Required value: must specify a handler type"],
    ),
    (
        "a probe with two handlers",
        [web(livenessProbe={"exec": {"command": ["x"]}, "tcpSocket": {"port": 1}})],
        [f"{FIRST}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ),
    (
        "a liveness probe that must succeed twice",
        [web(livenessProbe={"exec": {"command": ["x"]}, "successThreshold": 2})],
        [f"{FIRST}.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    (
        "a request above its limit",
        [web(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}})],
        [f'{FIRST}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit '
         "of 500m"],
    ),
    (
        "an environment variable without a name",
        [web(env=[{"value": "1"}])],
        [f"{FIRST}.env[0].name: Required value"],
    ),
    (
        "a mount of nothing",
        [web(volumeMounts=[{"name": "data", "mountPath": "/data"}])],
        [f'{FIRST}.volumeMounts[0].name: Not found: "data"'],
    ),
    (
        "a strange pull policy",
        [web(imagePullPolicy="Sometimes")],
        [f'{FIRST}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", '
         '"IfNotPresent", "Never"'],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("containers", "complaints"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
async def test_containers(
    cluster: Any, deployment: Any, containers: Any, complaints: list[str]
) -> None:
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"] = containers
    answer = await cluster.ask("POST", PATH, obj)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    causes = answer.body["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == complaints
    listed = complaints[0] if len(complaints) == 1 else f"[{', '.join(complaints)}]"
    assert answer.message == f'Deployment.apps "web" is invalid: {listed}'


@pytest.mark.parametrize(
    ("spec", "complaints"),
    [
        (
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"selector": None},
            [
                "spec.selector: Required value",
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`",
            ],
        ),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
                "`maxSurge` is 0"
            ],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            [
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` "
                "is 'Recreate'"
            ],
        ),
        (
            {"minReadySeconds": 600},
            [
                "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than "
                "minReadySeconds"
            ],
        ),
    ],
)
async def test_deployments(cluster: Any, deployment: Any, spec: Any, complaints: list[str]) -> None:
    answer = await cluster.ask("POST", PATH, deployment(**spec))
    assert answer.status == 422, answer.text
    causes = answer.body["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == complaints


async def test_names_and_labels(cluster: Any, deployment: Any) -> None:
    bad = deployment()
    bad["metadata"]["name"] = "Bad_Name"
    answer = await cluster.ask("POST", PATH, bad)
    assert answer.message.startswith(
        'Deployment.apps "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a '
        "lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is '"
    )
    labelled = deployment()
    labelled["metadata"]["labels"] = {"a": "x y"}
    answer = await cluster.ask("POST", PATH, labelled)
    assert 'metadata.labels: Invalid value: "x y": a valid label must be' in answer.message
    nameless = deployment()
    del nameless["metadata"]["name"]
    answer = await cluster.ask("POST", PATH, nameless)
    assert answer.message == (
        'Deployment.apps "" is invalid: metadata.name: Required value: name or generateName is '
        "required"
    )


async def test_bodies_that_are_no_objects(cluster: Any, deployment: Any) -> None:
    broken = await cluster.ask("POST", PATH, "{nope")
    assert (broken.status, broken.body["reason"]) == (400, "BadRequest")
    assert broken.message == (
        "the object provided is unrecognized (must be of type Deployment): couldn't get "
        "version/kind; json parse error: invalid character 'n' looking for beginning of object key "
        "string ({nope)"
    )
    empty = await cluster.ask("POST", PATH, "")
    assert "unexpected end of JSON input (<empty>)" in empty.message
    other = await cluster.ask("POST", PATH, {"apiVersion": "v1", "kind": "Pod"})
    assert other.message == (
        'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to '
        "(apps.Deployment): unknown conversion"
    )
    old = await cluster.ask("POST", PATH, {"apiVersion": "apps/v1beta2", "kind": "Deployment"})
    assert old.message == (
        "the API version in the data (apps/v1beta2) does not match the expected API version "
        "(apps/v1)"
    )
    new = await cluster.ask("POST", PATH, {"apiVersion": "apps/v9", "kind": "Deployment"})
    assert (new.status, new.message) == (
        400,
        'Deployment in version "v9" cannot be handled as a Deployment: no kind "Deployment" is '
        'registered for version "apps/v9" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    )
    wrong = deployment(replicas="3")
    answer = await cluster.ask("POST", PATH, wrong)
    assert answer.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal '
        "string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )
    form = await cluster.ask("POST", PATH, "a=b", content_type="application/x-www-form-urlencoded")
    assert (form.status, form.body["reason"]) == (415, "UnsupportedMediaType")


async def test_quantities_are_parsed_and_canonical(cluster: Any, deployment: Any) -> None:
    wrong = deployment(containers=[web(resources={"limits": {"cpu": "lots"}})])
    answer = await cluster.ask("POST", PATH, wrong)
    assert answer.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: quantities must match the '
        "regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )
    right = deployment(containers=[web(resources={"limits": {"cpu": 0.5, "memory": "1024Mi"}})])
    made = await cluster.ask("POST", PATH, right)
    limits = made.body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        *(("1000m", "1"), ("0.1", "100m"), ("1.5Gi", "1536Mi"), ("1e3", "1e3"), ("1000k", "1M")),
        *(("0", "0"), ("100", "100"), ("1Ki", "1Ki"), ("1023", "1023"), ("-1500m", "-1500m")),
        *(("9007199254740988Ki", "9007199254740988Ki"), ("0.5Ki", "512"), ("1n", "1n")),
    ],
)
def test_a_quantity_has_one_canonical_form(text: str, canonical: str) -> None:
    assert quantities.canonical(text) == canonical
    assert quantities.canonical(canonical) == canonical
    assert quantities.parse(text) == quantities.parse(canonical)


async def test_strict_bodies_name_every_unknown_field(cluster: Any, deployment: Any) -> None:
    obj = deployment(replicsa=1, containers=[web(imaeg="x")])
    answer = await cluster.ask("POST", f"{PATH}?fieldValidation=Strict", obj)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.template.spec.containers[0].imaeg", unknown field "spec.replicsa"'
    )
    warned = await cluster.ask("POST", PATH, obj)
    assert warned.status == 201
    assert len(warned.headers.getall("Warning")) == 2


async def test_create_twice_put_stale_and_generated_names(cluster: Any, deployment: Any) -> None:
    made = await cluster.ask("POST", PATH, deployment())
    again = await cluster.ask("POST", PATH, deployment())
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
    assert again.message == 'deployments.apps "web" already exists'
    assert again.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}
    made.body["spec"]["replicas"] = 4
    put = await cluster.ask("PUT", f"{PATH}/web", made.body)
    assert put.body["metadata"]["generation"] == 2
    stale = await cluster.ask("PUT", f"{PATH}/web", made.body)
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    made.body["metadata"].update({"uid": "other", "resourceVersion": ""})
    wrong = await cluster.ask("PUT", f"{PATH}/web", made.body)
    assert "Precondition failed: UID in precondition: other" in wrong.message
    generated = deployment()
    generated["metadata"] = {"generateName": "web-"}
    name = (await cluster.ask("POST", PATH, generated)).body["metadata"]["name"]
    assert name.startswith("web-")
    assert len(name) == 9


async def test_immutable_config_maps(cluster: Any) -> None:
    path = "/api/v1/namespaces/qa/configmaps"
    obj = {"metadata": {"name": "c"}, "data": {"a": "1"}, "immutable": True}
    await cluster.ask("POST", path, obj)
    answer = await cluster.ask("PUT", f"{path}/c", {**obj, "data": {"a": "2"}})
    assert answer.message == (
        'ConfigMap "c" is invalid: data: Forbidden: field is immutable when `immutable` is set'
    )
    key = await cluster.ask("POST", path, {"metadata": {"name": "d"}, "data": {"a b": "1"}})
    assert key.body["details"]["causes"][0]["field"] == "data[a b]"


async def test_autoscalers(cluster: Any) -> None:
    spec = {"minReplicas": 3, "maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment"}}
    answer = await cluster.ask(
        "POST",
        "/apis/autoscaling/v2/namespaces/qa/horizontalpodautoscalers",
        {"metadata": {"name": "h"}, "spec": spec},
    )
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == [
        "spec.maxReplicas",
        "spec.scaleTargetRef.name",
    ]


async def test_an_admission_hook_refuses_like_a_quota(cluster: Any) -> None:
    from bot.sandbox.kubernetes.statuses import Refusal

    cluster.refusal = Refusal(
        "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"
    )
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [web()]}}
    answer = await cluster.ask("POST", "/api/v1/namespaces/qa/pods", pod)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert answer.message == (
        'pods "p" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: '
        "pods=2"
    )


async def test_a_pod_gets_what_admission_gives_it(cluster: Any) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [web()]}}
    made = (await cluster.ask("POST", "/api/v1/namespaces/qa/pods", pod)).body
    assert made["spec"]["serviceAccountName"] == "default"
    assert [one["key"] for one in made["spec"]["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    assert made["spec"]["volumes"][0]["name"].startswith("kube-api-access-")
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    made["spec"]["containers"][0]["command"] = ["x"]
    answer = await cluster.ask("PUT", "/api/v1/namespaces/qa/pods/p", made)
    assert "pod updates may not change fields other than" in answer.message


async def test_a_service_gets_an_address(cluster: Any) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
    made = (await cluster.ask("POST", "/api/v1/namespaces/qa/services", body)).body["spec"]
    assert made["clusterIP"].startswith("10.96.")
    assert made["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


async def test_a_secret_turns_its_plain_strings_into_data(cluster: Any) -> None:
    body = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    made = (await cluster.ask("POST", "/api/v1/namespaces/qa/secrets", body)).body
    assert (made["type"], made["data"]) == ("Opaque", {"a": "Yg=="})
    assert "stringData" not in made
