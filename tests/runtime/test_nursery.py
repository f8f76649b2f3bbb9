"""A child of the nursery is like any process: what it is made of, how it ends, what it leaves."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from signal import SIGINT, SIGTERM

import pytest

from tests.runtime import nursery
from tests.runtime.conftest import LOOPS, PRELUDE

pytestmark = pytest.mark.real

FACTS = """
import faulthandler, gc, subprocess, warnings
def mode_of(number):
    try:
        return os.fstat(number).st_mode
    except OSError:
        return None
def about(stream):
    raw = stream.buffer.raw
    return stream, stream.errors, stream.line_buffering, stream.write_through, raw, raw.seekable()
facts = {
    "names": list(globals()),
    "is __main__": __name__ == "__main__" and vars(sys.modules["__main__"]) is globals(),
    "arguments": (sys.argv, sys.path, os.getcwd()),
    "flags": (sys.flags, sys.warnoptions, warnings.filters),
    "environment": (sorted(os.environ.items()), sorted(subprocess.check_output(["env", "-0"]))),
    "files": [mode_of(number) for number in range(256)],
    "streams": [about(each) for each in (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__)],
    "handlers": [signal.getsignal(each) for each in sorted(signal.valid_signals())],
    "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    "wakeup": signal.set_wakeup_fd(-1),
    "is main": threading.current_thread() is threading.main_thread(),
    "is first": threading.get_native_id() == os.getpid(),
    "threads": (len(threading.enumerate()), len(sys._current_frames())),
    "faulthandler": faulthandler.is_enabled(),
    "collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
    "hooks": (sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__),
    "loop": asyncio._get_running_loop(),
}
for name, fact in facts.items():
    print(name, ascii(fact).replace(hex(id(signal.default_int_handler)), ""))
"""


def told_by_any_process(program):
    """Returns what an interpreter prints that is started for this program only."""
    command = [sys.executable, "-W", "error", "-c", f"{PRELUDE}{LOOPS['asyncio']}\n{program}"]
    with tempfile.TemporaryFile("w+") as errors:
        options = {"input": "", "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        done = subprocess.run(command, env=nursery.environment(), check=True, **options)
    return done.stdout.splitlines()


def test_a_child_tells_of_itself_what_any_process_does(start, tmp_path, monkeypatch):
    start("").end()  # there is a nursery
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUID_TEST", "\udcff, later than the nursery")
    start("input()")
    assert start(FACTS).end() == (0, told_by_any_process(FACTS), [])


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('why')", 1),
        ("1 / 0", 1),
        ("not a program", 1),
        ("import warnings; warnings.warn('an error')", 1),
        ("os._exit(4)", 4),
        ("raise KeyboardInterrupt", -SIGINT),
        ("signal.raise_signal(signal.SIGTERM)", -SIGTERM),
        ("signal.raise_signal(signal.SIGCHLD)", 0),
    ],
)
def test_a_child_ends_with_the_code_of_any_process(start, program, code):
    assert start(program).end().code == code


def test_a_child_waits_for_its_threads_calls_what_is_registered_and_finalizes(start):
    process = start(
        """
        import atexit
        class Last:
            def __del__(self, write=os.write):
                write(1, b"finalized\\n")
        last = Last()
        def outlive():
            threading.main_thread().join()
            say("thread")
        threading.Thread(target=outlive).start()
        atexit.register(say, "exiting")
        print("buffered")
        say("main")
        """
    )
    lines = ["main", "thread", "exiting", "buffered", "finalized"]
    assert process.end() == (0, lines, [])


def test_a_child_sees_the_end_of_its_stdin_whoever_was_born_after_it(start):
    process = start("say(sys.stdin.read())")
    start("input()")
    process._child.stdin.close()
    assert process.end() == (0, [""], [])


def test_a_process_is_sent_nothing_after_its_end_though_nobody_has_asked_for_it(start, monkeypatch):
    process = start("")
    select.select([process._child._report], [], [])
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("the number is another's now"))
    process.signal(SIGTERM)
    assert process.end().code == 0


def test_with_the_process_of_the_tests_the_nursery_goes_and_all_that_came_from_it():
    prelude = "import signal\n"
    with tempfile.TemporaryFile() as errors:
        child = nursery.Child("signal.pause()", prelude=prelude, stderr=errors.fileno())
    nursery.nursery(prelude).close()  # as the end of that process does
    with child.stdin, child.stdout, child._report:
        assert child.stdout.read() == ""
