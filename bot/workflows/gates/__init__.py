"""The gates before a rollout, a file each. A further gate is one more file and one line in `GATES`.

All are asked, concurrently, and all that fail are told at once; nothing is touched by asking.
"""

import asyncio

from bot.domain.gate import GateResult
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts, GateCheck
from bot.workflows.gates.lock import lock
from bot.workflows.gates.order import order
from bot.workflows.gates.paused import paused
from bot.workflows.gates.permission import permission
from bot.workflows.gates.window import window

GATES: tuple[GateCheck, ...] = (permission, order, paused, lock, window)


async def ask_all(facts: Facts, edges: Edges) -> tuple[GateResult, ...]:
    """Raises PortError where one of them cannot be answered."""
    return tuple(await asyncio.gather(*(gate(facts, edges) for gate in GATES)))
