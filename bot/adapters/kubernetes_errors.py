"""The one place where what a Kubernetes API server refuses, or does not answer, becomes a
`PortError`.

The grammar of the refusals was read from a real 1.36 server (tests/recordings/api-exchanges.jsonl);
`kubernetes_connections` calls this, everybody else only sees `PortError`.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.errors import PortError, Trouble

_DENIED = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_OWNER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')
# The server answers 500, with no reason, to a manifest whose fields its schema does not know.
_BAD_MANIFEST = re.compile(r"failed to create typed (patch|live) object|field not declared")
_READS = frozenset({"get", "list", "watch"})
_PORT = "cluster"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API's paths and rights call it."""

    group: str
    version: str
    plural: str

    @property
    def full(self) -> str:
        """`deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = ["namespaces", namespace] if namespace else []
        parts += [part for part in (self.plural, name, subresource) if part]
        return root + "".join("/" + quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked for what, in the words of a right: names it when the answer does not."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A Kubernetes `Status`, as far as it could be read."""

    code: int
    message: str = ""
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, code: int, body: bytes) -> "Status":
        """A body that is no Status (a proxy's page, a kubelet's line) is its own message."""
        try:
            raw = json.loads(body)
        except ValueError:
            raw = None
        if not isinstance(raw, dict):
            return cls(code, body[:2000].decode("utf-8", "replace").strip())
        return cls.of(raw, code)

    @classmethod
    def of(cls, raw: Mapping[str, Any], code: int = 0) -> "Status":
        details = raw.get("details")
        given = raw.get("code")
        return cls(
            given if isinstance(given, int) and given else code,
            str(raw.get("message") or ""),
            str(raw.get("reason") or ""),
            details if isinstance(details, dict) else {},
        )

    @property
    def expired(self) -> bool:
        """The version asked for is no longer kept: list anew."""
        return self.code == 410 or self.reason in ("Expired", "Gone")

    @property
    def causes(self) -> list[Mapping[str, Any]]:
        causes = self.details.get("causes")
        return [c for c in causes if isinstance(c, dict)] if isinstance(causes, list) else []

    @property
    def retry_after(self) -> float | None:
        seconds = self.details.get("retryAfterSeconds")
        return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None


class Conflict(PortError):  # noqa: N818
    """Fields of the apply belong to other managers. `owned`: (manager, field), as the server says;
    none where somebody simply wrote first."""

    def __init__(self, message: str, owned: Sequence[tuple[str, str]]) -> None:
        self.owned = tuple(owned)
        super().__init__(
            _PORT,
            Trouble.CONFLICT,
            temporary=not owned,
            values={
                "message": message,
                "owners": ", ".join(dict.fromkeys(owner for owner, _ in owned)),
                "fields": ", ".join(dict.fromkeys(field for _, field in owned)),
            },
        )

    def beyond(self, managers: Collection[str]) -> "Conflict | None":
        """What is left of it when these managers do not count; None where nothing is."""
        left = [pair for pair in self.owned if pair[0] not in managers]
        return Conflict(self.values["message"], left) if left else None


class Expired(PortError):  # noqa: N818 - the API's own word for it
    """The server no longer keeps the version that a list or watch was to go on from."""


def refusal(
    asked: Asked, code: int, body: bytes, headers: Mapping[str, str] | None = None
) -> PortError:
    """What an answer that is no success means."""
    status = Status.read(code, body)
    return refused(asked, status, _retry_after(headers or {}) or status.retry_after)


def refused(asked: Asked, status: Status, retry_after: float | None = None) -> PortError:
    """What a Status means, come as an answer or inside of a stream."""
    message = status.message or f"the API server answered {status.code}"
    if status.expired:
        return Expired(_PORT, Trouble.UNEXPECTED, temporary=True, values={"message": message})
    match status.code:
        case 401:
            return _error(Trouble.UNAUTHENTICATED, message)
        case 403:
            return _forbidden(asked, message)
        case 404:
            return _not_found(asked, status, message)
        case 409:
            return _conflict(status, message)
        case 400 | 413 | 422:
            return _error(Trouble.INVALID, message)
        case 429:
            return _error(Trouble.THROTTLED, message, temporary=True, retry_after=retry_after)
        case 500 if asked.verb == "patch" and _BAD_MANIFEST.search(message):
            return _error(Trouble.INVALID, message)
        case code if code >= 500:
            return _error(Trouble.AWAY, message, temporary=True, retry_after=retry_after)
    return _error(Trouble.UNEXPECTED, message)


def no_answer(error: Exception) -> PortError:
    """The connection failed or took too long. A certificate that does not fit stays unfit."""
    lasting = isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL)
    message = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else "")
    return _error(Trouble.AWAY, message or type(error).__name__, temporary=not lasting)


def unexpected(message: str) -> PortError:
    """The answer is not what the API's contract promises."""
    return _error(Trouble.UNEXPECTED, message, temporary=True)


def _error(
    trouble: Trouble,
    message: str,
    *,
    temporary: bool = False,
    retry_after: float | None = None,
    **values: str,
) -> PortError:
    return PortError(
        _PORT,
        trouble,
        temporary=temporary,
        retry_after=retry_after,
        values={"message": message, **values},
    )


def _forbidden(asked: Asked, message: str) -> PortError:
    """A missing right names verb, resource and namespace; other 403 (quota, admission webhook, pod
    security, a namespace that is being deleted) are the server's refusal of this object."""
    found = _DENIED.search(message)
    if found is None and asked.verb not in _READS:
        return _error(Trouble.INVALID, message)
    if found is None:
        verb, namespace = asked.verb, asked.namespace
        resource = asked.resource.full + (f"/{asked.subresource}" if asked.subresource else "")
    else:
        plural, slash, subresource = found["resource"].partition("/")
        group = f".{found['group']}" if found["group"] else ""
        verb, namespace = found["verb"], found["namespace"] or ""
        resource = f"{plural}{group}{slash}{subresource}"
    return _error(Trouble.FORBIDDEN, message, verb=verb, resource=resource, namespace=namespace)


def _not_found(asked: Asked, status: Status, message: str) -> PortError:
    kind = str(status.details.get("kind") or asked.resource.plural)
    name = str(status.details.get("name") or asked.name)
    return _error(Trouble.NOT_FOUND, message, kind=kind, name=name, namespace=asked.namespace)


def _conflict(status: Status, message: str) -> PortError:
    """With a field manager: who owns which fields. Without: somebody wrote first; read again."""
    owned = [
        (owner[1], str(cause.get("field") or ""))
        for cause in status.causes
        if cause.get("reason") == "FieldManagerConflict"
        and (owner := _OWNER.search(str(cause.get("message") or "")))
    ]
    return Conflict(message, owned)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header where it is seconds; its date form is left to the back-off."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
