"""The policies of environments, a file each: judged before a rollout where possible, verified after
it. A further policy is one more file, one name in `config/values.py` and one line in `JUDGES`.
"""

from collections.abc import Iterable, Mapping

from bot.domain.policy.autoscaling import autoscaling
from bot.domain.policy.finding import Judge, PolicyFinding, Scene, Standing
from bot.domain.policy.no_debug_tools import no_debug_tools
from bot.domain.policy.parity import production_parity
from bot.domain.policy.structured_logs import structured_logs
from bot.domain.policy.supabase import isolated_supabase, shared_supabase
from config.catalog import Catalog, Environment, Policy, Severity

JUDGES: Mapping[Policy, Judge] = {
    Policy.NO_DEBUG_TOOLS: no_debug_tools,
    Policy.STRUCTURED_LOGS: structured_logs,
    Policy.AUTOSCALING: autoscaling,
    Policy.PRODUCTION_PARITY: production_parity,
    Policy.SHARED_SUPABASE: shared_supabase,
    Policy.ISOLATED_SUPABASE: isolated_supabase,
}

OF_DYNAMO = frozenset({Policy.MASK_EMAILS})
"""What an environment asks of Dynamo itself: nothing that a service could keep or break."""

ABOUT_DATA = frozenset({Policy.SHARED_SUPABASE, Policy.ISOLATED_SUPABASE})
"""What is promised of the Supabase instance that a service is wired to."""

AFTERWARDS = frozenset({Policy.STRUCTURED_LOGS})
"""What only a running release shows."""


def promised(environment: Environment, catalog: Catalog) -> Mapping[Policy, Severity]:
    """What holds in an environment, and how severely. A promise of parity has two ends: it is held
    before what goes to production too, as severely as the other end says."""
    judged = (policy for policy in environment.policies if policy in JUDGES)
    found = {policy: environment.severity(policy) for policy in judged}
    pair = parity_with(environment, catalog)
    if pair is not None and Policy.PRODUCTION_PARITY not in found:
        found[Policy.PRODUCTION_PARITY] = pair.severity(Policy.PRODUCTION_PARITY)
    return found


def parity_with(environment: Environment, catalog: Catalog) -> Environment | None:
    """The other end of a promise of parity: production for an environment that makes it; for
    production the nearest environment before it that does."""
    last = catalog.last
    if environment.name != last.name:
        return last if Policy.PRODUCTION_PARITY in environment.policies else None
    for other in reversed(catalog.environments[:-1]):
        if Policy.PRODUCTION_PARITY in other.policies:
            return other
    return None


def parity_pair(environment: Environment, catalog: Catalog) -> tuple[str, str] | None:
    """Both ends of the promise of parity that an environment has part in, in pipeline order."""
    other = parity_with(environment, catalog)
    if other is None:
        return None
    names = [each.name for each in catalog.environments]
    first, second = sorted((environment.name, other.name), key=names.index)
    return first, second


def judge_policies(scene: Scene, promises: Mapping[Policy, Severity]) -> tuple[PolicyFinding, ...]:
    """In the order in which the environment names its policies."""
    found = []
    for policy, severity in promises.items():
        if scene.before and policy in AFTERWARDS:
            continue
        judged = JUDGES[policy](scene)
        found.append(
            PolicyFinding(
                policy, judged.standing, severity, judged.code, judged.values, judged.evidence
            )
        )
    return tuple(found)


def worst_first(findings: Iterable[PolicyFinding]) -> tuple[PolicyFinding, ...]:
    """What stops, what warns, what is not known, what is kept."""
    order = [Standing.BROKEN, Standing.UNKNOWN, Standing.KEPT, Standing.EXEMPT]
    return tuple(sorted(findings, key=lambda f: (not f.blocks, order.index(f.standing))))
