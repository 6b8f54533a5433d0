"""Debian's Prometheus, started for tests and ended with them; and history written for it.

`history` turns counters and gauges into OpenMetrics text, `promtool` into blocks: real queries then
answer about minutes that nobody had to wait for.
"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import MissingError, program

_LISTENING = re.compile(r'"?Listening on"? address=(?:127\.0\.0\.1|\[::1\]):(\d+)')
PACKAGE = "prometheus"


@contextmanager
def prometheus(home: Path, config: Mapping[str, object] | None = None) -> Iterator[str]:
    """Its address. `home` holds its data; `config` is what prometheus.yml would say."""
    path = home / "prometheus.yml"
    path.write_text(json.dumps(config or {}))  # JSON is YAML
    argv = [
        program("prometheus", PACKAGE),
        f"--config.file={path}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=10y",
        "--web.listen-address=127.0.0.1:0",
        "--log.level=info",
    ]
    log = home / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, cwd=home)
    try:
        yield f"http://127.0.0.1:{_port(log, process)}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    for _ in range(300):
        said = log.read_text(errors="replace")
        found = _LISTENING.search(said)
        if found and "ready to receive web requests" in said:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise MissingError(f"prometheus does not start here: {log.read_text()[-400:]}")


@dataclass(slots=True)
class History:
    """Samples by metric: `add("x_total", {"a": "b"}, at, value)`, oldest first for each series."""

    samples: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)

    def add(self, metric: str, labels: Mapping[str, str], at: float, value: float) -> None:
        key = ",".join(f'{name}="{text}"' for name, text in labels.items())
        self.samples.setdefault(metric, {}).setdefault(key, []).append((at, value))

    def write(self, home: Path) -> None:
        """As blocks below `home`/data. Raises MissingError where promtool is not there."""
        promtool = program("promtool", PACKAGE)
        text = home / "history.txt"
        with text.open("w") as out:
            for metric, series in self.samples.items():
                out.write(f"# TYPE {metric} unknown\n")
                for key, values in series.items():
                    out.writelines(f"{metric}{{{key}}} {value!r} {at}\n" for at, value in values)
            out.write("# EOF\n")
        argv = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text)]
        done = subprocess.run([*argv, str(home / "data")], capture_output=True, check=False)
        if done.returncode:
            raise MissingError(f"promtool: {done.stderr.decode()[-400:]}")
