"""`dynamo sandbox --kube-context NAME`: the offline workspace around a real cluster.

The sample's services run in three namespaces of their own (`dynamo-sandbox-dev`, `-qa`, `-prod`),
which are made at the start and deleted at the end: nothing of the cluster's own is touched. Their
pods are plain (host network, exec probes, a second of grace), so that a cluster without ingress,
storage or a network plugin will do. Images come from a registry that the cluster's nodes and this
machine both reach: SERVICE:1.0.0 runs in QA and production, 1.1.0 in dev, and 1.2.0 is new.
"""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from bot.sandbox import NoClusterError

MANAGER = "dynamo"
MARK = {"app.kubernetes.io/managed-by": "dynamo-sandbox"}
_PATIENCE = 60  # seconds
RUNNING = {"dev": "1.1.0", "qa": "1.0.0", "prod": "1.0.0"}


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

    Raises NoClusterError where there is no such context, the cluster does not let us, or the
    registry does not have the images.
    """
    catalog = write_catalog(cluster, sample, home)
    try:
        api: client.ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=cluster.kubeconfig or None, context=cluster.context
        )
        made = await asyncio.to_thread(_start, api, cluster, catalog)
    except config.ConfigException as error:
        raise NoClusterError(f"kubeconfig: {str(error).splitlines()[0]}") from error
    except client.ApiException as error:
        raise NoClusterError(f"cluster {cluster.context}: {error.status} {error.reason}") from error
    except urllib.error.URLError as error:
        raise NoClusterError(f"registry {cluster.registry}: {error}") from error
    try:
        yield catalog
    finally:
        await asyncio.to_thread(_stop, api, made)


def write_catalog(cluster: RealCluster, sample: Path, home: Path) -> Path:
    """The sample catalog with this cluster's context, namespaces and registry, and manifests that
    any cluster can run."""
    catalog = yaml.safe_load(sample.read_text())
    catalog["registry"] = cluster.registry
    for environment in catalog["environments"]:
        environment["context"] = cluster.context
        environment["namespace"] = f"dynamo-sandbox-{environment['name']}"
        environment.pop("requires", None)  # such images name no commit: there is nothing to ask of
    for name, service in catalog["services"].items():
        directory = home / "k8s" / name
        directory.mkdir(parents=True, exist_ok=True)
        manifest = yaml.safe_dump(plain_deployment(name, f"{cluster.registry}/{name}"))
        (directory / "deployment.yaml").write_text(manifest)
        service["manifests"] = str(directory)
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


def _start(api: client.ApiClient, cluster: RealCluster, path: Path) -> list[str]:
    """Namespaces and workloads, as Dynamo would apply them; returns the namespaces that we made."""
    catalog = yaml.safe_load(path.read_text())
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    made = []
    for environment in catalog["environments"]:
        namespace = environment["namespace"]
        metadata = client.V1ObjectMeta(name=namespace, labels=MARK)
        body = client.V1Namespace(metadata=metadata)
        try:
            core.create_namespace(body)
        except client.ApiException as error:
            if error.status != 409:
                raise
        made.append(namespace)
        version = RUNNING.get(environment["name"], "1.0.0")
        for name, service in catalog["services"].items():
            manifest = plain_deployment(name, pinned(f"{cluster.registry}/{name}", version))
            manifest["spec"]["replicas"] = (service.get("replicas") or {}).get(
                environment["name"], 1
            )
            manifest["spec"]["template"]["metadata"]["annotations"] = {"dynamo/version": version}
            apps.patch_namespaced_deployment(
                name,
                namespace,
                manifest,
                field_manager=MANAGER,
                force=True,
                _content_type="application/apply-patch+yaml",
            )
    _wait(apps, made)
    return made


def _wait(apps: client.AppsV1Api, namespaces: list[str]) -> None:
    """Until all services are up, at most a minute: what is not up by then shows in `status`."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        statuses = [
            (item.spec.replicas, item.status.available_replicas if item.status else None)
            for namespace in namespaces
            for item in apps.list_namespaced_deployment(namespace).items
        ]
        if all(wanted == available for wanted, available in statuses):
            return
        time.sleep(0.3)


def pinned(repository: str, tag: str) -> str:
    """The image by its digest, as Dynamo itself would have applied it. Raises OSError where the
    registry does not answer or has no such tag."""
    host, _, path = repository.partition("/")
    kinds = "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json"
    docker = "application/vnd.docker.distribution.manifest"
    accepted = f"{kinds},{docker}.list.v2+json,{docker}.v2+json"
    scheme = "http" if host.partition(":")[0] in {"localhost", "127.0.0.1"} else "https"
    url = f"{scheme}://{host}/v2/{path}/manifests/{tag}"
    asked = urllib.request.Request(url, method="HEAD", headers={"Accept": accepted})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        return f"{repository}@{answer.headers['Docker-Content-Digest']}"


def _stop(api: client.ApiClient, namespaces: list[str]) -> None:
    core = client.CoreV1Api(api)
    for namespace in namespaces:
        found = core.read_namespace(namespace)
        labels = (found.metadata.labels if found.metadata else None) or {}
        if labels.items() >= MARK.items():
            core.delete_namespace(namespace)
