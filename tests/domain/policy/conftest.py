"""A scene with one service in production that keeps everything; tests break one thing each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.belongings import Belongings
from bot.domain.policy.finding import Peer, Scene
from config.catalog import Catalog, load_catalog

ROOT = Path(__file__).parents[3]
Build = Callable[..., Scene]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(ROOT / "config" / "dynamo.yml")


def autoscaler(least: int = 2, most: int = 6, **spec: Any) -> dict[str, Any]:
    utilization = {"type": "Utilization", "averageUtilization": 70}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}]
    return {"spec": {"minReplicas": least, "maxReplicas": most, "metrics": metrics, **spec}}


@pytest.fixture
def scene(catalog: Catalog) -> Build:
    """`data` of its ConfigMap, more fields of its container, and whatever else of the scene."""

    def build(
        data: dict[str, str] | None = None,
        container: dict[str, Any] | None = None,
        *,
        environment: str = "prod",
        held: dict[str, Any] | None = None,
        **more: Any,
    ) -> Scene:
        pod = {
            "containers": [
                {
                    "name": "api-gateway",
                    "envFrom": [{"configMapRef": {"name": "config"}}],
                    "resources": {"requests": {"cpu": "100m"}},
                    "ports": [{"name": "http", "containerPort": 8080}],
                    **(container or {}),
                }
            ]
        }
        url = {"SUPABASE_URL": "https://mine.supabase.co"}
        config = {"data": {"NODE_ENV": "production", **url, **(data or {})}}
        belongings = Belongings(
            namespace="dynamo",
            deployment={"spec": {"template": {"spec": pod}}},
            configs={"config": config},
            autoscaler=autoscaler(),
        ).with_(**(held or {}))
        made = Scene.of(
            catalog.service("api-gateway"), catalog.environment(environment), belongings
        )
        return replace(made, **more)

    return build


@pytest.fixture
def peer(catalog: Catalog) -> Callable[..., Peer]:
    def build(environment: str, *instances: str, unknown: str = "") -> Peer:
        return Peer(catalog.environment(environment), frozenset(instances), unknown)

    return build
