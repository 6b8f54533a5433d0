"""Looks at a release after its deploy: a file for each part, gathered in `LOOKS`.

A look that needs to know how things were takes a baseline before the change is written (bounded in
time; what it returns is stored as text). Afterwards it is asked for its readings, once for the
provisional and once for the final summary. A look never raises: what it cannot find out is a
reading with a state.
"""

from bot.workflows.looks import integration, logs, metrics, response_times
from bot.workflows.looks.look import Look, Subject

__all__ = ["LOOKS", "Look", "Subject"]

LOOKS: tuple[Look, ...] = (metrics.LOOK, logs.LOOK, integration.LOOK, response_times.LOOK)
