"""Reads all that belongs to one service: its Deployment, and what that refers to and is led to by.

ConfigMaps and Secrets are read by name, only those that the pods name, so that a Role can grant
just these. A Secret leaves this file as its keys with a seal each, never as anything else. What may
not be read is no error here: it is named, and whoever compares says what is not known.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from bot.adapters.kubernetes_connections import Call, Connection, Objects
from bot.adapters.kubernetes_errors import Asked, Resource
from bot.adapters.kubernetes_feeds import DEPLOYMENTS
from bot.adapters.kubernetes_objects import scaled_by
from bot.adapters.kubernetes_writes import AUTOSCALERS, CONFIG_MAPS, SECRETS
from bot.domain.belongings import Belongings, Raw, Seals, Unread, mapping, pod_of, references_of
from bot.errors import PortError, Trouble

_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets")
_SERVICES = Resource("", "v1", "services")


async def read_belongings(
    connection: Connection,
    namespace: str,
    name: str,
    *,
    salt: bytes,
    pod: Mapping[str, Any] | None,
    around: bool,
) -> Belongings:
    """See `bot.ports.Inventory.belongings`."""
    unread: list[Unread] = []
    deployment = await _get(connection, DEPLOYMENTS, namespace, name, unread)
    wanted = references_of(pod if pod is not None else pod_of(deployment))
    labels = _labels(deployment)
    configs, secrets, scalers, services, budgets = await asyncio.gather(
        _all(connection, CONFIG_MAPS, namespace, wanted.every_config, unread),
        _all(connection, SECRETS, namespace, wanted.every_secret, unread),
        _list(connection, AUTOSCALERS, namespace, unread),
        _list(connection, _SERVICES, namespace, unread) if around else _none(),
        _list(connection, _BUDGETS, namespace, unread) if around else _none(),
    )
    return Belongings(
        namespace=namespace,
        deployment=deployment,
        configs=configs,
        secrets={key: _sealed(secret, salt) for key, secret in secrets.items()},
        autoscaler=next((s for s in scalers if scaled_by(s) == ("Deployment", name)), None),
        services=tuple(each for each in services if _selects(_spec(each).get("selector"), labels)),
        budgets=tuple(
            each
            for each in budgets
            if _selects(mapping(_spec(each).get("selector")).get("matchLabels"), labels)
        ),
        unread=tuple(dict.fromkeys(unread)),
    )


async def _get(
    connection: Connection, resource: Resource, namespace: str, name: str, unread: list[Unread]
) -> Raw | None:
    """None where it is not there; where it may not be read, `unread` has it too."""
    try:
        return (await connection.call(Call(Asked("get", resource, namespace, name)))).json()
    except PortError as error:
        _note(error, "get", resource, namespace, unread)
        return None


async def _all(
    connection: Connection,
    resource: Resource,
    namespace: str,
    names: frozenset[str],
    unread: list[Unread],
) -> dict[str, Raw | None]:
    """By name; those that may not be read are left out."""
    ordered = sorted(names)
    barred: list[list[Unread]] = [[] for _ in ordered]
    found = await asyncio.gather(
        *(
            _get(connection, resource, namespace, name, mine)
            for name, mine in zip(ordered, barred, strict=True)
        )
    )
    unread += [each for mine in barred for each in mine]
    return {name: obj for name, obj, mine in zip(ordered, found, barred, strict=True) if not mine}


async def _list(
    connection: Connection, resource: Resource, namespace: str, unread: list[Unread]
) -> Objects:
    try:
        return (await connection.list(resource, namespace))[1]
    except PortError as error:
        _note(error, "list", resource, namespace, unread)
        return []


async def _none() -> Objects:
    return []


def _note(
    error: PortError, verb: str, resource: Resource, namespace: str, unread: list[Unread]
) -> None:
    """Raises the error again unless it says that something is not there, or not to be seen."""
    if error.trouble is Trouble.FORBIDDEN:
        unread.append(Unread(verb, resource.full, namespace))
    elif error.trouble is not Trouble.NOT_FOUND:
        raise error


def _sealed(secret: Raw | None, salt: bytes) -> Seals | None:
    if secret is None:
        return None
    data = mapping(secret.get("data"))
    return {str(key): _seal(str(value), salt) for key, value in sorted(data.items())}


def _seal(encoded: str, salt: bytes) -> str:
    """The same value has the same seal under the same salt, and only then."""
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        value = encoded.encode()
    return hmac.new(salt, value, hashlib.sha256).hexdigest()


def _spec(obj: Raw) -> Raw:
    return mapping(obj.get("spec"))


def _labels(deployment: Raw | None) -> Raw:
    template = mapping(mapping(mapping(deployment).get("spec")).get("template"))
    return mapping(mapping(template.get("metadata")).get("labels"))


def _selects(selector: object, labels: Raw) -> bool:
    """An empty selector is nobody's: a Service without one is fed by hand."""
    wanted = mapping(selector)
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())
