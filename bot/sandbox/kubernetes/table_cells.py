"""What the columns of tables are made of: names, ages, fields by their path, containers, counts.

`tables.py` and `table_columns.py` put them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes.stored import Object

Cell = Callable[[Object, datetime], Any]
NONE = "<none>"
UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    cell: Cell
    type: str = "string"
    priority: int = 0
    format: str = ""

    def definition(self) -> Object:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": "",
            "priority": self.priority,
        }


def ago(moment: str | None, now: datetime) -> str:
    """How long ago, as duration.HumanDuration writes it."""
    if not moment:
        return UNKNOWN
    return human((now - datetime.fromisoformat(moment)).total_seconds())


def human(seconds: float) -> str:
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    total = max(0, total)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def name(obj: Object, now: datetime) -> str:
    return str(obj["metadata"]["name"])


def age(obj: Object, now: datetime) -> str:
    return ago(obj["metadata"].get("creationTimestamp"), now)


def at(*path: str, default: Any = "") -> Cell:
    def read(obj: Object, now: datetime) -> Any:
        value: Any = obj
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return default if value is None else value

    return read


def template(obj: Object) -> list[Object]:
    spec = obj.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    containers: list[Object] = pod.get("containers") or []
    return containers


def containers(obj: Object, now: datetime) -> str:
    return ",".join(container["name"] for container in template(obj))


def images(obj: Object, now: datetime) -> str:
    return ",".join(container.get("image", "") for container in template(obj))


def count(*fields: str) -> Cell:
    return lambda obj, now: sum(len(obj.get(name) or {}) for name in fields)


FIRST = Column("Name", name, format="name")
LAST = Column("Age", age)
PLAIN = (FIRST, Column("Created At", at("metadata", "creationTimestamp"), "date"))
