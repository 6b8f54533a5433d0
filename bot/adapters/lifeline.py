"""Stands between Dynamo and a program that it started, so that neither outlives the other.

Run as a script, with nothing of ours imported: `lifeline.py FD PROGRAM ARGUMENT…`. FD is the
reading end of a pipe whose other end Dynamo alone holds: when Dynamo ends, however it ends, the
pipe does, and everything that was started here is killed. A parent-death signal alone (prctl(2),
PR_SET_PDEATHSIG) would reach the first process and none of its children.

On Linux this process adopts what its descendants leave behind (PR_SET_CHILD_SUBREAPER), so that one
that has made a session of its own is found, too. Elsewhere the process group has to do.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator

_PR_SET_CHILD_SUBREAPER = 36
_LONGEST_END = 5.0  # seconds of killing what keeps forking
_NOT_STARTED = 127


def main(lifeline: int, argv: list[str]) -> int:
    os.set_inheritable(lifeline, False)
    woken = _wake_on_signals()
    _adopt()
    try:
        child = os.posix_spawnp(argv[0], argv, os.environ)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201
        return _NOT_STARTED
    status = _until_over(child, lifeline, woken)
    _kill_all()
    if status is None:
        os.killpg(0, signal.SIGKILL)
    return status or 0


def _wake_on_signals() -> int:
    """A file that can be read once a signal came. Handlers, not SIG_IGN, which a program that is
    started would inherit: whoever signals the whole group does not mean us."""
    ours, theirs = os.pipe()
    for end in (ours, theirs):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return ours


def _adopt() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _until_over(child: int, lifeline: int, woken: int) -> int | None:
    """The child's status as `subprocess` says it (negative for a signal); None when Dynamo is
    gone, or has let go."""
    poll = select.poll()
    for file in (lifeline, woken):
        poll.register(file, select.POLLIN | select.POLLHUP)
    while True:
        for pid, status in _reaped():
            if pid == child:
                return os.waitstatus_to_exitcode(status)
        ready = {file for file, _ in poll.poll()}
        if lifeline in ready:
            return None
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 4096)


def _reaped() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            yield found


def _kill_all() -> None:
    """Whoever loses its parent becomes our child, and is met by the next round."""
    deadline = time.monotonic() + _LONGEST_END
    while (children := _children()) and time.monotonic() < deadline:
        for pid in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for _ in _reaped():
            pass
        time.sleep(0.002)


def _children() -> list[int]:
    """proc(5), /proc/PID/stat: the parent is the second field after the name in parentheses."""
    found, us = [], str(os.getpid())
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
                    if file.read().rpartition(")")[2].split()[1] == us:
                        found.append(int(name))
    return found


if __name__ == "__main__":
    ended = main(int(sys.argv[1]), sys.argv[2:])
    if ended < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-ended, signal.SIG_DFL)
        os.kill(os.getpid(), -ended)
    sys.exit(ended)
