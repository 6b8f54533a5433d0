"""What a write is asked to do beside its object: the query parameters, as
`requests.write_options` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The query parameters of a write. `warnings` collects what goes into Warning headers."""

    manager: str
    dry_run: bool = False
    force: bool = False
    validation: str = "Warn"  # "Ignore", "Warn" or "Strict"
    warnings: list[str] = field(default_factory=list)
