"""What the environment says, and how its mistakes are told without telling a value."""

from pathlib import Path

import pytest

from config.settings import Settings, SettingsError

BOT = "xoxb-1-2-abcdefHUSH"
APP = "xapp-1-A0-abcdefHUSH"
SIGNING = "0123456789abcdef0123456789abHUSH"
OURS = (
    "SLACK_BOT_TOKEN SLACK_APP_TOKEN SLACK_SIGNING_SECRET SLACK_API_URL DYNAMO_CONFIG "
    "DYNAMO_DATABASE DYNAMO_HOST DYNAMO_PORT DYNAMO_INSTANCE DYNAMO_REGISTRY_URL KUBECONFIG "
    "DOCKER_HOST GITHUB_TOKEN GITHUB_API_URL PROMETHEUS_TOKEN SUPABASE_KEYS DYNAMO_TOKENS"
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in OURS.split():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT)
    monkeypatch.setenv("SLACK_APP_TOKEN", APP)
    return monkeypatch


def mistakes() -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert "HUSH" not in str(caught.value) + repr(caught.value)
    return {item.variable: f"{item.message}; {item.fix}" for item in caught.value.mistakes}


def test_two_tokens_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment()
    assert settings.mode == "socket"
    assert settings.slack_bot_token.get_secret_value() == BOT
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.dynamo_config == Path("config/dynamo.yml")
    assert settings.database_path == Path("dynamo.db")
    assert (settings.dynamo_host, settings.dynamo_port) == ("127.0.0.1", 3000)
    assert settings.github_api_url == "https://api.github.com"
    assert settings.dynamo_instance
    assert (settings.kubeconfig, settings.docker_host, settings.github_token) == (None,) * 3


def test_every_field_is_a_variable_of_the_design(environment: pytest.MonkeyPatch) -> None:
    assert sorted(name.upper() for name in Settings.model_fields) == sorted(OURS.split())


def test_a_signing_secret_in_place_of_an_app_token_means_http(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("SLACK_APP_TOKEN")
    environment.setenv("SLACK_SIGNING_SECRET", SIGNING)
    assert Settings.from_environment().mode == "http"


def test_socket_mode_is_taken_where_both_are_possible(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLACK_SIGNING_SECRET", SIGNING)
    assert Settings.from_environment().mode == "socket"


def test_without_either_both_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLACK_APP_TOKEN")
    (said,) = mistakes().items()
    assert "SLACK_APP_TOKEN" in said[0]
    assert "SLACK_SIGNING_SECRET" in said[0]
    assert "Socket Mode" in said[1]


def test_no_secret_is_shown_by_the_settings_themselves(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLACK_SIGNING_SECRET", SIGNING)
    environment.setenv("GITHUB_TOKEN", "ghp_HUSH")
    settings = Settings.from_environment()
    assert "HUSH" not in f"{settings!r} {settings} {settings.model_dump()} "
    assert "HUSH" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", APP, "holds an app-level token; put it into SLACK_APP_TOKEN"),
        ("SLACK_BOT_TOKEN", "xoxp-HUSH", "holds a user token; it begins with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-HUSH", "holds a token that rotates"),
        ("SLACK_BOT_TOKEN", "HUSH", "holds something that is no such token"),
        ("SLACK_BOT_TOKEN", "  ", "is empty; it begins with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-", "is only the beginning of a token"),
        ("SLACK_BOT_TOKEN", f'"{BOT}"', "holds quotes or white space"),
        ("SLACK_BOT_TOKEN", f"{BOT} {APP}", "holds quotes or white space"),
        ("SLACK_APP_TOKEN", BOT, "holds a bot token; put it into SLACK_BOT_TOKEN"),
        ("SLACK_SIGNING_SECRET", APP, "holds an app-level token; put it into SLACK_APP_TOKEN"),
        ("SLACK_SIGNING_SECRET", "short", "is no signing secret"),
        ("SLACK_API_URL", "http://slack.example/api", "is not https"),
        ("SLACK_API_URL", "http://127.0.0.1.evil.example/api", "is not https"),
        ("SLACK_API_URL", "https://slack.com", "is not where Slack's methods are"),
        ("SLACK_API_URL", "https://u:HUSH@slack.com/api", "holds a user name or password"),
        ("SLACK_API_URL", "https://[", "is no URL"),
        ("SLACK_API_URL", "slack.com/api", "is no URL"),
        ("GITHUB_API_URL", "http://github.example", "is not https"),
        ("DYNAMO_REGISTRY_URL", "registry.yourapp.com", "is no URL"),
        ("DYNAMO_DATABASE", "postgresql://u:HUSH@/dynamo", "names no server of PostgreSQL"),
        ("DYNAMO_DATABASE", "postgresql://u:HUSH@db:port/dynamo", "names no server of PostgreSQL"),
        ("DYNAMO_DATABASE", "postgresql://u:HUSH@db", "names no database on its server"),
        ("DYNAMO_DATABASE", "dynamo.db", "is no address of a database"),
        ("DYNAMO_DATABASE", "sqlite://dynamo.db", "is no address of a database"),
        ("DYNAMO_DATABASE", "sqlite:///", "is no address of a database"),
        ("DYNAMO_DATABASE", "sqlite:///:memory:", "would be forgotten"),
        ("DYNAMO_PORT", "65536", "is no port"),
        ("DYNAMO_PORT", "-1", "is no port"),
        ("DYNAMO_PORT", "eighty", "is no port"),
        ("DYNAMO_HOST", "http://0.0.0.0", "is no name of a host"),
        ("DYNAMO_INSTANCE", "a b", "is no name of a replica"),
        ("DOCKER_HOST", "/var/run/docker.sock", "is no address of a Docker Engine"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(
    environment: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    environment.setenv(variable, value)
    found = mistakes()
    assert list(found) == [variable]
    assert said in found[variable]


def test_all_mistakes_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLACK_APP_TOKEN")
    environment.delenv("SLACK_BOT_TOKEN")
    environment.setenv("DYNAMO_PORT", "x")
    environment.setenv("DYNAMO_DATABSE", "sqlite:///other.db")
    found = mistakes()
    assert len(found) == 4
    assert found["SLACK_BOT_TOKEN"].startswith("is not set")
    assert "did you mean DYNAMO_DATABASE?" in found["DYNAMO_DATABSE"]


def test_a_variable_of_something_else_is_no_mistake(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DYNAMO_TEST_KUBECONFIG", "x")
    environment.setenv("DYNAMO_SERVICE_HOST", "10.0.0.1")
    environment.setenv("SLACK_API_TOKEN", "x")
    Settings.from_environment()


def test_a_service_named_dynamo_does_not_set_our_port(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DYNAMO_PORT", "tcp://10.96.12.7:80")
    assert Settings.from_environment().dynamo_port == 3000


def test_white_space_of_secret_files_is_dropped(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLACK_BOT_TOKEN", f" {BOT}\n")
    environment.setenv("DYNAMO_PORT", " 0 \n")
    environment.setenv("GITHUB_TOKEN", "")
    settings = Settings.from_environment()
    assert settings.slack_bot_token.get_secret_value() == BOT
    assert settings.dynamo_port == 0
    assert settings.github_token is None


@pytest.mark.parametrize(
    ("url", "normal", "direct"),
    [
        ("http://127.0.0.1:4001/api", "http://127.0.0.1:4001/api/", True),
        ("http://localhost:4001/api/", "http://localhost:4001/api/", True),
        ("http://[::1]:4001/api/", "http://[::1]:4001/api/", True),
        ("https://slack.com/api", "https://slack.com/api/", False),
    ],
)
def test_http_is_for_this_machine_which_no_proxy_reaches(
    environment: pytest.MonkeyPatch, url: str, normal: str, direct: bool
) -> None:
    environment.setenv("SLACK_API_URL", url)
    settings = Settings.from_environment()
    assert (settings.slack_api_url, settings.slack_needs_no_proxy) == (normal, direct)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///dynamo.db", "dynamo.db"),
        ("sqlite:///data/dynamo.db", "data/dynamo.db"),
        ("sqlite:////var/lib/dynamo.db", "/var/lib/dynamo.db"),
    ],
)
def test_a_database_url_is_a_path(environment: pytest.MonkeyPatch, url: str, path: str) -> None:
    environment.setenv("DYNAMO_DATABASE", url)
    assert Settings.from_environment().database_path == Path(path)


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@db:5432/dynamo", "postgresql:///dynamo?host=/run/postgresql"]
)
def test_a_server_of_postgresql_keeps_no_files(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("DYNAMO_DATABASE", url)
    settings = Settings.from_environment()
    assert settings.dynamo_database.get_secret_value() == url
    assert settings.data_directory == Path()
    with pytest.raises(ValueError, match="no file"):
        _ = settings.database_path


def test_settings_can_be_given_by_a_caller(environment: pytest.MonkeyPatch) -> None:
    settings = Settings(dynamo_port=0, slack_api_url="http://127.0.0.1:1/api")
    assert (settings.dynamo_port, settings.slack_api_url) == (0, "http://127.0.0.1:1/api/")


def test_supabase_keys_are_found_by_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SUPABASE_KEYS", "qa=sb_publishable_abc, prod = eyJh.eyJp.c2ln\n")
    keys = Settings.from_environment().supabase_key_of
    assert {name: key.get_secret_value() for name, key in keys.items()} == {
        "qa": "sb_publishable_abc",
        "prod": "eyJh.eyJp.c2ln",
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sb_publishable_HUSH", "names no environment before a key"),
        ("qa=", "has no key after"),
        ("qa=two words HUSH", "has no key after"),
        ("qa=sb_secret_HUSHHUSH", "holds a secret key"),
    ],
)
def test_supabase_keys_that_are_none(
    environment: pytest.MonkeyPatch, value: str, said: str
) -> None:
    environment.setenv("SUPABASE_KEYS", value)
    assert said in mistakes()["SUPABASE_KEYS"]


HASH = "0" * 64


def test_tokens_of_terminals_are_names_roles_and_hashes(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DYNAMO_TOKENS", f"ci=qa+developers:{HASH}, night=qa:{HASH}\n")
    found = Settings.from_environment().terminal_tokens
    assert [(each.name, each.roles, each.sha256) for each in found] == [
        ("ci", ("qa", "developers"), HASH),
        ("night", ("qa",), HASH),
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ci=qa:HUSH", "no name, roles and hash"),
        (f"ci:{HASH}", "no name, roles and hash"),
        (f"U0BEN00000=qa:{HASH}", "no name, roles and hash"),
        (f"ci=qa:{HASH},ci=qa:{HASH}", "a name twice"),
        (f"dynamo=qa:{HASH}", "the name dynamo"),
    ],
)
def test_tokens_of_terminals_that_are_none(
    environment: pytest.MonkeyPatch, value: str, said: str
) -> None:
    environment.setenv("DYNAMO_TOKENS", value)
    assert said in mistakes()["DYNAMO_TOKENS"]
