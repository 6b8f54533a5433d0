"""Drives every rollout to its end: `engine.py` (steps and their order), `driver.py` (what it holds
of one, and what it needs of others), `showing.py` (messages), `watching.py` (following, waiting).
"""

from bot.engine.driver import Work
from bot.engine.engine import Engine

__all__ = ["Engine", "Work"]
