"""All that has to do with one run: the loop, the root worker, the signals, the thread."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf

from .. import logs
from ..clock import steady_time
from ..errors import FluidError, FluidValueError
from ..settings import duration
from ..worker.fresh import Make
from . import last_words, stacks
from .deadline import Deadline
from .ending import Ending
from .exit_codes import Facts, exit_code, reason
from .front import Front
from .guard import DYING_WORDS, arm_last_resort, disarm_last_resort, hold, hold_at_exit, leave
from .outside import Outside
from .probe import Probe, Stall
from .requests import Requests
from .root import Root
from .settings import Settings
from .signals import DUMP, SIGNALS, Signals
from .voice import Voice
from .watch import Watch

logger: logging.Logger = logging.getLogger("fluid.runtime")

SAME_DUMP = 0.5
"""Seconds in which a request to show where everything is counts once."""


class Process:
    """One run of a worker, from :meth:`run` until it is let go of, or kept to the very end."""

    def __init__(self, make: Make, name: str, settings: Settings, front: Front) -> None:
        _check(settings)
        self._settings: Settings = settings
        self._front: Front = front
        self._runner: asyncio.Runner = asyncio.Runner(
            debug=settings.debug or None, loop_factory=settings.loop_factory
        )
        self._loop: asyncio.AbstractEventLoop = self._runner.get_loop()
        self._thread: int = threading.get_ident()
        self._is_main: bool = threading.current_thread() is threading.main_thread()
        seconds = settings.deadline if self._is_main else inf
        self._deadline: Deadline = Deadline(seconds, settings.drain_delay)
        self._probe: Probe | None = self._new_probe()
        self._outside: Outside = Outside(self._loop, name, settings, front, self._probe)
        ending = Ending(self._loop, self._deadline, self._outside, self._must_end)
        self._root: Root = Root(
            make,
            name,
            self._loop,
            self._deadline,
            self._must_end,
            self._outside,
            ending,
        )
        requests = Requests(ending, self._deadline, self._outside.say)
        self._watch: Watch = Watch(self._deadline, self._overrun, self._hear, self._probe)
        self._signals: Signals = Signals(self._loop, requests, self._must_end, self._watch)
        self._voice: Voice = Voice()
        self._is_armed: threading.Lock = threading.Lock()
        """Taken once, by whoever arms the last resort: several may want to at the same moment."""
        self._dumped_at: float = -inf

    def _new_probe(self) -> Probe | None:
        threshold = self._settings.stall_threshold
        if not threshold:
            return None
        return Probe(self._loop, self._thread, threshold, self._tell_stall, self._hear_again)

    def _tell_stall(self, stall: Stall) -> None:
        """Says that the loop was blocked."""
        self._root.tell_stall(stall)

    def _hear_again(self) -> None:
        """Takes back what a loop has taken that a worker has given a signal handler to."""
        self._signals.hear()

    def run(self) -> int:
        """Runs until the worker has ended, and returns the exit code."""
        try:
            self._watch.start()
            self._signals.take()
            return self._live_out()
        except BaseException:  # no thread can begin, or a defect of fluid's: nothing is left taken
            self.let_go()
            self._outside.dismiss()
            self._runner.close()
            raise

    def keep(self) -> None:
        """Keeps signals and deadline to the end of the process, which is now."""
        self._signals.keep()
        self._watch.end()
        self._must_end()
        self._hand_over(hold)

    def let_go(self) -> None:
        """Gives the signals back; a deadline that a signal has begun is held at the exit."""
        self._signals.give_back()
        self._watch.end()
        if self._deadline.is_running:  # what comes after run() has its own time
            disarm_last_resort()
        if self._signals.count.has_come:
            self._hand_over(hold_at_exit)

    def _must_end(self) -> None:
        """Lets the deadline run, if it does not; in the loop, in a signal handler, in a thread."""
        if self._deadline.seconds < inf:
            self._deadline.start(steady_time())
            if self._is_armed.acquire(blocking=False):
                arm_last_resort(self._deadline.seconds)
                self._watch.poke()

    def _hand_over(self, held: Callable[[float, str, Facts, Front], None]) -> None:
        """Has what is left of the deadline held without the worker, which may be freed."""
        if self._deadline.is_running:
            repeated = self._root.facts.repeated_signal
            facts = Facts(repeated_signal=repeated, overran=self._deadline.seconds)
            front = self._outside.front_at_exit()
            held(self._deadline.left(steady_time()), self._root.path, facts, front)

    def _live_out(self) -> int:
        root, facts, count = self._root, self._root.facts, self._signals.count
        root.live_out(self._signals.hear)
        self._must_end()
        self._watch.forget_duty()
        if self._probe is not None:
            self._probe.end()
        facts.undone = root.undone()
        if not root.has_left_behind:  # else asyncio's teardown would wait for what refuses to end
            with root.noting_exits():
                # Waits for the threads of the default executor, too: that they end in time is a
                # matter of the deadline.
                self._runner.close()
        self._signals.leave()
        facts.repeated_signal = count.repeated
        code = exit_code(facts)
        if root.has_left_behind and self._is_main:
            logging.shutdown()
            self._say_last_words(code)
            leave(code)
        self._say_last_words(code)
        return code

    def _say_last_words(self, code: int) -> None:
        facts = self._root.facts
        last_words.say(self._front, self._root.path, facts, code)
        self._outside.last_words(reason(facts), code)

    # --- in the thread that watches --------------------------------------------------------------

    def _hear(self, number: int) -> None:
        """Hears a signal, also where the main thread does not come to handle it."""
        now = steady_time()
        if number in SIGNALS:
            self._must_end()
            if self._probe is not None and (blocker := self._probe.blocker):
                self._voice.say(partial(self._say_heard, number, blocker))
        elif number == DUMP and now - self._dumped_at >= SAME_DUMP:
            self._dumped_at = now
            self._voice.say(self._dump)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(_do_nothing)  # wakes the main thread for its handlers

    def _say_heard(self, number: int, blocker: str) -> None:
        """Answers a signal in place of the loop, which cannot."""
        logger.warning(
            "%s: %s is to stop, and cannot while %s; the process is gone in %.0f seconds",
            signal.Signals(number).name,
            self._root.path,
            f"{blocker} blocks the event loop",
            max(self._deadline.left(steady_time()), 0.0),
            extra={"worker": self._root.path},
        )

    def _dump(self) -> None:
        root = self._root
        blocked_for = 0.0 if self._probe is None else self._probe.blocked_for
        text = stacks.dump(root.worker, self._loop, self._thread, self._outside.stalls, blocked_for)
        self._front.dump(text)

    def _overrun(self) -> None:
        """Ends the process, which had to be gone by now."""
        facts = self._root.facts
        facts.overran = self._deadline.seconds
        facts.repeated_signal = self._signals.count.repeated
        with suppress(Exception):  # the tree may be changing at this moment
            facts.undone = self._root.undone()
            if self._root.worker is None or self._root.worker.is_stopped():
                facts.undone += stacks.threads_left()
        code = exit_code(facts)

        def say() -> None:
            logs.safely(self._dump)  # the tree may be changing at this moment
            self._say_last_words(code)

        self._voice.say_within(DYING_WORDS, say)
        leave(code)


def _check(settings: Settings) -> None:
    duration("stall_threshold", settings.stall_threshold)
    duration("drain_delay", settings.drain_delay)
    if not duration("deadline", settings.deadline):
        raise FluidValueError("a deadline of 0 seconds leaves no time for a stop; 25 is usual")
    settings.check_drain_delay()
    if asyncio._get_running_loop() is not None:  # the only one that answers without raising
        raise FluidError(
            "fluid.run() makes an event loop of its own, and one is running here already; "
            "write  await worker.startup()  or  async with worker: ..."
        )


def _do_nothing() -> None:
    pass
