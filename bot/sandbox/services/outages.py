"""What is wrong around the cluster, until it is lifted: services that fail behind their base URL
although their pods are ready, Supabase instances, Prometheus, certificates.

Unlike the troubles of the cluster these are there at once, and several at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

SERVICE_FAILS = "service-fails"
REDIRECTS = "redirects-for-ever"
AUTH_AWAY = "supabase-auth-away"
STORAGE_SLOW = "supabase-storage-slow"
CERTIFICATE_ENDS = "certificate-ends"
PROMETHEUS_AWAY = "prometheus-away"


@dataclass(frozen=True, slots=True)
class OutageKind:
    id: str
    label: str
    hint: str
    of_service: bool = False


OUTAGES = (
    OutageKind(SERVICE_FAILS, "Service fails", "It answers 503 below the base URL, at once.", True),
    OutageKind(REDIRECTS, "Redirects for ever", "Each of its routes leads to the next.", True),
    OutageKind(AUTH_AWAY, "Supabase auth away", "The environment's Supabase has no auth."),
    OutageKind(STORAGE_SLOW, "Supabase storage slow", "Its storage answers after ten seconds."),
    OutageKind(
        PROMETHEUS_AWAY, "Prometheus away", "Its Prometheus answers every query with a 503."
    ),
    OutageKind(CERTIFICATE_ENDS, "Certificate ends", "The base URL's certificate has two days."),
)


@dataclass(frozen=True, slots=True)
class Outage:
    """`service` and `environment` None mean every one."""

    kind: str
    service: str | None = None
    environment: str | None = None


class Outages:
    def __init__(self) -> None:
        self.present: list[Outage] = []

    def set(self, kind: str, service: str | None, environment: str | None) -> None:
        """Raises ValueError for a kind that there is not."""
        known = {each.id: each for each in OUTAGES}
        if kind not in known:
            raise ValueError(f"there is no outage of the kind {kind}")
        outage = Outage(kind, service if known[kind].of_service else None, environment)
        if outage not in self.present:
            self.present.append(outage)

    def lift(self, service: str | None = None, environment: str | None = None) -> None:
        """Those of a service, of an environment, or all."""
        self.present = [
            each
            for each in self.present
            if (service is not None and each.service not in (None, service))
            or (environment is not None and each.environment not in (None, environment))
        ]

    def holds(self, kind: str, environment: str, service: str | None = None) -> bool:
        return any(
            each.kind == kind
            and each.environment in (None, environment)
            and (service is None or each.service in (None, service))
            for each in self.present
        )
