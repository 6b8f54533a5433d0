"""Manifests of the sample, and of operators who made a mistake."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.catalog import Catalog, Environment, Service
from config.manifests import ManifestError, load_manifests

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tasks-service
spec:
  selector:
    matchLabels: {app: tasks}
  template:
    metadata:
      labels: {app: tasks, tier: back}
    spec:
      containers:
        - name: tasks-service
          image: x
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tasks-service-config}\ndata: {A: b}\n"

Place = Callable[..., tuple[Service, Environment]]


@pytest.fixture
def placed(sample: Catalog, tmp_path: Path) -> Place:
    """tasks-service in QA with these files as its manifests."""

    def place(**files: str) -> tuple[Service, Environment]:
        for name, text in files.items():
            (tmp_path / f"{name.replace('_', '.')}.yaml").write_text(text, "utf-8")
        service = replace(sample.service("tasks-service"), manifests=tmp_path)
        return service, sample.environment("qa")

    return place


def mistake_of(placed: tuple[Service, Environment]) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        load_manifests(*placed)
    return caught.value


def _each(catalog: Catalog) -> list[tuple[Service, Environment]]:
    return [(service, place) for service in catalog.services for place in catalog.environments]


def _container(deployment: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return container


def test_every_service_of_the_sample_can_be_deployed_everywhere(sample: Catalog) -> None:
    for service, environment in _each(sample):
        found = load_manifests(service, environment)
        labels = found.deployment["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == service.name
        assert [item["metadata"]["name"] for item in found.configs] == [f"{service.name}-config"]
        used = _container(found.deployment)["envFrom"][0]["configMapRef"]["name"]
        assert used == f"{service.name}-config"


def test_every_manifest_of_the_sample_is_secure_and_quick_to_follow(sample: Catalog) -> None:
    for service, environment in _each(sample):
        spec = load_manifests(service, environment).deployment["spec"]
        pod, container = spec["template"]["spec"], _container({"spec": spec})
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["terminationGracePeriodSeconds"] >= 30
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert container["readinessProbe"]["periodSeconds"] <= 2
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": service.health, "port": "http"}
        assert container["ports"] == [{"name": "http", "containerPort": service.port}]


def test_replicas_come_from_the_catalog_and_none_where_an_autoscaler_owns_them(
    sample: Catalog,
) -> None:
    def replicas(service: str, environment: str) -> object:
        found = load_manifests(sample.service(service), sample.environment(environment))
        return found.deployment["spec"].get("replicas")

    assert replicas("tasks-service", "qa") == 3
    assert replicas("tasks-service", "prod") == 4
    assert replicas("api-gateway", "qa") == 2
    assert replicas("api-gateway", "prod") is None


def test_debugging_stays_in_development(sample: Catalog) -> None:
    for service, environment in _each(sample):
        data = load_manifests(service, environment).configs[0]["data"]
        level = "debug" if environment.name == "dev" else "info"
        assert (data["LOG_LEVEL"], data["LOG_FORMAT"]) == (level, "json")


def test_qa_differs_from_production_in_its_supabase_instance_alone(sample: Catalog) -> None:
    for service in sample.services:
        qa, prod = (
            load_manifests(service, sample.environment(name)).configs[0]["data"]
            for name in ("qa", "prod")
        )
        assert set(qa) == set(prod)
        differing = {key for key in qa if qa[key] != prod[key]}
        assert differing <= {"SUPABASE_URL"}
        assert ("SUPABASE_URL" in qa) == bool(differing)


def test_a_file_for_the_environment_comes_first(placed: Place) -> None:
    found = load_manifests(
        *placed(
            deployment=DEPLOYMENT,
            deployment_qa=DEPLOYMENT.replace("image: x", "image: qa"),
            config=CONFIG,
            config_prod=CONFIG.replace("A: b", "A: prod"),
        )
    )
    assert [path.name for path in found.paths] == ["deployment.qa.yaml", "config.yaml"]
    assert _container(found.deployment)["image"] == "qa"
    assert found.configs[0]["data"] == {"A": "b"}


def test_a_service_without_config_has_none(placed: Place) -> None:
    assert load_manifests(*placed(deployment=DEPLOYMENT)).configs == ()


def test_the_manifests_own_replicas_stay_where_the_catalog_names_none(placed: Place) -> None:
    service, environment = placed(
        deployment=DEPLOYMENT.replace("spec:\n", "spec:\n  replicas: 9\n", 1)
    )
    assert load_manifests(service, environment).deployment["spec"]["replicas"] == 3
    unsaid = replace(service, replicas={})
    assert load_manifests(unsaid, environment).deployment["spec"]["replicas"] == 9


def test_what_is_loaded_twice_is_not_shared(sample: Catalog) -> None:
    service, environment = sample.services[0], sample.environments[0]
    load_manifests(service, environment).deployment["metadata"]["labels"].clear()
    assert load_manifests(service, environment).deployment["metadata"]["labels"]


def test_a_service_without_manifest_says_where_it_belongs(placed: Place, tmp_path: Path) -> None:
    error = mistake_of(placed())
    assert (error.path, error.message) == (str(tmp_path / "deployment.yaml"), "does not exist")
    assert "manifests: of tasks-service in dynamo.yml" in str(error)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("name: tasks-service\n", "name: task-service\n", 4, "named 'task-service'; name it tasks"),
        ("kind: Deployment", "kind: StatefulSet", 2, "'StatefulSet' and no Deployment"),
        ("apps/v1", "extensions/v1beta1", 1, "write apiVersion: apps/v1"),
        ("- name: tasks-service", "- name: task-service", 12, "did you mean task-service?"),
        (
            "- name: tasks-service",
            "- name: web",
            12,
            "no container named tasks-service; it has web",
        ),
        ("metadata:\n", "metadata:\n  namespace: prod\n", 4, "not that of qa; leave it out"),
        ("matchLabels: {app: tasks}", "matchLabels: {app: x}", 7, "the selector wants the label"),
        ("spec:\n", "spec:\n  replicas: three\n", 6, "replicas must be a whole number"),
        ("image: x", "image: x\n---\na: 1", 15, "several documents"),
        ("image: x", "image: x\n          image: y", 15, "'image' is here twice"),
        ("image: x", "image: *x", 14, "alias *x"),
        ("image: x", "image: [x", 15, "is no YAML"),
    ],
)
def test_a_deployment_that_cannot_be_used_is_told_with_its_line(
    placed: Place, old: str, new: str, line: int, said: str
) -> None:
    error = mistake_of(placed(deployment=DEPLOYMENT.replace(old, new, 1)))
    assert said in str(error)
    assert error.line == line
    assert error.path.endswith("deployment.yaml")


@pytest.mark.parametrize("text", ["", "[]", "text", "kind: Deployment\n", "spec: 1\nkind: 1\n"])
def test_anything_else_than_a_deployment_is_refused(placed: Place, text: str) -> None:
    assert mistake_of(placed(deployment=text)).mistakes


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("A: b", "PORT: 8080", """'PORT' is '8080', and a ConfigMap holds only text; write it"""),
        ("A: b", "PORT: 8080", '"8080"'),
        ("A: b", "DEBUG: true", '"true"'),
        ("A: b", "EMPTY: ", 'write it between quotes: ""'),
        ("A: b", "LIST: [1]", "write it as one text"),
        ("A: b", "A: b, A: c", "'A' is here twice"),
        ("kind: ConfigMap", "kind: Secret", "Secrets do not belong in files"),
        ("{name: tasks-service-config}", "{}", "has no name"),
        ("data: {A: b}", "data: [A]", "data must be names with values"),
    ],
)
def test_a_config_that_cannot_be_used_is_told(placed: Place, old: str, new: str, said: str) -> None:
    error = mistake_of(placed(deployment=DEPLOYMENT, config=CONFIG.replace(old, new)))
    assert said in str(error)
    assert error.path.endswith("config.yaml")


def test_mistakes_of_both_files_are_told_at_once(placed: Place) -> None:
    error = mistake_of(
        placed(deployment=DEPLOYMENT.replace("apps/v1", "v1"), config=CONFIG.replace("b}", "1}"))
    )
    assert len(error.mistakes) == 2
