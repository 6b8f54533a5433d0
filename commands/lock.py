"""`lock ENV`, `lock SERVICE ENV`: hold it. "Take the lock" on a refusal asks the same."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.cards.card import Card
from bot.cards.lock import answer_card, held_card
from bot.cards.mrkdwn import code, people
from bot.cards.pointer import denied_card, notice_card
from bot.cards.signs import HAND
from bot.domain.gate import GateResult
from bot.domain.lock import LONGEST_LOCK, LONGEST_REASON, Kept, Lifted, Lock
from bot.workflows.locking import Changed, Locked, NotAllowed, Scope, Seen, keep
from commands.asked import Asked
from commands.durations import amount_of
from commands.pressing import Click, Press, gone
from commands.vocabulary import LOCK
from config.catalog import UnknownNameError

COMMAND = LOCK


async def run(asked: Asked) -> Card | None:
    options = asked.invocation.options
    reason = str(options.get("reason", "")).strip()
    lasts = amount_of(str(options["for"])) if "for" in options else None
    refused = _too_much(asked, reason, lasts)
    if refused is not None:
        return refused
    scope = scope_of(asked)
    outcome = await keep(
        scope, asked.by, asked.edges, reason=reason, lasts=lasts, take="take" in options
    )
    return _answer(asked, scope, outcome)


async def press(asked: Asked, click: Click) -> Card | None:
    """ "Take the lock", after Slack's own question: of the lock that the button was made for."""
    made_for = made_for_of(asked, click)
    if made_for is None:
        return gone(asked)
    scope, seen = made_for
    outcome = await keep(scope, asked.by, asked.edges, take=True, seen=seen)
    return _answer(asked, scope, outcome)


PRESSES: Final[Mapping[str, Press]] = {"take": press}


def _answer(asked: Asked, scope: Scope, outcome: Locked | NotAllowed | Changed) -> Card | None:
    match outcome:
        case NotAllowed(gate):
            return not_allowed(asked, gate)
        case Changed():
            return changed(asked, scope)
        case Locked(answer) if answer.kept is Kept.HELD:
            now = asked.edges.clock.now()
            return held_card(answer.lock, title_of(asked, scope), "take", asked.texts, now)
        case Locked(answer, told):
            return settled(asked, scope, answer.kept, answer.lock, answer.lost, told=told)


# --- shared with `unlock` and `locks` ------------------------------------------------------------


def scope_of(asked: Asked) -> Scope:
    """The environment of the line, or its service there. Raises UnknownNameError for a button of
    a catalog that is no more."""
    invocation, catalog = asked.invocation, asked.edges.catalog
    assert invocation.environment is not None
    service = catalog.service(invocation.service).name if invocation.service else ""
    return Scope(catalog.environment(invocation.environment), service)


def title_of(asked: Asked, scope: Scope) -> str:
    return scope.environment.title.to(asked.texts.language)


def made_for_of(asked: Asked, click: Click) -> tuple[Scope, Seen] | None:
    """Whose lock a button was made for, and where; None for what no button of ours says, and for
    one of a catalog that is no more."""
    catalog = asked.edges.catalog
    try:
        service, environment, owner, since = click.pieces
        name = catalog.service(service).name if service else ""
        scope = Scope(catalog.environment(environment), name)
        moment = datetime.fromisoformat(since)
    except (ValueError, UnknownNameError):
        return None
    return (scope, Seen(owner, moment)) if moment.tzinfo is not None else None


def settled(
    asked: Asked,
    scope: Scope,
    outcome: Kept | Lifted,
    lock: Lock,
    lost: Lock | None,
    *,
    told: bool,
) -> Card | None:
    """None where the channel's own line, told in this very channel, is the answer."""
    if told and asked.channel == scope.environment.channel.id:
        return None
    now = asked.edges.clock.now()
    title = title_of(asked, scope)
    return answer_card(outcome, lock, lost, title, asked.texts, now, told=told)


def not_allowed(asked: Asked, gate: GateResult) -> Card:
    values = {**gate.values, "who": people(str(gate.values.get("who", "")))}
    key = "nobody_may" if gate.code == "NOBODY_ALLOWED" else "not_yours"
    return denied_card(asked.texts, key, **values)


def changed(asked: Asked, scope: Scope) -> Card:
    line = code(f"/dynamo locks {scope.environment.name}")
    return notice_card(asked.texts, "lock_changed", where=spot_of(asked, scope), line=line)


def spot_of(asked: Asked, scope: Scope) -> str:
    """ "QA", or "tasks-service in QA"."""
    key = f"lock.where_{'service' if scope.service else 'environment'}"
    return asked.texts(key, service=scope.service, environment=title_of(asked, scope))


def _too_much(asked: Asked, reason: str, lasts: timedelta | None) -> Card | None:
    texts = asked.texts
    if len(reason) > LONGEST_REASON:
        values = {"length": len(reason), "most": LONGEST_REASON}
        return notice_card(texts, "lock_reason", sign=HAND, **values)
    if lasts is not None and not timedelta() < lasts <= LONGEST_LOCK:
        return notice_card(texts, "lock_duration", sign=HAND, most=LONGEST_LOCK.days)
    return None
