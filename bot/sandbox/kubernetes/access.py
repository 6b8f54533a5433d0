"""Who may do what: impersonation, a table of rights, and the access reviews that ask about it.

A request without impersonation is the administrator's. Users get rights from the `Rights` table or
from Role and ClusterRole objects bound to them in the cluster, as RBAC does; nobody else has any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDictProxy

from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.statuses import ApiError, forbidden_resource, unauthorized
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object

ADMIN = "system:admin"
_MASTERS = "system:masters"
_AUTHENTICATED = "system:authenticated"
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """Verbs on resources ("pods", "pods/log", "*") of groups, in namespaces ("*": everywhere)."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...] = (_ANY,)
    groups: tuple[str, ...] = (_ANY,)
    namespaces: tuple[str, ...] = (_ANY,)
    names: tuple[str, ...] = ()

    def allows(self, ask: Ask) -> bool:
        return (
            _has(self.verbs, ask.verb)
            and _has(self.groups, ask.group)
            and (_has(self.resources, ask.resource) or f"*/{ask.subresource}" in self.resources)
            and _has(self.namespaces, ask.namespace)
            and (not self.names or ask.name in self.names)
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: may this user do this? `namespace` empty means the whole cluster."""

    user: str
    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()

    @property
    def subresource(self) -> str:
        return self.resource.partition("/")[2]


# What system:basic-user and system:discovery give to everybody.
_ABOUT_ONESELF = (
    Grant(("create",), ("selfsubjectreviews",), ("authentication.k8s.io",)),
    Grant(
        ("create",),
        ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
        ("authorization.k8s.io",),
    ),
)
_PUBLIC = ("api", "apis", "healthz", "livez", "readyz", "openapi", "version")
_PUBLIC_BELOW = ("api", "apis", "openapi")  # with all that is under them
_PUBLIC_URLS = [
    *("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*"),
    *("/readyz", "/version", "/version/"),
]


@dataclass(slots=True)
class Rights:
    """The users that exist beside the administrator; `tokens` maps bearer tokens to users.

    With no tokens every caller is the administrator; with some, an unknown token is 401.
    """

    grants: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    admins: tuple[str, ...] = (ADMIN,)

    def allow(self, user: str, *grants: Grant) -> None:
        self.grants[user] = (*self.grants.get(user, ()), *grants)

    def administers(self, user: str, groups: tuple[str, ...]) -> bool:
        return user in self.admins or _MASTERS in groups

    def allowed(self, ask: Ask, storage: Storage) -> bool:
        if self.administers(ask.user, ask.groups):
            return True
        return any(grant.allows(ask) for grant in self.of(ask.user, ask.groups, storage))

    def of(self, user: str, groups: tuple[str, ...], storage: Storage) -> Iterator[Grant]:
        yield from _ABOUT_ONESELF
        yield from self.grants.get(user, ())
        yield from _bound(user, groups, storage)


def _has(values: Iterable[str], wanted: str) -> bool:
    return any(value in (_ANY, wanted) for value in values)


def _bound(user: str, groups: tuple[str, ...], storage: Storage) -> Iterator[Grant]:
    """What RoleBindings and ClusterRoleBindings give a user."""
    for binding in storage.views("rolebindings.rbac.authorization.k8s.io"):
        if _is_subject(binding, user, groups):
            namespace = binding["metadata"]["namespace"]
            yield from _rules(storage, binding["roleRef"], namespace, (namespace,))
    for binding in storage.views("clusterrolebindings.rbac.authorization.k8s.io"):
        if _is_subject(binding, user, groups):
            yield from _rules(storage, binding["roleRef"], "", (_ANY,))


def _is_subject(binding: Object, user: str, groups: tuple[str, ...]) -> bool:
    for subject in binding.get("subjects") or []:
        name = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            name = f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
        if (subject.get("kind") == "Group" and name in groups) or (
            subject.get("kind") != "Group" and name == user
        ):
            return True
    return False


def _rules(
    storage: Storage, reference: Object, namespace: str, where: tuple[str, ...]
) -> Iterator[Grant]:
    plural = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
    stored = storage.stored(
        f"{plural}.rbac.authorization.k8s.io",
        namespace if plural == "roles" else None,
        reference.get("name", ""),
    )
    for rule in (stored.view.get("rules") or []) if stored is not None else []:
        yield Grant(
            tuple(rule.get("verbs") or ()),
            tuple(rule.get("resources") or ()),
            tuple(rule.get("apiGroups") or ()),
            where,
            tuple(rule.get("resourceNames") or ()),
        )


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()


class ImpersonationError(Exception):
    """Groups or more of a user are impersonated, and no user (filters/impersonation)."""


def who(headers: CIMultiDictProxy[str], rights: Rights) -> User:
    """The user of a request; an administrator may speak as another.

    Raises ApiError 401 or 403, and ImpersonationError, which has no Status.
    """
    groups = headers.getall("Impersonate-Group", [])
    name = ADMIN
    if rights.tokens:
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or token not in rights.tokens:
            raise unauthorized()
        name = rights.tokens[token]
    other = headers.get("Impersonate-User")
    if not other:
        asked = [*_impersonated(headers, groups)]
        if asked:
            raise ImpersonationError(f"requested [{' '.join(asked)}] without impersonating a user")
        masters = (_MASTERS,) if name in rights.admins else ()
        return User(name, (*masters, _AUTHENTICATED))
    if name not in rights.admins:
        message = (
            f'users "{other}" is forbidden: User "{name}" cannot impersonate resource "users" in '
            'API group "" at the cluster scope'
        )
        raise ApiError(403, "Forbidden", message, {"name": other, "kind": "users"})
    return User(other, tuple(dict.fromkeys((*groups, _AUTHENTICATED))))


def _impersonated(headers: CIMultiDictProxy[str], groups: list[str]) -> Iterator[str]:
    """What is asked for beside a user, as Go prints object references."""
    version = "authentication.k8s.io/v1"
    yield from (f"{{Group  {group}    }}" for group in groups)
    for name, value in headers.items():
        if name.lower().startswith("impersonate-extra-"):
            key = name.lower().removeprefix("impersonate-extra-")
            yield f"{{UserExtra  {value}  {version}  {key}}}"
    if headers.get("Impersonate-Uid"):
        yield f"{{UID  {headers['Impersonate-Uid']}  {version}  }}"


def may_read(path: str) -> bool:
    """Whether everybody may read a path that is no resource's (system:discovery)."""
    first, _, rest = path.strip("/").partition("/")
    return first in _PUBLIC and (not rest or first in _PUBLIC_BELOW)


def forbidden_path(user: str, verb: str, path: str) -> ApiError:
    message = f'forbidden: User "{user}" cannot {verb} path "/{path}"'
    return ApiError(403, "Forbidden", message, {})


def refusal(ask: Ask) -> ApiError:
    """The Forbidden of the authorizer, naming verb, resource, group and place."""
    where = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    return forbidden_resource(
        ask.group,
        ask.resource.partition("/")[0],
        ask.name,
        f'User "{ask.user}" cannot {ask.verb} resource "{ask.resource}" in API group '
        f'"{ask.group}" {where}',
    )


def review(kind: Kind, obj: Object, user: User, rights: Rights, storage: Storage) -> Object:
    """The status of an access review, or of a rules review."""
    spec = obj.get("spec") or {}
    if kind.kind == "SelfSubjectRulesReview":
        return _rules_review(spec.get("namespace", ""), user, rights, storage)
    name, groups = user.name, user.groups
    if not kind.kind.startswith("Self"):
        name, groups = spec.get("user", ""), tuple(spec.get("groups") or ())
    asked = spec.get("resourceAttributes")
    if asked is None:
        path = spec.get("nonResourceAttributes") or {}
        reads = path.get("verb") == "get" and may_read(path.get("path", ""))
        return {"allowed": reads or rights.administers(name, groups)}
    resource = asked.get("resource", "")
    if asked.get("subresource"):
        resource += f"/{asked['subresource']}"
    ask = Ask(
        name,
        asked.get("verb", ""),
        asked.get("group", ""),
        resource,
        asked.get("namespace", ""),
        asked.get("name", ""),
        groups,
    )
    return {"allowed": rights.allowed(ask, storage)}


def _rules_review(namespace: str, user: User, rights: Rights, storage: Storage) -> Object:
    paths = [{"verbs": ["get"], "nonResourceURLs": _PUBLIC_URLS}]
    if rights.administers(user.name, user.groups):
        grants = [*_ABOUT_ONESELF, Grant((_ANY,))]
        paths.append({"verbs": [_ANY], "nonResourceURLs": [_ANY]})
    else:
        found = rights.of(user.name, user.groups, storage)
        grants = [grant for grant in found if _has(grant.namespaces, namespace)]
    rules = [
        {
            "verbs": list(grant.verbs),
            "apiGroups": list(grant.groups),
            "resources": list(grant.resources),
            **({"resourceNames": list(grant.names)} if grant.names else {}),
        }
        for grant in grants
    ]
    return {"resourceRules": rules, "nonResourceRules": paths, "incomplete": False}
