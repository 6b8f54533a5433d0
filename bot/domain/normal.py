"""Live objects in one form: what two API servers keep about the same wish reads the same. Pure.

An object becomes its leaves, path by path: things in lists by their name and not their place,
quantities as amounts, an image in its parts, and nothing of what a server, a controller or an
injector keeps for itself. Source of what is left out: research/rollouts.md §6.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.belongings import Raw, items, mapping
from bot.domain.image import Image
from bot.domain.quantity import parse_quantity

Leaves = dict[str, str]

INJECTED = frozenset(
    {"istio-proxy", "istio-init", "istio-validation", "linkerd-proxy", "linkerd-init"}
    | {"vault-agent", "vault-agent-init", "envoy"}
)
"""Containers that an admission webhook adds: they follow the cluster and not the service."""

_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105
_FOREIGN_NOTES = (
    "deployment.kubernetes.io/",
    "kubectl.kubernetes.io/",
    "argocd.argoproj.io/",
    "meta.helm.sh/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
    "app.kubernetes.io/managed-by",
    "sidecar.istio.io/",
    "linkerd.io/",
    "vault.hashicorp.com/",
    "autoscaling.alpha.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "dynamo/",
)
_SERVER_LABELS = frozenset({"pod-template-hash", "controller-uid"})
_DEFAULTS = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "restartPolicy": "Always",
    "protocol": "TCP",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
}
_DEPLOYMENT = ("strategy", "minReadySeconds", "progressDeadlineSeconds", "paused", "replicas")
_SERVICE_ASSIGNED = frozenset(
    {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "nodePort", "healthCheckNodePort"}
)
_POD_ASSIGNED = frozenset({"nodeName", "serviceAccount"})  # the latter repeats serviceAccountName
_AMOUNTS = re.compile(r"resources\.(limits|requests)\.|sizeLimit$|averageValue$|\.storage$")
_IDENTITIES = ("name", "mountPath", "containerPort", "port", "key", "ip", "topologyKey", "type")
_ORDERED = re.compile(r"(^|\.)(command|args)$")


def deployment_leaves(deployment: Raw, injected: frozenset[str] = INJECTED) -> Leaves:
    """The pods as they are wanted, and how they are replaced. Paths as people know them:
    `containers[app].resources.limits.memory`."""
    spec = mapping(deployment.get("spec"))
    template = mapping(spec.get("template"))
    leaves: Leaves = {}
    for name in _DEPLOYMENT:
        leaves.update(_flat(spec.get(name), name))
    meta = mapping(template.get("metadata"))
    for name in ("labels", "annotations"):
        leaves.update(_notes(mapping(meta.get(name)), name))
    leaves.update(_flat(_pod(mapping(template.get("spec")), injected), ""))
    return _images_apart(leaves)


def autoscaler_leaves(autoscaler: Raw) -> Leaves:
    """Its controller writes `metrics` in an order of its own: each is known by what it measures."""
    spec = {k: v for k, v in mapping(autoscaler.get("spec")).items() if k != "scaleTargetRef"}
    metrics = {_measure(metric): metric for metric in items(spec.pop("metrics", None))}
    leaves = dict(_flat(spec, ""))
    for name, metric in metrics.items():
        leaves.update(_flat({k: v for k, v in metric.items() if k != "type"}, f"metrics[{name}]"))
    return leaves


def service_leaves(service: Raw) -> Leaves:
    spec = {k: v for k, v in mapping(service.get("spec")).items() if k not in _SERVICE_ASSIGNED}
    ports = [
        {k: v for k, v in port.items() if k not in _SERVICE_ASSIGNED}
        for port in items(spec.pop("ports", None))
    ]
    return dict(_flat({**spec, "ports": ports}, ""))


def budget_leaves(budget: Raw) -> Leaves:
    return dict(_flat(mapping(budget.get("spec")), ""))


def _pod(pod: Raw, injected: frozenset[str]) -> dict[str, Any]:
    """Without what is injected, and without the token that each pod gets."""
    kept = {k: v for k, v in pod.items() if k not in _POD_ASSIGNED}
    for kind in ("containers", "initContainers"):
        if kind in kept:
            kept[kind] = [
                {**each, "volumeMounts": _own(each.get("volumeMounts"))}
                for each in items(kept[kind])
                if each.get("name") not in injected
            ]
    if "volumes" in kept:
        kept["volumes"] = _own(kept["volumes"])
    return kept


def _own(named: object) -> list[Raw]:
    return [e for e in items(named) if not str(e.get("name", "")).startswith(_TOKEN_VOLUME)]


def _notes(notes: Raw, kind: str) -> Iterator[tuple[str, str]]:
    for key, value in notes.items():
        if not str(key).startswith(_FOREIGN_NOTES) and key not in _SERVER_LABELS:
            yield f"{kind}[{key}]", str(value)


def _flat(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _DEFAULTS.get(str(key)) != inner:
                yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        yield from _list(value, path)
    elif value is not None:
        yield path, _scalar(value, path)


def _list(value: Sequence[object], path: str) -> Iterator[tuple[str, str]]:
    """Order is kept where it means something (a command line), else it is nobody's wish."""
    if not value:
        return
    if not all(isinstance(each, Mapping) for each in value):
        words = [each if isinstance(each, str) else _canonical(each) for each in value]
        yield path, json.dumps(words if _ORDERED.search(path) else sorted(words))
        return
    seen: dict[str, int] = {}
    for item in sorted(items(list(value)), key=_canonical):
        identity = _identity(item)
        seen[identity] = seen.get(identity, 0) + 1
        again = f"#{seen[identity]}" if seen[identity] > 1 else ""
        yield from _flat(item, f"{path}[{identity}{again}]")


def _identity(item: Raw) -> str:
    for name in _IDENTITIES:
        if item.get(name) not in (None, ""):
            return str(item[name])
    for inner in item.values():  # envFrom: the name is one level below
        if isinstance(inner, Mapping) and inner.get("name"):
            return str(inner["name"])
    return "*"


def _canonical(value: object) -> str:
    """One text for one wish: also of its lists the order counts for nothing."""
    return json.dumps(_sorted(value), sort_keys=True, default=str)


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _sorted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_sorted(inner) for inner in value), key=lambda each: json.dumps(each))
    return value


def _scalar(value: object, path: str) -> str:
    """`8080` and `"8080"` are the same port; `1000m` and `1` the same CPU."""
    if isinstance(value, bool):
        return str(value).lower()
    if _AMOUNTS.search(path) and (amount := parse_quantity(value)) is not None:
        return f"{amount.normalize():f}"
    return str(value)


def _measure(metric: Raw) -> str:
    """`cpu`, `http_requests_per_second`: what a metric of an autoscaler measures."""
    for kind in ("resource", "containerResource", "pods", "object", "external"):
        inner = mapping(metric.get(kind))
        name = inner.get("name") or mapping(inner.get("metric")).get("name")
        if name:
            return str(name)
    return str(metric.get("type", "*"))


def _images_apart(leaves: Leaves) -> Leaves:
    apart: Leaves = {}
    for path, value in leaves.items():
        if not path.endswith("].image"):
            apart[path] = value
            continue
        image = Image.parse(value)
        parts = {"repository": image.repository, "tag": image.tag, "digest": image.digest}
        apart.update({f"{path}.{part}": text for part, text in parts.items() if text})
    return apart
