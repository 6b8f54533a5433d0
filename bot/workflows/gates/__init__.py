"""The gates before a rollout, a file each. A further gate is one more file and one line in `GATES`.

All are asked, concurrently, and all that fail are told at once; nothing is touched by asking.
"""

import asyncio

from bot.domain.gate import GateResult
from bot.workflows.edges import Edges
from bot.workflows.gates.analysis import analysis
from bot.workflows.gates.approval import approvals
from bot.workflows.gates.checklist import checklist
from bot.workflows.gates.ci import ci
from bot.workflows.gates.facts import Facts, GateCheck
from bot.workflows.gates.lock import lock
from bot.workflows.gates.order import order
from bot.workflows.gates.overtaken import overtaken
from bot.workflows.gates.paused import paused
from bot.workflows.gates.permission import permission
from bot.workflows.gates.policy import policies
from bot.workflows.gates.tag import tag
from bot.workflows.gates.window import window

GATES: tuple[GateCheck, ...] = (
    permission,
    order,
    overtaken,
    tag,
    analysis,
    ci,
    checklist,
    approvals,
    paused,
    lock,
    window,
    policies,
)


async def ask_all(facts: Facts, edges: Edges) -> tuple[GateResult, ...]:
    """Raises PortError where one of them cannot be answered; those that do not apply are left
    out."""
    results = await asyncio.gather(*(gate(facts, edges) for gate in GATES))
    return tuple(result for result in results if result is not None)
