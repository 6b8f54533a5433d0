"""Label and field selectors: parse the query parameter once, match objects cheaply.

Label selectors follow k8s.io/apimachinery/pkg/labels (`a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`,
`a`, `!a`, `a>1`), field selectors the per-kind tables of the real server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.kubernetes import names
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.statuses import bad_request
from bot.sandbox.kubernetes.stored import Object

Match = Callable[[Object], bool]
_TOKEN = re.compile(r"\s*(?:(==|!=|[=,()!<>])|([^\s=,()!<>]+))")
_SYMBOLS = frozenset({"=", "==", "!=", ",", "(", ")", "!", "<", ">"})
_END = ("", "")


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str  # "in", "notin", "=", "!=", "exists", "!", "gt", "lt"
    values: tuple[str, ...] = ()

    def matches(self, labels: Object) -> bool:
        value = labels.get(self.key)
        if self.operator in ("in", "="):
            return value in self.values
        if self.operator in ("notin", "!="):
            return value not in self.values
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "!":
            return self.key not in labels
        if value is None or not re.fullmatch(r"-?\d+", value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if self.operator == "gt" else int(value) < bound


def matches_object(selector: Object, labels: Object) -> bool:
    """A LabelSelector object (matchLabels, matchExpressions) against labels."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    return all(
        Requirement(
            one.get("key", ""),
            operators.get(one.get("operator", ""), "in"),
            tuple(one.get("values") or ()),
        ).matches(labels)
        for one in selector.get("matchExpressions") or []
    )


def selector_text(selector: Object | None) -> str:
    """A LabelSelector as the scale subresource and tables write it."""
    if selector is None:
        return ""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        values = ",".join(sorted(one.get("values") or []))
        parts.append(
            {
                "In": f"{one['key']} in ({values})",
                "NotIn": f"{one['key']} notin ({values})",
                "Exists": one["key"],
                "DoesNotExist": f"!{one['key']}",
            }[one["operator"]]
        )
    return ",".join(sorted(parts))


# Label selectors


def parse_labels(text: str) -> list[Requirement]:
    """Raises ApiError 400 with the parser's complaint, word by word (labels/selector.go: Parser).

    What is wrong inside of a requirement is told as such; what stands between two is not.
    """
    tokens = [*_TOKEN.findall(text), _END]
    words = [symbol or word for symbol, word in tokens]
    found: list[Requirement] = []
    at = 0
    while words[at]:
        if words[at] in _SYMBOLS and words[at] != "!":
            raise bad_request(f"found '{words[at]}', expected: !, identifier, or 'end of string'")
        requirement, at = _requirement(words, at)
        found.append(requirement)
        if words[at] == ",":
            at += 1
            if not words[at] or (words[at] in _SYMBOLS and words[at] != "!"):
                raise bad_request(f"found '{words[at]}', expected: identifier after ','")
        elif words[at]:
            raise bad_request(f"found '{words[at]}', expected: ',' or 'end of string'")
    return found


def _unparsable(problem: str) -> Exception:
    return bad_request(f"unable to parse requirement: {problem}")


def _is_word(text: str) -> bool:
    return bool(text) and text not in _SYMBOLS


def _requirement(words: list[str], at: int) -> tuple[Requirement, int]:
    negated = words[at] == "!"
    at += negated
    key = words[at]
    if not _is_word(key):
        raise _unparsable(f"found '{key}', expected: identifier")
    problems = names.qualified(key)
    if problems:
        raise _unparsable(f'<nil>: Invalid value: "{key}": {"; ".join(problems)}')
    at += 1
    operator = words[at]
    if operator in ("", ","):
        return Requirement(key, "!" if negated else "exists"), at
    if operator in ("=", "==", "!="):
        value, at = _value(words, at + 1)
        _check_value(key, value)
        return Requirement(key, "!=" if operator == "!=" else "=", (value,)), at
    if operator in ("in", "notin"):
        values, at = _value_list(words, at + 1)
        for value in values:
            _check_value(key, value)
        return Requirement(key, operator, tuple(values)), at
    if operator in ("<", ">"):
        value, at = _value(words, at + 1)
        if not re.fullmatch(r"[+-]?\d+", value):
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise _unparsable(f'values[0]: Invalid value: "{value}": {detail}')
        return Requirement(key, "gt" if operator == ">" else "lt", (value,)), at
    raise _unparsable(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")


def _check_value(key: str, value: str) -> None:
    problems = names.label_value(value)
    if problems:
        raise _unparsable(f'values[0][{key}]: Invalid value: "{value}": {"; ".join(problems)}')


def _value(words: list[str], at: int) -> tuple[str, int]:
    if words[at] in ("", ","):
        return "", at
    if not _is_word(words[at]):
        raise _unparsable(f"found '{words[at]}', expected: identifier")
    return words[at], at + 1


def _value_list(words: list[str], at: int) -> tuple[list[str], int]:
    """`(a,b)`; between two commas, and beside one that has nothing, stands the empty value."""
    if words[at] != "(":
        raise _unparsable(f"found '{words[at]}' expected: '('")
    at += 1
    if words[at] == ")":
        return [""], at + 1
    if words[at] != "," and not _is_word(words[at]):
        raise _unparsable(f"found '{words[at]}', expected: ',', ')' or identifier")
    values: list[str] = []
    while True:
        word, following = words[at], words[at + 1] if words[at] else ""
        if _is_word(word):
            values.append(word)
            if following not in (",", ")"):
                raise _unparsable(f"found '{following}', expected: ',' or ')'")
        elif word == ",":
            if not values or following in (",", ")"):
                values.append("")
        else:
            raise _unparsable(f"found '{word}', expected: ',', or identifier")
        at += 1
        if words[at] == ")":
            return sorted(set(values)), at + 1


# Field selectors

_POD_FIELDS = (
    *("metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy"),
    *("spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase"),
    *("status.podIP", "status.podIPs", "status.nominatedNodeName"),
)
_EVENT_FIELDS = (
    *("involvedObject.kind", "involvedObject.namespace", "involvedObject.name"),
    *("involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion"),
    *("involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"),
    *("metadata.name", "metadata.namespace"),
)
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": _POD_FIELDS,
    "events": _EVENT_FIELDS,
    "namespaces": ("status.phase", "metadata.name"),
    "nodes": ("metadata.name", "spec.unschedulable"),
    "secrets": ("type", "metadata.namespace", "metadata.name"),
    "services": ("metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"),
    "replicasets.apps": ("metadata.name", "metadata.namespace", "status.replicas"),
    "jobs.batch": ("metadata.name", "metadata.namespace", "status.successful"),
}
_PLAIN = ("metadata.name", "metadata.namespace")
# pkg/apis/events/v1/conversion.go: what events.k8s.io calls the fields of a core event.
_EVENT_SAME = (*_PLAIN, "reason", "type")
_EVENT_LABELS = {
    "reportingController": "reportingComponent",
    **{
        f"regarding.{name}": f"involvedObject.{name}"
        for name in (
            *("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"),
        )
    },
}


@dataclass(frozen=True, slots=True)
class FieldTerm:
    path: tuple[str, ...]
    value: str
    negated: bool = False

    def matches(self, obj: Object) -> bool:
        return (self._read(obj) == self.value) is not self.negated

    def _read(self, obj: Object) -> str:
        if self.path == ("source",):  # an event's source.component, or who reported it
            component = (obj.get("source") or {}).get("component")
            return str(component or obj.get("reportingComponent") or "")
        value: Any = obj
        for part in self.path:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)


def parse_fields(kind: Kind, text: str) -> list[FieldTerm]:
    """Raises ApiError 400 for text that is no selector, and for fields the kind does not have."""
    found: list[FieldTerm] = []
    for part in re.split(r"(?<!\\),", text):
        if not part:
            continue
        match = re.match(r"(.*?)(!=|==|=)(.*)", part, re.DOTALL)
        if match is None:
            raise bad_request(
                f"invalid field selector: {text!r}".replace("'", '"')
                + "; can't understand '"
                + part
                + "'"
            )
        label, operator, value = match.groups()
        supported = _FIELDS.get(kind.key)
        asked = label
        if kind.schema == "events.Event":  # stored as a core event, under other names
            label = _EVENT_LABELS.get(label, label if label in _EVENT_SAME else "")
        if label not in (supported or _PLAIN):
            raise bad_request(_unsupported(asked, known=supported is not None))
        value = re.sub(r"\\(.)", r"\1", value)
        found.append(FieldTerm(tuple(label.split(".")), value, operator == "!="))
    return found


def _unsupported(label: str, *, known: bool) -> str:
    if known:
        return f"field label not supported: {label}"
    return f'"{label}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def naming(name: str, fields: str) -> str:
    """The field selector of one object (handlers/get.go: ListResource). Raises ApiError 400."""
    if fields and selected_name(fields) != name:
        raise bad_request("fieldSelector metadata.name doesn't match requested name")
    return fields or f"metadata.name={name}"


def selected_name(fields: str) -> str:
    """The name that a field selector demands; empty where it demands none."""
    for term in fields.split(","):
        label, _, value = term.partition("=")
        if label == "metadata.name" and value:
            return value.removeprefix("=")
    return ""


def matcher(kind: Kind, labels: str, fields: str) -> Match | None:
    """One test for both selectors; None when everything matches."""
    requirements = parse_labels(labels) if labels.strip() else []
    terms = parse_fields(kind, fields) if fields.strip() else []
    if not requirements and not terms:
        return None

    def matches(obj: Object) -> bool:
        its_labels = obj["metadata"].get("labels") or {}
        return all(one.matches(its_labels) for one in requirements) and all(
            term.matches(obj) for term in terms
        )

    return matches
