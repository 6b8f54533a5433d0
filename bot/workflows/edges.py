"""Everything a workflow may reach, in one value: the catalog and the edges, named by the app."""

from dataclasses import dataclass, field

from bot.ports import (
    Analyses,
    Approvals,
    Audit,
    Checklists,
    Clock,
    Cluster,
    Comparisons,
    Configurations,
    Images,
    Inventory,
    Locks,
    Messenger,
    Metrics,
    Probes,
    Snapshots,
    Store,
    Workbench,
)
from bot.workflows.announcing import Announcer
from bot.workflows.bell import Bell
from bot.workflows.build_desk import BuildDesk
from bot.workflows.checklist_messages import ChecklistMessages
from bot.workflows.ci import CiDesk
from bot.workflows.languages import Readers
from bot.workflows.log_desk import LogDesk
from config.catalog import Catalog, Environment, Service, UnknownNameError


@dataclass(frozen=True, slots=True)
class Edges:
    catalog: Catalog
    store: Store
    cluster: Cluster
    inventory: Inventory
    images: Images
    messenger: Messenger
    people: Readers
    clock: Clock
    audit: Audit
    locks: Locks
    announcer: Announcer
    approvals: Approvals
    snapshots: Snapshots
    checklists: Checklists
    configurations: Configurations
    lists: ChecklistMessages
    ci: CiDesk
    workbench: Workbench
    analyses: Analyses
    comparisons: Comparisons | None = None  # None: no git host is configured
    metrics: Metrics | None = None  # None: no environment names a Prometheus
    probes: Probes | None = None  # None: nothing is asked below base URLs
    builds: BuildDesk | None = None  # None: nothing is built here
    logs: LogDesk | None = None  # None: only where nobody asks for any, as in some tests
    bell: Bell = field(default_factory=Bell)


@dataclass(frozen=True, slots=True)
class Place:
    """One service in one environment, and where its Deployment is."""

    service: Service
    environment: Environment

    @classmethod
    def named(cls, service: str, environment: str, catalog: Catalog) -> "Place | None":
        """Of names that were stored, or came with a button; None where `dynamo.yml` no longer has
        them."""
        try:
            return cls(catalog.service(service), catalog.environment(environment))
        except UnknownNameError:
            return None

    @property
    def context(self) -> str:
        return self.environment.context or ""

    @property
    def namespace(self) -> str:
        return self.environment.namespace
