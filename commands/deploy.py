"""`deploy SERVICE ENV [VERSION]`: refused with every reason, or a card where the team sees it."""

from bot.cards.card import Card
from bot.cards.pointer import notice_card, pointer_card
from bot.cards.refusal import dry_run_card, refusal_card
from bot.cards.signs import OK
from bot.cards.usage import usage_card
from bot.workflows.rollout import (
    AlreadyUnderway,
    DryRun,
    NothingToDo,
    Plan,
    Refused,
    Request,
    Started,
    request_rollout,
)
from bot.workflows.telling import permalink_of
from bot.workflows.version import NotChosen
from commands.asked import Asked
from commands.command import UsageCode, UsageError
from commands.vocabulary import DEPLOY

COMMAND = DEPLOY


async def run(asked: Asked) -> Card | None:
    """None when the answer is the rollout's own card."""
    invocation = asked.invocation
    request = Request(
        place=asked.place,
        version=invocation.version,
        actor=asked.actor,
        asked_in=asked.channel,
        line=invocation.line,
        reason=str(invocation.options.get("reason", "")),
        dry_run="dry-run" in invocation.options,
        surface=asked.surface,
    )
    answer = await request_rollout(request, asked.edges)
    match answer:
        case Started(rollout):
            asked.wake(rollout)
            return None
        case AlreadyUnderway(rollout):
            permalink = await permalink_of(rollout, asked.edges)
            title = asked.title(asked.place)
            return pointer_card(
                rollout, environment_title=title, permalink=permalink, texts=asked.texts
            )
        case Refused(plan) if request.dry_run:
            return _dry_run(asked, plan)
        case Refused(plan):
            return refusal_card(
                plan.gates,
                service=request.place.service.name,
                environment_title=asked.title(request.place),
                version=plan.chosen.version,
                line=request.line,
                texts=asked.texts,
            )
        case NothingToDo(plan):
            return _nothing_to_do(asked, plan)
        case DryRun(plan):
            return _dry_run(asked, plan)
        case NotChosen():
            return _not_chosen(asked, answer)


def _dry_run(asked: Asked, plan: Plan) -> Card:
    place = plan.request.place
    version = plan.chosen.version
    return dry_run_card(
        plan.gates,
        service=place.service.name,
        environment_title=asked.title(place),
        version=version,
        line=plan.request.line,
        deploy_line=f"deploy {place.service.name} {place.environment.name} {version}",
        texts=asked.texts,
    )


def _nothing_to_do(asked: Asked, plan: Plan) -> Card:
    return notice_card(
        asked.texts,
        "nothing_to_do",
        sign=OK,
        environment=asked.title(plan.request.place),
        service=plan.request.place.service.name,
        version=plan.chosen.version,
    )


def _not_chosen(asked: Asked, answer: NotChosen) -> Card:
    place = asked.place
    names = {"service": place.service.name, "environment": asked.title(place)}
    match answer.code:
        case "NOTHING_BEFORE":
            return notice_card(asked.texts, "none_in_before", before=answer.environment, **names)
        case "NO_IMAGES":
            return notice_card(asked.texts, "no_release", **names)
    lines = [
        f"deploy {place.service.name} {place.environment.name} {version}"
        for version in answer.nearest
    ]
    values = {"word": answer.version, "service": place.service.name}
    error = UsageError(UsageCode.UNKNOWN_VERSION, values, tuple(lines), command=COMMAND.name)
    return usage_card(error, verb=COMMAND, texts=asked.texts)
