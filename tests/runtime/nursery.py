"""Where the processes of the tests come from: one that has imported all they need, and forks.

An interpreter takes a tenth of a second to start and to import asyncio and fluid, a fork next to
nothing. A child is like any ``python -W error -c PROGRAM``: the program is ``__main__``, in the
main thread, with three open files and no handlers, and the interpreter ends as it always does,
because the nursery's stack returns in the child. What differs: the imports are done, a traceback
has a line more at its top, and ``sys.orig_argv`` and what Python itself reads from the environment
are the nursery's. A prelude makes no loop and begins no thread: they would not outlive a fork.
"""

from __future__ import annotations

import atexit
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from struct import Struct

HERE = Path(__file__).parent
NUMBER = Struct("i")
"""How a nursery reports of a child: its process id, and in the end its exit code."""

# --- in the process of the tests -----------------------------------------------------------------


class Child:
    """A process from the nursery for ``prelude``, which it runs before ``program``."""

    def __init__(self, program: str, *, prelude: str, stderr: int) -> None:
        (stdin, to_stdin), (from_stdout, stdout) = os.pipe(), os.pipe()
        self._report, report = socket.socketpair()
        socket.send_fds(nursery(prelude), [b"1"], [stdin, stdout, stderr, report.fileno()])
        for file in stdin, stdout, report.detach():
            os.close(file)
        self._report.sendall(marshal.dumps((prelude + program, environment(), str(Path.cwd()))))
        self._pid: int = NUMBER.unpack(self._report.recv(NUMBER.size))[0]
        self.stdin, self.stdout = os.fdopen(to_stdin, "w"), os.fdopen(from_stdout)

    def send_signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended: its process id may be another's then."""
        if not select.select([self._report], [], [], 0)[0]:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def wait(self) -> int:
        """Waits for its end, once; returns its exit code, or -n if signal n has killed it."""
        with self._report:
            return NUMBER.unpack(self._report.recv(NUMBER.size))[0]


def environment() -> dict[str, str]:
    """Returns the environment of any process of the tests."""
    return {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "PYTHONUNBUFFERED": ""}


@cache
def nursery(prelude: str) -> socket.socket:
    """Returns the line to the nursery for a prelude, which the first need starts."""
    line, its_end = socket.socketpair()
    with its_end:  # it is, like the pipes of the children, neither a file nor a terminal
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", "exec(__import__('nursery').program())", prelude],
            env={**(env := environment()), "PYTHONPATH": f"{env['PYTHONPATH']}{os.pathsep}{HERE}"},
            stdin=its_end,
            stdout=its_end,
            process_group=0,  # Ctrl-C is for the tests, which then kill what they have started
        )
    atexit.register(process.wait)
    atexit.register(line.close)
    return line


# --- in the nursery ------------------------------------------------------------------------------


def program() -> str:
    """Forks for each request; returns in the children only, with what each is to run."""
    sys.path.remove(str(HERE))
    exec(sys.argv.pop(), {})  # the prelude: it is the imports that remain
    signals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # else it would not be written there
    reports: dict[int, int] = {}
    with socket.socket(fileno=0) as line:
        while True:
            ready, _, _ = select.select([line, signals], [], [])
            if signals in ready:
                os.read(signals, 4096)
                report_ends(reports)
            if line not in ready:
                continue
            _, files, _, _ = socket.recv_fds(line, 1, 4)
            if not files:  # the process of the tests has gone, and nothing is to outlive it
                for pid in reports:
                    os.kill(pid, signal.SIGKILL)
                sys.exit()
            if not (pid := os.fork()):
                line.detach()
                return begin(*files)
            *its, reports[pid] = files
            for file in its:
                os.close(file)
            os.write(reports[pid], NUMBER.pack(pid))


def begin(stdin: int, stdout: int, stderr: int, request: int) -> str:
    """Takes from a child all that is the nursery's, and returns what it is to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    with os.fdopen(request, "rb") as file:
        text, env, folder = marshal.load(file)
    for number, file in enumerate((stdin, stdout, stderr)):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what is left of its own, and all of the others'
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    return text


def report_ends(reports: dict[int, int]) -> None:
    for pid in list(reports):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            file = reports.pop(pid)
            with suppress(OSError):  # nobody waits for it any more
                os.write(file, NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(file)
