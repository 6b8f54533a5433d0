"""What the audit log says of an analysis: its result, and what was decided. Pure."""

from datetime import datetime
from typing import Any

from bot.domain.analysis import Analysis, Result
from bot.domain.audit import ENGINE, AuditEntry, By, subject_of

_MOST = 10


def analysis_entry(action: str, analysis: Analysis, at: datetime, by: By = ENGINE) -> AuditEntry:
    """`action`: "analysed", "regression" (what follows from it), "keep", "mute", "recheck". The key
    holds it to one record for each revision that was decided on, however often it is saved."""
    after: dict[str, Any] = {
        "rollout": analysis.rollout,
        "version": analysis.version,
        "digest": analysis.digest,
        "stage": analysis.stage,
        "result": analysis.result,
        "follow": analysis.follow,
    }
    worse = [each for each in analysis.readings if each.result in (Result.FAIL, Result.WARN)]
    if worse:
        after["worse"] = [f"{each.name} {each.subject}".strip() for each in worse[:_MOST]]
    return AuditEntry(
        at=at,
        actor=by.actor,
        surface=by.surface,
        action=action,
        subject=subject_of(analysis.service, analysis.environment),
        after=after,
        key=f"analysis:{analysis.rollout}:{analysis.revision}:{action}",
    )
