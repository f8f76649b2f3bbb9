"""Signals where it is not simple: children, handlers of others, floods, the exit, several lives."""

from __future__ import annotations

import time
from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

import pytest

from tests.runtime.misbehaviour import OPERATE
from tests.runtime.test_processes import NO_LOG, WAITING

pytestmark = pytest.mark.real


# --- children of the process ---------------------------------------------------------------------

FORK = """
def child():
    pid = os.fork()
    if not pid:
        time.sleep(60)
        os._exit(1)
    os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

MULTIPROCESSING = """
import multiprocessing
def child():
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    process.terminate()
    process.join()
    return process.exitcode
"""


@pytest.mark.parametrize("child", [FORK, MULTIPROCESSING], ids=["fork", "multiprocessing"])
def test_a_forked_child_dies_of_a_signal_and_the_deadline_of_its_parent_does_not_run(start, child):
    process = start(
        OPERATE,
        child,
        """
        import warnings
        warnings.simplefilter("ignore")  # of forking where there are threads
        class Forking(Worker):
            cancel_period, cleanup_period = 0.01, 0.05
            async def run(self):
                say(child())
                await asyncio.sleep(0.25)
                say("alive")
                await self.sleep(inf)
        live(lambda: Forking(stopping_grace_period=0.0), deadline=0.2)
        """,
    )
    process.wait_for("alive")
    process.signal(SIGTERM)
    assert process.end() == (0, ["-15", "alive"], [])


# --- beside the handlers of others ---------------------------------------------------------------


@pytest.mark.parametrize(("then", "code"), [("await self.sleep(inf)", 0), ("time.sleep(60)", 4)])
def test_a_handler_that_a_worker_gives_the_loop_takes_nothing_away(start, loop, then, code):
    """The loop then has signals written to a descriptor of its own."""
    process = start(
        NO_LOG,
        OPERATE,
        f"""
        class Taking(Worker):
            async def run(self):
                asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, say, "mine")
                os.kill(os.getpid(), signal.SIGUSR2)
                await asyncio.sleep(0.01)
                say("running")
                {then}
        live(Taking, deadline=0.3, loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    found = process.end()
    assert found.code == code
    assert found.lines == ["mine", "running"]


# --- many, and late ------------------------------------------------------------------------------


def test_a_thousand_signals_at_once_ask_for_one_graceful_stop(start):
    """Z04"""
    at_once = "signal_count.SAME_REQUEST_SECONDS = 60"  # this machine may take longer over it
    process = start(NO_LOG, OPERATE, WAITING, at_once, "live(Waiting)")
    process.wait_for("running")
    for _ in range(1000):
        process.signal(SIGTERM)
    assert process.end() == (0, ["starting", "running", "stopping", "cleaning up"], [])


EXITING = """
import atexit
def ask(word):
    say(word)
    sys.stdin.readline()
def linger(word):
    say(word)
    while True:  # in one long wait, a signal on the way into it would be handled at its end only
        time.sleep(0.01)
class Quick(Worker):
    async def run(self):
        say("running")
class Failing(Worker):
    async def run(self):
        say("running")
        raise ValueError("no")
class Last:
    def __del__(self, write=os.write, read=os.read):
        write(1, b"finalizing\\n")
        read(0, 1)
"""


@pytest.mark.parametrize(("kind", "code"), [("Quick", 0), ("Failing", 1)])
def test_a_first_signal_during_the_exit_changes_nothing(start, kind, code):
    """Z03"""
    process = start(
        NO_LOG,
        OPERATE,
        EXITING,
        f"""
        last = Last()
        atexit.register(ask, "exiting")
        live({kind})
        """,
    )
    for place in "exiting", "finalizing":
        process.wait_for(place)
        process.signal(SIGTERM)
        process.say("go on")
    assert process.end().code == code


def test_a_second_request_during_the_exit_ends_the_process(start):
    """Z03, Z10"""
    process = start(
        NO_LOG,
        OPERATE,
        EXITING,
        """
        atexit.register(linger, "exiting")
        live(Quick)
        """,
    )
    process.wait_for("exiting")
    process.signal(SIGINT)
    process.signal(SIGTERM)  # if both wait, Python handles the lower number first
    assert process.end() == (143, ["running", "exiting"], [])


def test_a_stop_request_and_one_more_during_the_exit_are_two(start):
    """Z03, Z10"""
    process = start(
        NO_LOG,
        OPERATE,
        WAITING,
        EXITING,
        """
        atexit.register(linger, "exiting")
        live(Waiting)
        """,
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    process.wait_for("exiting")
    process.signal(SIGINT)
    assert process.end().code == 130


def test_a_signal_while_messages_are_drained_changes_nothing_but_the_grace(start):
    """Z03, U09"""
    process = start(
        NO_LOG,
        OPERATE,
        """
        async def handle(message):
            if message == 0:
                say("draining")
                await asyncio.to_thread(sys.stdin.readline)
            handled.append(message)
        handled = []
        consumer = QueueConsumerWorker(handle, name="q")
        for number in range(10):
            consumer.send(number)
        import atexit
        atexit.register(lambda: say(handled))
        live(lambda: consumer)
        """,
    )
    process.wait_for("draining")
    process.signal(SIGTERM)
    process.signal(SIGTERM)
    process.say("go on")
    assert process.end() == (0, ["draining", str([*range(10)])], [])


# --- one process, several lives ------------------------------------------------------------------


def test_the_deadline_of_a_run_that_is_over_is_no_affair_of_what_comes_after(start):
    """Z14"""
    process = start(
        """
        class Stopped(Worker):
            cancel_period, cleanup_period = 0.01, 0.05
            async def run(self):
                signal.raise_signal(signal.SIGTERM)
                await self.sleep(inf)
        class Other(Worker):
            async def run(self):
                await asyncio.sleep(0.45)
        run(Stopped(stopping_grace_period=0.0), deadline=0.1)
        run(Other())
        say("alive")
        """
    )
    assert process.end() == (0, ["alive"], [])


def test_a_process_that_was_suspended_has_not_stalled(start):
    process = start(OPERATE, WAITING, "live(Waiting, stall_threshold=0.05)")
    process.wait_for("running")
    process.signal(SIGSTOP)
    time.sleep(0.3)
    process.signal(SIGCONT)
    process.signal(SIGTERM)
    assert process.end() == (0, ["starting", "running", "stopping", "cleaning up"], [])
