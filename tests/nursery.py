"""Bots that start at once: one process has loaded all that a bot needs, and forks one per order.

    python -m tests.nursery

Tests that kill a bot start it again and again; loading its libraries and reading its sentences
would be most of their time.
An order is a JSON line: its environment, where its output goes, and with `world` the offline world
whose time and builder it shares (`tests/world_bot.py`), else it is `dynamo run` as ever. What was
started (`{"started": pid}`) and what has ended (`{"ended": pid}`) is told in JSON lines. When
nobody orders any more, all that still run are killed.
"""

import gc
import importlib
import json
import os
import signal
import sys
from typing import Any

import bot.__main__
import bot.app
import tests.world_bot
from bot.domain import redaction
from bot.text import FALLBACK, Texts

_LATE = ("_strptime", "encodings.utf_8_sig", "kubernetes.aio.client", "kubernetes.aio.config")
"""What a bot loads when it first needs it."""

_running: set[int] = set()


def main() -> None:
    for name in _LATE:
        importlib.import_module(name)
    Texts.of(FALLBACK)
    redaction.prepare()
    gc.collect()
    gc.freeze()  # what is never collected is never written to: parent and children share it
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    try:
        for line in sys.stdin:
            _fork(json.loads(line))
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for pid in _running:
            os.kill(pid, signal.SIGKILL)


def _fork(order: dict[str, Any]) -> None:
    # No end is told before its start: the death of a child waits for the line about it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    pid = os.fork()
    if pid == 0:
        _be_born(order)
    _running.add(pid)
    _tell(started=pid)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _be_born(order: dict[str, Any]) -> None:
    """The child: nothing of this process is left to it but what was loaded."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for number, to in ((0, nothing), (1, log), (2, log)):
            os.dup2(to, number)
        os.environ.clear()
        os.environ.update(order["environment"])
        if order["world"] is None:
            code = bot.__main__.main(["run"])
        else:
            code = tests.world_bot.main(order["world"])
    except BaseException:  # noqa: BLE001  # a fork ends here, whatever it has met
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _bury() -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _running.discard(pid)
        _tell(ended=pid)


def _tell(**said: int) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")  # whole at once, also from a signal handler


if __name__ == "__main__":
    main()
