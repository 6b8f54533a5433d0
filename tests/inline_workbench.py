"""The workbench without a process of its own: what is given to it is worked on right here.

For stories about what looks find: loading scipy takes two seconds in each world's own process, and
once in a process of tests. What the real one does is in tests/adapters/test_process_workbench.py.
"""

import pickle
from collections.abc import Callable
from typing import TypeVar, cast

Done = TypeVar("Done")


class InlineWorkbench:
    """`bot.ports.Workbench`; all that goes in and out can be sent to another process."""

    async def run(self, work: Callable[..., Done], *given: object) -> Done:
        sent, values = pickle.loads(pickle.dumps((work, given)))
        return cast("Done", pickle.loads(pickle.dumps(sent(*values))))

    async def close(self) -> None:
        """Nothing to end."""
