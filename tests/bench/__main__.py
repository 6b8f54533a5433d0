"""`make bench`: every figure beside its peer, both measured in the same run, as one table.

`make bench ARGS="ack rollout"` runs only these parts.
"""

import importlib
import platform
import sys
from datetime import UTC, datetime

from tests.bench.rows import Row

PARTS = (
    "ack",
    "visible",
    "watch_events",
    "rollout",
    "checklist",
    "build",
    "start",
    "logs",
    "sandbox",
    "page",
    "verdicts",
    "looks",
    "summary",
)


def main(wanted: list[str]) -> int:
    parts = [part for part in PARTS if not wanted or part in wanted]
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(f"{stamp} · Python {platform.python_version()} · {platform.machine()}\n")
    print("| what | Dynamo | peer | unit | aim |")
    print("|---|---|---|---|---|")
    for part in parts:
        for row in importlib.import_module(f"tests.bench.{part}").run():
            print(line(row), flush=True)
    return 0


def line(row: Row) -> str:
    peer = "—" if row.peer is None else within(row.peer, row.peer_error)
    return f"| {row.what} | {within(row.ours, row.error)} | {peer} | {row.unit} | {row.aim} |"


def within(value: float, error: float | None) -> str:
    return figure(value) if error is None else f"{figure(value)} ± {error:.2g}"


def figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
