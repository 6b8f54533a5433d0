"""One line of the table that `make bench` prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of ours beside the same figure of a peer, both measured in this run.

    `peer` is None where there is nobody to compare with; `aim` says in words what is wanted;
    `error` and `peer_error` are half the 95 % interval of what was simulated.
    """

    what: str
    ours: float
    peer: float | None
    unit: str
    aim: str
    error: float | None = None
    peer_error: float | None = None
