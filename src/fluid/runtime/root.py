"""The root worker of a process, from its start to its end, whoever wants that end and however."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import events, logs, tasks
from ..errors import FluidError
from ..health import Phase
from ..worker import Worker
from ..worker.fresh import Make, is_usable, made_by
from ..worker.starter import never_started
from . import stages
from .deadline import Deadline
from .ending import Ending
from .exit_codes import Facts
from .noting import note_end, note_failed_make, note_failed_open, note_failed_start
from .outside import Outside
from .probe import Stall
from .undone import is_abandoned, undone

logger: logging.Logger = logging.getLogger("fluid.runtime")


class Root:
    """A worker on an event loop of its own, and the next one if it is to be restarted.

    Args:
        make: Makes the worker; called in the loop.
        name: What it is called as long as there is none.
        loop: The loop.
        deadline: What the worker's stop has to keep to.
        must_end: Called at the beginning of that stop.
        outside: Is told how it goes.
        ending: What is wanted of the worker.
    """

    def __init__(
        self,
        make: Make,
        name: str,
        loop: asyncio.AbstractEventLoop,
        deadline: Deadline,
        must_end: Callable[[], None],
        outside: Outside,
        ending: Ending,
    ) -> None:
        self.facts: Facts = Facts()
        self.has_left_behind: bool = False
        """Whether somebody refused to end, of this worker or of one before it."""
        self._make: Make = make
        self._name: str = name
        self._loop: asyncio.AbstractEventLoop = loop
        self._deadline: Deadline = deadline
        self._must_end: Callable[[], None] = must_end
        self._outside: Outside = outside
        self._ending: Ending = ending

    @property
    def path(self) -> str:
        """What it is called."""
        return self._outside.health.path

    @property
    def worker(self) -> Worker | None:
        """The present one, or the last."""
        return self._outside.health.worker

    def undone(self) -> tuple[str, ...]:
        """Returns what it has left undone, in words."""
        return () if self.worker is None else undone(self.worker)

    def live_out(self, begin: Callable[[], None]) -> None:
        """Runs the loop until the worker has ended.

        Whatever ends the loop before, a ``SystemExit`` from ``after_shutdown`` for one, or a call
        of ``loop.stop()``, is a request to stop; everybody still gets the time for it.

        Args:
            begin: Called in the loop first.
        """
        self._loop.call_soon(begin)
        life = tasks.spawn(
            self._live(), loop=self._loop, name="fluid.run", on_end=lambda _: self._loop.stop()
        )
        while not life.done():
            with self.noting_exits():
                self._loop.run_forever()
            if not life.done():
                self._loop.call_soon(self._ending.stop)
        if not life.cancelled():
            life.result()

    @contextmanager
    def noting_exits(self) -> Iterator[None]:
        """Notes what asks for the end of the process, instead of letting it through."""
        try:
            yield
        except (SystemExit, KeyboardInterrupt) as error:
            if self.facts.escaped is None:
                self.facts.escaped = error

    def tell_stall(self, stall: Stall) -> None:
        """Says that the loop was blocked; it is the root's affair where nobody else is known."""
        self._outside.stalls.add(stall.seconds)
        core = stall.core
        root = None if self.worker is None else self.worker._worker
        if (about := core or root) is not None:
            event = events.LoopStalled
            about.emit(event, stall.seconds, stall.stack, stall.task, core is not None)
        else:
            line = logs.stall_line("", stall.task, stall.seconds, stall.stack)
            logs.safely(logger.warning, "%s", line)

    # --- living ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Lives one life after the other, with the server beside them."""
        try:
            # A stop may have been asked for already, by a signal that came before the loop ran.
            if not self._ending.stop_asked and await self._open_outside():
                await self._live_lives()
        finally:
            self._outside.turn(Phase.STOPPING)
            self._must_end()
            self.has_left_behind |= not await self._outside.close(self._deadline)
            self._outside.turn(Phase.ENDED)

    async def _open_outside(self) -> bool:
        """Lets those outside look on; returns whether that went well."""
        self._ending.starter = asyncio.current_task()
        try:
            self._outside.prepare()
            self._outside.turn(Phase.STARTING)
            await self._outside.open()
        except BaseException as error:
            note_failed_open(self.facts, error, was_asked=self._ending.is_asked)
            return False
        finally:
            self._ending.starter = None
        return True

    async def _live_lives(self) -> None:
        """Lives one life after the other, until nobody wants another one."""
        self._ending.has_begun = True
        while True:
            await self._live_once()
            await tasks.pause()  # an exit that a hook asked for takes uvloop one step more
            if self._ending.stop_asked or not self._ending.restart_asked or self.facts.has_failed:
                return
            self._ending.restart_asked = False
            for sentence in self.undone():
                self._outside.say(logging.WARNING, f"the restart of %s goes on, but {sentence}")

    async def _live_once(self) -> None:
        self._ending.starter = maker = asyncio.current_task()
        assert maker is not None
        self._outside.progress.begin_making(self._name, maker)
        try:
            worker = await self._made()
        except BaseException as error:
            if not (isinstance(error, asyncio.CancelledError) and self._ending.is_asked):
                debug = self._loop.get_debug()
                note_failed_make(self.facts, error, self._name, debug=debug)
            return
        finally:
            self._ending.starter = None
            self._outside.progress.end()
        if worker is None:
            return
        self._outside.health.worker = worker
        if self._ending.is_asked:  # meanwhile, and the factory did not heed it
            return
        unsubscribe = worker.subscribe(self._heed)
        try:
            await self._start(worker)
            await self._wait_for_end(worker)
        finally:
            unsubscribe()
            self._ending.end_drain()
            self._outside.progress.end()
            self.has_left_behind |= is_abandoned(worker)

    async def _made(self) -> Worker | None:
        worker = await made_by(self._make)
        if worker is self.worker and worker is not None:  # the same one again, after its end
            worker._worker.reborn()
        try:
            return is_usable(worker, f"{self._name} has to make", "{}")
        except FluidError as error:
            self.facts.usage_error = error
            return None

    def _heed(self, event: events.WorkerEvent) -> None:
        """Heeds the beginning of the root's own stop."""
        if not isinstance(event, events.WorkerStopping) or event.path != self.path:
            return
        assert self.worker is not None
        if not self._ending.restart_asked:
            self._outside.turn(Phase.STOPPING)
            self._must_end()
            self._loop.call_soon(self._ending.keep_to_deadline)
        self._outside.progress.begin(self.worker, stages.STOPPING, event.bound)

    async def _start(self, worker: Worker) -> None:
        self._ending.starter = asyncio.current_task()
        self._outside.progress.begin(worker, stages.STARTING, worker.start_timeout or float("inf"))
        try:
            await worker.startup()
            if not worker.has_started():
                raise never_started(worker.worker_name)
        except BaseException as error:
            note_failed_start(self.facts, error, worker, was_asked=self._ending.is_asked)
        else:
            if not self._ending.is_asked and worker.is_running():
                self._outside.turn(Phase.READY)
            self._compare_with_deadline(worker)
        finally:
            self._ending.starter = None
            if worker.is_running():
                self._outside.progress.end()

    def _compare_with_deadline(self, worker: Worker) -> None:
        bound, limit = worker.worker_stop_bound, self._deadline.for_tree
        if bound > limit:
            self._outside.say(
                logging.INFO,
                f"%s may need {bound:.1f} seconds to stop if all goes wrong, and "
                f"{self._deadline.words}; all periods would then be {limit / bound:.2f} times as "
                f"long",
            )

    async def _wait_for_end(self, worker: Worker) -> None:
        life = worker._worker.life
        if life is None:
            return
        if (
            self.facts.start_error is not None
        ):  # an override of startup() may fail and leave it running
            self._loop.call_soon(self._ending.stop)
        while life.outcome is None:
            try:
                await life.wait_ended()
            except asyncio.CancelledError:  # whoever cancels all the tasks there are wants an end
                self._loop.call_soon(self._ending.stop)
        note_end(self.facts, life)
