"""The service's own build command, run in the checkout before the image is built.

It is code of the repository. Of our environment it gets what stands in an allow-list, its home and
its temporary files are in a directory of its own that goes with the checkout, and it ends with us.
What that does not hold back is said in docs/operations.md.
"""

import os
import re
import tempfile
from pathlib import Path

from bot.adapters.child_process import WatchedError, keep_to_ourselves, run, size_of
from bot.domain.build import BuildStep, Cause, Failure
from bot.domain.redaction import redact
from bot.ports import Order, Progressing, Report

FULL = re.compile(r"[Nn]o space left on device|[Dd]isk quota exceeded|ENOSPC")
_PASSED_ON = (
    "PATH",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
)


async def run_command(
    order: Order, checkout: Path, report: Report, *, seconds: float, most: int
) -> Failure | None:
    """`most` bytes are what the checkout may grow to. Raises TimeoutError, and OSError."""
    with tempfile.TemporaryDirectory(prefix="home-", dir=checkout.parent) as home:
        report(Progressing(BuildStep.COMMAND, words=order.command))
        keep_to_ourselves()
        full = False

        def hear(line: str) -> None:
            nonlocal full
            full = full or FULL.search(line) is not None
            report(Progressing(BuildStep.COMMAND, redact(line)))

        try:
            status = await run(
                ["/bin/sh", "-c", order.command],
                cwd=checkout,
                env=environment(home, order),
                seconds=seconds,
                on_line=hear,
                watch=lambda: size_of(checkout.parent, most),
            )
        except WatchedError:
            values = {"what": "checkout", "limit": str(most // 1_000_000)}
            return Failure(Cause.TOO_LARGE, BuildStep.COMMAND, values)
    if status == 0:
        return None
    if full:
        return Failure(Cause.DISK_FULL, BuildStep.COMMAND)
    return Failure(Cause.COMMAND, BuildStep.COMMAND, {"exit": str(status)})


def environment(home: str, order: Order) -> dict[str, str]:
    """Where programs are, by which proxy and with which certificates the world is reached, and
    what is built."""
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return env | {
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "CI": "true",
        "VERSION": order.version,
        "COMMIT": order.commit,
        "SOURCE_DATE_EPOCH": str(int(order.created.timestamp())),
    }
