"""What a run leaves behind in a process that goes on, and what may break around it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
import weakref
from math import inf

import pytest

import fluid
from fluid import Worker
from fluid.clock import steady_time
from fluid.runtime import afterwards, guard, last_words
from fluid.runtime.deadline import Deadline
from fluid.runtime.exit_codes import Facts
from fluid.runtime.front import Front
from fluid.runtime.signal_count import SignalCount
from fluid.runtime.watch import Watch

from .playing import Play

pytestmark = pytest.mark.real


class Told(Worker):
    """Is told to stop, by a signal of its own."""

    async def run(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        await self.sleep(inf)


@pytest.fixture
def exits(monkeypatch):
    """Collects what is to happen when the main thread has nothing more to do."""
    found = []
    monkeypatch.setattr(guard, "_later", None)
    monkeypatch.setattr(guard, "_standing_by", None)
    monkeypatch.setattr(threading, "_register_atexit", found.append)
    monkeypatch.setattr(afterwards.atexit, "register", lambda *_: None)
    return found


# --- in a process that goes on -------------------------------------------------------------------


def test_no_worker_is_kept_after_a_run_that_a_signal_ended(exits):
    worker = Told()
    gone = weakref.ref(worker)
    try:
        fluid.run(worker, deadline=5.0)
        del worker
        gc.collect()
        assert gone() is None
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_of_several_runs_that_a_signal_ended_the_last_is_held_by_one_guard(exits, monkeypatch):
    held, made = [], []

    class Noting:
        def __init__(self):
            made.append(self)

        def hold(self, left, path, *_):
            held.append(path)

    monkeypatch.setattr(guard, "Guard", Noting)
    for name in "first", "last":
        guard.hold_at_exit(5.0, name, Facts(), Front())
    assert held == []
    for begin in exits:
        begin()
    assert held == ["last"]
    assert len(made) == 1


def test_a_forked_child_has_nothing_to_hold(exits, monkeypatch):
    held = []
    monkeypatch.setattr(guard.Guard, "hold", lambda *args: held.append(args))
    guard.hold_at_exit(5.0, "app", Facts(), Front())
    guard._forget()
    exits[0]()
    assert held == []


def test_the_threads_of_an_executor_hold_up_the_exit_no_longer_than_the_deadline(start):
    process = start(
        """
        from concurrent.futures import ThreadPoolExecutor
        class Told(Worker):
            async def run(self):
                ThreadPoolExecutor(1).submit(time.sleep, 3600)
                signal.raise_signal(signal.SIGTERM)
                await self.sleep(inf)
        run(Told(), deadline=0.3)
        say("over")
        """
    )
    code, lines, errors = process.end()
    assert (code, lines) == (4, ["over"])
    last = "told: exit code 4: it was not gone 0.3 seconds after it had to stop; thread "
    assert errors[-1] == f"{last}ThreadPoolExecutor-0_0 still ran"


# --- what may break ------------------------------------------------------------------------------


def test_where_no_thread_can_begin_nothing_is_left_taken(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    loop = asyncio.new_event_loop()
    with pytest.raises(RuntimeError, match="new thread"):
        fluid.run(Told(), loop_factory=lambda: loop)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert loop.is_closed()


def test_the_handlers_are_given_back_although_nobody_reads_the_wakeups_any_more():
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.getsignal(signal.SIGTERM)

    class Closing(Worker):
        async def run(self):
            writer.close()

    wakeup = signal.set_wakeup_fd(writer.fileno())
    try:
        fluid.run(Closing())
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.set_wakeup_fd(wakeup)
        reader.close()


def test_last_words_that_raise_leave_the_exit_code_as_it_is(capsys):
    class Failing(Worker):
        async def run(self):
            raise ValueError("no")

    class Speechless(Front):
        def last_words(self, text, code):
            raise OSError("no terminal")

    playing = Play(Failing, {})
    playing.process._front = Speechless()
    assert playing.process.run() == 1
    playing.process.let_go()
    assert "OSError: no terminal" in capsys.readouterr().err


def test_a_dump_that_raises_keeps_no_last_words_back(monkeypatch):
    said, codes = [], []

    class Dumb(Front):
        def dump(self, text):
            raise OSError("no terminal")

        def last_words(self, text, code):
            said.append(text)

    monkeypatch.setattr(guard, "DYING_WORDS", 5.0)
    monkeypatch.setattr(guard, "arm_last_resort", lambda _: None)
    over = threading.Event()
    monkeypatch.setattr(guard, "leave", lambda code: (codes.append(code), over.set()))
    guard.hold(0.0, "app", Facts(overran=2.0), Dumb())
    assert over.wait(5.0)
    assert said == ["app: exit code 4: it was not gone 2 seconds after it had to stop"]
    assert codes == [4]


def test_a_clean_end_has_no_last_words():
    class Silent(Front):
        def last_words(self, text, code):
            pytest.fail(f"it said {text!r}")

    last_words.say(Silent(), "app", Facts(), 0)


class Broken:
    """A duty that cannot be done."""

    def next_look(self):
        raise TypeError("no such task")

    def look(self, now):
        pass


def test_a_duty_that_raises_is_given_up_and_the_deadline_is_held():
    overran = threading.Event()
    deadline = Deadline(0.01)
    watch = Watch(deadline, overran.set, lambda _: None, Broken())
    watch.start()
    deadline.start(steady_time())
    watch.poke()
    assert overran.wait(5.0)
    watch.end()


def test_a_copy_goes_by_and_anything_else_goes_to_whoever_had_the_signal_before():
    heard, count = [], SignalCount()
    count.count(signal.SIGUSR2, steady_time())
    before = signal.signal(signal.SIGUSR2, lambda *_: heard.append("handled"))
    try:
        copies = afterwards.Afterwards(signal.getsignal(signal.SIGUSR2), count)
        signal.signal(signal.SIGUSR2, copies)
        os.kill(os.getpid(), signal.SIGUSR2)
        assert heard == []
        count._counted_at[signal.SIGUSR2] = -inf
        os.kill(os.getpid(), signal.SIGUSR2)
        assert heard == ["handled"]
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_loop_that_takes_handlers_shares_what_it_hears():
    found, heard = [], []

    class Taking(Worker):
        async def run(self):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR2, heard.append, "usr2")
            found.append(now_heard_at())
            await asyncio.sleep(0.1)
            found.append(now_heard_at())
            os.kill(os.getpid(), signal.SIGUSR2)
            await asyncio.sleep(0.02)
            loop.remove_signal_handler(signal.SIGUSR2)

    fluid.run(Taking(), stall_threshold=0.01)
    assert found[0] != found[1]
    assert heard == ["usr2"]


def now_heard_at():
    """Returns the descriptor that the interpreter writes signals to."""
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    return descriptor
