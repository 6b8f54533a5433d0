"""The door to the catalog: reads `dynamo.yml` and answers with values that can be trusted.

The phases: read the YAML within limits (`reading`), hold it against the shape (`shapes` with
`schema`), check what must hold between places (`rules`), resolve names and defaults into the
values (`values`). Mistakes of all phases are told at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from config.lookup import Ambiguous, Found, NotFound
from config.mistakes import CatalogError, Mistake
from config.reading import UnreadableError, read_yaml
from config.rules import broken_rules
from config.schema import (
    AnalysisShape,
    ApprovalsShape,
    ChecklistItemShape,
    DifferencesShape,
    EnvironmentShape,
    FileShape,
    LocalizedShape,
    RoleShape,
    ServiceShape,
)
from config.shapes import sections_meant, shape
from config.values import (
    LANGUAGES,
    AnalysisTimes,
    ApprovalPolicy,
    Catalog,
    Channel,
    ChecklistItem,
    Differences,
    Environment,
    Freeze,
    Language,
    Localized,
    OnConfig,
    OnRegression,
    Policy,
    ReplicaBounds,
    Requirement,
    Role,
    Service,
    Severity,
    UnknownNameError,
    Window,
)

__all__ = [
    "LANGUAGES",
    "Ambiguous",
    "AnalysisTimes",
    "ApprovalPolicy",
    "Catalog",
    "CatalogError",
    "Channel",
    "ChecklistItem",
    "Differences",
    "Environment",
    "Found",
    "Freeze",
    "Language",
    "Localized",
    "Mistake",
    "NotFound",
    "OnConfig",
    "OnRegression",
    "Policy",
    "ReplicaBounds",
    "Requirement",
    "Role",
    "Service",
    "Severity",
    "UnknownNameError",
    "Window",
    "load_catalog",
]


def load_catalog(path: Path | str) -> Catalog:
    """Raises CatalogError with every mistake of the file, each with its line."""
    path = Path(path)
    try:
        document = read_yaml(path)
    except UnreadableError as error:
        raise CatalogError(error.mistakes) from error
    if document.value is None:
        raise CatalogError([Mistake(document.path, 1, 1, "is empty", "begin with the sample file")])
    document = sections_meant(document, FileShape)
    file, misshapen = shape(document, FileShape)
    mistakes = (*document.mistakes, *misshapen, *broken_rules(document))
    if file is None or mistakes:
        raise CatalogError(mistakes)
    return _resolve(file, path.parent)


def _resolve(file: FileShape, directory: Path) -> Catalog:
    language = cast("Language", file.language)
    channels = {name: Channel(name, identity) for name, identity in file.channels.items()}
    return Catalog(
        language=language,
        registry=file.registry,
        environments=tuple(_environment(item, channels, language) for item in file.environments),
        services=tuple(
            _service(name, item, file.registry, directory) for name, item in file.services.items()
        ),
        checklist=tuple(_checklist_item(item) for item in file.checklist),
        roles=tuple(_role(name, item) for name, item in file.roles.items()),
        channels=tuple(channels.values()),
        differences=_differences(file.differences),
    )


def _environment(
    item: EnvironmentShape, channels: dict[str, Channel], language: Language
) -> Environment:
    return Environment(
        name=item.name,
        title=_localized(item.title),
        namespace=item.namespace,
        base_url=item.base_url,
        channel=channels[item.channel],
        language=cast("Language", item.language) if item.language else language,
        aliases=tuple(item.aliases),
        context=item.context or "",
        deploy=tuple(item.deploy),
        requires=tuple(Requirement(name) for name in item.requires),
        stability_window=item.stability_window,
        policies=tuple(dict.fromkeys(policy for policy, _ in item.policies)),
        severities={policy: severity for policy, severity in item.policies if severity},
        replicas=ReplicaBounds(item.replicas.least, item.replicas.most) if item.replicas else None,
        confirm=item.confirm,
        approvals=_approvals(item.approvals) if item.approvals else None,
        auto=item.auto,
        break_glass=tuple(item.break_glass),
        time_zone=item.time_zone,
        windows=tuple(Window(each.days, each.from_, each.to) for each in item.windows),
        freezes=tuple(Freeze(each.from_, each.to, each.reason or "") for each in item.freezes),
        analysis=_analysis(item.analysis),
        on_regression=OnRegression(item.on_regression),
        dashboard=item.dashboard or "",
        supabase=item.supabase or "",
        metrics=item.metrics.value if item.metrics else None,
    )


def _analysis(item: AnalysisShape | None) -> AnalysisTimes | None:
    if item is None:
        return AnalysisTimes()
    if item.none:
        return None
    return AnalysisTimes(item.warm_up, item.provisional, item.final)


def _approvals(item: ApprovalsShape) -> ApprovalPolicy:
    return ApprovalPolicy(
        count=item.count,
        roles=tuple(item.roles),
        requester_counts=item.requester_counts,
        valid_for=item.valid_for,
        small_team=item.small_team,
    )


def _service(name: str, item: ServiceShape, registry: str, directory: Path) -> Service:
    return Service(
        name=name,
        repository=item.repository,
        image=item.image or f"{registry}/{name}",
        manifests=directory / (item.manifests or f"k8s/{name}"),
        container=item.container or name,
        port=item.port,
        health=item.health,
        path=None if item.path == "none" else (item.path or f"/{name}"),
        routes=tuple(item.routes),
        aliases=tuple(item.aliases),
        depends_on=tuple(item.depends_on),
        build=item.build,
        has_ci=item.ci is None or bool(item.ci.required),
        required_checks=tuple(item.ci.required) if item.ci else (),
        owners=tuple(item.owners),
        replicas=dict(item.replicas),
        on_config=OnConfig(item.on_config),
        metrics=item.metrics.value,
    )


def _differences(item: DifferencesShape | None) -> Differences:
    if item is None:
        return Differences()
    return Differences(tuple(item.expected), tuple(item.risks), tuple(item.injected))


def _role(name: str, item: RoleShape) -> Role:
    return Role(name, _localized(item.title), tuple(item.users), tuple(item.groups))


def _checklist_item(item: ChecklistItemShape) -> ChecklistItem:
    return ChecklistItem(item.id, _localized(item.text), item.role, item.automatic)


def _localized(item: LocalizedShape) -> Localized:
    return Localized(en=item.en, es=item.es)
