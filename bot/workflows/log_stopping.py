"""Stopping a live log. Reading is no deed and not recorded; taking it from somebody else is one."""

from bot.domain.audit import AuditEntry, By, subject_of
from bot.ports import FollowMessage
from bot.workflows.edges import Edges
from bot.workflows.log_desk import LogDesk


async def stop_follow(desk: LogDesk, message: FollowMessage, by: By, edges: Edges) -> bool:
    """False where it is not live (any more). Whether `by` may do it was asked before. Raises
    PortError where it could not be recorded; then it has ended all the same."""
    if not desk.end(message.id, by.actor):
        return False
    if by.actor != message.started_by:
        entry = AuditEntry(
            at=edges.clock.now(),
            actor=by.actor,
            surface=by.surface,
            action="stop-logs",
            subject=subject_of(message.service, message.environment),
            before={"owner": message.started_by, "line": message.line},
        )
        await edges.audit.record(entry)
    return True
