"""What a real API server's refusals mean: its recorded answers, and those it gives rarely."""

import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.adapters.kubernetes_errors import (
    Asked,
    Conflict,
    Expired,
    Resource,
    no_answer,
    refusal,
)
from bot.errors import PortError, Trouble

RECORDINGS = Path(__file__).parents[2] / "recordings" / "api-exchanges.jsonl"
DEPLOYMENTS = Resource("apps", "v1", "deployments")
PODS = Resource("", "v1", "pods")
_SERVER: Any = SimpleNamespace(host="cluster.yourapp.com", port=6443, is_ssl=True, ssl=True)
PATCH = Asked("patch", DEPLOYMENTS, "dynamo-qa", "tasks-service")


def recorded(note: str) -> PortError:
    """What the adapter makes of a recorded exchange."""
    for line in RECORDINGS.read_text().splitlines():
        exchange = json.loads(line)
        if exchange["note"] != note:
            continue
        response = exchange["response"]
        verb = {"PATCH": "patch", "GET": "get"}[exchange["request"]["method"]]
        resource = DEPLOYMENTS if "deployments" in exchange["request"]["path"] else PODS
        asked = Asked(verb, resource, "dynamo-qa", "tasks-service")
        return refusal(asked, response["status"], json.dumps(response["body"]).encode())
    raise AssertionError(f"no such recording: {note}")


@pytest.mark.parametrize(
    ("note", "trouble", "values"),
    [
        ("deployment not found", "NOT_FOUND", {"kind": "deployments", "name": "tasks-service"}),
        (
            "apply in a namespace that is not there",
            "NOT_FOUND",
            {"kind": "namespaces", "name": "nowhere"},
        ),
        ("apply with an unknown field, strict", "INVALID", {}),
        ("apply invalid: selector differs (immutable)", "INVALID", {}),
        ("apply invalid: container name", "INVALID", {}),
        ("apply that is no YAML", "INVALID", {}),
        (
            "apply conflicts with the other manager",
            "CONFLICT",
            {
                "owners": "kubectl-set",
                "fields": '.spec.template.spec.containers[name="tasks-service"].image',
            },
        ),
        ("log of the previous container, none there", "INVALID", {}),
        ("log of a pod that is not there", "NOT_FOUND", {"kind": "pods", "name": "nope"}),
        (
            "forbidden, as a user without rights",
            "FORBIDDEN",
            {"verb": "list", "resource": "pods", "namespace": "dynamo-qa"},
        ),
        (
            "forbidden patch, as a user without rights",
            "FORBIDDEN",
            {"verb": "patch", "resource": "deployments.apps", "namespace": "dynamo-qa"},
        ),
    ],
)
def test_a_recorded_refusal_has_its_meaning(
    note: str, trouble: str, values: dict[str, str]
) -> None:
    error = recorded(note)
    assert error.trouble == trouble
    assert not error.temporary
    assert values.items() <= error.values.items()


def test_the_servers_words_come_in_full() -> None:
    message = recorded("apply invalid: selector differs (immutable)").values["message"]
    assert "`selector` does not match template `labels`" in message
    assert message.endswith("field is immutable]")


def test_a_write_that_came_too_late_may_be_tried_again() -> None:
    body = b'{"message": "the object has been modified", "reason": "Conflict", "code": 409}'
    error = refusal(PATCH, 409, body)
    assert error.trouble is Trouble.CONFLICT
    assert error.temporary


def conflict(*owned: tuple[str, str]) -> Conflict:
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{who}" using v1', "field": f}
        for who, f in owned
    ]
    body = json.dumps({"message": "Apply failed", "code": 409, "details": {"causes": causes}})
    error = refusal(PATCH, 409, body.encode())
    assert isinstance(error, Conflict)
    return error


def test_a_conflict_names_each_owner_once() -> None:
    error = conflict(("helm", ".a"), ("argocd-controller", ".b"), ("helm", ".c"))
    assert error.values["owners"] == "helm, argocd-controller"
    assert error.values["fields"] == ".a, .b, .c"


def test_our_own_fields_are_no_conflict_but_those_of_others_beside_them_are() -> None:
    assert conflict(("dynamo", ".a")).beyond({"dynamo"}) is None
    left = conflict(("dynamo", ".a"), ("helm", ".b")).beyond({"dynamo"})
    assert left is not None
    assert (left.values["owners"], left.values["fields"]) == ("helm", ".b")


@pytest.mark.parametrize(
    "message",
    [
        'pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2',
        'admission webhook "policy.example.com" denied the request: no root',
        'deployments.apps "x" is forbidden: unable to create new content in namespace qa because '
        "it is being terminated",
    ],
)
def test_a_quota_or_a_webhook_is_the_servers_refusal_and_no_missing_right(message: str) -> None:
    error = refusal(PATCH, 403, json.dumps({"message": message, "code": 403}).encode())
    assert error.trouble is Trouble.INVALID
    assert error.values["message"] == message


def test_a_right_on_a_subresource_is_named_as_rights_are_written() -> None:
    message = (
        'deployments.apps "x" is forbidden: User "dynamo" cannot patch resource '
        '"deployments/scale" in API group "apps" in the namespace "qa"'
    )
    error = refusal(PATCH, 403, json.dumps({"message": message}).encode())
    assert error.values["resource"] == "deployments.apps/scale"


def test_a_forbidden_read_in_unknown_words_names_what_was_asked() -> None:
    asked = Asked("get", PODS, "dynamo-qa", "x", "log")
    error = refusal(asked, 403, b"denied by a proxy")
    assert error.trouble is Trouble.FORBIDDEN
    assert (error.values["verb"], error.values["resource"]) == ("get", "pods/log")


@pytest.mark.parametrize(
    ("status", "trouble", "temporary"),
    [
        (401, Trouble.UNAUTHENTICATED, False),
        (404, Trouble.NOT_FOUND, False),
        (413, Trouble.INVALID, False),
        (415, Trouble.UNEXPECTED, False),
        (429, Trouble.THROTTLED, True),
        (500, Trouble.AWAY, True),
        (503, Trouble.AWAY, True),
        (504, Trouble.AWAY, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"details": 7, "code": "x"}'])
def test_a_body_that_is_no_status_has_the_meaning_of_its_code(
    status: int, trouble: Trouble, temporary: bool, body: bytes
) -> None:
    error = refusal(Asked("get", PODS, "dynamo-qa"), status, body)
    assert (error.trouble, error.temporary) == (trouble, temporary)
    assert error.values["message"]


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b"", 7.0),
        ({}, b'{"details": {"retryAfterSeconds": 3}}', 3.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", None),
    ],
)
def test_a_busy_server_says_when_to_come_again(
    headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    assert refusal(PATCH, 429, body, headers).retry_after == seconds


def test_a_version_that_is_no_longer_kept_is_told_apart() -> None:
    assert isinstance(refusal(PATCH, 410, b'{"reason": "Expired"}'), Expired)


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (TimeoutError(), True),
        (ConnectionResetError("reset by peer"), True),
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientConnectorCertificateError(_SERVER, ssl.CertificateError("no")), False),
    ],
)
def test_no_answer_is_away_and_a_bad_certificate_stays_bad(error: Any, temporary: bool) -> None:
    found = no_answer(error)
    assert found.trouble is Trouble.AWAY
    assert found.temporary is temporary
    assert found.values["message"]


def test_no_name_leaves_its_place_in_a_path() -> None:
    path = DEPLOYMENTS.path("qa", "../../../api/v1/secrets?x=1")
    assert (
        path == "/apis/apps/v1/namespaces/qa/deployments/..%2F..%2F..%2Fapi%2Fv1%2Fsecrets%3Fx%3D1"
    )
