"""What a scenario is handed: chance, the time of day, faults to offer, marks to leave.

A scenario is an async function that builds what it tests, lets it run, and asserts what has to be
true whatever the order. It may take a :class:`Simulation` as its first argument.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING

from ...errors import FluidError, FluidValueError
from .schedule import Schedule, stream

if TYPE_CHECKING:
    from .loop import ExploredLoop

HOUR = 3600.0


class SimulatedFaultError(FluidError):
    """What a job of an executor raises when the fault ``job`` has struck it."""


class Simulation:
    """One run of a scenario.

    Attributes:
        schedule: How it goes.
        seed: From which all that is random in it follows.
        loop: The loop that it runs on.
    """

    def __init__(self, schedule: Schedule, loop: ExploredLoop) -> None:
        self.schedule: Schedule = schedule
        self.seed: int = schedule.seed
        self.loop: ExploredLoop = loop
        self.marks: dict[str, bool] = {}
        """What :meth:`sometimes` was told, and whether it ever was so."""
        self.was_cancelled: bool = False
        """Whether the fault ``cancel`` struck the scenario's own task."""
        self._main: asyncio.Task[object] | None = None
        self._is_over = False
        self._streams: dict[str, Random] = {}
        self._offers: dict[str, Callable[[], object]] = {}

    def begin(self) -> None:
        """Is told, in the scenario's own task, that it begins."""
        self._main = asyncio.current_task()

    def end(self) -> None:
        """Is told that the scenario has ended; lets go of what it offered, so that it is judged."""
        self._main, self._is_over = None, True
        self._offers = dict.fromkeys(self._offers, object)

    def is_over(self) -> bool:
        """Returns whether the scenario has ended."""
        return self._is_over

    def cancel(self) -> bool:
        """Cancels the scenario's own task; returns whether it could."""
        self.was_cancelled = self._main is not None and self._main.cancel("the fault 'cancel'")
        return self.was_cancelled

    @property
    def offers(self) -> tuple[str, ...]:
        """The faults that the scenario offers, in the order in which it first did."""
        return tuple(self._offers)

    def random(self, name: str = "user") -> Random:
        """Returns a random stream of that name, the same object each time.

        Draw from it what the scenario varies. It does not touch the choices of the schedule.

        Args:
            name: Streams of different names are independent. Default "user".
        """
        if name not in self._streams:
            self._streams[name] = stream(self.seed, f"user/{name}")
        return self._streams[name]

    def offer(self, fault: str, action: Callable[[], object]) -> None:
        """Offers something that may go wrong; ``explore`` and ``sweep`` choose when it does.

        Args:
            fault: Its name, in reports and in replays: no ``+`` and no ``@``.
            action: Does it: ``task.cancel``, ``worker.gracefully_stop``. It is called between two
                steps, in the loop's thread and outside any task, and may be called more than once.
                Offering the same name again replaces it.

        Raises:
            FluidValueError: If there can be no fault of that name, or ``action`` is no function.
        """
        if not fault or "+" in fault or "@" in fault:
            raise FluidValueError(f"fault {fault!r} cannot be offered: a name without + and @ can")
        if not callable(action):
            raise FluidValueError(
                f"fault {fault!r} cannot be offered: {action!r} is no function to call"
            )
        if fault in BUILT_IN:
            raise FluidValueError(f"fault {fault!r} cannot be offered: it is always there")
        self._offers[fault] = action

    def sometimes(self, mark: str, happened: bool = True) -> None:
        """Says that something interesting has to happen in some of the schedules.

        An exploration in which ``mark`` was looked at, and never once had happened, fails: it has
        not tested what you meant it to test.

        Args:
            mark: What it is called in the report.
            happened: Whether it is so in this schedule. Default True.
        """
        self.marks[mark] = self.marks.get(mark, False) or happened

    def strike(self, fault: str) -> bool:
        """Makes a fault happen now; returns whether it could."""
        if (action := self._offers.get(fault)) is not None:
            if asyncio.iscoroutine(result := action()):
                result.close()
                raise FluidValueError(
                    f"fault {fault!r} cannot strike: its action is an async function. Offer a "
                    f"plain one, such as `worker.gracefully_stop` in place of `worker.shutdown`."
                )
            return True
        built_in = BUILT_IN.get(fault)
        return built_in is not None and built_in(self)


def _collect(_: Simulation) -> bool:
    gc.collect()
    return True


def _fail_job(sim: Simulation) -> bool:
    sim.loop.fail_next_job(SimulatedFaultError("the fault 'job' struck"))
    return True


def _wall(seconds: float) -> Callable[[Simulation], bool]:
    def step(sim: Simulation) -> bool:
        sim.loop.wall.step(seconds)
        return True

    return step


def _signal(sig: signal.Signals) -> Callable[[Simulation], bool]:
    def raise_signal(sim: Simulation) -> bool:
        if not sim.loop.handles_signal(sig):
            return False
        sim.loop.raise_signal(sig)
        return True

    return raise_signal


BUILT_IN: Mapping[str, Callable[[Simulation], bool]] = {
    "cancel": Simulation.cancel,
    "gc": _collect,
    "job": _fail_job,
    "wall-forward": _wall(HOUR),
    "wall-back": _wall(-HOUR),
    "SIGINT": _signal(signal.SIGINT),
    "SIGTERM": _signal(signal.SIGTERM),
}
"""Faults that need no offer. ``cancel``: the scenario's own task is cancelled; it may then raise
``CancelledError``, and has to leave nothing behind. ``gc``: the garbage collector runs. ``job``:
the next job of an executor raises. ``wall-forward``, ``wall-back``: the time of day steps by an
hour. ``SIGINT``, ``SIGTERM``: the loop's handler of that signal, if there is one, is called."""
