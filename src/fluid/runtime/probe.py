"""Asks an event loop for signs of life, from another thread, and finds out who blocks it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf

from .. import logs
from ..clock import cpu_time, steady_time
from ..places import place_of
from ..record import Record
from ..worker.core import Core
from .stacks import core_of_task, thread_stack
from .stalls import Sight, StallWatch
from .voice import Voice

logger: logging.Logger = logging.getLogger("fluid.runtime")


class Stall(Record):
    """A block of the loop, and what was seen of it."""

    seconds: float
    stack: tuple[str, ...]
    task: str
    core: Core | None


class Probe:
    """Looks, asks, and tells.

    Args:
        loop: The loop.
        loop_thread: The thread that runs it.
        threshold: Seconds for which it may be blocked.
        tell: Called in the loop when a block is over.
        answered: Called in the loop with each answer.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        loop_thread: int,
        threshold: float,
        tell: Callable[[Stall], None],
        answered: Callable[[], None],
    ) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self._loop_thread: int = loop_thread
        self._tell: Callable[[Stall], None] = tell
        self._answered: Callable[[], None] = answered
        self._watch: StallWatch = StallWatch(threshold, steady_time(), cpu_time())
        self._answered_at: float = -inf
        self._seen: Stall | None = None
        self._voice: Voice = Voice()
        self._ask()

    def next_look(self) -> float:
        """Returns when to look again."""
        return self._watch.next_look()

    def look(self, now: float) -> None:
        """Looks whether the loop has answered, and why not."""
        match self._watch.look(now, cpu_time(), self._answered_at):
            case Sight.ASK:
                self._ask()
            case Sight.BLOCKED:
                self._seen = self._sample()
            case Sight.STILL_BLOCKED:
                self._seen = seen = self._sample()
                self._voice.say(lambda: _warn(seen))
            case Sight.OVER:
                self._in_loop(self._tell, self._whole())

    @property
    def blocked_for(self) -> float:
        """For how long the loop is blocked at this moment, as far as is known; 0 if it is not."""
        return 0.0 if self._seen is None else self._watch.seconds

    @property
    def blocker(self) -> str:
        """Who blocks it at this moment, and where; nothing if it is not blocked."""
        seen = self._seen
        return "" if seen is None else f"{_who(seen)}, {place_of(seen.stack)}"

    def end(self) -> None:
        """Tells, when the loop runs no more, of a block that was its last."""
        if self._seen is not None:
            self._tell(self._whole())

    def _ask(self) -> None:
        self._in_loop(self._answer)

    def _answer(self) -> None:
        self._answered_at = steady_time()
        self._answered()

    def _in_loop(self, function: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # it is closed: nobody is held up any more
            self._loop.call_soon_threadsafe(function, *args)

    def _sample(self) -> Stall:
        task = asyncio.current_task(self._loop)
        stack = thread_stack(self._loop_thread)
        if task is None:
            return Stall(self._watch.seconds, stack, "", None)
        return Stall(self._watch.seconds, stack, task.get_name(), core_of_task(task))

    def _whole(self) -> Stall:
        seen, self._seen = self._seen, None
        if seen is None:  # whoever blocked the loop did not let this thread run either
            return Stall(self._watch.seconds, (), "", None)
        return Stall(self._watch.seconds, seen.stack, seen.task, seen.core)


def _warn(stall: Stall) -> None:
    logger.warning(
        "%s has been blocking the event loop for %.1f seconds, %s; nobody else can run",
        _who(stall),
        stall.seconds,
        place_of(stall.stack),
        extra={"worker": "" if stall.core is None else stall.core.path},
    )


def _who(stall: Stall) -> str:
    return logs.blocker("" if stall.core is None else stall.core.path, stall.task)
