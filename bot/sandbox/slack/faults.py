"""Troubles that a test or a teacher orders for the next calls of the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.errors import JSON, ClientError


@dataclass(slots=True)
class Fault:
    """What shall happen to calls of `method` (None: of every Web API method), `times` times (None:
    on).

    `method` may also be `response_url`, `upload`, `link` (a WebSocket that wants to open), or an
    envelope's kind (`slash_commands`, `interactive`, `events_api`), where `drop` and `delay` alone
    have a meaning: the app never gets it, or late. `after` lets the call take effect before its
    answer is spoiled: the case in which an app does not know whether its message was posted.
    """

    method: str | None = None
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    delay: float = 0.0
    drop: bool = False
    after: bool = False
    times: int | None = None


_TYPES: dict[str, type | tuple[type, ...]] = {
    "method": str,
    "error": str,
    "status": int,
    "retry_after": int,
    "delay": (int, float),
    "drop": bool,
    "after": bool,
    "times": int,
}


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> None:
        self._faults.append(fault)

    def order_from(self, body: JSON) -> Fault:
        """Read a fault as the control API writes it; raises `ClientError` for anything else."""
        for key, value in body.items():
            if key not in _TYPES:
                raise ClientError("unknown_field", f"A fault has no {key!r}.")
            if value is not None and not isinstance(value, _TYPES[key]):
                raise ClientError("bad_field", f"{key!r} has the wrong type.")
        fault = Fault(**{k: v for k, v in body.items() if v is not None})
        self.order(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, *, web_api: bool = False) -> Fault | None:
        """The fault that this call meets, counted down; the oldest order first."""
        for fault in self._faults:
            if fault.method == method or (web_api and fault.method is None):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [{name: getattr(each, name) for name in _TYPES} for each in self._faults]
