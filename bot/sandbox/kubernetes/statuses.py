"""Refusals as the API server words them: Status bodies with reason, details and code.

The wording follows k8s.io/apimachinery/pkg/api/errors and pkg/util/validation/field, because people
and programs read it: the bot shows it, `kubectl` prints it, clients branch on `reason`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.stored import Object, encode

WHOLE = "[]"  # how Go prints a field path without a name: a complaint about the whole object


class ApiError(Exception):
    """A request that ends in a Status; raised anywhere below the server, written there."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Object | None = None,
        metadata: Object | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    def status(self) -> Object:
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


@dataclass(frozen=True, slots=True)
class FieldError:
    """One complaint of validation: `path: message`."""

    path: str
    reason: str
    message: str

    def cause(self) -> Object:
        return {"reason": self.reason, "message": self.message, "field": self.path}

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the admission hook says no with; the default is the Forbidden of a quota."""

    message: str
    code: int = 403
    reason: str = "Forbidden"
    causes: tuple[Object, ...] = field(default=())


def go(value: Any) -> str:
    """A value as field errors print it: strings quoted, everything else as JSON."""
    return encode(value).decode()


def json_word(value: Any) -> str:
    """What encoding/json calls a value that it cannot take."""
    if isinstance(value, bool):
        return "bool"
    words = {str: "string", list: "array", dict: "object", int: "number", float: "number"}
    return words.get(type(value), "null")


def invalid_value(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {go(value)}: {detail}")


def required(path: str, detail: str = "") -> FieldError:
    message = f"Required value: {detail}" if detail else "Required value"
    return FieldError(path, "FieldValueRequired", message)


def not_supported(path: str, value: Any, supported: tuple[str, ...]) -> FieldError:
    choices = ", ".join(go(item) for item in supported)
    message = f"Unsupported value: {go(value)}: supported values: {choices}"
    return FieldError(path, "FieldValueNotSupported", message)


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(path, "FieldValueDuplicate", f"Duplicate value: {go(value)}")


def forbidden_field(path: str, detail: str) -> FieldError:
    return FieldError(path, "FieldValueForbidden", f"Forbidden: {detail}")


def too_long(path: str, limit: int) -> FieldError:
    return FieldError(path, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def _about(kind: Kind, name: str = "") -> Object:
    details: Object = {}
    if name:
        details["name"] = name
    if kind.group:
        details["group"] = kind.group
    details["kind"] = kind.plural
    return details


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind.qualified} "{name}" not found', _about(kind, name))


def already_exists(kind: Kind, name: str, *, goes: bool = False) -> ApiError:
    message = f'{kind.qualified} "{name}" already exists'
    if goes:
        message = f"object is being deleted: {message}"
    return ApiError(409, "AlreadyExists", message, _about(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    why = why or (
        "the object has been modified; please apply your changes to the latest version and "
        "try again"
    )
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _about(kind, name))


def precondition(kind: Kind, name: str, why: str) -> ApiError:
    """A deletion's precondition that does not hold; it names the kind where others name the
    resource (registry/rest/delete.go: BeforeDelete).
    """
    message = f'Operation cannot be fulfilled on {kind.qualified_kind} "{name}": {why}'
    return ApiError(409, "Conflict", message, {**_about(kind, name), "kind": kind.kind})


def forbidden(kind: Kind, name: str, why: str, causes: tuple[Object, ...] = ()) -> ApiError:
    return forbidden_resource(kind.group, kind.plural, name, why, causes)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """An error that the server never typed: 500 without reason and details."""
    return ApiError(500, "", message)


def invalid_kind(
    qualified_kind: str, group: str, kind: str, name: str, errors: list[FieldError]
) -> ApiError:
    """422 with every complaint as a cause; the message lists them, each text once."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details: Object = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    details["causes"] = [error.cause() for error in errors]
    return ApiError(422, "Invalid", f'{qualified_kind} "{name}" is invalid: {listed}', details)


def invalid(kind: Kind, name: str, errors: list[FieldError]) -> ApiError:
    return invalid_kind(kind.qualified_kind, kind.group, kind.kind, name, errors)


def invalid_options(options: str, errors: list[FieldError]) -> ApiError:
    """Query parameters that are wrong: `PatchOptions.meta.k8s.io "" is invalid: …`."""
    return invalid_kind(f"{options}.meta.k8s.io", "meta.k8s.io", options, "", errors)


def forbidden_resource(
    group: str, resource: str, name: str, why: str, causes: tuple[Object, ...] = ()
) -> ApiError:
    """As `forbidden`, for a resource that there may not even be."""
    qualified = f"{resource}.{group}" if group else resource
    details: Object = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = resource
    if causes:
        details["causes"] = list(causes)
    subject = f'{qualified} "{name}"' if name else qualified
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def no_such_resource() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def unsupported_media_type(accepted: tuple[str, ...]) -> ApiError:
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)


def not_acceptable(accepted: tuple[str, ...]) -> ApiError:
    message = f"only the following media types are accepted: {', '.join(accepted)}"
    return ApiError(406, "NotAcceptable", message)


def not_that_form(message: str) -> ApiError:
    """A form that exists, asked of what it cannot show."""
    return ApiError(406, "NotAcceptable", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def unprocessable() -> ApiError:
    """A JSON patch that cannot be applied, such as one whose test fails."""
    message = "the server rejected our request due to an error in our request"
    return ApiError(422, "Invalid", message, {})


def expired(message: str, continue_token: str = "") -> ApiError:
    metadata = {"continue": continue_token} if continue_token else None
    return ApiError(410, "Expired", message, metadata=metadata)


def too_large_version(wanted: int, current: int) -> ApiError:
    """504 of a watch cache that has not seen the version yet; clients try again after a second."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {wanted}, current: {current}",
        {"causes": [cause], "retryAfterSeconds": 1},
    )
