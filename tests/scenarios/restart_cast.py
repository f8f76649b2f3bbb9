"""What the scenarios of restarts share: children that fail to start, and what a supervisor did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from fluid import Supervisor
from fluid.testing import Simulation
from tests.scenarios.cast import Breakable, Planned
from tests.scenarios.supervised_cast import Lives, Maker

ENDS = ("WorkerStopped", "WorkerForceStopped", "WorkerFailed")
"""The events of an end, as :class:`Lives` writes them down."""

SETTLING = ("let_settle", "")
"""What stands in the log where :func:`let_settle` was called."""


class Startable(Breakable):
    """Takes its time in ``on_startup``, and raises, if it is told to."""

    start_error: BaseException | None = None

    def __init__(self, *, start_takes: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.start_takes = start_takes

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.start_takes:
            await asyncio.sleep(self.start_takes)
        if self.start_error is not None:
            raise self.start_error


class InVain(Maker):
    """Makes workers of which some fail to start.

    Args:
        fails: Is told the number of an incarnation, from 1 up, and returns whether it fails.
    """

    def __init__(self, name: str, fails: Callable[[int], bool], **options: Any) -> None:
        super().__init__(name, Startable, **options)
        self._fails = fails

    def __call__(self) -> Startable:
        worker: Startable = super().__call__()
        if self._fails(number := len(self.made)):
            worker.start_error = Planned(f"start {number} of {self.__name__}")
        return worker


def few_faults(sim: Simulation, app: Supervisor, *children: Maker) -> None:
    """Offers the faults that matter most for restarts; all of them are for a test of its own."""
    sim.offer("stop app", app.gracefully_stop)
    for child in children:
        sim.offer(f"break {child.__name__}", lambda child=child: child.now.break_())
        sim.offer(f"stop {child.__name__}", lambda child=child: child.now.gracefully_stop())


def all_but_the_first(number: int) -> bool:
    """Returns whether this is a restart."""
    return number > 1


def states_of(app: Supervisor) -> dict[str, str]:
    """Returns the state of each child, in order."""
    return {child.id: child.state.value for child in app.children()}


def history_of(lives: Lives) -> list[str]:
    """Returns which children were started and which ended, in order: ``start a``, ``end a``."""
    history = []
    for kind, path in lives.log:
        if "/" in path and kind in (*ENDS, "WorkerStarted"):
            verb = "start" if kind == "WorkerStarted" else "end"
            history.append(f"{verb} {path.rpartition('/')[2]}")
    return history


def since(lives: Lives, number: int) -> str:
    """Returns the history after the first so many of its entries, in one line."""
    return ", ".join(history_of(lives)[number:])


async def let_settle(lives: Lives) -> None:
    """Lets everything be decided that is there to decide."""
    lives.log.append(SETTLING)
    await asyncio.sleep(1)


def decisions_of(lives: Lives, child: str) -> Iterator[tuple[str, bool]]:
    """Yields the events of a child's ends, and whether a restart was scheduled after each.

    Ends before its supervisor was up, and after :func:`let_settle`, are left out; so is everything
    if that was stopped or gave up in between, since that overtakes any decision.
    """
    app, log = lives.root.worker_path, lives.log
    if ("WorkerReady", app) not in log or ("WorkerStopping", app) in log[: log.index(SETTLING)]:
        return
    up, settling = log.index(("WorkerReady", app)), log.index(SETTLING)
    own = [(number, kind) for number, (kind, path) in enumerate(log) if path == f"{app}/{child}"]
    for (number, kind), (_, follows) in zip(own, [*own[1:], (0, "")], strict=True):
        if kind in ENDS and up < number < settling:
            yield kind, follows == "RestartScheduled"
