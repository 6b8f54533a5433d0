"""What a real API server refuses, request by request: status, reason and words.

No recording covers these; each table names the source of its words in Kubernetes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.sandbox.kubernetes import patches
from bot.sandbox.kubernetes.access import Grant

APPS = "/apis/apps/v1/namespaces/qa/deployments"
CORE = "/api/v1/namespaces/qa"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/qa/leases"
JSON = "application/json"
BAD, INVALID, UNTYPED = (400, "BadRequest"), (422, "Invalid"), (500, None)
Row = tuple[str, str, str, Any, tuple[int, str | None], str]


@pytest.fixture
async def made(cluster: Any, deployment: Any) -> Any:
    """A namespace with a Deployment, a pod that runs, a ConfigMap and a Lease."""
    cluster.namespace()
    assert (await cluster.ask("POST", APPS, deployment())).status == 201
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"app": "web"}}}
    spec = {"nodeName": "n", "containers": [{"name": "web", "image": "a:1"}]}
    assert (await cluster.ask("POST", f"{CORE}/pods", {**pod, "spec": spec})).status == 201
    held = {"holderIdentity": "a", "leaseDurationSeconds": 15}
    lease = {"metadata": {"name": "l"}, "spec": held}
    assert (await cluster.ask("PUT", f"{LEASES}/l", lease)).status == 201
    return cluster


async def check(cluster: Any, rows: list[Row]) -> None:
    problems = []
    for method, path, kind, body, (status, reason), words in rows:
        answer = await cluster.ask(method, path, body, content_type=kind)
        found = answer.body if isinstance(answer.body, dict) else {}
        told = f"{method} {path} {json.dumps(body)}\n   {answer.status} {answer.text[:300]}"
        if (answer.status, found.get("reason")) != (status, reason):
            problems.append(f"{told}\n   wanted {status} {reason}")
        elif words not in found.get("message", ""):
            problems.append(f"{told}\n   wanted: {words}")
    assert not problems, "\n".join(problems)


def scale(**meta: Any) -> Any:
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {}}


async def test_bodies_of_the_wrong_kind_or_place(made: Any, deployment: Any) -> None:
    """endpoints/handlers: transformDecodeError, checkName, EnsureObjectNamespaceMatches…"""
    nameless = deployment()
    del nameless["metadata"]["name"]
    undeterminable = "the name of the object (web based on URL) was undeterminable: name must be"
    wrong_name = "the name of the object (other) does not match the name on the URL (web)"
    elsewhere = "the namespace of the provided object does not match the namespace sent on the"
    kinds = "cannot be handled as a Scale: converting (v1.Deployment) to (autoscaling.Scale)"
    fits = {"app": {"matchLabels": {"app": "x"}}}
    await check(
        made,
        [
            ("PUT", f"{APPS}/web", JSON, nameless, BAD, undeterminable),
            ("PUT", f"{APPS}/web/scale", JSON, scale(name="other"), BAD, wrong_name),
            ("PUT", f"{APPS}/web/scale", JSON, scale(name="web", namespace="z"), BAD, elsewhere),
            ("PUT", f"{APPS}/web/scale", JSON, scale(), BAD, undeterminable),
            ("PUT", f"{APPS}/web/scale", JSON, deployment(), BAD, kinds),
            ("PATCH", f"{APPS}/web", patches.MERGE, {"metadata": {"name": None}}, BAD, "undeterm"),
            ("PATCH", f"{APPS}/web", patches.MERGE, {"kind": "Pod"}, INVALID, 'no kind "Pod" is'),
            ("PATCH", f"{APPS}/web", patches.MERGE, {"apiVersion": "v9"}, INVALID, "no kind"),
            ("PATCH", f"{APPS}/web", patches.MERGE, {"metadata": {"uid": "x"}}, INVALID,
             'metadata.uid: Invalid value: "x": field is immutable'),
            ("PUT", f"{APPS}/nope", JSON, {**deployment("nope"), **fits}, (404, "NotFound"),
             'deployments.apps "nope" not found'),
        ],
    )  # fmt: skip


async def test_versions_that_are_none_and_updates_that_need_one(made: Any, deployment: Any) -> None:
    """registry/generic/registry/store.go: Update; strategies' AllowUnconditionalUpdate."""
    odd = deployment()
    odd["metadata"]["resourceVersion"] = "abc"
    zero = deployment()
    zero["metadata"]["resourceVersion"] = "0"
    await check(
        made,
        [
            ("PUT", f"{APPS}/web", JSON, odd, UNTYPED,
             'strconv.ParseUint: parsing "abc": invalid syntax'),
            ("PUT", f"{LEASES}/l", JSON, {"metadata": {"name": "l"}, "spec": {}}, INVALID,
             'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: '
             "0: must be specified for an update"),
            ("POST", LEASES, JSON, {"metadata": {"name": "m"}, "spec": {"leaseDurationSeconds": 0}},
             INVALID, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
        ],
    )  # fmt: skip
    assert (await made.ask("PUT", f"{APPS}/web", zero)).status == 200


async def test_keys_of_maps_that_stand_twice_are_refused_in_new_objects_too(made: Any) -> None:
    twice = '{"metadata":{"name":"c"},"data":{"a":"1","a":"2"}}'
    answer = await made.ask("POST", f"{CORE}/configmaps?fieldValidation=Strict", twice)
    assert (answer.status, answer.body["reason"]) == BAD
    assert 'strict decoding error: duplicate field "data.a"' in answer.message


async def test_a_version_in_odd_digits_is_none_to_an_object_that_is_created(made: Any) -> None:
    lease = {"metadata": {"name": "odd", "resourceVersion": "\u00b2"}}
    assert (await made.ask("POST", LEASES, lease)).status == 201


async def test_patches_that_cannot_be_read(made: Any) -> None:
    """endpoints/handlers/patch.go: applyJSPatch, strategicPatchObject, applyPatchToObject."""
    web = f"{APPS}/web"
    twice = '{"spec":{"replicas":2,"replicas":3}}'
    strict = f"{web}?fieldValidation=Strict"
    await check(
        made,
        [
            ("PATCH", web, patches.JSON, {}, BAD, "error decoding patch: json: cannot unmarshal "
             "object into Go value of type []handlers.jsonPatchOp"),
            ("PATCH", web, patches.MERGE, [], BAD, "error decoding patch: json: cannot unmarshal "
             "array into Go value of type map[string]interface {}"),
            ("PATCH", web, patches.STRATEGIC, [], BAD, "json: cannot unmarshal array"),
            ("PATCH", f"{APPS}/nope", patches.MERGE, "{bad", (404, "NotFound"), "not found"),
            ("PATCH", strict, patches.STRATEGIC, twice, INVALID,
             'strict decoding error: duplicate field "spec.replicas"'),
            ("PATCH", f"{APPS}/web/scale", patches.MERGE, {"spec": {"replicas": "x"}}, INVALID,
             "cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"),
            ("PATCH", f"{APPS}/web/scale?fieldValidation=Strict", patches.MERGE,
             {"spec": {"replicsa": 1}}, INVALID, 'unknown field "spec.replicsa"'),
        ],
    )  # fmt: skip
    strategic = await made.ask("PATCH", web, "[]", content_type=patches.STRATEGIC)
    assert strategic.message.startswith("json: cannot unmarshal")
    warned = await made.ask("PATCH", web, twice, content_type=patches.MERGE)
    assert warned.headers["Warning"] == '299 - "duplicate field \\"spec.replicas\\""'


async def test_what_apply_refuses(made: Any) -> None:
    """apimachinery/pkg/util/managedfields: structuredmerge.go, versionconverter.go."""
    head = {"apiVersion": "apps/v1", "kind": "Deployment"}
    name = {"metadata": {"name": "web"}}
    path, kind = f"{APPS}/web?fieldManager=d", patches.APPLY
    new = f"{APPS}/new?fieldManager=d"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "b!"}}
    untyped = "failed to create typed patch object (/web; apps/v1, Kind=): no corresponding type"
    uid = "uid mismatch: the provided object specified uid 1, and no existing object was found"
    await check(
        made,
        [
            ("PATCH", path, kind, {"kind": "Deployment", **name}, BAD,
             "Specified patch version: , expected: apps/v1"),
            ("PATCH", path, kind, "null", BAD, "Specified patch version: , expected: apps/v1"),
            ("PATCH", path, kind, {"apiVersion": "apps/v1", **name}, UNTYPED, untyped),
            ("PATCH", path, kind, {**head, "kind": "ReplicaSet", **name}, UNTYPED, "same type"),
            ("PATCH", path, kind, {**head, "metadata": {"name": "web", "managedFields": []}}, BAD,
             "metadata.managedFields must be nil"),
            ("PATCH", new, kind, {**head, "metadata": {"name": "new", "uid": "1"}},
             (409, "Conflict"), uid),
            ("PATCH", new, kind, head, BAD, "the name of the object (new based on URL) was"),
            ("PATCH", f"{CORE}/secrets/s?fieldManager=d", kind, secret, UNTYPED,
             "error decoding from json: illegal base64 data at input byte 1"),
            ("PATCH", f"{APPS}/web?fieldManager=%01", kind, {**head, **name}, INVALID,
             "fieldManager: Invalid value: \"\\u0001\": invalid character U+0001 (at position 0)"),
        ],
    )  # fmt: skip


async def test_secrets_hold_what_their_type_needs(made: Any) -> None:
    """core/validation: ValidateSecret."""

    def secret(kind: str, **data: str) -> Any:
        return {"metadata": {"name": "s"}, "type": kind, "data": data}

    path = f"{CORE}/secrets"
    await check(
        made,
        [
            ("POST", path, JSON, secret("Opaque", a="b!"), BAD,
             'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input '
             "byte 1"),
            ("POST", path, JSON, secret("kubernetes.io/tls"), INVALID,
             "[data[tls.crt]: Required value, data[tls.key]: Required value]"),
            ("POST", path, JSON, secret("kubernetes.io/basic-auth"), INVALID, "data[username]"),
            ("POST", path, JSON, secret("kubernetes.io/dockerconfigjson"), INVALID,
             "data[.dockerconfigjson]: Required value"),
            ("POST", path, JSON, secret("kubernetes.io/service-account-token"), INVALID,
             "metadata.annotations[kubernetes.io/service-account.name]: Required value"),
        ],
    )  # fmt: skip


async def test_deployments_with_nothing_in_them(made: Any) -> None:
    answer = await made.ask("POST", APPS, {"metadata": {"name": "bare"}})
    assert answer.message == (
        'Deployment.apps "bare" is invalid: [spec.selector: Required value, '
        "spec.template.metadata.labels: Invalid value: null: `selector` does not match template "
        "`labels`, spec.template.spec.containers: Required value]"
    )


async def test_list_options_that_contradict_each_other(made: Any) -> None:
    """metav1/validation: ValidateListOptions; storage/continue.go: DecodeContinue."""
    pods, get = f"{CORE}/pods", ("GET",)
    await check(
        made,
        [
            (*get, f"{pods}?sendInitialEvents=true", JSON, None, INVALID,
             "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
            (*get, f"{pods}?resourceVersionMatch=Exact&resourceVersion=5&continue=a", JSON, None,
             INVALID, "resourceVersionMatch is forbidden when continue is provided"),
            (*get, f"{pods}?continue=bm9wZQ", JSON, None, BAD, "invalid continue token: continue "
             "key is not valid: invalid character 'o' in literal null"),
            (*get, f"{pods}?continue=eyJ2IjoidjkifQ", JSON, None, BAD,
             "continue key is not valid: server does not recognize this encoded version v9"),
            (*get, f"{pods}?resourceVersion=1&limit=1", JSON, None, (410, "Expired"),
             "The resourceVersion for the provided list is too old."),
            (*get, f"{pods}?resourceVersion=1&resourceVersionMatch=Exact", JSON, None,
             (410, "Expired"), "The resourceVersion for the provided list is too old."),
            (*get, "/apis/events.k8s.io/v1/namespaces/qa/events?fieldSelector=involvedObject.name"
             "%3Da", JSON, None, BAD, "field label not supported: involvedObject.name"),
        ],
    )  # fmt: skip
    found = "/apis/events.k8s.io/v1/namespaces/qa/events?fieldSelector=regarding.name%3Da"
    assert (await made.get(found)).body["items"] == []


async def test_a_watch_from_before_the_history_is_told_in_stream_that_it_is_gone(made: Any) -> None:
    (line,) = await made.watch_lines(f"{CORE}/pods?watch=true&resourceVersion=1&timeoutSeconds=1")
    assert line == {
        "type": "ERROR",
        "object": {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "too old resource version: 1 (200)",
            "reason": "Expired",
            "code": 410,
        },
    }


async def test_delete_options(made: Any) -> None:
    """metav1/validation: ValidateDeleteOptions; a body makes the query count for nothing."""
    path = f"{APPS}/web"
    both = {"orphanDependents": True, "propagationPolicy": "Orphan"}
    await check(
        made,
        [
            ("DELETE", path, JSON, "{bad", UNTYPED,
             "couldn't get version/kind; json parse error: invalid character 'b' looking for"),
            ("DELETE", path, JSON, {"apiVersion": "v1", "kind": "Pod"}, UNTYPED,
             'no kind "Pod" is registered for version "v1"'),
            ("DELETE", path, JSON, both, INVALID,
             "orphanDependents and deletionPropagation cannot be both set"),
            ("DELETE", f"{path}?dryRun=Some", JSON, None, INVALID,
             'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]'),
            ("DELETE", f"{path}?propagationPolicy=Sideways", JSON, None, INVALID,
             'supported values: "Foreground", "Background", "Orphan", "nil"'),
            ("DELETE", path, JSON, {"preconditions": {"resourceVersion": "1"}}, (409, "Conflict"),
             "the ResourceVersion in the precondition (1) does not match"),
        ],
    )  # fmt: skip
    gone = await made.ask("DELETE", f"{path}?dryRun=All", {"propagationPolicy": "Background"})
    assert gone.body["status"] == "Success"
    assert (await made.get(path)).status == 404


async def test_a_pod_of_an_account_that_is_not_there(made: Any) -> None:
    """plugin/pkg/admission/serviceaccount."""
    spec = {"serviceAccountName": "nobody", "containers": [{"name": "a", "image": "b:1"}]}
    answer = await made.ask("POST", f"{CORE}/pods", {"metadata": {"name": "x"}, "spec": spec})
    assert (answer.status, answer.message) == (
        403,
        'pods "x" is forbidden: error looking up service account qa/nobody: serviceaccount '
        '"nobody" not found',
    )


async def test_a_timeout_is_a_duration(made: Any) -> None:
    answer = await made.get(f"{CORE}/pods?timeout=soon")
    assert (answer.status, answer.message) == (
        400,
        'invalid timeout specified in the request URL - time: invalid duration "soon"',
    )
    assert (await made.get(f"{CORE}/pods?timeout=1m30s")).status == 200


async def test_forms_that_do_not_fit_what_was_asked(made: Any) -> None:
    """endpoints/handlers/response.go."""

    async def asked(path: str, form: str) -> Any:
        headers = {"Accept": f"application/json;as={form};v=v1;g=meta.k8s.io"}
        return await made.get(path, headers=headers)

    answer = await asked(f"{CORE}/pods", "PartialObjectMetadata")
    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")
    assert "the requested object is a list (*core.PodList)" in answer.message
    answer = await asked(f"{APPS}/web", "PartialObjectMetadataList")
    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")
    assert (await asked(f"{APPS}/web", "PartialObjectMetadata")).status == 200


async def test_streams_and_evictions_of_pods(made: Any) -> None:
    """registry/core/pod: strategy.go, storage/eviction.go."""
    pod = f"{CORE}/pods/p"
    await check(
        made,
        [
            ("POST", f"{pod}/exec?command=ls", JSON, None, BAD, "Upgrade request required"),
            ("GET", f"{pod}/exec?container=x", JSON, None, BAD, "container x is not valid for pod"),
            ("GET", f"{CORE}/pods/q/portforward", JSON, None, (404, "NotFound"), 'pods "q" not'),
            ("GET", f"{pod}/eviction", JSON, None, (405, "MethodNotAllowed"), "does not allow"),
            ("POST", f"{pod}/eviction", JSON, {"metadata": {"name": "q"}}, BAD,
             "name in URL does not match name in Eviction object"),
        ],
    )  # fmt: skip
    budget = {
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    budgets = "/apis/policy/v1/namespaces/qa/poddisruptionbudgets"
    assert (await made.ask("POST", budgets, budget)).status == 201
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    refused = await made.ask("POST", f"{pod}/eviction", body)
    assert (refused.status, refused.body["reason"]) == (429, "TooManyRequests")
    assert refused.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert (await made.ask("DELETE", f"{budgets}/b")).status == 200
    done = await made.ask("POST", f"{pod}/eviction", body)
    assert (done.status, done.body["status"], done.body["code"]) == (201, "Success", 201)
    assert "deletionTimestamp" in (await made.get(pod)).body["metadata"]


async def test_rights_are_asked_before_anybody_looks_whether_it_is_there(made: Any) -> None:
    """endpoints/filters/authorization.go, handlers/patch.go (withAuthorization)."""
    jane = {"Impersonate-User": "jane"}

    async def refusal(path: str, method: str = "GET") -> str:
        answer = await made.ask(method, path, headers=jane)
        assert (answer.status, answer.body["reason"]) == (403, "Forbidden"), answer.text
        return str(answer.message)

    assert await refusal("/metrics") == 'forbidden: User "jane" cannot get path "/metrics"'
    assert await refusal("/apis/argoproj.io/v1alpha1/rollouts") == (
        'rollouts.argoproj.io is forbidden: User "jane" cannot list resource "rollouts" in API '
        'group "argoproj.io" at the cluster scope'
    )
    assert (await refusal(f"{CORE}/pods/p/exec", "POST")).endswith(
        'cannot create resource "pods/exec" in API group "" in the namespace "qa"'
    )
    named = await refusal(f"{CORE}/pods?fieldSelector=metadata.name%3Dp")
    assert named.startswith('pods "p" is forbidden: User "jane" cannot list resource "pods"')
    for path in ("/version", "/apis", "/apis/apps/v1", "/healthz", "/openapi/v3"):
        assert (await made.get(path, headers=jane)).status == 200
    made.rights.allow("jane", Grant(("patch",), ("deployments",)))
    body = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "n"}})
    answer = await made.ask(
        "PATCH", f"{APPS}/n?fieldManager=j", body, content_type=patches.APPLY, headers=jane
    )
    assert answer.message == (
        'deployments.apps "n" is forbidden: User "jane" cannot create resource "deployments" in '
        'API group "apps" in the namespace "qa"'
    )


async def test_bindings_name_a_role_and_somebody(made: Any) -> None:
    """rbac/validation: ValidateRoleBinding, ValidateRoleBindingUpdate."""
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/qa/rolebindings"
    role = {"kind": "Role", "name": "reader"}
    bare = {"metadata": {"name": "b"}, "subjects": [{"kind": "Robot", "name": "r"}]}
    other = {"metadata": {"name": "b"}, "roleRef": {**role, "name": "writer"}}
    assert (
        await made.ask("PUT", f"{path}/b", {"metadata": {"name": "b"}, "roleRef": role})
    ).status == 201
    await check(
        made,
        [
            ("POST", path, JSON, bare, INVALID, 'roleRef.kind: Unsupported value: "": supported '
             'values: "Role", "ClusterRole", roleRef.name: Required value, subjects[0].kind'),
            ("PUT", f"{path}/b", JSON, other, INVALID, "cannot change roleRef"),
        ],
    )  # fmt: skip


async def test_a_complaint_about_the_whole_object_names_it_as_go_does(made: Any) -> None:
    """field.NewPath("") prints as "[]"."""
    big = {"metadata": {"name": "big"}, "data": {"a": "x" * 1_100_000}}
    times = "sinceSeconds=1&sinceTime=2026-11-24T01:00:00Z"
    await check(
        made,
        [
            ("POST", f"{CORE}/configmaps", JSON, big, INVALID,
             'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes'),
            ("GET", f"{CORE}/pods/p/log?{times}", JSON, None, INVALID,
             "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
            ("POST", f"{CORE}/configmaps", JSON, {"data": {"a": "x" * 3_200_000}},
             (413, "RequestEntityTooLarge"), "Request entity too large: limit is 3145728"),
        ],
    )  # fmt: skip


async def test_a_name_that_is_on_its_way_out_is_still_taken(made: Any) -> None:
    """registry/generic/registry/store.go: Create."""
    meta = {"name": "c", "finalizers": ["example.com/wait"]}
    assert (await made.ask("POST", f"{CORE}/configmaps", {"metadata": meta})).status == 201
    held = await made.ask("DELETE", f"{CORE}/configmaps/c")
    assert "deletionTimestamp" in held.body["metadata"]
    again = await made.ask("POST", f"{CORE}/configmaps", {"metadata": {"name": "c"}})
    assert (again.status, again.message) == (
        409,
        'object is being deleted: configmaps "c" already exists',
    )
    free = {"metadata": {"finalizers": None}}
    await made.ask("PATCH", f"{CORE}/configmaps/c", free, content_type=patches.MERGE)
    assert (await made.get(f"{CORE}/configmaps/c")).status == 404


async def test_jobs_autoscalers_and_new_events_are_looked_at_closely(made: Any) -> None:
    """batch, autoscaling and core/validation."""
    pod = {"spec": {"containers": [{"name": "a", "image": "b:1"}]}}
    job = {"metadata": {"name": "j"}, "spec": {"template": pod}}
    plan = {"metadata": {"name": "c"}, "spec": {"schedule": "soon", "jobTemplate": {"spec": {}}}}
    cpu = {"name": "cpu", "target": {"type": "Utilization"}}
    target = {"kind": "Deployment", "name": "web"}
    sizes = {"maxReplicas": 2, "scaleTargetRef": target}
    scaler = {
        "metadata": {"name": "h"},
        "spec": {**sizes, "metrics": [{"type": "Resource", "resource": cpu}]},
    }
    note = {"metadata": {"name": "e"}, "regarding": {"namespace": "qa"}, "type": "Normal"}
    batch, hpas = "/apis/batch/v1/namespaces/qa", "/apis/autoscaling/v2/namespaces/qa"
    nobody = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    await check(
        made,
        [
            ("POST", f"{batch}/jobs", JSON, job, INVALID, "spec.template.spec.restartPolicy: "
             'Required value: valid values: "OnFailure", "Never"'),
            ("POST", f"{batch}/cronjobs", JSON, plan, INVALID,
             'spec.schedule: Invalid value: "soon": expected exactly 5 fields, found 1: [soon]'),
            ("POST", f"{hpas}/horizontalpodautoscalers", JSON, scaler, INVALID,
             "spec.metrics[0].resource.target.averageUtilization: Required value: must set either"),
            ("POST", "/apis/events.k8s.io/v1/namespaces/qa/events", JSON, note, INVALID,
             "[eventTime: Required value, reportingController: Required value"),
            ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", JSON, nobody, INVALID,
             "at least one of user or group must be specified"),
        ],
    )  # fmt: skip
    pod["spec"]["restartPolicy"] = "Never"  # type: ignore[assignment]
    made_job = (await made.ask("POST", f"{batch}/jobs", job)).body
    labels = made_job["spec"]["template"]["metadata"]["labels"]
    selected = made_job["spec"]["selector"]["matchLabels"]
    assert selected == {"batch.kubernetes.io/controller-uid": made_job["metadata"]["uid"]}
    assert labels["job-name"] == "j"


async def test_a_variable_that_hides_another_is_warned_of(made: Any, deployment: Any) -> None:
    """pkg/api/pod/warnings.go."""
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    containers = [{"name": "web", "image": "a:1", "env": env}]
    answer = await made.ask("POST", APPS, deployment("two", containers=containers))
    assert answer.status == 201
    assert answer.headers["Warning"] == (
        '299 - "spec.template.spec.containers[0].env[1]: hides previous definition of \\"A\\", '
        'which may be dropped when using apply"'
    )


async def test_everybody_may_read_what_the_server_says_about_itself(made: Any) -> None:
    jane = {"Impersonate-User": "jane"}
    root = "/apis/authorization.k8s.io/v1"

    async def allowed(path: str) -> bool:
        spec = {"nonResourceAttributes": {"path": path, "verb": "get"}}
        review = await made.ask(
            "POST", f"{root}/selfsubjectaccessreviews", {"spec": spec}, headers=jane
        )
        return bool(review.body["status"]["allowed"])

    assert await allowed("/version")
    assert await allowed("/openapi/v3")
    assert not await allowed("/metrics")
    rules = await made.ask(
        "POST", f"{root}/selfsubjectrulesreviews", {"spec": {"namespace": "qa"}}, headers=jane
    )
    assert "/version" in rules.body["status"]["nonResourceRules"][0]["nonResourceURLs"]
    assert rules.body["status"]["resourceRules"][0]["resources"] == ["selfsubjectreviews"]


async def test_what_everybody_may_ask_about_themselves_is_told_by_a_review_as_well(
    made: Any,
) -> None:
    """rbac bootstrappolicy: system:basic-user."""
    group = "authorization.k8s.io"
    about = {"verb": "create", "group": group, "resource": "selfsubjectaccessreviews"}
    answer = await made.ask(
        "POST",
        f"/apis/{group}/v1/selfsubjectaccessreviews",
        {"spec": {"resourceAttributes": about}},
        headers={"Impersonate-User": "jane"},
    )
    assert answer.body["status"]["allowed"] is True


async def test_who_am_i(made: Any) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = await made.ask("POST", path, {}, headers={"Impersonate-User": "jane"})
    told = answer.body["status"]["userInfo"]
    assert (answer.status, told["username"]) == (201, "jane")
    assert "system:authenticated" in told["groups"]


async def test_reviews_must_ask_something(made: Any) -> None:
    """authorization/validation: ValidateSelfSubjectAccessReviewSpec."""
    root = "/apis/authorization.k8s.io/v1"
    nothing = await made.ask("POST", f"{root}/selfsubjectaccessreviews", {"spec": {}})
    assert (nothing.status, nothing.body["reason"]) == (422, "Invalid")
    assert "exactly one of nonResourceAttributes or resourceAttributes must be" in nothing.message
    rules = await made.ask("POST", f"{root}/selfsubjectrulesreviews", {"spec": {}})
    assert (rules.status, rules.message) == (400, "no namespace on request")


async def test_health_by_check_and_the_index_of_paths(made: Any) -> None:
    verbose = await made.get("/readyz?verbose&exclude=etcd")
    lines = verbose.text.splitlines()
    assert lines[0] == "[+]ping ok"
    assert "[+]etcd excluded: ok" in lines
    assert lines[-1] == "readyz check passed"
    assert (await made.get("/livez/ping")).text == "ok"
    for path in ("/livez/nope", "/openapi", "/openapi/v3/nope", "/openapi/v9"):
        assert (await made.get(path)).status == 404
    assert {"/api/v1", "/apis/apps/v1", "/readyz/shutdown"} <= set(
        (await made.get("/")).body["paths"]
    )
    assert (await made.get("/version")).headers["Cache-Control"] == "no-cache, private"


async def test_the_old_path_of_a_watch_still_serves_one(made: Any) -> None:
    lines = await made.watch_lines(
        "/api/v1/watch/namespaces/qa/pods?resourceVersion=0&timeoutSeconds=1"
    )
    assert [(line["type"], line["object"]["metadata"]["name"]) for line in lines] == [
        ("ADDED", "p")
    ]
    one = await made.watch_lines(
        "/api/v1/watch/namespaces/qa/pods/p?resourceVersion=0&timeoutSeconds=1"
    )
    assert [line["object"]["metadata"]["name"] for line in one] == ["p"]
    none = "/api/v1/watch/namespaces/qa/pods/q?resourceVersion=0&timeoutSeconds=1"
    assert await made.watch_lines(none) == []
    other = await made.get("/api/v1/watch/namespaces/qa/pods/p?fieldSelector=metadata.name%3Dq")
    assert other.message == "fieldSelector metadata.name doesn't match requested name"
