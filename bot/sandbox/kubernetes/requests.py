"""A request taken apart: what its path means, what its query and headers ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.sandbox.kubernetes import patches, statuses
from bot.sandbox.kubernetes.access import Ask, User
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.resources import KINDS, Kind, find
from bot.sandbox.kubernetes.selectors import selected_name
from bot.sandbox.kubernetes.statuses import FieldError

PROTOBUF = "application/vnd.kubernetes.protobuf"
BODY_TYPES = ("application/json", "application/yaml", PROTOBUF)
_ANSWER_TYPES = (*BODY_TYPES, f"{PROTOBUF};stream=watch")
_POD_SUBRESOURCES = ("log", "eviction", "exec", "attach", "portforward")
_STREAMED = ("exec", "attach", "portforward")
_DURATION = re.compile(r"[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)")
_VERBS = {
    ("GET", True): "get",
    ("GET", False): "list",
    ("POST", False): "create",
    ("PUT", True): "update",
    ("PATCH", True): "patch",
    ("DELETE", True): "delete",
    ("DELETE", False): "deletecollection",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path and method mean. `namespace` is empty for the whole cluster."""

    kind: Kind
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """As rights name it: "pods/log"."""
        return "/".join(filter(None, (self.kind.plural, self.subresource)))


def parse_path(method: str, path: str, query: Mapping[str, str]) -> Target | None:
    """The resource that a path names; None for a path outside of the API's groups.

    Raises ApiError 404 for a resource that the group does not have, 405 for a wrong method.
    """
    found = _in_group(path)
    if found is None:
        return None
    group, version, rest = found
    if not any((kind.group, kind.version) == (group, version) for kind in KINDS):
        return None
    by_path = rest[0] == "watch" and len(rest) > 1 and method == "GET"  # deprecated, still served
    if by_path:
        rest, query = rest[1:], {**query, "watch": "true"}
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (
        len(rest) == 3 and rest[2] in ("status", "finalize")
    ):  # fmt: skip
        namespace, rest = rest[1], rest[2:]
    target = _target(method, find(group, version, rest[0]), namespace, rest, query)
    if by_path and (target.subresource or "watch" not in target.kind.verbs):
        raise statuses.no_such_resource()
    return replace(target, verb="watch") if by_path else target


def _in_group(path: str) -> tuple[str, str, list[str]] | None:
    """Group, version and what follows them; None for a path outside of the API's groups."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        return "", parts[1], parts[2:]
    if parts[:1] == ["apis"] and len(parts) > 3:
        return parts[1], parts[2], parts[3:]
    return None


def _target(
    method: str, kind: Kind | None, namespace: str, rest: list[str], query: Mapping[str, str]
) -> Target:
    if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
        raise statuses.no_such_resource()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if kind.namespaced and name and not namespace:
        raise statuses.no_such_resource()
    if subresource and not _has_subresource(kind, subresource):
        raise statuses.no_such_resource()
    verb = _VERBS.get((method, bool(name)), "")
    if verb == "list" and _is_true(query.get("watch")):
        verb = "watch"
    needs_place = verb == "create" and kind.namespaced and not namespace
    if subresource:
        verb = _subresource_verb(method, subresource)
    if needs_place or (not subresource and verb not in kind.verbs):
        raise statuses.method_not_allowed()
    return Target(kind, verb, namespace, name, subresource)


def _subresource_verb(method: str, subresource: str) -> str:
    verbs = {"GET": "get", "PUT": "update", "PATCH": "patch"}
    if subresource == "eviction":
        verbs = {"POST": "create"}
    elif subresource in _STREAMED:
        verbs = {"GET": "get", "POST": "create"}
    if method not in verbs:
        raise statuses.method_not_allowed()
    return verbs[method]


def asked(method: str, path: str, query: Mapping[str, str], user: User) -> Ask | None:
    """What the authorizer is asked about a request, from its path alone, whether there is such a
    resource or not (endpoints/request/requestinfo.go); None for a path that is no resource's.
    """
    found = _in_group(path)
    if found is None:
        return None
    group, _, rest = found
    watching = rest[0] == "watch" and len(rest) > 1
    rest = rest[1:] if watching else rest
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource, name = "/".join(filter(None, (rest[0], "".join(rest[2:3])))), "".join(rest[1:2])
    verb = {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())
    if method in ("GET", "HEAD"):
        verb = "get" if name else "list"
        if watching or (verb == "list" and _is_true(query.get("watch"))):
            verb = "watch"
        name = name or selected_name(query.get("fieldSelector", ""))
    elif method == "DELETE":
        verb = "delete" if name else "deletecollection"
    return Ask(user.name, verb, group, resource, namespace, name, user.groups)


def _has_subresource(kind: Kind, subresource: str) -> bool:
    return (
        (subresource == "status" and kind.status)
        or (subresource == "scale" and kind.scale)
        or (subresource in _POD_SUBRESOURCES and kind.plural == "pods")
        or (subresource == "finalize" and kind.plural == "namespaces")
    )


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() not in ("false", "0")


def flag(query: Mapping[str, str], name: str) -> bool:
    return _is_true(query.get(name))


def number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise statuses.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(2**63) <= int(text) < 2**63:
        raise statuses.bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def check_timeout(query: Mapping[str, str]) -> None:
    """`timeout` is a Go duration (filters/request_deadline.go). Raises ApiError 400."""
    text = query.get("timeout", "")
    if text and not _DURATION.fullmatch(text):
        why = f'invalid timeout specified in the request URL - time: invalid duration "{text}"'
        raise statuses.bad_request(why)


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def body_type(content_type: str) -> str:
    """Of a POST or PUT. Raises ApiError 415."""
    wanted = media_type(content_type) or BODY_TYPES[0]
    if wanted not in BODY_TYPES:
        raise statuses.unsupported_media_type(BODY_TYPES)
    return wanted


def patch_type(content_type: str) -> str:
    """Of a PATCH. Raises ApiError 415."""
    wanted = media_type(content_type)
    if wanted not in patches.CONTENT_TYPES:
        raise statuses.unsupported_media_type(patches.CONTENT_TYPES)
    return wanted


@dataclass(frozen=True, slots=True)
class Form:
    """How the answer is wanted: plain, as a Table, or metadata only; JSON or YAML."""

    shape: str = "object"  # "object", "table" or "metadata"
    yaml: bool = False
    stream: bool = False
    of_list: bool = False  # PartialObjectMetadataList was asked for


def accepted(accept: str) -> Form:
    """The first form of the Accept header that can be given. Raises ApiError 406."""
    if not accept.strip():
        return Form()
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        words = dict(piece.partition("=")[::2] for piece in parameters)
        wanted = words.get("as", "")
        if kind not in ("application/json", "application/yaml", "*/*", "application/*"):
            continue
        yaml, stream = kind == "application/yaml", words.get("stream") == "watch"
        if wanted == "Table" and words.get("v", "v1") == "v1":
            return Form("table", yaml, stream)
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form("metadata", yaml, stream, wanted.endswith("List"))
        if not wanted:
            return Form("object", yaml, stream)
    raise statuses.not_acceptable(_ANSWER_TYPES)


def write_options(
    query: Mapping[str, str], user_agent: str, verb: str, *, apply: bool = False
) -> WriteOptions:
    """Raises ApiError 422, naming CreateOptions, UpdateOptions or PatchOptions."""
    problems: list[FieldError] = []
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All"):
        problems.append(statuses.not_supported("dryRun", [dry_run], ("All",)))
    manager = query.get("fieldManager", "")
    if len(manager) > 128:
        problems.append(statuses.too_long("fieldManager", 128))
    for at, character in enumerate(manager):
        if not character.isprintable():
            text = f"invalid character U+{ord(character):04X} (at position {at})"
            problems.append(statuses.invalid_value("fieldManager", manager, text))
    if apply and not manager:
        problems.append(statuses.required("fieldManager", "is required for apply patch"))
    if not apply and "force" in query:
        text = "may not be specified for non-apply patch"
        problems.append(statuses.forbidden_field("force", text))
    directive = query.get("fieldValidation", "")
    if directive not in ("", "Ignore", "Strict", "Warn"):
        choices = ("", "Ignore", "Strict", "Warn")
        problems.append(statuses.not_supported("fieldValidation", directive, choices))
    if problems:
        options = {"create": "CreateOptions", "update": "UpdateOptions"}.get(verb, "PatchOptions")
        raise statuses.invalid_options(options, problems)
    return WriteOptions(
        manager or user_agent.partition("/")[0][:128] or "unknown",
        dry_run == "All",
        flag(query, "force"),
        directive or "Warn",
    )
