"""`scale SERVICE ENV N|+N|-N`, the button under its question, and the window for the bounds of an
autoscaler that owns the number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot.cards.buttons import SEPARATOR, typed
from bot.cards.card import Card
from bot.cards.mrkdwn import code
from bot.cards.operations import pods
from bot.cards.pointer import notice_card
from bot.cards.refusal import refusal_card
from bot.cards.scale import LEAST, MOST, ask_card, bounds_window, owned_card
from bot.cards.signs import HAND, OK
from bot.domain.kind import Span
from bot.domain.scaling import Asked as Amount
from bot.domain.scaling import span_mistakes
from bot.text import Texts
from bot.workflows.edges import Place
from bot.workflows.operating import Closed, NotRunning, look_at
from bot.workflows.rollout import AlreadyUnderway, Started
from bot.workflows.scaling import (
    Changed,
    OutOfBounds,
    Owned,
    Same,
    ScaleAnswer,
    ScaleRequest,
    Unconfirmed,
    bounds_at,
    request_scale,
    request_span,
)
from commands.asked import Asked, title
from commands.command import Invocation
from commands.parser import parse
from commands.pressing import Click, Press, Window, gone
from commands.requesting import to_what_is_underway
from commands.vocabulary import SCALE, VERBS

COMMAND = SCALE


async def run(asked: Asked) -> Card | None:
    """None when the answer is the scaling's own card."""
    return await _carry(asked, seen=-1, confirmed=False)


async def press(asked: Asked, click: Click) -> Card | None:
    """The button under the question. Value: how many pods its reader saw, and the line."""
    seen, separator, line = click.value.partition(SEPARATOR)
    read = parse(line, asked.edges.catalog, VERBS)
    if not separator or not seen.isdigit() or not isinstance(read, Invocation):
        return gone(asked)
    if read.command != COMMAND.name:
        return gone(asked)
    answer = await _carry(replace(asked, invocation=read), seen=int(seen), confirmed=True)
    if answer is None:
        return notice_card(asked.texts, "started", line=code(typed(read.line), 400))
    return answer


async def _carry(asked: Asked, *, seen: int, confirmed: bool) -> Card | None:
    request = replace(_request(asked, asked.place), seen=seen, confirmed=confirmed)
    amount = Amount.read(asked.invocation.arguments["replicas"])
    answer = await request_scale(request, amount, asked.edges)
    return await _told(asked, request, answer)


def _request(asked: Asked, place: Place) -> ScaleRequest:
    return ScaleRequest(
        place=place,
        actor=asked.actor,
        surface=asked.surface,
        line=asked.invocation.line,
        reason=str(asked.invocation.options.get("reason", "")),
        asked_in=asked.channel,
    )


async def _told(asked: Asked, request: ScaleRequest, answer: ScaleAnswer) -> Card | None:
    texts, place = asked.texts, request.place
    service, name = place.service.name, title(place, texts)
    names = {"service": service, "environment": name}
    again = code(typed(request.line), 400)
    match answer:
        case Started(rollout):
            asked.wake(rollout)
            return None
        case AlreadyUnderway(rollout):
            return await to_what_is_underway(asked, place, rollout)
        case Closed(gates=gates):
            return refusal_card(
                gates,
                service=service,
                environment_title=name,
                version=COMMAND.name,
                line=request.line,
                texts=texts,
            )
        case NotRunning():
            return notice_card(texts, "operation_not_running", sign=HAND, **names)
        case Owned(autoscaler):
            return owned_card(
                autoscaler,
                service=service,
                environment=place.environment.name,
                environment_title=name,
                line=request.line,
                texts=texts,
            )
        case OutOfBounds(number, now, bounds):
            limits = {"low": bounds.least, "high": bounds.most, "now": now, "number": number}
            return notice_card(texts, "scale_bounds", sign=HAND, **names, **limits)
        case Same(now):
            shown = pods(int(now), texts) if now.isdigit() else now
            key = "scale_same" if now.isdigit() else "bounds_same"
            return notice_card(texts, key, sign=OK, now=shown, **names)
        case Unconfirmed(_, number, now):
            return ask_card(
                service=service,
                environment_title=name,
                number=number,
                now=now,
                line=request.line,
                texts=texts,
            )
        case Changed(now):
            if now.isdigit():
                shown = pods(int(now), texts)
                return notice_card(
                    texts, "scale_changed", sign=HAND, now=shown, line=again, **names
                )
            return notice_card(texts, "bounds_changed", sign=HAND, line=again, **names)


# --- the window for an autoscaler's bounds -------------------------------------------------------


async def press_bounds(asked: Asked, click: Click) -> Card | None:
    """Opens the window, while Slack still lets one be opened."""
    place = _place(asked, click.pieces) if len(click.pieces) == 2 else None
    if place is None:
        return gone(asked)
    look = await look_at(place, asked.edges)
    found, texts = look.autoscaler, asked.texts
    if found is None:
        line = code(typed(f"{COMMAND.name} {place.service.name} {place.environment.name} N"))
        names = {"service": place.service.name, "environment": title(place, texts)}
        return notice_card(texts, "bounds_changed", sign=HAND, line=line, **names)
    bounds = bounds_at(place)
    pieces = [
        place.service.name,
        place.environment.name,
        found.name,
        *(str(number) for number in (found.minimum, found.maximum, bounds.least, bounds.most)),
        asked.channel,
    ]
    window = bounds_window(
        found,
        service=place.service.name,
        environment_title=title(place, texts),
        bounds=bounds,
        data=SEPARATOR.join(pieces),
        texts=texts,
    )
    await asked.edges.messenger.open_modal(asked.trigger, window)
    return None


def _place(asked: Asked, pieces: Sequence[str]) -> Place | None:
    return Place.named(pieces[0], pieces[1], asked.edges.catalog)


def mistakes(pieces: Sequence[str], entered: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """Beside each field, while the window stays open. `pieces` comes from outside: what they say of
    the bounds is a courtesy, and asked again when it is submitted."""
    bounds = _span(pieces[5:7]) or Span(0, 0)
    said = span_mistakes(entered.get(LEAST, ""), entered.get(MOST, ""), bounds)
    values = {
        "low": max(1, bounds.least),
        "high": bounds.most,
        "least": entered.get(LEAST, "").strip(),
    }
    return {name: texts(f"scale.window.mistake.{said[name]}", **values) for name in said}


async def submit(asked: Asked, pieces: Sequence[str], entered: Mapping[str, str]) -> Card | None:
    place = _place(asked, pieces) if len(pieces) == 8 else None
    seen = _span(pieces[3:5])
    if place is None or seen is None:
        return gone(asked)
    bounds = bounds_at(place)
    least, most = entered.get(LEAST, "").strip(), entered.get(MOST, "").strip()
    if span_mistakes(least, most, bounds):
        return gone(asked)
    line = f"{COMMAND.name} {place.service.name} {place.environment.name} {least}-{most}"
    request = replace(_request(asked, place), line=line)
    span = Span(int(least), int(most))
    answer = await request_span(request, pieces[2], span, seen, asked.edges)
    return await _told(asked, request, answer)


def _span(pieces: Sequence[str]) -> Span | None:
    if len(pieces) != 2 or not all(piece.isdigit() and len(piece) < 10 for piece in pieces):
        return None
    return Span(int(pieces[0]), int(pieces[1]))


PRESSES: Final[Mapping[str, Press]] = {"scale-confirmed": press, "bounds": press_bounds}
WINDOWS: Final[Mapping[str, Window]] = {
    "bounds": Window(COMMAND.name, lambda _, __: {}, submit, checks=mistakes)
}
