"""What the sample file says, as values; and the questions that the catalog answers."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from config.catalog import Catalog, Policy, ReplicaBounds, UnknownNameError, load_catalog


def test_the_sample_has_the_pipeline_of_the_mission(sample: Catalog) -> None:
    assert [item.name for item in sample.environments] == ["dev", "qa", "prod"]
    assert [item.base_url for item in sample.environments] == [
        "https://dev.yourapp.com",
        "https://qa.yourapp.com",
        "https://app.yourapp.com",
    ]
    assert [item.policies for item in sample.environments] == [
        (Policy.SHARED_SUPABASE,),
        (Policy.PRODUCTION_PARITY, Policy.ISOLATED_SUPABASE),
        (
            Policy.NO_DEBUG_TOOLS,
            Policy.STRUCTURED_LOGS,
            Policy.AUTOSCALING,
            Policy.ISOLATED_SUPABASE,
        ),
    ]


def test_the_sample_has_the_six_services_of_the_mission(sample: Catalog) -> None:
    assert {item.name: item.repository for item in sample.services} == {
        name: f"https://github.com/yourorg/{name}"
        for name in (
            "api-gateway",
            "auth-service",
            "projects-service",
            "forms-service",
            "tasks-service",
            "notifications-service",
        )
    }


def test_the_sample_has_the_five_items_in_both_languages(sample: Catalog) -> None:
    assert [item.text.to("en") for item in sample.checklist] == [
        "Unit and integration tests pass",
        "Performance tests completed",
        "Manual QA approved",
        "Security review",
        "Documentation updated",
    ]
    assert all(item.text.to("es") != item.text.to("en") for item in sample.checklist)
    assert [item.automatic for item in sample.checklist] == ["ci", None, None, None, None]
    assert [item.role for item in sample.checklist] == [None, "qa", "qa", "security", "docs"]


def test_what_a_service_leaves_out_comes_from_its_name(sample: Catalog, sample_path: Path) -> None:
    tasks = sample.service("tasks-service")
    assert tasks.image == "registry.yourapp.com/dynamo/tasks-service"
    assert tasks.manifests == sample_path.parent / "k8s" / "tasks-service"
    assert (tasks.container, tasks.port, tasks.health) == ("tasks-service", 8080, "/healthz")
    assert tasks.replicas == {"dev": 1, "qa": 3, "prod": 4}


def test_production_is_guarded(sample: Catalog) -> None:
    production = sample.environment("prod")
    assert production.deploy == ("release-managers",)
    assert production.confirm
    assert production.replicas == ReplicaBounds(2, 30)
    assert production.stability_window == timedelta(seconds=60)


def test_nobody_may_deploy_where_no_role_is_named(changed: Callable[..., Path]) -> None:
    catalog = load_catalog(changed(("    deploy: [release-managers]\n", "")))
    assert catalog.environment("prod").deploy == ()


def test_a_channel_name_becomes_its_id(sample: Catalog) -> None:
    assert sample.environment("qa").channel.id == "C0QADEPLOYS"
    found = sample.environment_of_channel("C0PRODUCTN")
    assert found is not None
    assert found.name == "prod"
    assert sample.environment_of_channel("C0OTHER") is None


def test_an_environment_speaks_the_language_of_the_file_unless_it_has_its_own(
    changed: Callable[..., Path],
) -> None:
    catalog = load_catalog(
        changed(
            ("language: en\n", "language: es\n"),
            ("  - name: qa\n", "  - name: qa\n    language: en\n"),
        )
    )
    assert [item.language for item in catalog.environments] == ["es", "en", "es"]


def test_neighbours_in_the_pipeline(sample: Catalog) -> None:
    qa = sample.environment("qa")
    before, after = sample.before(qa), sample.after("qa")
    assert (before and before.name, after and after.name) == ("dev", "prod")
    assert sample.before("dev") is None
    assert sample.after("prod") is None
    assert sample.first.name == "dev"


def test_a_name_that_is_gone_says_so(sample: Catalog) -> None:
    with pytest.raises(UnknownNameError, match="no service named 'billing'"):
        sample.service("billing")
    with pytest.raises(UnknownNameError, match="no environment named 'staging'"):
        sample.environment("staging")  # an alias is for people, not for the store
    with pytest.raises(UnknownNameError):
        sample.after("staging")


def test_roles_come_from_user_ids_and_from_groups(sample: Catalog) -> None:
    def names(user: str, *groups: str) -> list[str]:
        return [role.name for role in sample.roles_of(user, frozenset(groups))]

    assert names("U0ELENA000") == ["release-managers"]
    assert names("U0OTHER000", "S0QATESTER", "S0DOCSTEAM") == ["qa", "docs"]
    assert names("U0OTHER000") == []


def test_production_requires_ci_and_the_checklist_and_qa_ci_alone(sample: Catalog) -> None:
    assert {item.name: list(item.requires) for item in sample.environments} == {
        "dev": [],
        "qa": ["ci"],
        "prod": ["ci", "checklist"],
    }


@pytest.mark.parametrize(
    ("written", "has_ci", "required"),
    [
        ("", True, ()),
        ("    ci: none\n", False, ()),
        ("    ci: { required: [unit, build / arm64] }\n", True, ("unit", "build / arm64")),
    ],
)
def test_a_service_names_the_checks_that_count_or_says_that_it_has_none(
    changed: Callable[..., Path], written: str, has_ci: bool, required: tuple[str, ...]
) -> None:
    path = changed(("    aliases: [tareas]\n", f"    aliases: [tareas]\n{written}"))
    tasks = load_catalog(path).service("tasks-service")
    assert (tasks.has_ci, tasks.required_checks) == (has_ci, required)
