"""What the cards of a rollback, a scaling and a restart say beside or instead of a deploy's.

`worded` finds the sentence of a kind, or the deploy's where its own would say the same; the parts
below stand on the one card of a rollout (`rollout.py`).
"""

from __future__ import annotations

from bot.cards import buttons, signs
from bot.cards.blocks import Part, section
from bot.cards.card import Block
from bot.cards.mrkdwn import Mrkdwn, code, escape, join, link, plain, say
from bot.domain.kind import Kind
from bot.domain.promotion import Commits
from bot.domain.rollout import Rollout, RolloutState
from bot.text import Texts
from bot.text.sentences import listing

_NAMES = 8
"""Authors that are named; of more there is the link."""
_TOUCHED = (RolloutState.CANCELLED, RolloutState.REJECTED)


def worded(rollout: Rollout, table: str, wording: str, texts: Texts) -> str:
    """The key of a sentence about this kind of rollout."""
    own = f"{_stem(rollout)}.{table}.{wording}"
    return own if own in texts else f"rollout.{table}.{wording}"


def _stem(rollout: Rollout) -> str:
    match rollout.kind:
        case Kind.DEPLOY:
            return "rollout"
        case Kind.SCALE if rollout.scaling is not None and rollout.scaling.span is not None:
            return "bounds"
    return rollout.kind.lower()


def numbers(rollout: Rollout, texts: Texts) -> dict[str, object]:
    """What the sentences about a scaling speak of."""
    scaling = rollout.scaling
    if scaling is None:
        return {}
    if scaling.span is not None:
        return {
            "had": str(scaling.span_before or "?"),
            "wanted": str(scaling.span),
            "autoscaler": plain(scaling.autoscaler, 60),
        }
    return {
        "had": scaling.before,
        "had_pods": pods(scaling.before, texts),
        "wanted": pods(scaling.replicas or 0, texts),
    }


def pods(count: int, texts: Texts) -> str:
    """ "1 pod", "5 pods"."""
    return texts("scale.pods", count=count)


def rollback_parts(rollout: Rollout, environment_title: str, texts: Texts) -> list[Part]:
    """What comes back and what does not, and that its place is locked."""
    if rollout.kind is not Kind.ROLLBACK or rollout.state in _TOUCHED:
        return []
    version = plain(rollout.version, 40)
    kept = "returns" if rollout.template_kept else "image_alone"
    lines = [say(texts, f"rollback.note.{kept}", version=version)]
    if rollout.stays:
        names = listing([str(code(name)) for name in rollout.stays], texts)
        lines.append(say(texts, "rollback.note.stays", names=Mrkdwn(names), version=version))
    also = "migrations" if rollout.stays else "migrations_alone"
    lines.append(say(texts, f"rollback.note.{also}", version=version))
    if rollout.state is RolloutState.FAILED:
        lines.append(say(texts, "rollback.note.stopped"))
    parts = [Part(section(join(lines, "\n"), limit=2_000), spare=1)]
    if rollout.held:
        locked = say(
            texts,
            "rollback.note.locked",
            sign=signs.LOCKED,
            service=plain(rollout.service, 40),
            environment=plain(environment_title, 40),
            line=code(buttons.typed(_unlock(rollout))),
        )
        parts.append(Part(section(locked, limit=1_000)))
    return parts


def can_be_typed_again(rollout: Rollout) -> bool:
    """Not bounds, which come from a window; nor a way back that failed, after which somebody has to
    look before anything else is done."""
    failed_back = rollout.kind is Kind.ROLLBACK and rollout.state is RolloutState.FAILED
    bounds = rollout.scaling is not None and rollout.scaling.span is not None
    return not failed_back and not bounds


def unlock_button(rollout: Rollout, texts: Texts) -> Block | None:
    """On the card of a rollback that has ended and left its lock."""
    if not rollout.held or not rollout.state.final:
        return None
    return buttons.run(_unlock(rollout), texts("button.unlock"), place=2)


def _unlock(rollout: Rollout) -> str:
    return f"unlock {rollout.service} {rollout.environment}"


def way_back_button(rollout: Rollout, environment_title: str, texts: Texts) -> Block | None:
    """ "Roll back to X", where a release ended and another one is known to have run well there."""
    ended = rollout.state in (RolloutState.SUCCEEDED, RolloutState.FAILED)
    if rollout.kind is not Kind.DEPLOY or not ended or rollout.way_back is None:
        return None
    if rollout.before_generation is None or rollout.change is None:
        return None  # nothing was written: what ran before still runs
    return buttons.roll_back(rollout, environment_title, texts)


def authors_line(commits: Commits | None, texts: Texts) -> Mrkdwn:
    """Whose work a rollback took back; "" where nobody can say."""
    if commits is None or not commits.of:
        return Mrkdwn("")
    names = [*dict.fromkeys(commit.author for commit in commits.shown if commit.author)]
    if not names:
        return Mrkdwn("")
    shown = listing([str(escape(name, 60)) for name in names[:_NAMES]], texts)
    where = link(commits.url, texts("rollback.compare")) if commits.url else Mrkdwn("")
    return say(texts, "rollback.authors", count=commits.of, names=Mrkdwn(shown), link=where)
