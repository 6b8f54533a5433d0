"""The shape of `dynamo.yml`: which keys there are, what they hold, and what would be right.

A further key is one line here and one field in `config.values`. What spans several places of
the file (a role that exists, two aliases that collide) is checked in `config.rules`.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from config.checks import https_url, is_loopback, split_url, wrong
from config.lookup import nearest
from config.metrics import MetricsSourceShape, ServiceMetricsShape
from config.mistakes import meant
from config.times import parse_clock, parse_date, parse_days, parse_end, time_zone
from config.values import (
    DASHBOARD_VALUES,
    LANGUAGES,
    OnConfig,
    OnRegression,
    Policy,
    Requirement,
    Severity,
)

LONGEST_WINDOW = timedelta(hours=1)
LONGEST_VALIDITY = timedelta(days=30)
MOST_APPROVALS = 10
MOST_REPLICAS = 1000
MOST_ROUTES = 8
LONGEST_TEXT = 500

_DURATION_PART = re.compile(r"([0-9]{1,6})(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _matching(pattern: str, message: str, fix: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) > LONGEST_TEXT or not compiled.fullmatch(text):
            raise wrong(message, fix)
        return text

    return AfterValidator(check)


def _one_of(*choices: str) -> AfterValidator:
    def check(text: str) -> str:
        if text not in choices:
            hint = meant(nearest(text, choices)) or f"write one of: {', '.join(choices)}"
            raise wrong(f"cannot be {text[:40]!r}", hint)
        return text

    return AfterValidator(check)


def parse_duration(text: object) -> timedelta:
    """`30s`, `2m`, `1m30s`, `500ms`; at most an hour."""
    fix = "write it like 30s, 2m or 1m30s; at most 1h"
    if isinstance(text, bool) or not isinstance(text, str):
        raise wrong("a duration needs a unit", fix)
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise wrong(f"{text[:40]!r} is no duration", fix)
    whole = timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))
    if whole > LONGEST_WINDOW:
        raise wrong(f"{text[:40]} is too long", fix)
    return whole


_VALIDITY_PART = re.compile(r"([0-9]{1,5})(m|h|d)")
_VALIDITY_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def parse_validity(text: object) -> timedelta:
    """`90m`, `24h`, `7d`, `1d12h`; a minute to 30 days."""
    fix = "write it like 90m, 24h or 7d; at most 30d"
    if isinstance(text, bool) or not isinstance(text, str):
        raise wrong("a duration needs a unit", fix)
    parts = _VALIDITY_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise wrong(f"{text[:40]!r} is no duration", fix)
    whole = timedelta(seconds=sum(int(number) * _VALIDITY_UNITS[unit] for number, unit in parts))
    if not timedelta(minutes=1) <= whole <= LONGEST_VALIDITY:
        raise wrong(f"{text[:40]} is too {'long' if whole > LONGEST_VALIDITY else 'short'}", fix)
    return whole


def parse_policy(entry: object) -> tuple[Policy, Severity | None]:
    """`structured-logs`, or `structured-logs: block` where the usual severity is not wanted."""
    name, severity = entry, None
    if isinstance(entry, dict) and len(entry) == 1:
        name, severity = next(iter(entry.items()))
        if severity not in tuple(Severity):
            raise wrong(f"cannot be {str(severity)[:40]!r}", "write block or warn")
    if not isinstance(name, str):
        raise wrong("is no policy", "write a name, or a name with block or warn: autoscaling: warn")
    if name not in tuple(Policy):
        hint = meant(nearest(name, tuple(Policy))) or f"write one of: {', '.join(Policy)}"
        raise wrong(f"cannot be {name[:40]!r}", hint)
    return Policy(name), Severity(severity) if severity is not None else None


def _pattern(text: str) -> str:
    """A path with stars, or a regular expression between slashes."""
    if len(text) > LONGEST_TEXT or not text.strip():
        raise wrong("is no path", "write it like *.resources.* or LOG_LEVEL")
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            re.compile(text[1:-1])
        except re.error as error:
            raise wrong(f"is no regular expression: {error}", "write stars instead") from None
    return text


def _url(text: str) -> str:
    return https_url(text, "https://qa.yourapp.com")


def _supabase(text: str) -> str:
    return https_url(text, "https://yourapp-qa.supabase.co")


_BRACES = re.compile(r"\{([^{}]*)\}")


def _dashboard(text: str) -> str:
    """An address with a query, and names in braces that are filled in."""
    example = "https://grafana.yourapp.com/d/services?var-service={service}&from={from}&to={to}"
    names = _BRACES.findall(text)
    unknown = next((name for name in names if name not in DASHBOARD_VALUES), None)
    if unknown is not None:
        choices = ", ".join(f"{{{name}}}" for name in DASHBOARD_VALUES)
        hint = meant(nearest(unknown, DASHBOARD_VALUES)) or f"it may hold {choices}"
        raise wrong(f"holds {{{unknown[:40]}}}, which nothing fills in", hint)
    plain = _BRACES.sub("x", text)
    if "{" in plain or "}" in plain:
        raise wrong("has a brace without its other half", f"write it like {example}")
    https_url(plain.partition("?")[0].partition("#")[0], example)
    return text


def _repository(text: str) -> str:
    """Git takes words that begin with - as options, and `ext::` URLs run a command."""
    fix = "write it like https://github.com/yourorg/tasks-service or git@host:org/name.git"
    if re.fullmatch(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[A-Za-z0-9_./~-]+", text):
        if not text.startswith("-"):
            return text
    elif re.fullmatch(r"/[A-Za-z0-9_./~+-]+", text):
        return text
    elif re.fullmatch(r"(https|http|ssh|git|file)://[A-Za-z0-9_./~+@:\[\]-]+", text):
        return _remote(text, fix)
    raise wrong("is no address of a git repository", fix)


def _remote(text: str, fix: str) -> str:
    parts = split_url(text)
    if parts is None:
        raise wrong("is no address of a git repository", fix)
    host = parts.hostname
    if parts.password or (parts.username and parts.scheme != "ssh"):
        raise wrong("holds a user name or password", "leave it out; set GITHUB_TOKEN")
    if parts.scheme in ("http", "git") and not is_loopback(host):
        raise wrong("is not encrypted", "write it with https:// or ssh://")
    if parts.scheme != "file" and (not host or host.startswith("-") or not parts.path.strip("/")):
        raise wrong("is no address of a git repository", fix)
    return text


def _directory(text: str) -> str:
    if not text.strip() or ".." in text.split("/") or "\\" in text:
        raise wrong("is no directory beside this file", "write it like k8s/tasks-service")
    return text


NAME = r"[a-z]([-a-z0-9]{0,61}[a-z0-9])"
_NAME_FIX = "use 2 to 63 of a-z, 0-9 and -, beginning with a letter: tasks-service"
_IMAGE = r"[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{1,5})?(/[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*)*"

Text = Annotated[
    str,
    _matching(r"(?s)\s*\S.{0,300}", "is empty or longer than 300 characters", "write a sentence"),
]
Name = Annotated[str, _matching(NAME, "is no name", _NAME_FIX)]
CheckName = Annotated[
    str,
    _matching(
        r"\S(.{0,98}\S)?", "is no name of a check", "write it as the git host shows it: unit"
    ),
]
Alias = Annotated[
    str,
    _matching(r"[^\s@:\"'<>&,`]{2,63}", "is no alias", "write one word without spaces: prod"),
]
Namespace = Annotated[
    str,
    _matching(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "is no name of a Kubernetes namespace",
        "use a-z, 0-9 and -: dynamo-qa",
    ),
]
ChannelId = Annotated[
    str,
    _matching(
        r"[CG][A-Z0-9]{7,}",
        "is no id of a Slack channel",
        "it begins with C and stands at the foot of the channel's details: C0DEVDEPLOY",
    ),
]
UserId = Annotated[
    str,
    _matching(
        r"[UW][A-Z0-9]{7,}",
        "is no id of a Slack user",
        "it begins with U and stands in the person's profile under Copy member ID: U0ELENA000",
    ),
]
GroupId = Annotated[
    str,
    _matching(
        r"S[A-Z0-9]{7,}",
        "is no id of a Slack user group",
        "it begins with S and stands in the group's menu under Copy group ID: S0RELEASERS",
    ),
]
ImageName = Annotated[
    str,
    _matching(
        _IMAGE,
        "is no image repository",
        "write host and path without https:// and without tag: registry.yourapp.com/dynamo",
    ),
]
Container = Annotated[
    str, _matching(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "is no container name", _NAME_FIX)
]
HealthPath = Annotated[
    str, _matching(r"/[^\s?#]{0,200}", "is no path", "begin it with /: /healthz")
]
ServicePath = Annotated[
    str,
    _matching(
        r"none|/([^\s?#]{0,200})",
        "is no path below the base URL",
        "begin it with /: /tasks-service; or write none",
    ),
]
Route = Annotated[
    str, _matching(r"/[^\s#]{0,300}", "is no route", "begin it with /: /tasks or /tasks?limit=1")
]
LanguageName = Annotated[str, _one_of(*LANGUAGES)]
PolicyEntry = Annotated[tuple[Policy, Severity | None], BeforeValidator(parse_policy)]
OnConfigName = Annotated[str, _one_of(*OnConfig)]
RequirementName = Annotated[str, _one_of(*Requirement)]
PathPattern = Annotated[str, AfterValidator(_pattern)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Validity = Annotated[timedelta, BeforeValidator(parse_validity)]
Replicas = Annotated[int, Field(ge=0, le=MOST_REPLICAS)]
Url = Annotated[str, AfterValidator(_url)]
Dashboard = Annotated[str, AfterValidator(_dashboard)]
OnRegressionName = Annotated[str, _one_of(*OnRegression)]
SupabaseUrl = Annotated[str, AfterValidator(_supabase)]
Repository = Annotated[str, AfterValidator(_repository)]
Directory = Annotated[str, AfterValidator(_directory)]
Days = Annotated[tuple[int, ...], BeforeValidator(parse_days)]
ClockTime = Annotated[time, BeforeValidator(parse_clock)]
EndTime = Annotated[time, BeforeValidator(parse_end)]
Date = Annotated[date, BeforeValidator(parse_date)]
TimeZone = Annotated[str, AfterValidator(time_zone)]


class _Shape(BaseModel):
    """Field descriptions are shown where the field is missing or of the wrong type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LocalizedShape(_Shape):
    en: Text = Field(description="the text in English")
    es: Text = Field(description="the text in Spanish")


class RoleShape(_Shape):
    title: LocalizedShape = Field(description="{en: Release managers, es: Gestión de versiones}")
    users: list[UserId] = Field([], description="ids of Slack users: [U0ELENA000]")
    groups: list[GroupId] = Field([], description="ids of Slack user groups: [S0RELEASERS]")


class BoundsShape(_Shape):
    least: Replicas = Field(description="a number of pods")
    most: Replicas = Field(description="a number of pods")


class WindowShape(_Shape):
    days: Days = Field(description="days of the week: mon-thu, or mon, wed, fri")
    from_: ClockTime = Field(alias="from", description='a time of the day: "09:00"')
    to: EndTime = Field(description='a time of the day: "17:00"')


class FreezeShape(_Shape):
    from_: Date = Field(alias="from", description='the first day: "2026-12-21"')
    to: Date = Field(description='the last day: "2027-01-06"')
    reason: Text | None = Field(None, description="why: end of the year")


class ApprovalsShape(_Shape):
    count: Annotated[int, Field(ge=1, le=MOST_APPROVALS)] = Field(1, description="a number: 1")
    roles: Annotated[list[str], Field(min_length=1)] = Field(
        description="roles whose people approve: [release-managers]"
    )
    requester_counts: bool = Field(False, description="true or false")
    valid_for: Validity = Field(timedelta(hours=24), description="a duration: 24h")
    small_team: bool = Field(False, description="true or false")


class AnalysisShape(_Shape):
    warm_up: Duration = Field(timedelta(seconds=60), description="a duration: 60s")
    provisional: Duration = Field(timedelta(minutes=6), description="a duration: 6m")
    final: Duration = Field(timedelta(minutes=15), description="a duration: 15m")

    @model_validator(mode="after")
    def _in_order(self) -> AnalysisShape:
        if not self.none and not self.warm_up < self.provisional < self.final:
            raise wrong(
                "is out of order", "write warm_up below provisional, and provisional below final"
            )
        return self

    @property
    def none(self) -> bool:
        return not (self.warm_up or self.provisional or self.final)


def _no_analysis(value: object) -> object:
    """`none` in the place of the times: what is deployed there is not analysed."""
    if isinstance(value, str):
        if value == "none":
            never = timedelta(0)
            return AnalysisShape.model_construct(warm_up=never, provisional=never, final=never)
        fix = "write none, or { warm_up: 60s, provisional: 6m, final: 15m }"
        raise wrong(f"cannot be {value[:40]!r}", fix)
    return value


class EnvironmentShape(_Shape):
    name: Name = Field(description="a short name: qa")
    title: LocalizedShape = Field(description="{en: Production, es: Producción}")
    aliases: list[Alias] = Field([], description="a list of words: [staging]")
    namespace: Namespace = Field(description="a Kubernetes namespace: dynamo-qa")
    context: Text | None = Field(None, description="the name of a context of the kubeconfig")
    base_url: Url = Field(description="an address: https://qa.yourapp.com")
    supabase: SupabaseUrl | None = Field(
        None, description="its Supabase instance: https://yourapp-qa.supabase.co"
    )
    channel: str = Field(description="a name of the list channels: qa-deploys")
    language: LanguageName | None = Field(None, description="en or es")
    deploy: list[str] = Field([], description="roles that may deploy here: [release-managers]")
    requires: list[RequirementName] = Field([], description="a list: [ci, checklist]")
    stability_window: Duration = Field(timedelta(seconds=30), description="a duration: 30s")
    policies: list[PolicyEntry] = Field([], description="a list of policies: [structured-logs]")
    replicas: BoundsShape | None = Field(None, description="{least: 1, most: 12}")
    confirm: bool = Field(False, description="true or false")
    approvals: ApprovalsShape | None = Field(
        None, description="{ count: 1, roles: [release-managers] }"
    )
    auto: bool = Field(False, description="true or false")
    break_glass: list[str] = Field([], description="roles that may override: [release-managers]")
    time_zone: TimeZone = Field("UTC", description="a time zone: Europe/Madrid")
    windows: Annotated[list[WindowShape], Field(max_length=50)] = Field(
        [], description='a list: [{ days: mon-thu, from: "09:00", to: "17:00" }]'
    )
    freezes: Annotated[list[FreezeShape], Field(max_length=50)] = Field(
        [], description='a list: [{ from: "2026-12-21", to: "2027-01-06" }]'
    )
    analysis: Annotated[AnalysisShape | None, BeforeValidator(_no_analysis)] = Field(
        None, description="none, or { warm_up: 60s, provisional: 6m, final: 15m }"
    )
    on_regression: OnRegressionName = Field(OnRegression.ASK, description="ask, rollback or hold")
    dashboard: Dashboard | None = Field(
        None, description="https://grafana.yourapp.com/d/services?from={from}&to={to}"
    )
    metrics: MetricsSourceShape | None = Field(
        None, description="{ url: https://prometheus.yourapp.com }"
    )


class CiShape(_Shape):
    required: Annotated[list[CheckName], Field(min_length=1, max_length=50)] = Field(
        description="names of checks as the git host shows them: [unit, build]"
    )


def _no_ci(value: object) -> object:
    """`none` in the place of the names: a service without CI says so."""
    if isinstance(value, str):
        if value == "none":
            return CiShape.model_construct(required=[])
        raise wrong(f"cannot be {value[:40]!r}", "write none, or { required: [unit, build] }")
    return value


class ServiceShape(_Shape):
    aliases: list[Alias] = Field([], description="a list of words: [gateway]")
    repository: Repository = Field(description="https://github.com/yourorg/{name}")
    image: ImageName | None = Field(None, description="registry.yourapp.com/dynamo/{name}")
    manifests: Directory | None = Field(None, description="a directory: k8s/{name}")
    container: Container | None = Field(None, description="a container of the Deployment")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8080, description="a port: 8080")
    health: HealthPath = Field("/healthz", description="a path: /healthz")
    path: ServicePath | None = Field(None, description="a path below the base URL: /{name}")
    routes: Annotated[list[Route], Field(max_length=MOST_ROUTES)] = Field(
        [], description="a list of paths that may be asked at any time: [/tasks, /tasks?limit=1]"
    )
    depends_on: list[str] = Field([], description="names of services: [auth-service]")
    build: Text | None = Field(None, description="a command: npm ci && npm run build")
    ci: Annotated[CiShape | None, BeforeValidator(_no_ci)] = Field(
        None, description="none, or { required: [unit, build] }"
    )
    owners: list[str] = Field([], description="names of roles: [developers]")
    replicas: dict[str, Replicas] = Field({}, description="pods by environment: {dev: 1, qa: 3}")
    on_config: OnConfigName = Field(OnConfig.RESTART, description="restart or keep")
    metrics: ServiceMetricsShape = Field(
        ServiceMetricsShape(), description="{ preset: http, limits: { latency_p95: 300ms } }"
    )


class ChecklistItemShape(_Shape):
    id: Name = Field(description="a short name that never changes: security-review")
    text: LocalizedShape = Field(description="{en: Security review, es: Revisión de seguridad}")
    role: str | None = Field(None, description="the role that may tick it: security")
    automatic: Literal["ci"] | None = Field(None, description="ci")


class DifferencesShape(_Shape):
    expected: Annotated[list[PathPattern], Field(max_length=200)] = Field(
        [], description="paths that may differ: [PUBLIC_URL, '*.nodeSelector.*']"
    )
    risks: Annotated[list[PathPattern], Field(max_length=200)] = Field(
        [], description="paths that must not differ: [SESSION_TTL]"
    )
    injected: Annotated[list[Container], Field(max_length=50)] = Field(
        [], description="containers that a webhook adds: [log-shipper]"
    )


class FileShape(_Shape):
    language: LanguageName = Field("en", description="en or es")
    registry: ImageName = Field(description="host and prefix: registry.yourapp.com/dynamo")
    channels: dict[Name, ChannelId] = Field(description="names and ids of Slack channels")
    roles: dict[Name, RoleShape] = Field(description="names of roles, each with its people")
    environments: Annotated[list[EnvironmentShape], Field(min_length=1, max_length=12)] = Field(
        description="the list of environments in pipeline order"
    )
    services: Annotated[dict[Name, ServiceShape], Field(min_length=1, max_length=1000)] = Field(
        description="names of services, each with its repository"
    )
    differences: DifferencesShape | None = Field(
        None, description="{ expected: [PUBLIC_URL], risks: [SESSION_TTL] }"
    )
    checklist: Annotated[list[ChecklistItemShape], Field(max_length=20)] = Field(
        [], description="the list of items that a release needs before production"
    )
