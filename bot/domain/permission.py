"""Who may do what. Nothing is allowed that the catalog does not name."""

from bot.domain.gate import Gate, GateResult
from config.catalog import Catalog, Environment, Role


def roles_that_may_deploy(catalog: Catalog, environment: Environment) -> tuple[Role, ...]:
    return tuple(catalog.role(name) for name in environment.deploy)


def may_deploy(
    user: str, groups: frozenset[str], environment: Environment, catalog: Catalog
) -> GateResult:
    """Whether this person may deploy there. `groups`: the Slack user groups they are in now."""
    allowed = roles_that_may_deploy(catalog, environment)
    mine = {role.name for role in catalog.roles_of(user, groups)}
    if any(role.name in mine for role in allowed):
        return GateResult(Gate.PERMISSION, True, "ALLOWED")
    if not allowed:
        return GateResult(Gate.PERMISSION, False, "NOBODY_ALLOWED")
    who = [group for role in allowed for group in role.groups]
    who += [person for role in allowed for person in role.users]
    values = {"roles": ", ".join(role.name for role in allowed), "who": " ".join(who)}
    return GateResult(Gate.PERMISSION, False, "NOT_ALLOWED", values)
