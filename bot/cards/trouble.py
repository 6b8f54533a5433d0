"""The private answer when the world outside, or Dynamo itself, did not do what was asked: what
happened, what is the state now, what to do next, and an id under which it was written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, section
from bot.cards.card import Card
from bot.cards.evidence import server_parts
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, escape, join, plain, say
from bot.text import Texts
from bot.text.sentences import trouble_fix, trouble_sentence

SUMMARY = 150


class Met(Protocol):
    """What an edge met: a `PortError`, or the `Obstacle` that a rollout remembers of one."""

    @property
    def port(self) -> str: ...
    @property
    def trouble(self) -> str: ...
    @property
    def values(self) -> Mapping[str, str]: ...


def trouble_card(
    error: Met | None, *, error_id: str, line: str, texts: Texts, untouched: bool = True
) -> Card:
    """`error`: None for a bug of ours. `untouched`: nothing was changed before it happened."""
    if error is None:
        cause, fix = say(texts, "trouble.card.bug"), say(texts, "trouble.card.bug_fix")
        message = ""
    else:
        cause = escape(trouble_sentence(error.port, error.trouble, error.values, texts), 800)
        fix = say(texts, trouble_fix(error.port, error.trouble, texts))
        message = error.values.get("message", "")
    title = say(texts, "trouble.card.title", sign=signs.BAD)
    state = say(texts, "trouble.card.untouched") if untouched else Mrkdwn("")
    parts = [
        Part(section(join([title, join([cause, state], " ")], "\n"), limit=1_500)),
        *server_parts(message),
        Part(section(say(texts, "rollout.next.hint", hint=fix), limit=1_000)),
        Part(
            context(
                say(
                    texts,
                    "trouble.card.id",
                    id=code(error_id, 60),
                    line=code(buttons.typed(plain(line, 400)), 400),
                )
            )
        ),
    ]
    again = buttons.run(line, texts("button.try_again"))
    if again is not None:
        parts.append(Part(actions(again)))
    summary = say(texts, "trouble.card.text", cause=cause)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))
