"""`reject SERVICE ENV [--reason TEXT]`, and the button with its window: no to what waits.

It ends the request; who asked for it is told why, and everybody can read it on the card.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.cards.blocks import section
from bot.cards.buttons import PREFIX, SEPARATOR
from bot.cards.card import Card
from bot.cards.modal import Modal, text_input
from bot.cards.mrkdwn import say
from bot.cards.pointer import notice_card
from bot.cards.signs import HAND
from bot.domain.approval import LONGEST_REASON, Decision
from bot.domain.rollout import RolloutState
from bot.text import Texts
from bot.workflows.approving import decide_on
from commands.approve import answer, the_one_that_waits
from commands.asked import Asked
from commands.pressing import Click, Press, Window, gone
from commands.promote import names_of, waits_no_more
from commands.vocabulary import REJECT

COMMAND = REJECT
FIELD = "reason"


async def run(asked: Asked) -> Card | None:
    reason = str(asked.invocation.options.get("reason", "")).strip()
    if len(reason) > LONGEST_REASON:
        values = {"length": len(reason), "most": LONGEST_REASON}
        return notice_card(asked.texts, "approval_reason", sign=HAND, **values)
    waiting = await the_one_that_waits(asked, COMMAND)
    if isinstance(waiting, Card):
        return waiting
    outcome = await decide_on(waiting.id, Decision.REJECT, asked.by, asked.edges, reason=reason)
    return answer(asked, waiting, outcome)


async def ask_reason(asked: Asked, click: Click) -> Card | None:
    """The button: a window that asks why, while Slack still lets one be opened."""
    if len(click.pieces) != 2:
        return gone(asked)
    rollout_id, covers = click.pieces
    rollout = await asked.edges.store.get(rollout_id)
    if rollout is None:
        return notice_card(asked.texts, "unknown_rollout")
    if rollout.state is not RolloutState.AWAITING_APPROVAL:
        return waits_no_more(asked, rollout)
    texts = asked.texts
    modal = Modal(
        callback=f"{PREFIX}:{COMMAND.name}",
        title=texts("approval.modal.title"),
        submit=texts("approval.modal.submit"),
        close=texts("approval.modal.close"),
        blocks=[
            section(say(texts, "approval.modal.intro", **names_of(asked, rollout))),
            text_input(FIELD, texts("approval.modal.label"), hint=texts("approval.modal.hint")),
        ],
        data=SEPARATOR.join((rollout.id, covers, asked.channel)),
    )
    await asked.edges.messenger.open_modal(asked.trigger, modal)
    return None


def errors(entered: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """What stands in the window beside its field; nothing where it can be taken."""
    length = len(entered.get(FIELD, "").strip())
    if length <= LONGEST_REASON:
        return {}
    return {FIELD: texts("notice.approval_reason", length=length, most=LONGEST_REASON)}


async def submit(asked: Asked, pieces: Sequence[str], entered: Mapping[str, str]) -> Card | None:
    rollout_id, covers = (*pieces, "", "")[:2]
    reason = entered.get(FIELD, "").strip()
    outcome = await decide_on(
        rollout_id, Decision.REJECT, asked.by, asked.edges, covers=covers, reason=reason
    )
    return answer(asked, await asked.edges.store.get(rollout_id), outcome)


PRESSES: Final[Mapping[str, Press]] = {"reject": ask_reason}
WINDOWS: Final[Mapping[str, Window]] = {"reject": Window(COMMAND.name, errors, submit)}
