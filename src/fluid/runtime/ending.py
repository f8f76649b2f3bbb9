"""How the root worker is asked to end: gently, after its drain delay, for another, or by force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .. import tasks
from ..clock import steady_time
from ..health import Phase
from ..worker import Worker
from ..worker.core import Core
from .deadline import Deadline
from .noting import ask_to_end
from .outside import Outside


class Ending:
    """What is wanted of the root, from the first request on.

    Args:
        loop: The process's event loop, in which all of it is called.
        deadline: What the stop has to keep to, and when it is to begin.
        outside: Is told before anything follows, and knows which worker is the root.
        must_end: Lets the deadline run.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadline: Deadline,
        outside: Outside,
        must_end: Callable[[], None],
    ) -> None:
        self.stop_asked: bool = False
        """Whether there is to be no other life after this one."""
        self.restart_asked: bool = False
        """Whether there is, as this one is to end."""
        self.has_begun: bool = False
        """Whether there is or was a life: before the first, there is nothing to restart."""
        self.starter: asyncio.Task[None] | None = None
        """The task that makes the worker or is inside ``startup()``, while one is."""
        self._loop: asyncio.AbstractEventLoop = loop
        self._deadline: Deadline = deadline
        self._outside: Outside = outside
        self._must_end: Callable[[], None] = must_end
        self._drain_timer: asyncio.TimerHandle | None = None
        """When the worker is asked to stop, as the drain delay is over by then."""

    @property
    def is_asked(self) -> bool:
        """Whether this life is to end."""
        return self.stop_asked or self.restart_asked

    @property
    def is_under_way(self) -> bool:
        """Whether this life ends, or is to, whoever began that."""
        return self.is_asked or self._outside.is_leaving

    def stop(self) -> None:
        """Asks the worker to stop, once, and sees to it that its bound holds."""
        if self.stop_asked:
            return
        self.stop_asked = True
        self._outside.turn(Phase.STOPPING)
        self._must_end()
        self.keep_to_deadline()
        self._drain()

    def restart(self) -> None:
        """Asks the worker to stop for another one."""
        self.restart_asked = True
        self._outside.turn(Phase.RESTARTING)
        self._drain()

    def force(self) -> None:
        """Takes away what is left of the grace."""
        self.end_drain()
        if self._worker is not None:
            self._worker._worker.force()
        self._give_up_start()
        self._outside.force()

    def keep_to_deadline(self) -> None:
        """Shrinks the stop of the tree, where it has begun or not, to the time that there is."""
        if self._worker is not None and self._deadline.is_running:
            core = self._worker._worker
            core.deadline = self._loop.time() + self._deadline.left_for_tree(steady_time())
            core.hurry(core.deadline)

    # --- draining --------------------------------------------------------------------------------

    def drains(self) -> bool:
        """Returns whether there is work that may go on for a while after a request to stop.

        There is in a tree that has been ready: whoever sends it work has not noticed yet where
        somebody below is down for a moment.
        """
        has_work = self._worker is not None and Core.is_ready(self._worker._worker)
        return has_work and self._deadline.drain_delay > 0

    def end_drain(self) -> None:
        """Ends the delay, if one goes on."""
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None

    def _drain(self) -> None:
        """Asks the worker to stop, as soon as nobody can be about to send it work any more."""
        if self._drain_timer is not None:
            return
        if self.drains():
            self._outside.progress.begin_draining(
                self._outside.health.path, self._deadline.drain_delay
            )
            self._drain_timer = self._loop.call_later(self._deadline.drain_delay, self._end_worker)
        else:
            self._end_worker()

    # --- ending ----------------------------------------------------------------------------------

    @property
    def _worker(self) -> Worker | None:
        return self._outside.health.worker

    def _end_worker(self) -> None:
        """Asks the worker to stop, and gives up a start that is under way."""
        try:
            if self._worker is not None:
                ask_to_end(self._worker)
        finally:
            self._give_up_start()

    def _give_up_start(self) -> None:
        if self.starter is not None:
            tasks.cancel(self.starter, "fluid: the process was asked to stop")
