"""What a real API server says to odd selectors, patches and bodies, line by line.

No recording covers these either; each table names the place in Kubernetes' source that it follows.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from bot.sandbox.kubernetes import patches

APPS = "/apis/apps/v1/namespaces/qa/deployments"
CORE = "/api/v1/namespaces/qa"
WEB = f"{APPS}/web"


@pytest.fixture
async def made(cluster: Any, deployment: Any) -> Any:
    """A namespace with a Deployment."""
    cluster.namespace()
    assert (await cluster.ask("POST", APPS, deployment())).status == 201
    return cluster


async def patched(cluster: Any, kind: str, body: Any, more: str = "") -> Any:
    return await cluster.ask("PATCH", f"{WEB}?dryRun=All{more}", body, content_type=kind)


def told(answer: Any) -> tuple[int, str | None, str]:
    return answer.status, answer.body.get("reason"), answer.message


@pytest.mark.parametrize(
    ("selector", "complaint"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        (
            "a>b",
            "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' "
            "operators, the value must be an integer",
        ),
        ("a=1 2", "found '2', expected: ',' or 'end of string'"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a,", "found '', expected: identifier after ','"),
    ],
)
async def test_label_selectors_that_cannot_be_read(
    cluster: Any, selector: str, complaint: str
) -> None:
    """apimachinery/pkg/labels/selector.go: Parser."""
    answer = await cluster.get(f"/api/v1/pods?labelSelector={quote(selector)}")
    assert told(answer) == (400, "BadRequest", complaint)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("a in (x,y)", True),
        ("a in ()", False),
        ("a in (,x)", True),
        ("b in (,x)", False),
        ("a notin (y),!b", True),
        ("a,notin", False),
        ("a in (in,x)", True),
        ("n>4,n<6", True),
        ("n>+5", False),
    ],
)
async def test_label_selectors_that_can_be_read(cluster: Any, selector: str, found: bool) -> None:
    cluster.namespace()
    meta = {"name": "c", "labels": {"a": "x", "n": "5"}}
    await cluster.ask("POST", f"{CORE}/configmaps", {"metadata": meta})
    answer = await cluster.get(f"{CORE}/configmaps?labelSelector={quote(selector)}")
    assert len(answer.body["items"]) == found


ORDER = "$setElementOrder/containers"


def of_containers(*items: Any, **more: Any) -> Any:
    return {"spec": {"template": {"spec": {"containers": [*items], **more}}}}


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"spec": {"$patch": "frob"}},
         (500, None, "unknown patch type: frob in map: map[$patch:frob]")),
        (of_containers({"name": "web", "$patch": "frob"}),
         (500, None, "unknown patch type: frob in map: map[$patch:frob name:web]")),
        (of_containers({"name": "web", "$patch": "merge"}),
         (500, None, "merging lists cannot yet be specified in the patch")),
        ({"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}},
         (400, "BadRequest", "invalid patch format of retainKeys")),
        ({"spec": {"strategy": {"$retainKeys": "type"}}},
         (400, "BadRequest", "invalid patch format of retainKeys")),
        (of_containers({"name": "web", "image": "b:1"}, **{ORDER: [{"name": "x"}]}),
         (500, None, "The order in patch list:\n[map[image:b:1 name:web]]\n doesn't match "
          "$setElementOrder list:\n[map[name:x]]\n")),
        (of_containers({"name": "web"}, **{ORDER: "web"}),
         (500, None, "expected a []interface {}, but received a string")),
        ([], (400, "BadRequest", "json: cannot unmarshal array into Go value of type "
              "map[string]interface {}")),
    ],
)  # fmt: skip
async def test_strategic_patches_whose_directives_are_none(
    made: Any, patch: Any, answer: Any
) -> None:
    """apimachinery/pkg/util/strategicpatch/patch.go, handlers/patch.go."""
    assert told(await patched(made, patches.STRATEGIC, patch)) == answer


async def test_no_patch_at_all_is_no_change_except_to_a_merge_patch(made: Any) -> None:
    """handlers/patch.go: strategicPatchObject, applyJSPatch."""
    for kind in (patches.STRATEGIC, patches.JSON):
        answer = await patched(made, kind, "null")
        assert (answer.status, answer.body["metadata"]["generation"]) == (200, 1)
    refused = await patched(made, patches.MERGE, "null")
    assert told(refused) == (400, "BadRequest", "Invalid JSON Patch")


async def test_a_json_patch_is_read_strictly_unless_that_is_ignored(made: Any) -> None:
    """handlers/patch.go: applyJSPatch."""
    kind = patches.JSON
    of_op = "error decoding patch: json: cannot unmarshal number into Go struct field "
    for body, complaint in (
        ({}, "error decoding patch: json: cannot unmarshal object into Go value of type "
         "[]handlers.jsonPatchOp"),
        ([1], "error decoding patch: json: cannot unmarshal number into Go value of type "
         "handlers.jsonPatchOp"),
        ([{"op": 1}], f"{of_op}jsonPatchOp.op of type string"),
    ):  # fmt: skip
        assert told(await patched(made, kind, body)) == (400, "BadRequest", complaint)
    ignored = await patched(made, kind, {}, "&fieldValidation=Ignore")
    whole = "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
    assert told(ignored) == (400, "BadRequest", whole)
    odd = [{"op": "test", "path": "/kind", "value": "Deployment", "note": "mine"}]
    warned = await patched(made, kind, odd)
    assert warned.status == 200
    assert warned.headers["Warning"] == '299 - "json patch unknown field \\"[0].note\\""'
    assert (await patched(made, kind, odd, "&fieldValidation=Strict")).status == 422
    assert "Warning" not in (await patched(made, kind, odd, "&fieldValidation=Ignore")).headers


async def test_of_several_yaml_documents_the_first_is_applied(made: Any, deployment: Any) -> None:
    """sigs.k8s.io/yaml reads one document."""
    two = f"{json.dumps(deployment(replicas=4))}\n---\nkind: Pod\n"
    answer = await made.apply(WEB, two, more="&dryRun=All&force=true")
    assert (answer.status, answer.body["spec"]["replicas"]) == (200, 4)


async def test_what_is_applied_for_the_first_time_may_say_a_version(
    made: Any, deployment: Any
) -> None:
    """registry/store.go: Update holds a version against what is there, and nothing is."""
    first = deployment("first")
    first["metadata"]["resourceVersion"] = "7"
    answer = await made.apply(f"{APPS}/first", first)
    assert answer.status == 201
    assert answer.body["metadata"]["resourceVersion"] != "7"


async def test_a_quantity_that_is_none_names_the_object_as_it_was_applied(
    made: Any, deployment: Any
) -> None:
    """managedfields/structuredmerge.go: objectGVKNN."""
    resources = {"limits": {"cpu": "many"}}
    odd = deployment("new", containers=[{"name": "a", "image": "a:1", "resources": resources}])
    answer = await made.apply(f"{APPS}/new", odd)
    assert answer.status == 500
    assert answer.message.startswith(
        "failed to convert new object (/new; apps/v1, Kind=Deployment)"
    )


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("limit=1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ("limit=9223372036854775808",
         'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
        ("continue=abc", "invalid continue token: continue key is not valid: invalid character 'i' "
         "looking for beginning of value"),
    ],
)  # fmt: skip
async def test_list_options_that_are_none(made: Any, query: str, complaint: str) -> None:
    """apimachinery/pkg/runtime/conversion.go; storage/continue.go."""
    assert told(await made.get(f"{CORE}/pods?{query}")) == (400, "BadRequest", complaint)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (".", "must not be '.'"),
        ("..", "must not be '..'"),
        ("..data", "must not start with '..'"),
    ],
)
async def test_keys_that_would_lead_out_of_a_directory(made: Any, key: str, problem: str) -> None:
    """util/validation: IsConfigMapKey."""
    body = {"metadata": {"name": "c"}, "data": {key: "1"}}
    answer = await made.ask("POST", f"{CORE}/configmaps", body)
    assert told(answer) == (
        *(422, "Invalid"),
        f'ConfigMap "c" is invalid: data[{key}]: Invalid value: "{key}": {problem}',
    )


def pod_spec(**more: Any) -> Any:
    return {"containers": [{"name": "web", "image": "a:1"}], **more}


def with_container(**more: Any) -> Any:
    return {"containers": [{"name": "web", "image": "a:1", **more}]}


USERS = "must be between 0 and 2147483647, inclusive"
CONTEXT = (
    '{"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,'
    '"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,'
    '"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,'
    '"AppArmorProfile":null}'
)


@pytest.mark.parametrize(
    ("spec", "complaints"),
    [
        (pod_spec(tolerations=[{"key": "a", "operator": "Exists", "value": "x"}]),
         ['tolerations[0].operator: Invalid value: {"Key":"a","Operator":"Exists","Value":"x",'
          '"Effect":"","TolerationSeconds":null}: value must be empty when `operator` is '
          "'Exists'"]),
        (pod_spec(tolerations=[{"operator": "Equal", "effect": "Never", "tolerationSeconds": 1}]),
         ['tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is '
          'empty, which means "match all values and all keys"',
          'tolerations[0].effect: Invalid value: "Never": effect must be \'NoExecute\' when '
          "`tolerationSeconds` is set",
          'tolerations[0].effect: Unsupported value: "Never": supported values: "NoSchedule", '
          '"PreferNoSchedule", "NoExecute"']),
        (pod_spec(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "",
                                              "whenUnsatisfiable": "x"}]),
         ["topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
          "topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
          'topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "x": supported '
          'values: "DoNotSchedule", "ScheduleAnyway"']),
        (pod_spec(securityContext={"runAsUser": -1, "supplementalGroups": [1, -2]}),
         [f"securityContext.runAsUser: Invalid value: -1: {USERS}",
          f"securityContext.supplementalGroups[1]: Invalid value: -2: {USERS}"]),
        (pod_spec(hostname="A"),
         ['hostname: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case '
          "alphanumeric characters or '-', and must start and end with an alphanumeric character "
          "(e.g. 'my-name',  or '123-abc', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]),
        (with_container(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
         [f"containers[0].securityContext: Invalid value: {CONTEXT}: cannot set "
          "`allowPrivilegeEscalation` to false and `privileged` to true"]),
        (with_container(resources={"limits": {"example.com/gpu": "1500m"}}),
         [f'containers[0].resources.{part}[example.com/gpu]: Invalid value: "1500m": must be an '
          "integer" for part in ("limits", "requests")]),
    ],
)  # fmt: skip
async def test_pods_that_want_what_nobody_can_give(
    cluster: Any, spec: Any, complaints: list[str]
) -> None:
    """core/validation/validation.go: ValidateTolerations, ValidateSecurityContext…"""
    cluster.namespace()
    answer = await cluster.ask("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    causes = answer.body["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == [
        f"spec.{complaint}" for complaint in complaints
    ]


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        (pod_spec(terminationGracePeriodSeconds=-1),
         "terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
         "treated as 1"),
        (pod_spec(imagePullSecrets=[{}]),
         'imagePullSecrets[0].name: invalid empty name \\"\\"'),
        (pod_spec(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "zone",
                                              "whenUnsatisfiable": "DoNotSchedule"}]),
         "topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no "
         "pod"),
        (with_container(resources={"limits": {"memory": "1500m"}}),
         'containers[0].resources.limits[memory]: fractional byte value \\"1500m\\" is invalid, '
         "must be an integer"),
    ],
)  # fmt: skip
async def test_templates_that_are_valid_and_odd_are_warned_of(
    made: Any, deployment: Any, spec: Any, warning: str
) -> None:
    """pkg/api/pod/warnings.go."""
    obj = deployment()
    obj["spec"]["template"]["spec"] = spec
    answer = await made.apply(WEB, obj, more="&force=true")
    assert answer.status == 200, answer.text
    assert answer.headers["Warning"] == f'299 - "spec.template.spec.{warning}"'


async def test_a_body_that_is_null_is_an_object_with_nothing_in_it(made: Any) -> None:
    """encoding/json leaves a struct as it is."""
    answer = await made.ask("POST", f"{CORE}/configmaps", "null")
    empty = 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is'
    assert told(answer) == (422, "Invalid", f"{empty} required")


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ({"Impersonate-Group": "x"}, "{Group  x    }"),
        ({"Impersonate-Uid": "7"}, "{UID  7  authentication.k8s.io/v1  }"),
        ({"Impersonate-Extra-Team": "qa"}, "{UserExtra  qa  authentication.k8s.io/v1  team}"),
    ],
)
async def test_who_is_impersonated_has_a_name(made: Any, header: Any, shown: str) -> None:
    """endpoints/filters/impersonation: buildImpersonationRequests; an error without a Status."""
    answer = await made.get(f"{CORE}/pods?limit=1", headers=header)
    assert (answer.status, answer.text) == (
        500,
        f'Internal Server Error: "{CORE}/pods?limit=1": requested [{shown}] without impersonating '
        "a user\n",
    )


async def test_the_administrator_is_authenticated_too(made: Any) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    told_of = (await made.ask("POST", path, {})).body["status"]["userInfo"]
    assert told_of["groups"] == ["system:masters", "system:authenticated"]


@pytest.mark.parametrize("path", ["/version", "/api", "/apis", "/api/v1", "/apis/apps/v1"])
async def test_what_is_only_read_is_not_written(made: Any, path: str) -> None:
    answer = await made.ask("POST", path, {})
    assert (answer.status, answer.body["reason"]) == (405, "MethodNotAllowed")


async def test_a_refusal_is_in_the_language_of_the_answer(made: Any) -> None:
    nope = f"{APPS}/nope"
    as_yaml = await made.get(nope, headers={"Accept": "application/yaml, application/json"})
    assert (as_yaml.status, as_yaml.headers["Content-Type"]) == (404, "application/yaml")
    assert "reason: NotFound\n" in as_yaml.text
    only_protobuf = await made.get(nope, headers={"Accept": "application/vnd.kubernetes.protobuf"})
    assert (only_protobuf.status, only_protobuf.body["reason"]) == (406, "NotAcceptable")


async def test_people_get_indented_answers(made: Any) -> None:
    """endpoints/handlers/negotiation: isPrettyPrint."""
    curl = {"User-Agent": "curl/8.5.0"}
    for path, headers in ((f"{WEB}?pretty=true", {}), (WEB, curl), ("/version", curl)):
        answer = await made.get(path, headers=headers)
        assert answer.text.startswith('{\n  "'), path
    refused = await made.get(f"{APPS}/nope?pretty=1")
    assert refused.text.startswith('{\n  "kind": "Status",\n  "apiVersion": "v1",\n')
    assert "\n" not in (await made.get(f"{WEB}?pretty=false", headers=curl)).text


async def test_a_table_says_what_it_includes(made: Any) -> None:
    """apis/meta/v1/validation: ValidateTableOptions."""
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    answer = await made.get(f"{APPS}?includeObject=All", headers=table)
    assert told(answer) == (
        *(400, "BadRequest"),
        'Unable to convert to Table as requested: includeObject: Invalid value: "All": must be '
        "'Metadata', 'Object', 'None', or empty",
    )


async def test_what_is_deleted_without_its_dependents_is_shown_waiting(made: Any) -> None:
    """registry/store.go: Delete; the orphan finalizer stands until they are let go."""
    answer = await made.ask("DELETE", WEB, {"propagationPolicy": "Orphan"})
    assert (answer.status, answer.body["kind"]) == (200, "Deployment")
    meta = answer.body["metadata"]
    assert (meta["finalizers"], meta["deletionGracePeriodSeconds"]) == (["orphan"], 0)
    assert (await made.get(WEB)).status == 404


async def test_a_time_that_is_none_is_no_lease(made: Any) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/qa/leases"
    lease = {"metadata": {"name": "l"}, "spec": {"renewTime": "2026-11-24T01:00:00Z"}}
    answer = await made.ask("POST", path, lease)
    assert told(answer) == (
        *(400, "BadRequest"),
        'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-11-24T01:00:00Z" '
        'as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    )


@pytest.mark.parametrize(
    ("spec", "complaints"),
    [
        ({"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]},
         ['ports[1].name: Duplicate value: "a"']),
        ({"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "b"}]},
         ['ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,'
          '"TargetPort":0,"NodePort":0}']),
        ({"ports": [{"port": 1, "protocol": "HTTP"}]},
         ['ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"']),
        ({"ports": [{"port": 1, "nodePort": 30000}]},
         ["ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        ({"type": "NodePort", "ports": [{"port": 1, "nodePort": 80}]},
         ["ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The "
          "range of valid ports is 30000-32767"]),
        ({"type": "ExternalName"}, ["externalName: Required value"]),
        ({"ports": [{"port": 1}], "sessionAffinity": "x"},
         ['sessionAffinity: Unsupported value: "x": supported values: "ClientIP", "None"']),
        ({"ports": [{"port": 1}], "clusterIP": "here"},
         ['clusterIPs[0]: Invalid value: "here": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)"]),
    ],
)  # fmt: skip
async def test_services_that_cannot_be(made: Any, spec: Any, complaints: list[str]) -> None:
    """core/validation: ValidateService."""
    answer = await made.ask("POST", f"{CORE}/services", {"metadata": {"name": "s"}, "spec": spec})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid"), answer.text
    causes = answer.body["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == [
        f"spec.{complaint}" for complaint in complaints
    ]


async def test_an_event_stands_where_its_object_does(made: Any) -> None:
    """core/validation/events.go: legacyValidateEvent."""
    nowhere = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Node", "name": "n"}}
    answer = await made.ask("POST", f"{CORE}/events", nowhere)
    assert told(answer) == (
        *(422, "Invalid"),
        'Event "e" is invalid: involvedObject.namespace: Invalid value: "": does not match '
        "event.namespace",
    )
    cluster_wide = "/api/v1/namespaces/default/events"
    made.namespace("default")
    assert (await made.ask("POST", cluster_wide, nowhere)).status == 201


async def test_a_metric_has_the_source_that_it_names(made: Any) -> None:
    """autoscaling/validation: validateMetricSpec."""
    path = "/apis/autoscaling/v2/namespaces/qa/horizontalpodautoscalers"
    target = {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    spec = {**target, "metrics": [{"type": "Moon"}, {"type": "Pods"}]}
    answer = await made.ask("POST", path, {"metadata": {"name": "h"}, "spec": spec})
    assert told(answer) == (
        *(422, "Invalid"),
        'HorizontalPodAutoscaler.autoscaling "h" is invalid: [spec.metrics[0].type: Unsupported '
        'value: "Moon": supported values: "ContainerResource", "External", "Object", "Pods", '
        '"Resource", spec.metrics[1].pods: Required value: must populate information for the given '
        "metric source]",
    )


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (pod_spec(priority=5),
         "the integer value of priority (5) must not be provided in pod spec; priority admission "
         "controller computed 0 from the given PriorityClass name"),
        (pod_spec(preemptionPolicy="Never"),
         "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority "
         "admission controller computed PreemptLowerPriority from the given PriorityClass name"),
        (pod_spec(runtimeClassName="x"), 'pod rejected: RuntimeClass "x" not found'),
    ],
)  # fmt: skip
async def test_a_pod_asks_for_its_class_by_name(made: Any, spec: Any, why: str) -> None:
    """plugin/pkg/admission: priority, runtimeclass."""
    answer = await made.ask("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert told(answer) == (403, "Forbidden", f'pods "p" is forbidden: {why}')


async def test_a_pod_without_a_spec_lacks_its_containers_alone(made: Any) -> None:
    answer = await made.ask("POST", f"{CORE}/pods", {"metadata": {"name": "p"}})
    assert answer.message == 'Pod "p" is invalid: spec.containers: Required value'


async def test_a_review_is_no_object_and_a_local_one_asks_about_its_own_namespace(
    made: Any,
) -> None:
    """authorization/validation: ValidateSelfSubjectAccessReview, ValidateLocalSubjectAccess…"""
    root = "/apis/authorization.k8s.io/v1"
    about = {"verb": "get", "resource": "pods"}

    async def causes(path: str, body: Any) -> list[str]:
        answer = await made.ask("POST", f"{root}/{path}", body)
        assert answer.status == 422, answer.text
        return [f"{one['field']}: {one['message']}" for one in answer.body["details"]["causes"]]

    named = {"metadata": {"name": "x"}, "spec": {"resourceAttributes": about}}
    (cause,) = await causes("selfsubjectaccessreviews", named)
    assert cause.startswith('metadata: Invalid value: {"name":"x"')
    assert cause.endswith("}: must be empty")
    spec = {"user": "jane", "resourceAttributes": {**about, "namespace": "z"}}
    local = "namespaces/qa/localsubjectaccessreviews"
    assert await causes(local, {"spec": spec}) == [
        'spec.resourceAttributes.namespace: Invalid value: "z": must match metadata.namespace'
    ]
