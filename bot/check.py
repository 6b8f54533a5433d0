"""`dynamo check`: examine configuration, tokens, scopes, cluster rights, registry, metrics, sites.

Each line says what was looked at and whether it holds; each thing to mend says how. Nothing is
changed anywhere, and no secret is printed. English, for operators.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.adapters.databases import connection_to, place_of
from bot.adapters.github_checks import GitHubChecks
from bot.adapters.http_probes import HttpProbes
from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.oci_registry import OciRegistry
from bot.adapters.prometheus_metrics import PrometheusMetrics
from bot.adapters.slack_app import (
    SlackClient,
    check_app_token,
    identify,
    slack_client,
    slack_session,
)
from bot.adapters.wall_clock import WallClock
from bot.domain.probing import Expiry, Reached, expiry
from bot.domain.release import hosted_name
from bot.errors import PortError, Trouble
from bot.text import Texts
from bot.text.sentences import trouble_sentence
from config.catalog import (
    Catalog,
    CatalogError,
    Environment,
    Requirement,
    Service,
    load_catalog,
)
from config.manifests import ManifestError, load_manifests
from config.settings import Settings, SettingsError, sqlite_path

SCOPES = {
    "commands": "/dynamo itself",
    "chat:write": "cards and answers",
    "users:read": "the language of the person who asks",
    "app_mentions:read": "mentions in threads",
    "files:read": "whether a chart can be shown yet",
    "files:write": "texts that are too long for a message",
    "im:write": "those of private answers, as direct messages",
}
OPTIONAL_SCOPES = {
    "usergroups:read": "roles that follow Slack user groups",
    "channels:history": "finding a card again after a crash in the moment of its posting",
    "groups:history": "the same in private channels",
    "chat:write.public": "posting where the bot was not invited",
}

RIGHTS = (
    ("get", "deployments.apps"),
    ("list", "deployments.apps"),
    ("watch", "deployments.apps"),
    ("create", "deployments.apps"),
    ("patch", "deployments.apps"),
    ("get", "deployments.apps/scale"),
    ("patch", "deployments.apps/scale"),
    ("list", "replicasets.apps"),
    ("watch", "replicasets.apps"),
    ("list", "pods"),
    ("watch", "pods"),
    ("get", "pods/log"),
    ("list", "events"),
    ("get", "horizontalpodautoscalers.autoscaling"),
    ("list", "horizontalpodautoscalers.autoscaling"),
    ("patch", "horizontalpodautoscalers.autoscaling"),
    ("get", "configmaps"),
    ("create", "configmaps"),
    ("patch", "configmaps"),
    ("list", "services"),
    ("list", "poddisruptionbudgets.policy"),
)
"""What deploy/rights.yaml grants; a test holds the two against each other."""

OPTIONAL_RIGHTS = {
    ("get", "secrets"): "comparing the keys of Secrets between environments",
    ("list", "nodes"): "saying by how much a resource is short where pods find no place",
}
"""What is lost without them. A grant on some names alone does not show here, and does its work."""


@dataclass(frozen=True, slots=True)
class Found:
    """`ok` None: it works without, and says what is lost."""

    ok: bool | None
    what: str
    fix: str = ""

    def __str__(self) -> str:
        sign = {True: "✅ ok  ", False: "❌ mend", None: "⚠️  note"}[self.ok]
        return f"{sign}  {self.what}" + (f"\n         → {self.fix}" if self.fix else "")


def main() -> int:
    """0 when nothing has to be mended, else 1."""
    return asyncio.run(_print_all())


async def _print_all() -> int:
    broken = 0
    async for found in examine():
        sys.stdout.write(f"{found}\n")
        broken += found.ok is False
    sys.stdout.write(f"\n{broken} to mend.\n" if broken else "\nAll well.\n")
    return 1 if broken else 0


async def examine() -> AsyncIterator[Found]:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        for mistake in error.mistakes:
            yield Found(False, f"settings: {mistake}")
        return
    yield Found(True, f"settings: {settings.mode} mode")
    try:
        catalog = load_catalog(settings.dynamo_config)
    except CatalogError as error:
        for wrong in error.mistakes:
            yield Found(False, f"catalog: {wrong}")
        return
    yield Found(
        True,
        f"catalog: {len(catalog.services)} services, {len(catalog.environments)} environments",
    )
    for found in _manifests(catalog):
        yield found
    async with AsyncExitStack() as stack:
        session = slack_session(trust_env=not settings.slack_needs_no_proxy)
        stack.push_async_callback(session.close)
        cluster = KubernetesCluster(WallClock(), kubeconfig=settings.kubeconfig or "")
        stack.push_async_callback(cluster.close)
        images = OciRegistry(registry_url=settings.dynamo_registry_url or "")
        stack.push_async_callback(images.close)
        yield await _store(settings)
        token = settings.slack_bot_token.get_secret_value()
        client = slack_client(token, settings.slack_api_url, session)
        async for found in _slack(client, settings):
            yield found
        for environment in catalog.environments:
            async for found in _rights(cluster, environment):
                yield found
        for service in catalog.services:
            yield await _images(images, service.image)
        for others in (_git_host(settings, catalog), _metrics(settings, catalog), _sites(catalog)):
            async for found in others:
                yield found


def _manifests(catalog: Catalog) -> Iterator[Found]:
    broken = False
    for service in catalog.services:
        for environment in catalog.environments:
            try:
                load_manifests(service, environment)
            except ManifestError as error:
                broken = True
                for mistake in error.mistakes:
                    yield Found(False, f"manifest of {service.name}: {mistake}")
    if not broken:
        yield Found(True, "manifests: all services in all environments")


async def _store(settings: Settings) -> Found:
    address = settings.dynamo_database.get_secret_value()
    connection = connection_to(address)
    try:
        await connection.open(stand_by=False)
    except PortError as error:
        if error.trouble is Trouble.CONFLICT:
            return Found(None, "database: a running Dynamo holds it, as it should")
        fix = "make its directory writable for Dynamo's user"
        if sqlite_path(address) is None:
            fix = "check DYNAMO_DATABASE, and that its server lets Dynamo's user in to make tables"
        return Found(False, f"database: {_said(error)}", fix)
    finally:
        await connection.close()
    return Found(True, f"database: {place_of(address)}")


async def _slack(client: SlackClient, settings: Settings) -> AsyncIterator[Found]:
    try:
        identity = await identify(client)
    except PortError as error:
        yield Found(False, f"Slack: {_said(error)}", "check SLACK_BOT_TOKEN and SLACK_API_URL")
        return
    yield Found(True, f"Slack: workspace {identity.team}, bot user {identity.bot_user_id}")
    install = "add it under OAuth & Permissions and install the app again"
    for scope, why in SCOPES.items():
        if scope not in identity.scopes:
            yield Found(False, f"Slack: the scope {scope} is missing: {why}", install)
    for scope, why in OPTIONAL_SCOPES.items():
        if scope not in identity.scopes:
            yield Found(None, f"Slack: without the scope {scope} there is no {why}", install)
    if settings.slack_app_token is not None:
        try:
            app_token = settings.slack_app_token.get_secret_value()
            await check_app_token(client, app_token)
            yield Found(True, "Slack: Socket Mode connects")
        except PortError as error:
            fix = "make an app-level token with the scope connections:write"
            yield Found(False, f"Slack: Socket Mode: {_said(error)}", fix)
    yield Found(
        None,
        "Slack: whether the bot is in its channels shows at the first card",
        "type /invite @dynamo in each",
    )


async def _rights(cluster: KubernetesCluster, environment: Environment) -> AsyncIterator[Found]:
    context, namespace = environment.context or "", environment.namespace
    where = f"cluster: {environment.name} ({namespace})"
    try:
        first = await cluster.may(context, namespace, *RIGHTS[0])  # whether it answers at all
        others = await asyncio.gather(
            *(cluster.may(context, namespace, verb, resource) for verb, resource in RIGHTS[1:])
        )
    except PortError as error:
        why = str(error.values.get("message", ""))
        fix = f"check KUBECONFIG and the context{f': {why}' if why else ''}"
        yield Found(False, f"{where}: {_said(error)}", fix)
        return
    answers = [first, *others]
    missing = [right for right, allowed in zip(RIGHTS, answers, strict=True) if not allowed]
    for verb, resource in missing:
        yield Found(
            False, f"{where}: may not {verb} {resource}", "kubectl apply -f deploy/rights.yaml"
        )
    if not missing:
        yield Found(True, f"{where}: all {len(RIGHTS)} rights")
    for (verb, resource), lost in OPTIONAL_RIGHTS.items():
        if not await cluster.may(context, namespace, verb, resource):
            fix = "it works without; deploy/rights.yaml says how to grant it by name"
            yield Found(None, f"{where}: may not {verb} all {resource}: no {lost}", fix)


async def _images(images: OciRegistry, repository: str) -> Found:
    try:
        tags = await images.tags(repository)
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return Found(None, f"registry: {repository} has no image yet", "push one")
        fix = "check DYNAMO_REGISTRY_URL and the registry's credentials"
        return Found(False, f"registry: {repository}: {_said(error)}", fix)
    return Found(True, f"registry: {repository} has {len(tags)} versions")


async def _metrics(settings: Settings, catalog: Catalog) -> AsyncIterator[Found]:
    """Whether each environment's Prometheus answers a query, and takes the token."""
    named = {each.name: each.metrics.url for each in catalog.environments if each.metrics}
    metrics = PrometheusMetrics(named, settings.prometheus_token)
    try:
        for environment in catalog.environments:
            if environment.metrics is None:
                what = f"metrics: {environment.name} names no Prometheus"
                yield Found(None, what, "without metrics a release is judged by logs and probes")
                continue
            yield await _prometheus(metrics, environment.name, environment.metrics.url)
    finally:
        await metrics.close()


async def _prometheus(metrics: PrometheusMetrics, environment: str, url: str) -> Found:
    try:
        await metrics.at(environment, "vector(1)", WallClock().now())
    except PortError as error:
        fix = "check its address in dynamo.yml, and PROMETHEUS_TOKEN if it wants one"
        return Found(False, f"metrics of {environment}: {url}: {_said(error)}", fix)
    return Found(True, f"metrics of {environment}: {url} answers")


_NOT_REACHED = {
    Reached.FORBIDDEN: "leads to this machine, its link or a metadata service, where no probe goes",
    Reached.UNKNOWN_HOST: "the name of its host has no address",
    Reached.AWAY: "nothing answers there, or the connection was cut",
    Reached.TIMED_OUT: "no answer came in time",
    Reached.BAD_CERTIFICATE: "its certificate is not trusted",
    Reached.REDIRECTS: "it sends on from one address to the next without end",
    Reached.DOWNGRADED: "it sends on from https to http, which is not followed",
    Reached.TOO_LARGE: "its answer is larger than 4 MiB",
    Reached.GARBLED: "what answers there speaks no HTTP that can be understood",
}


async def _sites(catalog: Catalog) -> AsyncIterator[Found]:
    """Each base URL, with one request and one look at its certificate: after a deploy health and
    response times are asked there."""
    probes = HttpProbes()
    try:
        for found in await asyncio.gather(
            *(_site(probes, environment) for environment in catalog.environments)
        ):
            yield found
    finally:
        await probes.close()


async def _site(probes: HttpProbes, environment: Environment) -> Found:
    url = environment.base_url
    what = f"base URL of {environment.name}: {url}"
    answer, held = await asyncio.gather(probes.get(url), probes.certificate(url))
    if answer.reached is not Reached.ANSWERED:
        fix = "check base_url in dynamo.yml, and who answers there as seen from this machine"
        why = _NOT_REACHED[answer.reached]
        said = f" ({answer.message})" if answer.message else ""
        return Found(False, f"{what}: {why}{said}", fix)
    if held is not None and held.expires_at is not None:
        now = WallClock().now()
        if (state := expiry(held.expires_at, now)) is not Expiry.FINE:
            days = (held.expires_at - now).days
            ok = None if state is Expiry.SOON else False
            return Found(ok, f"{what}: its certificate ends in {days} days", "renew it")
    if answer.status >= 500:
        return Found(None, f"{what} answers {answer.status}", "services are asked below it")
    return Found(True, f"{what} answers {answer.status}")


async def _git_host(settings: Settings, catalog: Catalog) -> AsyncIterator[Found]:
    """Where an environment requires CI: whether each repository is shown to Dynamo."""
    if all(Requirement.CI not in environment.requires for environment in catalog.environments):
        return
    checks = GitHubChecks(settings.github_api_url, settings.github_token)
    try:
        for service in catalog.services:
            yield await _repository(checks, service)
    finally:
        await checks.close()


async def _repository(checks: GitHubChecks, service: Service) -> Found:
    name = hosted_name(service.repository)
    if not service.has_ci:
        return Found(None, f"CI: {service.name} has none, as dynamo.yml says")
    if not name:
        fix = "name its address on the git host, or say ci: none"
        return Found(False, f"CI: {service.repository} is on no git host", fix)
    try:
        await checks.shows(name)
    except PortError as error:
        fix = "set GITHUB_TOKEN to one that may read checks and statuses; check GITHUB_API_URL"
        return Found(False, f"CI: {name}: {_said(error)}", fix)
    return Found(True, f"CI: {name} is shown")


def _said(error: PortError) -> str:
    texts = Texts.of("en")
    return trouble_sentence(error.port, error.trouble, error.values, texts)
