"""The kinds that the sandbox serves: where they live in the URL space and what they are called.

One `Kind` per group, version and plural, as discovery lists them. Two kinds may share one storage
(both versions of the autoscaler, both groups of events); then one of them is the stored form and
`versions.py` translates. A new kind is a line here, plus its type in `types.json`.
"""

from __future__ import annotations

from dataclasses import dataclass

_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One served resource. `storage` is its key in `Storage`, "pods" or "deployments.apps"."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    type: str = ""
    verbs: tuple[str, ...] = _ALL
    status: bool = False
    scale: bool = False
    storage: str = ""
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """`deployments.apps`: the resource as messages write it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Deployment.apps`: the kind as messages write it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def go_name(self) -> str:
        """The internal Go type: `core.Pod`, `apps.Deployment`."""
        package = {"": "core", "rbac.authorization.k8s.io": "rbac", "events.k8s.io": "core"}
        return f"{package.get(self.group, self.group.partition('.')[0])}.{self.kind}"

    @property
    def gvk(self) -> str:
        """As Go prints it: `apps/v1, Kind=Deployment`, or `/v1, Kind=Pod`."""
        return f"{self.group}/{self.version}, Kind={self.kind}"

    @property
    def key(self) -> str:
        return self.storage or self.qualified

    @property
    def schema(self) -> str:
        return self.type or self.kind

    @property
    def root(self) -> str:
        """The URL path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


_REVIEW = ("create",)
_AUTH = "authorization.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_ALL_CATEGORY = ("all",)

KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "configmaps", "ConfigMap", short=("cm",)),
    Kind("", "v1", "endpoints", "Endpoints", short=("ep",)),
    Kind("", "v1", "events", "Event", short=("ev",)),
    Kind("", "v1", "limitranges", "LimitRange", short=("limits",)),
    Kind(
        *("", "v1", "namespaces", "Namespace", False, ("ns",)),
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        status=True,
    ),
    Kind("", "v1", "nodes", "Node", False, ("no",), status=True),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), status=True),
    Kind("", "v1", "persistentvolumes", "PersistentVolume", False, ("pv",), status=True),
    Kind("", "v1", "pods", "Pod", short=("po",), status=True, categories=_ALL_CATEGORY),
    Kind("", "v1", "podtemplates", "PodTemplate"),
    Kind(
        *("", "v1", "replicationcontrollers", "ReplicationController", True, ("rc",)),
        status=True,
        categories=_ALL_CATEGORY,
    ),
    Kind("", "v1", "resourcequotas", "ResourceQuota", short=("quota",), status=True),
    Kind("", "v1", "secrets", "Secret"),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",)),
    Kind("", "v1", "services", "Service", short=("svc",), status=True, categories=_ALL_CATEGORY),
    Kind("apps", "v1", "controllerrevisions", "ControllerRevision"),
    Kind(
        *("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",)),
        status=True,
        categories=_ALL_CATEGORY,
    ),
    Kind(
        *("apps", "v1", "deployments", "Deployment", True, ("deploy",)),
        status=True,
        scale=True,
        categories=_ALL_CATEGORY,
    ),
    Kind(
        *("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",)),
        status=True,
        scale=True,
        categories=_ALL_CATEGORY,
    ),
    Kind(
        *("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",)),
        status=True,
        scale=True,
        categories=_ALL_CATEGORY,
    ),
    Kind(
        *("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False),
        verbs=_REVIEW,
    ),
    Kind(_AUTH, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=_REVIEW),
    Kind(_AUTH, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, verbs=_REVIEW),
    Kind(_AUTH, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False, verbs=_REVIEW),
    Kind(_AUTH, "v1", "subjectaccessreviews", "SubjectAccessReview", False, verbs=_REVIEW),
    Kind(
        *("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        *(True, ("hpa",)),
        status=True,
        categories=_ALL_CATEGORY,
    ),
    Kind(
        *("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        *(True, ("hpa",)),
        type="v1.HorizontalPodAutoscaler",
        status=True,
        categories=_ALL_CATEGORY,
    ),
    Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",), status=True),
    Kind("batch", "v1", "jobs", "Job", True, status=True, categories=_ALL_CATEGORY),
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
    Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Kind(
        *("events.k8s.io", "v1", "events", "Event", True, ("ev",), "events.Event"),
        storage="events",
    ),
    Kind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False),
    Kind("networking.k8s.io", "v1", "ingresses", "Ingress", True, ("ing",), status=True),
    Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",)),
    Kind("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", False),
    Kind(
        *("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",)),
        status=True,
    ),
    Kind(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False),
    Kind(_RBAC, "v1", "clusterroles", "ClusterRole", False),
    Kind(_RBAC, "v1", "rolebindings", "RoleBinding"),
    Kind(_RBAC, "v1", "roles", "Role"),
    Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, ("pc",)),
    Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, ("sc",)),
)

_BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
STORED: dict[str, Kind] = {}
for _kind in KINDS:
    STORED.setdefault(_kind.key, _kind)


def find(group: str, version: str, plural: str) -> Kind | None:
    return _BY_PATH.get((group, version, plural))


def groups() -> dict[str, list[str]]:
    """Every group with its versions, the preferred one first, in the order of discovery."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        versions = found.setdefault(kind.group, [])
        if kind.version not in versions:
            versions.append(kind.version)
    return found


def kinds_of(group: str, version: str) -> list[Kind]:
    return [kind for kind in KINDS if (kind.group, kind.version) == (group, version)]
