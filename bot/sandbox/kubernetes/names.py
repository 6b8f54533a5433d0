"""What names may look like, in the words of k8s.io/apimachinery/pkg/util/validation."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"

_LABEL_SAYS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    f"for validation is '{_LABEL}')"
)
_SUBDOMAIN_SAYS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    f"for validation is '{_SUBDOMAIN}')"
)
_QUALIFIED_SAYS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    f"validation is '{_QUALIFIED}')"
)
_VALUE_SAYS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    f"or '12345', regex used for validation is '({_QUALIFIED})?')"
)
_CONFIG_KEY_SAYS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    f"'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_CONFIG_KEY}')"
)


def _longer(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} bytes"] if len(text.encode()) > limit else []


def label(text: str) -> list[str]:
    """DNS-1123 label: names of containers, volumes, namespaces."""
    problems = _longer(text, 63)
    if not re.fullmatch(_LABEL, text):
        problems.append(_LABEL_SAYS)
    return problems


def subdomain(text: str) -> list[str]:
    """DNS-1123 subdomain: names of most objects."""
    problems = _longer(text, 253)
    if not re.fullmatch(_SUBDOMAIN, text):
        problems.append(_SUBDOMAIN_SAYS)
    return problems


def path_segment(text: str) -> list[str]:
    """Names that only have to fit into a URL path, as RBAC's do."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{sign}'" for sign in ("/", "%") if sign in text]


def qualified(text: str) -> list[str]:
    """A label key or annotation key: `[prefix/]name`."""
    parts = text.split("/")
    if len(parts) > 2:
        return [
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
            f"'123-abc', regex used for validation is '{_QUALIFIED}') with an optional DNS "
            "subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    problems: list[str] = []
    if len(parts) == 2:
        if not parts[0]:
            problems.append("prefix part must be non-empty")
        else:
            problems.extend(f"prefix part {problem}" for problem in subdomain(parts[0]))
    name = parts[-1]
    if not name:
        problems.append("name part must be non-empty")
    problems.extend(f"name part {problem}" for problem in _longer(name, 63))
    if not re.fullmatch(_QUALIFIED, name):
        problems.append(_QUALIFIED_SAYS)
    return problems


def label_value(text: str) -> list[str]:
    problems = _longer(text, 63)
    if text and not re.fullmatch(_QUALIFIED, text):
        problems.append(_VALUE_SAYS)
    return problems


def config_key(text: str) -> list[str]:
    problems = _longer(text, 253)
    if not re.fullmatch(_CONFIG_KEY, text):
        problems.append(_CONFIG_KEY_SAYS)
    if text in (".", ".."):
        problems.append(f"must not be '{text}'")
    elif text.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def env_name(text: str) -> list[str]:
    """Relaxed since Kubernetes 1.34: anything printable but the equals sign."""
    if all(" " <= character <= "~" and character != "=" for character in text):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='"
    ]


def port_name(text: str) -> list[str]:
    problems: list[str] = []
    if len(text) > 15:
        problems.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", text):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_number(number: int) -> list[str]:
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]
