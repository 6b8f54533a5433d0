"""The versions that exist when the sandbox opens, in one table.

For each service: its tags, oldest first, with what the image does when it runs, how many days ago
it was built, and where it runs (`dev`, `qa`, `prod`). A service's newest good version is in dev and
was not promoted yet; `crash-at-start` and others are there to be tried. An image's digest, commit
and labels follow from this table alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.sandbox.kubernetes.containers import BEHAVIOUR_LABEL, VERSION_LABEL
from bot.sandbox.registry.store import Registry

REGISTRY_HOST = "registry.yourapp.com"
ORGANISATION = "dynamo"
_SOURCE = "https://github.com/yourapp"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one service. `runs_in`: environments that run it when the sandbox opens."""

    service: str
    version: str
    behaviour: str
    days_old: float
    runs_in: tuple[str, ...] = ()

    @property
    def repository(self) -> str:
        return f"{ORGANISATION}/{self.service}"

    @property
    def commit(self) -> str:
        """The git commit that it claims to be built from."""
        return hashlib.sha1(f"{self.service}@{self.version}".encode()).hexdigest()  # noqa: S324

    @property
    def megabytes(self) -> int:
        return 38 + int(self.commit[:2], 16) // 4


#        service                  version  behaviour                  days   runs in
RELEASES = (
    Release("api-gateway", "2.6.0", "healthy", 95),
    Release("api-gateway", "2.7.3", "healthy", 61),
    Release("api-gateway", "2.7.4", "healthy", 33, ("qa", "prod")),
    Release("api-gateway", "2.8.0", "healthy", 2, ("dev",)),
    Release("api-gateway", "2.9.0", "never-ready", 0.3),
    Release("auth-service", "3.1.0", "healthy", 120),
    Release("auth-service", "3.1.2", "healthy", 44, ("prod",)),
    Release("auth-service", "3.2.0", "healthy", 12, ("qa",)),
    Release("auth-service", "3.2.1", "healthy", 3, ("dev",)),
    Release("auth-service", "3.3.0", "crash-after-ten-seconds", 0.2),
    Release("projects-service", "1.10.0", "healthy", 80),
    Release("projects-service", "1.11.0", "healthy", 27, ("qa", "prod")),
    Release("projects-service", "1.12.0", "healthy", 1.5, ("dev",)),
    Release("projects-service", "1.13.0", "slow-start", 0.4),
    Release("forms-service", "0.8.4", "healthy", 70),
    Release("forms-service", "0.9.0", "healthy", 38, ("prod",)),
    Release("forms-service", "0.9.1", "healthy", 9, ("qa",)),
    Release("forms-service", "0.10.0", "healthy", 1, ("dev",)),
    Release("forms-service", "0.11.0", "out-of-memory", 0.3),
    Release("tasks-service", "1.0.0", "healthy", 170),
    Release("tasks-service", "1.1.0", "healthy", 140),
    Release("tasks-service", "1.2.0", "healthy", 110),
    Release("tasks-service", "1.3.1", "healthy", 52),
    Release("tasks-service", "1.3.2", "healthy", 21, ("qa", "prod")),
    Release("tasks-service", "1.4.0", "healthy", 1, ("dev",)),
    Release("tasks-service", "1.5.0", "crash-at-start", 0.1),
    Release("notifications-service", "4.0.1", "healthy", 88),
    Release("notifications-service", "4.1.0", "healthy", 30, ("qa", "prod")),
    Release("notifications-service", "4.2.0", "healthy", 4, ("dev",)),
)


_TABLE_MADE = datetime(2026, 11, 24, tzinfo=UTC)
"""Images were built before this day, whatever day it is: a digest is the same at every start."""


def fill(registry: Registry) -> dict[tuple[str, str], str]:
    """Push every release; returns digests by (service, version)."""
    digests = {}
    for release in RELEASES:
        created = _TABLE_MADE - timedelta(days=release.days_old)
        labels = {
            "org.opencontainers.image.title": release.service,
            VERSION_LABEL: release.version,
            "org.opencontainers.image.revision": release.commit,
            "org.opencontainers.image.created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "org.opencontainers.image.source": f"{_SOURCE}/{release.service}",
            BEHAVIOUR_LABEL: release.behaviour,
        }
        digests[release.service, release.version] = registry.add_image(
            release.repository,
            [release.version],
            created=created,
            labels=labels,
            env={"NODE_ENV": "production", "APP_VERSION": release.version},
            size=release.megabytes * 1_000_000,
        )
    return digests


def running(service: str, environment: str) -> Release | None:
    """The release that an environment runs when the sandbox opens."""
    found = (each for each in RELEASES if each.service == service and environment in each.runs_in)
    return next(found, None)


def image_of(release: Release, digest: str) -> str:
    """The image as manifests name it, pinned by digest."""
    return f"{REGISTRY_HOST}/{release.repository}@{digest}"
