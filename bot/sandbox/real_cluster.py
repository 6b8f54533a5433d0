"""`dynamo sandbox --kube-context NAME`: the offline workspace around a real cluster.

The sample's services run in three namespaces of their own (`dynamo-sandbox-dev`, `-qa`, `-prod`),
which are made at the start and deleted at the end: nothing of the cluster's own is touched. What a
killed run has left goes first. Their pods are plain (host network, exec probes, a second of grace),
so that a cluster without ingress, storage or a network plugin will do. Images come from a registry
that the cluster's nodes and this machine both reach: SERVICE:1.0.0 runs in QA and production, 1.1.0
in dev, and 1.2.0 is new.
"""

import asyncio
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3.exceptions
import yaml
from kubernetes import client, config

from bot.sandbox import NoClusterError

MANAGER = "dynamo"
MARK = {"app.kubernetes.io/managed-by": "dynamo-sandbox"}
_PATIENCE = 60  # seconds, for namespaces to go and for services to come up
_ANSWER = (3, 10)  # seconds, to connect and to answer: tried four times by the client
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
RUNNING = {"dev": "1.1.0", "qa": "1.0.0", "prod": "1.0.0"}
# What the sample's environments have beside their cluster is simulated, and so not there.
_AROUND = ("metrics", "supabase", "dashboard")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RealCluster:
    """`context` of the user's kubeconfig (`kubeconfig` "" is the usual one), and the host and
    prefix of the images, such as localhost:5000/dynamo."""

    context: str
    kubeconfig: str
    registry: str


@asynccontextmanager
async def services_running(cluster: RealCluster, sample: Path, home: Path) -> AsyncIterator[Path]:
    """Write the catalog and manifests for this cluster, start the services; yields the catalog.

    Raises NoClusterError where there is no such context, the cluster does not answer or does not
    let us, or the registry does not have the images.
    """
    catalog = write_catalog(cluster, sample, home)
    with _in_words(cluster):
        api: client.ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=cluster.kubeconfig or None, context=cluster.context
        )
    keys: dict[str, str] = api.configuration.api_key
    keys.update({name: key.strip() for name, key in keys.items()})  # as kubectl reads a tokenFile
    stay = _Stay(api, cluster)
    # A thread cannot be cancelled: where we are told to stop it is waited for, and then undone.
    starting = asyncio.ensure_future(asyncio.to_thread(stay.begin, catalog))
    try:
        with _in_words(cluster):
            await asyncio.shield(starting)
        yield catalog
    finally:
        stay.over.set()
        await asyncio.wait([starting])
        await asyncio.to_thread(stay.end)


@contextmanager
def _in_words(cluster: RealCluster) -> Iterator[None]:
    try:
        yield
    except (config.ConfigException, yaml.YAMLError) as error:
        raise NoClusterError(f"kubeconfig: {str(error).splitlines()[0]}") from error
    except client.ApiException as error:
        raise NoClusterError(f"cluster {cluster.context}: {error.status} {error.reason}") from error
    except urllib3.exceptions.HTTPError as error:
        raise NoClusterError(f"cluster {cluster.context}: it does not answer ({error})") from error
    except urllib.error.URLError as error:
        raise NoClusterError(f"registry {cluster.registry}: {error}") from error


def write_catalog(cluster: RealCluster, sample: Path, home: Path) -> Path:
    """The sample catalog with this cluster's context, namespaces and registry, and manifests that
    any cluster can run."""
    catalog = yaml.safe_load(sample.read_text())
    catalog["registry"] = cluster.registry
    for environment in catalog["environments"]:
        environment["context"] = cluster.context
        environment["namespace"] = f"dynamo-sandbox-{environment['name']}"
        environment.pop("requires", None)  # such images name no commit: there is nothing to ask of
        for part in _AROUND:
            environment.pop(part, None)
    for name, service in catalog["services"].items():
        directory = home / "k8s" / name
        directory.mkdir(parents=True, exist_ok=True)
        manifest = yaml.safe_dump(plain_deployment(name, f"{cluster.registry}/{name}"))
        (directory / "deployment.yaml").write_text(manifest)
        service["manifests"] = str(directory)
        service.pop("routes", None)  # nothing leads to them
    path = home / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


def plain_deployment(name: str, image: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name}  # copied: YAML would write a shared one as an alias
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "progressDeadlineSeconds": 120,
            "selector": {"matchLabels": dict(labels)},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {
                    "automountServiceAccountToken": False,
                    "hostNetwork": True,
                    "terminationGracePeriodSeconds": 1,
                    "containers": [
                        {
                            "name": name,
                            "image": image,
                            "readinessProbe": {
                                "exec": {"command": ["/bin/sh", "-c", "true"]},
                                "periodSeconds": 1,
                            },
                        }
                    ],
                },
            },
        },
    }


class _Stay:
    """Our time in somebody's cluster. Blocks, but for `over`: from then on nothing new is begun."""

    def __init__(self, api: client.ApiClient, cluster: RealCluster) -> None:
        self.over = threading.Event()
        self._cluster = cluster
        self._version = client.VersionApi(api)
        self._core, self._apps = client.CoreV1Api(api), client.AppsV1Api(api)
        self._made: list[str] = []

    def begin(self, path: Path) -> None:
        """Namespaces and workloads, as Dynamo would apply them. Raises NoClusterError, and what the
        libraries raise."""
        catalog = yaml.safe_load(path.read_text())
        environments: list[dict[str, Any]] = catalog["environments"]
        self._version.get_code(_request_timeout=_ANSWER)
        wanted = {RUNNING.get(each["name"], "1.0.0") for each in environments}
        images = found_images(self._cluster.registry, [*catalog["services"]], sorted(wanted))
        namespaces = [each["namespace"] for each in environments]
        for namespace in namespaces:  # all of them, before the first is waited for
            self._delete(namespace)
        for namespace in namespaces:
            self._make_room(namespace)
        for environment in environments:
            if not self.over.is_set():
                self._furnish(environment, catalog["services"], images)
        self._wait()

    def _make_room(self, namespace: str) -> None:
        """The namespace, new: one that an earlier run has left is deleted, or already going."""
        metadata = client.V1ObjectMeta(name=namespace, labels=MARK)
        patience = time.monotonic() + _PATIENCE
        while not self.over.is_set():
            try:
                self._core.create_namespace(client.V1Namespace(metadata=metadata))
            except client.ApiException as error:
                if error.status != 409:
                    raise
            else:
                self._made.append(namespace)
                return
            self._delete(namespace)
            if time.monotonic() > patience:
                raise NoClusterError(
                    f"cluster {self._cluster.context}: the namespace {namespace} of an earlier run "
                    f"has not gone after {_PATIENCE} s"
                )
            self.over.wait(0.3)

    def _delete(self, namespace: str) -> None:
        """One of ours, unless it is gone or going. Raises NoClusterError where it is another's."""
        try:
            found = self._core.read_namespace(namespace).metadata
            labels = (found.labels if found else None) or {}
            if not labels.items() >= MARK.items():
                raise NoClusterError(
                    f"cluster {self._cluster.context}: it has a namespace {namespace} that the "
                    "sandbox did not make, and will not touch"
                )
            if found is not None and found.deletion_timestamp is None:
                self._core.delete_namespace(namespace)
        except client.ApiException as error:
            if error.status not in (404, 409):  # it has gone meanwhile, or is going
                raise

    def _furnish(
        self,
        environment: Mapping[str, Any],
        services: Mapping[str, Any],
        images: Mapping[tuple[str, str], str],
    ) -> None:
        version = RUNNING.get(environment["name"], "1.0.0")
        for name, service in services.items():
            image = images.get((name, version))
            if image is None:
                continue  # it does not run there, as anybody can see and mend
            manifest = plain_deployment(name, image)
            replicas = service.get("replicas") or {}
            manifest["spec"]["replicas"] = replicas.get(environment["name"], 1)
            manifest["spec"]["template"]["metadata"]["annotations"] = {"dynamo/version": version}
            self._apps.patch_namespaced_deployment(
                name,
                environment["namespace"],
                manifest,
                field_manager=MANAGER,
                force=True,
                _content_type="application/apply-patch+yaml",
            )

    def _wait(self) -> None:
        """Until all services are up, at most a minute: what is not up by then shows in `status`."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not self.over.wait(0.3):
            statuses = [
                (item.spec.replicas, item.status.available_replicas if item.status else None)
                for namespace in self._made
                for item in self._apps.list_namespaced_deployment(namespace).items
            ]
            if all(wanted == available for wanted, available in statuses):
                return

    def end(self) -> None:
        """Delete what we made; what cannot be deleted is named, and goes at the next start."""
        for namespace in self._made:
            try:
                self._delete(namespace)
            except (client.ApiException, urllib3.exceptions.HTTPError, NoClusterError) as error:
                log.warning("the namespace %s is left in the cluster: %s", namespace, error)


def found_images(
    registry: str, services: list[str], versions: list[str]
) -> dict[tuple[str, str], str]:
    """By service and version, the image by its digest. Raises OSError where the registry does not
    answer, NoClusterError where it has none of all."""
    found = {}
    for service in services:
        for version in versions:
            image = pinned(f"{registry}/{service}", version)
            if image is not None:
                found[service, version] = image
    if not found:
        raise NoClusterError(
            f"registry {registry}: it has no image of any service, such as "
            f"{registry}/{services[0]}:{versions[0]}"
        )
    return found


def pinned(repository: str, tag: str) -> str | None:
    """The image by its digest, as Dynamo itself would have applied it (by its tag where the
    registry does not say one); None where there is no such tag. Raises OSError where the registry
    does not answer."""
    host, _, path = repository.partition("/")
    kinds = "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json"
    docker = "application/vnd.docker.distribution.manifest"
    accepted = f"{kinds},{docker}.list.v2+json,{docker}.v2+json"
    here = host.rpartition(":")[0] in _HERE or host in _HERE
    url = f"{'http' if here else 'https'}://{host}/v2/{path}/manifests/{tag}"
    asked = urllib.request.Request(url, method="HEAD", headers={"Accept": accepted})  # noqa: S310
    # Proxies of the environment are for the world outside, not for this machine.
    proxies = urllib.request.ProxyHandler({} if here else None)
    try:
        with urllib.request.build_opener(proxies).open(asked, timeout=10) as answer:
            digest = answer.headers["Docker-Content-Digest"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return f"{repository}@{digest}" if digest else f"{repository}:{tag}"
