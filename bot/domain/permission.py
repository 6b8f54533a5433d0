"""Who may do what. Nothing is allowed that the catalog does not name."""

from collections.abc import Iterable

from bot.domain.gate import Gate, GateResult
from config.catalog import Catalog, Environment, Role


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
