"""Refused before anything is touched: what files, cluster and registry say against it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.image import Image
from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver

QA = "#qa-deploys"


@pytest.fixture
async def broken(tmp_path: Path, catalog_file: Path) -> AsyncIterator[tuple[Sandbox, Path]]:
    """The sandbox, with the manifests of tasks-service where a test can spoil them."""
    directory = tmp_path / "tasks-service"
    directory.mkdir()
    for source in (CONFIG.parent / "k8s" / "tasks-service").iterdir():
        (directory / source.name).write_text(source.read_text())
    catalog = yaml.safe_load(catalog_file.read_text())
    catalog["services"]["tasks-service"]["manifests"] = str(directory)
    catalog_file.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    options = Options(speed=10, keep=tmp_path / "keep", config=catalog_file)
    async with launch(options) as sandbox:
        yield sandbox, directory


async def refused(sandbox: Sandbox, line: str) -> Message:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ben")
        await slack.say("ben", QA, line)
        answer = await slack.message("ben", where=lambda m: m.ephemeral and m.from_app)
    assert await sandbox.dynamo.edges.store.recent() == []
    return answer


def change(directory: Path, spoil: Any) -> None:
    path = directory / "deployment.yaml"
    manifest = yaml.safe_load(path.read_text())
    spoil(manifest)
    path.write_text(yaml.safe_dump(manifest))


async def test_a_service_without_a_manifest_is_told_where_it_belongs(broken):
    sandbox, directory = broken
    (directory / "deployment.yaml").unlink()
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert str(directory / "deployment.yaml") in answer.words


async def test_a_manifest_that_is_no_longer_the_services_is_told_with_its_line(broken):
    sandbox, directory = broken
    change(directory, lambda m: m["metadata"].update(name="other-service"))
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "other-service" in answer.words
    assert "line" in answer.words


async def test_a_manifest_that_the_server_refuses_is_shown_with_the_servers_own_words(broken):
    sandbox, directory = broken
    change(directory, lambda m: m["spec"].update(minReadySeconds=-5))
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "must be greater than or equal to 0" in answer.words


async def test_a_field_that_the_server_does_not_know_is_named(broken):
    sandbox, directory = broken
    change(directory, lambda m: m["spec"].update(replicsa=3))
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "replicsa" in answer.words


async def test_another_tool_that_owns_the_image_is_named(broken):
    sandbox, _ = broken
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    assert found is not None
    container = found["spec"]["template"]["spec"]["containers"][0]
    container["image"] = Image.parse(container["image"]).repository + ":1.3.1"
    sandbox.world.storage.update("deployments.apps", found, manager="argocd-controller")
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "argocd-controller" in answer.words
    assert "image" in answer.words


async def test_a_paused_deployment_is_refused_with_the_way_to_resume_it(broken):
    sandbox, _ = broken
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    assert found is not None
    found["spec"]["paused"] = True
    sandbox.world.storage.update("deployments.apps", found)
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "paused" in answer.words
    assert "kubectl rollout resume" in answer.words


async def test_what_is_too_long_for_a_message_is_linked_in_full(broken):
    sandbox, directory = broken
    names = [f"Bad_Name_{number:04}" for number in range(120)]

    def spoil(manifest: dict[str, Any]) -> None:
        first = manifest["spec"]["template"]["spec"]["containers"][0]
        others = [{"name": name, "image": first["image"]} for name in names]
        manifest["spec"]["template"]["spec"]["containers"] += others

    change(directory, spoil)
    answer = await refused(sandbox, "/dynamo deploy tasks-service qa")
    assert "full-text.txt" in str(answer.body)
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ben")
        sent = await slack.message("ben", where=lambda m: bool(m.body.get("files")))
    assert sent.body["files"][0]["size"] > 3_000
