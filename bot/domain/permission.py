"""Who may do what. Nothing is allowed that the catalog does not name."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.gate import Gate, GateResult
from config.catalog import Catalog, Environment, Localized, Role


def roles_that_may_deploy(catalog: Catalog, environment: Environment) -> tuple[Role, ...]:
    return tuple(catalog.role(name) for name in environment.deploy)


def may_deploy(
    user: str, groups: frozenset[str], environment: Environment, catalog: Catalog
) -> GateResult:
    """Whether this person may deploy there. `groups`: the Slack user groups they are in now."""
    allowed = roles_that_may_deploy(catalog, environment)
    return _judged(user, groups, allowed, catalog, ("ALLOWED", "NOT_ALLOWED", "NOBODY_ALLOWED"))


def roles_that_may_override(catalog: Catalog, environment: Environment) -> tuple[Role, ...]:
    return tuple(catalog.role(name) for name in environment.break_glass)


def may_override(
    user: str, groups: frozenset[str], environment: Environment, catalog: Catalog
) -> GateResult:
    """Whether this person may pass by what people agreed on there. It is a right of its own, and
    takes the place of the right to deploy: it is for the night on which nobody else is there."""
    allowed = roles_that_may_override(catalog, environment)
    codes = ("BREAK_GLASS", "NOT_BREAK_GLASS", "NOBODY_BREAKS_GLASS")
    return _judged(user, groups, allowed, catalog, codes)


def people_of(roles: Iterable[Role]) -> str:
    """Who is in these roles, as values of gates name people: groups and users, parted by blanks."""
    listed = tuple(roles)
    groups = [group for role in listed for group in role.groups]
    return " ".join(dict.fromkeys([*groups, *(user for role in listed for user in role.users)]))


def _judged(
    user: str,
    groups: frozenset[str],
    allowed: tuple[Role, ...],
    catalog: Catalog,
    codes: tuple[str, str, str],
) -> GateResult:
    yes, no, nobody = codes
    mine = {role.name for role in catalog.roles_of(user, groups)}
    if any(role.name in mine for role in allowed):
        return GateResult(Gate.PERMISSION, True, yes)
    if not allowed:
        return GateResult(Gate.PERMISSION, False, nobody)
    values = {"roles": ", ".join(role.name for role in allowed), "who": people_of(allowed)}
    return GateResult(Gate.PERMISSION, False, no, values)


# --- who somebody is -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role with the reason for it: the person's own id, or user groups they are in."""

    name: str
    title: Localized
    by_id: bool
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandingThere:
    """What a person may do in one environment. `approve` is None where no approval is needed, and
    `override` where nobody may. `who` deploys there, as values of gates name people."""

    title: Localized
    deploy: bool
    ask: bool
    approve: bool | None
    override: bool | None
    who: str


@dataclass(frozen=True, slots=True)
class Standing:
    roles: tuple[RoleHeld, ...]
    places: tuple[StandingThere, ...]


def standing_of(user: str, groups: frozenset[str], catalog: Catalog) -> Standing:
    """`groups`: the Slack user groups that the person is in now."""
    roles = tuple(
        RoleHeld(
            role.name,
            role.title,
            user in role.users,
            tuple(group for group in role.groups if group in groups),
        )
        for role in catalog.roles_of(user, groups)
    )
    mine = {role.name for role in roles}
    places = tuple(
        _standing_there(environment, mine, catalog) for environment in catalog.environments
    )
    return Standing(roles, places)


def _standing_there(environment: Environment, mine: set[str], catalog: Catalog) -> StandingThere:
    before = catalog.before(environment)
    deploys = bool(mine & set(environment.deploy))
    policy = environment.approvals
    return StandingThere(
        title=environment.title,
        deploy=deploys,
        ask=deploys or (before is not None and bool(mine & set(before.deploy))),
        approve=bool(mine & set(policy.roles)) if policy else None,
        override=bool(mine & set(environment.break_glass)) if environment.break_glass else None,
        who=people_of(roles_that_may_deploy(catalog, environment)),
    )
