"""What `deploy` and `promote` have in common: a request, its answer, and the two buttons that ask
the same line again: "Ask for approval" and, after Slack's own question, "Override and deploy".
"""

from dataclasses import dataclass, replace

from bot.cards import buttons
from bot.cards.card import Card
from bot.cards.mrkdwn import code
from bot.cards.pointer import notice_card, pointer_card
from bot.cards.promotion import override_card
from bot.cards.refusal import dry_run_card, refusal_card
from bot.cards.signs import HAND, OK
from bot.cards.usage import usage_card
from bot.domain.approval import LONGEST_REASON
from bot.domain.image import is_digest
from bot.domain.rollout import Rollout
from bot.workflows.edges import Place
from bot.workflows.rollout import (
    AlreadyUnderway,
    Answer,
    DryRun,
    Moved,
    NothingToDo,
    Plan,
    Refused,
    Request,
    Started,
    Unconfirmed,
    Waiting,
)
from bot.workflows.telling import permalink_of
from bot.workflows.version import NotChosen
from commands.asked import Asked, title
from commands.command import Command, Invocation, UsageCode, UsageError
from commands.parser import parse
from commands.typed import escape, quote
from commands.vocabulary import VERBS


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button adds to the line that it carries: the digest that it was made for, and what the
    person said by pressing it."""

    digest: str = ""
    explicitly: bool = False
    confirmed: bool = False


TYPED = Pressed()


def pressed_value(value: str) -> tuple[str, str] | None:
    """Digest and line of a button's value; None for what no button of ours says."""
    digest, separator, line = value.partition(buttons.SEPARATOR)
    return (digest, line) if separator and is_digest(digest) else None


def request_of(asked: Asked, place: Place, version: str | None, pressed: Pressed) -> Request:
    options = asked.invocation.options
    return Request(
        place=place,
        version=version,
        actor=asked.actor,
        asked_in=asked.channel,
        line=asked.invocation.line,
        reason=str(options.get("reason", "")),
        dry_run="dry-run" in options,
        surface=asked.surface,
        digest=pressed.digest,
        explicitly=pressed.explicitly,
        override=str(options.get("override", "")).strip(),
        confirmed=pressed.confirmed,
    )


def too_long(asked: Asked) -> Card | None:
    """A reason for breaking glass is read by everybody, for ever: it has to fit."""
    length = len(str(asked.invocation.options.get("override", "")))
    if length <= LONGEST_REASON:
        return None
    values = {"length": length, "most": LONGEST_REASON}
    return notice_card(asked.texts, "override_reason", sign=HAND, **values)


async def to_what_is_underway(asked: Asked, place: Place, rollout: Rollout) -> Card:
    """The answer to a line that asks for what is on its way: where its card is."""
    asked.underway(rollout)
    permalink = await permalink_of(rollout, asked.edges)
    name = title(place, asked.texts)
    return pointer_card(
        rollout, environment_title=name, permalink=permalink, texts=asked.texts, already=True
    )


async def answer_to(
    asked: Asked, request: Request, answer: Answer, command: Command
) -> Card | None:
    """None when the answer is the rollout's own card."""
    match answer:
        case Started(rollout) | Waiting(rollout):
            asked.wake(rollout)
            return None
        case AlreadyUnderway(rollout):
            return await to_what_is_underway(asked, request.place, rollout)
        case DryRun(plan):
            return _dry_run(asked, plan)
        case Refused(plan) if request.dry_run:
            return _dry_run(asked, plan)
        case Refused(plan, askable):
            return _refused(asked, plan, askable=askable)
        case Unconfirmed(plan):
            return _unconfirmed(asked, plan)
        case Moved(chosen):
            line = code(buttons.typed(request.line), 400)
            return notice_card(asked.texts, "version_moved", version=chosen.version, line=line)
        case NothingToDo(plan):
            names = _names(asked, request.place)
            version = plan.chosen.version
            return notice_card(asked.texts, "nothing_to_do", sign=OK, version=version, **names)
        case NotChosen():
            return not_chosen(asked, request.place, answer, command)


def _refused(asked: Asked, plan: Plan, *, askable: bool) -> Card:
    line = plan.request.line
    ask = buttons.ask(plan.chosen.image.digest, line, asked.texts) if askable else None
    return refusal_card(
        plan.gates,
        service=plan.request.place.service.name,
        environment_title=title(plan.request.place, asked.texts),
        version=plan.chosen.version,
        line=line,
        texts=asked.texts,
        ask=ask,
    )


def _unconfirmed(asked: Asked, plan: Plan) -> Card:
    return override_card(
        plan.gates,
        service=plan.request.place.service.name,
        environment_title=title(plan.request.place, asked.texts),
        version=plan.chosen.version,
        before=plan.before,
        digest=plan.chosen.image.digest,
        line=plan.request.line,
        reason=plan.request.override,
        texts=asked.texts,
    )


def _dry_run(asked: Asked, plan: Plan) -> Card:
    place, version = plan.request.place, plan.chosen.version
    return dry_run_card(
        plan.gates,
        service=place.service.name,
        environment_title=title(place, asked.texts),
        version=version,
        line=plan.request.line,
        deploy_line=f"deploy {place.service.name} {place.environment.name} {version}",
        texts=asked.texts,
    )


def not_chosen(asked: Asked, place: Place, answer: NotChosen, command: Command) -> Card:
    names = _names(asked, place)
    match answer.code:
        case "NOTHING_BEFORE":
            return notice_card(asked.texts, "none_in_before", before=answer.environment, **names)
        case "NO_IMAGES":
            return notice_card(asked.texts, "no_release", **names)
    lines = [
        f"{command.name} {place.service.name} {place.environment.name} {version}"
        for version in answer.nearest
    ]
    values = {"word": answer.version, "service": place.service.name}
    error = UsageError(UsageCode.UNKNOWN_VERSION, values, tuple(lines), command=command.name)
    return usage_card(error, verb=command, texts=asked.texts)


def normal(asked: Asked, place: Place) -> Asked:
    """The same with the place that was found for a line that names none: a button that carries the
    line must not find another one later."""
    invocation = asked.invocation
    if invocation.environment is not None:
        return asked
    pieces = [invocation.command, place.service.name, place.environment.name]
    pieces += [invocation.version] if invocation.version else []
    for name, value in invocation.options.items():
        pieces.append(f"--{name}")
        pieces += [quote(value)] if isinstance(value, str) else []
    read = parse(escape(" ".join(pieces)), asked.edges.catalog, VERBS)
    if not isinstance(read, Invocation):
        read = replace(invocation, environment=place.environment.name)
    return replace(asked, invocation=read)


def _names(asked: Asked, place: Place) -> dict[str, str]:
    return {"service": place.service.name, "environment": title(place, asked.texts)}
