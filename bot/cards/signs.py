"""The signs that cards use: each stands beside a word, never alone, and never colour alone."""

from __future__ import annotations

from bot.domain.rollout import RolloutState

OK = "✅"
BAD = "❌"
WARNING = "⚠️"
BUSY = "⏳"
OPEN = "◻️"
SKIPPED = "➖"
STOPPED = "⏹️"
OVERTAKEN = "⏭️"
HAND = "✋"
QUESTION = "🤔"
POINTER = "👉"
LIST = "📋"
LOCKED = "🔒"
UNLOCKED = "🔓"
UNKNOWN = "❔"
BETTER = "📈"
WORSE = "📉"
CHARTED = "📊"

STATE = {
    RolloutState.QUEUED: "🕒",
    RolloutState.BUILDING: "🔨",
    RolloutState.AWAITING_APPROVAL: HAND,
    RolloutState.APPLYING: BUSY,
    RolloutState.PROGRESSING: BUSY,
    RolloutState.SOAKING: "👀",
    RolloutState.ROLLING_BACK: "↩️",
    RolloutState.SUCCEEDED: OK,
    RolloutState.FAILED: BAD,
    RolloutState.ROLLED_BACK: "↩️",
    RolloutState.SUPERSEDED: OVERTAKEN,
    RolloutState.REJECTED: HAND,
    RolloutState.CANCELLED: STOPPED,
}
