"""Reads what a service sends to Kubernetes: its Deployment and its ConfigMaps.

They stand in the service's directory as `deployment.yaml` and `config.yaml`; a file for one
environment (`deployment.qa.yaml`, `config.prod.yaml`) takes the place of the general one. What is
read is checked only for what Dynamo relies on; the API server judges the rest in a dry run.

Replicas: the number of `dynamo.yml` for the environment goes into the Deployment. Where it names
none, the manifest's own stays, and the sample's manifests have none: an autoscaler owns them.
Whoever applies the Deployment still leaves `spec.replicas` out where the cluster has an
autoscaler, which only a look into the cluster can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.lookup import nearest
from config.mistakes import Mistake, meant
from config.reading import Document, UnreadableError, read_yaml
from config.values import Environment, Service


@dataclass(frozen=True, slots=True)
class Manifests:
    """Kubernetes objects as plain dicts; each call of `load_manifests` gives fresh ones."""

    deployment: dict[str, Any]
    configs: tuple[dict[str, Any], ...]
    """ConfigMaps; empty when the service has none."""
    paths: tuple[Path, ...]
    """The files that were chosen: of the Deployment first."""


class ManifestError(ValueError):
    """A manifest that cannot be used: `path`, `line` and `message` of the first mistake.

    `mistakes` has all of them.
    """

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
        self.path, self.line = mistakes[0].path, mistakes[0].line
        self.message = mistakes[0].message


def load_manifests(service: Service, environment: Environment) -> Manifests:
    """Raises ManifestError for files that are missing, unreadable or not this service's."""
    deployment_path = _chosen(service.manifests, "deployment", environment.name)
    if deployment_path is None:
        missing = service.manifests / "deployment.yaml"
        fix = f"write it, or set manifests: of {service.name} in dynamo.yml"
        raise ManifestError((Mistake(str(missing), 1, 1, "does not exist", fix),))
    config_path = _chosen(service.manifests, "config", environment.name)
    documents = _read_all(path for path in (deployment_path, config_path) if path)
    mistakes = list(_deployment_mistakes(documents[0], service, environment))
    for document in documents[1:]:
        mistakes.extend(_config_mistakes(document, environment))
    if mistakes:
        raise ManifestError(tuple(sorted(mistakes)))
    objects = [document.value for document in documents]
    return Manifests(
        deployment=_with_replicas(objects[0], service.replicas.get(environment.name)),
        configs=tuple(item for item in objects[1:] if isinstance(item, dict)),
        paths=tuple(path for path in (deployment_path, config_path) if path),
    )


def _chosen(directory: Path, kind: str, environment: str) -> Path | None:
    candidates = (directory / f"{kind}.{environment}.yaml", directory / f"{kind}.yaml")
    return next((path for path in candidates if path.exists()), None)


def _read_all(paths: Iterable[Path]) -> list[Document]:
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            documents.append(read_yaml(path))
        except UnreadableError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise ManifestError(tuple(mistakes))
    return documents


def _deployment_mistakes(
    document: Document, service: Service, environment: Environment
) -> Iterator[Mistake]:
    yield from document.mistakes
    yield from _identity_mistakes(document, "apps/v1", "Deployment", environment)
    if not isinstance(document.value, dict) or document.value.get("kind") != "Deployment":
        return
    name = _at(document, "metadata", "name")
    if name != service.name:
        yield document.mistake(
            ("metadata", "name"),
            f"the Deployment is named {_short(name)}",
            f"name it {service.name}, as in dynamo.yml",
        )
    yield from _container_mistakes(document, service)
    yield from _selector_mistakes(document)
    replicas = _at(document, "spec", "replicas")
    if replicas is not None and (not isinstance(replicas, int) or isinstance(replicas, bool)):
        yield document.mistake(
            ("spec", "replicas"), "replicas must be a whole number", "leave it to dynamo.yml"
        )


def _config_mistakes(document: Document, environment: Environment) -> Iterator[Mistake]:
    yield from document.mistakes
    yield from _identity_mistakes(document, "v1", "ConfigMap", environment)
    if not isinstance(document.value, dict) or document.value.get("kind") != "ConfigMap":
        return
    if not isinstance(name := _at(document, "metadata", "name"), str) or not name:
        yield document.mistake(("metadata", "name"), "the ConfigMap has no name")
    data = document.value.get("data")
    if data is not None and not isinstance(data, dict):
        yield document.mistake(("data",), "data must be names with values")
    for key, value in data.items() if isinstance(data, dict) else ():
        if not isinstance(value, str):
            said = "empty" if value is None else f"{value}".lower()
            yield document.mistake(
                ("data", key),
                f"{_short(key)} is {_short(said)}, and a ConfigMap holds only text",
                f'write it between quotes: "{"" if value is None else said}"'
                if not isinstance(value, dict | list)
                else "write it as one text",
            )


def _identity_mistakes(
    document: Document, api_version: str, kind: str, environment: Environment
) -> Iterator[Mistake]:
    """Everything rests on which kind of object this is, and on its namespace."""
    if document.value is None:
        yield document.mistake((), "is empty", f"it must be a {kind}")
        return
    given = _at(document, "kind")
    if given != kind:
        fix = "Secrets do not belong in files" if given == "Secret" else f"write kind: {kind}"
        yield document.mistake(("kind",), f"is {_short(given)} and no {kind}", fix)
        return
    if _at(document, "apiVersion") != api_version:
        yield document.mistake(
            ("apiVersion",), "has another apiVersion", f"write apiVersion: {api_version}"
        )
    namespace = _at(document, "metadata", "namespace")
    if namespace is not None and namespace != environment.namespace:
        yield document.mistake(
            ("metadata", "namespace"),
            f"the namespace {_short(namespace)} is not that of {environment.name}",
            "leave it out: dynamo.yml says the namespace of each environment",
        )


def _container_mistakes(document: Document, service: Service) -> Iterator[Mistake]:
    steps = ("spec", "template", "spec", "containers")
    containers = _at(document, *steps)
    if not isinstance(containers, list) or not containers:
        yield document.mistake(
            steps, "has no containers", f"it needs one named {service.container}"
        )
        return
    names = tuple(str(item.get("name")) for item in containers if isinstance(item, dict))
    if service.container not in names:
        hint = meant(nearest(service.container, names)) or f"it has {', '.join(names[:5])}"
        yield document.mistake(steps, f"has no container named {service.container}", hint)


def _selector_mistakes(document: Document) -> Iterator[Mistake]:
    """A selector that misses its own pods is refused by the server, in words few understand."""
    wanted = _at(document, "spec", "selector", "matchLabels")
    labels = _at(document, "spec", "template", "metadata", "labels")
    for label, value in wanted.items() if isinstance(wanted, dict) else ():
        if not isinstance(labels, dict) or labels.get(label) != value:
            yield document.mistake(
                ("spec", "selector", "matchLabels", label),
                f"the selector wants the label {_short(label)}, which the pods do not have",
                "give template.metadata.labels the same label",
            )


def _with_replicas(deployment: object, replicas: int | None) -> dict[str, Any]:
    whole: dict[str, Any] = deployment if isinstance(deployment, dict) else {}
    if replicas is None:
        return whole
    return {**whole, "spec": {**whole["spec"], "replicas": replicas}}


def _at(document: Document, *steps: str) -> object:
    value = document.value
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
