"""Settings of one installation, from environment variables: tokens, addresses, database.

What the team works with (services, environments, roles) stands in `dynamo.yml` instead. Every
mistake is told at once, and no message ever holds a value: any of them may be a secret that
was put into the wrong variable.

Traps that are handled here, because each costs an evening:
- An empty variable counts as not set, and white space around a token is dropped; both come from
  files that hold secrets.
- Kubernetes gives every pod a variable DYNAMO_PORT=tcp://… when a Service is called `dynamo`.
  Nobody wrote it, so it counts as not set.
- slack_sdk takes HTTPS_PROXY from the environment and does not know NO_PROXY; it would send what
  is meant for a workspace on this machine to the proxy. `slack_needs_no_proxy` says when.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.checks import https_url, is_loopback, split_url, wrong
from config.lookup import likeness
from config.mistakes import meant

Mode = Literal["socket", "http"]

_POSTGRES = ("postgresql://", "postgres://")
_TOKEN_KINDS = {
    "xoxb-": ("a bot token", "SLACK_BOT_TOKEN"),
    "xapp-": ("an app-level token", "SLACK_APP_TOKEN"),
    "xoxp-": ("a user token", None),
    "xoxe.": ("a token that rotates", None),
    "xoxe-": ("a refresh token", None),
    "xoxs-": ("a session token of a browser", None),
    "xoxc-": ("a session token of a browser", None),
}
_ALMOST_THE_SAME = 0.8


@dataclass(frozen=True, slots=True)
class SettingMistake:
    variable: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.variable} {self.message}; {self.fix}"


@dataclass(frozen=True, slots=True)
class TerminalToken:
    """A name that stands where a person's does, with these roles; `sha256` of its token, in hex."""

    name: str
    roles: tuple[str, ...]
    sha256: str


class SettingsError(ValueError):
    """The environment is not usable; `mistakes` holds everything that is wrong with it."""

    def __init__(self, mistakes: tuple[SettingMistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


def _token(prefix: str, where: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        fix = f"it begins with {prefix} and stands in the app's settings under {where}"
        if not value:
            raise wrong("is empty", fix)
        if re.search(r"[\s\"']", value):
            raise wrong("holds quotes or white space", "write the token alone")
        if value.startswith(prefix):
            if len(value) > len(prefix):
                return secret
            raise wrong("is only the beginning of a token", fix)
        kind, belongs = _kind_of_token(value)
        raise wrong(f"holds {kind}", f"put it into {belongs}; {fix}" if belongs else fix)

    return AfterValidator(check)


def _kind_of_token(value: str) -> tuple[str, str | None]:
    for prefix, known in _TOKEN_KINDS.items():
        if value.startswith(prefix):
            return known
    return "something that is no such token", None


def _signing_secret(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    fix = "it is 32 letters and digits in the app's settings under Basic Information"
    kind, belongs = _kind_of_token(value)
    if belongs or value.startswith(tuple(_TOKEN_KINDS)):
        raise wrong(f"holds {kind}", f"put it into {belongs}; {fix}" if belongs else fix)
    if not re.fullmatch(r"[!-~]{16,128}", value):
        raise wrong("is no signing secret", fix)
    return secret


def sqlite_path(address: str) -> str | None:
    """The file that an address of a database names; None for one of a server."""
    return None if address.startswith(_POSTGRES) else address.removeprefix("sqlite:///")


def _server(secret: SecretStr) -> SecretStr:
    """The mistakes that libpq would tell in other words, or with the password in them."""
    fix = "write postgresql://user:password@host:5432/name, with %-codes for odd letters in it"
    parts = split_url(secret.get_secret_value())
    query = parse_qs(parts.query) if parts else {}
    if parts is None or not (parts.hostname or "host" in query):
        raise wrong("names no server of PostgreSQL", fix)
    if not parts.path.strip("/") and "dbname" not in query:
        raise wrong("names no database on its server", fix)
    return secret


def _database(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.startswith(_POSTGRES):
        return _server(secret)
    fix = (
        "write sqlite:///dynamo.db, or sqlite:////var/lib/dynamo/dynamo.db for a full path,"
        " or postgresql://user:password@host/name"
    )
    name = sqlite_path(value)
    if name == value or not name or not name.strip("/") or re.search(r"[?#\x00-\x1f]", name):
        raise wrong("is no address of a database", fix)
    if name == ":memory:":
        raise wrong("would be forgotten at every stop", fix)
    return secret


def _keys(secret: SecretStr) -> SecretStr:
    """A key that may read and write everything has no business here: what is asked is open to
    anybody who holds the publishable one."""
    fix = "write it like qa=sb_publishable_…,prod=sb_publishable_…"
    for pair in secret.get_secret_value().split(","):
        name, _, key = pair.partition("=")
        if not re.fullmatch(r"\s*[a-z][-a-z0-9]{0,62}\s*", name):
            raise wrong("names no environment before a key", fix)
        if not re.fullmatch(r"\s*[A-Za-z0-9_.-]{8,2000}\s*", key):
            raise wrong("has no key after the name of an environment", fix)
        if key.strip().startswith("sb_secret_"):
            raise wrong("holds a secret key", "take the publishable one; " + fix)
    return secret


_TERMINAL_TOKEN = re.compile(
    r"\s*(?P<name>[a-z][a-z0-9-]{1,39})=(?P<roles>[a-z][-a-z0-9]*(\+[a-z][-a-z0-9]*)*)"
    r":(?P<hash>[0-9a-f]{64})\s*"
)


def _terminal_tokens(secret: SecretStr) -> SecretStr:
    """Hashes only, so that who reads the environment of Dynamo can ask it for nothing."""
    fix = "write it like ci-tasks=developers:HASH, where HASH is the SHA-256 of the token in hex"
    names = []
    for one in secret.get_secret_value().split(","):
        found = _TERMINAL_TOKEN.fullmatch(one)
        if found is None:
            raise wrong("holds what is no name, roles and hash", fix)
        names.append(found["name"])
    if "dynamo" in names or len(set(names)) < len(names):
        raise wrong("has a name twice, or the name dynamo", "give each token a name of its own")
    return secret


def _slack_url(text: str) -> str:
    url = https_url(text, "https://slack.com/api/")
    parts = split_url(url)
    if parts and parts.hostname in ("slack.com", "www.slack.com") and parts.path != "/api":
        raise wrong("is not where Slack's methods are", "write https://slack.com/api/")
    return f"{url}/"


def _url(example: str) -> AfterValidator:
    return AfterValidator(lambda text: https_url(text, example))


def _docker_host(text: str) -> str:
    parts = split_url(text)
    if parts is None or parts.scheme not in ("unix", "tcp", "ssh", "npipe", "http", "https"):
        raise wrong("is no address of a Docker Engine", "write it like unix:///var/run/docker.sock")
    return text


def _listening_host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", text) or "://" in text:
        raise wrong("is no name of a host", "write 0.0.0.0, 127.0.0.1 or a name, without a port")
    return text


def _port(value: object) -> object:
    fix = "write a number from 0 to 65535; 0 takes a free port"
    if isinstance(value, str):
        if value.startswith("tcp://"):
            return 3000
        if not re.fullmatch(r"[0-9]{1,5}", value):
            raise wrong("is no port", fix)
        value = int(value)
    if not isinstance(value, int) or not 0 <= value <= 65535:
        raise wrong("is no port", fix)
    return value


def _instance(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", text):
        raise wrong("is no name of a replica", "use letters, digits, dots and -")
    return text


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).strip("-._")[:128] or "dynamo"


_Text = Annotated[str, BeforeValidator(_stripped)]
_Secret = Annotated[SecretStr, BeforeValidator(_stripped)]


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    slack_bot_token: Annotated[_Secret, _token("xoxb-", "OAuth & Permissions")]
    slack_app_token: Annotated[_Secret, _token("xapp-", "Basic Information")] | None = None
    """Socket Mode: Dynamo connects to Slack, nothing has to reach Dynamo."""
    slack_signing_secret: Annotated[_Secret, AfterValidator(_signing_secret)] | None = None
    """HTTP mode: Slack calls /slack/events, and signs what it sends."""
    slack_api_url: Annotated[_Text, AfterValidator(_slack_url)] = "https://slack.com/api/"
    dynamo_config: Annotated[Path, BeforeValidator(_stripped)] = Path("config/dynamo.yml")
    dynamo_database: Annotated[_Secret, AfterValidator(_database)] = SecretStr(
        "sqlite:///dynamo.db"
    )
    dynamo_host: Annotated[_Text, AfterValidator(_listening_host)] = "127.0.0.1"
    dynamo_port: Annotated[int, BeforeValidator(_port), BeforeValidator(_stripped)] = 3000
    dynamo_instance: Annotated[_Text, AfterValidator(_instance)] = Field(default_factory=_host_name)
    """Names this replica: it says who drives a rollout."""
    dynamo_registry_url: Annotated[_Text, _url("https://registry.yourapp.com")] | None = None
    """Where the registry's HTTP API is, when that is not the host that image names begin with."""
    kubeconfig: _Text | None = None
    """None: the account of the pod that Dynamo runs in, or ~/.kube/config outside of a cluster."""
    docker_host: Annotated[_Text, AfterValidator(_docker_host)] | None = None
    github_token: _Secret | None = None
    prometheus_token: _Secret | None = None
    """Sent as a bearer token to the Prometheus of every environment."""
    supabase_keys: Annotated[_Secret, AfterValidator(_keys)] | None = None
    """Publishable keys of Supabase instances by environment: qa=sb_publishable_…,prod=…"""
    dynamo_tokens: Annotated[_Secret, AfterValidator(_terminal_tokens)] | None = None
    """Who may use `dynamo do`: ci-tasks=developers+release-managers:SHA256, more after a comma."""
    github_api_url: Annotated[_Text, _url("https://api.github.com")] = "https://api.github.com"

    @classmethod
    def from_environment(cls) -> Self:
        """Raises SettingsError with every mistake at once."""
        mistakes: list[SettingMistake] = []
        settings: Self | None = None
        try:
            settings = cls()
        except ValidationError as error:
            mistakes.extend(_said(detail) for detail in error.errors(include_url=False))
        mistakes.extend(_missing_mode())
        mistakes.extend(_misspelt(tuple(cls.model_fields)))
        if settings is None or mistakes:
            raise SettingsError(tuple(mistakes))
        return settings

    @property
    def mode(self) -> Mode:
        """Socket Mode when both are possible: it needs no address that Slack can reach."""
        if self.slack_app_token is not None:
            return "socket"
        if self.slack_signing_secret is not None:
            return "http"
        raise SettingsError((_NO_MODE,))

    @property
    def supabase_key_of(self) -> Mapping[str, SecretStr]:
        """By the name of the environment."""
        if self.supabase_keys is None:
            return {}
        pairs = (pair.split("=", 1) for pair in self.supabase_keys.get_secret_value().split(","))
        return {name.strip(): SecretStr(key.strip()) for name, key in pairs}

    @property
    def terminal_tokens(self) -> tuple[TerminalToken, ...]:
        """Who may use `dynamo do`; nobody where it is not set."""
        if self.dynamo_tokens is None:
            return ()
        found = map(_TERMINAL_TOKEN.fullmatch, self.dynamo_tokens.get_secret_value().split(","))
        return tuple(
            TerminalToken(each["name"], tuple(each["roles"].split("+")), each["hash"])
            for each in found
            if each is not None
        )

    @property
    def database_path(self) -> Path:
        """Of the SQLite file; relative to the working directory, as the URL says."""
        path = sqlite_path(self.dynamo_database.get_secret_value())
        if path is None:
            raise ValueError("the database is no file")
        return Path(path)

    @property
    def data_directory(self) -> Path:
        """For what is no part of the memory and may be lost: beside the SQLite file, else where
        Dynamo was started."""
        return Path(sqlite_path(self.dynamo_database.get_secret_value()) or "here").parent

    @property
    def slack_needs_no_proxy(self) -> bool:
        """Slack's address is on this machine, so HTTPS_PROXY must not be used for it."""
        parts = split_url(self.slack_api_url)
        return parts is not None and is_loopback(parts.hostname)


_NO_MODE = SettingMistake(
    "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET",
    "is needed",
    "set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP",
)


def _said(detail: ErrorDetails) -> SettingMistake:
    variable = str(detail["loc"][0]).upper() if detail["loc"] else "the environment"
    context = detail.get("ctx", {})
    if detail["type"] == "wrong":
        return SettingMistake(variable, str(context["message"]), str(context["fix"]))
    if detail["type"] == "missing":
        return SettingMistake(
            variable, "is not set", "it is the bot token of the app and begins with xoxb-"
        )
    return SettingMistake(variable, "is not usable", detail["msg"])


def _is_set(variable: str) -> bool:
    return any(name.upper() == variable and value for name, value in os.environ.items())


def _missing_mode() -> Iterator[SettingMistake]:
    if not _is_set("SLACK_APP_TOKEN") and not _is_set("SLACK_SIGNING_SECRET"):
        yield _NO_MODE


def _misspelt(fields: tuple[str, ...]) -> Iterator[SettingMistake]:
    """A misspelt DYNAMO_DATABASE would otherwise be a fresh, empty database and no word said."""
    known = tuple(field.upper() for field in fields if field.startswith("dynamo_"))
    for name in sorted(os.environ):
        if not name.upper().startswith("DYNAMO_") or name.upper() in known:
            continue
        score, best = max((_likeness_after_prefix(name, other), other) for other in known)
        if score >= _ALMOST_THE_SAME and not _is_set(best):
            yield SettingMistake(name, "is no setting", meant((best,)))


def _likeness_after_prefix(name: str, other: str) -> float:
    return likeness(name.partition("_")[2], other.partition("_")[2])
