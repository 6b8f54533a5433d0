"""The Bolt app, and one of the two ways in: signed HTTP (the other, Socket Mode, is beside it).

Bolt reads several environment variables by itself and would ask `auth.test` in the first user's
three seconds; here the client, the secret and the identity are given to it, so nothing is asked
later (research/slack-contract.md §0, §4).
"""

import logging
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_errors import slack_errors

log = logging.getLogger(__name__)

SlackClient = AsyncWebClient
"""The client as the app passes it around."""

_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in its workspace, and what it may: from one `auth.test` at the start."""

    team_id: str
    team: str
    bot_id: str
    bot_user_id: str
    enterprise_id: str | None
    scopes: frozenset[str]


def slack_session(*, trust_env: bool) -> aiohttp.ClientSession:
    """One session for all calls: a new one per call would be a new TLS connection per call."""
    return aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=trust_env)


def slack_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    # No retry of connection errors: a post whose answer was lost may stand already, and the
    # engine looks for it by its key before it posts again.
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    if not session.trust_env:
        client.proxy = None  # the SDK takes HTTPS_PROXY, whatever the session says
    return client


async def identify(client: AsyncWebClient) -> Identity:
    """Raises PortError UNAUTHENTICATED for a wrong token, AWAY when Slack does not answer."""
    async with slack_errors():
        answer = await client.auth_test()
    scopes = str(answer.headers.get("x-oauth-scopes", ""))
    return Identity(
        team_id=str(answer["team_id"]),
        team=str(answer.get("team", "")),
        bot_id=str(answer.get("bot_id", "")),
        bot_user_id=str(answer["user_id"]),
        enterprise_id=answer.get("enterprise_id"),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


def bolt_app(client: AsyncWebClient, identity: Identity, signing_secret: str | None) -> AsyncApp:
    """`signing_secret` None: Socket Mode, where nothing arrives unsigned because nothing arrives
    over HTTP at all."""

    async def authorize(
        enterprise_id: str | None, team_id: str | None, user_id: str | None
    ) -> AuthorizeResult | None:
        if team_id is not None and team_id != identity.team_id:
            log.warning("a request of the foreign team %s was turned away", team_id)
            return None
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_token=client.token,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
        )

    unsigned = signing_secret is None
    # Bolt's own loggers follow the root's level and would log the bodies of unsigned requests.
    quiet = logging.getLogger("slack_bolt")
    quiet.setLevel(logging.WARNING)
    untokened = AsyncWebClient(base_url=client.base_url, session=client.session)
    return AsyncApp(
        name="dynamo",
        logger=quiet,
        client=untokened,
        authorize=authorize,  # type: ignore[arg-type]  # None is how Bolt is told "not ours"
        signing_secret=signing_secret or "socket-mode-has-no-signatures",
        request_verification_enabled=not unsigned,
        ssl_check_enabled=False,
    )


def http_endpoint(app: AsyncApp) -> web.RouteTableDef:
    """`POST /slack/events`: commands, clicks and events, each with its signature checked."""
    routes = web.RouteTableDef()

    @routes.post("/slack/events")
    async def events(request: web.Request) -> web.Response:
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (stamp.isascii() and stamp.isdigit() and signature.isascii()):  # Bolt: 500
            return _turned_away()
        try:
            asked = await to_bolt_request(request)
        except ValueError:  # Bolt reads the body before it looks at the signature
            return _turned_away()
        return await to_aiohttp_response(await app.async_dispatch(asked))

    return routes


def _turned_away() -> web.Response:
    return web.json_response({"error": "invalid request"}, status=401)


async def check_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Socket Mode dials for ever, with a wrong token too: ask once before."""
    async with slack_errors():
        await client.apps_connections_open(app_token=app_token)
