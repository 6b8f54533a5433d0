"""The process at the other end of `process_workbench`: reads calls, makes them, writes what came.

Run as `python -m bot.adapters.workbench_process` with a pipe at both ends. A call is a pickled
(function, arguments), an answer a pickled (True, what it returned) or (False, what it raised), each
behind its length. It ends when its parent closes the pipe, and is killed when its parent dies in
the middle of a call (Linux). What a called function prints goes to standard error, never into an
answer.
"""

import ctypes
import os
import pickle
import signal
import struct
import sys
from typing import Any, BinaryIO

HEADER = struct.Struct("!Q")
_PR_SET_PDEATHSIG = 1


def main() -> None:
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while header := calls.read(HEADER.size):
        (size,) = HEADER.unpack(header)
        body = _answer(calls.read(size))
        _write(answers, body)


def die_with(parent: int) -> None:
    """See prctl(2): the signal comes when the parent's thread that started us ends. A parent that
    was gone before this call is recognised by its id."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _answer(call: bytes) -> bytes:
    try:
        work, given = pickle.loads(call)  # noqa: S301  # our parent wrote it
        return pickle.dumps((True, work(*given)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  # it is the caller's, who is in another process
        return _refusal(error)


def _refusal(error: Exception) -> bytes:
    """Exceptions that cannot travel (or not arrive) are told as what they would have printed."""
    try:
        body = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        pickle.loads(body)  # noqa: S301
    except Exception:  # noqa: BLE001
        told: Any = RuntimeError(f"{type(error).__name__}: {error}")
        return pickle.dumps((False, told), pickle.HIGHEST_PROTOCOL)
    return body


def _write(answers: BinaryIO, body: bytes) -> None:
    answers.write(HEADER.pack(len(body)))
    answers.write(body)
    answers.flush()


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    main()
