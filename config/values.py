"""The values of the catalog: what `dynamo.yml` says, resolved and safe to trust.

Everything here is frozen and knows no file, clock or client. `config.catalog` reads them from
the file; every other package imports them from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal

from config.lookup import Ambiguous, Found, Index, NotFound, find, index, resolve
from config.metrics import MetricsSource, ServiceMetrics

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")


class Policy(StrEnum):
    """What an environment promises; the names stand in `dynamo.yml`."""

    SHARED_SUPABASE = "shared-supabase"
    ISOLATED_SUPABASE = "isolated-supabase"
    PRODUCTION_PARITY = "production-parity"
    NO_DEBUG_TOOLS = "no-debug-tools"
    STRUCTURED_LOGS = "structured-logs"
    AUTOSCALING = "autoscaling"
    MASK_EMAILS = "mask-emails"


class Severity(StrEnum):
    """What follows where an environment's policy is not kept: no rollout, or a warning on it."""

    BLOCK = "block"
    WARN = "warn"


SEVERITY: Mapping[Policy, Severity] = {
    Policy.NO_DEBUG_TOOLS: Severity.BLOCK,
    Policy.ISOLATED_SUPABASE: Severity.BLOCK,
    Policy.SHARED_SUPABASE: Severity.WARN,
    Policy.PRODUCTION_PARITY: Severity.WARN,
    Policy.STRUCTURED_LOGS: Severity.WARN,
    Policy.AUTOSCALING: Severity.WARN,
}
"""Where `dynamo.yml` does not say: what opens a door to strangers or mixes up data stops a
rollout, what makes life harder is told."""


class OnConfig(StrEnum):
    """What becomes of a service's pods when its configuration was applied."""

    RESTART = "restart"
    KEEP = "keep"


class Requirement(StrEnum):
    """What a release needs before it may go to an environment; the names stand in `dynamo.yml`."""

    CI = "ci"
    CHECKLIST = "checklist"


class OnRegression(StrEnum):
    """What follows where a release turns out worse; the names stand in `dynamo.yml`."""

    ASK = "ask"
    ROLLBACK = "rollback"
    HOLD = "hold"


DASHBOARD_VALUES = ("service", "environment", "namespace", "version", "from", "to")
"""What a dashboard's address may hold in braces; from and to are milliseconds, as Grafana's."""


class UnknownNameError(LookupError):
    """A name that the catalog does not hold, such as a stored rollout of a removed service."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"the catalog has no {kind} named {name!r}")
        self.kind = kind
        self.name = name


@dataclass(frozen=True, slots=True)
class Localized:
    """One text in each language that Dynamo speaks."""

    en: str
    es: str

    def to(self, language: str) -> str:
        return self.es if language == "es" else self.en


@dataclass(frozen=True, slots=True)
class Channel:
    """A Slack channel; messages go to the id, since names can be changed."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Role:
    """Who may do something: Slack user ids and user group ids, either is enough."""

    name: str
    title: Localized
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaBounds:
    """How few and how many pods one workload may have in an environment, both included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of the week, in the environment's wall time, at which changes are made.
    One that does not close later than it opens goes over midnight."""

    days: tuple[int, ...]
    """0 is Monday, as `date.weekday`."""
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Freeze:
    """Whole days on which nothing is changed, both included."""

    first: date
    last: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """How many people of which roles approve a release before it goes into an environment."""

    count: int
    roles: tuple[str, ...]
    """Names of roles; being in one of them is enough."""
    requester_counts: bool = False
    """Whether whoever asks for the release may be one of those who approve it."""
    valid_for: timedelta = timedelta(hours=24)
    small_team: bool = False
    """Where nobody else has any of the roles, the requester's own approval counts, as is said."""


@dataclass(frozen=True, slots=True)
class AnalysisTimes:
    """When a rollout that is done is looked at: from `warm_up` on, with a first summary at
    `provisional` and the last one at `final` (research/rollouts.md §3.3). Latency needs five
    samples of a minute: a first summary after five minutes, one of them warm-up, had four."""

    warm_up: timedelta = timedelta(seconds=60)
    provisional: timedelta = timedelta(minutes=6)
    final: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    title: Localized
    namespace: str
    base_url: str
    channel: Channel
    language: Language
    """Of the cards in its channel."""
    aliases: tuple[str, ...] = ()
    context: str = ""
    """Of the kubeconfig; empty means the current one, or the cluster that the bot runs in."""
    deploy: tuple[str, ...] = ()
    """Names of the roles that may deploy here; empty means nobody."""
    requires: tuple[Requirement, ...] = ()
    """What a release needs to have before it comes here."""
    stability_window: timedelta = timedelta(seconds=30)
    """How long a complete rollout is watched before it counts as succeeded."""
    policies: tuple[Policy, ...] = ()
    severities: Mapping[Policy, Severity] = field(default_factory=dict)
    """Of those policies for which the file says one."""
    replicas: ReplicaBounds | None = None
    confirm: bool = False
    """A person is asked again before anything is touched here."""
    approvals: ApprovalPolicy | None = None
    """None: no approval is needed."""
    auto: bool = False
    """What waits goes by itself when its last gate opens, if its requester may deploy here."""
    break_glass: tuple[str, ...] = ()
    """Names of the roles that may override what people agreed on; empty means nobody."""
    time_zone: str = "UTC"
    """Of the windows and freezes, as the IANA database names it."""
    windows: tuple[Window, ...] = ()
    """When changes are made here; empty means always."""
    freezes: tuple[Freeze, ...] = ()
    analysis: AnalysisTimes | None = AnalysisTimes()
    """None: what was deployed here is not analysed."""
    on_regression: OnRegression = OnRegression.ASK
    """What follows where a release turns out worse here."""
    dashboard: str = ""
    """Template of a link to its graphs; `DASHBOARD_VALUES` are filled in."""
    supabase: str = ""
    """Address of its own Supabase instance; empty: it has none."""
    metrics: MetricsSource | None = None
    """None: what was deployed here is judged without metrics."""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.aliases, self.title.en, self.title.es)

    def severity(self, policy: Policy) -> Severity:
        return self.severities.get(policy, SEVERITY[policy])


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    repository: str
    image: str
    """Repository of its images, without tag: registry.yourapp.com/dynamo/tasks-service."""
    manifests: Path
    """Directory of deployment.yaml and config.yaml."""
    container: str
    """Which container of the Deployment runs the image."""
    port: int
    health: str
    """Path of its health endpoint."""
    path: str | None = None
    """Where it is below the base URL of an environment; None: it is not reached from there."""
    routes: tuple[str, ...] = ()
    """Paths below `path` that may be asked at any time, to see how long they take."""
    aliases: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    build: str | None = None
    """Shell command that is run in a checkout before its image is built."""
    has_ci: bool = True
    """False where `dynamo.yml` says `ci: none`: nothing tests its commits, and cards say so."""
    required_checks: tuple[str, ...] = ()
    """Checks that must pass; empty means all that the commit has."""
    owners: tuple[str, ...] = ()
    """Names of roles."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Pods by environment name, where people and not an autoscaler decide."""
    on_config: OnConfig = OnConfig.RESTART
    metrics: ServiceMetrics = field(default_factory=ServiceMetrics)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Differences:
    """What the operator says of differences between environments (bot/domain/expectations.py)."""

    expected: tuple[str, ...] = ()
    """Paths that may differ, beside those that always may."""
    risks: tuple[str, ...] = ()
    """Paths that must not differ, whatever else is said."""
    injected: tuple[str, ...] = ()
    """Names of containers that a webhook adds."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """`role` names who may tick it; `automatic` what ticks it by itself. One of them is set."""

    id: str
    text: Localized
    role: str | None = None
    automatic: Literal["ci"] | None = None


@dataclass(frozen=True)
class Catalog:
    """Everything that an operator describes in `dynamo.yml`."""

    language: Language
    registry: str
    """Host and prefix that images start with: registry.yourapp.com/dynamo."""
    environments: tuple[Environment, ...]
    """In pipeline order: what is promoted goes from each to the next."""
    services: tuple[Service, ...]
    checklist: tuple[ChecklistItem, ...] = ()
    roles: tuple[Role, ...] = ()
    channels: tuple[Channel, ...] = ()
    differences: Differences = Differences()

    def service(self, name: str) -> Service:
        """By its exact name; UnknownNameError when there is none."""
        try:
            return self._services[name]
        except KeyError:
            raise UnknownNameError("service", name) from None

    def environment(self, name: str) -> Environment:
        """By its exact name; UnknownNameError when there is none."""
        try:
            return self._environments[name]
        except KeyError:
            raise UnknownNameError("environment", name) from None

    def title_of(self, environment: str, language: str) -> str:
        """An environment's title; its name, where the catalog has it no more."""
        found = self._environments.get(environment)
        return found.title.to(language) if found else environment

    def role(self, name: str) -> Role:
        """By its exact name; UnknownNameError when there is none."""
        for role in self.roles:
            if role.name == name:
                return role
        raise UnknownNameError("role", name)

    @property
    def first(self) -> Environment:
        """Where every release begins."""
        return self.environments[0]

    @property
    def last(self) -> Environment:
        """Where every release is meant to end: production."""
        return self.environments[-1]

    def before(self, environment: Environment | str) -> Environment | None:
        """Where a release comes from; none for the first environment."""
        place = self._place(environment)
        return self.environments[place - 1] if place else None

    def after(self, environment: Environment | str) -> Environment | None:
        """Where a release goes next; none for the last environment."""
        place = self._place(environment) + 1
        return self.environments[place] if place < len(self.environments) else None

    def find_service(self, word: str) -> Found[Service] | Ambiguous | NotFound:
        """What a typed word means: name, alias, or a short form that fits just one service."""
        return find(word, self._service_index)

    def find_environment(self, word: str) -> Found[Environment] | Ambiguous | NotFound:
        """As `find_service`; titles in either language count as names (producción)."""
        return find(word, self._environment_index)

    def resolve_service(self, word: str) -> Found[Service] | Ambiguous | None:
        """As `find_service`, without the costly search for what is nearest."""
        return resolve(word, self._service_index)

    def resolve_environment(self, word: str) -> Found[Environment] | Ambiguous | None:
        return resolve(word, self._environment_index)

    def roles_of(self, user: str, groups: frozenset[str] = frozenset()) -> tuple[Role, ...]:
        """The roles of a Slack user id, given the user groups that Slack says it is in."""
        return tuple(
            role for role in self.roles if user in role.users or groups.intersection(role.groups)
        )

    def environment_of_channel(self, channel_id: str) -> Environment | None:
        """The environment whose cards go to this channel, when it is just one."""
        here = [item for item in self.environments if item.channel.id == channel_id]
        return here[0] if len(here) == 1 else None

    @cached_property
    def _services(self) -> dict[str, Service]:
        return {service.name: service for service in self.services}

    @cached_property
    def _environments(self) -> dict[str, Environment]:
        return {environment.name: environment for environment in self.environments}

    @cached_property
    def _service_index(self) -> Index[Service]:
        return index(self.services)

    @cached_property
    def _environment_index(self) -> Index[Environment]:
        return index(self.environments)

    def _place(self, environment: Environment | str) -> int:
        name = environment if isinstance(environment, str) else environment.name
        return self.environments.index(self.environment(name))
