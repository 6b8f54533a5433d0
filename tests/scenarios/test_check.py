"""`dynamo check` against the offline world: all well, and each thing to mend is named."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.http_probes import HttpProbes
from bot.check import Found, examine
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(keep=tmp_path, bot=False)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(
    world: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """The variables of a well configured bot in this world."""
    settings = world.settings
    config = shutil.copytree(settings.dynamo_config.parent, tmp_path / "config") / "dynamo.yml"
    there = config.read_text().replace("https://prometheus.yourapp.com", f"{world.url}/prometheus")
    config.write_text(there)
    for name, value in {
        "SLACK_BOT_TOKEN": seed.BOT_TOKEN,
        "SLACK_APP_TOKEN": seed.APP_TOKEN,
        "SLACK_API_URL": settings.slack_api_url,
        "DYNAMO_CONFIG": str(config),
        "DYNAMO_DATABASE": settings.dynamo_database.get_secret_value(),
        "DYNAMO_REGISTRY_URL": str(settings.dynamo_registry_url),
        "GITHUB_API_URL": settings.github_api_url,
        "KUBECONFIG": str(settings.kubeconfig),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bot.check.HttpProbes", probes_of(world))
    return monkeypatch


def probes_of(world: Sandbox) -> Callable[[], HttpProbes]:
    """Base URLs are where this world has them, and nothing outside is asked."""
    authority = world.town.authority if world.town else ""
    return partial(HttpProbes, world.addresses, authority=authority)


async def found() -> list[Found]:
    return [item async for item in examine()]


def to_mend(items: list[Found]) -> str:
    return "\n".join(str(item) for item in items if item.ok is False)


async def test_in_a_well_kept_world_nothing_is_to_mend(environment):
    items = await found()
    assert to_mend(items) == ""
    said = "\n".join(item.what for item in items)
    for part in (
        "settings",
        "catalog",
        "manifests",
        "database",
        "Slack",
        "cluster",
        "registry",
        "CI",
        "metrics",
        "base URL of dev: https://dev.yourapp.com answers",
        "base URL of prod",
    ):
        assert part in said


async def test_each_base_url_that_is_not_well_is_named(environment):
    environment.setattr("bot.check.HttpProbes", HttpProbes)  # of the world outside: there is none
    config = Path(os.environ["DYNAMO_CONFIG"])
    text = config.read_text()
    for old, new in (
        ("https://dev.yourapp.com", "https://169.254.169.254/latest"),
        ("https://qa.yourapp.com", "https://127.0.0.1:1"),
        ("https://app.yourapp.com", "https://no-such-host.invalid"),
    ):
        text = text.replace(f"base_url: {old}", f"base_url: {new}")
    config.write_text(text)
    mend = to_mend(await found())
    assert "base URL of dev: https://169.254.169.254/latest: leads to this machine" in mend
    assert "base URL of qa: https://127.0.0.1:1: leads to this machine" in mend
    assert "base URL of prod: https://no-such-host.invalid: " in mend
    assert "→ check base_url in dynamo.yml" in mend


async def test_a_certificate_that_ends_is_named_with_its_days(environment, world):
    assert world.town is not None
    world.town.outages.set("certificate-ends", None, "qa")
    mend = to_mend(await found())
    assert "base URL of qa: https://qa.yourapp.com: its certificate ends in" in mend
    assert "→ renew it" in mend
    assert mend.count("certificate") == 1


async def test_a_wrong_token_is_named_without_being_shown(environment):
    environment.setenv("SLACK_BOT_TOKEN", "xoxb-somebody-elses-token")
    said = to_mend(await found())
    assert "SLACK_BOT_TOKEN" in said
    assert "somebody-elses" not in said


async def test_a_missing_scope_is_named_with_what_it_is_for(environment, world):
    world.slack.scopes -= {"users:read"}
    assert "users:read" in to_mend(await found())


async def test_a_cluster_that_does_not_answer_is_told_for_each_environment(environment, tmp_path):
    nowhere = Path(str(tmp_path / "kubeconfig.yaml")).read_text()
    other = tmp_path / "other.yaml"
    other.write_text(nowhere.replace("/kubernetes", ":1/kubernetes").replace(":1/", "/nowhere/"))
    environment.setenv("KUBECONFIG", str(other))
    said = to_mend(await found())
    assert said.count("cluster:") >= 3


async def test_a_kubeconfig_that_is_not_there_is_named_once_for_each_environment(
    environment, tmp_path, capfd
):
    environment.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    said = to_mend(await found())
    assert said.count(f"there is no kubeconfig at {tmp_path}/nowhere") == 3
    assert "Config not found" not in capfd.readouterr().err


async def test_every_mistake_of_the_settings_is_told_at_once(environment):
    environment.delenv("SLACK_BOT_TOKEN")
    environment.setenv("DYNAMO_PORT", "high")
    said = to_mend(await found())
    assert "SLACK_BOT_TOKEN" in said
    assert "DYNAMO_PORT" in said


async def test_a_broken_catalog_is_told_with_its_lines(environment, tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text("language: en\nregistri: registry.yourapp.com\n")
    environment.setenv("DYNAMO_CONFIG", str(broken))
    said = to_mend(await found())
    assert "broken.yml:2" in said
    assert "registry" in said


async def test_a_repository_that_the_git_host_does_not_show_is_named(environment, world):
    del world.git_host.repositories["yourorg/tasks-service"]
    said = to_mend(await found())
    assert "CI: yourorg/tasks-service" in said
    assert "GITHUB_TOKEN" in said


async def test_a_prometheus_that_does_not_answer_is_to_mend(environment, world, tmp_path):
    config = tmp_path / "config" / "dynamo.yml"
    config.write_text(config.read_text().replace(f"{world.url}/prometheus", f"{world.url}/nobody"))
    assert "metrics of qa" in to_mend(await found())
    assert "PROMETHEUS_TOKEN" in to_mend(await found())
