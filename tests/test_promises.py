"""The project's promises as tests: documents, manifests and code say the same."""

import re
from pathlib import Path

import pytest
import yaml

from bot.check import OPTIONAL_SCOPES, RIGHTS, SCOPES
from commands.form import CALLBACK
from commands.parser import parse
from commands.router import RUN
from commands.vocabulary import VERBS
from config.catalog import load_catalog
from config.settings import Settings

ROOT = Path(__file__).parents[1]
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

SCOPE_OF_METHOD = {
    "chat_postMessage": "chat:write",
    "chat_update": "chat:write",
    "chat_postEphemeral": "chat:write",
    "users_info": "users:read",
    "usergroups_list": "usergroups:read",
    "conversations_history": "channels:history",
    "conversations_replies": "channels:history",
    "chat_getPermalink": None,
    "auth_test": None,
    "views_publish": None,
    "views_open": None,
    "views_update": None,
    "files_upload_v2": "files:write",
    "files_info": "files:read",
    "conversations_open": "im:write",
    "apps_connections_open": None,
}
"""Slack's own table: research of the wire contract, docs.slack.dev."""


def scopes_in_manifest() -> set[str]:
    scopes = MANIFEST["oauth_config"]["scopes"]
    return {*scopes["bot"], *scopes.get("bot_optional", ())}


def slack_methods_in_code() -> set[str]:
    source = "".join(path.read_text() for path in (ROOT / "bot" / "adapters").glob("slack_*.py"))
    return set(
        re.findall(r"\.((?:chat|users|usergroups|conversations|auth|apps|views|files)_\w+)", source)
    )


def test_every_slack_method_in_the_code_has_its_scope_in_the_manifest():
    methods = slack_methods_in_code()
    assert methods <= SCOPE_OF_METHOD.keys()
    assert {SCOPE_OF_METHOD[method] for method in methods} - {None} <= scopes_in_manifest()


def test_the_manifest_asks_for_no_scope_that_nothing_uses():
    by_methods = {SCOPE_OF_METHOD[method] for method in slack_methods_in_code()}
    by_features = {"commands", "app_mentions:read"}
    widened = {"groups:history", "chat:write.public"}  # the same methods in other channels
    assert scopes_in_manifest() == {s for s in by_methods if s} | by_features | widened


def test_check_examines_the_scopes_that_the_manifest_asks_for():
    scopes = MANIFEST["oauth_config"]["scopes"]
    assert set(SCOPES) == set(scopes["bot"])
    assert set(OPTIONAL_SCOPES) <= set(scopes["bot_optional"])


def test_the_manifest_subscribes_to_the_events_that_have_a_listener():
    source = (ROOT / "commands" / "router.py").read_text()
    for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]:
        assert f'event("{event}")' in source


def test_the_shortcut_of_the_manifest_is_the_one_that_is_listened_to():
    shortcuts = MANIFEST["features"]["shortcuts"]
    assert [(each["type"], each["callback_id"]) for each in shortcuts] == [("global", CALLBACK)]
    assert all(len(each["name"]) <= 24 for each in shortcuts)


def _named(resource, group):
    """As `Cluster.may` takes it: "deployments.apps/scale"."""
    plural, slash, below = resource.partition("/")
    return f"{plural}.{group}{slash}{below}" if group else resource


def test_the_cluster_role_grants_exactly_what_check_asks_for():
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "rights.yaml").read_text()))
    roles = [document for document in documents if document["kind"] == "Role"]
    catalog = load_catalog(ROOT / "config" / "dynamo.yml")
    assert {role["metadata"]["namespace"] for role in roles} == {
        environment.namespace for environment in catalog.environments
    }
    for role in roles:
        granted = {
            (verb, _named(resource, group))
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        assert granted == set(RIGHTS)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_that_is_declared_is_carried_out_and_documented_with_examples_that_parse(verb):
    assert verb.name in RUN
    assert f"## {verb.name}\n`/dynamo {verb.usage}`" in COMMANDS
    section = COMMANDS.split(f"## {verb.name}\n")[1].split("\n#")[0]
    examples = re.findall(r"^/dynamo (.*)$", section, re.MULTILINE)
    assert examples
    catalog = load_catalog(ROOT / "config" / "dynamo.yml")
    for example in examples:
        read = parse(example, catalog, VERBS)
        assert getattr(read, "command", None) == verb.name, example
        assert getattr(read, "line", None), example


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_document_lists_every_other_word_for_a_verb(verb):
    heading = COMMANDS.split(f"## {verb.name}\n")[1].split("\n")[0]
    _, _, also = heading.partition(" · also ")
    assert tuple(re.findall(r"`([^`]+)`", also)) == verb.aliases


def test_every_setting_is_documented():
    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in OPERATIONS


def test_the_lock_files_name_no_registry():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_file_that_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:docs|deploy|config|bot|commands|tests)/[\w./-]+\.\w+)`", text)
    for target in linked:
        assert ((ROOT / page).parent / target).exists(), target
    for target in (name for name in named if not re.search(r"/[A-Z]{3,}\b", name)):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("package", ["bot", "commands", "config"])
def test_every_file_that_a_module_speaks_of_is_there(package):
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text()
        whole = re.findall(r"`((?:bot|commands|config|tests|docs)/[\w/-]+\.\w+)`", text)
        for target in whole:
            assert (ROOT / target).exists(), f"{path.relative_to(ROOT)} speaks of {target}"
